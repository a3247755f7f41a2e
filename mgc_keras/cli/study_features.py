"""What the studies that export features once do with them: the clips that could be read, and those that could not."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from mgc_keras.data.manifest import Manifest
from mgc_keras.data.tasks import StudyTask, tasks_of
from mgc_keras.evaluation.run_folder import RunWriter
from mgc_keras.features.sequences import Sequences


def task_of(manifest: Manifest, sequences: Sequences, protocol: str) -> tuple[StudyTask, np.ndarray]:
    """Return the task of the clips that could be read, as a protocol sees it, and their rows in `sequences`."""
    kept = np.isin(manifest.clip_ids, sequences.clip_ids)
    task = tasks_of(manifest)[0].subset(kept).under(protocol)
    place = {clip_id: row for row, clip_id in enumerate(sequences.clip_ids)}
    return task, np.array([place[clip_id] for clip_id in task.clip_ids])


def write_errors(writer: RunWriter, found: Iterable[Mapping[str, str]] = ()) -> None:
    """Gather every clip that could not be read into the run's ``errors.csv``, and say how many there are.

    Parameters
    ----------
    writer : RunWriter
    found : iterable of mapping
        Rows (clip_id, cause, cure) of clips that were left out before.
    """
    rows: dict[str, dict[str, str]] = {row["clip_id"]: dict(row) for row in found}
    for path in sorted((writer.folder / "features").glob("*_errors.csv")):
        for row in pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"):
            rows.setdefault(row["clip_id"], {"clip_id": row["clip_id"], "cause": row["cause"], "cure": row["what_to_do"]})
    writer.errors(rows.values())
    if rows:
        print(f"{len(rows)} clips could not be used and are left out: {writer.folder / 'errors.csv'}")
