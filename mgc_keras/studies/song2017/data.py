"""The clips of the Song 2017 study: manifests, their scattering sequences, and what the options default to."""

import argparse
from pathlib import Path

import numpy as np

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.errors import ManifestError
from mgc_keras.features.export import export_features
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.features.sequences import Sequences, read_sequences
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.manifests import check_two_classes, is_built_in, rendered_manifest, study_manifests
from mgc_keras.studies.song2017.sizes import PAPER, QUICK
from mgc_keras.studies.song2017.source_clips import PAPER_RULE, tag_columns, validation_clips
from mgc_keras.training.examples import Examples

SAMPLING_RATE = 16000
SOURCE_TASK, TARGET_TASK = "tagging", "genre"


def resolve_defaults(options: argparse.Namespace) -> None:
    """Fill in the options whose default depends on the data or on `--paper-size`."""
    for name, value in (PAPER if options.paper_size else QUICK).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.source_validation is None:
        options.source_validation = PAPER_RULE if options.paper_size and options.source_manifest else "split"
    quick = is_built_in(options) and not options.paper_size
    for name in ("folds", "corrected_folds"):
        if getattr(options, name) is None:
            setattr(options, name, 5 if quick else 10)


def target_manifests(options: argparse.Namespace, writer: RunWriter) -> list[Manifest]:
    """Read the manifests to fine-tune on; the built-in corpus' genres are rendered where none is given.

    Raises
    ------
    OptionError
        There is no manifest, or no such built-in task.
    ManifestError
        A manifest breaks the schema, or has fewer than two classes.
    """
    counts = {TARGET_TASK: options.target_clips}
    rendered = lambda name: _render(name, counts.get(name), options, writer)
    manifests = study_manifests(options, [TARGET_TASK], rendered)
    for manifest in manifests:
        check_two_classes(manifest)
    return manifests


def source_manifest(options: argparse.Namespace, writer: RunWriter) -> Manifest:
    """Read the manifest to pre-train on, or render the built-in corpus' tagging task."""
    if options.source_manifest:
        return read_manifest(options.source_manifest, options.source_home)
    return _render(SOURCE_TASK, options.source_clips, options, writer)


def sequences_of(manifest: Manifest, options: argparse.Namespace, writer: RunWriter) -> tuple[Sequences, Manifest]:
    """Export a manifest's scattering sequences; return them, and the manifest of the clips that could be read.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    extractor = ScatteringExtractor(
        int(round(options.seconds * SAMPLING_RATE)), sampling_rate=SAMPLING_RATE, J=options.J, Q=options.Q
    )
    stem = writer.folder / "features" / f"{manifest.name}_scattering"
    errors_csv = Path(f"{stem}_errors.csv")
    path = export_features(manifest, Path(f"{stem}.npz"), extractor, jobs=options.jobs, errors_csv=errors_csv)
    sequences = read_sequences(path)
    if not sequences.clip_ids:
        raise ManifestError("no clip could be read", path=manifest.name, field="filepath", cure=f"see {errors_csv}")
    place = {clip_id: row for row, clip_id in enumerate(manifest.clip_ids)}
    return sequences, manifest.select(np.array([place[clip_id] for clip_id in sequences.clip_ids]))


def some_waveforms(manifest: Manifest, options: argparse.Namespace, most: int) -> np.ndarray:
    """Read at most `most` clips, evenly spread over a manifest of readable ones: (n_clips, n_samples) float32."""
    n_samples = int(round(options.seconds * SAMPLING_RATE))
    rows = np.unique(np.linspace(0, len(manifest) - 1, most).astype(int))
    paths = [manifest.filepaths[row] for row in rows]
    return np.stack(
        [fit_waveform(read_waveform(path, SAMPLING_RATE, duration=options.seconds), n_samples) for path in paths]
    )


def source_examples(
    manifest: Manifest, sequences: Sequences, options: argparse.Namespace
) -> tuple[Examples, np.ndarray, list[str], list[str]]:
    """Return the examples to pre-train on, which of them are held out, their clip ids and their tags' columns."""
    used, held_out = validation_clips(manifest, options.source_validation)
    tags = tag_columns(manifest, options.source_tags)
    rows = np.flatnonzero(used)
    targets = manifest.table[tags].to_numpy(np.float32)[rows]
    return Examples(sequences.values, rows, targets), held_out[rows], np.asarray(manifest.clip_ids)[rows].tolist(), tags


def target_examples(manifest: Manifest, sequences: Sequences, protocol: str) -> tuple[StudyTask, Examples, list[str]]:
    """Return the task as a protocol sees it, its examples, and the names of its classes."""
    task = tasks_of(manifest)[0].under(protocol)
    place = {clip_id: row for row, clip_id in enumerate(sequences.clip_ids)}
    rows = np.array([place[clip_id] for clip_id in task.clip_ids])
    names, targets = np.unique(task.target, return_inverse=True)
    return task, Examples(sequences.values, rows, targets), names.tolist()


def _render(name: str, n_clips: int | None, options: argparse.Namespace, writer: RunWriter) -> Manifest:
    duration = None if options.seconds >= 29 else options.seconds
    return rendered_manifest(name, options, writer, sampling_rate=SAMPLING_RATE, n_clips=n_clips, duration=duration)
