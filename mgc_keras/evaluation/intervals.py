"""95 % intervals of scores: percentile bootstrap over clips or over groups of clips, and Wilson's closed form."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import macro_auc, score
from mgc_keras.evaluation.resampling import bootstrap_counts, bootstrap_scores, unit_sums

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


def bootstrap_macro_auc(
    truth: np.ndarray, scores: np.ndarray, *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Interval:
    """Return the macro AUC-ROC over tags with a percentile bootstrap interval over clips.

    Parameters
    ----------
    truth : np.ndarray [shape=(n_clips, n_tags)]
        0 or 1.
    scores : np.ndarray [shape=(n_clips, n_tags), dtype=float]
    n_resamples, seed
        As in `bootstrap_interval`. A resample without a positive or a negative clip of a tag leaves this tag out.

    Raises
    ------
    OptionError
        As `mgc_keras.evaluation.metrics.macro_auc`; or no tag can be scored.
    """
    point = macro_auc(truth, scores)
    kept = [int(column) for column in point.per_tag.index]
    truth, scores = np.asarray(truth, float)[:, kept], np.asarray(scores, float)[:, kept]
    blocks = [
        np.stack([_weighted_auc(truth[:, tag], scores[:, tag], counts) for tag in range(len(kept))], axis=1)
        for counts in (bootstrap_counts(len(truth), n_resamples, seed) if kept else ())
    ]
    areas = np.concatenate(blocks) if blocks else np.full((1, 1), np.nan)
    defined = np.isfinite(areas)
    areas, defined = areas[defined.any(axis=1)], defined[defined.any(axis=1)]
    return Interval(point.score, *percentiles(np.where(defined, areas, 0.0).sum(axis=1) / defined.sum(axis=1)))


def _weighted_auc(truth: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the AUC of one tag for each row of `counts` (n_resamples, n_clips); NaN without both kinds of clips."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    positive = np.add.reduceat(counts[:, order] * truth[order], starts, axis=1)
    negative = np.add.reduceat(counts[:, order] * (1 - truth[order]), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, (positive * below).sum(axis=1) / pairs, np.nan)


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
