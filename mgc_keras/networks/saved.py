"""Opens models that Keras 3 saved, whole, as .h5 or .keras, without ever running code from the file."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import kapre  # noqa: F401  (registers the layers that models of this package are composed of)
import keras

from mgc_keras.discovery import modules_in, modules_named
from mgc_keras.errors import WeightsError
from mgc_keras.networks.hdf5 import text

_PACKAGES = ("keras", "mgc_keras", "kapre", "builtins")
# Layers that carry code of their own, or load it from elsewhere.
_CODE = ("Lambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")


def config_of_keras_file(path: Path) -> dict[str, Any]:
    """Read a model's configuration from a .keras file (a zip archive), or raise a `WeightsError` if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        problem = f"is no whole .keras file: {_one_line(error)}"
        raise WeightsError(problem, path=path, cure="take another copy") from error


def config_of_h5_file(file: h5py.File, path: Path) -> dict[str, Any]:
    """Read a model's configuration from an open .h5 file, or raise a `WeightsError` if it is damaged."""
    damaged = WeightsError("is damaged", path=path, field="model_config", cure="take another copy")
    try:
        config = json.loads(text(file.attrs["model_config"]))
    except ValueError as error:
        raise damaged from error
    if not isinstance(config, dict):
        raise damaged
    return config


def holds_config(file: h5py.File, wanted: Callable[[dict[str, Any]], bool]) -> bool:
    """Tell whether an open .h5 file holds a model whose configuration is as wanted; a damaged one is not."""
    try:
        return "model_config" in file.attrs and wanted(config_of_h5_file(file, Path(file.filename)))
    except WeightsError:
        return False


def check_stored_tensors(file: h5py.File, path: Path) -> None:
    """Raise a `WeightsError` that names the first tensor that an open .h5 model announces but does not hold."""
    groups = file.get("model_weights")
    if not isinstance(groups, h5py.Group):
        raise WeightsError("the weights are missing", path=path, field="model_weights", cure="take a whole copy")
    for layer in (text(name) for name in groups.attrs.get("layer_names", ())):
        if layer not in groups:
            raise WeightsError("this layer is missing", path=path, field=layer, cure="take a whole copy")
        for name in (text(name) for name in groups[layer].attrs.get("weight_names", ())):
            if name not in groups[layer]:
                field = f"{layer}/{name}"
                raise WeightsError("this tensor is missing", path=path, field=field, cure="take a whole copy")


def load_saved(path: Path, config: dict[str, Any]) -> keras.Model:
    """Load a whole saved model, of this configuration, in safe mode, without compiling it.

    Raises
    ------
    WeightsError
        A layer carries code (Lambda) or comes from outside Keras, Kapre and this package; or the weights do not fit.
    """
    for node in _nodes(config):
        kind, module = str(node["class_name"]), node.get("module")
        name = node["config"].get("name", kind) if isinstance(node.get("config"), dict) else kind
        if kind in _CODE:
            problem = f"a {kind} layer carries code, and code from files is not run"
            cure = "rebuild the model with a registered layer in its place"
            raise WeightsError(problem, path=path, field=name, cure=cure)
        if module is not None and str(module).split(".")[0] not in _PACKAGES:
            problem = f"{kind} comes from {module!r}, which is not loaded"
            raise WeightsError(problem, path=path, field=name, cure="use Keras's layers")
    # Every module whose layers or functions a file may name: Keras finds them by what was imported.
    for _ in (*modules_in("mgc_keras.layers"), *modules_named("network_kinds")):
        pass
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, zipfile.BadZipFile) as error:
        problem = f"does not fit its own network: {_one_line(error)}"
        raise WeightsError(problem, path=path, cure="take another copy, saved whole") from error


def _nodes(config: Any) -> Iterator[dict[str, Any]]:
    """Walk through every dictionary of a configuration that names a class."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        for value in config.values():
            yield from _nodes(value)
    elif isinstance(config, list):
        for value in config:
            yield from _nodes(value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
