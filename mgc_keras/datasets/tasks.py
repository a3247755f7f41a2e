"""Tasks of a study: which clips, what to predict, and how each protocol folds them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
import pandas as pd

from mgc_keras.datasets.gtzan import is_fault_filtered
from mgc_keras.datasets.manifest import LABEL_PREFIX, Manifest
from mgc_keras.datasets.splits import choose_folds
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.runs.writer import check_file_part

N_FOLDS = 10
logger = logging.getLogger("mgc_keras")
# What names a clip, or what it was cut from.
_NAMES = ("clip_id", "filepath", "cut_from")


@dataclass(frozen=True, eq=False)
class StudyTask:
    """One column to predict for some clips, in manifest order; arrays have the shape (n_clips,).

    The search keeps class numbers, whose order decides between classes of equal votes: `class_names` are for print.
    """

    name: str  # as in ``scores.csv``
    kind: str  # "classification", scored by accuracy, or "regression", by r²
    clip_ids: Sequence[str]
    target: np.ndarray  # class names (str) or the authors' class numbers (int), or values (float)
    groups: np.ndarray | None = None  # artist (or song, or recording) of each clip, where known
    fold: np.ndarray | None = None  # the dataset's own
    split: np.ndarray | None = None  # the dataset's own: train, valid, test, or "" for clips in none
    fault_filtered: bool = False  # that split is GTZAN's of 2015, drawn after the dataset was published
    published: dict[str, float] = field(default_factory=dict)  # the recorded score of each feature set, where known
    class_names: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def metric(self) -> str:
        """The metric: "accuracy" or "r2"."""
        return "accuracy" if self.kind == "classification" else "r2"

    @property
    def estimator(self) -> str:
        """The support-vector machine: "SVC" or "SVR"."""
        return "SVC" if self.kind == "classification" else "SVR"

    def with_split(self, fault_filtered: bool) -> "StudyTask":
        """Return the task without the clips that its split leaves out, or without the split.

        `fault_filtered`: whether a split counts that was drawn after the dataset was published, to filter faults
        (GTZAN's of 2015, known by its clips and their parts, whatever the manifest is called).
        """
        if self.split is None:
            return self
        if self.fault_filtered and not fault_filtered:
            return replace(self, split=None)
        return self.subset(self.split != "")

    def folds(self, grouped: bool, seed: int = 0, n_folds: int = N_FOLDS) -> np.ndarray:
        """Return each clip's test fold; see `mgc_keras.datasets.splits.choose_folds`.

        There are fewer than `n_folds` folds where the rarest class has fewer clips (or fewer artists, where these are
        kept together), so that each fold can test every class.

        Raises
        ------
        OptionError
            There are too few clips, or too few artists, for the folds.
        """
        units = self.units_per_class(grouped)
        which = "the task" if self.kind == "regression" else f"class {str(units.idxmin())!r}"
        together = grouped and self.groups is not None
        unit, plural = ("artist (or song)", "artists (or songs)") if together else ("clip", "clips")
        is_made_here = self.fold is None and self.split is None
        if is_made_here and units.min() < 2:
            problem = f"{which} has one {unit} alone, and needs one to learn from and one to test"
            raise OptionError(problem, field="label", cure="give it more of them, or leave the class out")
        possible = max(2, min(n_folds, int(units.min())))
        if is_made_here and possible < n_folds:
            _warn_of_few(f"{self.name}: {possible} folds, not {n_folds}: {which} has {units.min()} {plural}")
        return choose_folds(
            grouped,
            self.target,
            regression=self.kind == "regression",
            fold_column=self.fold,
            split_column=self.split,
            groups=self.groups,
            n_folds=possible,
            seed=seed,
        )

    def told_folds(self, tests: Sequence[np.ndarray]) -> str:
        """Say whose folds these are, and how many; `tests` are the positions that each fold tests."""
        parts = {frozenset(test.tolist()) for test in tests}

        def are(*theirs: np.ndarray) -> bool:
            return parts == {frozenset(np.flatnonzero(part).tolist()) for part in theirs}

        if self.split is not None and are(self.split == "test"):
            sizes = ", ".join(f"{(self.split == name).sum()} {name}" for name in ("train", "valid", "test"))
            whose = (
                "GTZAN's fault-filtered split of 2015" if self.fault_filtered else "the split that the clips come with"
            )
            return f"{whose} ({sizes})"
        if self.fold is not None and are(*(self.fold == name for name in np.unique(self.fold))):
            return f"the {len(parts)} folds that the clips come with"
        if len(parts) == 1:
            return "one split, made here"
        return f"{len(parts)} folds, made here"

    def units_per_class(self, by_group: bool) -> pd.Series:
        """Count the clips of each class, or its groups where these are known; a regression is one class."""
        units = self.groups if by_group and self.groups is not None else np.arange(len(self))
        classes = np.zeros(len(self)) if self.kind == "regression" else self.target
        return pd.Series(units).groupby(classes).nunique()

    def subset(self, rows: np.ndarray) -> "StudyTask":
        """Return the task of these clips alone (`rows`: a mask or positions)."""
        columns = {name: getattr(self, name) for name in ("target", "groups", "fold", "split")}
        kept = {name: column[rows] for name, column in columns.items() if column is not None}
        return replace(self, clip_ids=np.asarray(self.clip_ids)[rows].tolist(), **kept)


@lru_cache
def _warn_of_few(words: str) -> None:
    # Once: studies draw the same folds for every check, repetition and seed.
    logger.warning("%s, and each fold needs one of them to test", words)


def tasks_of(manifest: Manifest, name: str | None = None, labels: Mapping[str, str] | None = None) -> list[StudyTask]:
    """Return the tasks that a manifest poses: its `label` column, and every `label_<name>` column as a regression.

    Parameters
    ----------
    manifest : Manifest
        `artist` (else `cut_from`, see `mgc_keras.datasets.cutting`), `fold` and `split` are used where they exist.
    name, labels
        What to call the task, and the `label_<name>` columns behind it, where not by the manifest and by `<name>`.

    Raises
    ------
    ManifestError
        There is nothing to predict, `label` names one class alone, or a task's name cannot be part of a file name.

    Example
    -------
    >>> [task.name for task in tasks_of(read_manifest("emomusic.csv"))]      # doctest: +SKIP
    ['emomusic_arousal', 'emomusic_valence']
    """
    table = manifest.table
    name = name or manifest.name
    task = partial(
        StudyTask,
        clip_ids=manifest.clip_ids,
        groups=_groups(table),
        fold=table["fold"].to_numpy(int) if "fold" in table else None,
        split=table["split"].to_numpy(str) if "split" in table else None,
        fault_filtered="split" in table
        and any(is_fault_filtered(table[name], table["split"]) for name in _NAMES if name in table),
    )
    tasks = []
    if "label" in table:
        if len(manifest.class_names) < 2:
            problem, cure = f"names one class alone, {table['label'].iloc[0]!r}", "add clips of another class"
            raise ManifestError(problem, path=manifest.name, field="label", cure=cure)
        tasks.append(task(name, "classification", target=table["label"].to_numpy(str)))
    for column in manifest.label_columns:
        label = column.removeprefix(LABEL_PREFIX)
        full_name = f"{name}_{(labels or {}).get(label, label)}"
        tasks.append(task(full_name, "regression", target=manifest.targets(column)))
    if not tasks:
        raise ManifestError("has nothing to predict", path=manifest.name, field="label", cure="add a label column")
    for found in tasks:
        check_file_part("task", found.name, manifest.name)
    return tasks


def _groups(table: pd.DataFrame) -> np.ndarray | None:
    """Return what keeps clips together: their artist, or at least the clip that they were cut from."""
    for column in ("artist", "cut_from"):
        # Known for some clips only, it cannot keep folds apart.
        if column in table and (table[column] != "").all():
            return table[column].to_numpy(str)
    return None
