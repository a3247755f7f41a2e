"""A network of two genres whose answers are known in closed form, and songs for it."""

from pathlib import Path

import keras
import numpy as np

from mgc_keras.layers.named_outputs import with_output_names

RATE, LENGTH = 12000, 1200


def two_genres(path: Path, length: int = LENGTH, threshold: float = 0.0) -> Path:
    """Save the soft-max of a waveform's mean less a threshold, and of minus that: genres "high" and "low"."""
    inputs = keras.Input((length,))
    genres = keras.layers.Dense(2, activation="softmax", name="genres")
    network = keras.Model(inputs, genres(inputs))
    genres.set_weights([np.tile([[1.0, -1.0]], (length, 1)) / length, np.array([-threshold, threshold])])
    with_output_names(network, ["high", "low"]).save(path)
    return path


def song(*levels: float, rest: int = 300, length: int = LENGTH) -> np.ndarray:
    """An excerpt at each level, and a rest that fills none."""
    # A constant would be silence: each is as much above its level as below it.
    sway = np.resize([1.01, 0.99], length)
    return np.concatenate([*(level * sway for level in levels), np.zeros(rest)])


def share_of_high(level: np.ndarray | float, threshold: float = 0.0) -> np.ndarray | float:
    """The network's share of "high" for an excerpt at a level."""
    return 1 / (1 + np.exp(-2 * (np.asarray(level) - threshold)))
