"""The files that ``mgc-keras segment`` writes for a song, and whether an earlier run has written them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgc_keras.work import fingerprint, finished_record

if TYPE_CHECKING:
    import numpy as np

    from mgc_keras.segmentation.segments import Segmentation
    from mgc_keras.segmentation.settings import SegmentationSettings

FIGURES = ("waveform", "distances", "graph", "map", "segments")


@dataclass(frozen=True)
class SongFiles:
    """A song's files. ``<stem>_segments.json``, written last, says what the others were made from.

    Parameters
    ----------
    stem : Path
        Folder and beginning of the names.
    song : Path
    sampling_rate : int
        At which it is segmented, in Hz.
    settings : SegmentationSettings
    plots, largest : bool
        Whether there are figures, and audio of the largest cluster.
    """

    stem: Path
    song: Path
    sampling_rate: int
    settings: "SegmentationSettings"
    plots: bool
    largest: bool

    @property
    def paths(self) -> list[Path]:
        """All files but the record, the table last."""
        names = [f"_{name}.png" for name in FIGURES] if self.plots else []
        return [self._path(name) for name in (*names, *(["_largest.wav"] if self.largest else []), "_segments.csv")]

    def are_finished(self) -> bool:
        """Tell whether all of them are there, made from this very song with these settings."""
        record = finished_record(self._path("_segments.json"), self._record()["fingerprint"])
        return record is not None and all(path.name in record["files"] and path.exists() for path in self.paths)

    def write(self, waveform: "np.ndarray", segmentation: "Segmentation") -> None:
        """Write them."""
        from mgc_keras.audio.files import write_waveform
        from mgc_keras.files import write_text
        from mgc_keras.segmentation.segments import largest_cluster_waveform

        # Until all files are of one run there is no record.
        self._path("_segments.json").unlink(missing_ok=True)
        if self.plots:
            from mgc_keras.reporting.segmentation import draw_segmentation

            draw_segmentation(waveform, segmentation, self.stem, title=self.stem.name)
        if self.largest:
            audio = largest_cluster_waveform(waveform, segmentation)
            write_waveform(self._path("_largest.wav"), audio, segmentation.sampling_rate)
        table = segmentation.segments().round(6).to_csv(index=False, lineterminator="\n")
        write_text(self._path("_segments.csv"), table)
        write_text(self._path("_segments.json"), json.dumps(self._record(), indent=2) + "\n")

    def _path(self, ending: str) -> Path:
        return self.stem.with_name(f"{self.stem.name}{ending}")

    def _record(self) -> dict[str, Any]:
        state = self.song.stat()
        made_from = {
            # Changed in place, a song is another.
            "song": {"path": str(self.song.absolute()), "bytes": state.st_size, "changed_ns": state.st_mtime_ns},
            "sampling_rate": self.sampling_rate,
            "settings": asdict(self.settings),
        }
        return {
            **made_from,
            "files": [path.name for path in self.paths],
            "fingerprint": fingerprint(made_from),
        }
