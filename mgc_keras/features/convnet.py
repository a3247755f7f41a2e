"""Features (or tags) of a convnet, in batches, through one compiled graph."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.data.audio import FITS
from mgc_keras.errors import OptionError
from mgc_keras.features.extractor import compose_batches
from mgc_keras.files import sha256_of
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.normalization import BatchStatisticsNormalization
from mgc_keras.models.choi2017 import FEATURE_COLUMNS, SAMPLING_RATE, TAGS
from mgc_keras.models.layerwise import batch_statistics_features
from mgc_keras.weights.load import load_model

PUBLISHED_BATCH_SIZE = 256
INDEPENDENT_BATCH_SIZE = 16
# Up to here, the maps of a whole batch fit into memory together and one pass is quicker.
_LARGEST_WHOLE_BATCH = 16


class ConvnetExtractor:
    """The output of a network that takes waveforms: its layers' features, or its tags.

    The weights are taken when this is made; training the model further does not change what it computes.

    Parameters
    ----------
    model : keras.Model or path
        A model (batch, n_samples) -> (batch, n_features), or a file of the convnet for `mgc_keras.load_model`.
    output : str
        "features" or "tags", where `model` is a path.
    batch_size : int, optional
        Clips a batch. Networks that normalise by batch statistics, or refer decibels to the batch's maximum, give each clip
        numbers that depend on its batch: 256 by default, as the authors ran it. Others: 16, which changes nothing but speed.
    batch_order : str
        Which clips share a batch; "file" as published. See `mgc_keras.features.extractor.compose_batches`.
    seed : int
        Of the "shuffled" order.
    fit : str
        How clips of another length are brought to the network's: "repeat" (the paper), "zero_pad" or "crop".
    name : str
        Short name, shown in progress bars and descriptions.
    columns : sequence of str, optional
        Names of the outputs. By default `FEATURE_COLUMNS` for the convnet's 160 features, `TAGS` for its 50 tags.
    weights_file : path, optional
        The file that `model` was made from, for the description; not needed where `model` is a path.

    Attributes
    ----------
    depends_on_batch : bool
        Whether a clip's numbers depend on the clips in its batch.
    name, columns, sampling_rate, n_samples, fit, duration, batch_size, batch_order, seed, dtype
        As in `mgc_keras.features.extractor.Extractor`.

    Raises
    ------
    OptionError
        The model takes no waveforms, or an option makes no sense.
    WeightsError
        The file cannot be read.

    Example
    -------
    >>> extractor = ConvnetExtractor("weights_layer4_theano.hdf5", batch_order="single")    # doctest: +SKIP
    >>> extractor(waveforms).shape                                                          # doctest: +SKIP
    (1, 160)
    """

    dtype = "float32"

    def __init__(
        self,
        model: keras.Model | str | Path,
        *,
        output: str = "features",
        batch_size: int | None = None,
        batch_order: str = "file",
        seed: int = 0,
        fit: str = "repeat",
        name: str = "convnet",
        columns: Sequence[str] | None = None,
        weights_file: str | Path | None = None,
    ) -> None:
        is_file = isinstance(model, (str, Path))
        self.model = load_model(model, output=output, input="waveform") if is_file else model
        self.weights_file = Path(model) if is_file else weights_file and Path(weights_file)
        if len(self.model.input_shape) != 2 or self.model.input_shape[1] is None or len(self.model.output_shape) != 2:
            raise OptionError(
                "does not turn waveforms of a fixed length into rows of numbers", field=f"model {self.model.name}",
                cure="build it with input='waveform'",
            )  # fmt: skip
        if fit not in FITS:
            raise OptionError(f"unknown value {fit!r}", field="fit", cure=f"choose one of {', '.join(FITS)}")
        self._front_end = next((layer for layer in self.model.layers if isinstance(layer, MelSpectrogram)), None)
        self._batch_statistics = any(isinstance(layer, BatchStatisticsNormalization) for layer in self.model.layers)
        of_batch = self._front_end is not None and self._front_end.decibel_reference == "batch"
        self.depends_on_batch = self._batch_statistics or of_batch
        default_size = PUBLISHED_BATCH_SIZE if self.depends_on_batch else INDEPENDENT_BATCH_SIZE
        self.batch_size = default_size if batch_size is None else batch_size
        compose_batches(0, self.batch_size, batch_order, labels=())  # refuses sizes and orders that make no sense
        self.name, self.fit, self.batch_order, self.seed = name, fit, batch_order, seed
        self.columns = _columns(self.model) if columns is None else tuple(columns)
        self.sampling_rate = SAMPLING_RATE if self._front_end is None else self._front_end.sampling_rate
        self.n_samples = self.model.input_shape[1]
        self.duration = None if fit == "crop" else self.n_samples / self.sampling_rate
        # One graph for all calls: clips that are independent of each other always come in batches of one size.
        self._width = None if self.depends_on_batch else 1 if batch_order == "single" else self.batch_size
        self._compute = _compiled(self.model, self._width)

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, for the JSON beside a feature table."""
        file = self.weights_file
        return {
            "name": self.name,
            "model": self.model.name,
            "weights_file": file and file.name,
            "weights_file_sha256": file and sha256_of(file),
            "weights_sha256": weights_sha256(self.model),
            "normalization": "batch" if self._batch_statistics else "population",
            "front_end": self._front_end and _settings(self._front_end),
            "n_samples": self.n_samples,
            "fit": self.fit,
            "depends_on_batch": self.depends_on_batch,
            "batch_size": 1 if self.batch_order == "single" else self.batch_size,
            "batch_order": self.batch_order,
            "batch_seed": self.seed if self.batch_order == "shuffled" else None,
        }

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, n_features) float32 for waveforms (batch, n_samples) float32."""
        n_clips = len(waveforms)
        if self._batch_statistics and n_clips > _LARGEST_WHOLE_BATCH:
            return batch_statistics_features(self.model, waveforms)
        if self._width is not None and n_clips != self._width:
            waveforms = np.concatenate([waveforms, np.zeros((self._width - n_clips, self.n_samples), np.float32)])
        return self._compute(tf.constant(waveforms)).numpy()[:n_clips]


def weights_sha256(model: keras.Model) -> str:
    """Return a SHA-256 over a model's tensors (types, shapes, values, in the model's order), whatever file they came from."""
    digest = hashlib.sha256()
    for variable in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(variable))
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _columns(model: keras.Model) -> tuple[str, ...]:
    n_outputs = model.output_shape[-1]
    if n_outputs == len(FEATURE_COLUMNS):
        return FEATURE_COLUMNS
    return TAGS if n_outputs == len(TAGS) else tuple(f"output_{index:03d}" for index in range(n_outputs))


def _settings(front_end: MelSpectrogram) -> dict[str, Any]:
    return {key: value for key, value in front_end.get_config().items() if key not in ("name", "trainable", "dtype")}


def _compiled(model: keras.Model, width: int | None) -> Any:
    # With the weights as constants, TensorFlow folds stored normalisation into the convolutions: a quarter less time.
    trainable = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    others = [keras.ops.convert_to_numpy(variable) for variable in model.non_trainable_variables]
    signature = [tf.TensorSpec((width, model.input_shape[1]), tf.float32)]
    return tf.function(
        lambda waveforms: model.stateless_call(trainable, others, waveforms, training=False)[0],
        input_signature=signature,
    )
