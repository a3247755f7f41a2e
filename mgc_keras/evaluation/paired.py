"""Is one feature better than another on the same clips? Exact McNemar, sign swaps, intervals that agree, Holm."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.intervals import (
    MIN_GROUPS,
    design_effect,
    effective_number,
    jackknife_variance,
    least_alike,
    quantile_of,
    sizes_of,
    tests_of,
)
from mgc_keras.evaluation.metrics import fold_weights, same_length, score
from mgc_keras.evaluation.resampling import average_folds, unit_sums
from mgc_keras.threads import one_thread

N_SWAPS = 10_000  # so that the smallest p-value is 1 / 10 001


@dataclass(frozen=True)
class Comparison:
    """The score of `a` minus that of `b` on the same clips, its 95 % interval, and the test of "no difference".

    The ends are NaN where no interval can be trusted.
    """

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


def swap_test(
    truth: np.ndarray,
    prediction_a: np.ndarray,
    prediction_b: np.ndarray,
    metric: str = "accuracy",
    *,
    folds: np.ndarray | None = None,
    weighting: str = "pooled",
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> float:
    """Return the two-sided p-value of swapping, at random, the two systems' predictions clip by clip or group by group.

    If the two are equally good, it makes no difference whose prediction is whose. The metrics are linear in the clips'
    losses (the spread of the truth stays), so a swap flips the sign of a loss difference.

    Parameters
    ----------
    truth, prediction_a, prediction_b : np.ndarray [shape=(n_clips,)]
    metric, folds, weighting
        As in `mgc_keras.evaluation.metrics.score`.
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
    predictions = (prediction_a, prediction_b)
    sums_a, sums_b = (unit_sums(truth, each, metric, folds, weighting, groups) for each in predictions)
    return _swapped(_gains(sums_a, sums_b, metric, weighting), sizes_of(sums_a), seed)[0]


def _gains(sums_a: np.ndarray, sums_b: np.ndarray, metric: str, weighting: str) -> np.ndarray:
    """Return how much more each unit adds to the score of `a` than to that of `b`; their sum is the difference."""
    totals = sums_a.sum(axis=0)
    n_clips = totals[:, 0]
    if metric == "accuracy":
        gains, scale = sums_a[..., 1] - sums_b[..., 1], n_clips
    else:
        gains, scale = sums_b[..., 3] - sums_a[..., 3], totals[:, 2] - totals[:, 1] ** 2 / n_clips
    # A fold of one clip, or of equal truths, has no r2 and counts nothing.
    weights = np.where(scale > 1e-12 * totals[:, -2], fold_weights(n_clips, weighting), 0.0)
    per_gain = np.divide(weights, scale * weights.sum(), out=np.zeros_like(scale), where=weights > 0)
    return gains @ per_gain


