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
    """One training of a repeated cross-validation.

    Parameters
    ----------
    repetition, number : int
        Which repetition, and which fold of it.
    training, validation, test : np.ndarray [dtype=int]
        Positions of clips in the task; disjoint. `validation` is empty where nothing is chosen on training clips.
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
    """Deal the clips into folds at random: classes are not balanced, artists are not kept together.

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=int]
        Each clip's test fold.

    Raises
    ------
    OptionError
        There are fewer clips than folds.

    Example
    -------
    >>> np.bincount(shuffled_folds(7, 3)).tolist()
    [3, 2, 2]
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
    task : StudyTask
    grouped : bool
        Take the folds or the test split that the dataset predefines, else shuffled folds with balanced classes that
        keep an artist's clips together where artists are known. Else plain shuffled folds, as Song et al. (2017).
    validation : bool
        Leave the clips marked "valid" to choose the epoch, else a fifth of the training clips, drawn as `grouped` says.
    n_folds, n_repetitions : int
    seed : int

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
            chooses = training[:0]
            if validation:
                training, chooses = _inner(task, training, _seed(seed, repetition, number))
            yield Fold(repetition, number, training, chooses, test)


def _inner(task: StudyTask, training: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Part the clips to train on from those that choose the epoch."""
    held_out = None if task.split is None else validation_fold(task.split[training])
    if held_out is None:
        groups = None if task.groups is None else task.groups[training]
        held_out = grouped_stratified_folds(task.target[training], groups, _inner_folds(task, training), seed)
    return training[held_out != 0], training[held_out == 0]


def _inner_folds(task: StudyTask, training: np.ndarray) -> int:
    """As many inner folds as usual, fewer where the rarest class has fewer clips (or artists) left to train on."""
    units = np.arange(len(task)) if task.groups is None else task.groups
    labels = task.target[training]
    counts = {str(label): len(np.unique(units[training][labels == label])) for label in np.unique(labels)}
    rarest = min(counts, key=counts.__getitem__)
    if counts[rarest] < 2:
        raise OptionError(
            f"class {rarest!r} has one {'clip' if task.groups is None else 'artist'} left to train on, and one more "
            "must choose the epoch",
            field="n_folds",
            cure="give more clips or use more folds",
        )
    return min(INNER_FOLDS, counts[rarest])


def _seed(*numbers: int) -> int:
    """One number from several, as scikit-learn wants it; near seeds do not share folds."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
