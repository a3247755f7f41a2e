"""The scattering transform of one waveform, apart from any library of arrays.

The mathematics is that of Andén and Mallat (2014): a wavelet, the modulus, once or twice, then a low-pass. The operations
come from a small set of functions, once TensorFlow's and once SciPy's.
"""

from typing import Any, Protocol

import numpy as np

from mgc_keras.layers.scattering_plan import Group, ScatteringPlan
from mgc_keras.layers.scattering_wavelets import Run, Wavelets

Array = Any


class Operations(Protocol):
    """What the transform needs of a library of arrays; slices with steps and + are taken for granted."""

    def double(self, waveform: Array) -> Array:
        """Return float64."""
        ...

    def working(self, values: Array) -> Array:
        """Return the working precision of float64 or complex128."""
        ...

    def weights(self, values: np.ndarray) -> Array:
        """Return real weights for `weigh`."""
        ...

    def turn(self, values: np.ndarray) -> Array:
        """Return complex factors for spectra."""
        ...

    def matrix(self, values: np.ndarray, *, double: bool = False) -> Array:
        """Return a real matrix for `matmul`, in the working precision or in float64."""
        ...

    def weigh(self, spectra: Array, weights: Array) -> Array:
        """Multiply spectra with real weights, one of both with a single row."""
        ...

    def pad(self, waveform: Array, before: int, behind: int) -> Array:
        """Reflect (n,) at both ends, the ends themselves not repeated."""
        ...

    def rfft(self, signals: Array) -> Array:
        """Transform the last axis."""
        ...

    def irfft(self, spectra: Array, length: int) -> Array:
        """Transform the last axis back; bins that are missing are zero."""
        ...

    def conj(self, spectra: Array) -> Array:
        """Conjugate."""
        ...

    def modulus(self, real: Array, imaginary: Array) -> Array:
        """sqrt(real² + imaginary²)."""
        ...

    def matmul(self, left: Array, right: Array) -> Array:
        """Matrix product."""
        ...

    def concatenate(self, parts: list[Array], axis: int) -> Array:
        """Join arrays."""
        ...

    def interleave(self, even: Array, odd: Array) -> Array:
        """Join even and odd samples of the last axis."""
        ...

    def reshape(self, values: Array, shape: tuple[int, ...]) -> Array:
        """Reshape."""
        ...

    def frames(self, blocks: Array, gathered: np.ndarray) -> Array:
        """Sum entries of the last axis: (n, m) and indices (n_frames, k) to (n, n_frames)."""
        ...


