"""The clips of the Song 2017 study: manifests, their scattering sequences, and what the options default to."""

import numpy as np

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.features.export import export_sequences
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.features.sequences import Sequences
from mgc_keras.protocols import Protocol
from mgc_keras.studies.common.run import Run
from mgc_keras.studies.song2017.source_clips import tag_columns, validation_clips
from mgc_keras.studies.song2017.study import DataOptions, Options
from mgc_keras.training.examples import Examples

SAMPLING_RATE = 16000
SOURCE_TASK, TARGET_TASK = "tagging", "genre"


def target_manifests(run: Run[Options]) -> list[Manifest]:
    """Read the manifests to fine-tune on; the built-in genres are rendered where none is given. See `Run.manifests`."""
    counts = {TARGET_TASK: run.options.data.target_clips}
    return run.manifests([TARGET_TASK], lambda name: _rendered(name, counts.get(name), run), classified=True)


def source_manifest(run: Run[Options]) -> Manifest:
    """Read the manifest to pre-train on, or render the built-in corpus' tagging task."""
    data = run.options.data
    if data.source_manifest:
        return read_manifest(data.source_manifest, data.source_home)
    return _rendered(SOURCE_TASK, data.source_clips, run)


def sequences_of(manifest: Manifest, run: Run[Options]) -> tuple[Sequences, Manifest]:
    """Export a manifest's scattering sequences; return them, and the manifest of the clips that could be read.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    data = run.options.data
    extractor = ScatteringExtractor(
        int(round(data.seconds * SAMPLING_RATE)), sampling_rate=SAMPLING_RATE, J=data.J, Q=data.Q
    )
    stem = run.folder / "features" / f"{manifest.name}_scattering"
    sequences = export_sequences(manifest, stem, extractor, jobs=run.jobs)
    place = {clip_id: row for row, clip_id in enumerate(manifest.clip_ids)}
    return sequences, manifest.select(np.array([place[clip_id] for clip_id in sequences.clip_ids]))


def some_waveforms(manifest: Manifest, seconds: float, most: int) -> np.ndarray:
    """Read at most `most` clips, evenly spread over a manifest of readable ones: (n_clips, n_samples) float32."""
    n_samples = int(round(seconds * SAMPLING_RATE))
    rows = np.unique(np.linspace(0, len(manifest) - 1, most).astype(int))
    paths = [manifest.filepaths[row] for row in rows]
    return np.stack([fit_waveform(read_waveform(path, SAMPLING_RATE, duration=seconds), n_samples) for path in paths])


def source_examples(
    manifest: Manifest, sequences: Sequences, options: DataOptions
) -> tuple[Examples, np.ndarray, list[str], list[str]]:
    """Return the examples to pre-train on, which of them are held out, their clip ids and their tags' columns."""
    used, held_out = validation_clips(manifest, options.source_validation)
    tags = tag_columns(manifest, options.source_tags)
    rows = np.flatnonzero(used)
    targets = manifest.table[tags].to_numpy(np.float32)[rows]
    return Examples(sequences.values, rows, targets), held_out[rows], np.asarray(manifest.clip_ids)[rows].tolist(), tags


def target_examples(
    manifest: Manifest, sequences: Sequences, protocol: Protocol
) -> tuple[StudyTask, Examples, list[str]]:
    """Return the task as a protocol sees it, its examples, and the names of its classes."""
    task = tasks_of(manifest)[0].with_split(protocol.mends("fault-filtered-split"))
    place = {clip_id: row for row, clip_id in enumerate(sequences.clip_ids)}
    rows = np.array([place[clip_id] for clip_id in task.clip_ids])
    names, targets = np.unique(task.target, return_inverse=True)
    return task, Examples(sequences.values, rows, targets), names.tolist()


def _rendered(name: str, n_clips: int | None, run: Run[Options]) -> Manifest:
    seconds = run.options.data.seconds
    return run.rendered(name, SAMPLING_RATE, n_clips, None if seconds >= 29 else seconds)
