"""Scores as sums of losses over clips, which makes bounds on unfinished scores exact.

Accuracy and r2, averaged over folds or pooled, are all one minus a weighted sum of the clips' losses: 0 or 1 for a
label, the squared error for a value. No loss is negative, so the clips seen so far bound the score from above.
"""

import numpy as np

from mgc_keras.errors import OptionError

METRICS = {"SVC": "accuracy", "SVR": "r2"}


def clip_losses(estimator: str, truth: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return each clip's loss: 0 or 1 (SVC), or the squared error (SVR).

    Example
    -------
    >>> clip_losses("SVC", np.array([0, 1]), np.array([0, 2]))
    array([0., 1.])
    """
    return (truth != predictions).astype(float) if estimator == "SVC" else (truth - predictions) ** 2


def clip_weights(estimator: str, weighting: str, truth: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return the weights with which the clips' losses add up to one minus the score.

    Parameters
    ----------
    estimator : {"SVC", "SVR"}
        SVC: accuracy. SVR: r2.
    weighting : {"size", "equal", "pooled"}
        The protocol's `fold_weighting`.
    truth : np.ndarray [shape=(n_clips,)]
    folds : np.ndarray [shape=(n_clips,), dtype=int]
        -1: the clip is not tested and gets weight 0.

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=float64]

    Raises
    ------
    OptionError
        The r2 of a fold is undefined, since all its values are equal.
    """
    weights = np.zeros(len(folds))
    numbers = np.unique(folds[folds >= 0])
    parts = [folds >= 0] if weighting == "pooled" else [folds == number for number in numbers]
    for part in parts:
        share = 1 / len(parts) if weighting == "equal" else part.sum() / (folds >= 0).sum()
        weights[part] = share / _largest_loss(estimator, truth[part])
    return weights


def fold_scores(estimator: str, truth: np.ndarray, predictions: np.ndarray, folds: np.ndarray) -> list[float]:
    """Return accuracy or r2 on each fold's clips alone, by fold number; NaN where r2 is undefined."""
    scores = []
    for number in np.unique(folds[folds >= 0]):
        part = folds == number
        losses = clip_losses(estimator, truth[part], predictions[part])
        if estimator == "SVC":
            scores.append(float(np.count_nonzero(losses == 0) / len(losses)))
        else:
            spread = ((truth[part] - truth[part].mean()) ** 2).sum()
            scores.append(float(1 - losses.sum() / spread) if spread > 0 else float("nan"))
    return scores


def total_score(estimator: str, weighting: str, truth: np.ndarray, predictions: np.ndarray, folds: np.ndarray) -> float:
    """Return the score over all folds, under the protocol's weighting of them.

    Example
    -------
    >>> truth, predictions = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> total_score("SVC", "equal", truth, predictions, np.array([0, 0, 1]))
    0.75
    """
    tested = folds >= 0
    if weighting == "pooled":
        return fold_scores(estimator, truth[tested], predictions[tested], np.zeros(tested.sum(), dtype=int))[0]
    scores = np.array(fold_scores(estimator, truth, predictions, folds))
    sizes = np.bincount(np.unique(folds[tested], return_inverse=True)[1]) if weighting == "size" else None
    return float(np.average(scores, weights=sizes))


def _largest_loss(estimator: str, truth: np.ndarray) -> float:
    if estimator == "SVC":
        return float(len(truth))
    spread = float(((truth - truth.mean()) ** 2).sum())
    if spread == 0:
        raise OptionError(
            "r2 is undefined: all values of a fold are equal", field="target", cure="use fewer folds, or pooled scores"
        )
    return spread
