"""Mel-spectrograms of a whole dataset in one memory-mapped file: decode once, train for many epochs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mgc_keras.datasets.manifest import LABEL_PREFIX, Manifest, check_source_manifest
from mgc_keras.errors import AudioError, DiskError
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.extractor import Extractor, compose_batches
from mgc_keras.features.pipeline import clip_features
from mgc_keras.files import raise_if_full
from mgc_keras.progress import progress_bar
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import BEST, CHECKPOINT
from mgc_keras.work import Journal, fingerprint

if TYPE_CHECKING:
    from mgc_keras.layers.melspectrogram import MelSpectrogram

# 16 bits hold -80…0 dB to 0.03 dB, far below what training notices, in half the space.
STORED_DTYPE = np.float16


class _MelSpectrograms(Extractor):
    """An extractor whose row is a clip's whole mel-spectrogram, (n_mels, n_frames) in dB."""

    name, columns, dtype, batch_size = "melspectrogram", (), "float16", 16

    def __init__(self, layer: "MelSpectrogram", n_samples: int) -> None:
        import tensorflow as tf

        self.layer, self.n_samples, self.sampling_rate = layer, n_samples, layer.sampling_rate
        self.duration = n_samples / layer.sampling_rate
        self._compute = tf.function(self.layer, input_signature=[tf.TensorSpec((None, n_samples), tf.float32)])

    def describe(self) -> dict[str, Any]:
        """Return the front end's settings."""
        return {"front_end": self.layer.get_config(), "fit": self.fit, "n_samples": self.n_samples}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, n_mels, n_frames) in dB."""
        return self._compute(waveforms).numpy()[..., 0]


def cache_melspectrograms(
    source: Manifest, path: Path, layer: "MelSpectrogram", n_samples: int, *, jobs: int = 2
) -> tuple[np.ndarray, dict[int, AudioError]]:
    """Compute the mel-spectrogram of every clip of a manifest into one ``.npy`` file; a killed run goes on.

    Parameters
    ----------
    source : Manifest
        The clips; each is repeated or cut to `n_samples`.
    path : Path
        The ``.npy`` file. Beside it, ``<path>.journal`` tells which clips are finished.
    layer : MelSpectrogram
        The network's front end.
    n_samples : int
        Length of a clip at the layer's sampling rate.
    jobs : int
        Threads that decode.

    Returns
    -------
    values : np.ndarray [shape=(n_clips, n_mels, n_frames), dtype=float16]
        Memory-mapped, in dB, each clip's maximum at 0; a clip that could not be read is silence and must be left out.
    problems : dict of int to AudioError
        The positions of such clips and why.

    Raises
    ------
    MgcKerasError
        The disk is full.
    """
    clips, extractor = list_clips(source), _MelSpectrograms(layer, n_samples)
    key = fingerprint(clips.state(), extractor.describe())
    shape = (len(clips), layer.n_mels, layer.n_frames(n_samples))
    with Journal(f"{path}.journal", key, resume=_is_cache(path, shape)) as journal:
        if not len(journal):
            _make(path, shape)
        values = np.load(path, mmap_mode="r+", allow_pickle=False)
        # Of each clip why it is not there, or None, and whether the next run tries it again.
        known = {position: (problem, again) for position, problem, again in journal}
        todo = [position for position in range(len(clips)) if known.get(position, ("", True))[1]]
        known |= _fill(values, journal, clips, extractor, todo, jobs)
    return values, {
        position: AudioError(problem, path=clips.paths[position])
        for position, (problem, _) in sorted(known.items())
        if problem is not None
    }


@dataclass(frozen=True)
class SourceClips:
    """The clips of a source manifest that a tagger learns from and is judged on.

    Parameters
    ----------
    examples : Examples
        Mel-spectrograms (n_clips, n_mels, n_frames, 1) in dB, and 0 or 1 for every tag. Their rows are those of the
        manifest.
    validation : np.ndarray [shape=(n_clips,), dtype=bool]
        Which clips are held out.
    tags : tuple of str
    """

    examples: Examples
    validation: np.ndarray
    tags: tuple[str, ...]


@contextmanager
def source_clips(
    manifest: Manifest, folder: Path, layer: "MelSpectrogram", n_samples: int, *, jobs: int = 2
) -> Iterator[SourceClips]:
    """Give the clips marked "train" or "valid" that can be read, while a tagger is trained in a folder.

    Where the training ends without an error, its checkpoints and the mel-spectrograms are removed.

    Parameters
    ----------
    manifest : Manifest
        With columns `label_<tag>` and `split`.
    folder : Path
        For ``melspectrograms.npy``; the tagger's checkpoints lie there, too.
    layer, n_samples, jobs
        As of `cache_melspectrograms`.

    Raises
    ------
    ManifestError
        There are no tags, or no split into "train" and "valid".
    MgcKerasError
        The disk is full.
    """
    check_source_manifest(manifest)
    values, problems = cache_melspectrograms(manifest, folder / "melspectrograms.npy", layer, n_samples, jobs=jobs)
    split = manifest.table["split"].to_numpy(str)
    usable = np.isin(split, ("train", "valid"))
    usable[list(problems)] = False
    rows = np.flatnonzero(usable)
    targets = manifest.table[manifest.label_columns].to_numpy(np.float32)[rows]
    tags = tuple(column.removeprefix(LABEL_PREFIX) for column in manifest.label_columns)
    yield SourceClips(Examples(values[..., None], rows, targets), split[rows] == "valid", tags)
    for leftover in ("melspectrograms.npy", "melspectrograms.npy.journal", CHECKPOINT, BEST):
        (folder / leftover).unlink(missing_ok=True)


def _is_cache(path: Path, shape: tuple[int, ...]) -> bool:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return values.shape == shape and values.dtype == STORED_DTYPE


def _make(path: Path, shape: tuple[int, ...]) -> None:
    """Make the file with all the space that it takes.

    Without, the kernel would end the process, without a word, where it writes to the memory map on a full disk.
    """
    np.lib.format.open_memmap(path, mode="w+", dtype=STORED_DTYPE, shape=shape)
    size = path.stat().st_size
    try:
        with open(path, "r+b") as stream:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), 0, size)
            else:
                stream.seek(size - int(np.prod(shape)) * np.dtype(STORED_DTYPE).itemsize)
                while rest := size - stream.tell():
                    stream.write(bytes(min(rest, 1 << 20)))
    except OSError as error:
        path.unlink()
        raise_if_full(error, path)
        raise


def _fill(
    values: np.memmap, journal: Journal, clips: Clips, extractor: _MelSpectrograms, todo: list[int], jobs: int
) -> dict[int, tuple[str | None, bool]]:
    """Compute some clips; return each one's problem, or None, and whether the next run tries it again."""
    there = clips.readable()
    known: dict[int, tuple[str | None, bool]] = {}
    batches = [np.array(todo)[batch] for batch in compose_batches(len(todo), extractor.batch_size)]
    with progress_bar(description="mel-spectrograms", total=len(clips), initial=len(clips) - len(todo)) as bar:
        for results in clip_features(clips, extractor, batches, jobs=jobs):
            for result in results:
                values[result.position] = -80.0 if result.problem else result.rows[0]
                again = isinstance(result.problem, DiskError) and result.position in there
                known[result.position] = (result.problem.problem if result.problem else None, again)
            try:
                values.flush()
            except OSError as error:
                raise_if_full(error, journal.path, resumable=True)
                raise
            journal.append([(result.position, *known[result.position]) for result in results])
            bar.update(len(results))
    return known
