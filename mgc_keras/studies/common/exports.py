"""What the studies that export features once do with them: the clips that could be read, and those that could not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.runs.writer import RunWriter


class Exported(Protocol):
    """What was computed of the clips that could be read."""

    @property
    def clip_ids(self) -> Sequence[str]:
        """Their ids, in the order of what was computed."""
        ...


def task_of(manifest: Manifest, exported: Exported, protocol: str) -> tuple[StudyTask, np.ndarray]:
    """Return the task of the clips that could be read, as a protocol sees it, and their numbers among the exported."""
    kept = np.isin(manifest.clip_ids, exported.clip_ids)
    task = tasks_of(manifest)[0].subset(kept).under(protocol)
    place = {clip_id: row for row, clip_id in enumerate(exported.clip_ids)}
    return task, np.array([place[clip_id] for clip_id in task.clip_ids])


def write_errors(
    writer: RunWriter, found: Iterable[Mapping[str, str]] = (), pattern: str = "features/*_errors.csv"
) -> None:
    """Gather every clip that could not be read into the run's ``errors.csv``, and say how many there are.

    Parameters
    ----------
    writer : RunWriter
    found : iterable of mapping
        Rows (clip_id, cause, cure) of clips that were left out before.
    pattern : str
        Of the files in which exports list clips, inside the run folder.
    """
    rows: dict[str, dict[str, str]] = {row["clip_id"]: dict(row) for row in found}
    for path in sorted(writer.folder.glob(pattern)):
        for row in pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"):
            rows.setdefault(
                row["clip_id"], {"clip_id": row["clip_id"], "cause": row["cause"], "cure": row["what_to_do"]}
            )
    writer.errors(rows.values())
    if rows:
        print(f"{len(rows)} clips could not be used and are left out: {writer.folder / 'errors.csv'}")
