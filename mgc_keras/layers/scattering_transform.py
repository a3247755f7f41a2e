"""The scattering transform of one waveform, apart from any library of arrays.

The mathematics is that of Andén and Mallat (2014): a wavelet, the modulus, once or twice, then a low-pass. The operations
come from a small set of functions, once TensorFlow's and once SciPy's.
"""

from functools import partial
from typing import Any, Protocol

import numpy as np

from mgc_keras.layers.scattering_extent import Extent
from mgc_keras.layers.scattering_groups import Group, SecondScale
from mgc_keras.layers.scattering_plan import ScatteringPlan
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

    def turn(self, values: np.ndarray, *, double: bool = False) -> Array:
        """Return complex factors for spectra, in the working precision or in complex128."""
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

    def join(self, parts: list[Array]) -> Array:
        """Join arrays, side by side."""
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
        rows = [(), *(row for group in plan.fast + plan.slow for row in group.rows())]
        places = {row: number for number, row in enumerate(rows)}
        self.order = [places[path.wavelets] for path in plan.paths]
        self._rotation = operations.turn(np.array([-1j]))
        self._kept: dict[Any, Array] = {}
        for group in plan.fast + plan.slow:
            for wavelets in (group, *group.second, *group.beyond):
                self._keep_weights(wavelets.wavelets)

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
            `order` sorts the rows. Without averaging, one array (n_wavelets, n_samples) a scale.
        """
        plan, ops = self.plan, self.ops
        extent, waveform = plan.short or plan.long, ops.double(waveform)
        # In double precision until the spectrum is known: also the mean of samples that are large may be near zero.
        padded = ops.pad(waveform, *extent.pad(plan.options.n_samples))[None]
        spectrum = ops.rfft(padded)
        averaged = plan.options.average
        order_0 = self._average(padded, extent, 0, 1, double=True) if averaged else waveform[None]
        outputs = [ops.working(order_0)]
        if plan.bridge:
            working = ops.working(spectrum)
            for group in plan.fast:
                outputs += self._group(working, group, extent)
            spectrum = ops.rfft(self._cross(spectrum, 0, double=True))
        working = ops.working(spectrum)
        for group in plan.slow:
            outputs += self._group(working, group, plan.long)
        return ops.concatenate(outputs) if averaged else outputs

    def _group(self, spectrum: Array, group: Group, extent: Extent) -> list[Array]:
        """Return the rows of a group."""
        moduli = self._first(spectrum, group)
        outputs = [self._output(moduli, extent, group.subsampling, group.halves)]
        if not group.n_bins:
            return outputs
        spectra = self._spectra(moduli, group)
        outputs += self._behind(spectra, group.second, extent)
        if group.beyond:
            outputs += self._behind(self.ops.rfft(self._cross(spectra, group.subsampling)), group.beyond, self.plan.long)
        return outputs

    def _behind(self, spectra: Array, wavelets: tuple[SecondScale, ...], extent: Extent) -> list[Array]:
        """Return what second-order wavelets make of the spectra of moduli."""
        turned = spectra * self._rotation
        moduli = ((self._moduli([(spectra, turned)], one.wavelets), one.subsampling) for one in wavelets)
        return [self._output(modulus, extent, subsampling, 1) for modulus, subsampling in moduli]

    def _cross(self, spectra: Array, subsampling: int, *, double: bool = False) -> Array:
        """Take signals over the bridge: spectra on the short extent to samples on the long one."""
        over, ops = self.plan.bridge, self.ops
        key = ("bridge", subsampling, double)
        if key not in self._kept:
            self._kept[key] = [ops.turn(weights, double=double) for weights in over.weights(subsampling)]
        low = spectra[:, : over.n_bins]
        turned = {
            turn: ops.irfft(low * weights, over.length) for turn, weights in zip(over.turns, self._kept[key], strict=True)
        }
        return ops.join([turned[piece.turn][:, piece.samples] for piece in over.pieces])

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

    def _output(self, moduli: Array, extent: Extent, subsampling: int, halves: int) -> Array:
        """Return the frames of some moduli; without averaging, cut out the clip."""
        if self.plan.options.average:
            return self._average(moduli, extent, subsampling, halves)
        first, last = self.plan.span(subsampling)
        n_wavelets = moduli.shape[0] // halves
        whole = moduli if halves == 1 else self.ops.interleave(moduli[:n_wavelets], moduli[n_wavelets:])
        return whole[:, first:last]

    def _average(self, signals: Array, extent: Extent, subsampling: int, halves: int, *, double: bool = False) -> Array:
        """Return (n_signals, n_frames): every block of samples by its part in every frame."""
        ops, n_signals = self.ops, signals.shape[0] // halves
        total = None
        for first, last, shapes, shares in self._low_pass(extent, subsampling, halves, double):
            product = None
            for half, shape in enumerate(shapes):
                part = signals[half * n_signals : (half + 1) * n_signals, first // halves : last // halves]
                weighed = ops.matmul(ops.reshape(part, (-1, shape.shape[0])), shape)
                product = weighed if product is None else product + weighed
            frames = ops.matmul(ops.reshape(product, (n_signals, -1)), shares)
            total = frames if total is None else total + frames
        return total

    def _turn(self, n_bins: int, length: int) -> Array:
        """Return exp(2 pi i bin / length), (n_bins,)."""
        key = ("turn", n_bins, length)
        if key not in self._kept:
            self._kept[key] = self.ops.turn(np.exp(2j * np.pi * np.arange(n_bins) / length))
        return self._kept[key]

    def _low_pass(self, extent: Extent, subsampling: int, halves: int, double: bool) -> list[tuple]:
        """Return the stretches of `Averaging` as first and last sample, shapes of each half, and shares."""
        key = (extent, subsampling, halves, double)
        if key not in self._kept:
            smallest = 1e-16 if double else self.ops.smallest_share
            matrix = partial(self.ops.matrix, double=double)
            self._kept[key] = [
                (
                    stretch.first,
                    stretch.last,
                    [matrix(stretch.shapes[half::halves]) for half in range(halves)],
                    matrix(stretch.shares),
                )
                for stretch in self.plan.averaging[extent].stretches(subsampling, smallest)
            ]
        return self._kept[key]
