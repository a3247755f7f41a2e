"""The scattering transform on TensorFlow: in graphs, with gradients."""

from typing import Any

import numpy as np
import tensorflow as tf

from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.operations import Operations, Ranges


class TensorFlowOperations(Operations):
    """Operations on tensors (n_clips, n_rows, n), of which the number of clips need not be known.

    Constants live outside of every graph, which takes them in as captured tensors: tens of megabytes inside of a graph
    are copied, hashed and folded for most of a minute.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The working precision.
    by_matrices : bool
        Filter by matrix products. By default by a convolution, which takes half the time on a CPU.
    """

    rfft = staticmethod(tf.signal.rfft)
    conj = staticmethod(tf.math.conj)
    reshape = staticmethod(tf.reshape)
    concatenate = staticmethod(tf.concat)

    def __init__(self, dtype: str = "float32", *, by_matrices: bool = False) -> None:
        super().__init__(dtype)
        self._filtered = _filtered_by_matrices if by_matrices else _filtered

    def cast(self, values: tf.Tensor, *, double: bool = False) -> tf.Tensor:
        """Cast a tensor."""
        return tf.cast(values, self.precision(values.dtype.is_complex, double))

    def constant(self, values: np.ndarray, *, double: bool = False) -> tf.Tensor:
        """Return a constant."""
        with tf.init_scope():
            return tf.constant(values.astype(self.precision(np.iscomplexobj(values), double)))

    def spectral_weights(self, values: np.ndarray) -> tf.Tensor:
        """Return complex weights: their products take no longer than those of parts, and XLA cannot tell parts."""
        return self.constant(values.astype(self.spectral))

    def half_sample_weights(self, values: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Return two kernels for `_filtered`: for the midpoint to the next sample, and for that from the one before."""
        return self.constant(_kernel(values, 0)), self.constant(_kernel(values, 1))

    def weighted_sums(self, blocks: list[Ranges], n_bins: int) -> tf.Tensor:
        """Multiply, add up, join."""
        rows = []
        for block in blocks:
            ranges = [tf.add_n([bins * weights for bins, weights in products]) for products in block]
            rows.append(tf.concat(ranges, -1) if len(ranges) > 1 else ranges[0])
        return _widened(tf.concat(rows, -2), n_bins)

    def pad(self, waveform: tf.Tensor, before: int, after: int) -> tf.Tensor:
        """Reflect at both ends."""
        return tf.pad(waveform, [[0, 0]] * (waveform.shape.rank - 1) + [[before, after]], "REFLECT")

    def rows(self, values: tf.Tensor, order: list[int]) -> tf.Tensor:
        """Gather the rows."""
        return tf.gather(values, order, axis=-2)

    def unflatten(self, rows: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        """Reshape the rows."""
        return tf.reshape(rows, (*_shape(like)[:-1], rows.shape[-1]))

    def irfft(self, spectra: tf.Tensor, length: int) -> tf.Tensor:
        """Transform the last axis back."""
        return tf.signal.irfft(spectra, [length])

    def modulus(self, signals: tf.Tensor) -> tf.Tensor:
        """Return the modulus. Its slope at zero is taken as zero; that of the root is infinite there."""
        *clips, n_rows, n_samples = _shape(signals)
        # Parts on the first axis are not copied: that of a single clip is left out.
        parts = tf.unstack(tf.reshape(signals, (*(clips if clips != [1] else []), 2, n_rows // 2, n_samples)), axis=-3)
        return tf.reshape(_modulus(*parts), (*clips, n_rows // 2, n_samples))

    def baseband_products(
        self, spectra: tf.Tensor, zero: int, wavelets: BasebandWavelets, above: tf.Tensor, below: tf.Tensor
    ) -> tf.Tensor:
        """Multiply, add up, join."""
        n_bins = wavelets.above.shape[1]

        def products(sign: int, weights: tf.Tensor) -> tf.Tensor:
            starts = [zero + sign * centre for centre in wavelets.centres]
            bins = [spectra[..., start : start + n_bins] for start in starts]
            return (tf.concat(bins, -2) if len(bins) > 1 else bins[0]) * weights

        upper, lower = products(1, above), products(-1, below)
        rows = tf.concat([upper + lower, (upper - lower) * tf.constant([-1j], self.spectral)], -2)
        return _widened(rows, wavelets.length // 2 + 1)

    def moduli(self, signals: tf.Tensor, weights: tuple[tf.Tensor, tf.Tensor]) -> list[tf.Tensor]:
        """Return the modulus of the signals, and of the signals interpolated."""
        return [self.modulus(signals), self.modulus(self._filtered(signals, weights[0]))]

    def decimate(self, signals: tf.Tensor, midpoints: tf.Tensor, weights: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Add the filtered midpoints to the signals."""
        return signals + self._filtered(midpoints, weights[1])


def _shape(values: tf.Tensor) -> list[int]:
    """Return a shape for `tf.reshape`: -1 for the number of clips, if that is not known."""
    return [-1 if size is None else size for size in values.shape]


def _widened(spectra: tf.Tensor, n_bins: int) -> tf.Tensor:
    """Append zeros to the last axis."""
    missing = n_bins - spectra.shape[-1]
    return tf.pad(spectra, [[0, 0]] * (spectra.shape.rank - 1) + [[0, missing]]) if missing else spectra


def _kernel(weights: np.ndarray, delay: int) -> np.ndarray:
    """Return a filter of samples as one of blocks, (3, n, n) for the block before, itself and the next one."""
    n = len(weights) // 2
    kernel = np.zeros((3 * n, n))
    for sample in range(n):
        kernel[sample + 1 - delay :][: 2 * n, sample] = weights
    return kernel.reshape(3, n, n)


def _filtered(signals: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Filter (..., n_samples), zero beyond the ends, block by block: quicker than sample by sample."""
    width = kernel.shape[2]
    blocks = tf.reshape(signals, (-1, signals.shape[-1] // width, width))
    return tf.reshape(tf.nn.conv1d(blocks, kernel, 1, "SAME"), _shape(signals))


def _filtered_by_matrices(signals: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Return `_filtered` as one product: of each block beside its neighbours, and the kernel."""
    width = kernel.shape[2]
    blocks = tf.pad(tf.reshape(signals, (-1, signals.shape[-1] // width, width)), [[0, 0], [1, 1], [0, 0]])
    neighbours = tf.reshape(tf.concat([blocks[:, :-2], blocks[:, 1:-1], blocks[:, 2:]], -1), (-1, 3 * width))
    return tf.reshape(neighbours @ tf.reshape(kernel, (3 * width, width)), _shape(signals))


@tf.custom_gradient
def _modulus(real: tf.Tensor, imaginary: tf.Tensor) -> tuple[tf.Tensor, Any]:
    modulus = tf.sqrt(tf.square(real) + tf.square(imaginary))

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        slope = tf.math.divide_no_nan(upstream, modulus)
        return slope * real, slope * imaginary

    return modulus, gradient
