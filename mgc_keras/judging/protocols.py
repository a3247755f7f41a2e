"""Protocols: which rows are trained on, chosen on and tested on, and how much a score under each may claim."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mgc_keras.datasets.holdout import stratified_holdout
from mgc_keras.datasets.splits import grouped_stratified_folds, predefined_folds
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.judging.duplicates import Pair, joined
from mgc_keras.judging.in_common import GROUP_COLUMNS
from mgc_keras.judging.matching import LabelledClips

# Draws of the random split: one alone says little, since its score depends on which clips are tested.
N_DRAWS = 10
_ALIASES = {
    "training": "train",
    "val": "valid",
    "validation": "valid",
    "dev": "valid",
    "testing": "test",
    "eval": "test",
}


@dataclass(frozen=True, eq=False)
class Split:
    """Rows (positions) to train on, to choose hyperparameters on, and to test on.

    `valid` None: folds of `train` choose. `refit`: once chosen, `valid` is trained on as well.
    """

    train: np.ndarray
    valid: np.ndarray | None
    test: np.ndarray
    repeat: int
    fold: int
    refit: bool = False

    @property
    def fitted(self) -> np.ndarray:
        """The rows that the tested model is fitted on."""
        return np.concatenate([self.train, self.valid]) if self.refit and self.valid is not None else self.train


@dataclass(frozen=True, eq=False)
class Protocol:
    """Splits that belong together.

    Attributes
    ----------
    key, title : str
        For files; for readers.
    splits : tuple of Split
    groups : np.ndarray [shape=(n_rows,)] or None
        Rows of one group stay together, inside the training part too.
    strictness : int
        The higher, the more may be claimed: 0 for random rows.
    """

    key: str
    title: str
    splits: tuple[Split, ...]
    groups: np.ndarray | None = None
    strictness: int = 0

    @property
    def test_share(self) -> float:
        """Test rows for each training row, on average over the splits."""
        return float(np.mean([len(split.test) / len(split.fitted) for split in self.splits]))


def protocols(
    clips: LabelledClips, pairs: list[Pair], n_folds: int, n_repeats: int, seed: int, n_draws: int = N_DRAWS
) -> tuple[list[Protocol], list[str]]:
    """Draw all protocols that these clips allow, from the laxest to the strictest, and say what could not be done.

    Parameters
    ----------
    clips : LabelledClips
    pairs : list of Pair
        Rows suspected to be one recording.
    n_folds, n_repeats, seed : int
    n_draws : int
        Random splits of the clips of a given one.

    Raises
    ------
    OptionError
        Fewer than two folds or no repeats.
    ManifestError
        A class with one clip alone.
    """
    if n_folds < 2:
        raise OptionError(f"{n_folds} folds cannot part training from test", field="--folds", cure="give 2 or more")
    if n_repeats < 1:
        raise OptionError(f"{n_repeats} repeats give no score", field="--repeats", cure="give 1 or more")
    notes: list[str] = []
    n_folds = _possible_folds(clips, n_folds, notes)
    found = [_folds("random", "random folds", clips, None, n_folds, n_repeats, seed)]
    found += _grouped(clips, pairs, n_folds, n_repeats, seed, notes)
    if "fold" in clips.known:
        column = clips.known["fold"].to_numpy(str)
        if len(set(column)) > 1:
            splits = tuple(_of_folds(predefined_folds(column), 0))
            found.append(Protocol("own_folds", "the folds that the clips come with", splits, None, 5))
        else:
            notes.append("The column fold is not used: all clips are in one.")
    for key, title, split, strictness in _given_splits(clips, notes):
        sizes = ((split == "train").sum(), (split == "valid").sum(), (split == "test").sum())
        shown = "/".join(str(size) for size in sizes if size)
        draws = tuple(_draws(clips.labels, split, n_draws, seed))
        if draws:
            # The very clips of the split: only who stands on which side differs.
            found.append(Protocol(f"{key}_random", f"the same clips, split at random ({shown})", draws))
        else:
            notes.append(f"No random split of the size {shown} could be drawn: a class has too few clips.")
        rows = [np.flatnonzero(split == part) for part in ("train", "valid", "test")]
        given = Split(rows[0], rows[1] if len(rows[1]) else None, rows[2], 0, 0)
        if given.valid is not None:
            refitted = f"{title}, trained on its validation clips, too ({sizes[0] + sizes[1]}/{sizes[2]})"
            found.append(Protocol(f"{key}_refit", refitted, (replace(given, refit=True),)))
        found.append(Protocol(key, f"{title} ({shown})", (given,), None, strictness))
    return found, notes


def _possible_folds(clips: LabelledClips, n_folds: int, notes: list[str]) -> int:
    """Return how many folds the rarest class allows, so that each fold tests every class."""
    names, counts = np.unique(clips.labels, return_counts=True)
    rarest = names[counts.argmin()]
    if counts.min() < 2:
        problem = f"class {str(rarest)!r} has one clip: it cannot be both trained on and tested"
        raise ManifestError(problem, path=clips.source, field="label", cure="give it more clips, or leave it out")
    if counts.min() >= n_folds:
        return n_folds
    notes.append(f"{counts.min()} folds in place of {n_folds}: class {str(rarest)!r} has {counts.min()} clips.")
    return int(counts.min())


def _of_folds(fold: np.ndarray, repeat: int) -> Iterator[Split]:
    for number in range(fold.max() + 1):
        test = np.flatnonzero(fold == number)
        if len(test):
            yield Split(np.flatnonzero(fold != number), None, test, repeat, number)


def _folds(
    key: str,
    title: str,
    clips: LabelledClips,
    groups: np.ndarray | None,
    n_folds: int,
    n_repeats: int,
    seed: int,
    strictness: int = 0,
) -> Protocol:
    splits: list[Split] = []
    for repeat in range(n_repeats):
        splits += _of_folds(grouped_stratified_folds(clips.labels, groups, n_folds, seed + repeat), repeat)
    return Protocol(key, title, tuple(splits), groups, strictness)


def _grouped(
    clips: LabelledClips, pairs: list[Pair], n_folds: int, n_repeats: int, seed: int, notes: list[str]
) -> list[Protocol]:
    """Return the protocols that keep together what belongs together: windows of a clip, duplicates, songs, artists."""
    bonds = [("clip", clips.clips)] if len(set(clips.clips)) < len(clips) else []
    bonds += [(name, clips.known[name].to_numpy(str)) for name in reversed(GROUP_COLUMNS) if name in clips.known]
    if not bonds and pairs:
        bonds = [("duplicate", np.arange(len(clips)))]
    found = []
    for number, (name, bond) in enumerate(bonds):
        # Whatever else is kept together, one clip's windows and suspected duplicates are.
        groups = joined(len(clips), bond, clips.clips, pairs=pairs)
        n_groups = len(set(groups))
        what = {"clip": "windows of a clip", "cut_from": "parts of a clip", "duplicate": "suspected duplicates"}
        title = f"folds that keep {what.get(name, f'the clips of each {name}')} together"
        if pairs and name != "duplicate":
            title += ", and suspected duplicates"
        if n_groups < 2:
            notes.append(f"No {title}: all clips belong together.")
            continue
        if n_groups < n_folds:
            notes.append(f"{n_groups} folds in place of {n_folds} where {name}s are kept together: there are no more.")
        if n_groups == len(clips) and not pairs:
            notes.append(f"Each clip has another {name}: nothing need be kept together.")
            continue
        alone = [str(label) for label in clips.classes if len(set(groups[clips.labels == label])) < 2]
        if alone:
            notes.append(
                f"All clips of class {', '.join(alone)} have one {name}: where it is tested it was never trained on."
            )
        strictness = 1 if name == "duplicate" else 2 + number
        found.append(_folds(name, title, clips, groups, min(n_folds, n_groups), n_repeats, seed, min(strictness, 4)))
    return found


def _given_splits(clips: LabelledClips, notes: list[str]) -> Iterator[tuple[str, str, np.ndarray, int]]:
    """Yield the splits that the clips come with: that of the table or manifest, and the fault-filtered one."""
    if "split" in clips.known:
        lower = clips.known["split"].str.strip().str.casefold()
        split = lower.map(lambda word: _ALIASES.get(word, word)).to_numpy(str)
        if (reason := _unusable(split, clips.labels)) is None:
            yield "own_split", "the split that the clips come with", split, 6
        else:
            notes.append(f"The column split is not used: {reason}.")
    if clips.fault_filtered is not None:
        if (reason := _unusable(clips.fault_filtered, clips.labels)) is None:
            yield "fault_filtered", "fault-filtered partition", clips.fault_filtered, 7
        else:
            notes.append(f"The fault-filtered partition cannot be used: {reason}.")


def _unusable(split: np.ndarray, labels: np.ndarray) -> str | None:
    train, test = split == "train", split == "test"
    if not train.any() or not test.any():
        return "it marks no clips 'train', or none 'test'"
    if len(set(labels[train])) < 2:
        return "its training clips are of one class"
    return "it tests one clip alone" if test.sum() < 2 else None


def _draws(labels: np.ndarray, split: np.ndarray, n_draws: int, seed: int) -> Iterator[Split]:
    """Deal a split's clips anew into parts of the same sizes, stratified; nothing where a class has too few clips."""
    sizes = {part: int((split == part).sum()) for part in ("train", "valid", "test")}
    every = np.flatnonzero(np.isin(split, list(sizes)))
    for draw in range(n_draws):
        left, parts = every, {}
        for place, (part, size) in enumerate(sizes.items()):
            if size in (0, len(left)):
                parts[part], left = left[: 0 if size == 0 else None], left[len(left) if size else 0 :]
                continue
            try:
                held = stratified_holdout(labels[left], share=size / len(left), seed=(seed, draw, place))
            except OptionError:
                return
            parts[part], left = left[held], left[~held]
        yield Split(parts["train"], parts["valid"] if len(parts["valid"]) else None, parts["test"], draw, 0)
