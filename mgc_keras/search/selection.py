"""Select candidates by their scores, and drop those that cannot be selected any more.

Accuracy and r2, averaged over folds or pooled, are all one minus a weighted sum of the clips' losses: 0 or 1 for a
label, the squared error for a value. No loss is negative, so the clips predicted so far bound the score from above, and
the bound is exact.
"""

import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import fold_weights, score
from mgc_keras.search.fits import Fit
from mgc_keras.search.splits import CrossValidation, SearchTask, Split

RUNNING, COMPLETE, DROPPED, CUT_OFF = range(4)
STATUS = {RUNNING: "running", COMPLETE: "complete", DROPPED: "dropped (bound)", CUT_OFF: "cut off"}
_TIE = 1e-12  # far below the loss of one clip, far above rounding


class Selections:
    """The scores of all candidates in every selection, as far as they are known.

    A selection takes the candidate with the best score, the first in grid order among equals. A candidate is dropped
    once its score, were all clips to come predicted without loss, would be worse than that of a complete one. So the
    selected candidate does not depend on the order of the fits.

    Parameters
    ----------
    cv : CrossValidation
    n_candidates : int
    task : SearchTask
    weighting : {"size", "equal", "pooled"}
        Of the folds.

    Attributes
    ----------
    bounds : np.ndarray [shape=(n_selections, n_candidates), dtype=float64]
        The most that each score can still be; the score itself where the status is `COMPLETE`.
    status : np.ndarray [shape=(n_selections, n_candidates), dtype=int]
        `RUNNING`, `COMPLETE`, `DROPPED` or `CUT_OFF`.
    """

    def __init__(self, cv: CrossValidation, n_candidates: int, task: SearchTask, weighting: str) -> None:
        self._task = task
        self._weights = [_clip_weights(task.metric, weighting, task.target, folds) for folds in cv.selection_folds]
        n_selections = len(cv.selection_folds)
        self.bounds = np.ones((n_selections, n_candidates))
        self.status = np.full((n_selections, n_candidates), RUNNING)
        n_splits = [sum(selection in split.counts_in for split in cv.splits) for selection in range(n_selections)]
        self._n_left = np.repeat(np.array(n_splits)[:, None], n_candidates, axis=1)

    def needs(self, split: Split, candidate: int) -> bool:
        """Tell whether some selection still needs this candidate's fit."""
        return any(self.status[selection, candidate] == RUNNING for selection in split.counts_in)

    def add(self, fit: Fit) -> float:
        """Count the predictions of a fit in the selections that use its split; return the sum of their losses.

        A clip's loss is 0 or 1 (accuracy), or the squared error (r2).
        """
        candidate, test = fit.candidate, fit.split.test
        truth = self._task.target[test]
        losses = (truth != fit.predictions) * 1.0 if self._task.metric == "accuracy" else (truth - fit.predictions) ** 2
        for selection, counted in fit.split.counts_in.items():
            if self.status[selection, candidate] != RUNNING:
                continue
            weights = self._weights[selection][test[counted]]
            self.bounds[selection, candidate] -= float(weights @ losses[counted])
            self._n_left[selection, candidate] -= 1
            if fit.cut_off:
                self.status[selection, candidate] = CUT_OFF
            elif self._n_left[selection, candidate] == 0:
                self.status[selection, candidate] = COMPLETE
        return float(losses.sum())

    def drop(self) -> None:
        """Drop the candidates that cannot be selected any more."""
        for selection in range(len(self.status)):
            best = self.best(selection)
            if best is None:
                continue
            lead = self.bounds[selection] - self.bounds[selection, best]
            behind = np.arange(len(lead)) > best
            lost = (lead < -_TIE) | ((lead <= _TIE) & behind)
            self.status[selection, lost & (self.status[selection] == RUNNING)] = DROPPED

    def smallest_loss(self) -> float:
        """Return the loss of the best complete candidate, in the selection where it is smallest (none complete: 0)."""
        best = [self.best(selection) for selection in range(len(self.status))]
        losses = [
            0.0 if number is None else 1.0 - self.bounds[selection, number] for selection, number in enumerate(best)
        ]
        return float(min(losses))

    def best(self, selection: int) -> int | None:
        """Return the best complete candidate so far, None where there is none yet."""
        complete = np.flatnonzero(self.status[selection] == COMPLETE)
        if len(complete) == 0:
            return None
        scores = self.bounds[selection, complete]
        return int(complete[np.argmax(scores >= scores.max() - _TIE)])

    def selected(self, selection: int) -> int:
        """Return the selected candidate; raise `OptionError` where the iteration budget cut off every one."""
        best = self.best(selection)
        if best is None:
            raise OptionError("the iteration budget cut off every candidate", field="max_iter", cure="use a larger one")
        return best


def _clip_weights(metric: str, weighting: str, truth: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return the weights, (n_clips,), with which losses add up to one minus the score: 0 for clips of no fold."""
    tested = folds >= 0
    parts = [tested] if weighting == "pooled" else [folds == number for number in np.unique(folds[tested])]
    shares = fold_weights([part.sum() for part in parts], weighting)
    weights = np.zeros(len(folds))
    for part, share in zip(parts, shares / shares.sum(), strict=True):
        largest = float(part.sum()) if metric == "accuracy" else _spread(truth[part])
        if largest == 0:
            problem, cure = "r2 is undefined: all values of a fold are equal", "use fewer folds, or pooled scores"
            raise OptionError(problem, field="target", cure=cure)
        weights[part] = share / largest
    return weights


def fold_scores(metric: str, truth: np.ndarray, predictions: np.ndarray, folds: np.ndarray) -> list[float]:
    """Return accuracy or r2 on each fold's clips alone, by fold number; NaN where r2 is undefined."""
    parts = [folds == number for number in np.unique(folds[folds >= 0])]
    return [
        float("nan") if metric == "r2" and _spread(truth[part]) == 0 else score(truth[part], predictions[part], metric)
        for part in parts
    ]


def _spread(values: np.ndarray) -> float:
    return float(((values - values.mean()) ** 2).sum())
