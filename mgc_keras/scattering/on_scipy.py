"""The scattering transform on SciPy: for export without TensorFlow, and in double precision."""

import numpy as np
import scipy.fft

from mgc_keras.scattering import loops
from mgc_keras.scattering.baseband import Baseband
from mgc_keras.scattering.transform import Block


class ScipyOperations:
    """Operations on NumPy arrays; see `mgc_keras.scattering.transform.Operations`.

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
        """Cast."""
        return values.astype(np.complex128 if np.iscomplexobj(values) else np.float64)

    def working(self, values: np.ndarray) -> np.ndarray:
        """Cast."""
        return values.astype(self.spectral if np.iscomplexobj(values) else self.dtype)

    def weights(self, values: np.ndarray) -> np.ndarray:
        """Weights for real and imaginary part: a product of reals, which NumPy does much faster than a complex one."""
        return np.repeat(values.astype(self.dtype), 2, axis=-1)

    def turn(self, values: np.ndarray, *, double: bool = False) -> np.ndarray:
        """Cast."""
        return values.astype(np.complex128 if double else self.spectral)

    def matrix(self, values: np.ndarray, *, double: bool = False) -> np.ndarray:
        """Contiguous, for BLAS."""
        return np.ascontiguousarray(values, np.float64 if double else self.dtype)

    def weigh(self, blocks: list[Block], n_bins: int) -> np.ndarray:
        """Multiply interleaved real and imaginary parts, straight into the rows."""
        n_rows = [max(max(len(bins), len(weights)) for run in block for bins, weights in run) for block in blocks]
        spectra = np.empty((sum(n_rows), n_bins), self.spectral)
        reals, top = spectra.view(self.dtype), 0
        for block, height in zip(blocks, n_rows, strict=True):
            rows, column = reals[top : top + height], 0
            for (bins, weights), *more in block:
                goal = rows[:, column : column + weights.shape[1]]
                np.multiply(bins.view(self.dtype), weights, out=goal)
                for bins, others in more:
                    goal += bins.view(self.dtype) * others
                column += weights.shape[1]
            rows[:, column:] = 0
            top += height
        return spectra

    def pad(self, waveform: np.ndarray, before: int, behind: int) -> np.ndarray:
        """Reflect."""
        return np.concatenate([waveform[before:0:-1], waveform, waveform[-2 : -2 - behind : -1]])

    def rfft(self, signals: np.ndarray) -> np.ndarray:
        """Transform the last axis."""
        return scipy.fft.rfft(signals, workers=self.workers)

    def irfft(self, spectra: np.ndarray, length: int) -> np.ndarray:
        """Transform the last axis back."""
        return scipy.fft.irfft(spectra, length, workers=self.workers)

    def conj(self, spectra: np.ndarray) -> np.ndarray:
        """Conjugate, contiguous."""
        return np.conj(np.ascontiguousarray(spectra))

    def modulus(self, signals: np.ndarray) -> np.ndarray:
        """In one go."""
        result = np.empty_like(signals[: len(signals) // 2])
        loops.modulus(signals, result)
        return result

    def taps(self, values: np.ndarray) -> np.ndarray:
        """Cast."""
        return values.astype(self.dtype)

    def basebands(
        self, spectra: np.ndarray, zero: int, wavelets: Baseband, weights: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Multiply and add up in one go."""
        n_rows = max(len(spectra), len(wavelets.centres))
        rows = np.empty((2 * n_rows, wavelets.length // 2 + 1), self.spectral)
        loops.basebands(spectra, zero, np.array(wavelets.centres), *weights, rows)
        return rows

    def moduli(self, signals: np.ndarray, taps: np.ndarray) -> list[np.ndarray]:
        """Both in one go."""
        both = np.empty_like(signals).reshape(2, -1, signals.shape[1])
        loops.moduli(signals, taps, *both)
        return list(both)

    def draw_in(self, signals: np.ndarray, between: np.ndarray, taps: np.ndarray) -> np.ndarray:
        """In one go."""
        whole = np.empty_like(signals)
        loops.draw_in(signals, between, taps, whole)
        return whole

    def matmul(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Matrix product."""
        return left @ right

    def concatenate(self, parts: list[np.ndarray]) -> np.ndarray:
        """Join arrays."""
        return np.concatenate(parts)

    def reshape(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Reshape."""
        return values.reshape(shape)

    def join(self, parts: list[np.ndarray]) -> np.ndarray:
        """Join arrays side by side."""
        return np.concatenate(parts, axis=1)
