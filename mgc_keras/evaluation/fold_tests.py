"""Comparing two ways of training over folds and over seeds: Nadeau and Bengio's corrected t-test, plain t-intervals."""

import math
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.paired import Comparison, holm

# What is compared: training accuracy minus validation accuracy is the gap that over-fitting opens.
QUANTITIES = ("training_accuracy", "validation_accuracy", "gap")
_COLUMNS = "task protocol quantity mean_a mean_b difference ci_low ci_high p_value n_seeds".split()


def corrected_t_test(differences: np.ndarray, test_share: float, *, largest: float = math.inf) -> Comparison:
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
    largest : float
        The largest difference that there can be, at which the interval ends: 1 between shares. Default: any.

    Raises
    ------
    OptionError
        Fewer than two folds, or a share that is not positive.

    References
    ----------
    Nadeau, C., Bengio, Y.: Inference for the generalization error, Machine Learning 52, 2003, section 4.
    """
    differences = np.asarray(differences, np.float64)
    if len(differences) < 2 or not np.isfinite(differences).all():
        raise OptionError(f"{len(differences)} folds cannot be tested", field="folds", cure="give two or more folds")
    if not test_share > 0:
        problem = f"{test_share} test clips for each training clip"
        raise OptionError(problem, field="test_share", cure="give more than 0")
    return _t_test(differences, (1 / len(differences) + test_share) * differences.var(ddof=1), largest)


def seed_interval(differences: np.ndarray, *, largest: float = math.inf) -> Comparison:
    """Return mean, t-interval and t-test of a difference measured once a seed; `largest` as of `corrected_t_test`.

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
    return _t_test(differences, differences.var(ddof=1) / len(differences), largest)


def overfitting_over_seeds(
    seeds: pd.DataFrame, network_a: str, network_b: str, quantities: Sequence[str] = QUANTITIES
) -> pd.DataFrame:
    """Compare two networks that were trained with the same seeds on the same clips.

    Parameters
    ----------
    seeds : pd.DataFrame
        Columns task, protocol, network, seed, training_accuracy, validation_accuracy: one row a training.
    network_a, network_b : str
    quantities : sequence of str
        "gap", and columns of `seeds` that hold shares.

    Returns
    -------
    pd.DataFrame
        One row a task, protocol and quantity: mean_a, mean_b, difference (a minus b), ci_low, ci_high,
        p_value, p_holm (over all rows of a protocol), n_seeds. No row where fewer than two seeds were run.

    Raises
    ------
    KeyError
        A column is missing.
    """
    seeds = seeds.assign(gap=seeds["training_accuracy"] - seeds["validation_accuracy"])
    rows = []
    for (task, protocol), cell in seeds.groupby(["task", "protocol"], sort=False):
        wide = cell.pivot(index="seed", columns="network", values=list(quantities))
        if not {network_a, network_b} <= set(cell["network"]):
            continue
        for quantity in quantities:
            pairs = wide[quantity][[network_a, network_b]].dropna()
            if len(pairs) < 2:
                continue
            means = pairs[network_a].mean(), pairs[network_b].mean()
            # Shares differ by 1 at most, gaps between them by 2.
            largest = 2.0 if quantity == "gap" else 1.0
            found = seed_interval((pairs[network_a] - pairs[network_b]).to_numpy(), largest=largest)
            rows.append((task, protocol, quantity, *means, *astuple(found), len(pairs)))
    table = pd.DataFrame(rows, columns=_COLUMNS if rows else None)
    if len(table):
        table["p_holm"] = table.groupby("protocol")["p_value"].transform(lambda values: holm(values.to_numpy()))
    return table


def _t_test(differences: np.ndarray, variance: float, largest: float) -> Comparison:
    """Test the mean of differences, which has this variance; without any, they show nothing."""
    mean, error = float(differences.mean()), np.sqrt(variance)
    if error == 0:
        return Comparison(mean, np.nan, np.nan, 1.0)
    freedom = len(differences) - 1
    half = student.ppf(0.975, freedom) * error
    p_value = 2 * student.sf(abs(mean) / error, freedom)
    return Comparison(mean, max(-largest, mean - half), min(largest, mean + half), float(p_value))
