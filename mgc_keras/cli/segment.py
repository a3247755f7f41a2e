"""``mgc-keras segment``: divide songs into segments that sound alike."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mgc_keras.cli._clips import (
    FOLDER_HELP,
    add_channel,
    add_clips,
    add_cluster,
    add_value,
    check_above_0,
    exit_code,
    output_stems,
    read_clip,
    say_damaged,
)
from mgc_keras.errors import MgcKerasError
from mgc_keras.terminal import quiet_libraries
from mgc_keras.work import FailedClip, fingerprint, finished_record, read_record, write_failed_clips, write_record

if TYPE_CHECKING:
    import numpy as np

    from mgc_keras.cluster import Cluster
    from mgc_keras.segmentation.segments import Segmentation
    from mgc_keras.segmentation.settings import SegmentationSettings

FIGURES = ("waveform", "distances", "graph", "map", "segments")
HELP = "divide songs into segments that sound alike, by spectral clustering of their windows"
EPILOG = """\
how it works (Asgharivaskasi et al. 2019):
  The song is cut into windows. Each window's autoregressive model filters every other window; the less of it is left,
  and the more like white noise, the more alike the two. Spectral clustering makes groups of the windows, and windows of
  one group that follow each other are one segment. The same group can come back, as a chorus does.

what comes out, for each song:
  SONG_segments.csv    start_s, end_s, label, duration_s; one row a segment. Labels count from 0 as they first appear.
  SONG_waveform.png    the waveform
  SONG_distances.png   distances S between windows: dark blocks are parts of the song that sound alike
  SONG_graph.png       the graph A = exp(-(S / scale)^2) that is divided
  SONG_map.png         the graph in the plane, neighbours in time linked
  SONG_segments.png    the waveform in the colours of its segments
  SONG_largest.wav     with --export-largest: the windows of the largest group, one after the other
  SONG_segments.json   the settings, by which a later run knows that the song is done
  segment_errors.csv   once for all: songs that could not be done: clip_id, filepath, cause, cure
Songs of a folder keep their sub-folders. A song that is done with the same settings is not done again, so that a run
that was stopped goes on; files of other settings are overwritten.

examples:
  mgc-keras segment song.mp3
  mgc-keras segment my_music -o segments --no-plots
  mgc-keras segment song.mp3 -o segments --k 4 --window-seconds 2
  mgc-keras segment song.mp3 --export-largest --method burg --order 20
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_clips(parser, "songs", "SONG")
    parser.add_argument(
        "-o", "--out", metavar="DIR", type=Path, default=Path("."), help="folder for the files (default: this one)"
    )
    add_value(parser, "--k", int, "K", "number of groups (default: read from the gap between eigenvalues)")
    add_value(parser, "--window-seconds", float, "S", "length of a window (default: %(default)s)", 1.0)
    add_value(parser, "--order", int, None, "order of the autoregressive models (default: %(default)s)", 40)
    method = "method of fitting these models (default: %(default)s)"
    parser.add_argument("--method", choices=("levinson", "burg"), default="levinson", help=method)
    parser.add_argument("--export-largest", action="store_true", help="write the largest group as audio, too")
    parser.add_argument("--no-plots", action="store_true", help="write no figures")
    parser.add_argument("--overwrite", action="store_true", help="do songs again that are done with the same settings")
    rate = "sampling rate at which songs are read (default: %(default)s)"
    add_value(parser, "--sampling-rate", int, "HZ", rate, 22050)
    add_value(parser, "--data-home", Path, "DIR", FOLDER_HELP)
    add_channel(parser)
    add_cluster(parser)


