"""Small weight files of every kind that the package reads, and what each gives when it is whole."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
from safetensors.numpy import save_file

from mgc_keras.networks.keras_weights import read_keras_weights
from mgc_keras.networks.load import load_model
from mgc_keras.networks.torch_weights import read_torch_resnet
from mgc_keras.training.checkpoint import load_weights, save_weights
from tests.old_weight_files import write_by_layer_names

DATA = Path(os.environ.get("MGC_KERAS_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
PUBLISHED = (
    "taggers/compact_cnn_weights_layer4_theano.hdf5",
    "taggers/music_tagger_crnn_weights_tensorflow.h5",
    "upc/crnn_net_gru_adam_ours_epoch_40.h5",
)


@dataclass(frozen=True)
class Content:
    """What a file gave: its tensors in order, and the network's configuration."""

    tensors: list[np.ndarray]
    config: str = ""

    def same(self, other: "Content") -> bool:
        """Whether all is equal, bit by bit."""
        pairs = zip(self.tensors, other.tensors)
        equal = all(one.shape == two.shape and np.array_equal(one, two, equal_nan=True) for one, two in pairs)
        return equal and len(self.tensors) == len(other.tensors) and self.config == other.config


@dataclass(frozen=True)
class WeightFile:
    """A whole file. `form` is "hdf5", "keras" (a zip of JSON and HDF5), "npz" or "safetensors"."""

    path: Path
    form: str
    load: Callable[[Path], Content]
    whole: Content
    is_published: bool = False


def weight_files(folder: Path) -> list[WeightFile]:
    """Write the files, and take the published ones where they are."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((6,)),
        keras.layers.Dense(5, "relu", name="dense"),
        keras.layers.BatchNormalization(name="bn"),
    ]
    model = keras.Sequential([*layers, keras.layers.Dense(2, "softmax", name="last")])
    for suffix in ("h5", "keras"):
        model.save(folder / f"model.{suffix}")
    write_by_layer_names(model, folder / "notop.h5", old=False)
    save_weights(model, folder / "checkpoint.npz")
    shapes = {"conv1/kernel": (3, 3, 2, 4), "bn1/gamma": (4,), "bn1/beta": (4,)}
    names = {"conv1.weight": (4, 2, 3, 3), "bn1.weight": (4,), "bn1.bias": (4,)}
    generator = np.random.default_rng(0)
    save_file(
        {name: generator.random(shape, np.float32) for name, shape in names.items()}, folder / "torch.safetensors"
    )
    kernels = {f"{layer.name}/{weight.name}": tuple(weight.shape) for layer in model.layers for weight in layer.weights}

    def checkpoint(path: Path) -> Content:
        load_weights(model, path)
        return Content(model.get_weights())

    loads = [
        ("model.h5", "hdf5", _load),
        ("model.keras", "keras", _load),
        ("notop.h5", "hdf5", lambda path: Content(list(read_keras_weights(path, kernels, "a network").values()))),
        ("checkpoint.npz", "npz", checkpoint),
        ("torch.safetensors", "safetensors", lambda path: Content(list(read_torch_resnet(path, shapes).values()))),
    ]
    own = [WeightFile(folder / name, form, load, load(folder / name)) for name, form, load in loads]
    published = [DATA / name for name in PUBLISHED if (DATA / name).is_file()]
    return own + [WeightFile(path, "hdf5", _load, _load(path), is_published=True) for path in published]


def _load(path: Path) -> Content:
    model = load_model(path)
    try:
        # Names that Keras counts up within a process say nothing of the file.
        return Content(
            model.get_weights(), str([layer.get_config() for layer in model.layers if "_" not in layer.name])
        )
    finally:
        keras.backend.clear_session()


def datasets(file: h5py.File) -> list[str]:
    """The names of all tensors of an open file."""
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names
