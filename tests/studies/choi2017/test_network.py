"""The convnet: structure against the paper, a twin in the paper's order, options."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mgc_keras.errors import OptionError
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.studies.choi2017.network import FEATURE_COLUMNS, N_SAMPLES, POOLS, convnet

SHORTEST = 327425


def spectrograms(n_clips: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(-80, 0, (n_clips, 96, 1280, 1)).astype(np.float32)


def twin(model: keras.Model, maps: np.ndarray, population: bool) -> np.ndarray:
    """The paper's order: convolution, normalisation, ELU, max-pooling; averages of each layer's map."""
    tensors, taps = tensors_of(model), []
    for layer, pool in enumerate(POOLS, 1):
        maps = tf.nn.conv2d(maps, tensors[f"conv{layer}/kernel"], 1, "SAME").numpy() + tensors[f"conv{layer}/bias"]
        wide = maps.astype(np.float64)
        mean, variance = wide.mean((0, 1, 2)), wide.var((0, 1, 2))
        if population:
            mean, variance = tensors[f"bn{layer}/moving_mean"], tensors[f"bn{layer}/moving_variance"]
        wide = (wide - mean) / np.sqrt(variance + 1e-3) * tensors[f"bn{layer}/gamma"] + tensors[f"bn{layer}/beta"]
        wide = np.where(wide > 0, wide, np.expm1(np.minimum(wide, 0)))
        maps = tf.nn.max_pool2d(wide.astype(np.float32), pool, pool, "VALID").numpy()
        taps.append(maps.mean((1, 2)))
    return np.concatenate(taps, axis=1)


@pytest.mark.parametrize("normalization", ["batch", "population"])
def test_equals_twin_in_the_papers_order(normalization):
    model = convnet(SHORTEST, input="melspectrogram", normalization=normalization)
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.startswith("bn"):  # gammas of both signs
            layer.gamma.assign(generator.standard_normal(32))
            layer.beta.assign(generator.standard_normal(32))
            if normalization == "population":
                layer.moving_mean.assign(generator.standard_normal(32))
                layer.moving_variance.assign(generator.uniform(0.5, 900, 32))
    inputs = spectrograms(2)
    expected = twin(model, inputs, normalization == "population")
    np.testing.assert_allclose(model(inputs).numpy(), expected, atol=1e-4)


def test_shapes_names_and_counts():
    model = convnet()
    assert model.input_shape == (None, N_SAMPLES) and model.output_shape == (None, 160)
    assert len(FEATURE_COLUMNS) == 160 and FEATURE_COLUMNS[0] == "layer1_00" and FEATURE_COLUMNS[-1] == "layer5_31"
    assert len(set(TAGS)) == 50
    tagger = convnet(output="tags", n_tags=7)
    assert tagger.output_shape == (None, 7)
    convolutions = 9 * 32 + 32 + 4 * (9 * 32 * 32 + 32)
    assert tagger.count_params() == convolutions + 5 * 64 + 33 * 7
    assert tagger.get_layer("pool5").output.shape[1:3] == (1, 1)


def test_random_weights_are_he_normal_and_follow_the_seed():
    kernels = [tensors_of(convnet(seed=seed))["conv3/kernel"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0
    assert kernels[0].std() == pytest.approx(np.sqrt(2 / (9 * 32)), rel=0.05)


def test_longer_clips_run():
    waveform = np.random.default_rng(0).standard_normal((1, 700_000)).astype(np.float32)
    assert convnet(700_000, output="tags", normalization="population")(waveform).shape == (1, 50)


def test_trains_on_melspectrograms():
    model = convnet(SHORTEST, output="tags", n_tags=3, input="melspectrogram")
    model.compile("adam", "binary_crossentropy", run_eagerly=True)
    targets = np.eye(3, dtype=np.float32)
    losses = model.fit(spectrograms(3), targets, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_mixed_precision_keeps_front_end_and_outputs_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        models = [convnet(SHORTEST, output=output) for output in ("features", "tags")]
    finally:
        keras.config.set_dtype_policy("float32")
    waveform = np.random.default_rng(0).standard_normal((1, SHORTEST)).astype(np.float32)
    for model in models:
        assert model.get_layer("melspectrogram").compute_dtype == "float32"
        outputs = model(waveform).numpy()
        assert outputs.dtype == np.float32 and np.isfinite(outputs).all()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"output": "embedding"}, "output"),
        ({"normalization": "layer"}, "normalization"),
        ({"framing": "torch"}, "framing"),
        ({"decibel_reference": "world"}, "decibel_reference"),
        ({"input": "midi"}, "input"),
        ({"n_samples": SHORTEST - 1}, "n_samples"),
    ],
)
def test_bad_options_are_named(options, field):
    with pytest.raises(OptionError, match=field):
        convnet(**options)
