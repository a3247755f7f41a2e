"""Folds: which clips are tested together.

Every function returns an int array (n_clips,) holding each clip's test fold, counted from 0; -1 means that a clip is
never tested and always trained on.
"""

from collections.abc import Sequence

import numpy as np

from mgc_keras.errors import ManifestError, OptionError

# Of shape (n_clips,): labels, groups, a column of a manifest.
Column = Sequence | np.ndarray


def published_stratified_folds(labels: Column, n_folds: int = 10) -> np.ndarray:
    """Stratify as scikit-learn did before 0.22: each class is cut into contiguous blocks in file order.

    Choi et al. 2017 used it for their classification tasks. Today's `StratifiedKFold` allocates differently where
    classes are unbalanced.

    Raises
    ------
    OptionError
        A class has fewer clips than there are folds.

    Example
    -------
    >>> published_stratified_folds(list("aaaabb"), 2)
    array([0, 0, 1, 1, 0, 1])
    """
    labels = np.asarray(labels)
    folds = np.empty(len(labels), dtype=int)
    for name in np.unique(labels):
        members = np.flatnonzero(labels == name)
        _check_enough(len(members), n_folds, f"class {str(name)!r}")
        folds[members] = plain_folds(len(members), n_folds)
    return folds


def plain_folds(n_clips: int, n_folds: int = 10) -> np.ndarray:
    """Cut the clips into contiguous blocks in file order, the larger ones first (scikit-learn's `KFold`).

    Example
    -------
    >>> plain_folds(5, 2)
    array([0, 0, 0, 1, 1])
    """
    _check_enough(n_clips, n_folds, "the list of clips")
    return np.sort(np.arange(n_clips) % n_folds)


def predefined_folds(fold_column: Column) -> np.ndarray:
    """Take the folds that a dataset comes with; its numbers need not begin at 0.

    Raises
    ------
    ManifestError
        A clip without a fold, or one fold only.

    Example
    -------
    >>> predefined_folds([5, 1, 5, 3])
    array([2, 0, 2, 1])
    """
    column = np.asarray(fold_column)
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise ManifestError("a clip has no fold", field="fold", cure="fill in every row, or leave the column out")
    names, folds = np.unique(column, return_inverse=True)
    if len(names) < 2:
        raise ManifestError("all clips are in one fold", field="fold", cure="use two folds or more")
    return folds.astype(int)


def train_test_fold(split_column: Column) -> np.ndarray:
    """Score once on the clips marked 'test' (fold 0); all others are trained on (-1).

    Raises
    ------
    ManifestError
        No clip is marked 'test', or none is left for training.

    Example
    -------
    >>> train_test_fold(["train", "valid", "test"])
    array([-1, -1,  0])
    """
    folds = np.where(np.asarray(split_column) == "test", 0, -1)
    if len(set(folds)) < 2:
        raise ManifestError("needs both 'test' and other clips", field="split", cure="mark them train, valid or test")
    return folds


def validation_fold(split_column: Column | None) -> np.ndarray | None:
    """Choose on the clips marked 'valid' (fold 0), train on the rest (-1); None without a column or marked clips."""
    valid = np.asarray(split_column) == "valid"
    return np.where(valid, 0, -1) if valid.any() else None


def grouped_stratified_folds(labels: Column, groups: Column | None, n_folds: int = 10, seed: int = 0) -> np.ndarray:
    """Shuffle the clips into folds with balanced classes, keeping the clips of a group in one fold.

    Where `groups` (artist, song or recording of each clip) is None, every clip stands for itself.

    Raises
    ------
    OptionError
        A class has fewer clips, or there are fewer groups, than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = np.asarray(labels)
    names, counts = np.unique(labels, return_counts=True)
    _check_enough(int(counts.min()), n_folds, f"class {str(names[counts.argmin()])!r}")
    if groups is not None:
        _check_enough(len(np.unique(np.asarray(groups))), n_folds, "the list of groups")
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = np.full(len(labels), -1)
    splits = splitter(n_folds, shuffle=True, random_state=seed).split(labels, labels, groups)
    for number, (_, test) in enumerate(splits):
        folds[test] = number
    return folds


def grouped_folds(n_clips: int, groups: Column | None, n_folds: int = 10, seed: int = 0) -> np.ndarray:
    """Shuffle the clips into folds of about equal size, keeping the clips of a group in one fold (for regression).

    Groups are dealt in random order, each to the fold that holds the fewest clips so far.

    Raises
    ------
    OptionError
        There are fewer groups than folds.
    """
    members = np.arange(n_clips) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    sizes = np.bincount(members)
    _check_enough(len(sizes), n_folds, "the list of groups")
    # The largest groups first keeps the folds even; the shuffle decides among equals.
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    fold_of_group, filled = np.empty(len(sizes), dtype=int), np.zeros(n_folds, dtype=int)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of_group[group] = filled.argmin()
        filled[filled.argmin()] += sizes[group]
    return fold_of_group[members]


def choose_folds(
    grouped: bool,
    target: Column,
    *,
    regression: bool = False,
    fold_column: Column | None = None,
    split_column: Column | None = None,
    groups: Column | None = None,
    n_folds: int = 10,
    seed: int = 0,
) -> np.ndarray:
    """Choose the folds of a task.

    Folds or a test split that the dataset predefines are kept. Else the folds are unshuffled, in file order; or, if
    `grouped`, seeded, and artists are kept together where `groups` are known. Numbers, the target of a `regression`,
    cannot be stratified.
    """
    if fold_column is not None:
        return predefined_folds(fold_column)
    if split_column is not None:
        return train_test_fold(split_column)
    if not grouped:
        return plain_folds(len(target), n_folds) if regression else published_stratified_folds(target, n_folds)
    if regression:
        return grouped_folds(len(target), groups, n_folds, seed)
    return grouped_stratified_folds(target, groups, n_folds, seed)


def _check_enough(count: int, n_folds: int, what: str) -> None:
    if count < n_folds:
        problem = f"{what} has {count} members, too few for {n_folds} folds"
        raise OptionError(problem, field="n_folds", cure="use fewer folds")
