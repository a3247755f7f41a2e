"""Opens models that Keras 3 saved, whole, as .h5 or .keras, without ever running code from the file."""

import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import kapre  # noqa: F401  (registers the layers that models of this package are composed of)
import keras
import numpy as np
import tensorflow as tf

from mgc_keras.discovery import modules_in, modules_named
from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.networks.hdf5 import faults_named, most_bytes, open_hdf5, text
from mgc_keras.networks.keras2 import keras2_layers

_PACKAGES = ("keras", "mgc_keras", "kapre", "builtins")
# Layers that carry code of their own, or load it from elsewhere.
_CODE = ("Lambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")
# The oldest Keras whose safe mode was tried and held; setup.cfg asks for it, too.
SAFE_KERAS = (3, 13, 2)
# The largest sizes from which layers compute tables that no file holds: filters, windows, frames.
_LARGEST = {"n_dft": 2**16, "n_fft": 2**16, "win_length": 2**16, "n_freq": 2**16, "n_mels": 2**11, "Q": 2**8}
_LARGEST |= dict.fromkeys(("batch_shape", "batch_input_shape", "shape"), 2**27)
_CONFIG, _WEIGHTS, _LONGEST_CONFIG = "config.json", "model.weights.h5", 16 * 2**20


def config_of_keras_file(path: Path) -> dict[str, Any]:
    """Read a model's configuration from a .keras file (a zip archive), all of whose content is checked.

    Raises
    ------
    WeightsError
        It is damaged, would unpack to far more than it is, or its tensors are not as `open_hdf5` wants them.
    """
    with faults_named(path, "is no whole .keras file"), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > most_bytes(path.stat().st_size) or archive.getinfo(_CONFIG).file_size > _LONGEST_CONFIG:
            largest = max(members, key=lambda member: member.file_size)
            problem = f"unpacks to {largest.file_size} bytes, from a file of {path.stat().st_size}"
            raise WeightsError(problem, path=path, field=largest.filename, cure="take another copy")
        # Only these unpack piece by piece.
        for member in members:
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                problem = "is packed in a way that Keras does not use"
                raise WeightsError(problem, path=path, field=member.filename, cure="save the model anew")
        config = json.loads(archive.read(_CONFIG))
        if not isinstance(config, dict):
            raise WeightsError("is damaged", path=path, field=_CONFIG, cure="take another copy")
        with open_hdf5(path, io.BytesIO(archive.read(_WEIGHTS))):
            return config


def config_of_h5_file(file: h5py.File, path: Path) -> dict[str, Any]:
    """Read a model's configuration from an open .h5 file, or raise a `WeightsError` if it is damaged."""
    damaged = WeightsError("is damaged", path=path, field="model_config", cure="take another copy")
    try:
        stored = text(file.attrs["model_config"])
        config = json.loads(stored) if len(stored) <= _LONGEST_CONFIG else None
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


def is_of_keras2(file: h5py.File) -> bool:
    """Tell whether Keras 2 wrote an open .h5 model, whose layers had other settings; all versions name themselves."""
    return text(file.attrs.get("keras_version", "")).startswith(("1.", "2."))


def load_saved(path: Path, config: dict[str, Any], is_keras2: bool = False) -> keras.Model:
    """Load a whole saved model, of this configuration, in safe mode, without compiling it.

    Raises
    ------
    WeightsError
        A layer carries code (Lambda) or comes from outside Keras, Kapre and this package; or the weights do not fit.
    """
    if tuple(int(part) for part in keras.__version__.split(".")[:3] if part.isdigit()) < SAFE_KERAS:
        cure = f"install Keras {'.'.join(map(str, SAFE_KERAS))} or newer: pip install -U mgc_keras"
        raise WeightsError(f"Keras {keras.__version__} may run code from files", path=path, cure=cure)
    with faults_named(path, "is damaged"):
        _check_config(config, path)
    # Every module whose layers or functions a file may name: Keras finds them by what was imported.
    for _ in (*modules_in("mgc_keras.layers"), *modules_named("network_kinds")):
        pass
    with faults_named(path, "is damaged"):
        stand_ins = keras2_layers(config, path) if is_keras2 else None
    cure = "take another copy, saved whole"
    with faults_named(path, "does not fit its own network", cure), _limited(path):
        try:
            model = keras.saving.load_model(path, stand_ins, compile=False, safe_mode=True)
        except OptionError as error:
            raise WeightsError(f"does not fit its own network: {error}", path=path, cure=cure) from error
        except (TypeError, ValueError) as error:
            if unknown := re.search(r"(?:Could not locate class|Unknown layer:) '([^']+)'", str(error)):
                problem = f"has a layer of class {unknown[1]}, which neither Keras nor this package knows"
                own = "from Python, import the module that registers it, then mgc_keras.load_model(file)"
                raise WeightsError(problem, path=path, cure=own) from error
            raise
        for variable in model.variables:
            if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
                problem = "holds NaN or infinite numbers"
                raise WeightsError(problem, path=path, field=variable.path, cure="take another copy")
    return model


@contextmanager
def _limited(path: Path) -> Iterator[None]:
    """Raise a `WeightsError` before the variables of a model take more memory than so small a file can fill."""
    room = most_bytes(path.stat().st_size)

    def create(make: Callable[..., tf.Variable], **options: Any) -> tf.Variable:
        nonlocal room
        for cell in getattr(options["initial_value"], "__closure__", None) or ():
            if isinstance(cell.cell_contents, keras.Variable):
                room -= 4 * math.prod(cell.cell_contents.shape)
                if room < 0:
                    problem = f"asks for more memory than a file of {path.stat().st_size} bytes can fill"
                    field = cell.cell_contents.path
                    raise WeightsError(problem, path=path, field=field, cure="take another copy")
        return make(**options)

    with tf.variable_creator_scope(create):
        yield


def _check_config(config: dict[str, Any], path: Path) -> None:
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
        for key, most in _LARGEST.items():
            sizes = node["config"].get(key) if isinstance(node.get("config"), dict) else None
            for size in sizes if isinstance(sizes, list) else [sizes]:
                if isinstance(size, int | float) and size > most:
                    problem = f"{key} is {size}, and no network has more than {most}"
                    raise WeightsError(problem, path=path, field=name, cure="take another copy")


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
