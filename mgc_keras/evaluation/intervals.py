"""95 % intervals of scores that keep their promise with few clips, few artists, and scores near 0 or 1.

``benchmarks/intervals.py`` prints how often they hold the true score, beside the percentile bootstrap.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import binomtest, rankdata
from scipy.stats import t as student

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import macro_auc, same_length, score
from mgc_keras.evaluation.resampling import average_folds, bootstrap_scores, unit_sums

N_RESAMPLES = 2000

# Swapping the signs of five groups gives 32 patterns: no two-sided test of theirs can reach 0.05.
MIN_GROUPS = 6


@dataclass(frozen=True)
class Interval:
    """A score and the interval that holds the true one with the stated confidence (95 % unless asked otherwise).

    Both ends are NaN where no interval can be trusted: fewer than `MIN_GROUPS` groups, or an r2 of exactly 1.
    """

    score: float
    low: float
    high: float

    def __str__(self) -> str:
        ends = "no interval" if np.isnan(self.low) else f"{self.low:.3f}, {self.high:.3f}"
        return f"{self.score:.3f} [{ends}]"


def score_interval(
    truth: np.ndarray,
    prediction: np.ndarray,
    metric: str = "accuracy",
    *,
    folds: np.ndarray | None = None,
    weighting: str = "pooled",
    groups: np.ndarray | None = None,
    clips: np.ndarray | None = None,
) -> Interval:
    """Score predictions, with a 95 % interval that never has zero width and never leaves the metric's range.

    Accuracy: Wilson's interval for the number of independent clips that would be as uncertain (the clips divided by
    the design effect of the groups), with Student's quantile. r2: the jackknife over clips or groups, on the scale of
    log(1 - r2). The degrees of freedom are Kish's effective number of groups less 1.

    Parameters
    ----------
    truth, prediction : np.ndarray [shape=(n_clips,)]
    metric, folds, weighting
        As in `mgc_keras.evaluation.metrics.score`.
    groups : np.ndarray [shape=(n_clips,)], optional
        For instance artists: clips of one artist are no independent evidence. By default each clip stands for itself.
    clips : np.ndarray [shape=(n_clips,)], optional
        What names the clip of each prediction, where clips are tested several times (repeats): each test of a clip is
        no new clip.

    Raises
    ------
    OptionError
        Fewer than two clips, an unknown metric or weighting, unusable predictions.

    Notes
    -----
    Few wrong clips cannot show how alike the clips of a group, or the tests of a clip, are. Where all are right (or
    wrong), a group counts as one clip. Until ten groups (in Kish's sense) hold clips of the rarer outcome, the
    correlation within groups is taken to be at least 0.15, and 0.5 divided by the number of these groups, and all
    tests of a clip count as one; beyond, a falling share of both.

    References
    ----------
    Wilson, E. B., JASA 22, 1927. Kish, L.: Survey sampling, 1965, sections 5.4 and 8.2. Korn, E., Graubard, B.:
    Confidence intervals for proportions with small expected number of positive counts, Survey Methodology 24, 1998.

    Example
    -------
    >>> print(score_interval([1] * 128, [1] * 128))
    1.000 [0.970, 1.000]
    """
    point = score(truth, prediction, metric, folds, weighting)
    groups = clips if groups is None else groups
    sums = unit_sums(truth, prediction, metric, folds, weighting, groups)
    if len(sums) < 2:
        raise OptionError("one clip (or group) gives no interval", cure="score more clips")
    if groups is not None and len(sums) < MIN_GROUPS:
        return Interval(point, np.nan, np.nan)
    quantile = quantile_of(sums)
    left_out = average_folds(sums.sum(axis=0) - sums, metric, weighting)
    if metric == "accuracy":
        n_right = sums[..., 1].sum(axis=1)
        n_rarer = n_right if point < 0.5 else sizes_of(sums) - n_right
        n_groups = effective_number(n_rarer)
        alike = least_alike(n_groups, 0.15 * min(1.0, 10 / max(n_groups, 1)))
        effect = design_effect(sums, jackknife_variance(left_out), point * (1 - point), alike, tests_of(truth, clips))
        low, high = _wilson(point, sizes_of(sums).sum() / effect, quantile)
    elif point == 1 or not np.isfinite(left_out).all():
        low = high = np.nan
    else:
        half = quantile * np.sqrt(jackknife_variance(np.log(1 - left_out)))
        low, high = 1 - (1 - point) * np.exp([half, -half])
    return Interval(point, float(low), float(high))


def sizes_of(sums: np.ndarray) -> np.ndarray:
    """Return the number of clips of each unit of `unit_sums`."""
    return sums[..., 0].sum(axis=1)


def effective_number(counts: np.ndarray) -> float:
    """Return how many equal counts would be as uneven as these (Kish 1965): 0 where all are 0."""
    return float(counts.sum() ** 2 / np.sum(counts**2)) if counts.any() else 0.0


def quantile_of(sums: np.ndarray) -> float:
    """Return Student's quantile of a 95 % interval for the effective number of units of `unit_sums`."""
    return float(student.ppf(0.975, max(1.0, effective_number(sizes_of(sums)) - 1)))


def jackknife_variance(left_out: np.ndarray) -> float:
    """Return the variance of a score from its values with each unit left out in turn (Efron and Tibshirani, ch. 11)."""
    return float((len(left_out) - 1) * np.var(left_out))


def least_alike(n_groups: float, correlation: float) -> tuple[float, float]:
    """Return the least correlations to assume: of the clips of a group, and of the tests of a clip.

    Parameters
    ----------
    n_groups : float
        Those with clips of the rarer outcome, in Kish's sense: they show how alike clips are.
    correlation : float
        Of the clips of a group; the least to assume however many there are.
    """
    if not n_groups:
        return 1.0, 1.0
    return min(1.0, max(correlation, 0.5 / n_groups)), min(1.0, max(correlation, 10 / n_groups))


def tests_of(truth: np.ndarray, clips: np.ndarray | None) -> np.ndarray:
    """Return the number of tests of each clip; one, where `clips` (n_tests,) do not name them."""
    return np.ones(len(truth)) if clips is None else np.unique(same_length(clips, truth)[0], return_counts=True)[1]


def design_effect(
    sums: np.ndarray, variance: float, clip_variance: float, alike: tuple[float, float], tests: np.ndarray
) -> float:
    """Return how many times larger a variance is than that of as many independent clips.

    Parameters
    ----------
    sums : np.ndarray
        From `unit_sums`.
    variance : float
        Of the score, as measured over units.
    clip_variance : float
        Of a single test's contribution.
    alike : tuple of float
        From `least_alike`; the effect is no less than these make.
    tests : np.ndarray [shape=(n_clips,)]
        From `tests_of`.
    """
    sizes = sizes_of(sums)
    measured = variance * sizes.sum() / clip_variance if clip_variance > 0 else 1.0
    of_clips, of_tests = alike
    pairs = (of_tests - of_clips) * np.sum(tests**2.0) + of_clips * np.sum(sizes**2)
    return float(max(1.0, measured, 1 - of_tests + pairs / sizes.sum()))


def _wilson(share: float, n_clips: float, quantile: float) -> tuple[float, float]:
    squared = quantile**2
    centre = (share + squared / (2 * n_clips)) / (1 + squared / n_clips)
    half = quantile / (1 + squared / n_clips) * np.sqrt(share * (1 - share) / n_clips + squared / (4 * n_clips**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def wilson_interval(n_correct: int, n_clips: int) -> Interval:
    """Return Wilson's interval for an accuracy: a closed form, right also near 0 and 1.

    Raises
    ------
    OptionError
        Counts that cannot be.

    References
    ----------
    Wilson, E. B.: Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
    """
    if not 0 <= n_correct <= n_clips or n_clips < 1:
        raise OptionError(f"{n_correct} of {n_clips} clips cannot be correct", cure="give counts of clips")
    found = binomtest(n_correct, n_clips).proportion_ci(method="wilson")
    return Interval(n_correct / n_clips, float(found.low), float(found.high))


def macro_auc_interval(truth: np.ndarray, scores: np.ndarray) -> Interval:
    """Return the macro AUC-ROC over tags with a 95 % interval: the jackknife over clips on the scale of log-odds.

    Parameters
    ----------
    truth : np.ndarray [shape=(n_clips, n_tags)]
        0 or 1.
    scores : np.ndarray [shape=(n_clips, n_tags), dtype=float]

    Raises
    ------
    OptionError
        As `mgc_keras.evaluation.metrics.macro_auc`; or no tag can be scored.

    Notes
    -----
    The degrees of freedom are those of a tag's rarer kind of clips, on average over tags. Perfect areas, which have no
    jackknife variance, get Wilson's interval of that number of clips.
    """
    found = macro_auc(truth, scores)
    kept = [int(column) for column in found.per_tag.index]
    if not kept:
        raise OptionError("no tag has both positive and negative clips", cure="score more clips")
    truth, scores = np.asarray(truth, float)[:, kept], np.asarray(scores, float)[:, kept]
    columns = [_left_out_areas(truth[:, tag], scores[:, tag]) for tag in range(len(kept))]
    defined = [column for column in columns if column is not None]
    n_rarer = float(np.minimum(truth.sum(axis=0), (1 - truth).sum(axis=0)).mean())
    quantile = float(student.ppf(0.975, max(1.0, n_rarer - 1)))
    variance = jackknife_variance(np.mean(defined, axis=0)) if defined else 0.0
    point = found.score
    if variance == 0 or not 0 < point < 1:
        return Interval(point, *_wilson(point, n_rarer, quantile))
    half = quantile * np.sqrt(variance) / (point * (1 - point))
    low, high = expit(logit(point) + np.array([-half, half]))
    return Interval(point, float(low), float(high))


def _left_out_areas(truth: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Return one tag's area without each clip in turn; None if a clip is the only one of its kind."""
    positive = truth == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if min(n_positive, n_negative) < 2:
        return None
    # Ranks among all less ranks among the own kind: how many clips of the other kind lie below, ties count one half.
    below = rankdata(scores)
    below[positive] -= rankdata(scores[positive])
    below[~positive] -= rankdata(scores[~positive])
    total = below[positive].sum()
    pairs = np.where(positive, (n_positive - 1) * n_negative, n_positive * (n_negative - 1))
    return (total - np.where(positive, below, n_positive - below)) / pairs


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

    Too narrow with few clips or groups, and without width for perfect scores: reports use `score_interval`.

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

    Raises
    ------
    OptionError
        Fewer than two clips or groups, an unknown metric or weighting, unusable predictions.

    Notes
    -----
    Small folds make r2 fold by fold ("size", "equal") jumpy: resampled folds have a smaller spread, so the interval
    lies lower than the score and is wide. Pooled r2 does not suffer from this.

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
    if not 0 < confidence < 1:
        raise OptionError(f"confidence {confidence} is no share", field="confidence", cure="use 0.95, for instance")
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
