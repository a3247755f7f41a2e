"""``mgc-keras segment``: divide songs into segments that sound alike."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.cli._outputs import output_stems
from mgc_keras.cli._segment_files import SongFiles
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    import numpy as np

    from mgc_keras.features.clips import Clips
    from mgc_keras.segmentation.segments import Segmentation
    from mgc_keras.segmentation.settings import SegmentationSettings

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
  errors.csv           once for all: songs that could not be done: clip_id, filepath, cause, cure
Songs of a folder keep their sub-folders. A song that is done with the same settings is not done again, so that a run
that was stopped goes on; files of other settings are overwritten.

examples:
  mgc-keras segment song.mp3
  mgc-keras segment my_music -o segments --no-plots
  mgc-keras segment song.mp3 -o segments --k 4 --window-seconds 2
  mgc-keras segment song.mp3 --export-largest --method burg --order 20

exit code: 0 all songs done, 1 songs failed (see errors.csv), 2 wrong options: nothing was tried
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("songs", nargs="+", metavar="SONG", help="audio files, folders, or one manifest (.csv)")
    parser.add_argument(
        "-o", "--out", metavar="DIR", type=Path, default=Path("."), help="folder for the files (default: this one)"
    )
    parser.add_argument(
        "--k", type=int, metavar="K", help="number of groups (default: read from the gap between eigenvalues)"
    )
    parser.add_argument(
        "--window-seconds", type=float, default=1.0, metavar="S", help="length of a window (default: %(default)s)"
    )
    parser.add_argument(
        "--order", type=int, default=40, help="order of the autoregressive models (default: %(default)s)"
    )
    parser.add_argument(
        "--method",
        choices=("levinson", "burg"),
        default="levinson",
        help="method of fitting these models (default: %(default)s)",
    )
    parser.add_argument("--export-largest", action="store_true", help="write the largest group as audio, too")
    parser.add_argument("--no-plots", action="store_true", help="write no figures")
    parser.add_argument("--overwrite", action="store_true", help="do songs again that are done with the same settings")
    parser.add_argument(
        "--sampling-rate",
        type=int,
        default=22050,
        metavar="HZ",
        help="sampling rate at which songs are read (default: %(default)s)",
    )
    parser.add_argument(
        "--data-home", metavar="DIR", type=Path, help="folder that a manifest's paths start from (default: its own)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras segment`` and return its exit code."""
    from mgc_keras.features.clips import list_clips
    from mgc_keras.files import output_folder
    from mgc_keras.progress import progress_bar
    from mgc_keras.segmentation.autoregression import check_order
    from mgc_keras.segmentation.settings import SegmentationSettings
    from mgc_keras.work import FailedClip, write_failed_clips

    if arguments.sampling_rate <= 0:
        raise OptionError("must be above 0", field="--sampling-rate")
    settings = SegmentationSettings(
        window_seconds=arguments.window_seconds, order=arguments.order, method=arguments.method, n_segments=arguments.k
    )
    check_order(arguments.order, round(arguments.window_seconds * arguments.sampling_rate))
    songs = list_clips(arguments.songs, arguments.data_home)
    output_folder(arguments.out, "--out")
    plots, largest = not arguments.no_plots, arguments.export_largest
    files = [
        SongFiles(stem, path, arguments.sampling_rate, settings, plots, largest)
        for stem, path in zip(output_stems(songs.clip_ids, arguments.out), songs.paths, strict=True)
    ]
    kept = {number for number, song in enumerate(files) if not arguments.overwrite and song.are_finished()}
    left = [number for number in range(len(files)) if number not in kept]
    failures = {}
    with quiet_libraries():
        for number in progress_bar(left, description="segmenting", unit="song"):
            try:
                waveform, segmentation = _segmented(songs, number, arguments.sampling_rate, settings)
            except MgcKerasError as error:
                failures[number] = FailedClip.of(songs.clip_ids[number], songs.filepaths[number], error)
            else:
                files[number].write(waveform, segmentation)
    errors_csv = write_failed_clips(arguments.out / "errors.csv", failures.values())
    print(f"segment: {len(files) - len(failures)} of {len(files)} songs done")
    if kept:
        print(f"{len(kept)} of them were done before with the same settings and are kept (--overwrite does them again)")
    if failures:
        print(f"{len(failures)} of {len(files)} songs failed: {errors_csv} says why")
    done = [path for number, song in enumerate(files) if number not in failures for path in song.paths]
    for path in (errors_csv, *done):
        print(path)
    return int(bool(failures))


def _segmented(
    songs: "Clips", number: int, sampling_rate: int, settings: "SegmentationSettings"
) -> "tuple[np.ndarray, Segmentation]":
    from mgc_keras.features.pipeline import reader
    from mgc_keras.segmentation.segments import segment_waveform

    waveform = reader(songs, sampling_rate)(number)
    if isinstance(waveform, MgcKerasError):
        raise waveform
    return waveform, segment_waveform(waveform, sampling_rate, settings)
