"""What the studies that export features once do with them: the clips that could be read, and those that could not."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.runs.writer import RunWriter
from mgc_keras.work import FailedClip, read_failed_clips


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


def write_errors(writer: RunWriter, found: Iterable[FailedClip] = (), pattern: str = "features/*_errors.csv") -> None:
    """Gather every clip that could not be read into the run's ``errors.csv``, and say how many there are.

    Parameters
    ----------
    writer : RunWriter
    found : iterable of FailedClip
        Clips that were left out before.
    pattern : str
        Of the files in which exports list clips, inside the run folder.
    """
    failed = {clip.clip_id: clip for clip in found}
    for path in sorted(writer.folder.glob(pattern)):
        for clip in read_failed_clips(path):
            failed.setdefault(clip.clip_id, clip)
    writer.errors(failed.values())
    if failed:
        print(f"{len(failed)} clips could not be used and are left out: {writer.folder / 'errors.csv'}")
