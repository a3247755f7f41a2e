"""Decibels as images, against a closed form, Pillow and keras.applications."""

import keras
import numpy as np
import pytest
from contracts import check_contract

from mgc_keras.errors import OptionError
from mgc_keras.layers.decibel_image import DecibelImage, ImagePreprocessing


def decibels(*shape):
    """Return (batch, n_mels, n_frames, 1) between -100 and 20 dB."""
    return np.random.default_rng(0).uniform(-100, 20, (*shape, 1)).astype(np.float32)


def images(*shape):
    """Return (batch, height, width, 3) between 0 and 255."""
    return np.random.default_rng(0).uniform(0, 255, (*shape, 3)).astype(np.float32)


CASES = {
    "image": (lambda: DecibelImage(), lambda: decibels(3, 6, 5)),
    "resized": (lambda: DecibelImage(60.0, (9, 8)), lambda: decibels(3, 6, 5)),
    "smaller": (lambda: DecibelImage(80.0, (3, 4), antialias=True, n_channels=1), lambda: decibels(3, 6, 9)),
    "caffe": (lambda: ImagePreprocessing("caffe"), lambda: images(3, 4, 5)),
    "torch": (lambda: ImagePreprocessing("torch"), lambda: images(3, 4, 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_contract(name):
    make, inputs = CASES[name]
    check_contract(make(), inputs(), batch_independent=True)


def test_decibels_become_grey_levels():
    inputs = decibels(2, 7, 9)
    levels = np.asarray(DecibelImage(dynamic_range=60.0)(inputs))
    expected = np.interp(inputs.astype(np.float64), [-60, 0], [0, 255])
    assert levels.shape == (2, 7, 9, 3)
    np.testing.assert_allclose(levels, np.repeat(expected, 3, axis=-1), atol=1e-4)


@pytest.mark.parametrize("size", [(40, 33), (11, 13)])
def test_enlarging_equals_pillow(size):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    inputs = decibels(2, 11, 13)
    plain = np.asarray(DecibelImage()(inputs))
    for ours, levels in zip(np.asarray(DecibelImage(size=size)(inputs)), plain, strict=True):
        reference = image.fromarray(levels[..., 0]).resize(size[::-1], image.Resampling.BILINEAR)
        np.testing.assert_allclose(ours, np.repeat(np.asarray(reference)[..., None], 3, axis=-1), atol=1e-3)


def test_a_smoothed_image_sees_every_frame():
    # Pillow always smooths what it makes smaller.
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    inputs = decibels(2, 11, 40)
    plain = np.asarray(DecibelImage()(inputs))[..., 0]
    smooth = np.asarray(DecibelImage(size=(11, 9), antialias=True, n_channels=1)(inputs))
    assert smooth.shape == (2, 11, 9, 1)
    for ours, levels in zip(smooth[..., 0], plain, strict=True):
        reference = np.asarray(image.fromarray(levels).resize((9, 11), image.Resampling.BILINEAR))
        np.testing.assert_allclose(ours, reference, atol=1e-2)
    assert np.abs(np.asarray(DecibelImage(size=(11, 9))(inputs))[..., 0] - smooth[..., 0]).max() > 10


@pytest.mark.parametrize(
    ("mode", "application"), [("caffe", "vgg16"), ("caffe", "resnet50"), ("torch", "densenet"), ("tf", "inception_v3")]
)
def test_preprocessing_equals_keras_applications(mode, application):
    inputs = images(2, 5, 4)
    reference = getattr(keras.applications, application).preprocess_input(inputs.copy())
    np.testing.assert_allclose(np.asarray(ImagePreprocessing(mode)(inputs)), reference, rtol=0, atol=2e-5)


def test_caffe_turns_the_colours_round():
    red = np.zeros((1, 1, 1, 3), np.float32)
    red[..., 0] = 255
    np.testing.assert_allclose(np.asarray(ImagePreprocessing("caffe")(red)).ravel(), [-103.939, -116.779, 131.32], 1e-6)


def test_half_precision_is_never_used():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        for make, inputs in CASES.values():
            assert np.asarray(make()(inputs())).dtype == np.float32
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("dynamic_range", [0, -80.0, float("nan")])
def test_no_range(dynamic_range):
    with pytest.raises(OptionError, match="dynamic_range: must be above 0"):
        DecibelImage(dynamic_range)


@pytest.mark.parametrize("size", [(224,), (0, 10), (10, -1), (3.5, 4), (1, 2, 3)])
def test_no_size(size):
    with pytest.raises(OptionError, match="size: .* is no height and width"):
        DecibelImage(size=size)


def test_unknown_preprocessing():
    with pytest.raises(OptionError, match="mode: 'keras' is unknown.*caffe, torch, tf"):
        ImagePreprocessing("keras")