@one_thread()
def _swapped(gains: np.ndarray, sizes: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Return the p-value of random sign swaps, and the ends of the differences that they do not reject at 0.05.

    A difference of d is not rejected if taking d times each unit's share of the clips off its gain leaves a p-value
    above 0.05. For one pattern of signs the swapped sum is as large as the observed one for all d between two values.
    """
    shares = sizes / sizes.sum()
    observed = gains.sum()
    # Half a rounding error below, or sums equal but for their order would count as smaller.
    threshold = abs(observed) - 1e-12 * np.abs(gains).sum()
    generator = np.random.default_rng(seed)
    step = max(1, (1 << 22) // len(gains))
    n_as_large, lows, highs = 0, [], []
    for start in range(0, N_SWAPS, step):
        signs = generator.integers(2, size=(min(step, N_SWAPS - start), len(gains))) * 2.0 - 1.0
        swapped, moved = signs @ gains, signs @ shares
        n_as_large += int(np.sum(np.abs(swapped) >= threshold))
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.stack([(observed - swapped) / (1 - moved), (observed + swapped) / (1 + moved)])
        # Signs that are all alike swap nothing: every difference leaves as large a sum.
        alike = np.abs(moved) > 1 - 1e-9
        lows.append(np.where(alike, -np.inf, ends.min(axis=0)))
        highs.append(np.where(alike, np.inf, ends.max(axis=0)))
    rank = (N_SWAPS + 1) // 20 - 1
    low, high = np.sort(np.hstack(lows))[rank], np.sort(np.hstack(highs))[-rank - 1]
    return (n_as_large + 1) / (N_SWAPS + 1), float(low), float(high)


def compare(
    truth: np.ndarray,
    prediction_a: np.ndarray,
    prediction_b: np.ndarray,
    metric: str = "accuracy",
    *,
    folds: np.ndarray | None = None,
    weighting: str = "pooled",
    groups: np.ndarray | None = None,
    clips: np.ndarray | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two systems on the same clips: difference, 95 % interval, and p-value, which never contradict each other.

    The interval of an accuracy is the adjusted Wald interval for paired proportions, on as many clips as would be
    independent (see `score_interval`); that of r2 is the jackknife's, over clips or groups. It is widened to hold 0
    where the test does not reject "no difference", and ends where the test's own limit lies where the test does.

    Parameters
    ----------
    truth, prediction_a, prediction_b : np.ndarray [shape=(n_clips,)]
    metric, folds, weighting
        As in `mgc_keras.evaluation.metrics.score`.
    groups : np.ndarray [shape=(n_clips,)], optional
        Swap whole groups (artists).
    clips : np.ndarray [shape=(n_clips,)], optional
        As in `score_interval`, where clips are tested several times; swapped together, unless in groups.
    seed : int
        Of the swaps.

    Returns
    -------
    Comparison
        The p-value is exact McNemar's for accuracy over single clips, and `swap_test`'s otherwise. Ends are NaN for
        fewer than six groups, and for regressions without any difference.

    Raises
    ------
    OptionError
        As `score_interval`.

    References
    ----------
    Bonett, D., Price, R.: Adjusted Wald confidence interval for a difference of binomial proportions based on paired
    data, Journal of Educational and Behavioral Statistics 37, 2012.
    """
    predictions = (prediction_a, prediction_b)
    score_a, score_b = (score(truth, each, metric, folds, weighting) for each in predictions)
    difference, groups = score_a - score_b, clips if groups is None else groups
    sums_a, sums_b = (unit_sums(truth, each, metric, folds, weighting, groups) for each in predictions)
    if len(sums_a) < 2:
        raise OptionError("one clip (or group) gives no interval", cure="score more clips")
    p_value, *limits = _swapped(_gains(sums_a, sums_b, metric, weighting), sizes_of(sums_a), seed)
    if metric == "accuracy" and groups is None:
        p_value = mcnemar(truth, prediction_a, prediction_b)
    if groups is not None and len(sums_a) < MIN_GROUPS:
        return Comparison(difference, np.nan, np.nan, p_value)
    left_a, left_b = (average_folds(sums.sum(axis=0) - sums, metric, weighting) for sums in (sums_a, sums_b))
    variance, quantile = jackknife_variance(left_a - left_b), quantile_of(sums_a)
    if metric == "accuracy":
        right_a, right_b = (np.asarray(truth) == np.asarray(each) for each in predictions)
        discordant = float(np.mean(right_a != right_b))
        equal = unit_sums(right_a, right_b, metric, groups=groups)[..., 1].sum(axis=1)
        alike = least_alike(effective_number(sizes_of(sums_a) - equal), 0.05)
        effect = design_effect(sums_a, variance, discordant - difference**2, alike, tests_of(truth, clips))
        low, high = _paired_wald(difference, discordant, len(right_a) / effect, quantile)
    else:
        low, high = difference - quantile * np.sqrt(variance), difference + quantile * np.sqrt(variance)
    if low == high:
        low = high = np.nan
    elif p_value > 0.05:
        low, high = min(low, 0.0), max(high, 0.0)
    elif low <= 0 <= high:
        low, high = (limits[0], high) if difference > 0 else (low, limits[1])
    return Comparison(difference, float(low), float(high), p_value)


def _paired_wald(difference: float, discordant: float, n_clips: float, quantile: float) -> tuple[float, float]:
    """Bonett and Price's interval, on as many clips as would be independent."""
    centre = difference * n_clips / (n_clips + 2)
    half = quantile * np.sqrt(((discordant * n_clips + 2) / (n_clips + 2) - centre**2) / (n_clips + 2))
    return max(-1.0, centre - half), min(1.0, centre + half)


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
