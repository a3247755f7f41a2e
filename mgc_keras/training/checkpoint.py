"""Files that a training goes on from: the state between two epochs, and a network's weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import DAMAGES, whole_file


@dataclass
class Checkpoint:
    """The record of the finished epochs: a row of numbers by name for each, and predicted classes where they are kept.

    One file holds it together with the weights and the optimizer's state, so that they cannot disagree however a run
    ends. `predictions` are (n_clips,) int, one array an epoch.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)


def save_checkpoint(
    path: Path, checkpoint: Checkpoint, variables: list[keras.Variable], settings: Mapping[str, Any]
) -> None:
    """Write an ``.npz`` file whole or not at all.

    Parameters
    ----------
    path : Path
    checkpoint : Checkpoint
    variables : list of keras.Variable
        Everything that a step changes, always in one order.
    settings : mapping
        What fixes the numbers, as plain JSON values.
    """
    arrays = {f"variable_{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(variables)}
    if checkpoint.predictions:
        arrays["predictions"] = np.stack(checkpoint.predictions)
    with whole_file(path) as temporary:
        np.savez(temporary, **arrays, rows=json.dumps(checkpoint.rows), settings=_canonical(settings))


def load_checkpoint(path: Path, variables: list[keras.Variable], settings: Mapping[str, Any]) -> Checkpoint:
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
            # Ours are not: what is may unpack to more than there is memory.
            if any(part.compress_size != part.file_size for part in stored.zip.infolist()):
                raise ValueError("a part of it is compressed")
            arrays = {name: stored[name] for name in stored.files}
        rows = json.loads(str(arrays["rows"]))
    except DAMAGES as error:
        raise MgcKerasError(f"is no whole checkpoint ({error})", path=path, cure=cure) from error
    _check_same(str(arrays.get("settings")), settings, path)
    values = [arrays.get(f"variable_{i}") for i in range(len(variables))]
    for variable, value in zip(variables, values):
        if value is None or tuple(value.shape) != tuple(variable.shape):
            raise OptionError("belongs to another network", path=path, field=variable.path, cure=cure)
    for variable, value in zip(variables, values):
        variable.assign(value)
    return Checkpoint(rows, list(arrays.get("predictions", ())))


def save_weights(model: keras.Model, path: Path) -> None:
    """Write a network's weights, in its order, as a whole ``.npz`` file: the same bytes for the same weights.

    Keras's own weight files hold names that it counts up within a process, and so differ from run to run.
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


def _check_same(kept: str, settings: Mapping[str, Any], path: Path) -> None:
    """Raise `OptionError` unless the kept JSON text is that of the settings."""
    if kept != _canonical(settings):
        cure = "choose another --out or remove that folder"
        raise OptionError("holds a training with other settings", path=path.parent, cure=cure)


def _canonical(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)
