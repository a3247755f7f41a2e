"""The scattering transform on SciPy: for export without TensorFlow, and in double precision."""

import numpy as np
import scipy.fft



class ScipyOperations:
    """Operations on NumPy arrays; see `mgc_keras.layers.scattering_transform.Operations`.

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

    def double(self, waveform: np.ndarray) -> np.ndarray:
        """Cast."""
        return waveform.astype(np.float64)

    def working(self, values: np.ndarray) -> np.ndarray:
        """Cast."""
        return values.astype(self.spectral if np.iscomplexobj(values) else self.dtype)

    def weights(self, values: np.ndarray) -> np.ndarray:
        """Weights for real and imaginary part: a product of reals, which NumPy does much faster than a complex one."""
        return np.repeat(values.astype(self.dtype), 2, axis=-1)

    def turn(self, values: np.ndarray) -> np.ndarray:
        """Cast."""
        return values.astype(self.spectral)

    def matrix(self, values: np.ndarray, *, double: bool = False) -> np.ndarray:
        """Contiguous, for BLAS."""
        return np.ascontiguousarray(values, np.float64 if double else self.dtype)

    def weigh(self, spectra: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Multiply interleaved real and imaginary parts."""
        return (np.ascontiguousarray(spectra).view(self.dtype) * weights).view(self.spectral)

    def pad(self, waveform: np.ndarray, before: int, behind: int) -> np.ndarray:
        """Reflect."""
        return np.pad(waveform, (before, behind), mode="reflect")

    def rfft(self, signals: np.ndarray) -> np.ndarray:
        """Transform the last axis."""
        return scipy.fft.rfft(signals, workers=self.workers)

    def irfft(self, spectra: np.ndarray, length: int) -> np.ndarray:
        """Transform the last axis back."""
        return scipy.fft.irfft(spectra, length, workers=self.workers)

    def conj(self, spectra: np.ndarray) -> np.ndarray:
        """Conjugate."""
        return np.conj(spectra)

    def modulus(self, real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
        """Overwrite both: they are used for nothing else."""
        np.multiply(real, real, out=real)
        np.multiply(imaginary, imaginary, out=imaginary)
        np.add(real, imaginary, out=real)
        return np.sqrt(real, out=real)

    def matmul(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Matrix product."""
        return left @ right

    def concatenate(self, parts: list[np.ndarray], axis: int) -> np.ndarray:
        """Join arrays."""
        return np.concatenate(parts, axis)

    def interleave(self, even: np.ndarray, odd: np.ndarray) -> np.ndarray:
        """Join even and odd samples."""
        return np.stack([even, odd], axis=-1).reshape(len(even), -1)

    def reshape(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Reshape."""
        return values.reshape(shape)

    def frames(self, blocks: np.ndarray, gathered: np.ndarray) -> np.ndarray:
        """Sum entries."""
        return blocks[:, gathered].sum(axis=-1)
