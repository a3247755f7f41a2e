"""The scattering transform on TensorFlow: in graphs, with gradients."""

from typing import Any

import numpy as np
import tensorflow as tf

from mgc_keras.scattering.baseband import Baseband
from mgc_keras.scattering.transform import Block


class TensorFlowOperations:
    """Operations on tensors; see `mgc_keras.scattering.transform.Operations`.

    Constants live outside of every graph, which takes them in as captured tensors: tens of megabytes inside of a graph are
    copied, hashed and folded for most of a minute.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The working precision.
    """

    def __init__(self, dtype: str = "float32") -> None:
        self.dtype = tf.as_dtype(dtype)
        self.spectral = tf.complex64 if self.dtype == tf.float32 else tf.complex128
        self.smallest_share = 0.1 * float(np.finfo(self.dtype.as_numpy_dtype).eps)

    def double(self, values: tf.Tensor) -> tf.Tensor:
        """Cast."""
        return tf.cast(values, tf.complex128 if values.dtype.is_complex else tf.float64)

    def working(self, values: tf.Tensor) -> tf.Tensor:
        """Cast."""
        return tf.cast(values, self.spectral if values.dtype.is_complex else self.dtype)

    def weights(self, values: np.ndarray) -> tf.Tensor:
        """Weights for real and imaginary part: TensorFlow has no product of complex with real numbers."""
        return self.matrix(np.repeat(values, 2, axis=-1))

    def turn(self, values: np.ndarray, *, double: bool = False) -> tf.Tensor:
        """Complex constants."""
        with tf.init_scope():
            return tf.constant(values.astype(np.complex128 if double else self.spectral.as_numpy_dtype))

    def matrix(self, values: np.ndarray, *, double: bool = False) -> tf.Tensor:
        """Real constants."""
        with tf.init_scope():
            return tf.constant(values.astype(np.float64 if double else self.dtype.as_numpy_dtype))

    def weigh(self, blocks: list[Block], n_bins: int) -> tf.Tensor:
        """Multiply, add up, join."""
        rows = []
        for block in blocks:
            runs = [tf.add_n([_weigh(*term) for term in run]) for run in block]
            missing = n_bins - sum(run.shape[1] for run in runs)
            if missing:
                runs.append(tf.zeros((runs[0].shape[0], missing), self.spectral))
            rows.append(tf.concat(runs, axis=1) if len(runs) > 1 else runs[0])
        return tf.concat(rows, axis=0)

    def pad(self, waveform: tf.Tensor, before: int, behind: int) -> tf.Tensor:
        """Reflect."""
        return tf.pad(waveform, [[before, behind]], "REFLECT")

    def rfft(self, signals: tf.Tensor) -> tf.Tensor:
        """Transform the last axis."""
        return tf.signal.rfft(signals)

    def irfft(self, spectra: tf.Tensor, length: int) -> tf.Tensor:
        """Transform the last axis back."""
        return tf.signal.irfft(spectra, [length])

    def conj(self, spectra: tf.Tensor) -> tf.Tensor:
        """Conjugate."""
        return tf.math.conj(spectra)

    def modulus(self, signals: tf.Tensor) -> tf.Tensor:
        """The slope at zero is taken as zero: that of the root is infinite there."""
        return _modulus(*tf.split(signals, 2))

    def taps(self, values: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Two kernels for `_filtered`: of what is halfway to the next sample, and halfway from the one before."""
        return tuple(self.matrix(_kernel(values, delay)) for delay in (0, 1))

    def basebands(
        self, spectra: tf.Tensor, zero: int, wavelets: Baseband, weights: tuple[tf.Tensor, tf.Tensor]
    ) -> tf.Tensor:
        """Multiply, add up, join."""
        n_bins = wavelets.above.shape[1]
        sides = []
        for sign, weight in zip((1, -1), weights, strict=True):
            starts = [zero + sign * centre for centre in wavelets.centres]
            bins = [spectra[:, start : start + n_bins] for start in starts]
            sides.append(_weigh(tf.concat(bins, axis=0) if len(bins) > 1 else bins[0], weight))
        above, below = sides
        rows = tf.concat([above + below, (above - below) * tf.constant([-1j], self.spectral)], axis=0)
        return tf.pad(rows, [[0, 0], [0, wavelets.length // 2 + 1 - n_bins]])

    def moduli(self, signals: tf.Tensor, taps: tuple[tf.Tensor, tf.Tensor]) -> list[tf.Tensor]:
        """Twice."""
        return [self.modulus(signals), self.modulus(_filtered(signals, taps[0]))]

    def draw_in(self, signals: tf.Tensor, between: tf.Tensor, taps: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Add up."""
        return signals + _filtered(between, taps[1])

    def matmul(self, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        """Matrix product."""
        return tf.matmul(left, right)

    def concatenate(self, parts: list[tf.Tensor]) -> tf.Tensor:
        """Join tensors."""
        return tf.concat(parts, axis=0)

    def reshape(self, values: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """Reshape."""
        return tf.reshape(values, shape)

    def join(self, parts: list[tf.Tensor]) -> tf.Tensor:
        """Join tensors side by side."""
        return tf.concat(parts, axis=1)


def _kernel(taps: np.ndarray, delay: int) -> np.ndarray:
    """Return a filter of samples as one of blocks of samples, (3, n, n) for the block before, itself and the next one."""
    n = len(taps) // 2
    kernel = np.zeros((3 * n, n))
    for sample in range(n):
        kernel[sample + 1 - delay :][: 2 * n, sample] = taps
    return kernel.reshape(3, n, n)


def _filtered(signals: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Filter (n_signals, n_samples), zero beyond the ends: as a matrix product, which has all lanes of the processor work."""
    blocks = tf.reshape(signals, (signals.shape[0], -1, kernel.shape[2]))
    return tf.reshape(tf.nn.conv1d(blocks, kernel, 1, "SAME"), signals.shape)


@tf.custom_gradient
def _weigh(bins: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
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
