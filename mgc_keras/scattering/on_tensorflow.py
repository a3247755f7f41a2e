"""The scattering transform on TensorFlow: in graphs, with gradients."""

from typing import Any

import numpy as np
import tensorflow as tf

from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.operations import Operations, Ranges


class TensorFlowOperations(Operations):
    """Operations on tensors.

    Constants live outside of every graph, which takes them in as captured tensors: tens of megabytes inside of a graph
    are copied, hashed and folded for most of a minute.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The working precision.
    """

    rfft = staticmethod(tf.signal.rfft)
    conj = staticmethod(tf.math.conj)
    reshape = staticmethod(tf.reshape)
    concatenate = staticmethod(tf.concat)

    def cast(self, values: tf.Tensor, *, double: bool = False) -> tf.Tensor:
        """Cast a tensor."""
        return tf.cast(values, self.precision(values.dtype.is_complex, double))

    def constant(self, values: np.ndarray, *, double: bool = False) -> tf.Tensor:
        """Return a constant."""
        with tf.init_scope():
            return tf.constant(values.astype(self.precision(np.iscomplexobj(values), double)))

    def half_sample_weights(self, values: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Return two kernels for `_filtered`: for the midpoint to the next sample, and for that from the one before."""
        return self.constant(_kernel(values, 0)), self.constant(_kernel(values, 1))

    def weighted_sums(self, blocks: list[Ranges], n_bins: int) -> tf.Tensor:
        """Multiply, add up, join."""
        rows = []
        for block in blocks:
            ranges = [tf.add_n([_weighted(*product) for product in products]) for products in block]
            missing = n_bins - sum(bins.shape[1] for bins in ranges)
            if missing:
                ranges.append(tf.zeros((ranges[0].shape[0], missing), self.spectral))
            rows.append(tf.concat(ranges, axis=1) if len(ranges) > 1 else ranges[0])
        return tf.concat(rows, axis=0)

    def pad(self, waveform: tf.Tensor, before: int, after: int) -> tf.Tensor:
        """Reflect at both ends."""
        return tf.pad(waveform, [[before, after]], "REFLECT")

    def irfft(self, spectra: tf.Tensor, length: int) -> tf.Tensor:
        """Transform the last axis back."""
        return tf.signal.irfft(spectra, [length])

    def modulus(self, signals: tf.Tensor) -> tf.Tensor:
        """Return the modulus. Its slope at zero is taken as zero; that of the root is infinite there."""
        return _modulus(*tf.split(signals, 2))

    def baseband_products(
        self, spectra: tf.Tensor, zero: int, wavelets: BasebandWavelets, above: tf.Tensor, below: tf.Tensor
    ) -> tf.Tensor:
        """Multiply, add up, join."""
        n_bins = wavelets.above.shape[1]

        def products(sign: int, weights: tf.Tensor) -> tf.Tensor:
            starts = [zero + sign * centre for centre in wavelets.centres]
            bins = [spectra[:, start : start + n_bins] for start in starts]
            return _weighted(tf.concat(bins, axis=0) if len(bins) > 1 else bins[0], weights)

        upper, lower = products(1, above), products(-1, below)
        rows = tf.concat([upper + lower, (upper - lower) * tf.constant([-1j], self.spectral)], axis=0)
        return tf.pad(rows, [[0, 0], [0, wavelets.length // 2 + 1 - n_bins]])

    def moduli(self, signals: tf.Tensor, weights: tuple[tf.Tensor, tf.Tensor]) -> list[tf.Tensor]:
        """Return the modulus of the signals, and of the signals interpolated."""
        return [self.modulus(signals), self.modulus(_filtered(signals, weights[0]))]

    def decimate(self, signals: tf.Tensor, midpoints: tf.Tensor, weights: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Add the filtered midpoints to the signals."""
        return signals + _filtered(midpoints, weights[1])


def _kernel(weights: np.ndarray, delay: int) -> np.ndarray:
    """Return a filter of samples as one of blocks, (3, n, n) for the block before, itself and the next one."""
    n = len(weights) // 2
    kernel = np.zeros((3 * n, n))
    for sample in range(n):
        kernel[sample + 1 - delay :][: 2 * n, sample] = weights
    return kernel.reshape(3, n, n)


def _filtered(signals: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Filter (n_signals, n_samples), zero beyond the ends, as matrix products: quicker than sample by sample."""
    blocks = tf.reshape(signals, (signals.shape[0], -1, kernel.shape[2]))
    return tf.reshape(tf.nn.conv1d(blocks, kernel, 1, "SAME"), signals.shape)


@tf.custom_gradient
def _weighted(bins: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Multiply complex bins (n, m) by real weights (n, 2 m), constants; one of both may have a single row."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        slope = _times(upstream, weights)
        return (tf.reduce_sum(slope, axis=0, keepdims=True) if bins.shape[0] == 1 else slope), None

    return _times(bins, weights), gradient


def _times(bins: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    # The same memory seen as real numbers; no gradient passes through that.
    reals = tf.reshape(tf.bitcast(bins, weights.dtype), (bins.shape[0], -1)) * weights
    return tf.bitcast(tf.reshape(reals, (*reals.shape[:-1], -1, 2)), bins.dtype)


@tf.custom_gradient
def _modulus(real: tf.Tensor, imaginary: tf.Tensor) -> tuple[tf.Tensor, Any]:
    modulus = tf.sqrt(tf.square(real) + tf.square(imaginary))

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        slope = tf.math.divide_no_nan(upstream, modulus)
        return slope * real, slope * imaginary

    return modulus, gradient
