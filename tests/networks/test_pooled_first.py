"""Networks whose maps are pooled before they are normalised give what the networks give."""

import keras
import numpy as np
import pytest

from mgc_keras.layers.normalization import BatchStatisticsNormalization
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.highest_convolution import HighestConvolution
from mgc_keras.networks.pooled_convolution import PooledConvolution
from mgc_keras.networks.pooled_first import pooled_first
from mgc_keras.published.musicnn.network import musicnn
from mgc_keras.studies.choi2017.network import convnet

CLIPS = np.random.default_rng(0).normal(size=(3, 12, 20, 2)).astype(np.float32)


def network(norm: keras.Layer, activation: str | None = None, padding: str = "valid") -> keras.Model:
    inputs = keras.Input(CLIPS.shape[1:])
    maps = keras.layers.Conv2D(6, 3, activation=activation, padding="same", name="convolution")(inputs)
    maps = MaxPooling2D((5, 3), padding=padding, name="pool")(norm(maps))
    return with_random_weights(keras.Model(inputs, keras.layers.Dense(4)(keras.layers.ELU()(maps))))


def with_random_weights(model: keras.Model) -> keras.Model:
    """Give every tensor numbers of both signs; variances none below zero."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        draws = [rng.normal(size=weight.shape) for weight in layer.weights]
        layer.set_weights([abs(w) if v.name == "moving_variance" else w for w, v in zip(draws, layer.weights)])
    return model


def pools_first(model: keras.Model) -> bool:
    """Whether some layer stands directly before a pool that is no normalisation."""
    return "BatchNormalization" not in type(model.get_layer("pool").input._keras_history.operation).__name__


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("activation", [None, "relu", "elu"])
def test_stored_statistics(activation: str | None, padding: str) -> None:
    model = network(keras.layers.BatchNormalization(), activation, padding)
    twin = pooled_first(model)
    assert pools_first(twin) and not pools_first(model)
    plain = model.predict(CLIPS, verbose=0)
    np.testing.assert_allclose(twin.predict(CLIPS, verbose=0), plain, rtol=0, atol=2e-6 * abs(plain).max())


def test_a_normalisation_without_scale_turns_nothing_round() -> None:
    model = network(keras.layers.BatchNormalization(scale=False, center=False))
    plain = model.predict(CLIPS, verbose=0)
    twin = pooled_first(model)
    assert twin is not model
    np.testing.assert_allclose(twin.predict(CLIPS, verbose=0), plain, rtol=0, atol=2e-6 * abs(plain).max())


def test_the_statistics_of_a_batch_are_those_of_maps_before_pooling_to_the_last_bit() -> None:
    model = network(BatchStatisticsNormalization())
    twin = pooled_first(model)
    assert twin is not model
    np.testing.assert_array_equal(twin(CLIPS), model(CLIPS))


@pytest.mark.parametrize(
    ("loop", "norm", "activation"),
    [
        (PooledConvolution, keras.layers.BatchNormalization, None),
        (PooledConvolution, keras.layers.BatchNormalization, "relu"),
        (PooledConvolution, BatchStatisticsNormalization, None),
        (HighestConvolution, keras.layers.BatchNormalization, None),
        (HighestConvolution, keras.layers.BatchNormalization, "relu"),
    ],
)
def test_convolution_and_pooling_in_one_loop(
    loop: type, norm: type[keras.layers.Layer], activation: str | None
) -> None:
    clips, inputs = np.repeat(CLIPS, 2, axis=2)[..., :1], keras.Input((12, 40, 1))
    if loop is PooledConvolution:
        convolution, pool = keras.layers.Conv2D(6, 3, padding="same", activation=activation), (2, 4)
    else:
        convolution, pool = keras.layers.Conv2D(160, (3, 21), activation=activation), (1, 20)
    model = with_random_weights(keras.Model(inputs, MaxPooling2D(pool)(norm()(convolution(inputs)))))
    twin = pooled_first(model)
    assert [type(layer) for layer in twin.layers].count(loop) == 1
    plain = model.predict(clips, verbose=0)
    np.testing.assert_allclose(twin.predict(clips, verbose=0), plain, rtol=0, atol=5e-6 * abs(plain).max())


def test_nan_stays_nan_in_its_clip() -> None:
    clips = CLIPS.copy()
    clips[1] = np.nan
    rows = pooled_first(network(keras.layers.BatchNormalization(), "relu")).predict(clips, verbose=0)
    assert [np.isnan(row).all() for row in rows] == [False, True, False] and np.isfinite(rows[[0, 2]]).all()


def test_published_networks_are_changed_and_their_own_layers_left_alone() -> None:
    for model in (musicnn(input="melspectrogram", output="features"), convnet(input="melspectrogram")):
        with_random_weights(model)
        before = [layer.name for layer in model.layers]
        clips = np.random.default_rng(2).uniform(0, 3, (2, *model.input_shape[1:])).astype(np.float32)
        plain = model.predict(clips, verbose=0)
        twin = pooled_first(model)
        assert twin is not model and [layer.name for layer in model.layers] == before
        np.testing.assert_allclose(twin.predict(clips, verbose=0), plain, rtol=0, atol=1e-5 * abs(plain).max())
        np.testing.assert_array_equal(model.predict(clips, verbose=0), plain)


def test_maps_that_something_else_needs_are_normalised_where_they_were() -> None:
    inputs = keras.Input(CLIPS.shape[1:])
    maps = keras.layers.BatchNormalization()(keras.layers.Conv2D(6, 3)(inputs))
    mean = keras.layers.GlobalAveragePooling2D()(maps)
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.MaxPooling2D(2)(maps))
    model = keras.Model(inputs, keras.layers.Add()([mean, pooled]))
    assert pooled_first(model) is model
    of_maps = keras.Model(inputs, [maps, pooled])
    assert pooled_first(of_maps) is of_maps


@pytest.mark.parametrize("activation", ["softsign", "gelu", "tanh"])
def test_other_activations_are_left_alone(activation: str) -> None:
    model = network(keras.layers.BatchNormalization(), activation)
    assert pooled_first(model) is model


def test_the_statistics_of_what_an_activation_gives_are_left_alone() -> None:
    model = network(BatchStatisticsNormalization(), "relu")
    assert pooled_first(model) is model


def test_layers_that_are_called_twice_are_left_alone() -> None:
    inputs, convolution = keras.Input(CLIPS.shape[1:]), keras.layers.Conv2D(2, 3, padding="same")
    maps = convolution(convolution(inputs))
    model = keras.Model(inputs, keras.layers.MaxPooling2D(2)(keras.layers.BatchNormalization()(maps)))
    assert pooled_first(model) is model


def test_models_without_a_graph_of_layers_are_left_alone() -> None:
    class Own(keras.Model):
        def call(self, inputs: np.ndarray) -> np.ndarray:
            return inputs

    chain = [keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization(), keras.layers.MaxPooling2D(2)]
    for model in (Own(), keras.Sequential([keras.Input(CLIPS.shape[1:]), *chain])):
        found = pooled_first(model)
        np.testing.assert_allclose(found(CLIPS), model(CLIPS), atol=1e-6)


def test_layers_of_a_users_own_are_left_alone() -> None:
    class Absolute(keras.layers.BatchNormalization):
        def call(self, inputs: np.ndarray, **options: bool) -> np.ndarray:
            return keras.ops.abs(super().call(inputs, **options))

    model = network(Absolute())
    assert pooled_first(model) is model