def resumes(arguments: argparse.Namespace) -> bool:
    """Tell whether the same command goes on where it was stopped."""
    return not arguments.overwrite


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras segment`` and return its exit code."""
    from mgc_keras.cluster import open_cluster
    from mgc_keras.features.clips import list_clips
    from mgc_keras.features.export import errors_file
    from mgc_keras.files import output_folder, sweep
    from mgc_keras.outputs import check_replaceable, lists_failed_clips
    from mgc_keras.progress import progress_bar
    from mgc_keras.segmentation.autoregression import check_order
    from mgc_keras.segmentation.settings import SegmentationSettings

    check_above_0(arguments, "sampling_rate")
    settings = SegmentationSettings(
        window_seconds=arguments.window_seconds, order=arguments.order, method=arguments.method, n_segments=arguments.k
    )
    check_order(arguments.order, round(arguments.window_seconds * arguments.sampling_rate))
    songs = list_clips(arguments.songs, arguments.data_home, arguments.channel)
    output_folder(arguments.out, "--out")
    plots, largest = not arguments.no_plots, arguments.export_largest
    files = [
        SongFiles(stem, path, arguments.sampling_rate, settings, plots, largest, songs.channel)
        for stem, path in zip(output_stems(songs.clip_ids, arguments.out, "_segments.json"), songs.paths, strict=True)
    ]
    errors_csv = errors_file(arguments.out / "segment")
    check_replaceable([errors_csv], lists_failed_clips, "list of failed clips", field="--out")
    written = {path: song for song in files for path in song.all_paths}
    is_own = lambda path: written[path].is_own(path)
    inputs = [*arguments.songs, *songs.paths]
    check_replaceable(written, is_own, "file of an earlier segmentation", inputs, "--out")
    if not arguments.overwrite:
        for song in files:
            song.check_unchanged()
    songs = songs.escaped() if arguments.escape_formulas else songs
    for folder in {song.stem.parent for song in files}:
        sweep(folder)
    records = {} if arguments.overwrite else {number: song.finished() for number, song in enumerate(files)}
    kept = {number: record for number, record in records.items() if record}
    remarks = {number: record["remark"] for number, record in kept.items() if record.get("remark")}
    left = [number for number in range(len(files)) if number not in kept]
    failures = {}
    with quiet_libraries(), open_cluster(arguments.cluster) as cluster:
        made: Iterator[tuple[int, Made]] = ((number, make_files(files[number])) for number in left)
        if cluster is not None:
            made = _made_on(cluster, files, left)
        for number, (contents, remark) in progress_bar(made, description="segmenting", unit="song", total=len(left)):
            if isinstance(contents, MgcKerasError):
                failures[number] = FailedClip.of(songs.clip_ids[number], songs.filepaths[number], contents)
                continue
            remarks |= {number: remark} if remark else {}
            files[number].write(contents, remark)
    failures = dict(sorted(failures.items()))
    write_failed_clips(errors_csv, failures.values())
    print(f"segment: {len(files) - len(failures)} of {len(files)} songs done")
    if kept:
        print(f"{len(kept)} of them were done before with the same settings and are kept (--overwrite does them again)")
    if failures:
        print(f"{len(failures)} of {len(files)} songs failed: {errors_csv} says why")
    done = [path for number, song in enumerate(files) if number not in failures for path in song.paths]
    print(errors_csv, *done, sep="\n")
    damaged = {songs.filepaths[number]: remarks[number] for number in sorted(remarks.keys() - failures.keys())}
    say_damaged("segment", damaged, len(files))
    return exit_code(len(failures), len(files))


@dataclass(frozen=True)
class SongFiles:
    """The files of a song. ``<stem>_segments.json``, written last, says what the others were made from."""

    stem: Path  # folder and beginning of the names
    song: Path
    sampling_rate: int  # at which it is segmented, in Hz
    settings: "SegmentationSettings"
    plots: bool  # whether there are figures
    largest: bool  # whether there is audio of the largest cluster
    channel: str = "mix"  # what is read of the song

    @property
    def paths(self) -> list[Path]:
        """All files but the record, the table last."""
        figures = [f"_{name}.png" for name in FIGURES] if self.plots else []
        audio = ["_largest.wav"] if self.largest else []
        return [self._path(name) for name in (*figures, *audio, "_segments.csv")]

    @property
    def all_paths(self) -> list[Path]:
        """All files."""
        return [*self.paths, self._path("_segments.json")]

    def is_own(self, path: Path) -> bool:
        """Tell whether a file that is there is of an earlier segmentation: by the record, or by what the file holds."""
        from mgc_keras.outputs import begins_with, is_figure

        record, table = self._path("_segments.json"), self._path("_segments.csv")
        known = read_record(record)
        if "fingerprint" in known:
            return True
        is_table = begins_with(table, "start_s,end_s,label")
        if path == record:
            # A damaged one.
            return not known and is_table
        return is_table if path.suffix in (".csv", ".wav") else is_figure(path)

    def check_unchanged(self) -> None:
        """Raise an `OptionError` if the table was changed after it was written."""
        from mgc_keras.outputs import check_unchanged

        hashes, table = read_record(self._path("_segments.json")).get("sha256"), self._path("_segments.csv")
        if isinstance(hashes, dict):
            check_unchanged(table, hashes.get(table.name), "--out", ", or take --overwrite")

    def finished(self) -> dict[str, Any] | None:
        """Return their record, if all of them are there, made from this very song with these settings."""
        from mgc_keras.files import sha256_of

        record = finished_record(self._path("_segments.json"), self._record()["fingerprint"])
        kept = record and record.get("sha256")
        if not isinstance(kept, dict):
            return None
        whole = all(path.is_file() and sha256_of(path) == kept.get(path.name) for path in self.paths)
        return record if whole else None

    def write(self, contents: "Mapping[str, bytes]", remark: str = "") -> None:
        """Write them, and what makes the song look damaged; raise `MgcKerasError` where another process does.

        `contents` are those of the files by their names, without the record.
        """
        from mgc_keras.files import locked, whole_file

        with locked(self._path("_segments.json")):
            # Until all files are of one run, the record says no more than whose they are.
            write_record(self._path("_segments.json"), {"fingerprint": "unfinished"})
            for path in self.paths:
                with whole_file(path) as temporary:
                    temporary.write_bytes(contents[path.name])
            hashes = {path.name: sha256(contents[path.name]).hexdigest() for path in self.paths}
            record = {**self._record(), "sha256": hashes}
            write_record(self._path("_segments.json"), record | ({"remark": remark} if remark else {}))

    def draw_and_tabulate(self, waveform: "np.ndarray", segmentation: "Segmentation") -> None:
        """Make all of them but the record."""
        from mgc_keras.audio.files import write_waveform
        from mgc_keras.files import write_text
        from mgc_keras.segmentation.segments import largest_cluster_waveform

        if self.plots:
            from mgc_keras.reporting.segmentation import draw_segmentation

            draw_segmentation(waveform, segmentation, self.stem, title=self.stem.name)
        if self.largest:
            audio = largest_cluster_waveform(waveform, segmentation)
            write_waveform(self._path("_largest.wav"), audio, segmentation.sampling_rate)
        table = segmentation.segments().round(6).to_csv(index=False, lineterminator="\n")
        write_text(self._path("_segments.csv"), table)

    def _path(self, ending: str) -> Path:
        return self.stem.with_name(f"{self.stem.name}{ending}")

    def _record(self) -> dict[str, Any]:
        state = self.song.stat()
        times = [state.st_mtime_ns, state.st_ctime_ns]
        made_from: dict[str, Any] = {
            # Changed in place, a song is another; so is one put in its place with its size and time.
            "song": {"path": str(self.song.absolute()), "bytes": state.st_size, "changed_ns": times},
            "sampling_rate": self.sampling_rate,
            "settings": asdict(self.settings),
        }
        if self.channel != "mix":
            made_from["channel"] = self.channel
        return {**made_from, "fingerprint": fingerprint(made_from)}


Made = tuple["dict[str, bytes] | MgcKerasError", str]


def make_files(song: SongFiles) -> Made:
    """Segment a song; return the contents of its files by their names, or why there are none; and its remark."""
    from mgc_keras.audio.files import no_memory
    from mgc_keras.features.clips import Clips
    from mgc_keras.segmentation.segments import segment_waveform

    clips = Clips("song", [song.stem.name], [str(song.song)], [song.song], channel=song.channel)
    remarks: dict[int, str] = {}
    with TemporaryDirectory() as folder:
        files = replace(song, stem=Path(folder, song.stem.name))
        try:
            waveform = read_clip(clips, 0, song.sampling_rate, remarks=remarks)
            segmentation = segment_waveform(waveform, song.sampling_rate, song.settings)
            files.draw_and_tabulate(waveform, segmentation)
        except (MgcKerasError, MemoryError) as problem:
            return no_memory() if isinstance(problem, MemoryError) else problem, ""
        return {path.name: path.read_bytes() for path in files.paths}, remarks.get(0, "")


def _made_on(cluster: "Cluster", files: list[SongFiles], left: list[int]) -> Iterator[tuple[int, Made]]:
    from mgc_keras.cluster import task_on

    songs = (replace(files[number], song=files[number].song.absolute()) for number in left)
    tasks = (task_on([song.song], song, name=str(song.song)) for song in songs)
    for place, made in cluster.run(_make_there, tasks):
        yield left[place], made


def _make_there(shared: None, song: SongFiles) -> Made:
    return make_files(song)
