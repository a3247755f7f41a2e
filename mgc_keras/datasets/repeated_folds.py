"""Repeated cross-validation: which clips are trained on, chosen on and tested on, each time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mgc_keras.datasets.splits import grouped_stratified_folds, plain_folds, validation_fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import OptionError

# The share of the training clips that chooses the epoch, where the dataset has no validation part of its own.
INNER_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Fold:
    """One training of a repeated cross-validation: `number` counts the folds of a repetition.

    `training`, `validation` and `test` are positions (int) of clips in the task; disjoint. `validation` is empty where
    nothing is chosen on training clips.
    """

    repetition: int
    number: int
    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def name(self) -> str:
        """For file names: ``repetition00_fold03``."""
        return f"repetition{self.repetition:02d}_fold{self.number:02d}"


def shuffled_folds(n_clips: int, n_folds: int = 10, seed: int | tuple[int, ...] = 0) -> np.ndarray:
    """Deal the clips into folds at random, each clip's int, (n_clips,): no balanced classes, no artists kept together.

    Raises `OptionError` if there are fewer clips than folds.
    """
    return np.random.default_rng(seed).permutation(plain_folds(n_clips, n_folds))


def repeated_folds(
    task: StudyTask,
    *,
    grouped: bool = True,
    validation: bool = True,
    n_folds: int = 10,
    n_repetitions: int = 1,
    seed: int = 0,
) -> Iterator[Fold]:
    """Yield the folds of every repetition of a cross-validation.

    Parameters
    ----------
    grouped : bool
        Take the folds or the test split that the dataset predefines, else shuffled folds with balanced classes that
        keep an artist's clips together where artists are known. Else plain shuffled folds, as Song et al. (2017).
    validation : bool
        Leave the clips marked "valid" to choose the epoch, else a fifth of the training clips, drawn as `grouped` says.

    Raises
    ------
    OptionError
        No repetitions, or too few clips (or artists) for the folds.
    """
    if n_repetitions < 1:
        raise OptionError(f"{n_repetitions} repetitions give no score", field="n_repetitions", cure="give 1 or more")
    if not grouped:
        task = replace(task, groups=None, split=None)
    for repetition in range(n_repetitions):
        if grouped:
            of_clip = task.folds(True, _seed(seed, repetition), n_folds)
        else:
            of_clip = shuffled_folds(len(task), n_folds, (seed, repetition))
        for number in range(of_clip.max() + 1):
            test = np.flatnonzero(of_clip == number)
            training = np.flatnonzero(of_clip != number)
            chooses = np.zeros(len(training), dtype=bool)
            if validation:
                chooses = _inner_fold(task.subset(training), _seed(seed, repetition, number)) == 0
            yield Fold(repetition, number, training[~chooses], training[chooses], test)


def _inner_fold(training: StudyTask, seed: int) -> np.ndarray:
    """Choose on fold 0: of as many as usual, or fewer where the rarest class has fewer clips (or artists) left."""
    marked = validation_fold(training.split)
    if marked is not None:
        return marked
    counts = training.units_per_class(by_group=True)
    if counts.min() < 2:
        unit = "clip" if training.groups is None else "artist"
        problem = f"class {str(counts.idxmin())!r} has one {unit} left to train on, and one more must choose the epoch"
        raise OptionError(problem, field="n_folds", cure="give more clips or use more folds")
    return grouped_stratified_folds(training.target, training.groups, min(INNER_FOLDS, int(counts.min())), seed)


def _seed(*numbers: int) -> int:
    """One number from several, as scikit-learn wants it; near seeds do not share folds."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
