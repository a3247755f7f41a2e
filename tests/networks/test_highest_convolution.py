"""Convolutions of which the highest output counts give what float64 and Keras's layers give."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate

from mgc_keras.features.network import compiled
from mgc_keras.layers.normalization import BatchStatisticsNormalization
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks import highest_convolution, one_loop
from mgc_keras.networks.highest_convolution import HighestConvolution
from mgc_keras.networks.highest_convolution_loop import PLACES, TAPS
from mgc_keras.networks.pooled_first import pooled_first
from mgc_keras.published.musicnn.network import musicnn


def layers(
    shape: tuple[int | None, ...] = (12, 40, 1),
    size: tuple[int, int] = (3, 21),
    filters: int = 160,
    pool_size: tuple[int, int] = (1, 20),
    pool: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[keras.layers.Conv2D, keras.layers.MaxPooling2D]:
    """Return a convolution with filters of both signs and the pooling behind it, which stand in a model."""
    inputs = keras.Input(shape)
    convolution, pooling = keras.layers.Conv2D(filters, size, **options), MaxPooling2D(pool_size, **pool or {})
    pooling(convolution(inputs))
    rng = np.random.default_rng(1)
    convolution.set_weights([rng.normal(size=weight.shape) for weight in convolution.weights])
    return convolution, pooling


def clips(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("filters", [1, 16, 51, 204])
@pytest.mark.parametrize("n_taps", [16, 17, 38])
@pytest.mark.parametrize("n_places", [10, 11, 12, 19, 59])
def test_outputs_are_those_of_float64(n_places: int, n_taps: int, filters: int) -> None:
    maps = clips(2, 9, n_places + n_taps - 1, 1)
    convolution, pool = layers(maps.shape[1:], (4, n_taps), filters, (1, n_places))
    kernel, bias = (weight.astype(np.float64) for weight in convolution.get_weights())
    by_filter = [[correlate(clip[..., 0], kernel[:, :, 0, n], "valid") for n in range(filters)] for clip in maps]
    expected = np.moveaxis(np.array(by_filter).max(axis=-1), 1, -1) + bias
    (found,) = HighestConvolution(convolution, pool)(maps)
    assert found.shape == (2, 6, 1, filters)
    np.testing.assert_allclose(found[:, :, 0], expected, rtol=0, atol=2e-6 * abs(expected).max())


def test_both_timbral_branches_of_musicnn_are_computed_so_on_a_cpu() -> None:
    twin = pooled_first(musicnn(input="melspectrogram"))
    assert sum(isinstance(layer, HighestConvolution) for layer in twin.layers) == 2


# More than there are rows, too.
@pytest.mark.parametrize("n_threads", [1, 2, 5, 64])
def test_a_clip_has_the_same_bits_in_every_batch_and_on_any_number_of_cores(
    n_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = clips(3, 12, 40, 1)
    inputs = keras.Input(maps.shape[1:])
    outputs = keras.layers.BatchNormalization()(keras.layers.Conv2D(160, (3, 21))(inputs))
    model = keras.Model(inputs, MaxPooling2D((1, 20))(outputs))
    expected = compiled(model, maps.shape)(tf.constant(maps)).numpy()
    for module in (highest_convolution, one_loop):
        monkeypatch.setattr(module, "n_threads", lambda: n_threads)
    found = compiled(model, maps.shape)(tf.constant(maps)).numpy()
    alone = [compiled(model, (1, *maps.shape[1:]))(tf.constant(clip[None])).numpy()[0] for clip in maps]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(alone, expected)


def test_nan_stays_nan_in_its_clip() -> None:
    maps = clips(3, 12, 40, 1)
    maps[1] = np.nan
    (found,) = HighestConvolution(*layers())(maps)
    assert [np.isnan(clip).all() for clip in found] == [False, True, False] and np.isfinite(found[::2]).all()


def test_the_statistics_of_a_batch_need_the_map() -> None:
    inputs = keras.Input((12, 40, 1))
    outputs = BatchStatisticsNormalization()(keras.layers.Conv2D(160, (3, 21))(inputs))
    twin = pooled_first(keras.Model(inputs, MaxPooling2D((1, 20))(outputs)))
    assert not any(isinstance(layer, HighestConvolution) for layer in twin.layers)


@pytest.mark.parametrize(
    "options",
    [
        {"filters": 159},
        {"pool_size": (1, 19)},
        {"pool_size": (2, 20)},
        {"pool": {"padding": "same"}},
        {"pool": {"strides": (2, 1)}},
        {"size": (3, 15), "pool_size": (1, 26)},
        {"size": (3, 32), "pool_size": (1, 9)},
        {"strides": 2},
        {"dilation_rate": 2, "size": (3, 16), "pool_size": (1, 10)},
        {"padding": "same"},
        {"use_bias": False},
        {"dtype": "mixed_bfloat16"},
        {"shape": (12, 40, 2)},
        {"shape": (None, 40, 1)},
    ],
    ids=str,
)
def test_other_layers_have_no_loop(options: dict[str, Any]) -> None:
    assert HighestConvolution.fits(*layers())
    assert not HighestConvolution.fits(*layers(**options))


def test_on_a_gpu_the_layers_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    convolution, pool = layers()
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert not HighestConvolution.fits(convolution, pool)


def test_the_loop_is_compiled_once_for_each_width(tmp_path: Path) -> None:
    """What numba keeps must be found again by the next process, or each would add to it."""
    program = (
        "from mgc_keras.networks.highest_convolution_loop import highest_of_columns_for as loop; loop(32); loop(64)"
    )
    for _ in range(2):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", program], check=True, env=environment)
        assert len([*tmp_path.rglob("*.nbc")]) == 2


def test_layer_and_loop_work_on_as_much_together() -> None:
    assert (highest_convolution._PAIRS, highest_convolution._TAPS) == (PLACES, TAPS)
