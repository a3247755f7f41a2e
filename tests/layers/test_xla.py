"""Layers through XLA, as Keras compiles models on a GPU: the same numbers and gradients, or not offered to it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mgc_keras.layers.decibel_image import DecibelImage, ImagePreprocessing
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.normalization import BatchStatisticsNormalization, ClipStandardization
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.layers.skip_gru import SkipGRU
from mgc_keras.layers.standardization import PathStandardization

WAVEFORMS, IMAGES, SEQUENCES = (3, 6000), (3, 12, 10, 3), (3, 9, 4)
CASES = {
    "mel, batch's maximum": (WAVEFORMS, lambda: MelSpectrogram()),
    "mel, mirrored": (WAVEFORMS, lambda: MelSpectrogram(framing="reflect", decibel_reference="unit")),
    "batch statistics": (IMAGES, lambda: BatchStatisticsNormalization()),
    "pool": (IMAGES, lambda: MaxPooling2D((2, 3))),
    "clip standardization": (IMAGES, lambda: ClipStandardization()),
    "path standardization": (SEQUENCES, lambda: PathStandardization()),
    "skip GRU": (SEQUENCES, lambda: SkipGRU(5, 2, reset_after=False)),
    "image": ((*IMAGES[:3], 1), lambda: DecibelImage(size=(7, 8))),
    "preprocessing": (IMAGES, lambda: ImagePreprocessing("caffe")),
}


@pytest.mark.parametrize("case", CASES)
def test_xla_gives_the_same_values_and_gradients(case: str) -> None:
    shape, make = CASES[case]
    keras.utils.set_random_seed(1)
    layer = make()
    values = tf.constant(np.random.default_rng(0).normal(0, 0.3, shape).astype(np.float32))
    layer(values)

    def step(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = layer(values)
            # Without a weight each, gradients of what is normalised would be zero.
            total = tf.reduce_sum(outputs * tf.reshape(tf.range(tf.size(outputs), dtype=tf.float32), tf.shape(outputs)))
        return outputs, tape.gradient(total, values)

    for plain, compiled in zip(step(values), tf.function(step, jit_compile=True)(values), strict=True):
        scale = float(tf.reduce_max(tf.abs(plain)))
        np.testing.assert_allclose(compiled, plain, atol=2e-5 * scale)


def test_what_xla_does_not_know_is_kept_from_it() -> None:
    assert DecibelImage(size=(7, 8)).supports_jit and not DecibelImage(size=(7, 8), antialias=True).supports_jit
    layer = DecibelImage(size=(7, 8), antialias=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="ScaleAndTranslate"):
        tf.function(layer, jit_compile=True)(tf.zeros((1, 12, 10, 1)))
