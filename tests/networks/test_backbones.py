"""ImageNet networks: what they compute, and the weight files that they take and refuse."""

import hashlib
import inspect
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from old_weight_files import write_by_layer_names
from safetensors.numpy import save_file
from torch_resnet34 import random_tensors

from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.networks.backbones import BACKBONES, IMAGENET_ADDRESS, build_backbone
from mgc_keras.networks.resnet34 import he_normal

SHAPE = (32, 33, 3)
APPLICATIONS = {"vgg16": keras.applications.VGG16, "resnet50": keras.applications.ResNet50}


@pytest.fixture(scope="module")
def networks():
    """VGG16 and ResNet50 with random weights."""
    return {name: build_backbone(name, SHAPE, "none", seed=1) for name in APPLICATIONS}


@pytest.fixture(scope="module")
def others():
    """The networks of keras.applications themselves."""
    return {
        name: make(include_top=False, weights=None, input_shape=SHAPE, pooling="avg")
        for name, make in APPLICATIONS.items()
    }


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    """Weight files with the names in those of keras.applications: of Keras 1 for VGG16, of Keras 2 for ResNet50."""
    folder = tmp_path_factory.mktemp("files")
    paths = {name: folder / f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5" for name in APPLICATIONS}
    for name, path in paths.items():
        write_by_layer_names(networks[name], path, old=name == "vgg16")
    return paths


@pytest.fixture(scope="module")
def torch_file(tmp_path_factory):
    """A safetensors file of ResNet34."""
    path = tmp_path_factory.mktemp("torch") / "resnet34.safetensors"
    save_file(random_tensors(), path)
    return path


def assert_same_weights(model, other):
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_equals_keras_applications_with_the_average_of_its_maps(networks, others, name):
    images = np.random.default_rng(0).standard_normal((2, *SHAPE)).astype(np.float32)
    others[name].set_weights(networks[name].get_weights())
    expected = np.asarray(others[name](images, training=False))
    outputs = np.asarray(networks[name](images, training=False))
    assert expected.std() > 0
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_random_start_is_he_normal_and_follows_from_the_seed(networks, name):
    for layer in networks[name].layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = np.asarray(layer.kernel)
            np.testing.assert_allclose(kernel.std(), np.sqrt(2 / np.prod(kernel.shape[:3])), rtol=0.05)
            np.testing.assert_array_equal(kernel, np.asarray(he_normal(1, layer.name)(kernel.shape)))
            assert not np.asarray(layer.bias).any()


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_file_of_keras_applications(networks, others, files, name):
    loaded = build_backbone(name, SHAPE, files[name])
    assert_same_weights(loaded, networks[name])
    others[name].set_weights([np.zeros_like(value) for value in others[name].get_weights()])
    others[name].load_weights(files[name])
    assert_same_weights(loaded, others[name])


def test_resnet34_from_torch_and_from_what_save_weights_writes(torch_file, tmp_path):
    loaded, tensors = build_backbone("resnet34", SHAPE, str(torch_file)), random_tensors()
    np.testing.assert_array_equal(
        np.asarray(loaded.get_layer("layer3.2.conv2").kernel), tensors["layer3.2.conv2.weight"].transpose(2, 3, 1, 0)
    )
    np.testing.assert_array_equal(
        np.asarray(loaded.get_layer("layer4.0.downsample.1").moving_variance),
        tensors["layer4.0.downsample.1.running_var"],
    )
    loaded.save_weights(tmp_path / "saved.weights.h5")
    assert_same_weights(build_backbone("resnet34", SHAPE, tmp_path / "saved.weights.h5"), loaded)


def test_unknown_network():
    with pytest.raises(OptionError, match="backbone: 'resnet18' is unknown.*vgg16, resnet34, resnet50"):
        build_backbone("resnet18", SHAPE, "none")


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("wide", [False, True])
def test_images_below_the_least_size(name, wide):
    least = BACKBONES[name].smallest_side
    sides = (least - 1, least) if wide else (least, least - 1)
    with pytest.raises(
        OptionError, match=f"{sides[0]} x {sides[1]} is below the {least} x {least} pixels that {name} needs"
    ):
        build_backbone(name, (*sides, 3), "none")
    if BACKBONES[name].application:
        with pytest.raises(ValueError, match=f"at least {least}x{least}"):
            getattr(keras.applications, BACKBONES[name].application)(
                include_top=False, weights=None, input_shape=(*sides, 3)
            )


def test_images_without_three_colours():
    with pytest.raises(OptionError, match="input_shape: .*3 for the colours"):
        build_backbone("resnet34", (64, 64, 1), "none")


def test_imagenet_without_network(monkeypatch, tmp_path):
    # Whatever this machine has fetched before.
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for variable in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(variable.upper(), raising=False)
        # Port 9 of this machine: the connection is refused at once.
        monkeypatch.setenv(variable, "" if variable == "no_proxy" else "http://127.0.0.1:9")
    for name in APPLICATIONS:
        with pytest.raises(WeightsError) as caught:
            build_backbone(name, SHAPE, "imagenet")
        message = str(caught.value)
        assert message.startswith(f"weights: the ImageNet weights of {name} could not be fetched: no connection")
        assert "'none'" in message and "_notop.h5 as a file" in message and "\n" not in message and "//" not in message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_imagenet_that_is_something_else(monkeypatch, tmp_path):
    file = tmp_path / "sent.h5"
    file.write_bytes(b"Please log in to this network.")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    other = replace(BACKBONES["vgg16"], imagenet_file="vgg16/some.h5", md5="0" * 32)
    monkeypatch.setitem(BACKBONES, "vgg16", other)
    monkeypatch.setattr("pooch.HTTPDownloader", lambda **_: lambda address, output, _: output.write(file.read_bytes()))
    with pytest.raises(WeightsError, match="of vgg16 could not be fetched: what came is not this file"):
        build_backbone("vgg16", SHAPE, "imagenet")
    assert not (tmp_path / "models" / "some.h5").exists()
    monkeypatch.setattr("mgc_keras.networks.backbones._MOST_BYTES", 29)
    with pytest.raises(WeightsError, match="of vgg16 could not be fetched: more than 29 bytes came"):
        build_backbone("vgg16", SHAPE, "imagenet")
    monkeypatch.setenv("KERAS_HOME", str(file))
    with pytest.raises(WeightsError, match="of vgg16 could not be fetched: .*sent.h5/models cannot be written"):
        build_backbone("vgg16", SHAPE, "imagenet")


def test_imagenet_from_keras_folder(monkeypatch, networks, files, tmp_path, capsys):
    (tmp_path / "models").mkdir()
    there = tmp_path / "models" / files["vgg16"].name
    shutil.copy(files["vgg16"], there)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    known = replace(BACKBONES["vgg16"], md5=hashlib.md5(there.read_bytes()).hexdigest())
    assert Path(known.imagenet_file).name == there.name
    monkeypatch.setitem(BACKBONES, "vgg16", known)
    assert_same_weights(build_backbone("vgg16", SHAPE, "imagenet"), networks["vgg16"])
    assert capsys.readouterr().err == ""
    # Given by path under the published name, it is another training, and said to be.
    monkeypatch.setitem(BACKBONES, "vgg16", replace(known, md5="0" * 32))
    build_backbone("vgg16", SHAPE, there)
    assert f"its md5 {known.md5} is not that of ImageNet's vgg16 ({'0' * 32})" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, backbone in BACKBONES.items() if backbone.application])
