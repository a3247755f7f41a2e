"""Batch statistics over many clips, layer by layer through chunks: the whole batch's, in little memory.

Calling the network on one batch of 256 clips holds several maps of 17 MB a clip. Here only small chunks of the large
maps exist at a time. Normalisation is a rising or falling line per channel, so it may follow the pooling, if channels
with a falling line (negative gamma) pool their minimum: each layer needs one pass, and keeps its pooled maps alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.errors import OptionError
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.normalization import channel_moments
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.studies.choi2017.network import BN_EPSILON, LAYERS, POOLS, options_of

Tensors = dict[str, np.ndarray]


@dataclass
class Moments:
    """Mean and population variance per channel, gathered chunk by chunk in float64 (Chan, Golub and LeVeque 1979)."""

    count: int = 0
    mean: np.ndarray = field(default_factory=lambda: np.zeros(()))
    squares: np.ndarray = field(default_factory=lambda: np.zeros(()))

    def add(self, count: int, mean: np.ndarray, variance: np.ndarray) -> None:
        """Take in a chunk with `count` values a channel."""
        mean, total = mean.astype(np.float64), self.count + count
        gap = mean - self.mean
        self.squares = self.squares + variance.astype(np.float64) * count + gap**2 * (self.count * count / total)
        self.mean = self.mean + gap * (count / total)
        self.count = total

    @property
    def variance(self) -> np.ndarray:
        """The population variance, (channels,) float64."""
        return self.squares / self.count


def first_layer_moments(spectrograms: Iterable[np.ndarray], kernel: np.ndarray, bias: np.ndarray) -> Moments:
    """Return the moments of a 3 x 3 convolution of one-channel maps without computing the convolution.

    Every output is a weighted sum of nine neighbours. Its mean follows from the neighbours' nine means, its variance
    from their 9 x 9 covariance: far fewer numbers than the 32 large output maps.

    Parameters
    ----------
    spectrograms : iterable of np.ndarray
        Chunks (clips, frequency, time, 1), which the convolution pads with zeros.
    kernel, bias : np.ndarray
        (3, 3, 1, channels) and (channels,).
    """
    count, sums, products = 0, np.zeros(9), np.zeros((9, 9))
    for chunk in spectrograms:
        for clip in chunk[..., 0]:
            rows, columns = clip.shape
            padded = np.pad(clip.astype(np.float64), 1)
            neighbours = np.stack([padded[i : i + rows, j : j + columns].ravel() for i in range(3) for j in range(3)])
            count += clip.size
            sums += neighbours.sum(axis=1)
            products += neighbours @ neighbours.T
    mean = sums / count
    covariance = products / count - np.outer(mean, mean)
    weights = kernel.reshape(9, -1).astype(np.float64)
    moments = Moments()
    moments.add(count, mean @ weights + bias, np.einsum("ic,ij,jc->c", weights, covariance, weights))
    return moments


def batch_statistics_features(
    model: keras.Model, inputs: np.ndarray | Iterable[np.ndarray], chunk_size: int = 4
) -> np.ndarray:
    """Run a batch-statistics convnet over all `inputs` as ONE batch.

    Parameters
    ----------
    model : keras.Model
        A `convnet` with ``normalization="batch"``. Its decibel reference, batch or clip, is kept.
    inputs : np.ndarray or iterable of np.ndarray
        What the model takes, (n_clips, n_samples) or (n_clips, 96, n_frames, 1) float32: whole, or as chunks of any
        size. An iterator is read once: the waveforms need not be in memory together.
    chunk_size : int
        Clips run together. Beside them, about 0.8 MB a clip are kept.

    Returns
    -------
    np.ndarray [shape=(n_clips, 160) or (n_clips, n_tags), dtype=float32]
        The model's output, equal to ``model(whole_batch)`` up to rounding.

    Raises
    ------
    OptionError
        `model` is another network or has population statistics; there is no clip.
    """
    options = options_of(model)
    if options.normalization != "batch":
        raise OptionError("the model has no batch statistics", field="model", cure="call it in batches of any size")
    return run_layerwise(model, inputs, chunk_size, options.decibel_reference)[0]


def run_layerwise(
    model: keras.Model, inputs: np.ndarray | Iterable[np.ndarray], chunk_size: int, decibel_reference: str
) -> tuple[np.ndarray, dict[int, Moments]]:
    """Run all clips as one batch; return the model's output and each layer's `Moments` before its normalisation."""
    tensors = tensors_of(model)
    spectrograms = _spectrograms(model, inputs, chunk_size, decibel_reference)
    moments = {1: first_layer_moments(spectrograms, tensors["conv1/kernel"], tensors["conv1/bias"])}
    # The first layer's pooled maps are by far the largest: they are made when the second layer asks for them.
    pooled: Iterable[np.ndarray] = (_convolve_and_pool(maps, tensors, 1)[1] for maps in spectrograms)
    taps = []
    for layer in LAYERS[1:]:
        maps_before = _normalized(pooled, tensors, layer - 1, moments[layer - 1])
        pooled, moments[layer], tap = _layer_pass(maps_before, tensors, layer)
        taps.append(tap)
    last = list(_normalized(pooled, tensors, LAYERS[-1], moments[LAYERS[-1]]))
    if "tags/kernel" in tensors:
        highest = tf.concat([tf.reduce_max(maps, (1, 2)) for maps in last], axis=0)
        return tf.sigmoid(highest @ tensors["tags/kernel"] + tensors["tags/bias"]).numpy(), moments
    taps.append(np.concatenate([tf.reduce_mean(maps, (1, 2)) for maps in last]))
    return np.concatenate(taps, axis=1), moments


def _spectrograms(
    model: keras.Model, inputs: np.ndarray | Iterable[np.ndarray], chunk_size: int, decibel_reference: str
) -> list[np.ndarray]:
    """Return what the first convolution sees, in chunks of (chunk_size, 96, n_frames, 1)."""
    layers = {layer.name: layer for layer in model.layers}
    front_end = layers["melspectrogram"]
    groups = [inputs] if isinstance(inputs, np.ndarray) else inputs
    chunks = (group[start : start + chunk_size] for group in groups for start in range(0, len(group), chunk_size))
    if isinstance(front_end, MelSpectrogram):
        raw = [front_end.decibels(tf.constant(chunk, tf.float32)).numpy() for chunk in chunks]
        highest = max((chunk.max() for chunk in raw), default=0.0)
        references = (highest if decibel_reference == "batch" else chunk.max((1, 2, 3), keepdims=True) for chunk in raw)
        chunks = (front_end.refer(chunk, reference).numpy() for chunk, reference in zip(raw, references))
    if "standardization" in layers:
        chunks = (layers["standardization"](chunk).numpy() for chunk in chunks)
    spectrograms = [np.asarray(chunk, np.float32) for chunk in chunks]
    if not spectrograms:
        raise OptionError("there is no clip", field="inputs", cure="give at least one")
    return spectrograms


def _layer_pass(maps: Iterator[tf.Tensor], tensors: Tensors, layer: int) -> tuple[list[tf.Tensor], Moments, np.ndarray]:
    """Convolve and pool every chunk; return the pooled maps, the moments before pooling, and the taps of `maps`."""
    pooled, moments, taps, sign = [], Moments(), [], _sign(tensors, layer)
    for chunk in maps:
        taps.append(tf.reduce_mean(chunk, (1, 2)).numpy())
        convolved, small = _convolve_and_pool(chunk, tensors, layer)
        mean, variance = channel_moments(convolved)
        moments.add(int(np.prod(convolved.shape[:3])), mean.numpy() * sign, variance.numpy())
        pooled.append(small)
    return pooled, moments, np.concatenate(taps)


def _sign(tensors: Tensors, layer: int) -> np.ndarray:
    return np.where(tensors[f"bn{layer}/gamma"] < 0, -1.0, 1.0).astype(np.float32)


def _convolve_and_pool(maps: tf.Tensor, tensors: Tensors, layer: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the convolution, channels with negative gamma turned over, and its maxima."""
    sign = _sign(tensors, layer)
    kernel, bias = (tensors[f"conv{layer}/{name}"] * sign for name in ("kernel", "bias"))
    convolved = _convolution(tf.convert_to_tensor(maps), kernel, bias)
    return convolved, tf.nn.max_pool2d(convolved, POOLS[layer - 1], POOLS[layer - 1], "VALID")


@tf.function(reduce_retracing=True)
def _convolution(maps: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    # Traced, so that adding the bias costs no pass of its own.
    return tf.nn.bias_add(tf.nn.conv2d(maps, kernel, 1, "SAME"), bias)


def _normalized(pooled: Iterable[tf.Tensor], tensors: Tensors, layer: int, moments: Moments) -> Iterator[tf.Tensor]:
    """Give the pooled chunks normalised, then through the ELU."""
    sign, gamma, beta = _sign(tensors, layer), tensors[f"bn{layer}/gamma"], tensors[f"bn{layer}/beta"]
    scale = np.abs(gamma) / np.sqrt(moments.variance + BN_EPSILON)
    offset = beta - moments.mean * sign * scale
    for maps in pooled:
        yield tf.nn.elu(maps * scale.astype(np.float32) + offset.astype(np.float32))
