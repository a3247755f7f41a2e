"""ResNet34 against a twin in NumPy and, where it is installed, against PyTorch; from the same safetensors file."""

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file
from torch_resnet34 import random_tensors

from mgc_keras.networks.backbones import build_backbone
from mgc_keras.networks.resnet34 import he_normal, resnet34

# Where the maps are compared, under torchvision's names.
PLACES = ("relu", "maxpool", "layer1.0", "layer1.2", "layer2.0", "layer2.3", "layer3.5", "layer4.2", "avgpool")
# Odd sides: every strided layer meets a border that "same" padding would treat otherwise.
SHAPE = (45, 38, 3)
# Float32 against float64 through 33 convolutions, relative to the largest value of a map.
TOLERANCE = 5e-6


@pytest.fixture(scope="module")
def tensors():
    """Random weights under torchvision's names."""
    return random_tensors()


@pytest.fixture(scope="module")
def images():
    """Two images, (2, height, width, 3)."""
    return np.random.default_rng(1).standard_normal((2, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def maps(tensors, images, tmp_path_factory):
    """What the Keras network, loaded from a safetensors file, gives at every place."""
    path = tmp_path_factory.mktemp("weights") / "resnet34.safetensors"
    save_file(tensors, path)
    model = build_backbone("resnet34", SHAPE, path)
    taps = keras.Model(model.input, [model.get_layer(place).output for place in PLACES])
    return {place: np.asarray(tap) for place, tap in zip(PLACES, taps(images, training=False), strict=True)}


def assert_close(ours, reference):
    """Compare (batch, rows, columns, channels) or (batch, channels) with what PyTorch's order of axes gives."""
    reference = np.moveaxis(reference, 1, -1)
    assert ours.shape == reference.shape
    assert reference.std() > 0.1
    assert np.abs(ours - reference).max() < TOLERANCE * np.abs(reference).max()


class Twin:
    """The network in NumPy and double precision; maps are (batch, channels, rows, columns)."""

    def __init__(self, tensors):
        self.tensors = {name: value.astype(np.float64) for name, value in tensors.items()}

    def convolve(self, maps, name, stride, padding):
        kernel = self.tensors[f"{name}.weight"]
        maps = np.pad(maps, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(maps, kernel.shape[2:], axis=(2, 3))
        windows = windows[:, :, ::stride, ::stride]
        return np.moveaxis(np.tensordot(windows, kernel, axes=((1, 4, 5), (1, 2, 3))), -1, 1)

    def normalize(self, maps, name):
        weight, bias, mean, variance = (
            self.tensors[f"{name}.{tensor}"][:, None, None]
            for tensor in ("weight", "bias", "running_mean", "running_var")
        )
        return (maps - mean) / np.sqrt(variance + 1e-5) * weight + bias

    def block(self, maps, name, stride):
        shortcut = maps
        if stride == 2:
            shortcut = self.normalize(self.convolve(maps, f"{name}.downsample.0", 2, 0), f"{name}.downsample.1")
        maps = np.maximum(self.normalize(self.convolve(maps, f"{name}.conv1", stride, 1), f"{name}.bn1"), 0)
        return np.maximum(self.normalize(self.convolve(maps, f"{name}.conv2", 1, 1), f"{name}.bn2") + shortcut, 0)

    def run(self, maps):
        results = {"relu": np.maximum(self.normalize(self.convolve(maps, "conv1", 2, 3), "bn1"), 0)}
        padded = np.pad(results["relu"], ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
        maps = results["maxpool"] = windows.max(axis=(4, 5))
        for stage, n_blocks in enumerate((3, 4, 6, 3), 1):
            for block in range(n_blocks):
                name = f"layer{stage}.{block}"
                maps = results[name] = self.block(maps, name, 2 if stage > 1 and block == 0 else 1)
        return results | {"avgpool": maps.mean(axis=(2, 3))}


@pytest.fixture(scope="module")
def twins_maps(tensors, images):
    """What the twin gives at every place."""
    return Twin(tensors).run(images.transpose(0, 3, 1, 2).astype(np.float64))


@pytest.mark.parametrize("place", PLACES)
def test_equals_the_twin(maps, twins_maps, place):
    assert_close(maps[place], twins_maps[place])


@pytest.fixture(scope="module")
def torchs_maps(tensors, images):
    """What PyTorch gives at every place."""
    torch = pytest.importorskip("torch", reason="needs PyTorch (pip install mgc_keras[torch])")
    network = torch_network(torch)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()}, strict=True)
    results = {}
    for place in PLACES:
        network.get_submodule(place).register_forward_hook(
            lambda module, inputs, output, place=place: results.__setitem__(place, output.numpy())
        )
    with torch.inference_mode():
        network.eval()(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    return results | {"avgpool": results["avgpool"][:, :, 0, 0]}


def torch_network(torch):
    """Build torchvision's `resnet34` from `torch.nn` alone."""
    nn = torch.nn

    class BasicBlock(nn.Module):
        def __init__(self, n_inputs, n_channels, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(n_inputs, n_channels, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(n_channels)
            self.conv2 = nn.Conv2d(n_channels, n_channels, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(n_channels)
            self.downsample = None
            if stride != 1 or n_inputs != n_channels:
                shortcut = nn.Conv2d(n_inputs, n_channels, 1, stride, bias=False)
                self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(n_channels))

        def forward(self, maps):
            shortcut = maps if self.downsample is None else self.downsample(maps)
            maps = torch.relu(self.bn1(self.conv1(maps)))
            return torch.relu(self.bn2(self.conv2(maps)) + shortcut)

    def stage(n_inputs, n_channels, n_blocks, stride):
        blocks = [BasicBlock(n_inputs, n_channels, stride)]
        return nn.Sequential(*blocks, *(BasicBlock(n_channels, n_channels, 1) for _ in range(n_blocks - 1)))

    class ResNet34(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
            self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(3, 2, 1)
            self.layer1, self.layer2 = stage(64, 64, 3, 1), stage(64, 128, 4, 2)
            self.layer3, self.layer4 = stage(128, 256, 6, 2), stage(256, 512, 3, 2)
            self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(512, 1000)

        def forward(self, maps):
            maps = self.maxpool(self.relu(self.bn1(self.conv1(maps))))
            maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
            return self.fc(self.avgpool(maps).flatten(1))

    return ResNet34()


@pytest.mark.parametrize("place", PLACES)
def test_equals_pytorch(maps, torchs_maps, place):
    assert_close(maps[place], torchs_maps[place])


@pytest.fixture(scope="module")
def random_network():
    """The network from a random start."""
    return resnet34((32, 32, 3), seed=3)


def test_the_number_of_parameters_is_the_published_one(random_network):
    # torchvision's table: 21 797 672, of which the classifier has 513 000.
    assert sum(int(np.prod(weight.shape)) for weight in random_network.trainable_weights) == 21_797_672 - 513_000


def test_a_random_start_is_he_normal_and_follows_from_the_seed(random_network):
    layers = [layer for layer in random_network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(layers) == 36
    for layer in layers:
        kernel = np.asarray(layer.kernel)
        np.testing.assert_allclose(kernel.std(), np.sqrt(2 / np.prod(kernel.shape[:3])), rtol=0.03)
        np.testing.assert_array_equal(kernel, np.asarray(he_normal(3, layer.name)(kernel.shape)))


def test_starts_of_other_seeds_and_layers_are_others():
    starts = [he_normal(seed, layer)((3, 3, 8, 8)) for seed in (0, 1) for layer in ("layer1.0.conv1", "layer1.0.conv2")]
    correlations = np.corrcoef([np.ravel(start) for start in starts]) - np.eye(4)
    assert np.abs(correlations).max() < 0.2
