"""How good predictions are: accuracy, r2, and the area under the ROC curve averaged over tags.

Accuracy and r2 are functions of a few sums over clips, so a bootstrap needs no more than one matrix product: see
`mgc_keras.evaluation.resampling`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError

METRICS = ("accuracy", "r2")
WEIGHTINGS = ("pooled", "size", "equal")


def accuracy(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Return the share of clips whose predicted class is the true one.

    Parameters
    ----------
    truth, prediction : np.ndarray [shape=(n_clips,)]
        Class names or numbers.

    Raises
    ------
    OptionError
        No clips, or lengths that differ.
    """
    truth, prediction = same_length(truth, prediction)
    return float(np.mean(truth == prediction))


def r2(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Return the coefficient of determination over all clips, as scikit-learn's `r2_score` gives it.

    Parameters
    ----------
    truth, prediction : np.ndarray [shape=(n_clips,), dtype=float]

    Raises
    ------
    OptionError
        Fewer than two clips, lengths that differ, or values that are not finite numbers.

    Notes
    -----
    Where the truth is constant the ratio is undefined; by scikit-learn's convention it is then 1.0 for a perfect
    prediction and 0.0 for any other.
    """
    truth, prediction = finite_pair(truth, prediction)
    if len(truth) < 2:
        raise OptionError("r2 needs at least two clips", cure="score more clips, or use fewer folds")
    errors = np.sum((truth - prediction) ** 2)
    spread = np.sum((truth - truth.mean()) ** 2)
    if spread == 0:
        return 1.0 if errors == 0 else 0.0
    return float(1 - errors / spread)


def score(
    truth: np.ndarray,
    prediction: np.ndarray,
    metric: str = "accuracy",
    folds: np.ndarray | None = None,
    weighting: str = "pooled",
) -> float:
    """Score out-of-fold predictions, over all clips together or fold by fold.

    Parameters
    ----------
    truth, prediction : np.ndarray [shape=(n_clips,)]
    metric : str
        "accuracy" or "r2".
    folds : np.ndarray [shape=(n_clips,)], optional
        The fold in which each clip was tested; needed unless `weighting` is "pooled".
    weighting : str
        "pooled": one score over all clips. "size": the mean of the folds' scores weighted by their numbers of clips;
        this is how Choi et al. (2017) scored, by scikit-learn's old `iid=True`. "equal": the plain mean.
        For accuracy, "pooled" and "size" are the same.

    Raises
    ------
    OptionError
        An unknown metric or weighting, no folds where they are needed, unusable predictions.

    Example
    -------
    >>> score([0, 0, 1], [0, 0, 0], "accuracy", folds=[0, 0, 1], weighting="equal")
    0.5
    """
    check_metric(metric, weighting, folds)
    score_of_fold = accuracy if metric == "accuracy" else r2
    if weighting == "pooled" or folds is None:
        return score_of_fold(truth, prediction)
    truth, prediction = same_length(truth, prediction)
    folds, truth = same_length(folds, truth)
    members = [folds == fold for fold in np.unique(folds)]
    scores = [score_of_fold(truth[inside], prediction[inside]) for inside in members]
    return float(np.average(scores, weights=fold_weights([inside.sum() for inside in members], weighting)))


def fold_weights(sizes: Sequence[int] | np.ndarray, weighting: str) -> np.ndarray:
    """Return what each fold's score counts in the mean: 1 ("equal"), or its number of clips ("size")."""
    sizes = np.asarray(sizes, np.float64)
    return np.ones_like(sizes) if weighting == "equal" else sizes


@dataclass(frozen=True)
class MacroAuc:
    """The mean area under the ROC curve over tags, and the tags that could not be scored.

    Attributes
    ----------
    score : float
        Mean over the scored tags; NaN if there is none.
    per_tag : pd.Series
        The area of each scored tag, indexed by tag.
    left_out : tuple of str
        Tags without a positive or without a negative clip, for which no ROC curve exists.
    """

    score: float
    per_tag: pd.Series
    left_out: tuple[str, ...]


def auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve of one tag: the chance that a positive clip scores above a negative one.

    Parameters
    ----------
    truth : np.ndarray [shape=(n_clips,)]
        1 (or True) where the tag applies, 0 elsewhere; both must occur.
    scores : np.ndarray [shape=(n_clips,), dtype=float]
        Ties count one half.

    Raises
    ------
    OptionError
        No positive or no negative clip, lengths that differ, or scores that are not finite.
    """
    truth, scores = finite_pair(truth, scores)
    if not np.isin(truth, (0.0, 1.0)).all():
        raise OptionError("tags must be 0 or 1", field="truth", cure="threshold the annotation first")
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if n_positive == 0 or n_negative == 0:
        raise OptionError("no ROC curve without both positive and negative clips", cure="leave this tag out")
    rank_sum = rankdata(scores)[truth == 1].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def macro_auc(truth: np.ndarray, scores: np.ndarray, tags: list[str] | None = None) -> MacroAuc:
    """Return the area under the ROC curve averaged over tags (Choi et al. 2017, section 3.1: 0.849 on 50 tags).

    Parameters
    ----------
    truth : np.ndarray [shape=(n_clips, n_tags)]
        0 or 1.
    scores : np.ndarray [shape=(n_clips, n_tags), dtype=float]
    tags : list of str, optional
        Names of the tags; by default their positions.

    Raises
    ------
    OptionError
        Shapes that differ, a wrong number of names, or scores that are not finite.
    """
    truth, scores = np.asarray(truth, float), np.asarray(scores, float)
    if truth.shape != scores.shape or truth.ndim != 2 or len(truth) == 0:
        raise OptionError(f"truth has shape {truth.shape}, scores {scores.shape}", cure="give two (clips, tags) arrays")
    names = [str(column) for column in range(truth.shape[1])] if tags is None else list(tags)
    if len(names) != truth.shape[1]:
        raise OptionError(f"{len(names)} names for {truth.shape[1]} tags", field="tags", cure="name each column once")
    usable = (truth.max(axis=0) > 0) & (truth.min(axis=0) < 1)
    areas = {name: auc(truth[:, i], scores[:, i]) for i, name in enumerate(names) if usable[i]}
    per_tag = pd.Series(areas, dtype=float, name="auc").rename_axis("tag")
    left_out = tuple(name for name, kept in zip(names, usable) if not kept)
    return MacroAuc(float(per_tag.mean()), per_tag, left_out)


def same_length(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as one-dimensional arrays, or raise `OptionError` if they are empty or differ in length."""
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape or len(first) == 0:
        problem = f"need two lists of the same clips, got shapes {first.shape} and {second.shape}"
        raise OptionError(problem, cure="give one truth and one prediction a clip, at least one clip")
    return first, second


def finite_pair(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64 arrays of one length, or raise `OptionError` if a value is missing or infinite."""
    truth, prediction = same_length(truth, prediction)
    truth, prediction = truth.astype(np.float64), prediction.astype(np.float64)
    for name, values in (("truth", truth), ("prediction", prediction)):
        if n_bad := np.sum(~np.isfinite(values)):
            raise OptionError(f"{n_bad} values are not finite numbers", field=name, cure="drop these clips")
    return truth, prediction


def check_metric(metric: str, weighting: str, folds: np.ndarray | None) -> None:
    """Raise `OptionError` for a metric or weighting that does not exist, or folds missing where they are needed."""
    checked_choice("metric", metric, METRICS)
    checked_choice("weighting", weighting, WEIGHTINGS)
    if weighting != "pooled" and folds is None:
        raise OptionError(f"weighting {weighting!r} needs folds", field="folds", cure="give each clip's test fold")
