"""The manifests that a study's command line names: those of the user's clips, or tasks of the built-in corpus."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from mgc_keras.corpus import TASKS, write_corpus
from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.runs.writer import RunWriter


def is_built_in(options: argparse.Namespace) -> bool:
    """Tell whether the clips are those of the built-in corpus: neither a folder nor a manifest is named."""
    return not options.data_home and not any(task.endswith(".csv") for task in options.tasks or ())


def check_built_in(name: str) -> None:
    """Raise `OptionError` if the built-in corpus has no such task."""
    if name not in TASKS:
        raise OptionError(f"there is no task {name!r}", field="--tasks", cure=f"choose among {', '.join(TASKS)}")


def rendered_manifest(
    name: str,
    options: argparse.Namespace,
    writer: RunWriter,
    *,
    sampling_rate: int,
    n_clips: int | None = None,
    duration: float | None = None,
) -> Manifest:
    """Render a task of the built-in corpus into the run folder, where what is there is kept, and return its manifest.

    Parameters
    ----------
    name : str
    options : argparse.Namespace
        `seed` and `jobs` are used.
    writer : RunWriter
    sampling_rate : int
        In Hz.
    n_clips : int or None
        None: as many as the task has by default.
    duration : float or None
        In seconds; None: that of the task's clips.

    Raises
    ------
    OptionError
        There is no such task.
    """
    check_built_in(name)
    folder = writer.folder / "corpus" / name
    path = write_corpus(
        name, folder, n_clips, options.seed, sampling_rate=sampling_rate, duration=duration, jobs=options.jobs
    )
    return read_manifest(path)


def study_manifests(
    options: argparse.Namespace, built_in: Sequence[str], rendered: Callable[[str], Manifest]
) -> list[Manifest]:
    """Read the manifests that are named, or render tasks of the built-in corpus.

    Parameters
    ----------
    options : argparse.Namespace
        `tasks` and `data_home` are used.
    built_in : sequence of str
        The tasks to take where none is named.
    rendered : callable
        Renders a task of the built-in corpus.

    Raises
    ------
    OptionError
        There is no manifest, or no such built-in task.
    ManifestError
        A manifest breaks the schema.
    """
    if not is_built_in(options):
        return given_manifests(options)
    names = options.tasks or built_in
    # All names before any clip is rendered.
    for name in names:
        check_built_in(name)
    return [rendered(name) for name in names]


def check_two_classes(manifest: Manifest) -> None:
    """Raise `ManifestError` if there is nothing to tell apart."""
    if len(manifest.class_names) < 2:
        cure = "add a label column with two classes or more"
        raise ManifestError("names fewer than two classes", path=manifest.name, field="label", cure=cure)


def given_manifests(options: argparse.Namespace) -> list[Manifest]:
    """Read the manifests that `--tasks` names, or all of `--data-home`.

    Raises
    ------
    OptionError
        There is none.
    ManifestError
        One breaks the schema.
    """
    home = options.data_home
    names = options.tasks or [path.name for path in sorted(home.glob("*.csv"))]
    if not names:
        raise OptionError("holds no manifest", path=home, field="--data-home", cure="name one with --tasks")
    given = [Path(name) for name in names]
    found = [path if home is None or path.exists() else home / f"{path.stem}.csv" for path in given]
    return [read_manifest(path, home) for path in found]
