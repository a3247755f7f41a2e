"""Which fits a search needs: trials (train here, predict there) and the contests that they decide."""

from dataclasses import dataclass, field

import numpy as np

from mgc_keras.datasets.splits import grouped_folds, grouped_stratified_folds
from mgc_keras.errors import OptionError

N_INNER_FOLDS = 5  # where the outer folds are too few to choose on


@dataclass(frozen=True)
class Trial:
    """One fit of each candidate.

    Attributes
    ----------
    trained_on : np.ndarray [shape=(n_clips,), dtype=bool]
    tested : np.ndarray [shape=(n_tested,), dtype=int]
        Indices of the clips to predict.
    serves : dict of int to np.ndarray [shape=(n_tested,), dtype=bool]
        For each contest that the trial belongs to, which of `tested` count in it.
    """

    trained_on: np.ndarray
    tested: np.ndarray
    serves: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The trials of a search, and for each contest the folds in which its clips are tested (-1: not at all)."""

    trials: tuple[Trial, ...]
    contest_folds: tuple[np.ndarray, ...]


def outer_trials(folds: np.ndarray) -> list[Trial]:
    """Train on all clips but a fold's, predict the fold; one trial a fold."""
    return [Trial(folds != number, np.flatnonzero(folds == number)) for number in np.unique(folds[folds >= 0])]


def plain_plan(trials: list[Trial], folds: np.ndarray) -> Plan:
    """Choose the best candidate on the test folds themselves (one contest), as the original does."""
    for trial in trials:
        trial.serves[0] = np.ones(len(trial.tested), dtype=bool)
    return Plan(tuple(trials), (folds,))


def nested_plan(
    folds: np.ndarray,
    target: np.ndarray,
    estimator: str,
    seed: int = 0,
    inner_folds: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Plan:
    """Choose a candidate for each fold (one contest each) by cross-validation among the clips outside that fold.

    Without `inner_folds` and with three outer folds or more, the other outer folds are the inner ones. Grouping then
    holds inside as well, and the fit that leaves out folds f and g serves both contests: it predicts g for f's, f for
    g's. That halves the work.

    Parameters
    ----------
    folds : np.ndarray [shape=(n_clips,), dtype=int]
    target : np.ndarray [shape=(n_clips,)]
    estimator : {"SVC", "SVR"}
    seed : int
        Of the inner folds, where these must be drawn.
    inner_folds : np.ndarray [shape=(n_clips,), dtype=int] or None
        The inner fold of each clip; -1: always trained on.
    groups : np.ndarray [shape=(n_clips,)] or None
        Kept together where inner folds must be drawn.

    Returns
    -------
    Plan
    """
    numbers = np.unique(folds[folds >= 0])
    shared = inner_folds is None and len(numbers) >= 3
    trials: dict[tuple, Trial] = {}
    contest_folds = []
    for contest, outer in enumerate(numbers):
        inside = folds != outer
        if shared:
            inner = folds
        elif inner_folds is not None:
            inner = inner_folds
        else:
            inner = _drawn_folds(inside, target, estimator, seed, groups)
        inner = np.where(inside, inner, -1)
        if not (inner >= 0).any():
            raise OptionError("no clip outside the test fold to choose on", field="inner_folds", cure="mark some")
        contest_folds.append(inner)
        for number in np.unique(inner[inner >= 0]):
            key = (min(outer, number), max(outer, number)) if shared else (outer, number)
            if key not in trials:
                out = np.isin(folds, key) if shared else inner == number
                trials[key] = Trial(inside & (inner != number), np.flatnonzero(out))
            trials[key].serves[contest] = inner[trials[key].tested] == number
    return Plan(tuple(trials.values()), tuple(contest_folds))


def check_trained(trials: list[Trial] | tuple[Trial, ...], target: np.ndarray, estimator: str) -> None:
    """Raise `OptionError` where a trial has nothing to train on, or a single class."""
    for trial in trials:
        present = np.unique(target[trial.trained_on])
        if len(present) < (2 if estimator == "SVC" else 1):
            raise OptionError(
                "the clips left for training hold fewer than two classes" if len(present) else "no clip to train on",
                field="folds",
                cure="use other folds, or more clips a class",
            )


def _drawn_folds(
    inside: np.ndarray, target: np.ndarray, estimator: str, seed: int, groups: np.ndarray | None
) -> np.ndarray:
    within = None if groups is None else groups[inside]
    drawn = np.full(len(inside), -1)
    if estimator == "SVC":
        drawn[inside] = grouped_stratified_folds(target[inside], within, N_INNER_FOLDS, seed)
    else:
        drawn[inside] = grouped_folds(int(inside.sum()), within, N_INNER_FOLDS, seed)
    return drawn
