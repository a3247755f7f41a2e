"""95 % intervals of scores: percentile bootstrap over clips or over groups of clips, and Wilson's closed form."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import score
from mgc_keras.evaluation.resampling import bootstrap_scores, unit_sums

N_RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A score and the interval that holds the true one with the stated confidence (95 % unless asked otherwise)."""

    score: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.score:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_interval(
    truth: np.ndarray,
    prediction: np.ndarray,
    metric: str = "accuracy",
    *,
    folds: np.ndarray | None = None,
    weighting: str = "pooled",
    groups: np.ndarray | None = None,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Score predictions, with a percentile bootstrap interval over clips or over groups.

    Parameters
    ----------
    truth, prediction : np.ndarray [shape=(n_clips,)]
    metric, folds, weighting
        As in `mgc_keras.evaluation.metrics.score`.
    groups : np.ndarray [shape=(n_clips,)], optional
        For instance artists: whole groups are drawn, because clips of one artist are no independent evidence. The
        interval is then usually wider. By default single clips are drawn.
    n_resamples : int
        2000 leaves the ends of the interval uncertain by about 3 % of its width.
    confidence : float
        Between 0 and 1.
    seed : int

    Returns
    -------
    Interval

    Raises
    ------
    OptionError
        Fewer than two clips or groups, an unknown metric or weighting, unusable predictions.

    References
    ----------
    Efron, B., Tibshirani, R.: An introduction to the bootstrap, 1993, chapter 13.

    Example
    -------
    >>> interval = bootstrap_interval([0, 1] * 50, [0, 0] * 50)
    >>> interval.score
    0.5
    >>> 0.39 < interval.low < 0.42 and 0.58 < interval.high < 0.61
    True
    """
    _check_confidence(confidence)
    point = score(truth, prediction, metric, folds, weighting)
    sums = unit_sums(truth, prediction, metric, folds, weighting, groups)
    low, high = percentiles(bootstrap_scores(sums, metric, weighting, n_resamples, seed), confidence)
    return Interval(point, low, high)


def percentiles(resampled: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """Return the ends of the central interval of resampled scores; undefined (NaN) resamples are left out.

    Raises
    ------
    OptionError
        No resample has a defined score.
    """
    defined = resampled[np.isfinite(resampled)]
    if len(defined) == 0:
        raise OptionError("no resample of these clips has a defined score", cure="score more clips")
    tail = 50 * (1 - confidence)
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def wilson_interval(n_correct: int, n_clips: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's interval for an accuracy: a closed form, right also near 0 and 1.

    Raises
    ------
    OptionError
        Counts that cannot be, or a confidence outside 0 to 1.

    References
    ----------
    Wilson, E. B.: Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
    """
    _check_confidence(confidence)
    if not 0 <= n_correct <= n_clips or n_clips < 1:
        raise OptionError(f"{n_correct} of {n_clips} clips cannot be correct", cure="give counts of clips")
    share, z = n_correct / n_clips, norm.ppf(0.5 + confidence / 2)
    centre = (share + z**2 / (2 * n_clips)) / (1 + z**2 / n_clips)
    half = z / (1 + z**2 / n_clips) * np.sqrt(share * (1 - share) / n_clips + z**2 / (4 * n_clips**2))
    return Interval(share, float(centre - half), float(centre + half))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise OptionError(f"confidence {confidence} is no share", field="confidence", cure="use 0.95, for instance")
