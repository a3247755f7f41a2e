"""The fast scattering transform of one waveform, for any library of arrays.

What it computes is written down in `mgc_keras.scattering.reference`; how, in `mgc_keras.scattering`. The operations
come from a small set of functions, once TensorFlow's and once SciPy's.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from mgc_keras.scattering.averaging import BlockAverage
from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.folding import FoldedWavelets, Term, TermSum
from mgc_keras.scattering.groups import Group
from mgc_keras.scattering.operations import Array, Operations, Ranges
from mgc_keras.scattering.padding import Extension, Padding
from mgc_keras.scattering.plan import ScatteringPlan


@dataclass(frozen=True)
class Spectra:
    """Spectra of real signals, in the forms that wavelets read.

    Attributes
    ----------
    half, times_minus_i : array
        The bins from zero on, and the same times -i, for `FoldedWavelets`.
    two_sided : array
        Negative bins, too, for `BasebandWavelets`; bin zero is in column `zero`.
    """

    half: Array
    times_minus_i: Array | None = None
    two_sided: Array | None = None
    zero: int = 0


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
        self._minus_i = operations.constant(np.array([-1j]))
        self._constants: dict[Hashable, Any] = {}

    def _once(self, key: Hashable, make: Callable[..., Any], *values: Any) -> Any:
        """Return `make(*values)`: constants as arrays of the library, made when they are first needed."""
        if key not in self._constants:
            self._constants[key] = make(*values)
        return self._constants[key]

    def _spectral_weights(self, weights: np.ndarray) -> Array:
        return self._once(id(weights), self.ops.spectral_weights, weights)

    def _half_sample_weights(self, weights: np.ndarray) -> Array:
        return self._once(id(weights), self.ops.half_sample_weights, weights)

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
        padding, waveform = plan.short or plan.long, ops.cast(waveform, double=True)
        # In double precision until the spectrum is known. The mean of large samples may be near zero, and a loud low
        # tone would drown what lies 60 dB below it.
        padded = ops.pad(waveform, *padding.sides(plan.options.n_samples))[None]
        spectrum = ops.rfft(padded)
        averaged = plan.options.average
        order_0 = self._average([padded], padding, 0, double=True) if averaged else waveform[None]
        outputs = [ops.cast(order_0)]
        if plan.extension:
            outputs += self._groups(ops.cast(spectrum), plan.fast, padding)
            spectrum = ops.rfft(self._extend(spectrum, plan.extension, 0))
        outputs += self._groups(ops.cast(spectrum), plan.slow, plan.long)
        return ops.concatenate(outputs, 0) if averaged else outputs

    def _groups(self, half: Array, groups: tuple[Group, ...], padding: Padding) -> list[Array]:
        """Return the rows of some groups, that is of each: S1 of its wavelets, then S2 of those that follow."""
        spectra = self._spectra(half, [group.wavelets for group in groups])
        return [row for group in groups for row in self._group(spectra, group, padding)]

    def _group(self, spectra: Spectra, group: Group, padding: Padding) -> list[Array]:
        moduli = self._moduli(spectra, group.wavelets)
        outputs = [self._output(moduli, padding, group.subsampling)]
        if not group.n_bins:
            return outputs
        if group.decimation is None:
            modulus = moduli[0]
        else:
            modulus = self.ops.decimate(moduli[0], moduli[1], self._half_sample_weights(group.decimation))
        spectrum = self.ops.rfft(modulus)[:, : group.n_bins]
        outputs += self._groups(spectrum, group.second, padding)
        if group.second_extended and self.plan.extension:
            samples = self._extend(spectrum, self.plan.extension, group.subsampling)
            extended = self.ops.cast(self.ops.rfft(samples))
            outputs += self._groups(extended, group.second_extended, self.plan.long)
        return outputs

    def _spectra(self, half: Array, wavelets: Sequence[FoldedWavelets | BasebandWavelets]) -> Spectra:
        """Prepare half spectra for some wavelets."""
        ops = self.ops
        baseband = [group for group in wavelets if isinstance(group, BasebandWavelets)]
        times_minus_i = half * self._minus_i if len(baseband) < len(wavelets) else None
        if not baseband:
            return Spectra(half, times_minus_i)
        zero, last = max(max(group.centres) for group in baseband), half.shape[1] - 1
        missing = max(group.n_bins for group in baseband) - 1 - last
        # The highest bin is its own negative where all of a spectrum is given, and only then are bins above it read.
        above = [ops.conj(half[:, last - 1 : last - 1 - missing : -1])] if missing > 0 else []
        return Spectra(half, times_minus_i, ops.concatenate([ops.conj(half[:, zero:0:-1]), half, *above], 1), zero)

    def _extend(self, spectra: Array, extension: Extension, subsampling: int) -> Array:
        """Return the samples on the long padding of signals whose spectra on the short one are given.

        In double precision: the rounding of two more transforms would otherwise be heard where a clip falls silent.
        """
        ops = self.ops
        weights = self._once(
            ("extension", subsampling),
            lambda: [ops.constant(factors, double=True) for factors in extension.weights(subsampling)],
        )
        low = ops.cast(spectra[:, : extension.n_bins], double=True)
        shifted = {
            shift: ops.irfft(low * factors, extension.length)
            for shift, factors in zip(extension.shifts, weights, strict=True)
        }
        return ops.concatenate([shifted[shift][:, samples] for shift, samples in extension.stretches], 1)

    def _moduli(self, spectra: Spectra, wavelets: FoldedWavelets | BasebandWavelets) -> list[Array]:
        """Return the modulus after wavelets: of the samples and, for `BasebandWavelets`, of the midpoints."""
        ops = self.ops
        if isinstance(wavelets, BasebandWavelets):
            weights = map(self._spectral_weights, (wavelets.above, wavelets.below))
            products = ops.baseband_products(spectra.two_sided, spectra.zero, wavelets, *weights)
            interpolation = self._half_sample_weights(wavelets.interpolation)
            return ops.moduli(ops.irfft(products, wavelets.length), interpolation)
        # Both parts in one transform: libraries transform four or eight rows together, and a remainder one by one.
        blocks = [self._ranges(spectra.half, wavelets.even), self._ranges(spectra.times_minus_i, wavelets.odd)]
        return [ops.modulus(ops.irfft(ops.weighted_sums(blocks, wavelets.length // 2 + 1), wavelets.length))]

    def _ranges(self, half: Array, sums: tuple[TermSum, ...]) -> Ranges:
        return [[(self._bins(half, term), self._spectral_weights(term.weights)) for term in terms] for terms in sums]

    def _bins(self, half: Array, term: Term) -> Array:
        n_bins = term.weights.shape[1]
        if term.step == 1:
            return half[:, term.first : term.first + n_bins]
        stop = term.first - n_bins
        return self.ops.conj(half[:, term.first : stop if stop >= 0 else None : -1])

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
        ops, frames, key = self.ops, [], (padding, subsampling, len(parts), double)
        for average in self._once(key, self._block_averages, *key):
            samples = slice(average.first, average.last)
            projections = [
                ops.reshape(part[:, samples], (-1, basis.shape[0])) @ basis
                for part, basis in zip(parts, average.bases, strict=True)
            ]
            rows = ops.reshape(reduce(add, projections), (parts[0].shape[0], -1))
            frames.append(rows @ average.combination)
        return reduce(add, frames)

    def _block_averages(self, padding: Padding, subsampling: int, n_parts: int, double: bool) -> list[BlockAverage]:
        """Return the plan's averages of blocks in the library's arrays, for parts that take turns of samples."""
        smallest_share = 1e-16 if double else 0.1 * float(np.finfo(self.ops.dtype).eps)
        constant = partial(self.ops.constant, double=double)
        return [
            BlockAverage(
                average.first // n_parts,
                average.last // n_parts,
                [constant(average.bases[0][part::n_parts]) for part in range(n_parts)],
                constant(average.combination),
            )
            for average in self.plan.averaging[padding].block_averages(subsampling, smallest_share)
        ]
