"""The scattering transform of one waveform, apart from any library of arrays.

The mathematics is that of Andén and Mallat (2014): a wavelet, the modulus, once or twice, then a low-pass. The operations
come from a small set of functions, once TensorFlow's and once SciPy's.
"""

from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from mgc_keras.scattering.baseband import Baseband
from mgc_keras.scattering.extents import Extent
from mgc_keras.scattering.groups import Group, SecondScale
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.scattering.wavelets import Run, Term, Wavelets

Array = Any
# Runs of bins, side by side; each is a sum of bins times real weights, one of both perhaps with a single row.
Block = list[list[tuple[Array, Array]]]


class Spectra(NamedTuple):
    """Spectra of real signals: bins from zero on; times -i; also negative bins, and in which column bin zero is."""

    half: Array
    turned: Array | None = None
    around: Array | None = None
    zero: int = 0


class Operations(Protocol):
    """What the transform needs of a library of arrays; slices with steps, + and * are taken for granted.

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

    def taps(self, values: np.ndarray) -> Array:
        """Return weights of neighbours for `moduli` and `draw_in`."""
        ...

    def basebands(self, spectra: Array, zero: int, wavelets: Baseband, weights: tuple[Array, Array]) -> Array:
        """Return half spectra of the real parts, and under them of the imaginary parts, that wavelets make of spectra.

        One row of spectra goes with all wavelets, or one wavelet with all rows. Column `zero` is bin zero.
        """
        ...

    def modulus(self, signals: Array) -> Array:
        """sqrt(real² + imaginary²): the first half of the rows is real parts, the other imaginary parts."""
        ...

    def moduli(self, signals: Array, taps: Array) -> list[Array]:
        """Return the modulus of complex signals, as `modulus` takes them, and that halfway to each next sample."""
        ...

    def draw_in(self, signals: Array, between: Array, taps: Array) -> Array:
        """Add to signals those between, interpolated halfway between themselves: what both hold above the band cancels."""
        ...

    def matmul(self, left: Array, right: Array) -> Array:
        """Matrix product."""
        ...

    def concatenate(self, parts: list[Array]) -> Array:
        """Join arrays, one under the other."""
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
            if group.taps is not None:
                self._kept[id(group.taps)] = operations.taps(group.taps)
            for one in (group, *group.second, *group.beyond):
                self._keep_weights(one.wavelets)

    def _keep_weights(self, wavelets: Wavelets | Baseband) -> None:
        if isinstance(wavelets, Baseband):
            self._kept[id(wavelets)] = tuple(self.ops.weights(side) for side in (wavelets.above, wavelets.below))
            self._kept[id(wavelets.taps)] = self.ops.taps(wavelets.taps)
            return
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
        order_0 = self._average([padded], extent, 0, double=True) if averaged else waveform[None]
        outputs = [ops.working(order_0)]
        if plan.bridge:
            outputs += self._groups(ops.working(spectrum), plan.fast, extent)
            spectrum = ops.rfft(self._cross(spectrum, 0))
        outputs += self._groups(ops.working(spectrum), plan.slow, plan.long)
        return ops.concatenate(outputs) if averaged else outputs

    def _groups(self, spectrum: Array, groups: tuple[Group, ...], extent: Extent) -> list[Array]:
        """Return the rows of some groups."""
        spectra = self._spectra(spectrum, [group.wavelets for group in groups])
        return [row for group in groups for row in self._group(spectra, group, extent)]

    def _group(self, spectrum: Spectra, group: Group, extent: Extent) -> list[Array]:
        """Return the rows of a group."""
        moduli = self._moduli(spectrum, group.wavelets)
        outputs = [self._output(moduli, extent, group.subsampling)]
        if not group.n_bins:
            return outputs
        whole = moduli[0] if group.taps is None else self.ops.draw_in(*moduli, self._kept[id(group.taps)])
        spectra = self.ops.rfft(whole)[:, : group.n_bins]
        outputs += self._behind(spectra, group.second, extent)
        if group.beyond:
            crossed = self.ops.working(self.ops.rfft(self._cross(spectra, group.subsampling)))
            outputs += self._behind(crossed, group.beyond, self.plan.long)
        return outputs

    def _behind(self, spectra: Array, scales: tuple[SecondScale, ...], extent: Extent) -> list[Array]:
        """Return what second-order wavelets make of the spectra of moduli."""
        prepared = self._spectra(spectra, [one.wavelets for one in scales])
        return [self._output(self._moduli(prepared, one.wavelets), extent, one.subsampling) for one in scales]

    def _spectra(self, half: Array, wavelets: list[Wavelets | Baseband]) -> Spectra:
        """Prepare half spectra for some wavelets."""
        ops = self.ops
        around = [one for one in wavelets if isinstance(one, Baseband)]
        turned = half * self._rotation if len(around) < len(wavelets) else None
        if not around:
            return Spectra(half, turned)
        zero, last = -min(one.lowest for one in around), half.shape[1] - 1
        missing = max(one.n_bins for one in around) - 1 - last
        # The highest bin is its own negative where all of a spectrum is given, and only then are bins above it read.
        above = [ops.conj(half[:, last - 1 : last - 1 - missing : -1])] if missing > 0 else []
        return Spectra(half, turned, ops.join([ops.conj(half[:, zero:0:-1]), half, *above]), zero)

    def _cross(self, spectra: Array, subsampling: int) -> Array:
        """Take signals over the bridge: spectra on the short extent to samples on the long one.

        In double precision: two transforms more would otherwise be heard where a clip falls silent.
        """
        over, ops = self.plan.bridge, self.ops
        key = ("bridge", subsampling)
        if key not in self._kept:
            self._kept[key] = [ops.turn(weights, double=True) for weights in over.weights(subsampling)]
        low = ops.double(spectra[:, : over.n_bins])
        turned = {
            turn: ops.irfft(low * weights, over.length)
            for turn, weights in zip(over.turns, self._kept[key], strict=True)
        }
        return ops.join([turned[piece.turn][:, piece.samples] for piece in over.pieces])

    def _moduli(self, spectra: Spectra, wavelets: Wavelets | Baseband) -> list[Array]:
        """Return the modulus behind the wavelets, and where those are a `Baseband`, beside it that of samples between."""
        ops = self.ops
        if isinstance(wavelets, Baseband):
            weights = self._kept[id(wavelets)]
            signals = ops.irfft(ops.basebands(spectra.around, spectra.zero, wavelets, weights), wavelets.length)
            return ops.moduli(signals, self._kept[id(wavelets.taps)])
        # Both in one transform: libraries transform four or eight rows together, and a remainder one by one.
        blocks = [self._block(spectra.half, wavelets.even), self._block(spectra.turned, wavelets.odd)]
        return [ops.modulus(ops.irfft(ops.weigh(blocks, wavelets.length // 2 + 1), wavelets.length))]

    def _block(self, spectra: Array, runs: tuple[Run, ...]) -> Block:
        return [[(self._bins(spectra, term), self._kept[id(term)]) for term in run] for run in runs]

    def _bins(self, spectra: Array, term: Term) -> Array:
        n_bins = term.weights.shape[1]
        if term.step == 1:
            return spectra[:, term.first : term.first + n_bins]
        stop = term.first - n_bins
        return self.ops.conj(spectra[:, term.first : stop if stop >= 0 else None : -1])

    def _output(self, moduli: list[Array], extent: Extent, subsampling: int) -> Array:
        """Return the frames of some moduli; without averaging, cut out the clip."""
        if self.plan.options.average:
            return self._average(moduli, extent, subsampling)
        first, last = self.plan.span(subsampling)
        return moduli[0][:, first:last]

    def _average(self, parts: list[Array], extent: Extent, subsampling: int, *, double: bool = False) -> Array:
        """Return (n_signals, n_frames): every block of samples by its part in every frame; parts take turns of samples."""
        ops, total = self.ops, None
        for first, last, shapes, shares in self._low_pass(extent, subsampling, len(parts), double):
            product = None
            for part, shape in zip(parts, shapes, strict=True):
                blocks = ops.reshape(part[:, first // len(parts) : last // len(parts)], (-1, shape.shape[0]))
                weighed = ops.matmul(blocks, shape)
                product = weighed if product is None else product + weighed
            frames = ops.matmul(ops.reshape(product, (parts[0].shape[0], -1)), shares)
            total = frames if total is None else total + frames
        return total

    def _low_pass(self, extent: Extent, subsampling: int, n_parts: int, double: bool) -> list[tuple]:
        """Return the stretches of `Averaging` as first and last sample, shapes of each part's samples, and shares."""
        key = (extent, subsampling, n_parts, double)
        if key not in self._kept:
            smallest = 1e-16 if double else self.ops.smallest_share
            matrix = partial(self.ops.matrix, double=double)
            self._kept[key] = [
                (
                    stretch.first,
                    stretch.last,
                    [matrix(stretch.shapes[part::n_parts]) for part in range(n_parts)],
                    matrix(stretch.shares),
                )
                for stretch in self.plan.averaging[extent].stretches(subsampling, smallest)
            ]
        return self._kept[key]
