"""What ``mgc-keras classify`` and ``mgc-keras tag`` share about libraries: answers into the tags of files."""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mgc_keras.cli._clips import add_value
from mgc_keras.errors import OptionError
from mgc_keras.files import output_folder, readable_name

if TYPE_CHECKING:
    from mgc_keras.answers.library import TagChange

FIELDS = ("genre", "grouping")


def add_library_arguments(parser: argparse.ArgumentParser, what: str, threshold: str) -> None:
    """Add the options that write `what`; `threshold` says what the least share or score does."""
    library = parser.add_argument_group("your library", "Nothing is written unless --yes is given.")
    field = f"show what would be written of {what} into this field of the files' tags (needs mutagen)"
    library.add_argument("--write", choices=FIELDS, help=field)
    library.add_argument("--yes", action="store_true", help="with --write: write it")
    held = "with --write: also where the field holds something (default: only where it is empty)"
    library.add_argument("--overwrite", action="store_true", help=held)
    add_value(library, "--threshold", float, "X", f"with --write: {threshold}")
    undo = "with --yes: file that 'mgc-keras undo' takes all back by (default: mgc_keras_undo_DATE.jsonl)"
    add_value(library, "--undo-file", Path, "FILE", undo)


def check_library_arguments(arguments: argparse.Namespace) -> None:
    """Raise an `OptionError`, before any work is done, if these options make no sense or mutagen is missing."""
    from mgc_keras.answers.library import check_mutagen

    if arguments.write is None:
        for name in ("yes", "overwrite", "threshold", "undo_file"):
            if getattr(arguments, name) not in (None, False):
                flag = f"--{name.replace('_', '-')}"
                raise OptionError("is said of --write", field=flag, cure="give --write genre or --write grouping")
        return
    check_mutagen()
    if arguments.threshold is not None and not 0 <= arguments.threshold <= 1:
        raise OptionError(f"{arguments.threshold:g} is no share", field="--threshold", cure="give 0 up to 1")
    if arguments.undo_file is not None and not arguments.yes:
        raise OptionError("nothing is written that could be undone", field="--undo-file", cure="add --yes")
    if arguments.yes:
        output_folder((arguments.undo_file or Path("undo.jsonl")).parent, "--undo-file")
    if arguments.undo_file is not None and arguments.undo_file.exists():
        raise OptionError("is there already", path=arguments.undo_file, field="--undo-file", cure="choose another name")


def write_library(arguments: argparse.Namespace, songs: Iterable[tuple[Path, tuple[str, ...]]], program: str) -> int:
    """Show what would be written, or write it; return 1 if a file could not be written, else 0."""
    from mgc_keras.answers.library import plan_changes, write_changes

    # What programs read on standard output stays as it is.
    stream = sys.stderr if arguments.json or arguments.csv else sys.stdout
    changes = plan_changes(songs, arguments.write, overwrite=arguments.overwrite)
    todo = [change for change in changes if not change.problem]
    for change in changes if not arguments.yes else [change for change in changes if change.problem]:
        say_change(change, "would be" if not arguments.yes else "is", stream)
    if arguments.yes and not todo:
        print(f"mgc-keras {program}: nothing was written, so there is nothing to undo", file=stream)
        return 0
    if not arguments.yes:
        hint = " Add --yes to write." if todo else ""
        print(f"mgc-keras {program}: {len(todo)} of {len(changes)} files would be written.{hint}", file=stream)
        return 0
    undo = arguments.undo_file or Path(time.strftime("mgc_keras_undo_%Y%m%d_%H%M%S.jsonl"))
    print(f"mgc-keras {program}: writing; 'mgc-keras undo {undo}' takes it back", file=stream, flush=True)
    n_failed = 0
    for change in write_changes(todo, undo):
        n_failed += bool(change.problem)
        say_change(change, "is", stream)
    print(f"mgc-keras {program}: {counted(len(todo) - n_failed, len(changes))} written", file=stream)
    return int(n_failed > 0)


def counted(number: int, total: int) -> str:
    """Return "1 file was", "2 files were", or of more in `total`, "1 of 3 files was"."""
    files = "1 file" if number == total == 1 else f"{number} files" if number == total else f"{number} of {total} files"
    return f"{files} {'was' if number == 1 else 'were'}"


def say_change(change: "TagChange", verb: str, stream: IO[str]) -> None:
    """Print a change, or why there is none."""
    if change.problem:
        words = f"{change.field} stays: {change.problem}"
    else:
        words = f"{change.field} {verb} {', '.join(change.new) or 'removed'}"
        words += f", was {', '.join(change.old)}" if change.old else ""
    print(f"  {readable_name(str(change.path))}: {words}", file=stream)
