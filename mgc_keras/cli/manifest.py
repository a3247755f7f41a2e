"""``mgc-keras manifest``: write the manifest of a known dataset, of a folder of music, or of a manifest's clips cut."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mgc_keras.cli._clips import add_value, check_above_0, flag_of
from mgc_keras.errors import OptionError
from mgc_keras.terminal import quiet_libraries

HELP = "write the manifest (CSV) of a dataset, or of your own folder of music"
EPILOG = """examples:
  mgc-keras manifest list                              the datasets it knows
  mgc-keras manifest list gtzan_genre                  one dataset's card: where to get it, expected counts, splits
  mgc-keras manifest gtzan_genre ~/data/gtzan          writes ~/data/gtzan/gtzan_genre.csv
  mgc-keras manifest folder ~/music -o ~/music/my.csv  one sub-folder a class
  mgc-keras manifest cut songs.csv --seconds 30        writes segments and their manifest, songs_30s/songs_30s.csv

Paths in the CSV are relative to DIR, and names stand in it as the files have them, also those that a spreadsheet takes
for formulas. A dataset that differs from its card (clips missing, classes unknown) is reported
and not written, exit code 1; --allow-incomplete writes what is there.
jamendo_vocal also cuts the songs into DIR/segments.

`cut` writes segments as mono 16-bit wav beside its CSV, whose column cut_from says which clip each is from: hold out
clips before cutting them, or by that column. A clip shorter than a segment is repeated to make one, and samples beyond
full scale are clipped. What a stopped run has cut is kept; a clip that changed is cut again. A clip that cannot be read
becomes a row of FILE_errors.csv there, exit code 1.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    what = "a known dataset, `folder` for your own data, `cut` for segments of a manifest's clips, or `list`"
    parser.add_argument("dataset", metavar="NAME|folder|cut|list", help=what)
    where = "the folder of the dataset; for `cut`, a manifest; for `list`, the name of a dataset"
    parser.add_argument("directory", metavar="DIR", nargs="?", help=where)
    target = "the CSV to write (default: DIR/NAME.csv; for `folder`, DIR/manifest.csv)"
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help=target)
    parser.add_argument(
        "--allow-incomplete", action="store_true", help="write the manifest even if it differs from the dataset's card"
    )
    cut = parser.add_argument_group("options of `cut` alone")
    add_value(cut, "--seconds", float, "S", "length of a segment in seconds (default: 30)")
    add_value(cut, "--hop", float, "S", "seconds from the start of one segment to the next (default: the length)")
    cut.add_argument(
        "--remainder",
        choices=("drop", "fit"),
        help="what becomes of a clip's end that is too short for a segment: it is left out (drop, the default), or is "
        "repeated to make one more segment (fit)",
    )
    add_value(cut, "--sampling-rate", int, "HZ", "sampling rate of the segments (default: that of each clip)")
    add_value(cut, "--data-home", Path, "DIR", "folder that the manifest's paths start from (default: its own)")


def resumes(arguments: argparse.Namespace) -> bool:
    """Tell whether the same command goes on where it was stopped."""
    return arguments.dataset in ("cut", "jamendo_vocal")


def run(arguments: argparse.Namespace) -> int:
    """Write the manifest, or list the datasets. Return 0; 1 if a dataset differs from its card and was not written."""
    if arguments.allow_incomplete and arguments.dataset in ("list", "cut", "folder"):
        raise OptionError("no card says what is complete here", field="--allow-incomplete", cure="leave it out")
    if arguments.dataset == "list":
        return _list(arguments.directory)
    if arguments.directory is None:
        name, kind = ("MANIFEST", "manifest") if arguments.dataset == "cut" else ("DIR", "folder")
        cure = f"mgc-keras manifest {arguments.dataset} {name}"
        raise OptionError(f"the {kind} is missing", field=name, cure=cure)
    if arguments.dataset == "cut":
        return _cut(Path(arguments.directory), arguments)
    for option in ("seconds", "hop", "remainder", "sampling_rate", "data_home"):
        if getattr(arguments, option) is not None:
            cure = "mgc-keras manifest cut MANIFEST"
            raise OptionError("is an option of `cut` alone", field=flag_of(option), cure=cure)
    folder = Path(arguments.directory)
    name = "manifest" if arguments.dataset == "folder" else arguments.dataset
    output = arguments.output or folder / f"{name}.csv"
    if arguments.output is not None or folder.is_dir():
        _check_output(output)
    if arguments.dataset == "folder":
        return _write_folder(folder, output)
    return _write_dataset(arguments.dataset, folder, output, arguments.allow_incomplete)


