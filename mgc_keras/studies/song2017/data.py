"""The clips of the Song 2017 study: manifests, scattering sequences, and which clips and tags are pre-trained on."""

from pathlib import PurePosixPath

import numpy as np

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.datasets.manifest import LABEL_PREFIX, Manifest, check_held_out_tags, read_manifest
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.features.export import export_sequences
from mgc_keras.features.melspectrogram_cache import SourceClips
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.features.sequences import Sequences
from mgc_keras.studies.common.run import Run
from mgc_keras.studies.song2017.study import DataOptions, Options
from mgc_keras.training.examples import Examples

SAMPLING_RATE = 16000
SOURCE_TASK, TARGET_TASK = "tagging", "genre"
_CURE = "give split, folder:NAME (as folder:f) or last:COUNT (as last:2105)"


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


def check_source(run: Run[Options]) -> None:
    """Refuse tags and clips that a network cannot be pre-trained on, before any is rendered or read."""
    data = run.options.data
    if not data.source_manifest:
        run.check_source_clips(data.source_clips)
        return
    manifest = source_manifest(run)
    tag_columns(manifest, data.source_tags)
    check_held_out_tags(manifest, validation_clips(manifest, data.source_validation)[1])


def _rendered(name: str, n_clips: int | None, run: Run[Options]) -> Manifest:
    seconds = run.options.data.seconds
    return run.rendered(name, SAMPLING_RATE, n_clips, None if seconds >= 29 else seconds)


def sequences_of(manifest: Manifest, run: Run[Options]) -> tuple[Sequences, Manifest]:
    """Export a manifest's scattering sequences; return them, and the manifest of the clips that could be read.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    data = run.options.data
    n_samples = int(round(data.seconds * SAMPLING_RATE))
    extractor = ScatteringExtractor(n_samples, sampling_rate=SAMPLING_RATE, J=data.J, Q=data.Q)
    stem = run.folder / "features" / f"{manifest.name}_scattering"
    sequences = export_sequences(manifest, stem, extractor, jobs=run.jobs)
    return sequences, manifest.select(np.isin(manifest.clip_ids, sequences.clip_ids))


def some_waveforms(manifest: Manifest, seconds: float, most: int) -> np.ndarray:
    """Read at most `most` clips, evenly spread over a manifest of readable ones: (n_clips, n_samples) float32."""
    n_samples = int(round(seconds * SAMPLING_RATE))
    rows = np.unique(np.linspace(0, len(manifest) - 1, most).astype(int))
    paths = [manifest.filepaths[row] for row in rows]
    return np.stack([fit_waveform(read_waveform(path, SAMPLING_RATE, duration=seconds), n_samples) for path in paths])


def source_clips(manifest: Manifest, sequences: Sequences, options: DataOptions) -> SourceClips:
    """Return the clips and tags to pre-train on: the manifest's rows are those of the sequences."""
    used, held_out = validation_clips(manifest, options.source_validation)
    columns = tag_columns(manifest, options.source_tags)
    rows = np.flatnonzero(used)
    examples = Examples(sequences.values, rows, manifest.table[columns].to_numpy(np.float32)[rows])
    return SourceClips(examples, held_out[rows], tuple(column.removeprefix(LABEL_PREFIX) for column in columns))


def validation_clips(manifest: Manifest, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Say which clips are used, and which of these are held out.

    Parameters
    ----------
    manifest : Manifest
    rule : str
        "split": the clips marked "valid" are held out, those marked "train" learnt from, others unused.
        "folder:NAME": every clip whose file lies directly in a folder of that name is held out, all others are learnt
        from. "last:COUNT": so many clips at the end of the manifest are held out.

    Returns
    -------
    used, held_out : np.ndarray [shape=(n_clips,), dtype=bool]

    Raises
    ------
    OptionError
        There is no such rule.
    ManifestError
        The rule leaves no clip to learn from, or holds none out.
    """
    kind, _, value = rule.partition(":")
    used = np.ones(len(manifest), bool)
    if kind == "split" and not value:
        split = manifest.table["split"].to_numpy(str) if "split" in manifest.table else np.full(len(manifest), "")
        used, held_out = np.isin(split, ("train", "valid")), split == "valid"
    elif kind == "folder" and value:
        folders = [PurePosixPath(filepath).parent.name for filepath in manifest.table["filepath"]]
        held_out = np.array(folders) == value
    elif kind == "last" and value.isdecimal():
        held_out = np.arange(len(manifest)) >= len(manifest) - int(value)
    else:
        raise OptionError(f"{rule!r} is unknown", field="source-validation", cure=_CURE)
    if not held_out.any() or not (used & ~held_out).any():
        problem = f"the rule {rule!r} needs clips to learn from and clips to hold out"
        raise ManifestError(problem, path=manifest.name, field=kind, cure=_CURE)
    return used, held_out


def tag_columns(manifest: Manifest, n_tags: int | None = None) -> list[str]:
    """Return the names of the tags' columns: all, or the `n_tags` most frequent, in manifest order.

    50 is what most work on MagnaTagATune takes. Ties go to the earlier column.

    Raises
    ------
    ManifestError
        There are no tags, or values that are neither 0 nor 1.
    OptionError
        There are fewer tags than wanted.
    """
    columns = manifest.label_columns
    if not columns:
        cure = "give a multi-label manifest"
        raise ManifestError("holds no tags", path=manifest.name, field="label_<tag>", cure=cure)
    values = manifest.table[columns].to_numpy(np.float64)
    odd = ~np.isin(values, (0.0, 1.0)).all(axis=0)
    if odd.any():
        cure = "give 1 where the tag applies and 0 elsewhere"
        raise ManifestError("is no tag of 0 and 1", path=manifest.name, field=columns[int(odd.argmax())], cure=cure)
    if n_tags is None:
        return columns
    if not 1 <= n_tags <= len(columns):
        raise OptionError(f"{n_tags} of {len(columns)} tags cannot be taken", field="source-tags", cure="give fewer")
    frequent = np.argsort(-values.sum(axis=0), kind="stable")[:n_tags]
    return [columns[place] for place in sorted(frequent)]
