"""Comparing two ways of training over folds and over seeds: Nadeau and Bengio's corrected t-test, plain t-intervals."""

import numpy as np
from scipy.stats import t as student

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.paired import Comparison


def corrected_t_test(differences: np.ndarray, test_share: float, confidence: float = 0.95) -> Comparison:
    """Test whether a difference, measured on the folds of a repeated cross-validation, is zero.

    Folds share most of their training clips, so their differences are no independent evidence: the plain paired t-test
    finds differences that are not there. The variance of the mean is therefore taken as (1/n + n_test/n_training) times
    the variance over folds.

    Parameters
    ----------
    differences : np.ndarray [shape=(n_folds,)]
        One number a fold (of every repetition).
    test_share : float
        Test clips for each training clip: 1/9 in 10-fold cross-validation.
    confidence : float
        Of the interval.

    Raises
    ------
    OptionError
        Fewer than two folds, or a share that is not positive.

    References
    ----------
    Nadeau, C., Bengio, Y.: Inference for the generalization error, Machine Learning 52, 2003, section 4.

    Example
    -------
    >>> found = corrected_t_test(np.array([0.02, 0.04, 0.03, 0.05]), 1 / 3)
    >>> round(found.difference, 3), found.p_value < 0.05
    (0.035, True)
    """
    differences = np.asarray(differences, np.float64)
    if len(differences) < 2 or not np.isfinite(differences).all():
        raise OptionError(f"{len(differences)} folds cannot be tested", field="folds", cure="give two or more folds")
    if not test_share > 0:
        raise OptionError(
            f"{test_share} test clips for each training clip", field="test_share", cure="give more than 0"
        )
    error = np.sqrt((1 / len(differences) + test_share) * differences.var(ddof=1))
    return _comparison(differences.mean(), error, len(differences) - 1, confidence)


def seed_interval(differences: np.ndarray, confidence: float = 0.95) -> Comparison:
    """Return mean, t-interval and t-test of a difference measured once a seed.

    The same clips stand behind every seed: the interval says how much depends on chance in training and in folds, not
    how much on the choice of clips.

    Raises
    ------
    OptionError
        Fewer than two seeds.
    """
    differences = np.asarray(differences, np.float64)
    if len(differences) < 2 or not np.isfinite(differences).all():
        raise OptionError(f"{len(differences)} seeds give no interval", field="seeds", cure="give two or more")
    error = np.sqrt(differences.var(ddof=1) / len(differences))
    return _comparison(differences.mean(), error, len(differences) - 1, confidence)


def _comparison(mean: float, error: float, freedom: int, confidence: float) -> Comparison:
    if error == 0:
        return Comparison(float(mean), float(mean), float(mean), 1.0 if mean == 0 else 0.0)
    half = student.ppf(0.5 + confidence / 2, freedom) * error
    p_value = 2 * student.sf(abs(mean) / error, freedom)
    return Comparison(float(mean), float(mean - half), float(mean + half), float(p_value))