def _list(name: str | None) -> int:
    from mgc_keras.datasets.cards import card_names, read_card

    if name is not None:
        print(json.dumps(asdict(read_card(name)), indent=2, ensure_ascii=False))
        return 0
    for known in card_names():
        card = read_card(known)
        clips = "any" if card.n_clips is None else card.n_clips
        print(f"{known:<20}{clips:>7} clips  {card.title}")
    return 0


def _write_folder(folder: Path, output: Path) -> int:
    from mgc_keras.datasets.manifest import folder_manifest, write_manifest

    table = folder_manifest(folder)
    write_manifest(table, output)
    counts = table["label"].value_counts().sort_index()
    print(f"{len(table)} clips: " + ", ".join(f"{label} {count}" for label, count in counts.items()))
    return _finish(folder, output)


def _write_dataset(name: str, folder: Path, output: Path, allow_incomplete: bool) -> int:
    from mgc_keras.datasets.builders import build_manifest
    from mgc_keras.datasets.cards import count_problems, read_card
    from mgc_keras.datasets.manifest import write_manifest

    built = build_manifest(name, folder)
    problems = count_problems(built.table, read_card(name))
    if built.missing:
        first = "; ".join(built.missing[:5]) + ("; …" if len(built.missing) > 5 else "")
        problems.append(f"missing: {len(built.missing)}, first {first}")
    for remark in built.remarks:
        print(remark)
    for problem in problems:
        print(f"{name}: {problem}", file=sys.stderr)
    if problems and not allow_incomplete:
        cure = "complete the dataset, or write what is there with --allow-incomplete"
        print(f"{folder}: differs from the card of {name}; nothing was written ({cure})", file=sys.stderr)
        return 1
    write_manifest(built.table, output)
    print(f"{len(built.table)} clips")
    return _finish(folder, output)


def _cut(source: Path, arguments: argparse.Namespace) -> int:
    from mgc_keras.datasets.cutting import Cutting, cut_manifest
    from mgc_keras.datasets.manifest import read_manifest, write_manifest
    from mgc_keras.features.export import errors_file
    from mgc_keras.outputs import check_replaceable, lists_failed_clips
    from mgc_keras.work import FailedClip, read_record, write_failed_clips

    given = {name: getattr(arguments, name) for name in ("hop", "remainder") if getattr(arguments, name) is not None}
    cutting = Cutting(30.0 if arguments.seconds is None else arguments.seconds, **given)
    check_above_0(arguments, "sampling_rate")
    manifest = read_manifest(source, arguments.data_home)
    name = f"{source.stem}_{cutting.seconds:g}s"
    output = arguments.output or source.parent / name / f"{name}.csv"
    if output.exists() and output.samefile(source):
        problem = "would take the place of the clips' own manifest"
        raise OptionError(problem, path=output, field="-o", cure="name another")
    _check_output(output)
    # Beside an export its list of failed clips has this name.
    is_own = lambda path: lists_failed_clips(path) and "errors_sha256" not in read_record(output.with_suffix(".json"))
    check_replaceable([errors_file(output)], is_own, "list of clips that could not be cut", field="-o")
    with quiet_libraries():
        built = cut_manifest(manifest, output.parent, cutting, arguments.sampling_rate)
    failed = (
        FailedClip.of(manifest.clip_ids[position], manifest.table["filepath"][position], error)
        for position, error in built.problems.items()
    )
    errors = write_failed_clips(errors_file(output), failed)
    if built.problems:
        print(f"{len(built.problems)} of {len(manifest)} clips could not be cut: {errors} says why", file=sys.stderr)
    if built.table.empty:
        raise OptionError("no clip could be cut", path=source, field="filepath", cure=f"see {errors}")
    write_manifest(built.table, output)
    print(f"{len(built.table)} segments of {len(manifest) - len(built.problems)} clips")
    print(output)
    return int(bool(built.problems))


def _check_output(output: Path) -> None:
    from mgc_keras.datasets.manifest import check_no_other_file
    from mgc_keras.files import output_folder

    if output.is_dir():
        raise OptionError("is a folder", path=output, field="-o", cure="name a file in it")
    check_no_other_file(output)
    output_folder(output.parent, "-o")


def _finish(folder: Path, output: Path) -> int:
    if output.resolve().parent != folder.resolve():
        print(f"the paths in it are relative to {folder}: give it with the list as --data-home {folder}")
    print(output)
    return 0
