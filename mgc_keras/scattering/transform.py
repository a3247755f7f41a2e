"""The fast scattering transform of one waveform, for any library of arrays.

What it computes is written down in `mgc_keras.scattering.reference`; how, in `mgc_keras.scattering`. The operations
come from a small set of functions, once TensorFlow's and once SciPy's.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.folding import FoldedWavelets, Term, TermSum
from mgc_keras.scattering.groups import Group, SecondOrder
from mgc_keras.scattering.operations import Array, Operations, Ranges
from mgc_keras.scattering.padding import Extension, Padding
from mgc_keras.scattering.plan import ScatteringPlan


@dataclass(frozen=True)
class Spectra:
    """Spectra of real signals, in the forms that wavelets read.

    Attributes
    ----------
    half : array
        The bins from zero on.
    times_minus_i : array or None
        The same times -i, for `FoldedWavelets`.
    two_sided : array or None
        Negative bins, too, for `BasebandWavelets`.
    zero : int
        The column of bin zero in `two_sided`.
    """

    half: Array
    times_minus_i: Array | None = None
    two_sided: Array | None = None
    zero: int = 0


@dataclass(frozen=True)
class _BlockAverage:
    """A `BlockAverage` in the library's arrays, with one basis for each of the parts that take turns of samples."""

    first: int
    last: int
    bases: list[Array]
    combination: Array


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
        groups = plan.fast + plan.slow
        rows = [(), *(row for group in groups for row in group.rows())]
        places = {row: number for number, row in enumerate(rows)}
        self.order = [places[path.wavelets] for path in plan.paths]
        self._minus_i = operations.complex_factors(np.array([-1j]))
        # Constants of the plan as arrays of the library. Those of wavelets are found by the identity of their owner.
        self._constants: dict[Hashable, Any] = {}
        for group in groups:
            if group.decimation is not None:
                self._constants[id(group.decimation)] = operations.half_sample_weights(group.decimation)
            self._prepare(group.wavelets)
            for psi2 in group.second + group.second_extended:
                self._prepare(psi2.wavelets)

    def _prepare(self, wavelets: FoldedWavelets | BasebandWavelets) -> None:
        """Convert the weights of wavelets."""
        if isinstance(wavelets, BasebandWavelets):
            sides = (wavelets.above, wavelets.below)
            self._constants[id(wavelets)] = tuple(self.ops.spectral_weights(side) for side in sides)
            self._constants[id(wavelets.interpolation)] = self.ops.half_sample_weights(wavelets.interpolation)
            return
        for terms in wavelets.even + wavelets.odd:
            for term in terms:
                if id(term) not in self._constants:
                    self._constants[id(term)] = self.ops.spectral_weights(term.weights)

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
        padding, waveform = plan.short or plan.long, ops.double(waveform)
        # In double precision until the spectrum is known. The mean of large samples may be near zero, and a loud low
        # tone would drown what lies 60 dB below it.
        padded = ops.pad(waveform, *padding.sides(plan.options.n_samples))[None]
        spectrum = ops.rfft(padded)
        averaged = plan.options.average
        order_0 = self._average([padded], padding, 0, double=True) if averaged else waveform[None]
        outputs = [ops.working(order_0)]
        if plan.extension:
            outputs += self._groups(ops.working(spectrum), plan.fast, padding)
            spectrum = ops.rfft(self._extend(spectrum, plan.extension, 0))
        outputs += self._groups(ops.working(spectrum), plan.slow, plan.long)
        return ops.stack_rows(outputs) if averaged else outputs

    def _groups(self, spectrum: Array, groups: tuple[Group, ...], padding: Padding) -> list[Array]:
        """Return the rows of some groups."""
        spectra = self._spectra(spectrum, [group.wavelets for group in groups])
        return [row for group in groups for row in self._group(spectra, group, padding)]

    def _group(self, spectra: Spectra, group: Group, padding: Padding) -> list[Array]:
        """Return the rows of a group: S1 of its wavelets, then S2 of those and each second-order wavelet."""
        moduli = self._moduli(spectra, group.wavelets)
        outputs = [self._output(moduli, padding, group.subsampling)]
        if not group.n_bins:
            return outputs
        if group.decimation is None:
            modulus = moduli[0]
        else:
            modulus = self.ops.decimate(moduli[0], moduli[1], self._constants[id(group.decimation)])
        spectrum = self.ops.rfft(modulus)[:, : group.n_bins]
        outputs += self._second_order(spectrum, group.second, padding)
        if group.second_extended and self.plan.extension:
            samples = self._extend(spectrum, self.plan.extension, group.subsampling)
            extended = self.ops.working(self.ops.rfft(samples))
            outputs += self._second_order(extended, group.second_extended, self.plan.long)
        return outputs

    def _second_order(self, spectrum: Array, wavelets: tuple[SecondOrder, ...], padding: Padding) -> list[Array]:
        """Return S2: second-order wavelets, the modulus and the low-pass on the spectra of first-order moduli."""
        spectra = self._spectra(spectrum, [psi2.wavelets for psi2 in wavelets])
        return [self._output(self._moduli(spectra, psi2.wavelets), padding, psi2.subsampling) for psi2 in wavelets]

    def _spectra(self, half: Array, wavelets: Sequence[FoldedWavelets | BasebandWavelets]) -> Spectra:
        """Prepare half spectra for some wavelets."""
        ops = self.ops
        baseband = [group for group in wavelets if isinstance(group, BasebandWavelets)]
        times_minus_i = half * self._minus_i if len(baseband) < len(wavelets) else None
        if not baseband:
            return Spectra(half, times_minus_i)
        zero, last = -min(group.lowest for group in baseband), half.shape[1] - 1
        missing = max(group.n_bins for group in baseband) - 1 - last
        # The highest bin is its own negative where all of a spectrum is given, and only then are bins above it read.
        above = [ops.conj(half[:, last - 1 : last - 1 - missing : -1])] if missing > 0 else []
        return Spectra(half, times_minus_i, ops.join_columns([ops.conj(half[:, zero:0:-1]), half, *above]), zero)

    def _extend(self, spectra: Array, extension: Extension, subsampling: int) -> Array:
        """Return the samples on the long padding of signals whose spectra on the short one are given.

        In double precision: the rounding of two more transforms would otherwise be heard where a clip falls silent.
        """
        ops, key = self.ops, ("extension", subsampling)
        if key not in self._constants:
            weights = extension.weights(subsampling)
            self._constants[key] = [ops.complex_factors(factors, double=True) for factors in weights]
        low = ops.double(spectra[:, : extension.n_bins])
        shifted = {
            shift: ops.irfft(low * factors, extension.length)
            for shift, factors in zip(extension.shifts, self._constants[key], strict=True)
        }
        return ops.join_columns([shifted[stretch.shift][:, stretch.samples] for stretch in extension.stretches])

    def _moduli(self, spectra: Spectra, wavelets: FoldedWavelets | BasebandWavelets) -> list[Array]:
        """Return the modulus after wavelets: of the samples and, for `BasebandWavelets`, of the midpoints."""
        ops = self.ops
        if isinstance(wavelets, BasebandWavelets):
            weights = self._constants[id(wavelets)]
            products = ops.baseband_products(spectra.two_sided, spectra.zero, wavelets, weights)
            return ops.moduli(ops.irfft(products, wavelets.length), self._constants[id(wavelets.interpolation)])
        # Both parts in one transform: libraries transform four or eight rows together, and a remainder one by one.
        blocks = [self._ranges(spectra.half, wavelets.even), self._ranges(spectra.times_minus_i, wavelets.odd)]
        return [ops.modulus(ops.irfft(ops.weighted_sums(blocks, wavelets.length // 2 + 1), wavelets.length))]

    def _ranges(self, spectra: Array, sums: tuple[TermSum, ...]) -> Ranges:
        return [[(self._bins(spectra, term), self._constants[id(term)]) for term in terms] for terms in sums]

    def _bins(self, spectra: Array, term: Term) -> Array:
        n_bins = term.weights.shape[1]
        if term.step == 1:
            return spectra[:, term.first : term.first + n_bins]
        stop = term.first - n_bins
        return self.ops.conj(spectra[:, term.first : stop if stop >= 0 else None : -1])

    def _output(self, moduli: list[Array], padding: Padding, subsampling: int) -> Array:
        """Return the frames of some moduli; without averaging, the samples of the clip."""
        if self.plan.options.average:
            return self._average(moduli, padding, subsampling)
        first, last = self.plan.span(subsampling)
        return moduli[0][:, first:last]

    def _average(self, parts: list[Array], padding: Padding, subsampling: int, *, double: bool = False) -> Array:
        """Return the low-pass of signals, (n_signals, n_frames).

        Two parts are the samples and the midpoints of signals at half rate.
        """
        ops, total = self.ops, None
        for average in self._block_averages(padding, subsampling, len(parts), double):
            first, last, projections = average.first // len(parts), average.last // len(parts), None
            for part, basis in zip(parts, average.bases, strict=True):
                projection = ops.matmul(ops.reshape(part[:, first:last], (-1, basis.shape[0])), basis)
                projections = projection if projections is None else projections + projection
            frames = ops.matmul(ops.reshape(projections, (parts[0].shape[0], -1)), average.combination)
            total = frames if total is None else total + frames
        return total

    def _block_averages(self, padding: Padding, subsampling: int, n_parts: int, double: bool) -> list[_BlockAverage]:
        """Return the plan's averages of blocks as arrays of the library."""
        key = (padding, subsampling, n_parts, double)
        if key not in self._constants:
            smallest = 1e-16 if double else self.ops.smallest_share
            matrix = partial(self.ops.matrix, double=double)
            self._constants[key] = [
                _BlockAverage(
                    average.first,
                    average.last,
                    [matrix(average.basis[part::n_parts]) for part in range(n_parts)],
                    matrix(average.combination),
                )
                for average in self.plan.averaging[padding].block_averages(subsampling, smallest)
            ]
        return self._constants[key]
