"""The network from waveform to genres: front end, freezing, its parts, and the contract."""

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf
from contracts import check_contract, check_reload

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.errors import OptionError
from mgc_keras.features.backbone import backbone_vectors, melspectrogram_segments
from mgc_keras.layers.decibel_image import DecibelImage, ImagePreprocessing
from mgc_keras.networks.image_network import (
    HOP_LENGTH,
    backbone_of,
    image_network,
    part_of,
    set_trainable_from,
    standardize_vectors,
)
from mgc_keras.networks.load import load_model
from mgc_keras.studies.ouyang2023.networks import custom_cnn

# An image of 128 x 32, the narrowest.
SHORTEST = 31 * HOP_LENGTH + 1
N_CLASSES = 4


def waveforms(n_samples=SHORTEST):
    """Three clips of noise, each quieter than the one before."""
    noise = np.random.default_rng(0).standard_normal((3, n_samples))
    return (noise * np.array([[0.3], [0.03], [0.003]])).astype(np.float32)


def network(backbone="resnet34", **options):
    return image_network(backbone, N_CLASSES, SHORTEST, weights="none", **options)


@pytest.fixture(scope="module")
def networks():
    """A network on every backbone; ResNet34's is trainable throughout, the others are frozen."""
    models = {
        "vgg16": network("vgg16"),
        "resnet34": network("resnet34", trainable_from="image", dropout=0.3, image_size=(40, 36)),
        "resnet50": network("resnet50"),
    }
    for model in models.values():
        size = (8, backbone_of(model).output_shape[1])
        standardize_vectors(model, np.random.default_rng(1).normal(100, 50, size).astype(np.float32))
    return models


@pytest.fixture(scope="module")
def frozen():
    """A network of its own for the tests that train it or change what is trainable."""
    return network()


@pytest.mark.parametrize("name", ("vgg16", "resnet34", "resnet50"))
def test_contract(networks, name):
    check_contract(networks[name], waveforms(), batch_independent=True)


def test_reload_in_a_fresh_process(networks, inception, tmp_path):
    decibels = np.random.default_rng(0).uniform(-80, 0, (2, 6, 5, 1)).astype(np.float32)
    layers = {
        "image": (DecibelImage(60.0, (9, 8)), decibels),
        "preprocessing": (ImagePreprocessing("torch"), np.repeat(decibels + 80, 3, axis=-1)),
    }
    # ResNet50 is made of the same kinds of layers as the others, and large.
    models = {name: (networks[name], waveforms()) for name in ("vgg16", "resnet34")}
    # Those of Ouyang (2023), here because a process is started once.
    models["inceptionv3"] = (inception, waveforms(inception.input_shape[1]))
    models["cnn"] = (custom_cnn(3, SHORTEST, image_size=(16, 20), channels=(2, 3), dense_units=4), waveforms())
    check_reload(models | layers, tmp_path)


