"""Mel-spectrograms of a whole dataset in one memory-mapped file: decode once, train for many epochs."""

import json
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
from mgc_keras.files import raise_if_full, write_text
from mgc_keras.progress import progress_bar

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
        return self.layer.compute_output_shape((None, self.n_samples))[1:3]

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
    """Compute the mel-spectrogram of every clip of a manifest into one ``.npy`` file; a killed run goes on where it was.

    Parameters
    ----------
    source : Manifest
        The clips; each is repeated or cut to `n_samples`.
    path : str or Path
        The ``.npy`` file. Beside it, ``<path>.json`` counts the finished clips and says what they were made of.
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
    record = {"source": clips.state(), "extractor": extractor.describe(), "n_done": 0, "problems": {}}
    values, record = _open(path, record, (len(clips), *extractor.shape))
    batches = compose_batches(len(clips), extractor.batch_size)[record["n_done"] // extractor.batch_size :]
    if record["n_done"] < len(clips):
        _fill(values, record, clips, extractor, batches, path, jobs)
    problems = {
        int(position): AudioError(text, path=clips.paths[int(position)])
        for position, text in record["problems"].items()
    }
    return CachedMelSpectrograms(values, problems)


def _open(path: Path, record: dict, shape: tuple[int, ...]) -> tuple[np.ndarray, dict]:
    progress = Path(f"{path}.json")
    if path.exists() and progress.exists():
        known = json.loads(progress.read_text(encoding="utf-8"))
        if all(known[key] == json.loads(json.dumps(record[key])) for key in ("source", "extractor")):
            return np.load(path, mmap_mode="r+", allow_pickle=False), known
    progress.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_space(path, int(np.prod(shape)) * np.dtype(STORED_DTYPE).itemsize)
    return np.lib.format.open_memmap(path, mode="w+", dtype=STORED_DTYPE, shape=shape), record


def _check_space(path: Path, needed: int) -> None:
    # Running out of disk inside a memory map kills the process without a word, so it is asked before.
    status = os.statvfs(path.parent)
    if status.f_bavail * status.f_frsize < needed:
        raise MgcKerasError(
            f"{needed / 1e9:.1f} GB are needed for mel-spectrograms, the disk has less",
            path=path,
            cure="free some space or choose another output folder",
        )


def _fill(
    values: np.ndarray, record: dict, clips: Clips, extractor: _MelSpectrograms, batches: list, path: Path, jobs: int
) -> None:
    with progress_bar(description="mel-spectrograms", total=len(clips), initial=record["n_done"]) as bar:
        for results in clip_features(clips, extractor, batches, jobs=jobs):
            for result in results:
                if result.problem is None:
                    values[result.position] = result.rows[0]
                else:
                    values[result.position] = -80.0
                    record["problems"][str(result.position)] = result.problem.problem
            try:
                values.flush()
            except OSError as error:
                raise_if_full(error, path)
                raise
            record["n_done"] += len(results)
            write_text(f"{path}.json", json.dumps(record))
            bar.update(len(results))
