"""``mgc-keras manifest``: write the manifest of a known dataset, or of a folder with one sub-folder a class."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mgc_keras.errors import OptionError

HELP = "write the manifest (CSV) of a dataset, or of your own folder of music"
EPILOG = """examples:
  mgc-keras manifest list                              the datasets it knows
  mgc-keras manifest list gtzan_genre                  one dataset's card: where to get it, expected counts, splits
  mgc-keras manifest gtzan_genre ~/data/gtzan          writes ~/data/gtzan/gtzan_genre.csv
  mgc-keras manifest folder ~/music -o ~/music/my.csv  one sub-folder a class

Paths in the CSV are relative to DIR. A dataset that differs from its card (clips missing, classes unknown) is reported
and not written, exit code 1; --allow-incomplete writes what is there.
jamendo_vocal also cuts the songs into DIR/segments.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "dataset", metavar="NAME|folder|list", help="a known dataset, `folder` for your own data, or `list`"
    )
    parser.add_argument(
        "directory", metavar="DIR", nargs="?", help="the folder of the dataset (for `list`: a dataset's name)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="the CSV (default: DIR/NAME.csv, DIR/manifest.csv)"
    )
    parser.add_argument(
        "--allow-incomplete", action="store_true", help="write the manifest even if it differs from the dataset's card"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the manifest, or list the datasets. Return 0; 1 if a dataset differs from its card and was not written."""
    if arguments.dataset == "list":
        return _list(arguments.directory)
    if arguments.directory is None:
        cure = f"mgc-keras manifest {arguments.dataset} DIR"
        raise OptionError("the folder is missing", field="DIR", cure=cure)
    folder = Path(arguments.directory)
    if arguments.dataset == "folder":
        return _write_folder(folder, arguments.output or folder / "manifest.csv")
    output = arguments.output or folder / f"{arguments.dataset}.csv"
    return _write_dataset(arguments.dataset, folder, output, arguments.allow_incomplete)


def _list(name: str | None) -> int:
    from mgc_keras.data.cards import card_names, read_card

    if name is not None:
        print(json.dumps(asdict(read_card(name)), indent=2, ensure_ascii=False))
        return 0
    for known in card_names():
        card = read_card(known)
        clips = "any" if card.n_clips is None else card.n_clips
        print(f"{known:<20}{clips:>7} clips  {card.title}")
    return 0


def _write_folder(folder: Path, output: Path) -> int:
    from mgc_keras.data.manifest import folder_manifest, write_manifest

    table = folder_manifest(folder)
    write_manifest(table, output)
    counts = table["label"].value_counts().sort_index()
    print(f"{len(table)} clips: " + ", ".join(f"{label} {count}" for label, count in counts.items()))
    return _finish(folder, output)


def _write_dataset(name: str, folder: Path, output: Path, allow_incomplete: bool) -> int:
    from mgc_keras.data.builders import build_manifest
    from mgc_keras.data.cards import count_problems, read_card
    from mgc_keras.data.manifest import write_manifest

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


def _finish(folder: Path, output: Path) -> int:
    if output.resolve().parent != folder.resolve():
        print(f"the paths in it are relative to {folder}: name that as data home when you use it")
    print(output)
    return 0
