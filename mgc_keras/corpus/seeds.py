"""Random generators that depend on names and numbers alone, the same in every process and on every machine."""

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Option = TypeVar("Option")


def stable_hash(*parts: str | int) -> int:
    """Return a 32-bit number made of `parts`, unlike `hash` the same in every process."""
    return zlib.crc32("|".join(str(part) for part in parts).encode())


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator for one purpose, such as "melody", of one seed; purposes never share random numbers."""
    return np.random.default_rng([int(seed), stable_hash(*purpose)])


def pick(rng: np.random.Generator, options: Sequence[Option]) -> Option:
    """Return one of `options`, all equally likely."""
    return options[int(rng.integers(len(options)))]
