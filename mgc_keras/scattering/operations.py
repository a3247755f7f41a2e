"""What the transform needs of a library of arrays: TensorFlow's and SciPy's versions are in files of their own."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from mgc_keras.scattering.baseband import BasebandWavelets

Array: TypeAlias = Any
# Ranges of output bins, side by side; each is a sum of products: bins times real weights, one of both perhaps with a
# single row.
Ranges: TypeAlias = list[list[tuple[Array, Array]]]


class Operations:
    """Operations on arrays (..., n_rows, n), where ... are the axes of the clips, perhaps none.

    Slices with steps, +, * and the @ of two matrices are taken for granted.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The working precision.

    Attributes
    ----------
    rfft, conj, reshape, concatenate : function
        NumPy's; `rfft` transforms the last axis.
    """

    rfft: Callable[..., Array]
    conj: Callable[..., Array]
    reshape: Callable[..., Array]
    concatenate: Callable[..., Array]

    def __init__(self, dtype: str = "float32") -> None:
        self.dtype = np.dtype(dtype)
        self.spectral = np.result_type(self.dtype, np.complex64)

    def precision(self, is_complex: bool, double: bool) -> np.dtype:
        """Return the type of real or complex numbers, in the working precision or in double precision."""
        if double:
            return np.dtype(np.complex128 if is_complex else np.float64)
        return self.spectral if is_complex else self.dtype

    def cast(self, values: Array, *, double: bool = False) -> Array:
        """Return real or complex values in the working precision or in double precision."""
        raise NotImplementedError

    def constant(self, values: np.ndarray, *, double: bool = False) -> Array:
        """Return an array of NumPy's as one of the library's, in the working precision or in double precision."""
        raise NotImplementedError

    def spectral_weights(self, values: np.ndarray) -> Array:
        """Return real weights of bins, (n_wavelets, n_bins), in the form that multiplies complex bins fastest."""
        raise NotImplementedError

    def half_sample_weights(self, values: np.ndarray) -> Array:
        """Return the weights of a symmetric filter between two samples, for `moduli` and `decimate`."""
        return self.constant(values)

    def weighted_sums(self, blocks: list[Ranges], n_bins: int) -> Array:
        """Return half spectra, (..., n_rows, n_bins): blocks one under the other, zero behind the ranges of each."""
        raise NotImplementedError

    def pad(self, waveform: Array, before: int, after: int) -> Array:
        """Reflect (..., n) at both ends, the ends themselves not repeated."""
        raise NotImplementedError

    def rows(self, values: Array, order: list[int]) -> Array:
        """Return some rows, in the order that is asked for."""
        raise NotImplementedError

    def unflatten(self, rows: Array, like: Array) -> Array:
        """Return the rows of a matrix as (..., n_rows, n), with the axes of another array but for the last one."""
        raise NotImplementedError

    def irfft(self, spectra: Array, length: int) -> Array:
        """Transform the last axis back; bins that are missing are zero."""
        raise NotImplementedError

    def baseband_products(
        self, spectra: Array, zero: int, wavelets: BasebandWavelets, above: Array, below: Array
    ) -> Array:
        """Return half spectra of the real parts, and under them of the imaginary parts, after wavelets.

        One row of spectra goes with all wavelets, or one wavelet with all rows. Column `zero` is bin zero. `above` and
        `below` are the wavelets' `spectral_weights`.
        """
        raise NotImplementedError

    def modulus(self, signals: Array) -> Array:
        """Return sqrt(real² + imaginary²): the first half of the rows is real parts, the other imaginary parts."""
        raise NotImplementedError

    def moduli(self, signals: Array, weights: Array) -> list[Array]:
        """Return the modulus of signals, as `modulus` takes them, and that at the midpoint to each next sample."""
        raise NotImplementedError

    def decimate(self, signals: Array, midpoints: Array, weights: Array) -> Array:
        """Add the midpoints, interpolated at the samples, to the samples: twice the signal, free of aliases."""
        raise NotImplementedError
