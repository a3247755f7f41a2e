"""The fast scattering transform, for any library of arrays.

What it computes is written down in `mgc_keras.scattering.reference`; how, in `mgc_keras.scattering`. The operations
come from a small set of functions, once TensorFlow's and once SciPy's.

The last axis of an array is samples, bins or frames; the one before it, signals. Axes before these are clips: SciPy has
none of them, TensorFlow one.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from mgc_keras.scattering.averaging import BlockAverage
from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.folding import FoldedWavelets, Term, TermSum
from mgc_keras.scattering.groups import Group, Readers, readers
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


@dataclass(frozen=True)
class Moduli:
    """Some paths before the low-pass.

    Attributes
    ----------
    paths : list of tuple of int
        The numbers of the wavelets of each row.
    parts : list of array
        The modulus; of `BasebandWavelets`, that of the samples and that of the midpoints.
    padding : Padding
    subsampling : int
    """

    paths: list[tuple[int, ...]]
    parts: list[Array]
    padding: Padding
    subsampling: int


class Transform:
    """A plan with the operations to carry it out.

    Parameters
    ----------
    plan : ScatteringPlan
    operations : Operations
    together : bool
        Compute what is alike together: second-order wavelets on the moduli of all first-order groups, and low-passes
        of all moduli of one rate. That takes a third of the operations, and more memory. Coefficients differ by
        rounding.
    """

    def __init__(self, plan: ScatteringPlan, operations: Operations, *, together: bool = False) -> None:
        self.plan, self.ops, self.together = plan, operations, together and plan.options.average
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

    def __call__(self, waveforms: Array) -> Array | list[Array]:
        """Transform waveforms.

        Parameters
        ----------
        waveforms : array [shape=(..., n_samples)]

        Returns
        -------
        array [shape=(..., n_paths, n_frames)] or list of array
            In the order of the plan's paths. Without averaging, one array (..., n_samples) a path.
        """
        plan, ops = self.plan, self.ops
        padding, waveforms = plan.short or plan.long, ops.cast(waveforms, double=True)
        # In double precision until the spectrum is known. The mean of large samples may be near zero, and a loud low
        # tone would drown what lies 60 dB below it.
        padded = ops.pad(waveforms, *padding.sides(plan.options.n_samples))[..., None, :]
        averaged = plan.options.average
        order_0 = self._average([padded], padding, 0, double=True) if averaged else waveforms[..., None, :]
        paths: list[tuple[int, ...]] = [()]
        outputs = [ops.cast(order_0)]
        for moduli in self._all_moduli(ops.rfft(padded), padding):
            paths += moduli.paths
            outputs.append(self._output(moduli))
        places = {path: place for place, path in enumerate(paths)}
        order = [places[path.wavelets] for path in plan.paths]
        if averaged:
            return ops.rows(ops.concatenate(outputs, -2), order)
        rows = [output[..., row, :] for output in outputs for row in range(output.shape[-2])]
        return [rows[place] for place in order]

    def _all_moduli(self, spectrum: Array, padding: Padding) -> Iterable[Moduli]:
        moduli = self._paths(spectrum, padding)
        if not self.together:
            return moduli
        alike: dict[Hashable, list[Moduli]] = {}
        for some in moduli:
            alike.setdefault((some.padding, some.subsampling, len(some.parts)), []).append(some)
        return map(self._joined, alike.values())

    def _joined(self, moduli: list[Moduli]) -> Moduli:
        paths = [path for some in moduli for path in some.paths]
        parts = [self._stacked(list(part)) for part in zip(*(some.parts for some in moduli), strict=True)]
        return Moduli(paths, parts, moduli[0].padding, moduli[0].subsampling)

    def _stacked(self, arrays: list[Array]) -> Array:
        return self.ops.concatenate(arrays, -2) if len(arrays) > 1 else arrays[0]

    def _paths(self, spectrum: Array, padding: Padding) -> Iterator[Moduli]:
        """Yield the paths of orders 1 and 2 of waveforms, (..., 1, n_bins) in double precision."""
        plan, ops = self.plan, self.ops
        if plan.extension:
            yield from self._first_order(ops.cast(spectrum), plan.fast, padding)
            spectrum = ops.rfft(self._extend(spectrum, plan.extension))
        yield from self._first_order(ops.cast(spectrum), plan.slow, plan.long)

    def _first_order(self, half: Array, groups: tuple[Group, ...], padding: Padding) -> Iterator[Moduli]:
        """Yield the paths of some groups: those of the first order, and then those of the second that follow."""
        spectra = self._spectra(half, [group.wavelets for group in groups])
        for some in [groups] if self.together else [(group,) for group in groups]:
            sources = []
            for group in some:
                moduli = self._moduli(spectra, group.wavelets)
                paths: list[tuple[int, ...]] = [(number,) for number in group.numbers]
                yield Moduli(paths, moduli, padding, group.subsampling)
                sources.append((paths, self._modulus_spectrum(moduli, group) if group.n_bins else None))
            for reader in readers([group.second for group in some]):
                yield from self._second_order(*self._source(sources, reader), reader, padding)
            if extension := self.plan.extension:
                for reader in readers([group.second_extended for group in some]):
                    paths, spectrum = self._source(sources, reader, extension.n_bins)
                    extended = self.ops.cast(self.ops.rfft(self._extend(spectrum, extension)))
                    yield from self._second_order(paths, extended, reader, self.plan.long)

    def _modulus_spectrum(self, moduli: list[Array], group: Group) -> Array:
        modulus = moduli[0]
        if group.decimation is not None:
            modulus = self.ops.decimate(moduli[0], moduli[1], self._half_sample_weights(group.decimation))
        return self.ops.rfft(modulus)[..., : group.n_bins]

    def _source(
        self, sources: list[tuple[list[tuple[int, ...]], Array]], reader: Readers, n_bins: int | None = None
    ) -> tuple[list[tuple[int, ...]], Array]:
        """Return the paths of the first-order moduli that are read, and the bins of their spectra that are."""
        read = [sources[place] for place in reader.sources]
        if len(read) == 1:
            return read[0]
        n_bins = n_bins or reader.n_bins
        return [path for paths, _ in read for path in paths], self._stacked([bins[..., :n_bins] for _, bins in read])

    def _second_order(
        self, paths: list[tuple[int, ...]], half: Array, reader: Readers, padding: Padding
    ) -> Iterator[Moduli]:
        """Yield the paths of second-order wavelets after moduli whose paths and spectra are given."""
        spectra = self._spectra(half, [group.wavelets for group in reader.groups])
        for group in reader.groups:
            followed = [path + group.numbers for path in paths]
            yield Moduli(followed, self._moduli(spectra, group.wavelets), padding, group.subsampling)

    def _spectra(self, half: Array, wavelets: Sequence[FoldedWavelets | BasebandWavelets]) -> Spectra:
        """Prepare half spectra for some wavelets."""
        ops = self.ops
        baseband = [group for group in wavelets if isinstance(group, BasebandWavelets)]
        times_minus_i = half * self._minus_i if len(baseband) < len(wavelets) else None
        if not baseband:
            return Spectra(half, times_minus_i)
        zero, last = max(max(group.centres) for group in baseband), half.shape[-1] - 1
        missing = max(group.n_bins for group in baseband) - 1 - last
        # The highest bin is its own negative where all of a spectrum is given, and only then are bins above it read.
        above = [ops.conj(half[..., last - 1 : last - 1 - missing : -1])] if missing > 0 else []
        return Spectra(half, times_minus_i, ops.concatenate([ops.conj(half[..., zero:0:-1]), half, *above], -1), zero)

    def _extend(self, spectra: Array, extension: Extension) -> Array:
        """Return the samples on the long padding of signals whose spectra on the short one are given.

        In double precision: the rounding of two more transforms would otherwise be heard where a clip falls silent.
        """
        ops = self.ops
        weights = self._once(
            "extension", lambda: [ops.constant(factors, double=True) for factors in extension.weights()]
        )
        low = ops.cast(spectra[..., : extension.n_bins], double=True)
        shifted = {
            shift: ops.irfft(low * factors, extension.length)
            for shift, factors in zip(extension.shifts, weights, strict=True)
        }
        return ops.concatenate([shifted[shift][..., samples] for shift, samples in extension.stretches], -1)

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
            return half[..., term.first : term.first + n_bins]
        stop = term.first - n_bins
        return self.ops.conj(half[..., term.first : stop if stop >= 0 else None : -1])

    def _output(self, moduli: Moduli) -> Array:
        """Return the frames of some moduli; without averaging, the samples of the clip."""
        if self.plan.options.average:
            return self._average(moduli.parts, moduli.padding, moduli.subsampling)
        first, last = self.plan.span(moduli.subsampling)
        return moduli.parts[0][..., first:last]

    def _average(self, parts: list[Array], padding: Padding, subsampling: int, *, double: bool = False) -> Array:
        """Return the low-pass of signals, (..., n_signals, n_frames).

        Two parts are the samples and the midpoints of signals at half rate.
        """
        ops, frames, key = self.ops, [], (padding, subsampling, len(parts), double)
        for average in self._once(key, self._block_averages, *key):
            samples = slice(average.first, average.last)
            projections = [
                ops.reshape(part[..., samples], (-1, basis.shape[0])) @ basis
                for part, basis in zip(parts, average.bases, strict=True)
            ]
            rows = ops.reshape(reduce(add, projections), (-1, average.combination.shape[0]))
            frames.append(rows @ average.combination)
        return ops.unflatten(reduce(add, frames), parts[0])

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