def test_files_are_those_of_keras(name):
    backbone = BACKBONES[name]
    module = sys.modules[inspect.unwrap(getattr(keras.applications, backbone.application)).__module__]
    text = re.sub(r'"\s+"', "", inspect.getsource(module))
    assert backbone.md5 in text
    folder, file_name = f"{IMAGENET_ADDRESS}{backbone.imagenet_file}".rsplit("/", 1)
    assert f'"{folder}/' in text and file_name.removeprefix(name) in text


def test_imagenet_weights_of_resnet34():
    with pytest.raises(WeightsError, match="weights: .*no ImageNet weights of resnet34.*safetensors file of"):
        build_backbone("resnet34", SHAPE)


def test_files_of_another_network(files, torch_file, tmp_path):
    resnet18, whole = tmp_path / "resnet18.safetensors", tmp_path / "whole.h5"
    save_file(random_tensors(stages=(2, 2, 2, 2)), resnet18)
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(whole)
    cases = [
        ("resnet50", files["vgg16"], "conv1_conv/kernel: this tensor is missing"),
        ("vgg16", files["resnet50"], "block1_conv1/kernel: this tensor is missing"),
        ("resnet34", resnet18, "layer1.2.conv1.weight: this tensor is missing"),
        ("vgg16", whole, "holds no weights"),
        ("vgg16", torch_file, "no whole HDF5 file.*_notop.h5"),
        ("resnet50", tmp_path / "missing.h5", "there is no such file.*'imagenet' or 'none'"),
        ("resnet34", tmp_path, "is a folder"),
    ]
    for name, path, words in cases:
        with pytest.raises(WeightsError, match=words) as caught:
            build_backbone(name, SHAPE, path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
