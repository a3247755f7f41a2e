"""Means and variances over more data than fits in memory at once."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass
class Moments:
    """Mean and population variance per channel, gathered chunk by chunk in float64 (Chan, Golub and LeVeque 1979)."""

    count: int = 0
    mean: np.ndarray | float = 0.0
    squares: np.ndarray | float = 0.0

    def add(self, count: int, mean: np.ndarray, variance: np.ndarray) -> None:
        """Take in a chunk with `count` values a channel."""
        mean, total = mean.astype(np.float64), self.count + count
        gap = mean - self.mean
        self.squares = self.squares + variance.astype(np.float64) * count + gap**2 * (self.count * count / total)
        self.mean = self.mean + gap * (count / total)
        self.count = total

    @property
    def variance(self) -> np.ndarray:
        """The population variance, (channels,) float64."""
        return self.squares / self.count


def first_layer_moments(spectrograms: Iterable[np.ndarray], kernel: np.ndarray, bias: np.ndarray) -> Moments:
    """Return the moments of a 3 x 3 convolution of one-channel maps without computing the convolution.

    Every output is a weighted sum of nine neighbours. Its mean follows from the neighbours' nine means, its variance
    from their 9 x 9 covariance: far fewer numbers than the 32 large output maps.

    Parameters
    ----------
    spectrograms : iterable of np.ndarray
        Chunks (clips, frequency, time, 1).
    kernel, bias : np.ndarray
        (3, 3, 1, channels) and (channels,).

    Returns
    -------
    Moments
        Of the convolution with zero padding, per channel.
    """
    count, sums, products = 0, np.zeros(9), np.zeros((9, 9))
    for chunk in spectrograms:
        for clip in chunk[..., 0]:
            rows, columns = clip.shape
            padded = np.pad(clip.astype(np.float64), 1)
            neighbours = np.stack([padded[i : i + rows, j : j + columns].ravel() for i in range(3) for j in range(3)])
            count += clip.size
            sums += neighbours.sum(axis=1)
            products += neighbours @ neighbours.T
    mean = sums / count
    covariance = products / count - np.outer(mean, mean)
    weights = kernel.reshape(9, -1).astype(np.float64)
    moments = Moments()
    moments.add(count, mean @ weights + bias, np.einsum("ic,ij,jc->c", weights, covariance, weights))
    return moments
