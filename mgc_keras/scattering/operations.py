"""What the transform needs of a library of arrays: TensorFlow's and SciPy's versions are in files of their own."""

from typing import Any, Protocol, TypeAlias

import numpy as np

from mgc_keras.scattering.baseband import BasebandWavelets

Array: TypeAlias = Any
# Bins times real weights; one of both perhaps with a single row.
Product: TypeAlias = tuple[Array, Array]
# Ranges of output bins, side by side; each is a sum of products.
Ranges: TypeAlias = list[list[Product]]


class Operations(Protocol):
    """Operations on arrays. Slices with steps, + and * are taken for granted.

    Attributes
    ----------
    smallest_share : float
        What may be left out beside one: a tenth of the working precision.
    """

    smallest_share: float

    def double(self, values: Array) -> Array:
        """Return float64 of float32, complex128 of complex64."""
        ...

    def working(self, values: Array) -> Array:
        """Return the working precision of float64 or complex128."""
        ...

    def spectral_weights(self, values: np.ndarray) -> Array:
        """Return real weights of bins, for `weighted_sums` and `baseband_products`."""
        ...

    def complex_factors(self, values: np.ndarray, *, double: bool = False) -> Array:
        """Return complex factors for spectra, in the working precision or in complex128."""
        ...

    def matrix(self, values: np.ndarray, *, double: bool = False) -> Array:
        """Return a real matrix for `matmul`, in the working precision or in float64."""
        ...

    def half_sample_weights(self, values: np.ndarray) -> Array:
        """Return the weights of a symmetric filter between two samples, for `moduli` and `decimate`."""
        ...

    def weighted_sums(self, blocks: list[Ranges], n_bins: int) -> Array:
        """Return half spectra, (n_rows, n_bins): blocks one under the other, zero behind the ranges of each."""
        ...

    def pad(self, waveform: Array, before: int, after: int) -> Array:
        """Reflect (n,) at both ends, the ends themselves not repeated."""
        ...

    def rfft(self, signals: Array) -> Array:
        """Transform the last axis."""
        ...

    def irfft(self, spectra: Array, length: int) -> Array:
        """Transform the last axis back; bins that are missing are zero."""
        ...

    def conj(self, spectra: Array) -> Array:
        """Return the complex conjugate."""
        ...

    def baseband_products(
        self, spectra: Array, zero: int, wavelets: BasebandWavelets, weights: tuple[Array, Array]
    ) -> Array:
        """Return half spectra of the real parts, and under them of the imaginary parts, after wavelets.

        One row of spectra goes with all wavelets, or one wavelet with all rows. Column `zero` is bin zero.
        """
        ...

    def modulus(self, signals: Array) -> Array:
        """Return sqrt(real² + imaginary²): the first half of the rows is real parts, the other imaginary parts."""
        ...

    def moduli(self, signals: Array, weights: Array) -> list[Array]:
        """Return the modulus of signals, as `modulus` takes them, and that at the midpoint to each next sample."""
        ...

    def decimate(self, signals: Array, midpoints: Array, weights: Array) -> Array:
        """Add the midpoints, interpolated at the samples, to the samples: twice the signal, free of aliases."""
        ...

    def matmul(self, left: Array, right: Array) -> Array:
        """Return the matrix product."""
        ...

    def reshape(self, values: Array, shape: tuple[int, ...]) -> Array:
        """Return the values in another shape."""
        ...

    def stack_rows(self, parts: list[Array]) -> Array:
        """Join arrays, one under the other."""
        ...

    def join_columns(self, parts: list[Array]) -> Array:
        """Join arrays, side by side."""
        ...
