"""What the command lines of all studies share: their common options, opening a run folder, and the way they run."""

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mgc_keras.errors import OptionError
from mgc_keras.files import write_text
from mgc_keras.protocols import CORRECTED, PUBLISHED, Protocol
from mgc_keras.runs.writer import RunWriter
from mgc_keras.terminal import guarded, quiet_libraries

# Options that change how fast or where a run goes, never its numbers.
_NO_NUMBERS = ("out", "jobs")


def add_study_arguments(parser: argparse.ArgumentParser, default_out: str) -> None:
    """Add the options that every study has."""
    group = parser.add_argument_group("run")
    group.add_argument(
        "--out", type=Path, default=Path(default_out), metavar="DIR", help="run folder (default: %(default)s)"
    )
    group.add_argument(
        "--data-home", type=Path, metavar="DIR", help="folder of audio and manifests (default: the built-in corpus)"
    )
    group.add_argument(
        "--tasks", nargs="+", metavar="TASK", help="names of tasks, or manifests (.csv); default: all there are"
    )
    group.add_argument(
        "--protocol",
        choices=("published", "corrected", "both"),
        default="both",
        help="score as the original did, with its faults repaired, or both (default)",
    )
    group.add_argument(
        "--corrected-folds",
        type=int,
        metavar="N",
        help="folds of the corrected protocol where none are predefined (default: 10; 5 on the built-in corpus)",
    )
    group.add_argument("--seed", type=int, default=0, help="of everything random (default: %(default)s)")
    group.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="default: one a core, %(default)s here")


def run_study(
    parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int], arguments: Sequence[str] | None = None
) -> int:
    """Run a study from `arguments` (default: the command line) and return its exit code; see `guarded`."""
    options = parser.parse_args(arguments)

    def work() -> int:
        with quiet_libraries():
            return run(options)

    return guarded(work, parser.prog)


def protocols_of(options: argparse.Namespace) -> list[Protocol]:
    """Return the protocols that `--protocol` names, with the run's seed and number of corrected folds."""
    protocols = (PUBLISHED, replace(CORRECTED, n_folds=options.corrected_folds))
    return [replace(p, seed=options.seed) for p in protocols if options.protocol in (p.name, "both")]


def open_run(study: str, options: argparse.Namespace) -> RunWriter:
    """Open the run folder of these options, new or to go on with, and write its configuration.

    Raises
    ------
    OptionError
        The folder holds a run with other options.
    """
    if options.jobs < 1:
        raise OptionError(f"{options.jobs} jobs cannot work", field="--jobs", cure="give 1 or more")
    writer = RunWriter(options.out)
    values = {name: value for name, value in vars(options).items()}
    mark, fingerprint = writer.folder / ".options.sha256", _fingerprint(values)
    if mark.exists() and mark.read_text(encoding="utf-8") != fingerprint:
        raise OptionError(
            "holds a run with other options", path=options.out, field="--out", cure="choose another folder or remove it"
        )
    write_text(mark, fingerprint)
    inputs = [path for path in (values.get("source_manifest"), *_manifests(options.tasks)) if path]
    writer.config(study, values, inputs)
    return writer


def _manifests(tasks: list[str] | None) -> list[Path]:
    return [Path(task) for task in tasks or () if task.endswith(".csv")]


def _fingerprint(values: dict[str, Any]) -> str:
    kept = {name: str(value) for name, value in values.items() if name not in _NO_NUMBERS}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
