"""Resampling shared by intervals and paired tests: scores as functions of sums over clips, and draws of clips.

A bootstrap resample gives each unit (a clip, or all clips of an artist) a count; the resampled sums of all units
are then `counts @ sums`, and scores follow from them without looking at single clips again.
"""

from collections.abc import Iterator

import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import check_metric, finite_pair, fold_weights, same_length
from mgc_keras.threads import one_thread

# Counts for about this many (resample, unit) pairs are held at a time: 32 MiB of float64.
_PAIRS_AT_A_TIME = 1 << 22


def clip_sums(truth: np.ndarray, prediction: np.ndarray, metric: str) -> np.ndarray:
    """Return each clip's contribution to the sums that determine a score, (n_clips, 2) or (n_clips, 4) float64.

    Accuracy: 1, correct. r2: 1, truth, truth squared, error squared (truth centred for numerical accuracy).
    """
    if metric == "accuracy":
        truth, prediction = same_length(truth, prediction)
        return np.column_stack([np.ones(len(truth)), truth == prediction]).astype(np.float64)
    truth, prediction = finite_pair(truth, prediction)
    centred = truth - truth.mean()
    return np.column_stack([np.ones(len(truth)), centred, centred**2, (truth - prediction) ** 2])


def score_of_sums(sums: np.ndarray, metric: str) -> np.ndarray:
    """Return the score for sums of `clip_sums` along the last axis; NaN where a resample leaves it undefined."""
    n_clips = sums[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric == "accuracy":
            return np.where(n_clips > 0, sums[..., 1] / n_clips, np.nan)
        spread = sums[..., 2] - sums[..., 1] ** 2 / n_clips
        # A resample that holds one clip many times has no spread but rounding errors.
        defined = (n_clips > 1) & (spread > 1e-12 * sums[..., 2])
        return np.where(defined, 1 - sums[..., 3] / spread, np.nan)


def unit_sums(
    truth: np.ndarray,
    prediction: np.ndarray,
    metric: str,
    folds: np.ndarray | None = None,
    weighting: str = "pooled",
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Sum `clip_sums` within each unit of resampling and each fold, (n_units, n_folds, n_sums) float64.

    A unit is a clip, or a group where `groups` are given; there is one fold if `weighting` is "pooled".
    """
    check_metric(metric, weighting, folds)
    sums = clip_sums(truth, prediction, metric)
    fold_number, n_folds = np.zeros(len(sums), int), 1
    if weighting != "pooled" and folds is not None:
        same_length(folds, truth)
        names, fold_number = np.unique(np.asarray(folds), return_inverse=True)
        n_folds = len(names)
    unit_number = np.arange(len(sums))
    if groups is not None:
        same_length(groups, truth)
        unit_number = np.unique(np.asarray(groups), return_inverse=True)[1]
    result = np.zeros((unit_number.max() + 1, n_folds, sums.shape[1]))
    np.add.at(result, (unit_number, fold_number), sums)
    return result


def average_folds(sums: np.ndarray, metric: str, weighting: str) -> np.ndarray:
    """Score each fold of `sums` (..., n_folds, n_sums) and average; a fold without a defined score counts nothing."""
    scores = score_of_sums(sums, metric)
    weights = np.where(np.isfinite(scores), fold_weights(sums[..., 0], weighting), 0.0)
    total = weights.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (np.nan_to_num(scores) * weights).sum(axis=-1) / total, np.nan)


def bootstrap_counts(n_units: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield blocks (n_rows, n_units) of how often each unit is drawn in each resample, in all `n_resamples` rows.

    Raises
    ------
    OptionError
        Fewer than two units or no resamples.
    """
    if n_units < 2 or n_resamples < 1:
        problem = f"cannot resample {n_units} units {n_resamples} times"
        raise OptionError(problem, cure="give at least two clips (or groups)")
    generator = np.random.default_rng(seed)
    step = max(1, _PAIRS_AT_A_TIME // n_units)
    for start in range(0, n_resamples, step):
        rows = min(step, n_resamples - start)
        drawn = generator.integers(n_units, size=(rows, n_units)) + np.arange(rows)[:, None] * n_units
        yield np.bincount(drawn.ravel(), minlength=rows * n_units).reshape(rows, n_units).astype(np.float64)


@one_thread()
def bootstrap_scores(sums: np.ndarray, metric: str, weighting: str, n_resamples: int, seed: int) -> np.ndarray:
    """Return the scores (n_resamples,) of bootstrap resamples of units; `sums` are those of `unit_sums`.

    The same seed and number of units draw the same resamples, so two systems are compared on equal draws.
    """
    flat = sums.reshape(len(sums), -1)
    blocks = [
        average_folds((counts @ flat).reshape(len(counts), *sums.shape[1:]), metric, weighting)
        for counts in bootstrap_counts(len(sums), n_resamples, seed)
    ]
    return np.concatenate(blocks)
