"""``mgc-keras scattering``: scattering coefficients of many clips, frame by frame, to one NPZ."""

import argparse
from itertools import chain
from pathlib import Path

from mgc_keras.cli._clips import (
    FOLDER_HELP,
    add_channel,
    add_clips,
    add_cluster,
    add_part,
    add_value,
    check_above_0,
    check_export,
    exit_code,
    say_damaged,
    say_part,
)
from mgc_keras.errors import OptionError
from mgc_keras.terminal import quiet_libraries

HELP = "compute scattering coefficients of many clips, frame by frame, and write them to one .npz"
EPILOG = """\
what comes out:
  FILE.npz     values (n_clips, n_frames, n_paths) float32, clip_ids, columns; numpy.load opens it, and
               mgc_keras.features.sequences.read_sequences maps it without reading it
  FILE.json    settings, versions, hash of the source, counts; clips that were read but look damaged
  FILE_errors.csv  clips that could not be read: clip_id, filepath, cause, cure
  FILE.npz.partial exists while work is unfinished. A run that was stopped goes on from there when called again.
  With --part 3/10 there is one file alone, FILE.npz.part-03-of-10: see 'mgc-keras merge --help'.

The columns are named by the centre frequencies of the wavelets. Orders 1 and 2 are logarithms, unless --linear.

examples:
  mgc-keras scattering my_music -o scattering.npz
  mgc-keras scattering magnatagatune.csv --data-home /data/magnatagatune -o magnatagatune.npz --seconds 29
  mgc-keras scattering song.mp3 -o song.npz --J 11 --Q 12
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_clips(parser, "paths", "PATH")
    parser.add_argument("-o", "--out", required=True, metavar="FILE.npz", type=Path, help="the file to write")
    fitted = "shorter clips are repeated, longer ones cut (default: %(default)s)"
    add_value(parser, "--seconds", float, None, fitted, 29.0)
    parser.add_argument("--sampling-rate", type=int, default=16000, metavar="HZ", help="default: %(default)s")
    parser.add_argument("--J", type=int, default=13, help="frames of 2^J samples (default: %(default)s)")
    parser.add_argument("--Q", type=int, default=8, help="first-order wavelets an octave (default: %(default)s)")
    parser.add_argument("--order", type=int, choices=(1, 2), default=2, help="the highest (default: %(default)s)")
    parser.add_argument("--linear", action="store_true", help="the coefficients themselves, no logarithms")
    parser.add_argument("--data-home", metavar="DIR", type=Path, help=FOLDER_HELP)
    add_channel(parser)
    parser.add_argument("--jobs", type=int, metavar="N", help="clips at a time; default: one a core")
    add_cluster(parser)
    add_part(parser)
    parser.add_argument("--anew", action="store_true", help="forget what an earlier run has finished")


def resumes(arguments: argparse.Namespace) -> bool:
    """Tell whether the same command goes on where it was stopped."""
    return not arguments.anew


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras scattering`` and return its exit code."""
    from mgc_keras.cluster import open_cluster
    from mgc_keras.features.clips import list_clips
    from mgc_keras.features.export import errors_file, export_features
    from mgc_keras.features.pipeline import checked_jobs
    from mgc_keras.features.scattering import ScatteringExtractor
    from mgc_keras.features.sequences import read_sequences

    check_above_0(arguments, "seconds", "sampling_rate")
    if arguments.out.suffix.lower() != ".npz":
        raise OptionError("sequences go into an .npz file", path=arguments.out, cure="end its name in .npz")
    jobs = checked_jobs(arguments.jobs)
    clips = list_clips(arguments.paths, arguments.data_home, arguments.channel)
    check_export(arguments.out, chain(arguments.paths, clips.locations()))
    clips = clips.escaped() if arguments.escape_formulas else clips
    n_samples = round(arguments.seconds * arguments.sampling_rate)
    transform = {"J": arguments.J, "Q": arguments.Q, "max_order": arguments.order, "log": not arguments.linear}
    extractor = ScatteringExtractor(n_samples, sampling_rate=arguments.sampling_rate, **transform, jobs=jobs)
    with quiet_libraries(), open_cluster(arguments.cluster) as cluster:
        resume, part = not arguments.anew, arguments.part
        path = export_features(clips, arguments.out, extractor, jobs=jobs, resume=resume, part=part, cluster=cluster)
    if path != arguments.out:
        return say_part("scattering", path, arguments.out)
    found = read_sequences(path, check=False)
    n_clips, n_frames, n_paths = found.values.shape
    print(f"scattering: {n_frames} frames of {n_paths} paths from {n_clips} of {len(clips)} clips")
    if n_clips < len(clips):
        print(f"{len(clips) - n_clips} of {len(clips)} clips failed: {errors_file(path)} says why")
    print(errors_file(path), path.with_suffix(".json"), path, sep="\n")
    say_damaged("scattering", found.about.get("remarks", {}), len(clips))
    return exit_code(len(clips) - n_clips, len(clips))
