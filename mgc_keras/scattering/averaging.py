"""The low-pass as small matrices: a signal is cut into blocks of a hop, each block weighed by its part in every frame.

A Gaussian changes so little over a block that a handful of shapes make up all of its parts.
"""

import math
from dataclasses import dataclass

import numpy as np

from mgc_keras.scattering.extents import Extent, fade
from mgc_keras.scattering.filters import gaussian
from mgc_keras.scattering.options import SIGMA_0, ScatteringOptions

# Of the low-pass' height, below which it is cut: at six standard deviations.
_SMALLEST = math.exp(-18)
# How near to nothing, or to all, a count is taken for it.
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Stretch:
    """Some samples of a subsampled signal in blocks, and the part of each in the frames.

    Attributes
    ----------
    first, last : int
        The samples from `first` to `last` (excluded).
    shapes : np.ndarray [shape=(n_samples of a block, n_shapes), dtype=float64]
    shares : np.ndarray [shape=(n_blocks * n_shapes, n_frames), dtype=float64]
        shapes @ shares of a block: the weight of each of its samples in each frame.
    """

    first: int
    last: int
    shapes: np.ndarray
    shares: np.ndarray


class Averaging:
    """The low-pass of one extent.

    Parameters
    ----------
    options : ScatteringOptions
    extent : Extent
        Where signals come from.
    frames : np.ndarray [shape=(n_frames,), dtype=int]
        When each frame is, in samples from the start of the clip.
    """

    def __init__(self, options: ScatteringOptions, extent: Extent, frames: np.ndarray) -> None:
        self.options, self.extent, self.frames = options, extent, frames
        self._n_blocks = extent.length // options.hop
        # Nothing comes round where samples stand for reflections: a circle too long for that.
        self._circle = extent.length * (8 if extent.own else 1)
        self._smallest = _SMALLEST * float(self._low_pass(np.zeros(1))[0])

    def stretches(self, subsampling: int, smallest_share: float) -> list[Stretch]:
        """Return what a signal that is subsampled by 2^subsampling is multiplied by; the products add up to the frames.

        Parameters
        ----------
        subsampling : int
        smallest_share : float
            Shapes that are smaller than this, beside the largest, are left out.
        """
        counts = self._counts(subsampling)
        # Blocks in which a sample begins or ceases to count have shapes of their own.
        mixed = np.flatnonzero(
            [any(np.ptp(count[block]) > 0 for count in counts.values()) for block in range(self._n_blocks)]
        )
        runs = np.split(mixed, np.flatnonzero(np.diff(mixed) > 1) + 1) if len(mixed) else []
        whole = [self._whole(subsampling, run[0], run[-1] + 1, counts, smallest_share) for run in runs]
        if len(mixed) == self._n_blocks:
            return whole
        return [
            self._alike(subsampling, np.setdiff1d(np.arange(self._n_blocks), mixed), counts, smallest_share),
            *whole,
        ]

    def _times(self, subsampling: int) -> np.ndarray:
        """Return when samples are, (n_blocks, n_samples of a block)."""
        times = np.arange(0, self.extent.length, 2**subsampling) - self.extent.before
        return times.reshape(self._n_blocks, -1)

    def _counts(self, subsampling: int) -> dict[tuple[int, int], np.ndarray]:
        """Return how much samples count, (n_blocks, n_samples of a block), as what is at sign * time + origin."""
        times = self._times(subsampling)
        if self.extent.own is None:
            return {(1, 0): np.ones(times.shape)}
        counts = {(1, 0): np.prod(fade(times, self.extent.own, subsampling), axis=0)}
        for end, origin in enumerate((0, 2 * (self.options.n_samples - 1))):
            counts[-1, origin] = 1 - fade(origin - times, self.extent.own, subsampling)[end]
        for count in counts.values():
            count[count < _NEGLIGIBLE] = 0
            count[count > 1 - _NEGLIGIBLE] = 1
        return counts

    def _low_pass(self, distances: np.ndarray) -> np.ndarray:
        return gaussian(SIGMA_0 / self.options.T, self._circle, distances)

    def _whole(self, subsampling: int, first: int, last: int, counts: dict, smallest_share: float) -> Stretch:
        """Take blocks from `first` to `last` as one."""
        times = self._times(subsampling)[first:last].reshape(-1, 1)
        weights = sum(
            count[first:last].reshape(-1, 1) * self._low_pass(self.frames - sign * times - origin)
            for (sign, origin), count in counts.items()
        )
        shapes, sizes, shares = np.linalg.svd(weights, full_matrices=False)
        n_shapes = max(int((sizes > sizes[0] * smallest_share).sum()), 1)
        width = self.options.hop >> subsampling
        return Stretch(first * width, last * width, shapes[:, :n_shapes] * sizes[:n_shapes], shares[:n_shapes])

    def _alike(self, subsampling: int, blocks: np.ndarray, counts: dict, smallest_share: float) -> Stretch:
        """Give some blocks, whose samples count wholly or not at all, the same shapes; other blocks count nothing."""
        starts = self._times(subsampling)[:, 0]
        positions = np.arange(0, self.options.hop, 2**subsampling)
        columns, places = [], []  # the weights of a block, and in which (blocks, frames) they occur
        for (sign, origin), count in counts.items():
            counting = blocks[count[blocks, 0] == 1]
            # How far block and frame are apart, on which alone the weights depend.
            apart = self.frames - sign * starts[counting][:, None] - origin
            for distance in np.unique(apart % self._circle):
                weights = self._low_pass(distance - sign * positions)
                if weights.max() > self._smallest:
                    block, frame = np.nonzero(apart % self._circle == distance)
                    columns.append(weights)
                    places.append((counting[block], frame))
        shapes, sizes, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
        shapes = shapes[:, : max(int((sizes > sizes[0] * smallest_share).sum()), 1)]
        shares = np.zeros((self._n_blocks, shapes.shape[1], len(self.frames)))
        for weights, (block, frame) in zip(columns, places, strict=True):
            shares[block, :, frame] += weights @ shapes
        return Stretch(0, self.extent.length >> subsampling, shapes, shares.reshape(-1, len(self.frames)))
