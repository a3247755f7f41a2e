"""Cutting: from clips or whole songs to segments of equal length, in memory or as files.

Asgharivaskasi et al. (2019) cut songs into clips of 30 s, and clips into segments of 3 s whose classes are voted on.
Hold out clips before cutting them (`mgc_keras.datasets.holdout`): what a segment was cut from decides its side.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from mgc_keras.audio.containers import open_clip
from mgc_keras.audio.files import FITS, fit_waveform, read_waveform, write_waveform
from mgc_keras.audio.spans import check_seconds, check_step, samples_in, span_starts
from mgc_keras.checks import checked_choice
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.files import LONGEST_NAME, locked, sweep
from mgc_keras.progress import progress_bar
from mgc_keras.work import Journal, fingerprint, keep_settings

logger = logging.getLogger("mgc_keras")

REMAINDERS = ("drop", "fit")
# Decoded mp3s overshoot full scale here and there; a larger share of a clip's samples is heard when it is clipped.
_FEW = 1e-3
SETTINGS_FILE = "segments.json"


@dataclass(frozen=True)
class Cutting:
    """How clips are cut. Raises `OptionError` for a value that makes no sense.

    `remainder` is what happens to the end of a clip, where no whole segment fits any more. "drop": it is left out.
    "fit": it becomes one more segment, brought to length by `fit`. The study's rule is not stated; dropped because a
    segment that is half silence or repetition is not what the others are.
    """

    seconds: float = 3.0  # of a segment; 3 in the study, 30 for its songs
    hop: float | None = None  # from one start to the next; None takes `seconds`: neither overlaps nor gaps
    remainder: str = "drop"
    fit: str = "repeat"  # how a clip shorter than one segment, which always gives one, is filled up: see `fit_waveform`

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds)
        check_step(*("seconds", self.seconds) if self.hop is None else ("hop", self.hop))
        checked_choice("remainder", self.remainder, REMAINDERS)
        checked_choice("fit", self.fit, FITS)

    def length(self, sampling_rate: int) -> int:
        """Return the samples of a segment."""
        return samples_in(self.seconds, sampling_rate)

    def starts(self, n_samples: int, sampling_rate: int) -> np.ndarray:
        """Return the first sample of each segment of a clip of `n_samples`, (n_segments,) int; at least one.

        Example
        -------
        >>> Cutting(3.0).starts(10, sampling_rate=1).tolist(), Cutting(3.0, remainder="fit").starts(10, 1).tolist()
        ([0, 3, 6], [0, 3, 6, 9])
        """
        length = self.length(sampling_rate)
        hop = length if self.hop is None else samples_in(self.hop, sampling_rate)
        starts = span_starts(n_samples, length, hop)
        following = starts[-1] + hop
        if self.remainder == "fit" and starts[-1] + length < n_samples and following < n_samples:
            starts = np.append(starts, following)
        return starts


@dataclass(frozen=True, eq=False)
class Segments:
    """Segments of several clips, clip by clip, in time.

    ``labels[segments.clip]`` are their labels, and votes are gathered by `clip` (`mgc_keras.evaluation.voting`).
    """

    waveforms: np.ndarray  # (n_segments, n_samples)
    clip: np.ndarray  # (n_segments,) int: position of the clip that each was cut from
    start: np.ndarray  # (n_segments,) int: its first sample there


def cut_clips(
    waveforms: np.ndarray | Sequence[np.ndarray], sampling_rate: int, cutting: Cutting = Cutting()
) -> Segments:
    """Cut clips into segments.

    Parameters
    ----------
    waveforms : np.ndarray [shape=(n_clips, n_samples)] or sequence of np.ndarray [shape=(n_samples,)]

    Raises
    ------
    OptionError
        There are no clips.
    AudioError
        A clip has no samples, or is no waveform; its position is named.

    Example
    -------
    >>> segments = cut_clips(np.zeros((2, 7), np.float32), sampling_rate=1)
    >>> segments.waveforms.shape, segments.clip.tolist(), segments.start.tolist()
    ((4, 3), [0, 0, 1, 1], [0, 3, 0, 3])
    """
    if not len(waveforms):
        raise OptionError("there are no clips to cut", field="waveforms", cure="give at least one")
    for position, waveform in enumerate(waveforms):
        if np.ndim(waveform) != 1 or not len(waveform):
            problem = f"clip {position} has the shape {np.shape(waveform)}, not (n_samples,)"
            raise AudioError(problem, cure="mix it to mono, or leave it out if it is empty")
    starts = [cutting.starts(len(waveform), sampling_rate) for waveform in waveforms]
    clip = np.repeat(np.arange(len(waveforms)), [len(some) for some in starts])
    start, length = np.concatenate(starts), cutting.length(sampling_rate)
    segments = np.empty((len(clip), length), dtype=np.result_type(*{waveform.dtype for waveform in waveforms}))
    for row, (number, first) in enumerate(zip(clip.tolist(), start.tolist())):
        segments[row] = fit_waveform(waveforms[number][first : first + length], length, cutting.fit)
    return Segments(segments, clip, start)


@dataclass(frozen=True, eq=False)
class CutManifest:
    """A manifest's table of segments, and the positions of clips that could not be read, and why.

    The table has one row a segment, with `clip_id` ``<clip>_<k>``, the columns of the row it was cut from, and
    `cut_from` (that row's `clip_id`) and `start_s` (where it begins there, in seconds).
    """

    table: pd.DataFrame
    problems: dict[int, AudioError]


def cut_manifest(
    manifest: Manifest, folder: str | Path, cutting: Cutting = Cutting(seconds=30.0), sampling_rate: int | None = None
) -> CutManifest:
    """Cut a manifest's clips into files and return the manifest's table of these.

    The segments are written as mono 16-bit wav files to ``<folder>/<path of the clip>_<k>.wav``; k counts a clip's
    segments from 0. ``segments.json`` tells the settings, and the size and times of change of each clip that was cut
    (of its content and of its entry, which a copy does not keep): its segments are kept while these are the same, so
    that a run that was stopped goes on.

    Parameters
    ----------
    folder : str or Path
        Where the segments go, and what the table's paths are relative to. 23 000 clips of 30 s take about 30 GB at
        22 050 Hz, twice as much at 44 100 Hz.
    sampling_rate : int or None
        Of the segments, in Hz; None keeps each clip's own.

    Raises
    ------
    OptionError
        `folder` holds segments that were cut otherwise, or other files with names of segments.
    MgcKerasError
        Another process is cutting into `folder`, or the disk is full.
    """
    with locked(Path(folder) / SETTINGS_FILE):
        return _cut_manifest(manifest, Path(folder), cutting, sampling_rate)


def _cut_manifest(manifest: Manifest, folder: Path, cutting: Cutting, sampling_rate: int | None) -> CutManifest:
    record, settings = folder / SETTINGS_FILE, {**vars(cutting), "sampling_rate": sampling_rate}
    stems = manifest.table["filepath"].map(lambda name: PurePosixPath(name).with_suffix("").as_posix())
    stems = stems.where(~stems.duplicated(keep=False), manifest.table["filepath"])
    originals = {path.resolve() for path in manifest.filepaths}
    if not record.exists():
        _check_free(folder, set(stems), originals)
    # By the segments' stem: the clip's size and times of change, and where its segments begin, in seconds.
    cut = keep_settings(record, settings)
    for place in {(folder / stem).parent for stem in stems}:
        sweep(place)
    rows, problems = [], {}
    songs = zip(manifest.table.to_dict("records"), manifest.filepaths, stems, strict=True)
    with Journal(f"{record}.partial", fingerprint(settings)) as journal:
        cut |= dict(journal)
        cut = {
            stem: known for stem, known in cut.items() if isinstance(known, dict) and {"clip", "start_s"} <= {*known}
        }
        for position, (row, path, stem) in enumerate(progress_bar(songs, description="cutting", total=len(manifest))):
            state, known = _state(path), cut.get(stem, {})
            kept = known["start_s"] if known and known["clip"] == state else []
            files = [folder / f"{stem}_{k}.wav" for k in range(len(kept))]
            if not kept or not all(file.exists() for file in files):
                try:
                    segments, rate = _segments(path, cutting, sampling_rate)
                except AudioError as error:
                    problems[position] = error
                    continue
                last = PurePosixPath(f"{stem}_{len(segments.waveforms) - 1}.wav").name
                if len(os.fsencode(last)) > LONGEST_NAME:
                    problem, cure = "has too long a name for its segments' files", "give the clip a shorter name"
                    problems[position] = AudioError(problem, path=path, cure=cure)
                    continue
                beyond = float(np.mean([np.mean(np.abs(waveform) > 1) for waveform in segments.waveforms]))
                if beyond > _FEW:
                    logger.warning("%s: %.0f %% of its samples are beyond full scale, and clipped", path, 100 * beyond)
                for k, waveform in enumerate(segments.waveforms):
                    file = folder / f"{stem}_{k}.wav"
                    if file.resolve() in originals:
                        problem, cure = "is a clip of the manifest and would be overwritten", "choose another folder"
                        raise OptionError(problem, path=file, field="-o", cure=cure)
                    if not (kept and file.exists()):
                        write_waveform(file, waveform, rate)
                # Of the clip when it was longer.
                for k in range(len(segments.waveforms), len(known.get("start_s", ()))):
                    (folder / f"{stem}_{k}.wav").unlink(missing_ok=True)
                kept = [int(start) / rate for start in segments.start]
                cut[stem] = {"clip": state, "start_s": kept}
                journal.append([[stem, cut[stem]]])
            for k, start in enumerate(kept):
                names = {"clip_id": f"{row['clip_id']}_{k}", "filepath": f"{stem}_{k}.wav"}
                rows.append({**row, **names, "cut_from": row["clip_id"], "start_s": start})
        keep_settings(record, settings, cut)
        journal.remove()
    columns = dict.fromkeys([*manifest.table.columns, "cut_from", "start_s"])
    return CutManifest(pd.DataFrame(rows, columns=list(columns)), problems)


def _check_free(folder: Path, stems: set[str], originals: set[Path]) -> None:
    """Raise an `OptionError` if a folder in which nothing was cut yet has files with names of segments.

    Of the clips themselves another error tells, when their turn comes.
    """
    for place in {(folder / stem).parent for stem in stems}:
        for file in place.glob("*_*.wav"):
            stem, _, number = file.relative_to(folder).with_suffix("").as_posix().rpartition("_")
            if stem in stems and number.isdecimal() and file.resolve() not in originals:
                problem = "is there already and no segment of an earlier run; it was left as it is"
                raise OptionError(problem, path=file, field="-o", cure="choose another folder")


def _state(path: Path) -> list[int] | None:
    """Return a clip's size and times of change; None if it cannot be reached, as reading it will tell."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _segments(path: Path, cutting: Cutting, sampling_rate: int | None) -> tuple[Segments, int]:
    """Cut a clip; return the sampling rate, too, which may be its own."""
    if sampling_rate is None:
        with open_clip(path) as clip:
            sampling_rate = clip.samplerate
    return cut_clips([read_waveform(path, sampling_rate)], sampling_rate, cutting), sampling_rate
