"""A task together with the features that each protocol sees: read from the authors' files, or from exported tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mgc_keras.datasets.cards import card_names, manifest_folder, read_card
from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.errors import ManifestError
from mgc_keras.features.sets import feature_sets
from mgc_keras.features.table import read_features
from mgc_keras.protocols import Protocol
from mgc_keras.studies.choi2017.authors_files import read_published_scores, read_published_task
from mgc_keras.studies.choi2017.paper import SHORT_LABELS, TASK_NAMES

Blocks = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class StudyData:
    """A task and its features.

    Parameters
    ----------
    task : StudyTask
    blocks : dict of str to dict of str to np.ndarray [shape=(n_clips, n_columns)]
        For each protocol the blocks of columns ('1' … '5', 'random_1' … 'random_5', 'mfcc'), rows as in the task.
    manifest : Manifest or None
        Where the clips are, if there are any: the authors' features came without.
    """

    task: StudyTask
    blocks: dict[str, Blocks]
    manifest: Manifest | None = None

    def under(self, protocol: Protocol) -> tuple[StudyTask, Blocks]:
        """Return the task as a protocol sees it, and the features of exactly those clips."""
        task = self.task.with_split(protocol.mends("fault-filtered-split"))
        rows = self.rows_of(task)
        return task, {name: block[rows] for name, block in self.blocks[protocol.name].items()}

    def rows_of(self, task: StudyTask) -> np.ndarray:
        """Return where in the blocks the clips of a smaller task stand, (n_clips,) int."""
        place = {clip_id: row for row, clip_id in enumerate(self.task.clip_ids)}
        return np.array([place[clip_id] for clip_id in task.clip_ids])


def published_data(folder: str | Path, name: str, protocols: Iterable[Protocol]) -> StudyData:
    """Read one task of the authors' own files; all protocols see the same features, which came out of batches.

    Parameters
    ----------
    folder : str or Path
        See `mgc_keras.studies.choi2017.authors_files`.
    name : str
        One of `mgc_keras.studies.choi2017.authors_files.PUBLISHED_TASKS`.
    protocols : iterable of Protocol

    Raises
    ------
    ManifestError
        A file is missing or does not fit.
    """
    source = read_published_task(folder, name)
    scores = read_published_scores(folder)
    split = source.split_column
    if name == "gtzan_genre":
        filtered = read_manifest(manifest_folder() / "gtzan_genre.csv").table.set_index("clip_id")["split"]
        split = filtered.loc[source.clip_ids].to_numpy(str)
    task = StudyTask(
        name,
        "classification" if source.estimator == "SVC" else "regression",
        source.clip_ids,
        source.target,
        source.groups,
        source.fold_column,
        split,
        dict(scores[scores["task"] == name].set_index("feature")["score"]),
        _class_names(name),
    )
    return StudyData(task, {protocol.name: source.blocks for protocol in protocols})


def _class_names(name: str) -> dict[int, str]:
    """Name the authors' class numbers, where the dataset's card does."""
    dataset = next((dataset for dataset, task in TASK_NAMES.items() if task == name), name)
    classes = read_card(dataset).classes if dataset in card_names() else None
    return dict(enumerate(classes or ()))


def exported_data(manifest: Manifest, tables: Mapping[tuple[str, str], Path]) -> list[StudyData]:
    """Join a manifest's tasks with its exported feature tables; clips that failed in any table are left out of all.

    Parameters
    ----------
    manifest : Manifest
    tables : mapping of (protocol, kind) to Path
        protocol: its name. kind: "convnet", "random" or "mfcc".

    Raises
    ------
    ManifestError
        A table does not fit, or no clip is left.
    """
    read = {key: read_features(path) for key, path in tables.items()}
    kept = [clip for clip in manifest.clip_ids if all(clip in table.index for table in read.values())]
    if not kept:
        raise ManifestError("no clip could be read", path=manifest.name, cure="see errors.csv")
    mask = np.isin(manifest.clip_ids, kept)
    blocks: dict[str, Blocks] = {}
    for (protocol, kind), table in read.items():
        blocks.setdefault(protocol, {}).update(feature_sets()[kind].blocks_of(table.loc[kept]))
    return [
        StudyData(task.subset(mask), blocks, manifest)
        for task in tasks_of(manifest, TASK_NAMES.get(manifest.name), SHORT_LABELS)
    ]
