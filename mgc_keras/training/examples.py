"""Sequences, images, or whatever a network takes, with their targets, read a batch at a time."""

from dataclasses import dataclass

import numpy as np

from mgc_keras.errors import OptionError


@dataclass(frozen=True, eq=False)
class Examples:
    """Clips to learn from: stored arrays, which of them, and what to predict.

    Parameters
    ----------
    values : np.ndarray [shape=(n_stored, …)]
        Sequences (n_frames, n_paths), images, waveforms. May be a memory-mapped array larger than memory.
    rows : np.ndarray [shape=(n_clips,), dtype=int]
        Where each clip stands in `values`.
    targets : np.ndarray [shape=(n_clips,) or (n_clips, n_tags)]
        Class numbers, or 0 and 1 for every tag.

    Raises
    ------
    OptionError
        Rows and targets differ in number.

    Example
    -------
    >>> examples = Examples(np.zeros((9, 4, 2)), np.array([3, 8]), np.array([0, 1]))
    >>> len(examples), examples.batch(np.array([1]))[0].shape
    (2, (1, 4, 2))
    """

    values: np.ndarray
    rows: np.ndarray
    targets: np.ndarray

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.targets):
            raise OptionError(f"{len(self.rows)} clips have {len(self.targets)} targets", field="targets")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_outputs(self) -> int:
        """Tags, or classes: one more than the largest class number."""
        return self.targets.shape[1] if self.targets.ndim == 2 else int(self.targets.max()) + 1

    def batch(self, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values (batch, …) float32 and targets of some clips, named by position."""
        kind = np.float32 if self.targets.ndim == 2 else np.int64
        return np.asarray(self.values[self.rows[clips]], np.float32), self.targets[clips].astype(kind)
