"""The scattering transform on SciPy: for export without TensorFlow, and in double precision."""

import numpy as np
import scipy.fft

from mgc_keras.scattering import loops
from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.operations import Operations, Ranges


class ScipyOperations(Operations):
    """Operations on NumPy arrays (n_rows, n): clip by clip.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The working precision.
    """

    def cast(self, values: np.ndarray, *, double: bool = False) -> np.ndarray:
        """Copy to contiguous memory, as BLAS needs it."""
        return np.array(values, self.precision(np.iscomplexobj(values), double), order="C")

    constant = cast
    rfft = staticmethod(scipy.fft.rfft)
    reshape = staticmethod(np.reshape)
    concatenate = staticmethod(np.concatenate)

    def conj(self, spectra: np.ndarray) -> np.ndarray:
        """Return the complex conjugate in contiguous memory."""
        return np.conj(np.ascontiguousarray(spectra))

    def spectral_weights(self, values: np.ndarray) -> np.ndarray:
        """Return each weight twice, for the real and the imaginary part: that is faster than complex products."""
        return self.constant(np.repeat(values, 2, axis=-1))

    def rows(self, values: np.ndarray, order: list[int]) -> np.ndarray:
        """Index the rows."""
        return values[order]

    def unflatten(self, rows: np.ndarray, like: np.ndarray) -> np.ndarray:
        """Return the rows as they are: there are no other axes."""
        return rows

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

    def irfft(self, spectra: np.ndarray, length: int) -> np.ndarray:
        """Transform the last axis back."""
        return scipy.fft.irfft(spectra, length)

    def modulus(self, signals: np.ndarray) -> np.ndarray:
        """Return the modulus in one pass over memory."""
        result = np.empty_like(signals[: len(signals) // 2])
        loops.modulus(signals, result)
        return result

    def baseband_products(
        self, spectra: np.ndarray, zero: int, wavelets: BasebandWavelets, above: np.ndarray, below: np.ndarray
    ) -> np.ndarray:
        """Multiply and add up in one pass over memory."""
        n_rows = max(len(spectra), len(wavelets.centres))
        rows = np.empty((2 * n_rows, wavelets.length // 2 + 1), self.spectral)
        loops.baseband_products(spectra, zero, np.array(wavelets.centres), above, below, rows)
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
