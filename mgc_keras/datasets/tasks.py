"""Tasks of a study: which clips, what to predict, and how each protocol folds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import LABEL_PREFIX, Manifest
from mgc_keras.datasets.splits import choose_folds
from mgc_keras.errors import ManifestError

N_FOLDS = 10
# Datasets whose split is no part of them: it was drawn later, to leave out faults and part artists.
FAULT_FILTERED = ("gtzan_genre",)


@dataclass(frozen=True, eq=False)
class StudyTask:
    """One column to predict for some clips.

    Parameters
    ----------
    name : str
        As in ``scores.csv``.
    kind : {"classification", "regression"}
        Scored by accuracy, or by r².
    clip_ids : sequence of str
        In manifest order.
    target : np.ndarray [shape=(n_clips,)]
        Class names (str) or the authors' class numbers (int), or values (float).
    groups : np.ndarray or None [shape=(n_clips,)]
        Artist (or song, or recording) of each clip, where known.
    fold, split : np.ndarray or None [shape=(n_clips,)]
        The dataset's own folds; its own train, valid, test ("" for clips in none).
    published : dict
        The recorded score of each feature set, where known.
    class_names : dict
        Names of class numbers. The search keeps the numbers, whose order decides between classes of equal votes.
    """

    name: str
    kind: str
    clip_ids: Sequence[str]
    target: np.ndarray
    groups: np.ndarray | None = None
    fold: np.ndarray | None = None
    split: np.ndarray | None = None
    published: dict[str, float] = field(default_factory=dict)
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

        Parameters
        ----------
        fault_filtered : bool
            Whether a split counts that was drawn after the dataset was published, to filter faults (GTZAN's of 2015).
        """
        if self.split is None:
            return self
        if self.name in FAULT_FILTERED and not fault_filtered:
            return replace(self, split=None)
        return self.subset(self.split != "")

    def folds(self, grouped: bool, seed: int = 0, n_folds: int = N_FOLDS) -> np.ndarray:
        """Return each clip's test fold; see `mgc_keras.datasets.splits.choose_folds`.

        There are fewer than `n_folds` folds where the rarest class has fewer clips (or fewer artists, where these are
        kept together), so that each fold can test every class.

        Parameters
        ----------
        grouped : bool
            Seeded, shuffled folds that keep artists together; else unshuffled folds in file order.
        seed, n_folds : int

        Returns
        -------
        np.ndarray [shape=(n_clips,), dtype=int]

        Raises
        ------
        OptionError
            There are too few clips, or too few artists, for the folds.
        """
        n_folds = max(2, min(n_folds, self._rarest(by_group=grouped)))
        return choose_folds(
            grouped,
            self.target,
            regression=self.kind == "regression",
            fold_column=self.fold,
            split_column=self.split,
            groups=self.groups,
            n_folds=n_folds,
            seed=seed,
        )

    def _rarest(self, by_group: bool) -> int:
        """Count the clips, or the groups, of the class that has fewest."""
        units = self.groups if by_group and self.groups is not None else np.arange(len(self))
        classes = np.zeros(len(self)) if self.kind == "regression" else self.target
        return min(len(np.unique(units[classes == label])) for label in np.unique(classes))

    def subset(self, rows: np.ndarray) -> "StudyTask":
        """Return the task of these clips alone (`rows`: a mask or positions)."""
        columns = {
            name: getattr(self, name)[rows]
            for name in ("target", "groups", "fold", "split")
            if getattr(self, name) is not None
        }
        return replace(self, clip_ids=np.asarray(self.clip_ids)[rows].tolist(), **columns)


def tasks_of(manifest: Manifest, name: str | None = None, labels: Mapping[str, str] | None = None) -> list[StudyTask]:
    """Return the tasks that a manifest poses: its `label` column, and every `label_<name>` column as a regression.

    Parameters
    ----------
    manifest : Manifest
        With a column `label` or columns `label_<name>`; `artist` (else `cut_from`, see `mgc_keras.datasets.cutting`),
        `fold` and `split` are used where they exist.
    name : str, optional
        Of the task; default: the manifest's.
    labels : mapping of str to str, optional
        What to call the `label_<name>` columns behind it, where not by `<name>`.

    Raises
    ------
    ManifestError
        There is nothing to predict.

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
    )
    tasks = []
    if "label" in table:
        tasks.append(task(name, "classification", target=table["label"].to_numpy(str)))
    for column in manifest.label_columns:
        label = column.removeprefix(LABEL_PREFIX)
        full_name = f"{name}_{(labels or {}).get(label, label)}"
        tasks.append(task(full_name, "regression", target=manifest.targets(column)))
    if not tasks:
        raise ManifestError("has nothing to predict", path=manifest.name, field="label", cure="add a label column")
    return tasks


def _groups(table: pd.DataFrame) -> np.ndarray | None:
    """Return what keeps clips together: their artist, or at least the clip that they were cut from."""
    for column in ("artist", "cut_from"):
        # Known for some clips only, it cannot keep folds apart.
        if column in table and (table[column] != "").all():
            return table[column].to_numpy(str)
    return None
