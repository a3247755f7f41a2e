"""Which epoch of a training is the best, when to stop looking for a better one, and the file that holds its weights."""

from collections.abc import Sequence
from pathlib import Path

import keras

from mgc_keras.errors import MgcKerasError
from mgc_keras.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

BEST_BY = ("accuracy", "loss", "last")


def best_epoch(rows: Sequence[dict[str, float]], by: str = "accuracy") -> int:
    """Return where the epoch of the best validation accuracy stands; of equals, by validation loss, then the earlier.

    Parameters
    ----------
    rows : sequence of dict
        One an epoch, at least one, with ``validation_accuracy`` and ``validation_loss``.
    by : {"accuracy", "loss", "last"}
        "loss": the epoch of the lowest validation loss, whatever the accuracy; of equals, the earlier. "last": the
        last one, whatever the clips say.

    Example
    -------
    >>> rows = [{"validation_accuracy": 0.5, "validation_loss": loss} for loss in (1.5, 1.2, 1.2)]
    >>> best_epoch(rows)
    1
    """
    if by == "last":
        return len(rows) - 1
    if by == "loss":
        return min(range(len(rows)), key=lambda i: (rows[i]["validation_loss"], i))
    return min(range(len(rows)), key=lambda i: (-rows[i]["validation_accuracy"], rows[i]["validation_loss"], i))


def has_stopped(rows: Sequence[dict[str, float]], patience: int | None) -> bool:
    """Tell whether the last `patience` epochs brought no lower validation loss than the epochs before them.

    Example
    -------
    >>> [has_stopped([{"validation_loss": loss} for loss in losses], 2) for losses in ((3, 2, 2), (3, 2, 2, 2))]
    [False, True]
    """
    losses = [row["validation_loss"] for row in rows]
    if patience is None or len(losses) <= patience:
        return False
    return min(losses[-patience:]) >= min(losses[:-patience])


def save_weights(model: keras.Model, path: Path) -> None:
    """Write a network's weights, in its order, whole or not at all, the same bytes for the same weights.

    Keras's own weight files hold names that it counts up within a process, and so differ from run to run.

    Parameters
    ----------
    model : keras.Model
    path : Path
        Ends in ``.npz``.
    """
    save_checkpoint(path, Checkpoint(), model.weights, {})


def load_weights(model: keras.Model, path: Path) -> None:
    """Set a network's weights from what `save_weights` wrote.

    Raises
    ------
    OptionError
        The weights are of another network.
    MgcKerasError
        The file is missing or damaged.
    """
    if not path.exists():
        raise MgcKerasError("is missing", path=path, cure="remove the folder and train again")
    load_checkpoint(path, model.weights, {})
