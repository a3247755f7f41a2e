"""From a network as it was published to one whose features do not depend on the batch."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.features.clips import list_clips
from mgc_keras.features.export import Source
from mgc_keras.features.pipeline import checked_jobs, read_ahead, reader
from mgc_keras.layers.normalization import BatchStatisticsNormalization
from mgc_keras.progress import progress_bar
from mgc_keras.studies.choi2017.calibration import calibrate
from mgc_keras.studies.choi2017.network import SAMPLING_RATE
from mgc_keras.studies.choi2017.variants import is_convnet, options_of, with_variant

N_CALIBRATION_CLIPS = 128
_CHUNK_SIZE = 4


def batch_independent(
    model: keras.Model,
    source: Source,
    *,
    data_home: str | Path | None = None,
    n_clips: int = N_CALIBRATION_CLIPS,
    fit: str = "repeat",
    jobs: int | None = None,
) -> keras.Model:
    """Return a convnet with the same weights that gives each clip the same features whatever clips share its batch.

    Batch statistics are replaced by the statistics of some clips of `source` (`mgc_keras.calibrate`), and decibels
    refer to each clip's own maximum. A model that has stored statistics keeps them.

    Parameters
    ----------
    model : keras.Model
        A `convnet` that takes waveforms. Any other network without batch statistics is returned as it is.
    source, data_home
        Clips of the intended kind: see `mgc_keras.features.export.export_features`. Labels are not looked at.
    n_clips : int
        How many clips to calibrate on, spread evenly over the source. Clips that cannot be read are passed over.
    fit : str
        How clips of another length are brought to the network's.
    jobs : int, optional
        Threads that decode; by default one a core.

    Raises
    ------
    OptionError
        `model` is another network with batch statistics, or no clip can be read.
    """
    if not is_convnet(model) and not any(isinstance(layer, BatchStatisticsNormalization) for layer in model.layers):
        return model
    options = options_of(model)
    if options.normalization == "population":
        return model if options.decibel_reference == "clip" else with_variant(model, decibel_reference="clip")
    clips = list_clips(source, data_home)
    positions = np.unique(np.linspace(0, len(clips) - 1, min(n_clips, len(clips))).round().astype(int)).tolist()
    duration = None if fit == "crop" else options.n_samples / SAMPLING_RATE
    read = reader(clips, SAMPLING_RATE, duration, options.n_samples, fit)
    with read_ahead(read, positions, checked_jobs(jobs), 4 * _CHUNK_SIZE) as readings:
        chunks = _chunks(progress_bar(readings, description="calibrating", total=len(positions)))
        return calibrate(model, chunks, chunk_size=_CHUNK_SIZE)


def _chunks(readings: Iterator[np.ndarray | Exception]) -> Iterator[np.ndarray]:
    chunk: list[np.ndarray] = []
    n_read = 0
    for reading in readings:
        if isinstance(reading, np.ndarray):
            chunk.append(reading)
            n_read += 1
        if len(chunk) == _CHUNK_SIZE:
            yield np.stack(chunk)
            chunk = []
    if chunk:
        yield np.stack(chunk)
    if not n_read:
        raise OptionError("no clip can be read to calibrate on", field="source", cure="run: mgc-keras check DIR")
