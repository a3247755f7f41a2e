"""The state of a training between two epochs, in one file: what a killed run goes on from."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import whole_file


@dataclass
class Checkpoint:
    """Finished epochs, and everything needed to go on with the next one.

    One file holds the weights, the optimizer's state and the record of the epochs, so that they cannot disagree however
    a run ends.

    Parameters
    ----------
    rows : list of dict
        One an epoch, names to numbers.
    predictions : list of np.ndarray [shape=(n_clips,), dtype=int]
        One an epoch, where a training keeps them.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)

    @property
    def n_epochs(self) -> int:
        """How many epochs are finished."""
        return len(self.rows)


def save_checkpoint(
    path: Path, checkpoint: Checkpoint, variables: list[keras.Variable], settings: dict[str, Any]
) -> None:
    """Write the file whole or not at all.

    Parameters
    ----------
    path : Path
        Ends in ``.npz``.
    checkpoint : Checkpoint
    variables : list of keras.Variable
        Weights and optimizer state, always in one order.
    settings : dict
        What fixes the numbers, as plain JSON values.
    """
    arrays = {f"variable_{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(variables)}
    texts = {"rows": np.array(json.dumps(checkpoint.rows)), "settings": np.array(_canonical(settings))}
    if checkpoint.predictions:
        arrays["predictions"] = np.stack(checkpoint.predictions)
    with whole_file(path) as temporary:
        np.savez(temporary, **arrays, **texts)


def load_checkpoint(path: Path, variables: list[keras.Variable], settings: dict[str, Any]) -> Checkpoint:
    """Set `variables` from a file that `save_checkpoint` wrote, and return its record; an empty one without a file.

    Raises
    ------
    OptionError
        The file belongs to a training with other settings, or to another network.
    MgcKerasError
        The file is damaged.
    """
    if not path.exists():
        return Checkpoint()
    cure = "choose another --out or remove that file"
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise MgcKerasError(f"is no whole checkpoint ({error})", path=path, cure=cure) from error
    if str(arrays.get("settings")) != _canonical(settings):
        raise OptionError("holds a training with other settings", path=path, cure=cure)
    values = [arrays.get(f"variable_{i}") for i in range(len(variables))]
    for variable, value in zip(variables, values):
        if value is None or tuple(value.shape) != tuple(variable.shape):
            raise OptionError("belongs to another network", path=path, field=variable.path, cure=cure)
    for variable, value in zip(variables, values):
        variable.assign(value)
    return Checkpoint(json.loads(str(arrays["rows"])), list(arrays.get("predictions", ())))


def with_place(error: MgcKerasError, epoch: int, checkpoint: Path) -> MgcKerasError:
    """Say in which epoch a training failed, and which checkpoint is good."""
    kept = f"epoch {epoch} is kept in {checkpoint}" if epoch else "no epoch was finished"
    return MgcKerasError(f"{error.problem} of epoch {epoch + 1}; {kept}", field=error.field, cure=error.cure)


def _canonical(settings: dict[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)
