"""Keep the score of every candidate in every contest, and drop those that cannot win any more."""

import numpy as np

from mgc_keras.search.scoring import clip_losses, clip_weights
from mgc_keras.search.trials import Plan, Trial

RUNNING, COMPLETE, DROPPED, CUT_OFF = range(4)
STATUS = {RUNNING: "running", COMPLETE: "complete", DROPPED: "dropped (bound)", CUT_OFF: "cut off"}
_TIE = 1e-12  # far below the loss of one clip, far above rounding


class Contests:
    """The standings of the candidates.

    The winner of a contest has the best score, and is the first in grid order among equals. A candidate is dropped
    once its score could at most, were all clips to come predicted without loss, lose against a complete one. So the
    winner does not depend on the order of the work.

    Parameters
    ----------
    plan : Plan
    n_candidates : int
    estimator : {"SVC", "SVR"}
    weighting : {"size", "equal", "pooled"}
    target : np.ndarray [shape=(n_clips,)]
    """

    def __init__(self, plan: Plan, n_candidates: int, estimator: str, weighting: str, target: np.ndarray) -> None:
        self._estimator, self._target = estimator, target
        self._weights = [clip_weights(estimator, weighting, target, folds) for folds in plan.contest_folds]
        n_contests = len(plan.contest_folds)
        self.bounds = np.ones((n_contests, n_candidates))
        self.status = np.full((n_contests, n_candidates), RUNNING)
        n_trials = np.array([sum(contest in trial.serves for trial in plan.trials) for contest in range(n_contests)])
        self._left = np.repeat(n_trials[:, None], n_candidates, axis=1)

    def wanted(self, trial: Trial, candidate: int) -> bool:
        """Tell whether some contest still needs this fit."""
        return any(self.status[contest, candidate] == RUNNING for contest in trial.serves)

    def enter(self, trial: Trial, candidate: int, predictions: np.ndarray, cut_off: bool) -> None:
        """Count the predictions of one fit in the contests that it serves."""
        losses = clip_losses(self._estimator, self._target[trial.tested], predictions)
        for contest, counted in trial.serves.items():
            if self.status[contest, candidate] != RUNNING:
                continue
            weights = self._weights[contest][trial.tested[counted]]
            self.bounds[contest, candidate] -= float(weights @ losses[counted])
            self._left[contest, candidate] -= 1
            if cut_off:
                self.status[contest, candidate] = CUT_OFF
            elif self._left[contest, candidate] == 0:
                self.status[contest, candidate] = COMPLETE

    def drop_losers(self) -> None:
        """Mark the candidates that cannot win any more."""
        for contest in range(len(self.status)):
            best = self.winner(contest)
            if best is None:
                continue
            lead = self.bounds[contest] - self.bounds[contest, best]
            behind = np.arange(len(lead)) > best
            lost = (lead < -_TIE) | ((lead <= _TIE) & behind)
            self.status[contest, lost & (self.status[contest] == RUNNING)] = DROPPED

    def smallest_loss(self) -> float:
        """Return the loss of the best complete candidate, in the contest where it is smallest (none complete: 0)."""
        winners = [self.winner(contest) for contest in range(len(self.status))]
        return float(
            min(0.0 if best is None else 1.0 - self.bounds[contest, best] for contest, best in enumerate(winners))
        )

    def winner(self, contest: int) -> int | None:
        """Return the best complete candidate so far, None where there is none yet."""
        complete = np.flatnonzero(self.status[contest] == COMPLETE)
        if len(complete) == 0:
            return None
        scores = self.bounds[contest, complete]
        return int(complete[np.argmax(scores >= scores.max() - _TIE)])
