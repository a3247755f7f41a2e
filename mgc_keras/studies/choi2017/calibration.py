"""Replaces batch statistics by population statistics, so that a clip's features no longer depend on its batch."""

from collections.abc import Iterable
from dataclasses import asdict

import keras
import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.studies.choi2017.layerwise import run_layerwise
from mgc_keras.studies.choi2017.network import LAYERS, convnet
from mgc_keras.studies.choi2017.variants import options_of


def calibrate(model: keras.Model, waveforms: np.ndarray | Iterable[np.ndarray], *, chunk_size: int = 4) -> keras.Model:
    """Give a batch-statistics convnet the statistics of a calibration set for good.

    The statistics of a layer are taken behind the calibrated layers before it, over all clips at once, with the decibel
    reference of the result: each clip's own maximum. On the calibration set as one batch, both models agree.

    Parameters
    ----------
    model : keras.Model
        A `convnet` with ``normalization="batch"``, trained, loaded or random.
    waveforms : np.ndarray or iterable of np.ndarray
        The calibration clips, as the model takes them: whole, or as chunks that are read once. For a model that takes
        mel-spectrograms, these must be referred to each clip's own maximum. Some 100 clips of the intended kind do.
    chunk_size : int
        Clips run together.

    Returns
    -------
    keras.Model
        The same network with ``normalization="population"`` and ``decibel_reference="clip"``.

    Raises
    ------
    OptionError
        `model` is another network or has population statistics already; there is no clip; a model for
        mel-spectrograms was built for the batch's decibel reference.
    """
    options = options_of(model)
    if options.normalization != "batch":
        raise OptionError("the model has population statistics already", field="model", cure="use it as it is")
    if (options.input, options.decibel_reference) == ("melspectrogram", "batch"):
        raise OptionError(
            "mel-spectrograms referred to their batch cannot be referred to each clip",
            field="decibel_reference",
            cure="calibrate with_variant(model, input='waveform') from waveforms",
        )
    _, moments = run_layerwise(model, waveforms, chunk_size, "clip")
    tensors = tensors_of(model)
    for layer in LAYERS:
        tensors[f"bn{layer}/moving_mean"] = moments[layer].mean
        tensors[f"bn{layer}/moving_variance"] = moments[layer].variance
    calibrated = convnet(**asdict(options) | {"normalization": "population", "decibel_reference": "clip"})
    set_tensors(calibrated, tensors)
    return calibrated
