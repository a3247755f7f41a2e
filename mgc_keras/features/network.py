"""What a network computes of waveforms (features, tags), in batches, through one compiled graph."""

import logging
import tempfile
from collections.abc import Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.audio.files import FITS
from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.execution import ExecutionPolicy, device_name, full_float32, gpu_memory, policy
from mgc_keras.features.extractor import Extractor, compose_batches
from mgc_keras.files import sha256_of
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.named_outputs import output_names
from mgc_keras.layers.normalization import BatchStatisticsNormalization, ClipStandardization
from mgc_keras.layers.sampled_at import sampling_rate_of
from mgc_keras.networks.kinds import kind_of
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.load import load_model
from mgc_keras.networks.pooled_first import pooled_first
from mgc_keras.networks.registry import fetch_weights, weight_files
from mgc_keras.networks.tensors import check_is_file, network_sha256, weights_sha256

logger = logging.getLogger("mgc_keras")

PUBLISHED_BATCH_SIZE = 256
# In Hz, of networks that bring no front end that would tell.
USUAL_SAMPLING_RATE = 12000
# Seconds by which the end of a file is felt in the resampled waveform, and many more.
_RESAMPLER_REACH = 0.1
# What the configuration of every layer holds.
_OF_ANY_LAYER = ("name", "trainable", "dtype")
# Up to here a CPU computes the statistics of a batch in one pass; in larger ones the maps no longer fit its caches.
_LARGEST_ON_CPU = 16
# Maps as large as the largest of a network that exist at once in one pass: before and after normalisation and
# activation, and what a convolution needs to work.
_MAPS_AT_ONCE = 6


