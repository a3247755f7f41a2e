"""From the short extent to the long one: a signal is subsampled, and then reflected as far as slow filters reach."""

from dataclasses import dataclass

import numpy as np
import scipy.special

from mgc_keras.scattering.extents import FLAT, ROUND, Extent


@dataclass(frozen=True)
class Piece:
    """Samples first, first + step, … (n of them) of a signal that comes `turn` samples earlier."""

    turn: int
    first: int
    step: int
    n_samples: int

    @property
    def samples(self) -> slice:
        """The samples as a slice."""
        stop = self.first + self.step * self.n_samples
        return slice(self.first, stop if stop >= 0 else None, self.step)


@dataclass(frozen=True)
class Bridge:
    """How a signal's spectrum on the short extent becomes samples on the long one, subsampled by 2^scale.

    The reflected samples of a subsampled signal lie between its samples, unless the clip's length happens to fit: they are
    computed in the spectrum, by a turn.

    Attributes
    ----------
    scale : int
    length : int
        Samples on the short extent.
    period : int
        Samples of the short extent before subsampling.
    pieces : tuple of Piece
        Side by side, they are the signal on the long extent.
    """

    scale: int
    length: int
    period: int
    pieces: tuple[Piece, ...]

    @property
    def n_bins(self) -> int:
        """How many bins of the spectrum are read."""
        return self.length // 2 + 1

    @property
    def turns(self) -> list[int]:
        """The different turns of the pieces."""
        return sorted({piece.turn for piece in self.pieces})

    def weights(self, subsampling: int) -> np.ndarray:
        """Return the factors of a spectrum of a signal that is subsampled by 2^subsampling.

        Returns
        -------
        np.ndarray [shape=(n_turns, n_bins), dtype=complex128]
            A low-pass, flat wherever slow wavelets are, times the turn.
        """
        turns = np.array(self.turns)[:, None] * np.arange(self.n_bins)
        passed = low_pass(np.arange(self.n_bins) / self.length)
        return 2.0 ** (subsampling - self.scale) * passed * np.exp(2j * np.pi / self.period * turns)


def low_pass(frequencies: np.ndarray) -> np.ndarray:
    """Return how much of each frequency, in cycles a sample behind a bridge, passes it."""
    return scipy.special.ndtr(2 * ROUND * ((1 + FLAT) / 2 - 2 * frequencies) / (1 - FLAT))


def bridge(short: Extent, long: Extent, n_samples: int, scale: int) -> Bridge:
    """Return the bridge from one extent to another, on whose grid it lies.

    Parameters
    ----------
    short, long : Extent
    n_samples : int
        Of the clip.
    scale : int
        Log2 of the subsampling.
    """
    step, n_long = 2**scale, long.length >> scale
    first, last = short.own
    begin = -(-(long.before + first) // step)  # the first sample that counts itself
    end = (long.before + last) // step + 1  # the first after the last one
    inside = Piece(0, begin - (long.before - short.before) // step, 1, end - begin)
    # A sample before the clip, at -t, is the one at t; one behind it, at t, the one at 2 (n - 1) - t.
    origin = long.before + short.before
    before = Piece(origin % step, origin // step, -1, begin)
    origin += 2 * (n_samples - 1)
    behind = Piece(origin % step, origin // step - end, -1, n_long - end)
    return Bridge(scale, short.length >> scale, short.length, (before, inside, behind))