def test_front_end_is_librosas(networks):
    model, clips = networks["vgg16"], waveforms()
    decibels = np.asarray(part_of(model, "waveform", "melspectrogram")(clips))[..., 0]
    images = np.asarray(model.get_layer("image")(decibels[..., None]))
    for clip, ours, image in zip(clips, decibels, images, strict=True):
        # TensorFlow's "same" padding: what 32 frames need beyond the clip, half of it in front.
        needed = (32 - 1) * 1024 + 2048 - len(clip)
        padded = np.pad(clip, (needed // 2, needed - needed // 2))
        mel = librosa.feature.melspectrogram(
            y=padded, sr=22050, n_fft=2048, hop_length=1024, n_mels=128, power=2.0, center=False
        )
        expected = librosa.power_to_db(mel, ref=np.max, top_db=80)
        assert expected.shape == ours.shape == (128, 32)
        np.testing.assert_allclose(ours, expected, atol=0.01)
        np.testing.assert_allclose(image[..., 1], (expected + 80) / 80 * 255, atol=0.05)


def test_the_layers_of_the_paper(networks):
    model = networks["vgg16"]
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [256, 128, 64, N_CLASSES]
    np.testing.assert_allclose(np.asarray(model(waveforms())).sum(axis=1), 1, atol=1e-6)
    modes = {name: model.get_layer("preprocessing").mode for name, model in networks.items()}
    assert modes == {"vgg16": "caffe", "resnet34": "torch", "resnet50": "caffe"}
    assert part_of(networks["resnet34"], "waveform", "vector").output_shape == (None, 512)


def test_a_saved_file_answers_to_a_real_clip(shared_data, tmp_path):
    path = next(iter(sorted((shared_data / "audio" / "emotify").rglob("*.mp3"))))
    clip = fit_waveform(read_waveform(path, sampling_rate=22050, duration=3.0), 66150)
    model = image_network("resnet34", N_CLASSES, 66150, weights="none")
    model.save(tmp_path / "genres.keras")
    answers = np.asarray(load_model(tmp_path / "genres.keras")(clip[None]))
    np.testing.assert_array_equal(answers, np.asarray(model(clip[None])))
    assert answers.shape == (1, N_CLASSES)
    np.testing.assert_allclose(answers.sum(), 1, atol=1e-6)


def test_silence_is_a_white_image(networks):
    silence = np.zeros((1, SHORTEST), np.float32)
    decibels = part_of(networks["vgg16"], "waveform", "melspectrogram")(silence)
    np.testing.assert_array_equal(np.asarray(networks["vgg16"].get_layer("image")(decibels)), 255)
    assert np.isfinite(np.asarray(networks["vgg16"](silence))).all()


def test_the_parts_share_their_weights(networks):
    model, clips = networks["vgg16"], waveforms()
    before = model.get_config()
    whole = np.asarray(model(clips))
    decibels = part_of(model, "waveform", "melspectrogram")(clips)
    vectors = part_of(model, "melspectrogram", "vector")(decibels)
    np.testing.assert_array_equal(np.asarray(vectors), np.asarray(part_of(model, "waveform", "vector")(clips)))
    np.testing.assert_array_equal(np.asarray(part_of(model, "melspectrogram", "genres")(decibels)), whole)
    head = part_of(model, "vector", "genres")
    np.testing.assert_array_equal(np.asarray(head(vectors)), whole)
    bias = model.get_layer("genres").bias
    assert head.get_layer("genres").bias is bias
    # The whole is saved as before, though its layers were called again.
    assert model.get_config() == before


def test_exported_melspectrograms_and_vectors_are_what_the_network_makes_of_clips(networks):
    seconds, clips = SHORTEST / 22050, waveforms()
    exported = melspectrogram_segments("whole", seconds)(clips)
    assert exported.shape == (3, 128, 32)
    said = part_of(networks["vgg16"], "melspectrogram", "genres")(exported[..., None])
    np.testing.assert_allclose(np.asarray(said), np.asarray(networks["vgg16"](clips)), atol=1e-6)
    vectors = backbone_vectors("vgg16", segments="whole", seconds=seconds, weights="none")(clips)
    expected = np.asarray(part_of(networks["vgg16"], "waveform", "vector")(clips))
    np.testing.assert_allclose(vectors[:, 0], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_standardized_vectors():
    model = network("vgg16")
    # Clips that differ in more than their loudness, which the decibels forget.
    clips = waveforms() * np.array([[1.0], [3.0], [0.5]], np.float32) + np.roll(waveforms(), 7, axis=0)
    vectors = np.asarray(part_of(model, "waveform", "vector")(clips))
    before = np.asarray(model(clips))
    np.testing.assert_array_equal(np.asarray(part_of(model, "vector", "genres")(vectors)), before)
    standardize_vectors(model, vectors)
    standard = np.asarray(model.get_layer("standardization")(vectors))
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-3)
    varied = vectors.std(axis=0) > 1e-3
    assert varied.sum() > 100
    np.testing.assert_allclose(standard[:, varied].std(axis=0), 1, atol=1e-3)
    # The vectors themselves stay, and the head makes of the standardised ones what a fresh one did.
    np.testing.assert_array_equal(np.asarray(part_of(model, "waveform", "vector")(clips)), vectors)
    np.testing.assert_array_equal(np.asarray(model(clips)), np.asarray(part_of(model, "vector", "genres")(vectors)))
    assert np.abs(np.asarray(model(clips)) - before).max() > 0.1
    for wrong in (vectors[:0], vectors[:, :5], vectors[0]):
        with pytest.raises(OptionError, match="vectors: have shape"):
            standardize_vectors(model, wrong)


def step(model, inputs, classes):
    """Take one step of gradient descent."""
    with tf.GradientTape() as tape:
        said = model(inputs, training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(classes, said))
    weights = [weight.value for weight in model.trainable_weights]
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, weights), strict=True):
        weight.assign_sub(0.01 * gradient)


