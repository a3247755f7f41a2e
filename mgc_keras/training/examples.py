"""Clips with their targets, read a batch at a time, and what a network's scores of them come to."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np

from mgc_keras.errors import MgcKerasError, OptionError

# (scores, truth) of clips to figures by name, one of them "loss".
Judge = Callable[[np.ndarray, np.ndarray], dict[str, float]]


@dataclass(frozen=True, eq=False)
class Examples:
    """Clips to learn from: stored arrays, which of them, and what to predict.

    Parameters
    ----------
    values : np.ndarray [shape=(n_stored, …)]
        Sequences (n_frames, n_paths), images, waveforms. May be larger than memory: a memory map, or what
        `mgc_keras.training.shards.Shards` reads.
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
    def shape(self) -> tuple[int, ...]:
        """Of what the network is given of one clip."""
        return self.values.shape[1:]

    @property
    def is_multi_label(self) -> bool:
        """Whether the targets are tags, any number a clip, rather than one class a clip."""
        return self.targets.ndim == 2

    @property
    def target_dtype(self) -> type:
        """Of the targets that a batch gives: float32 for tags, int64 for class numbers."""
        return np.float32 if self.is_multi_label else np.int64

    @property
    def n_outputs(self) -> int:
        """Tags, or classes: one more than the largest class number."""
        return self.targets.shape[1] if self.is_multi_label else int(self.targets.max()) + 1

    def select(self, clips: np.ndarray) -> "Examples":
        """Return the examples of some clips, named by position, in that order."""
        return replace(self, rows=self.rows[clips], targets=self.targets[clips])

    def drawn(self, order: np.ndarray, random: np.random.Generator) -> "Examples":
        """Return the examples as an epoch sees them that takes the clips in this order: here, as they are."""
        return self

    def batch(self, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values (batch, …) float32 and targets of some clips, named by position."""
        return self.stored(clips).astype(np.float32, copy=False), self.targets[clips].astype(self.target_dtype)

    def stored(self, clips: np.ndarray) -> np.ndarray:
        """Return values (batch, …) of some clips, named by position, in the dtype in which they are stored."""
        return np.asarray(self.values[self.rows[clips]])


@dataclass(frozen=True, eq=False)
class Excerpts(Examples):
    """Clips of which the network is given an excerpt: a random one in each epoch of training, else the middle.

    Parameters
    ----------
    values : np.ndarray [shape=(n_stored, n_mels, n_frames, …)]
        Mel-spectrograms.
    rows, targets
        As in `Examples`.
    n_frames : int
        Length of an excerpt.
    starts : np.ndarray [shape=(n_clips,), dtype=int], optional
        First frame of each clip's excerpt; by default the excerpt lies in the middle.

    Example
    -------
    >>> excerpts = Excerpts(np.arange(10).reshape(1, 1, 10), np.array([0]), np.array([0]), n_frames=4)
    >>> excerpts.batch(np.array([0]))[0]
    array([[[3., 4., 5., 6.]]], dtype=float32)
    """

    n_frames: int = 1
    starts: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one excerpt."""
        n_mels, _, *rest = self.values.shape[1:]
        return (n_mels, self.n_frames, *rest)

    def select(self, clips: np.ndarray) -> "Excerpts":
        """Return the examples of some clips, named by position, in that order."""
        starts = None if self.starts is None else self.starts[clips]
        return replace(self, rows=self.rows[clips], targets=self.targets[clips], starts=starts)

    def drawn(self, order: np.ndarray, random: np.random.Generator) -> "Excerpts":
        """Return the examples with excerpts at random places, drawn clip by clip in this order."""
        starts = np.empty(len(self), int)
        starts[order] = random.integers(self.values.shape[2] - self.n_frames + 1, size=len(order))
        return replace(self, starts=starts)

    def stored(self, clips: np.ndarray) -> np.ndarray:
        """Return excerpts (batch, n_mels, n_frames, …) of some clips, named by position, in the dtype as stored."""
        middle = (self.values.shape[2] - self.n_frames) // 2
        starts = np.full(len(clips), middle) if self.starts is None else self.starts[clips]
        pairs = zip(self.rows[clips], starts, strict=True)
        return np.stack([self.values[row][:, start : start + self.n_frames] for row, start in pairs])


def judge_classes(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return cross-entropy (nats a clip) and accuracy (share of clips); NaN for no clips.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_clips, n_classes), dtype=float]
        Of a soft-max. They count as at least Keras' epsilon, as in its own loss.
    truth : np.ndarray [shape=(n_clips,), dtype=int]
        Class numbers.

    Example
    -------
    >>> figures = judge_classes(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 0]))
    >>> {name: round(value, 3) for name, value in figures.items()}
    {'loss': 1.04, 'accuracy': 0.5}
    """
    if not len(truth):
        return {"loss": float("nan"), "accuracy": float("nan")}
    of_truth = np.maximum(scores[np.arange(len(truth)), truth], keras.config.epsilon())
    return {"loss": float(-np.log(of_truth).mean()), "accuracy": float(np.mean(scores.argmax(1) == truth))}


def judge_tags(auc: Callable[[np.ndarray, np.ndarray], float]) -> Judge:
    """Return a function from (scores, truth) to ``{"loss": …, "auc": …}``: cross-entropy in nats a clip and tag.

    `auc` takes (truth, scores), both (n_clips, n_tags), to macro AUC-ROC; where that is NaN, since no tag can be
    scored, the function raises `MgcKerasError`.
    """

    def judge(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        area = float(auc(truth, scores))
        if not np.isfinite(area):
            problem = "no tag has both positive and negative validation clips"
            raise MgcKerasError(problem, field="split", cure="hold more clips out")
        loss = keras.losses.binary_crossentropy(truth.astype(np.float32), scores)
        return {"loss": float(np.mean(loss)), "auc": area}

    return judge
