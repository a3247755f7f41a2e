"""The two networks of Ouyang (2023): against a twin in NumPy, and what they refuse."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts import check_contract
from old_weight_files import write_by_layer_names
from scipy.signal import correlate2d

from mgc_keras.errors import OptionError
from mgc_keras.networks.backbones import build_backbone
from mgc_keras.networks.image_network import backbone_of, head_network, part_of, set_head, standardize_vectors
from mgc_keras.networks.keras_weights import counted_names
from mgc_keras.networks.parts import between
from mgc_keras.networks.resnet34 import he_normal
from mgc_keras.studies.ouyang2023.networks import custom_cnn

SHAPE, N_SAMPLES = (75, 75, 3), 6000


def clips() -> np.ndarray:
    """Three clips of noise, each quieter than the one before."""
    noise = np.random.default_rng(0).standard_normal((3, N_SAMPLES))
    return (noise * np.array([[0.3], [0.03], [0.003]])).astype(np.float32)


def small_inception(
    include_top: bool, weights: None, input_tensor: keras.KerasTensor, input_shape: tuple
) -> keras.Model:
    """Layers as those of keras.applications' InceptionV3: named by the process's counter, without scales."""
    maps = input_tensor
    for width in (2, 3):
        maps = keras.layers.Conv2D(width, 3, use_bias=False)(maps)
        maps = keras.layers.Activation("relu")(keras.layers.BatchNormalization(scale=False)(maps))
    return keras.Model(input_tensor, keras.layers.Activation("linear", name="mixed10")(maps))


@pytest.fixture(scope="module")
def cnn() -> keras.Model:
    return custom_cnn(3, N_SAMPLES, image_size=(16, 20), channels=(2, 3), dense_units=4, seed=1)


def test_the_frozen_network(inception: keras.Model) -> None:
    backbone = backbone_of(inception)
    kinds = [type(layer).__name__ for layer in backbone.layers]
    assert kinds.count("Conv2D") == 94 and not backbone.trainable and len(inception.trainable_variables) == 4
    for name in ("conv2d_01", "conv2d_94"):
        kernel = np.asarray(backbone.get_layer(name).kernel)
        np.testing.assert_array_equal(kernel, np.asarray(he_normal(1, name)(kernel.shape)))
    assert inception.get_layer("preprocessing").mode == "tf"  # what keras.applications' preprocess_input calls it


def test_a_file_whose_layers_were_counted_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keras.applications, "InceptionV3", small_inception)
    other = small_inception(False, None, keras.Input(SHAPE), SHAPE)
    generator = np.random.default_rng(0)
    other.set_weights([generator.standard_normal(weight.shape) for weight in other.weights])
    for old in (True, False):
        path = tmp_path / f"{old}_notop.h5"
        write_by_layer_names(other, path, old=old)
        ours = build_backbone("inceptionv3", SHAPE, path)
        for weight, theirs in zip(ours.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, theirs)
    ours.save_weights(tmp_path / "saved.weights.h5")
    again = build_backbone("inceptionv3", SHAPE, tmp_path / "saved.weights.h5")
    for weight, theirs in zip(again.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, theirs)
    assert other.layers[1].name != again.layers[1].name == "conv2d_01"


def test_a_head_alone_and_in_the_whole_network(inception: keras.Model) -> None:
    head, there = head_network(2048, 3, head_units=[5], seed=1), part_of(inception, "vector", "genres")
    for weight, other in zip(head.get_weights(), there.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    vectors = np.random.default_rng(0).uniform(0, 9, (4, 2048)).astype(np.float32)
    standardize_vectors(head, vectors)
    head.get_layer("genres").bias.assign([0.1, 0.2, 0.3])
    assert np.abs(np.asarray(head(vectors)) - np.asarray(there(vectors))).max() > 0.01
    set_head(inception, head)
    np.testing.assert_array_equal(np.asarray(head(vectors)), np.asarray(there(vectors)))
    with pytest.raises(OptionError, match="image_network: has other layers"):
        set_head(inception, head_network(2048, 3, head_units=[6]))


def test_names_do_not_depend_on_what_was_built_before() -> None:
    assert counted_names(["conv2d", "conv2d_3", "mixed9_0", "conv2d_11"]) == {
        "conv2d": "conv2d_01", "conv2d_3": "conv2d_02", "mixed9_0": "mixed9_0", "conv2d_11": "conv2d_03",
    }  # fmt: skip


def test_contract(cnn: keras.Model) -> None:
    check_contract(cnn, clips(), batch_independent=True)


def test_the_small_network_is_what_numpy_makes_of_its_weights(cnn: keras.Model) -> None:
    generator = np.random.default_rng(3)
    for weight in cnn.weights:
        if weight.path.startswith("bn") or weight.name == "bias":
            weight.assign(np.abs(generator.normal(0.5, 0.2, weight.shape)))
    images = between(cnn, "waveform", "image").predict_on_batch(clips())
    assert images.shape == (3, 16, 20, 1) and images.min() >= 0 and images.max() <= 255
    said = between(cnn, "image", "genres").predict_on_batch(images)
    np.testing.assert_allclose(said, [_twin(cnn, image[..., 0]) for image in images], atol=1e-5)
    np.testing.assert_allclose(said, cnn.predict_on_batch(clips()), atol=1e-6)


def _twin(cnn: keras.Model, image: np.ndarray) -> np.ndarray:
    """The network on one image, step by step."""
    weights = {layer.name: [np.asarray(w, np.float64) for w in layer.get_weights()] for layer in cnn.layers}
    maps = (image.astype(np.float64) / 127.5 - 1)[..., None]
    for number, stride in ((1, 2), (2, 1)):
        (kernel,) = weights[f"conv{number}"]
        # "same" padding of an even side in steps of two: one line less in front than behind.
        before, after = (1, 2) if stride == 2 else (1, 1)
        padded = np.pad(maps, ((before, after), (before, after), (0, 0)))
        maps = np.stack(
            [
                sum(correlate2d(padded[..., i], kernel[..., i, o], "valid") for i in range(kernel.shape[2]))
                for o in range(kernel.shape[3])
            ],
            axis=-1,
        )[::stride, ::stride]
        gamma, beta, mean, variance = weights[f"bn{number}"]
        maps = np.maximum((maps - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0)
        height, width = maps.shape[0] // 2, maps.shape[1] // 2
        maps = maps[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).max(axis=(1, 3))
    values = maps.ravel()
    values = np.maximum(values @ weights["dense"][0] + weights["dense"][1], 0)
    scores = np.exp(values @ weights["genres"][0] + weights["genres"][1])
    return scores / scores.sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": (7, 64), "channels": (2, 3)}, "image_size: 7 x 64 pixels cannot be halved 3 times"),
        ({"channels": ()}, "channels: names no block"),
        ({"dropout": 1.0}, "dropout: 1.0 is no share"),
        ({"dense_units": 0}, "dense_units: must be a whole number above 0"),
    ],
)
def test_options_that_make_no_sense(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        custom_cnn(3, N_SAMPLES, **options)


def test_parts(cnn: keras.Model, inception: keras.Model) -> None:
    assert part_of(inception, "vector", "genres").input_shape == (None, 2048)
    with pytest.raises(OptionError, match="image is not above genres"):
        between(cnn, "genres", "image")
    with pytest.raises(OptionError, match="'vector' is unknown"):
        between(cnn, "waveform", "vector")
