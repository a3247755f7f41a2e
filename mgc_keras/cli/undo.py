"""``mgc-keras undo``: take back what ``classify --write --yes`` and ``tag --write --yes`` wrote into files."""

import argparse
import sys
from pathlib import Path

HELP = "take back what 'classify --write' and 'tag --write' wrote into the tags of files"
EPILOG = """\
how it works:
  --write --yes notes what each file's field held before it touches the file. Undo gives these values back, the last
  change first. A file whose field holds something else by now is left as it is, and named.

examples:
  mgc-keras undo mgc_keras_undo_20260101_120000.jsonl            show what would be done
  mgc-keras undo mgc_keras_undo_20260101_120000.jsonl --yes      do it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("file", metavar="FILE.jsonl", type=Path, help="undo file that a command named")
    parser.add_argument("--yes", action="store_true", help="write (default: show what would be written)")


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras undo`` and return its exit code: 1 if a file is left that holds something else, else 0."""
    from mgc_keras.answers.library import undo_changes
    from mgc_keras.cli._library import counted, say_change

    n_changed = n_left = 0
    for change in undo_changes(arguments.file, write=arguments.yes):
        say_change(change, "is" if arguments.yes else "would be", sys.stdout)
        n_changed += not change.problem
        n_left += bool(change.problem) and change.problem != "is as it was already"
    it = "it" if n_changed == 1 else "they"
    files = "1 file" if n_changed == 1 else f"{n_changed} files"
    verb = counted(n_changed, n_changed) if arguments.yes else f"{files} would be"
    print(f"mgc-keras undo: {verb} given back what {it} held{'' if arguments.yes else ': add --yes'}")
    return int(n_left > 0)