class Transform:
    """A plan with the operations to carry it out.

    Parameters
    ----------
    plan : ScatteringPlan
    operations : Operations

    Attributes
    ----------
    order : list of int
        Where each path of the plan stands in the rows that come out.
    """

    def __init__(self, plan: ScatteringPlan, operations: Operations) -> None:
        self.plan, self.ops = plan, operations
        rows = [(), *(row for group in plan.groups for row in _rows(group))]
        places = {row: number for number, row in enumerate(rows)}
        self.order = [places[path.wavelets] for path in plan.paths]
        self._rotation = operations.turn(np.array([-1j]))
        self._gathered = plan.gathered() if plan.options.average else None
        self._kept: dict[Any, Array] = {}
        for group in plan.groups:
            self._keep_weights(group.wavelets)
            for second in group.second:
                self._keep_weights(second.wavelets)

    def _keep_weights(self, wavelets: Wavelets) -> None:
        for run in wavelets.even + wavelets.odd:
            for term in run:
                if id(term) not in self._kept:
                    self._kept[id(term)] = self.ops.weights(term.weights)

    def __call__(self, waveform: Array) -> Array | list[Array]:
        """Transform a waveform.

        Parameters
        ----------
        waveform : array [shape=(n_samples,)]

        Returns
        -------
        array [shape=(n_paths, n_frames)] or list of array
            Scale by scale; `order` sorts the rows. Without averaging, one array (n_wavelets, n_samples) a scale.
        """
        plan, ops = self.plan, self.ops
        padded = ops.pad(ops.double(waveform), *plan.pad)[None]
        spectrum = ops.working(ops.rfft(padded))
        outputs = [self._order_0(padded)] if plan.options.average else [ops.working(ops.double(waveform))[None]]
        for group in plan.groups:
            parts = self._first(spectrum, group)
            outputs.append(self._output(parts, group.subsampling))
            if group.second:
                spectra = self._spectra(parts, group)
                rotated = spectra * self._rotation
                for second in group.second:
                    modulus = self._modulus(spectra, rotated, second.wavelets)
                    outputs.append(self._output([modulus], second.subsampling))
        if not plan.options.average:
            return outputs
        return ops.frames(ops.concatenate(outputs, 0), self._gathered)

    def _order_0(self, padded: Array) -> Array:
        # A mean near zero of samples that are not: in double precision, too.
        key = "order 0"
        if key not in self._kept:
            self._kept[key] = self.ops.matrix(self.plan.low_pass(0), double=True)
        blocks = self.ops.reshape(padded, (-1, self.plan.hop))
        return self.ops.working(self._flat(self.ops.matmul(blocks, self._kept[key])))

    def _first(self, spectrum: Array, group: Group) -> list[Array]:
        """Return the modulus behind the group's wavelets: (n_wavelets, n), or its even and its odd samples."""
        parts = []
        for half in range(group.halves):
            moved = spectrum[:, : group.wavelets.n_bins]
            if half:
                # The odd samples are the even ones of the signal that comes one sample earlier.
                moved = moved * self._turn(group.wavelets.n_bins, 2 * group.wavelets.length)
            parts.append(self._modulus(moved, moved * self._rotation, group.wavelets))
        return parts

    def _modulus(self, spectra: Array, rotated: Array, wavelets: Wavelets) -> Array:
        real = self.ops.irfft(self._product(spectra, wavelets.even), wavelets.length)
        imaginary = self.ops.irfft(self._product(rotated, wavelets.odd), wavelets.length)
        return self.ops.modulus(real, imaginary)

    def _product(self, spectra: Array, runs: tuple[Run, ...]) -> Array:
        products = []
        for run in runs:
            total = None
            for term in run:
                n_bins = term.weights.shape[1]
                if term.step == 1:
                    bins = spectra[:, term.first : term.first + n_bins]
                else:
                    stop = term.first - n_bins
                    bins = self.ops.conj(spectra[:, term.first : stop if stop >= 0 else None : -1])
                product = self.ops.weigh(bins, self._kept[id(term)])
                total = product if total is None else total + product
            products.append(total)
        return products[0] if len(products) == 1 else self.ops.concatenate(products, 1)

    def _spectra(self, parts: list[Array], group: Group) -> Array:
        """Return the bins of the modulus' spectra that the second order reads, (n_wavelets, n_bins)."""
        spectra = [self.ops.rfft(part)[:, : group.n_bins] for part in parts]
        if len(spectra) == 1:
            return spectra[0]
        return spectra[0] + spectra[1] * self._turn(group.n_bins, -2 * group.wavelets.length)

    def _output(self, parts: list[Array], subsampling: int) -> Array:
        """Cut into blocks and weigh each by its part in the frames around; without averaging, cut out the clip."""
        plan, ops = self.plan, self.ops
        if not plan.options.average:
            first, last = plan.span(subsampling)
            whole = parts[0] if len(parts) == 1 else ops.interleave(*parts)
            return whole[:, first:last]
        total = None
        for part, matrix in zip(parts, self._low_pass(subsampling, len(parts)), strict=True):
            product = ops.matmul(ops.reshape(part, (-1, matrix.shape[0])), matrix)
            total = product if total is None else total + product
        return self._flat(total)

    def _flat(self, products: Array) -> Array:
        return self.ops.reshape(products, (-1, self.plan.n_padded // self.plan.hop * len(self.plan.neighbours)))

    def _turn(self, n_bins: int, length: int) -> Array:
        """Return exp(2 pi i bin / length), (n_bins,)."""
        key = ("turn", n_bins, length)
        if key not in self._kept:
            self._kept[key] = self.ops.turn(np.exp(2j * np.pi * np.arange(n_bins) / length))
        return self._kept[key]

    def _low_pass(self, subsampling: int, n_parts: int) -> list[Array]:
        key = ("low-pass", subsampling, n_parts)
        if key not in self._kept:
            weights = self.plan.low_pass(subsampling)
            self._kept[key] = [self.ops.matrix(weights[number::n_parts]) for number in range(n_parts)]
        return self._kept[key]


def _rows(group: Group) -> list[tuple[int, ...]]:
    """List the wavelets of each row that a group gives, in order."""
    first = [(number,) for number in group.numbers]
    return first + [(number, second.number) for second in group.second for number in group.numbers]
