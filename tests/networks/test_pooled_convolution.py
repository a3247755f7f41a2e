"""Convolution and pooling in one loop give what float64 and Keras's layers give."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate

from mgc_keras.features.network import compiled
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.pooled_convolution import PooledConvolution
from mgc_keras.networks.pooled_first import pooled_first
from mgc_keras.studies.choi2017.network import convnet

# Far from zero, as decibels are: there a variance from sums of squares would lose its digits in float32.
CLIPS = np.random.default_rng(0).normal(-40, 10, size=(3, 12, 20, 1)).astype(np.float32)


def layers(
    pool_size: tuple[int, int] = (2, 4),
    shape: tuple[int | None, ...] = CLIPS.shape[1:],
    filters: int = 5,
    size: int | tuple[int, int] = 3,
    pool: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[keras.Model, keras.layers.Conv2D, keras.layers.MaxPooling2D]:
    """Return a convolution with filters of both signs and the pooling behind it, in a model."""
    inputs = keras.Input(shape)
    convolution = keras.layers.Conv2D(filters, size, **{"padding": "same"} | options)
    pooling = MaxPooling2D(pool_size, **pool or {})
    model = keras.Model(inputs, pooling(convolution(inputs)))
    rng = np.random.default_rng(1)
    convolution.set_weights([rng.normal(size=weight.shape) for weight in convolution.weights])
    return model, convolution, pooling


@pytest.mark.parametrize("filters", [1, 5, 16, 33])
@pytest.mark.parametrize("pool_size", [(1, 4), (2, 4), (3, 4), (12, 4)])
def test_maps_and_moments_are_those_of_float64(pool_size: tuple[int, int], filters: int) -> None:
    _, convolution, pool = layers(pool_size, filters=filters)
    assert PooledConvolution.fits(convolution, pool)
    kernel, bias = (weight.astype(np.float64) for weight in convolution.get_weights())
    by_filter = [[correlate(clip[..., 0], kernel[:, :, 0, n], "same") for n in range(filters)] for clip in CLIPS]
    convolved = np.moveaxis(np.array(by_filter), 1, -1) + bias
    rows, columns = 12 // pool_size[0], 20 // 4
    expected = convolved.reshape(3, rows, pool_size[0], columns, 4, filters).max(axis=(2, 4))
    pooled, mean, variance = PooledConvolution(convolution, pool)(CLIPS)
    np.testing.assert_allclose(pooled, expected, rtol=0, atol=2e-6 * abs(convolved).max())
    np.testing.assert_allclose(mean, convolved.mean(axis=(0, 1, 2)), rtol=0, atol=1e-7 * abs(convolved).max())
    np.testing.assert_allclose(variance, convolved.var(axis=(0, 1, 2)), rtol=2e-6)


def test_the_published_convnet_is_computed_so_on_a_cpu() -> None:
    for normalization in ("batch", "population"):
        twin = pooled_first(convnet(input="melspectrogram", normalization=normalization))
        assert sum(isinstance(layer, PooledConvolution) for layer in twin.layers) == 1


def test_a_clip_has_the_same_bits_in_every_batch() -> None:
    inputs = keras.Input(CLIPS.shape[1:])
    maps = keras.layers.BatchNormalization()(keras.layers.Conv2D(5, 3, padding="same")(inputs))
    model = keras.Model(inputs, MaxPooling2D((2, 4))(maps))
    together = compiled(model, CLIPS.shape)(tf.constant(CLIPS)).numpy()
    alone = [compiled(model, (1, *CLIPS.shape[1:]))(tf.constant(clip[None])).numpy()[0] for clip in CLIPS]
    np.testing.assert_array_equal(together, alone)


def test_a_map_that_does_not_move_has_no_variance_below_zero() -> None:
    _, convolution, pool = layers((12, 4), filters=64)
    convolution.set_weights([np.eye(9)[4].reshape(3, 3, 1, 1) * np.linspace(0.1, 3, 64), np.zeros(64)])
    _, mean, variance = PooledConvolution(convolution, pool)(np.full_like(CLIPS, -77.7))
    assert (variance >= 0).numpy().all() and (variance <= 1e-9 * np.square(mean)).numpy().all()


def test_nan_stays_nan_in_its_clip() -> None:
    _, convolution, pool = layers()
    clips = CLIPS.copy()
    clips[1] = np.nan
    pooled, mean, variance = PooledConvolution(convolution, pool)(clips)
    assert [np.isnan(clip).all() for clip in pooled] == [False, True, False] and np.isfinite(pooled[::2]).all()
    assert np.isnan(mean).all() and np.isnan(variance).all()


@pytest.mark.parametrize(
    "options",
    [
        {"pool_size": (2, 2)},
        {"pool_size": (5, 4)},
        {"size": (5, 3)},
        {"strides": 2},
        {"dilation_rate": 2},
        {"padding": "valid"},
        {"use_bias": False},
        {"dtype": "mixed_bfloat16"},
        {"pool": {"strides": (2, 2)}},
        {"shape": (12, 20, 2)},
        {"shape": (12, 18, 1)},
        {"shape": (12, None, 1)},
    ],
    ids=str,
)
def test_other_layers_have_no_loop(options: dict[str, Any]) -> None:
    _, convolution, pool = layers(**options)
    assert not PooledConvolution.fits(convolution, pool)


def test_on_a_gpu_the_layers_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    _, convolution, pool = layers()
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert not PooledConvolution.fits(convolution, pool)
