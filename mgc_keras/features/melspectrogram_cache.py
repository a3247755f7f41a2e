"""Mel-spectrograms of a whole dataset in one memory-mapped file: decode once, train for many epochs."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import AudioError, MgcKerasError
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.extractor import compose_batches
from mgc_keras.features.pipeline import clip_features
from mgc_keras.files import raise_if_full
from mgc_keras.progress import progress_bar
from mgc_keras.work import Journal, fingerprint

if TYPE_CHECKING:
    from mgc_keras.layers.melspectrogram import MelSpectrogram

# 16 bits hold -80…0 dB to 0.03 dB, far below what training notices, in half the space.
STORED_DTYPE = np.float16


class _MelSpectrograms:
    """An extractor (see `mgc_keras.features.extractor.Extractor`) whose row is a clip's whole mel-spectrogram."""

    name, columns, dtype, fit = "melspectrogram", (), "float16", "repeat"
    batch_size, batch_order, seed = 16, "file", 0

    def __init__(self, layer: "MelSpectrogram", n_samples: int) -> None:
        import tensorflow as tf

        self.layer, self.n_samples, self.sampling_rate = layer, n_samples, layer.sampling_rate
        self.duration = n_samples / layer.sampling_rate
        self._compute = tf.function(self.layer, input_signature=[tf.TensorSpec((None, n_samples), tf.float32)])

    @property
    def shape(self) -> tuple[int, int]:
        """Bands and frames of one clip."""
        return self.layer.n_mels, self.layer.n_frames(self.n_samples)

    def describe(self) -> dict[str, Any]:
        """Return the front end's settings."""
        return {"front_end": self.layer.get_config(), "fit": self.fit, "n_samples": self.n_samples}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, n_mels, n_frames) in dB."""
        return self._compute(waveforms).numpy()[..., 0]


@dataclass(frozen=True)
class CachedMelSpectrograms:
    """What `cache_melspectrograms` gives.

    Parameters
    ----------
    values : np.ndarray [shape=(n_clips, n_mels, n_frames), dtype=float16]
        Memory-mapped, in dB, each clip's maximum at 0; a clip that could not be read is silence and must be left out.
    problems : dict of int to AudioError
        The positions of such clips and why.
    """

    values: np.ndarray
    problems: dict[int, AudioError]


def cache_melspectrograms(
    source: Manifest,
    path: str | Path,
    layer: "MelSpectrogram",
    n_samples: int,
    *,
    jobs: int = 2,
) -> CachedMelSpectrograms:
    """Compute the mel-spectrogram of every clip of a manifest into one ``.npy`` file; a killed run goes on.

    Parameters
    ----------
    source : Manifest
        The clips; each is repeated or cut to `n_samples`.
    path : str or Path
        The ``.npy`` file. Beside it, ``<path>.journal`` tells which clips are finished.
    layer : MelSpectrogram
        The network's front end.
    n_samples : int
        Length of a clip at the layer's sampling rate.
    jobs : int
        Threads that decode.

    Raises
    ------
    MgcKerasError
        The disk is full.
    """
    path = Path(path)
    clips, extractor = list_clips(source), _MelSpectrograms(layer, n_samples)
    key = fingerprint(clips.state(), extractor.describe())
    with Journal(f"{path}.journal", key, resume=path.exists()) as journal:
        if not len(journal):
            _create(path, (len(clips), *extractor.shape))
        values = np.load(path, mmap_mode="r+", allow_pickle=False)
        if len(journal) < len(clips):
            _fill(values, journal, clips, extractor, jobs)
        problems = {
            position: AudioError(problem, path=clips.paths[position])
            for position, problem in enumerate(journal)
            if problem is not None
        }
    return CachedMelSpectrograms(values, problems)


def _create(path: Path, shape: tuple[int, ...]) -> None:
    _check_space(path, int(np.prod(shape)) * np.dtype(STORED_DTYPE).itemsize)
    np.lib.format.open_memmap(path, mode="w+", dtype=STORED_DTYPE, shape=shape)


def _check_space(path: Path, needed: int) -> None:
    # Running out of disk inside a memory map kills the process without a word, so it is asked before.
    status = os.statvfs(path.parent)
    if status.f_bavail * status.f_frsize < needed:
        raise MgcKerasError(
            f"{needed / 1e9:.1f} GB are needed for mel-spectrograms, the disk has less",
            path=path,
            cure="free some space or choose another output folder",
        )


def _fill(values: np.memmap, journal: Journal, clips: Clips, extractor: _MelSpectrograms, jobs: int) -> None:
    """Compute the clips that the journal lacks; it holds each clip's problem, or None."""
    batches = compose_batches(len(clips), extractor.batch_size)[len(journal) // extractor.batch_size :]
    with progress_bar(description="mel-spectrograms", total=len(clips), initial=len(journal)) as bar:
        for results in clip_features(clips, extractor, batches, jobs=jobs):
            for result in results:
                values[result.position] = -80.0 if result.problem else result.rows[0]
            try:
                values.flush()
            except OSError as error:
                raise_if_full(error, journal.path, resumable=True)
                raise
            journal.append([result.problem and result.problem.problem for result in results])
            bar.update(len(results))
