"""What turns waveforms into a feature set, and which clips share a batch."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError

BATCH_ORDERS = ("file", "sorted", "shuffled", "single")


class Columns(Protocol):
    """What a form of output must know of features: the names of their columns, and "float32" or "float64"."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the features."""
        ...

    @property
    def dtype(self) -> str:
        """The type of the features."""
        ...


class Extractor(Protocol):
    """A feature set: named columns computed from batches of waveforms.

    Attributes
    ----------
    name : str
        Short name of the feature set.
    columns : sequence of str
        Names of the features.
    sampling_rate : int
        Of the waveforms, in Hz.
    n_samples : int or None
        Length of the waveforms; None takes any length.
    duration : float or None
        Seconds that are read from the start of each clip; None reads it whole.
    batch_size : int
        Number of clips a call.
    fit : str
        How clips are brought to `n_samples`, where it is no None: see `mgc_keras.audio.files.fit_waveform`.
    batch_order : str
        Which clips share a batch: see `compose_batches`.
    seed : int
        Of the shuffled order.
    dtype : str
        The type of the features, "float32" or "float64".

    It may also have `resampler`, as `mgc_keras.audio.files.read_waveform` takes it; `streams`, how many batches may be
    computed at once, from several threads; ``measured()``, what is known only after computing: plain JSON values that
    stand beside the features, too; `spans`, what clips are cut into (see `mgc_keras.audio.spans`), and
    ``summarize(rows)``, which gives a clip's row for those of its spans.
    """

    name: str
    columns: Sequence[str]
    sampling_rate: int
    n_samples: int | None
    duration: float | None
    batch_size: int
    fit: str = "repeat"
    batch_order: str = "file"
    seed: int = 0
    dtype: str = "float32"

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers (settings, hash of the weights), as plain JSON values."""
        ...

    def __call__(self, waveforms: Any) -> np.ndarray:
        """Return (batch, n_features) for waveforms (batch, n_samples) float32, or a list if `n_samples` is None."""
        ...


def compose_batches(
    n_clips: int, batch_size: int, order: str = "file", *, seed: int = 0, labels: Sequence[Any] | None = None
) -> list[np.ndarray]:
    """Say which clips share a batch: their positions in the manifest, one array a batch; each position occurs once.

    Parameters
    ----------
    n_clips, batch_size : int
        The last batch may be smaller.
    order : {"file", "sorted", "shuffled", "single"}
        As in the manifest; class by class; at random; or one by one.
    seed : int
        Of "shuffled".
    labels : sequence, optional
        The clips' classes, for "sorted"; clips of a class stay in manifest order.

    Raises
    ------
    OptionError
        `order` is unknown, `batch_size` is below 1, or "sorted" lacks labels.

    Example
    -------
    >>> [batch.tolist() for batch in compose_batches(5, 2, "sorted", labels=list("babab"))]
    [[1, 3], [0, 2], [4]]
    """
    checked_choice("batch_order", order, BATCH_ORDERS)
    if batch_size < 1:
        raise OptionError(f"{batch_size} is no batch size", field="batch_size", cure="give a positive number of clips")
    positions = np.arange(n_clips)
    if order == "sorted":
        if labels is None:
            cure = "give a manifest with a label column"
            raise OptionError("the clips have no classes", field="batch_order", cure=cure)
        positions = np.argsort(np.asarray(labels), kind="stable")
    elif order == "shuffled":
        positions = np.random.default_rng(seed).permutation(n_clips)
    step = 1 if order == "single" else batch_size
    return [positions[start : start + step] for start in range(0, n_clips, step)]