class NetworkExtractor(Extractor):
    """The output of a network that takes waveforms: its layers' features, or its tags.

    The weights are taken when this is made; training the model further does not change what it computes.

    Parameters
    ----------
    model : keras.Model or path
        A model (batch, n_samples) -> (batch, n_features), or a file of the convnet for `mgc_keras.load_model`.
    output : str
        "features" or "tags", where `model` is a path.
    batch_size : int, optional
        Clips a batch. Networks that normalise by batch statistics, or refer decibels to the batch's maximum, give
        each clip numbers that depend on its batch. 256 by default for batch statistics, as the authors ran it; else
        8, on a GPU 64. Where a clip's numbers do not depend on its batch, the size moves nothing but the last bits.
    batch_order : str
        Which clips share a batch; "file" as published. See `mgc_keras.features.extractor.compose_batches`. With
        "single", each window of a clip is a batch, too.
    seed : int
        Of the "shuffled" order.
    fit : str
        How clips of another length are brought to the network's: "repeat" (the paper), "zero_pad" or "crop".
    name : str
        Shown in progress bars and descriptions.
    columns : sequence of str, optional
        Names of the outputs. Default: those that the model holds, else those of its kind, else last.fm's `TAGS` for 50.
    weights_file : path, optional
        The file that `model` was made from, for the description; not needed where `model` is a path.
    fill_batches : bool
        Compute batches of one size, the last one filled up: the same clip then gives the same bits wherever it stands.
        Without, the rest of a batch costs no time.
    execution : ExecutionPolicy, optional
        How batches are compiled and computed. Default: the policy of this process.
    calibration : dict, optional
        What clips the network's statistics are of, for the description, as plain JSON values.

    Attributes
    ----------
    depends_on_batch : bool
        Whether a clip's numbers depend on the clips in its batch.
    cut : {"before_resampling", "after_resampling"}
        When clips are cut to the network's length. As each network's original did: after it for the one that
        standardises clips, else before it (`librosa.load` with a duration), where the last samples feel the end that
        the resampler saw. Where `fit` is "crop", clips are always cut afterwards.

    Raises
    ------
    OptionError
        The model takes no waveforms, or an option makes no sense.
    WeightsError
        The file cannot be read, or is none of the convnet.
    """

    n_samples: int

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
        fill_batches: bool = True,
        execution: ExecutionPolicy | None = None,
        calibration: dict[str, Any] | None = None,
    ) -> None:
        if isinstance(model, (str, Path)):
            weights_file = find_weights(model)
            model = load_model(weights_file, output=output, input="waveform")
        self._fill_batches = fill_batches
        if len(model.input_shape) != 2 or model.input_shape[1] is None or len(model.output_shape) != 2:
            problem = "does not turn waveforms of a fixed length into rows of numbers"
            raise OptionError(problem, field=f"model {model.name}", cure="build it with input='waveform'")
        checked_choice("fit", fit, FITS)
        self.model, self.weights_file = model, weights_file and Path(weights_file)
        self.calibration = calibration
        self.name, self.fit, self.batch_order, self.seed = name, fit, batch_order, seed
        self.columns = _columns(model) if columns is None else tuple(columns)
        self._kind = kind_of(model)
        self.resampler = self._kind.resampler if self._kind else "soxr"
        self._front_end = _layer_of(model, MelSpectrogram)
        self._batch_statistics = _layer_of(model, BatchStatisticsNormalization) is not None
        of_batch = self._front_end is not None and self._front_end.decibel_reference == "batch"
        self.depends_on_batch = self._batch_statistics or of_batch
        self.execution = execution or policy()
        default_size = PUBLISHED_BATCH_SIZE if self._batch_statistics else self.execution.batch_size
        self.batch_size = default_size if batch_size is None else batch_size
        compose_batches(0, self.batch_size, batch_order, labels=())  # refuses sizes and orders that make no sense
        if batch_order == "single":
            self.batch_size = 1
        # Batches of the published size take all cores and much memory as they are.
        is_large = self.execution.device == "CPU" and self.batch_size > self.execution.batch_size
        self.streams = 1 if is_large else self.execution.streams
        told = sampling_rate_of(model)
        if told is None:
            logger.warning(
                "%s: does not say at what sampling rate it hears; %d Hz are assumed (give --sampling-rate, or save it "
                "with_sampling_rate: mgc_keras.layers.sampled_at)",
                self.weights_file or model.name,
                USUAL_SAMPLING_RATE,
            )
        self.sampling_rate = told or USUAL_SAMPLING_RATE
        self.n_samples = model.input_shape[1]
        self.cut = "before_resampling" if _layer_of(model, ClipStandardization) is None else "after_resampling"
        self.duration = None if fit == "crop" else self.n_samples / self.sampling_rate
        if self.duration and self.cut == "after_resampling":
            self.duration += _RESAMPLER_REACH
        # One graph for all calls: clips that are independent of each other always come in batches of one size.
        free = self.depends_on_batch or not fill_batches
        self._width = None if free else self.batch_size
        self._compute = compiled(model, (self._width, self.n_samples), xla=self.execution.xla("features", model))
        self._largest_whole_batch = _largest_whole_batch(model, self.execution.device)
        self.difference: float | None = None

    def __reduce__(self) -> tuple:
        # For workers of a cluster: what is compiled is compiled there. What is but described stays here.
        names = ("batch_size", "batch_order", "seed", "fit", "name", "columns", "execution")
        options = {name: getattr(self, name) for name in names} | {"fill_batches": self._fill_batches}
        return partial(_unpickled, **options), (self._saved,)

    @cached_property
    def _saved(self) -> bytes:
        # Once: saved again it has other bytes, and workers would build it anew.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.keras")
            self.model.save(path)
            return path.read_bytes()

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, for the JSON beside a feature table."""
        file, layer = self.weights_file, self._front_end
        front_end = layer and {key: value for key, value in layer.get_config().items() if key not in _OF_ANY_LAYER}
        return {
            "name": self.name,
            "model": self.model.name,
            "weights_file": file and file.name,
            "weights_file_sha256": file and sha256_of(file),
            "weights_sha256": weights_sha256(self.model),
            "network_sha256": network_sha256(self.model),
            "normalization": "batch" if self._batch_statistics else "population",
            "front_end": front_end,
            "n_samples": self.n_samples,
            "fit": self.fit,
            "cut": self.cut,
            "depends_on_batch": self.depends_on_batch,
            "batch_size": self.batch_size,
            "batch_order": self.batch_order,
            "batch_seed": self.seed if self.batch_order == "shuffled" else None,
            "device": device_name(),
            "precision": self.execution.precision,
            **({} if self.calibration is None else {"calibration": self.calibration}),
        }

    def measured(self) -> dict[str, Any]:
        """Return how far the first batch of a fast extractor lies from the exact one.

        ``largest_difference`` is in standard deviations of a column over the batch.
        """
        return {} if self.difference is None else {"largest_difference": self.difference}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, n_features) float32 for waveforms (batch, n_samples) float32."""
        rows = self._rows(waveforms)
        if self.execution.precision == "fast" and self.difference is None:
            with full_float32(always=True):
                exact = self._rows(waveforms)
            spread = np.maximum(exact.std(axis=0), np.finfo(np.float32).tiny)
            self.difference = float((np.abs(rows - exact) / spread).max())
        return rows

    @full_float32()
    def _rows(self, waveforms: np.ndarray) -> np.ndarray:
        n_clips = len(waveforms)
        if self._batch_statistics and self._kind and self._kind.whole_batch and n_clips > self._largest_whole_batch:
            return self._kind.whole_batch(self.model, waveforms)
        if self._width is not None and n_clips > self._width:
            starts = range(0, n_clips, self._width)
            return np.concatenate([self._rows(waveforms[start : start + self._width]) for start in starts])
        if self._width is not None and n_clips < self._width:
            waveforms = np.concatenate([waveforms, np.zeros((self._width - n_clips, self.n_samples), np.float32)])
        return self._compute(tf.constant(waveforms)).numpy()[:n_clips]


