"""Layer by layer equals the whole batch at once, in little memory."""

import keras
import numpy as np
import pytest
from forked import Forked

from mgc_keras.errors import OptionError
from mgc_keras.studies.choi2017.layerwise import Moments, batch_statistics_features, first_layer_moments
from mgc_keras.studies.choi2017.network import convnet

SHORTEST = 327425


def waveforms(n_clips: int) -> np.ndarray:
    generator = np.random.default_rng(4)
    return (generator.standard_normal((n_clips, SHORTEST)) * generator.uniform(1e-3, 0.5, (n_clips, 1))).astype(
        np.float32
    )


def with_gammas_of_both_signs(model: keras.Model) -> keras.Model:
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.startswith("bn"):
            layer.gamma.assign(generator.standard_normal(32))
            layer.beta.assign(generator.standard_normal(32))
    return model


# Features reach 6, where float32 itself steps by 5e-7: oneDNN's kernels sum in an order that depends on the batch.
ROUNDING = {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decibel_reference": "clip", "output": "tags"},
        {"framing": "tensorflow", "standardize_clips": True},
    ],
    ids=["published", "clip-tags", "standardized"],
)
def test_equals_the_whole_batch(options):
    model = with_gammas_of_both_signs(convnet(SHORTEST, **options))
    clips = waveforms(5)
    whole = model(clips).numpy()
    np.testing.assert_allclose(batch_statistics_features(model, clips, chunk_size=2), whole, **ROUNDING)
    chunks = iter([clips[:1], clips[1:]])
    np.testing.assert_allclose(batch_statistics_features(model, chunks, chunk_size=3), whole, **ROUNDING)


def test_takes_melspectrograms():
    model = convnet(SHORTEST, input="melspectrogram")
    maps = np.random.default_rng(0).uniform(-80, 0, (3, 96, 1280, 1)).astype(np.float32)
    np.testing.assert_allclose(batch_statistics_features(model, maps, 2), model(maps).numpy(), **ROUNDING)


def test_refuses_population_statistics_and_no_clips():
    with pytest.raises(OptionError, match="batch statistics"):
        batch_statistics_features(convnet(SHORTEST, normalization="population"), waveforms(1))
    with pytest.raises(OptionError, match="no clip"):
        batch_statistics_features(convnet(SHORTEST), [])


def test_first_layer_moments_equal_those_of_the_convolution():
    generator = np.random.default_rng(0)
    maps = generator.uniform(-80, 0, (3, 12, 20, 1)).astype(np.float32)
    # Seeded: a filter whose mean response is near 0 would ask more of float32 than it holds.
    initial = {name: keras.initializers.RandomNormal(seed=seed) for seed, name in enumerate(["kernel", "bias"])}
    layer = keras.layers.Conv2D(
        5, 3, padding="same", kernel_initializer=initial["kernel"], bias_initializer=initial["bias"]
    )
    convolved = layer(maps).numpy().astype(np.float64)
    kernel, bias = layer.get_weights()
    moments = first_layer_moments([maps[:2], maps[2:]], kernel, bias)
    np.testing.assert_allclose(moments.mean, convolved.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(moments.variance, convolved.var((0, 1, 2)), rtol=1e-5)


def test_moments_over_chunks_equal_those_of_the_whole():
    values = np.random.default_rng(0).standard_normal((100, 3)) * 2 + [5, -400, 0]
    moments = Moments()
    for part in (values[:7], values[7:8], values[8:]):
        moments.add(len(part), part.mean(0), part.var(0))
    np.testing.assert_allclose(moments.mean, values.mean(0))
    np.testing.assert_allclose(moments.variance, values.var(0))


_MEMORY = """
import resource
import numpy as np
from mgc_keras.studies.choi2017.network import convnet
from mgc_keras.studies.choi2017.layerwise import batch_statistics_features
model, generator = convnet(), np.random.default_rng(0)
for n_clips in (6, 30):
    clips = (generator.standard_normal((1, 348000)).astype(np.float32) for _ in range(n_clips))
    batch_statistics_features(model, clips, chunk_size=2)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_grows_by_less_than_two_megabytes_a_clip():
    measuring = Forked("-c", _MEMORY)
    printed, errors = measuring.communicate()
    assert measuring.returncode == 0, errors
    before, after = (int(line) / 1024 for line in printed.split())
    assert after - before < 2 * 24
