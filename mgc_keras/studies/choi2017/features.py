"""A task together with the features that each protocol sees, as exported tables or the authors' files hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.errors import ManifestError
from mgc_keras.features.csv_table import SPAN_COLUMNS
from mgc_keras.features.sets import feature_sets
from mgc_keras.features.table import read_features
from mgc_keras.protocols import Protocol
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
        return pd.Index(self.task.clip_ids).get_indexer(task.clip_ids)


def clip_features(path: Path) -> pd.DataFrame:
    """Read a feature table, a row a clip: the mean over its windows where it was cut into such."""
    table = read_features(path)
    if SPAN_COLUMNS[0] not in table:
        return table
    return table.drop(columns=list(SPAN_COLUMNS)).groupby(level=0, sort=False).mean()


def exported_data(manifest: Manifest, tables: Mapping[tuple[str, str], Path]) -> list[StudyData]:
    """Join a manifest's tasks with its exported feature tables; clips that failed in any table are left out of all.

    `tables` are named by a protocol's name and a kind: "convnet", "random" or "mfcc".

    Raises
    ------
    ManifestError
        A table does not fit, or no clip is left.
    """
    read = {key: clip_features(path) for key, path in tables.items()}
    kept = [clip for clip in manifest.clip_ids if all(clip in table.index for table in read.values())]
    if not kept:
        lists = sorted({path.with_name(f"{path.stem}_errors.csv") for path in tables.values()})
        raise ManifestError("no clip could be read", path=manifest.name, cure=f"see {lists[0]}")
    mask = np.isin(manifest.clip_ids, kept)
    blocks: dict[str, Blocks] = {}
    for (protocol, kind), table in read.items():
        blocks.setdefault(protocol, {}).update(feature_sets()[kind].blocks_of(table.loc[kept]))
    return [
        StudyData(task.subset(mask), blocks, manifest)
        for task in tasks_of(manifest, TASK_NAMES.get(manifest.name), SHORT_LABELS)
    ]
