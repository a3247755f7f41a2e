"""The scattering transform on SciPy: for export without TensorFlow, and in double precision."""

import numpy as np
import scipy.fft

from mgc_keras.scattering import loops
from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.operations import Ranges


class ScipyOperations:
    """Operations on NumPy arrays; see `mgc_keras.scattering.operations.Operations`.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The working precision.
    workers : int
        Threads of a Fourier transform.
    """

    def __init__(self, dtype: str = "float32", workers: int = 1) -> None:
        self.dtype, self.workers = np.dtype(dtype), workers
        self.spectral = np.result_type(self.dtype, np.complex64)
        self.smallest_share = 0.1 * float(np.finfo(self.dtype).eps)

    def double(self, values: np.ndarray) -> np.ndarray:
        """Cast to double precision."""
        return values.astype(np.complex128 if np.iscomplexobj(values) else np.float64)

    def working(self, values: np.ndarray) -> np.ndarray:
        """Cast to the working precision."""
        return values.astype(self.spectral if np.iscomplexobj(values) else self.dtype)

    def spectral_weights(self, values: np.ndarray) -> np.ndarray:
        """Repeat each weight for real and imaginary part: NumPy multiplies reals much faster than complex numbers."""
        return np.repeat(values.astype(self.dtype), 2, axis=-1)

    def complex_factors(self, values: np.ndarray, *, double: bool = False) -> np.ndarray:
        """Cast to complex64 or complex128."""
        return values.astype(np.complex128 if double else self.spectral)

    def matrix(self, values: np.ndarray, *, double: bool = False) -> np.ndarray:
        """Return a contiguous array, as BLAS needs it."""
        return np.ascontiguousarray(values, np.float64 if double else self.dtype)

    def weighted_sums(self, blocks: list[Ranges], n_bins: int) -> np.ndarray:
        """Multiply interleaved real and imaginary parts, straight into the rows."""
        n_rows = [max(max(map(len, product)) for products in block for product in products) for block in blocks]
        spectra = np.empty((sum(n_rows), n_bins), self.spectral)
        reals, top = spectra.view(self.dtype), 0
        for block, height in zip(blocks, n_rows, strict=True):
            rows, column = reals[top : top + height], 0
            for (bins, weights), *more in block:
                target = rows[:, column : column + weights.shape[1]]
                np.multiply(bins.view(self.dtype), weights, out=target)
                for other_bins, other_weights in more:
                    target += other_bins.view(self.dtype) * other_weights
                column += weights.shape[1]
            rows[:, column:] = 0
            top += height
        return spectra

    def pad(self, waveform: np.ndarray, before: int, after: int) -> np.ndarray:
        """Reflect at both ends."""
        return np.concatenate([waveform[before:0:-1], waveform, waveform[-2 : -2 - after : -1]])

    def rfft(self, signals: np.ndarray) -> np.ndarray:
        """Transform the last axis."""
        return scipy.fft.rfft(signals, workers=self.workers)

    def irfft(self, spectra: np.ndarray, length: int) -> np.ndarray:
        """Transform the last axis back."""
        return scipy.fft.irfft(spectra, length, workers=self.workers)

    def conj(self, spectra: np.ndarray) -> np.ndarray:
        """Return the complex conjugate in contiguous memory."""
        return np.conj(np.ascontiguousarray(spectra))

    def modulus(self, signals: np.ndarray) -> np.ndarray:
        """Return the modulus in one pass over memory."""
        result = np.empty_like(signals[: len(signals) // 2])
        loops.modulus(signals, result)
        return result

    def half_sample_weights(self, values: np.ndarray) -> np.ndarray:
        """Cast to the working precision."""
        return values.astype(self.dtype)

    def baseband_products(
        self, spectra: np.ndarray, zero: int, wavelets: BasebandWavelets, weights: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Multiply and add up in one pass over memory."""
        n_rows = max(len(spectra), len(wavelets.centres))
        rows = np.empty((2 * n_rows, wavelets.length // 2 + 1), self.spectral)
        loops.baseband_products(spectra, zero, np.array(wavelets.centres), *weights, rows)
        return rows

    def moduli(self, signals: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
        """Return both moduli in one pass over memory."""
        both = np.empty_like(signals).reshape(2, -1, signals.shape[1])
        loops.moduli(signals, weights, *both)
        return list(both)

    def decimate(self, signals: np.ndarray, midpoints: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Filter and add up in one pass over memory."""
        result = np.empty_like(signals)
        loops.decimate(signals, midpoints, weights, result)
        return result

    def matmul(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the matrix product."""
        return left @ right

    def stack_rows(self, parts: list[np.ndarray]) -> np.ndarray:
        """Join arrays, one under the other."""
        return np.concatenate(parts)

    def reshape(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return the values in another shape."""
        return values.reshape(shape)

    def join_columns(self, parts: list[np.ndarray]) -> np.ndarray:
        """Join arrays, side by side."""
        return np.concatenate(parts, axis=1)