def test_training_the_head_on_vectors_is_training_the_whole_with_a_frozen_backbone():
    whole, parts = network(), network()
    # Same seed, same start.
    np.testing.assert_array_equal(np.asarray(whole(waveforms())), np.asarray(parts(waveforms())))
    vectors = part_of(parts, "waveform", "vector")(waveforms(), training=False)
    for model in (whole, parts):
        standardize_vectors(model, np.asarray(vectors))
    before = [np.array(weight) for weight in whole.weights]
    for _ in range(2):
        step(whole, waveforms(), np.arange(3))
        step(part_of(parts, "vector", "genres"), vectors, np.arange(3))
    n_of_head = 8
    for ours, theirs in zip(whole.weights, parts.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-5)
    changed = [not np.array_equal(np.asarray(now), old) for now, old in zip(whole.weights, before, strict=True)]
    assert changed == [False] * (len(before) - n_of_head) + [True] * n_of_head


def changed_layers(model, backbone):
    """Return the backbone's layers of which a step changes a weight or a statistic."""
    before = {layer.name: layer.get_weights() for layer in backbone.layers}
    step(model, waveforms(), np.arange(3))
    return {
        layer.name
        for layer in backbone.layers
        if any(np.any(new != old) for new, old in zip(layer.get_weights(), before[layer.name], strict=True))
    }


def test_fine_tuning_from_a_layer_up(frozen):
    model, backbone = frozen, backbone_of(frozen)
    set_trainable_from(model, "layer4.0.conv1")
    expected = {layer.name for layer in backbone.layers if layer.name.startswith("layer4.") and layer.weights}
    assert {"layer4.0.conv1", "layer4.0.downsample.0", "layer4.0.downsample.1", "layer4.2.bn2"} <= expected
    assert changed_layers(model, backbone) == expected
    set_trainable_from(model, None)
    assert changed_layers(model, backbone) == set()
    set_trainable_from(model, "conv1")
    assert changed_layers(model, backbone) == {layer.name for layer in backbone.layers if layer.weights}


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_what_is_frozen_stays_frozen_in_a_saved_file(frozen, tmp_path, suffix):
    set_trainable_from(frozen, "layer4.2.conv1")
    frozen.save(tmp_path / f"model.{suffix}")
    loaded = load_model(tmp_path / f"model.{suffix}")
    shapes = [tuple(weight.shape) for weight in frozen.trainable_weights]
    assert len(shapes) == 6 + 8 and [tuple(weight.shape) for weight in loaded.trainable_weights] == shapes
    for ours, theirs in zip(backbone_of(frozen).layers, backbone_of(loaded).layers, strict=True):
        assert not ours.weights or ours.trainable == theirs.trainable


def test_an_unknown_layer(frozen):
    with pytest.raises(OptionError, match="trainable_from: resnet34 has no layer 'layer4.0.conf1'.*layer4.0.conv1"):
        set_trainable_from(frozen, "layer4.0.conf1")
    with pytest.raises(OptionError, match="has no layer 'xyz'.*avgpool"):
        set_trainable_from(frozen, "xyz")


WRONG = {
    "n_classes": ({"n_classes": 0}, "n_classes: must be a whole number above 0"),
    "n_samples": ({"n_samples": SHORTEST - 1}, "128 x 31 is below the 32 x 32 pixels that resnet34 needs"),
    "no samples": ({"n_samples": 0}, "n_samples: must be"),
    "rate": ({"sampling_rate": 0}, "sampling_rate: must be"),
    "range": ({"dynamic_range": 0.0}, "dynamic_range: must be above 0 dB"),
    "image_size": ({"image_size": (128, 31)}, "128 x 31 is below"),
    "head": ({"head_units": (256, 0)}, r"head_units\[1\]: must be"),
    "dropout": ({"dropout": 1.0}, "dropout: 1.0 is no share"),
    "backbone": ({"backbone": "alexnet"}, "backbone: 'alexnet' is unknown"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options(name):
    options, words = WRONG[name]
    defaults = {"backbone": "resnet34", "n_classes": N_CLASSES, "n_samples": SHORTEST, "weights": "none"}
    with pytest.raises(OptionError, match=words):
        image_network(**(defaults | options))


def test_parts_that_are_none(networks):
    with pytest.raises(OptionError, match="end: waveform is not above vector"):
        part_of(networks["vgg16"], "vector", "waveform")
    with pytest.raises(OptionError, match="start: 'picture' is unknown"):
        part_of(networks["vgg16"], "picture", "vector")
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="other")
    with pytest.raises(OptionError, match="model: 'other' is no image network"):
        part_of(other, "waveform", "vector")