@lru_cache(maxsize=2)
def _unpickled(model: bytes, **options: Any) -> NetworkExtractor:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(model)
        return NetworkExtractor(load_model(path), **options)


def find_weights(path: str | Path) -> Path:
    """Return the weight file: the path itself, or the verified copy of a registered name, fetched if need be.

    Raises
    ------
    WeightsError
        There is no such file or name, or it cannot be fetched.
    """
    known = weight_files()
    if str(path) in known and not Path(path).is_file():
        return fetch_weights(str(path), progress=True)
    check_is_file(path, f"give a file, or a name: {', '.join(known)}")
    return Path(path)


def _columns(model: keras.Model) -> tuple[str, ...]:
    kind, n_outputs = kind_of(model), model.output_shape[-1]
    if names := output_names(model) or (kind and kind.columns(model)):
        return names
    return TAGS if n_outputs == len(TAGS) else tuple(f"output_{index:03d}" for index in range(n_outputs))


def _layer_of(model: keras.Model, kind: type[keras.Layer]) -> Any:
    return next((layer for layer in model.layers if isinstance(layer, kind)), None)


def _largest_whole_batch(model: keras.Model, device: str) -> int:
    """Return how many clips a network computes in one pass, all their maps in memory together."""
    if device == "CPU":
        return _LARGEST_ON_CPU
    largest_map = max(int(np.prod(layer.output.shape[1:])) for layer in model.layers) * np.dtype(np.float32).itemsize
    return gpu_memory() // (_MAPS_AT_ONCE * largest_map)


def compiled(network: keras.Model | keras.Layer, shape: tuple[int | None, ...], *, xla: bool = False) -> Any:
    """Compile a network, as it is now, into one graph for float32 inputs of one shape, or through XLA.

    With the weights as constants, TensorFlow folds stored normalisation into the convolutions: a quarter less time.
    Where XLA does not, maps are pooled before they are normalised (`pooled_first`).
    """
    if isinstance(network, keras.Model) and not xla:
        network = pooled_first(network)
    trainable = [keras.ops.convert_to_numpy(variable) for variable in network.trainable_variables]
    others = [keras.ops.convert_to_numpy(variable) for variable in network.non_trainable_variables]
    compute = lambda inputs: network.stateless_call(trainable, others, inputs, training=False)[0]
    return tf.function(compute, jit_compile=xla or None).get_concrete_function(tf.TensorSpec(shape, tf.float32))
