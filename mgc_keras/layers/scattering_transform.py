"""The scattering transform of one waveform, apart from any library of arrays.

The mathematics is that of Andén and Mallat (2014): a wavelet, the modulus, once or twice, then a low-pass. The operations
come from a small set of functions, once TensorFlow's and once SciPy's.
"""

from typing import Any, Protocol

import numpy as np

from mgc_keras.layers.scattering_plan import Group, ScatteringPlan
from mgc_keras.layers.scattering_wavelets import Run, Term, Wavelets

Array = Any
# Runs of bins, side by side; each is a sum of bins times real weights, one of both perhaps with a single row.
Block = list[list[tuple[Array, Array]]]


class Operations(Protocol):
    """What the transform needs of a library of arrays; slices with steps, + and * are taken for granted.

    Attributes
    ----------
    smallest_share : float
        What may be left out beside one: a tenth of the working precision.
    """

    smallest_share: float

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

    def weigh(self, blocks: list[Block], n_bins: int) -> Array:
        """Return half spectra, (n_rows, n_bins): blocks one under the other, zero behind the runs of each."""
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

    def modulus(self, signals: Array) -> Array:
        """sqrt(real² + imaginary²): the first half of the rows is real parts, the other imaginary parts."""
        ...

    def matmul(self, left: Array, right: Array) -> Array:
        """Matrix product."""
        ...

    def concatenate(self, parts: list[Array]) -> Array:
        """Join arrays, one under the other."""
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
            moduli = self._first(spectrum, group)
            outputs.append(self._output(moduli, group.subsampling, group.halves))
            if group.second:
                spectra = self._spectra(moduli, group)
                turned = spectra * self._rotation
                for second in group.second:
                    moduli = self._moduli([(spectra, turned)], second.wavelets)
                    outputs.append(self._output(moduli, second.subsampling, 1))
        if not plan.options.average:
            return outputs
        return ops.frames(ops.concatenate(outputs), self._gathered)

    def _order_0(self, padded: Array) -> Array:
        # A mean near zero of samples that are not: in double precision, too.
        key = "order 0"
        if key not in self._kept:
            self._kept[key] = self.ops.matrix(self.plan.low_pass(0), double=True)
        blocks = self.ops.reshape(padded, (-1, self.plan.hop))
        return self.ops.working(self._flat(self.ops.matmul(blocks, self._kept[key])))

    def _first(self, spectrum: Array, group: Group) -> Array:
        """Return the modulus behind the group's wavelets: (n_wavelets, n); even samples above odd ones where halved."""
        spectra = [spectrum[:, : group.wavelets.n_bins]]
        if group.halves == 2:
            # The odd samples are the even ones of the signal that comes one sample earlier.
            spectra.append(spectra[0] * self._turn(group.wavelets.n_bins, 2 * group.wavelets.length))
        return self._moduli([(one, one * self._rotation) for one in spectra], group.wavelets)

    def _moduli(self, spectra: list[tuple[Array, Array]], wavelets: Wavelets) -> Array:
        """Return the modulus behind the wavelets of some spectra, each given with itself times -i, one under the other."""
        # All in one transform: libraries transform four or eight rows together, and a remainder one by one.
        blocks = [self._block(straight, wavelets.even) for straight, _ in spectra]
        blocks += [self._block(turned, wavelets.odd) for _, turned in spectra]
        return self.ops.modulus(self.ops.irfft(self.ops.weigh(blocks, wavelets.length // 2 + 1), wavelets.length))

    def _block(self, spectra: Array, runs: tuple[Run, ...]) -> Block:
        return [[(self._bins(spectra, term), self._kept[id(term)]) for term in run] for run in runs]

    def _bins(self, spectra: Array, term: Term) -> Array:
        n_bins = term.weights.shape[1]
        if term.step == 1:
            return spectra[:, term.first : term.first + n_bins]
        stop = term.first - n_bins
        return self.ops.conj(spectra[:, term.first : stop if stop >= 0 else None : -1])

    def _spectra(self, moduli: Array, group: Group) -> Array:
        """Return the bins of the modulus' spectra that the second order reads, (n_wavelets, n_bins)."""
        spectra = self.ops.rfft(moduli)[:, : group.n_bins]
        if group.halves == 1:
            return spectra
        n_wavelets = len(group.numbers)
        return spectra[:n_wavelets] + spectra[n_wavelets:] * self._turn(group.n_bins, -2 * group.wavelets.length)

    def _output(self, moduli: Array, subsampling: int, halves: int) -> Array:
        """Cut into blocks and weigh each by its part in the frames around; without averaging, cut out the clip."""
        plan, ops = self.plan, self.ops
        n_wavelets = moduli.shape[0] // halves
        parts = [moduli[half * n_wavelets : (half + 1) * n_wavelets] for half in range(halves)]
        if not plan.options.average:
            first, last = plan.span(subsampling)
            whole = parts[0] if halves == 1 else ops.interleave(*parts)
            return whole[:, first:last]
        shapes, shares = self._low_pass(subsampling, halves)
        total = None
        for part, matrix in zip(parts, shapes, strict=True):
            product = ops.matmul(ops.reshape(part, (-1, matrix.shape[0])), matrix)
            total = product if total is None else total + product
        return self._flat(ops.matmul(total, shares))

    def _flat(self, products: Array) -> Array:
        return self.ops.reshape(products, (-1, self.plan.n_padded // self.plan.hop * len(self.plan.neighbours)))

    def _turn(self, n_bins: int, length: int) -> Array:
        """Return exp(2 pi i bin / length), (n_bins,)."""
        key = ("turn", n_bins, length)
        if key not in self._kept:
            self._kept[key] = self.ops.turn(np.exp(2j * np.pi * np.arange(n_bins) / length))
        return self._kept[key]

    def _low_pass(self, subsampling: int, halves: int) -> tuple[list[Array], Array]:
        """Return the weights of `ScatteringPlan.low_pass` as a product of two matrices, the first cut into halves.

        A Gaussian changes so little over a block that a handful of shapes make up all of its parts.
        """
        key = ("low-pass", subsampling, halves)
        if key not in self._kept:
            left, sizes, right = np.linalg.svd(self.plan.low_pass(subsampling), full_matrices=False)
            n_shapes = int((sizes > sizes[0] * self.ops.smallest_share).sum())
            shapes, shares = left[:, :n_shapes] * sizes[:n_shapes], right[:n_shapes]
            halved = [self.ops.matrix(shapes[half::halves]) for half in range(halves)]
            self._kept[key] = halved, self.ops.matrix(shares)
        return self._kept[key]


def _rows(group: Group) -> list[tuple[int, ...]]:
    """List the wavelets of each row that a group gives, in order."""
    first = [(number,) for number in group.numbers]
    return first + [(number, second.number) for second in group.second for number in group.numbers]
