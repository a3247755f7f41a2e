"""Is one feature better than another on the same clips? Exact McNemar, sign swaps, paired bootstrap, Holm."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.intervals import N_RESAMPLES, percentiles
from mgc_keras.evaluation.metrics import same_length, score
from mgc_keras.evaluation.resampling import bootstrap_scores, unit_sums
from mgc_keras.threads import one_thread

N_SWAPS = 10_000  # so that the smallest p-value is 1 / 10 001


@dataclass(frozen=True)
class Comparison:
    """The score of `a` minus that of `b` on the same clips, its 95 % interval, and the test of "no difference"."""

    difference: float
    low: float
    high: float
    p_value: float


def mcnemar(truth: np.ndarray, prediction_a: np.ndarray, prediction_b: np.ndarray) -> float:
    """Return the exact two-sided p-value that two classifiers are right equally often on the same clips.

    Only clips that one of them gets right and the other wrong carry evidence: if both are equally good, each of these
    is a fair coin. Exact, so it holds for few clips too. Clips are taken to be independent.

    Raises
    ------
    OptionError
        No clips, or lengths that differ.

    References
    ----------
    McNemar, Q.: Note on the sampling error of the difference between correlated proportions, Psychometrika 12, 1947.

    Example
    -------
    >>> mcnemar([1] * 6, [1] * 6, [0] * 6)
    0.03125
    """
    truth, prediction_a = same_length(truth, prediction_a)
    truth, prediction_b = same_length(truth, prediction_b)
    right_a, right_b = truth == prediction_a, truth == prediction_b
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    if only_a + only_b == 0:
        return 1.0
    return float(min(1.0, 2 * binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)))


@one_thread()
def swap_test(
    truth: np.ndarray,
    prediction_a: np.ndarray,
    prediction_b: np.ndarray,
    metric: str = "accuracy",
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> float:
    """Return the two-sided p-value of swapping, at random, the two systems' predictions clip by clip or group by group.

    If the two are equally good, it makes no difference whose prediction is whose. Both metrics, over all clips pooled,
    are linear in the clips' losses (the spread of the truth stays), so a swap flips the sign of a loss difference.

    Parameters
    ----------
    truth, prediction_a, prediction_b : np.ndarray [shape=(n_clips,)]
    metric : str
        "accuracy" or "r2".
    groups : np.ndarray [shape=(n_clips,)], optional
        Swap all clips of a group (an artist) together.
    seed : int

    Raises
    ------
    OptionError
        Lengths that differ, an unknown metric, unusable predictions.

    References
    ----------
    Good, P.: Permutation, parametric and bootstrap tests of hypotheses, 2005, section 3.6.
    """
    # How much more `a` adds to the score than `b` (for r2: less), up to a common factor.
    sums_a, sums_b = (unit_sums(truth, guess, metric, None, "pooled", groups) for guess in (prediction_a, prediction_b))
    differences = (sums_a - sums_b)[:, 0, -1]
    observed = abs(differences.sum())
    generator = np.random.default_rng(seed)
    # Half a rounding error below, or sums equal but for their order would count as smaller.
    threshold = observed - 1e-12 * np.abs(differences).sum()
    step = max(1, (1 << 22) // len(differences))
    n_as_large = 0
    for start in range(0, N_SWAPS, step):
        signs = generator.integers(2, size=(min(step, N_SWAPS - start), len(differences))) * 2.0 - 1.0
        n_as_large += int(np.sum(np.abs(signs @ differences) >= threshold))
    return (n_as_large + 1) / (N_SWAPS + 1)


def compare(
    truth: np.ndarray,
    prediction_a: np.ndarray,
    prediction_b: np.ndarray,
    metric: str = "accuracy",
    *,
    folds: np.ndarray | None = None,
    weighting: str = "pooled",
    groups: np.ndarray | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two systems on the same clips: difference, paired bootstrap interval, and p-value.

    The p-value is exact McNemar's for accuracy over single clips, and `swap_test`'s otherwise.

    Parameters
    ----------
    truth, prediction_a, prediction_b : np.ndarray [shape=(n_clips,)]
    metric, folds, weighting
        As in `mgc_keras.evaluation.metrics.score`.
    groups : np.ndarray [shape=(n_clips,)], optional
        Draw and swap whole groups (artists).
    n_resamples, seed : int
        As in `bootstrap_interval`; both systems see the same resamples.

    Raises
    ------
    OptionError
        As `bootstrap_interval`.
    """
    scores, resampled = [], []
    for prediction in (prediction_a, prediction_b):
        scores.append(score(truth, prediction, metric, folds, weighting))
        sums = unit_sums(truth, prediction, metric, folds, weighting, groups)
        resampled.append(bootstrap_scores(sums, metric, weighting, n_resamples, seed))
    low, high = percentiles(resampled[0] - resampled[1])
    if metric == "accuracy" and groups is None:
        p_value = mcnemar(truth, prediction_a, prediction_b)
    else:
        p_value = swap_test(truth, prediction_a, prediction_b, metric, groups=groups, seed=seed)
    return Comparison(scores[0] - scores[1], low, high, p_value)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for their number, so that the chance of any false finding stays below the level.

    Parameters
    ----------
    p_values : np.ndarray [shape=(n_tests,), dtype=float]

    Returns
    -------
    np.ndarray [shape=(n_tests,), dtype=float64]
        In the order given, at most 1.

    Raises
    ------
    OptionError
        A value outside 0 to 1, or not a number.

    References
    ----------
    Holm, S.: A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.

    Example
    -------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, np.float64)
    if not ((p_values >= 0) & (p_values <= 1)).all():
        raise OptionError("p-values must lie between 0 and 1", field="p_values", cure="leave failed tests out")
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted
