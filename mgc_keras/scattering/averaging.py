"""The low-pass as small matrix products in time: a frame is a weighted sum of all samples.

A signal is cut into blocks, one a hop. A Gaussian changes so little over a block that its weights, for all frames, are
combinations of a few basis vectors: blocks are first projected onto these, and the projections are then combined to
frames.
"""

import math
from dataclasses import dataclass

import numpy as np

from mgc_keras.scattering.filters import SIGMA_0, gaussian
from mgc_keras.scattering.operations import Array
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.padding import Padding, crossfade

# The low-pass is cut below this share of its height: at six standard deviations.
_SMALLEST = math.exp(-18)
# A sample's weight beside its reflection that is as near as this to 0 or 1 is taken for 0 or 1.
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class BlockAverage:
    """The part of some consecutive blocks of a subsampled signal in the frames.

    Attributes
    ----------
    first, last : int
        The samples from `first` to `last` (excluded).
    bases : list of array [shape=(n_samples of a block, n_vectors), dtype=float64]
        One for each of the parts that take turns of samples; a single one until `Transform` splits the signal.
    combination : array [shape=(n_blocks * n_vectors, n_frames), dtype=float64]
        For one block, basis @ combination is the weight of each of its samples in each frame.
    """

    first: int
    last: int
    bases: list[Array]
    combination: Array


@dataclass(frozen=True)
class _Usage:
    """How samples enter the frames: at their own time, or as what is at a reflected time.

    A sample at time t counts as one at sign * t + origin, with a share, (n_blocks, n_samples of a block), from 0 to 1.
    """

    sign: int
    origin: int
    shares: np.ndarray


class Averaging:
    """The low-pass on one padding.

    Parameters
    ----------
    options : ScatteringOptions
    padding : Padding
        The padding of the signals.
    frames : np.ndarray [shape=(n_frames,), dtype=int]
        When each frame is, in samples from the start of the clip.
    """

    def __init__(self, options: ScatteringOptions, padding: Padding, frames: np.ndarray) -> None:
        self.options, self.padding, self.frames = options, padding, frames
        self._n_blocks = padding.length // options.hop
        # Reflections replace the circle's wrapping round: the low-pass lives on a circle that is too long for it.
        self._circle = padding.length * (8 if padding.valid else 1)
        self._smallest = _SMALLEST * float(self._low_pass(np.zeros(1))[0])

    def block_averages(self, subsampling: int, smallest_share: float) -> list[BlockAverage]:
        """Return the parts whose sum is the frames of a signal that is subsampled by 2^subsampling.

        Basis vectors that are smaller than `smallest_share`, beside the largest, are left out.
        """
        usages = self._usages(subsampling)
        # Weights are the same in every block, but for a shift, unless a sample is faded in or out within the block.
        is_faded = np.any([np.ptp(usage.shares, axis=1) > 0 for usage in usages], axis=0)
        faded, others = np.flatnonzero(is_faded), np.flatnonzero(~is_faded)
        runs = np.split(faded, np.flatnonzero(np.diff(faded) > 1) + 1) if len(faded) else []
        averages = [self._jointly(subsampling, run[0], run[-1] + 1, usages, smallest_share) for run in runs]
        return [self._by_distance(subsampling, others, usages, smallest_share), *averages] if len(others) else averages

    def _times(self, subsampling: int) -> np.ndarray:
        """Return the times of samples, (n_blocks, n_samples of a block), from the start of the clip."""
        times = np.arange(0, self.padding.length, 2**subsampling) - self.padding.before
        return times.reshape(self._n_blocks, -1)

    def _usages(self, subsampling: int) -> list[_Usage]:
        """Return the ways in which samples are used."""
        times, valid = self._times(subsampling), self.padding.valid
        if valid is None:
            return [_Usage(1, 0, np.ones(times.shape))]
        usages = [_Usage(1, 0, np.prod(crossfade(times, valid, subsampling), axis=0))]
        for end, origin in enumerate((0, 2 * (self.options.n_samples - 1))):
            usages.append(_Usage(-1, origin, 1 - crossfade(origin - times, valid, subsampling)[end]))
        for usage in usages:
            usage.shares[usage.shares < _NEGLIGIBLE] = 0
            usage.shares[usage.shares > 1 - _NEGLIGIBLE] = 1
        return usages

    def _low_pass(self, distances: np.ndarray) -> np.ndarray:
        return gaussian(SIGMA_0 / self.options.T, self._circle, distances)

    def _jointly(
        self, subsampling: int, first: int, last: int, usages: list[_Usage], smallest_share: float
    ) -> BlockAverage:
        """Take the blocks from `first` to `last` (excluded) as one, with a basis of its own."""
        times = self._times(subsampling)[first:last].reshape(-1, 1)
        weights = sum(
            usage.shares[first:last].reshape(-1, 1) * self._low_pass(self.frames - usage.sign * times - usage.origin)
            for usage in usages
        )
        vectors, sizes, combination = np.linalg.svd(weights, full_matrices=False)
        n_vectors = max(int((sizes > sizes[0] * smallest_share).sum()), 1)
        width = self.options.hop >> subsampling
        basis = vectors[:, :n_vectors] * sizes[:n_vectors]
        return BlockAverage(first * width, last * width, [basis], combination[:n_vectors])

    def _by_distance(
        self, subsampling: int, blocks: np.ndarray, usages: list[_Usage], smallest_share: float
    ) -> BlockAverage:
        """Use one basis for all `blocks`, whose samples have shares of all 0 or all 1; other blocks weigh nothing."""
        starts = self._times(subsampling)[:, 0]
        positions = np.arange(0, self.options.hop, 2**subsampling)
        columns, places = [], []  # the weights of a block, and in which (blocks, frames) they occur
        for usage in usages:
            used = blocks[usage.shares[blocks, 0] == 1]
            # The weights depend on the distance between block and frame alone.
            distances = self.frames - usage.sign * starts[used][:, None] - usage.origin
            for distance in np.unique(distances % self._circle):
                weights = self._low_pass(distance - usage.sign * positions)
                if weights.max() > self._smallest:
                    block, frame = np.nonzero(distances % self._circle == distance)
                    columns.append(weights)
                    places.append((used[block], frame))
        basis, sizes, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
        basis = basis[:, : max(int((sizes > sizes[0] * smallest_share).sum()), 1)]
        combination = np.zeros((self._n_blocks, basis.shape[1], len(self.frames)))
        for weights, (block, frame) in zip(columns, places, strict=True):
            combination[block, :, frame] += weights @ basis
        return BlockAverage(0, self.padding.length >> subsampling, [basis], combination.reshape(-1, len(self.frames)))
