"""Weight files in the layouts of Keras 1, 2 and 3, whole and damaged."""

import h5py
import keras
import numpy as np
import pytest
from old_weight_files import write_by_layer_names

from mgc_keras.errors import WeightsError
from mgc_keras.networks.keras_weights import read_keras_weights
from mgc_keras.networks.tensors import tensors_of


def small_network():
    """A network of three layers with every kind of tensor, and random numbers in each."""
    image = keras.Input((4, 4, 3), name="image")
    maps = keras.layers.Conv2D(2, 3, name="block1_conv1")(image)
    maps = keras.layers.BatchNormalization(name="block1_bn")(maps)
    model = keras.Model(image, keras.layers.Conv2D(5, 1, name="block2_conv1")(maps), name="small")
    generator = np.random.default_rng(0)
    model.set_weights([generator.standard_normal(weight.shape) for weight in model.weights])
    return model


def shapes_of(model):
    return {name: tensor.shape for name, tensor in tensors_of(model).items()}


@pytest.mark.parametrize("layout", ["keras1.h5", "keras2.h5", "keras3.weights.h5"])
def test_every_layout(tmp_path, layout):
    model, path = small_network(), tmp_path / layout
    if layout == "keras3.weights.h5":
        model.save_weights(path)
    else:
        write_by_layer_names(model, path, old=layout == "keras1.h5")
    read, tensors = read_keras_weights(path, shapes_of(model), model.name), tensors_of(model)
    assert len(tensors) == 8 and read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(read[name], tensor)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-2000])


def in_file(change):
    def open_and_change(path):
        with h5py.File(path, "r+") as file:
            change(file)

    return open_and_change


def with_top(file):
    file.create_group("fc1").attrs["weight_names"] = np.array([b"fc1_W_1:0"])
    file["fc1/fc1_W_1:0"] = np.zeros((3, 2))
    file.attrs["layer_names"] = np.array([*file.attrs["layer_names"], b"fc1"])


def without_a_layer(file):
    file.attrs["layer_names"] = np.array([name for name in file.attrs["layer_names"] if name != b"block2_conv1"])


def replaced(value):
    def replace(file):
        del file["block2_conv1/block2_conv1_b_1:0"]
        if value is not None:
            file["block2_conv1/block2_conv1_b_1:0"] = value

    return replace


DAMAGES = {
    "cut": (cut_short, "is damaged"),
    "no HDF5": (lambda path: path.write_bytes(b"no weights" * 100), "is damaged"),
    "empty": (in_file(h5py.File.clear), "is damaged"),
    "nothing": (in_file(lambda file: file.attrs.clear()), "holds no weights"),
    "top": (in_file(with_top), "fc1/kernel: the network has no place.*_notop"),
    "layer": (in_file(without_a_layer), "block2_conv1/kernel: this tensor is missing, and so are 1 of the other 7"),
    "group": (in_file(lambda file: file.__delitem__("block2_conv1")), "is damaged.*block2_conv1"),
    "tensor": (in_file(replaced(None)), "block2_conv1_b_1:0: this tensor is missing"),
    "shape": (in_file(replaced(np.zeros(4))), r"block2_conv1_b_1:0: has shape \(4,\), the network needs \(5,\)"),
    "NaN": (in_file(replaced(np.full(5, np.nan))), "block2_conv1_b_1:0: holds NaN"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_files(tmp_path, name):
    damage, words = DAMAGES[name]
    model, path = small_network(), tmp_path / "small_notop.h5"
    write_by_layer_names(model, path, old=True)
    damage(path)
    with pytest.raises(WeightsError, match=words) as caught:
        read_keras_weights(path, shapes_of(model), model.name)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def numbered_too_far(path):
    with h5py.File(path, "r+") as file:
        file["layers/conv2d/vars/2"] = np.zeros(3)


def without_names(path):
    with h5py.File(path, "r+") as file:
        for group in file["layers"].values():
            group["vars"].attrs.clear()


def flat(path):
    with h5py.File(path, "w") as file:
        file["layers"] = np.zeros(3)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (numbered_too_far, "block1_conv1/2: the network has no place"),
        (without_names, "block1_conv1/kernel: this tensor is missing"),
        (flat, "holds no weights"),
    ],
)
def test_damaged_files_of_keras3(tmp_path, damage, words):
    model, path = small_network(), tmp_path / "small.weights.h5"
    model.save_weights(path)
    damage(path)
    with pytest.raises(WeightsError, match=words):
        read_keras_weights(path, shapes_of(model), model.name)
