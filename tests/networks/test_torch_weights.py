"""Safetensors files that load, and files that must not."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file
from torch_resnet34 import random_tensors, torch_shapes

from mgc_keras.errors import WeightsError
from mgc_keras.networks.torch_weights import read_torch_resnet

SHAPES = {
    "conv1/kernel": (7, 7, 3, 64),
    "bn1/gamma": (64,),
    "bn1/beta": (64,),
    "bn1/moving_mean": (64,),
    "bn1/moving_variance": (64,),
    "layer2.0.downsample.0/kernel": (1, 1, 64, 128),
}
NAMES = [
    "conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "layer2.0.downsample.0.weight",
]  # fmt: skip
LEFT_ALONE = ["fc.weight", "fc.bias", "bn1.num_batches_tracked"]


@pytest.fixture(scope="module")
def everything():
    """All tensors of ResNet34."""
    return random_tensors()


@pytest.fixture
def tensors(everything):
    """The tensors of the small network in `SHAPES`, and those that are left alone; a test may change the dictionary."""
    return {name: everything[name] for name in NAMES + LEFT_ALONE}


def write(folder, tensors, name="resnet34.safetensors"):
    save_file(tensors, folder / name)
    return folder / name


def test_every_tensor_finds_its_place(tmp_path, tensors):
    read = read_torch_resnet(write(tmp_path, tensors), SHAPES)
    assert list(read) == list(SHAPES)
    for (name, tensor), stored in zip(read.items(), NAMES, strict=True):
        assert tensor.shape == SHAPES[name] and tensor.dtype == np.float32
        if tensor.ndim == 1:
            np.testing.assert_array_equal(tensor, tensors[stored])
    kernel, stored = read["conv1/kernel"], tensors["conv1.weight"]
    for index in [(0, 0, 0, 0), (6, 1, 2, 63), (3, 5, 1, 17)]:
        row, column, source, target = index
        assert kernel[index] == stored[target, source, row, column]


def test_the_classifier_and_the_counters_may_lack(tmp_path, tensors):
    path = write(tmp_path, {name: tensors[name] for name in NAMES})
    assert set(read_torch_resnet(str(path), SHAPES)) == set(SHAPES)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions(tmp_path, tensors, dtype):
    path = write(tmp_path, {name: value.astype(dtype) for name, value in tensors.items()})
    read = read_torch_resnet(path, SHAPES)
    assert {tensor.dtype for tensor in read.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(read["bn1/beta"], tensors["bn1.bias"], rtol=1e-3, atol=1e-4)


def without(name):
    return lambda tensors: tensors.pop(name)


def changed(name, value):
    return lambda tensors: tensors.__setitem__(name, value)


BAD = {
    "missing": (without("bn1.running_mean"), "bn1.running_mean: this tensor is missing.*0 of the other 5"),
    "extra": (changed("layer9.weight", np.ones(3, np.float32)), "layer9.weight: the network has no place"),
    "no counter": (changed("num_batches_tracked", np.ones(3, np.float32)), "num_batches_tracked: the network has no"),
    "shape": (changed("bn1.bias", np.ones(65, np.float32)), r"bn1.bias: has shape \(65,\), the network needs \(64,\)"),
    "order": (
        changed("conv1.weight", np.ones((7, 7, 3, 64), np.float32)),
        r"conv1.weight: has shape \(7, 7, 3, 64\), the network needs \(64, 3, 7, 7\)",
    ),
    "integers": (changed("bn1.bias", np.ones(64, np.int32)), "bn1.bias: holds numbers of type I32.*float32"),
    "NaN": (changed("bn1.bias", np.full(64, np.nan, np.float32)), "bn1.bias: holds NaN"),
    "nothing": (dict.clear, "conv1.weight: this tensor is missing.*5 of the other 5"),
}


@pytest.mark.parametrize("name", BAD)
def test_tensors_that_do_not_fit(tmp_path, tensors, name):
    change, words = BAD[name]
    change(tensors)
    path = write(tmp_path, tensors)
    with pytest.raises(WeightsError, match=words) as caught:
        read_torch_resnet(path, SHAPES)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_brain_floats_are_refused(tmp_path, tensors):
    # NumPy has no such type, so the file is put together by hand: length of the header, header, numbers.
    header, start = {}, 0
    for name in NAMES:
        end = start + 2 * tensors[name].size
        header[name] = {"dtype": "BF16", "shape": list(tensors[name].shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    path = content(tmp_path / "brain.safetensors", struct.pack("<Q", len(text)) + text + bytes(start))
    with pytest.raises(WeightsError, match="conv1.weight: holds numbers of type BF16"):
        read_torch_resnet(path, SHAPES)


def content(path, data):
    path.write_bytes(data)
    return path


def test_files_that_are_none(tmp_path, tensors):
    whole = write(tmp_path, tensors).read_bytes()
    cases = [
        (tmp_path / "missing.safetensors", "there is no such file"),
        (tmp_path, "is a folder"),
        (content(tmp_path / "empty.safetensors", b""), "no whole safetensors"),
        (content(tmp_path / "text.safetensors", b"these are no weights\n" * 100), "no whole safetensors"),
        (content(tmp_path / "cut.safetensors", whole[:-100]), "no whole safetensors"),
        (content(tmp_path / "resnet34.pth", whole), "pickled PyTorch file.*save_file.*'resnet34.safetensors'"),
        (content(tmp_path / "old.bin", b"\x80\x02\x8a\nl\xfc\x9cF"), "pickled PyTorch file"),
        (content(tmp_path / "renamed.safetensors", b"PK\x03\x04" + bytes(100)), "pickled PyTorch file"),
    ]
    for path, words in cases:
        with pytest.raises(WeightsError, match=words) as caught:
            read_torch_resnet(path, SHAPES)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_the_table_of_torchvisions_names():
    # 36 convolutions and normalisations of five tensors each, and the classifier's two: len(resnet34().state_dict()).
    assert len(torch_shapes()) == 36 * 6 + 2
