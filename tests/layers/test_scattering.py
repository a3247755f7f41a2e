"""The scattering layer against Kymatio, finite differences and a fresh process.

Other options, of small inputs, are in `tests/scattering/test_reference.py`.
"""

from contextlib import nullcontext

import numpy as np
import pytest
import tensorflow as tf
from contracts import check_contract, check_reload
from eagerly import uncompiled

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.errors import OptionError
from mgc_keras.layers.scattering import Scattering
from mgc_keras.scattering.baseband import BasebandWavelets
from mgc_keras.scattering.blocks import bytes_of_a_clip
from mgc_keras.scattering.on_scipy import ScipyOperations
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.scattering.transform import Transform

try:
    from kymatio.scattering1d.frontend.numpy_frontend import ScatteringNumPy1D
    from kymatio.scattering1d.frontend.tensorflow_frontend import ScatteringTensorFlow1D
except ImportError:  # SciPy 1.17 and later
    ScatteringNumPy1D = None
needs_kymatio = pytest.mark.skipif(ScatteringNumPy1D is None, reason="Kymatio's transforms need SciPy < 1.17")


def noise(*shape: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


def errors(result: np.ndarray, expected: np.ndarray, order: np.ndarray) -> tuple[list[float], float]:
    """Relative L2 error of each order, and the largest of a path."""
    difference = np.asarray(result, np.float64) - expected
    orders = [np.linalg.norm(difference[order == n]) / np.linalg.norm(expected[order == n]) for n in np.unique(order)]
    return orders, float((np.linalg.norm(difference, axis=1) / np.linalg.norm(expected, axis=1)).max())


@needs_kymatio
@pytest.mark.parametrize(
    ("n_samples", "options"),
    [(16000, {"J": 8, "Q": 8}), (50001, {"J": 9, "Q": 1}), (30000, {"J": 8, "Q": 8, "max_order": 1})],
)
def test_equals_kymatio(n_samples, options):
    waveform = noise(n_samples)
    theirs = ScatteringNumPy1D(shape=n_samples, **options)
    expected, about = theirs(waveform.astype(np.float64)), theirs.meta()
    layer = Scattering(**options)
    result = layer(waveform[None]).numpy()[0]
    assert result.shape == expected.shape
    assert [path.order for path in layer.paths] == about["order"].tolist()
    wavelets = [tuple(number for number in numbers if np.isfinite(number)) for numbers in about["n"]]
    assert [path.wavelets for path in layer.paths] == wavelets
    orders, path = errors(result, expected, about["order"])
    assert max(orders) < 1e-5 and path < 1e-5
    double = Scattering(double=True, **options)(waveform[None].astype(np.float64)).numpy()[0]
    assert max(errors(double, expected, about["order"])[0]) < 1e-7


@needs_kymatio
@pytest.mark.parametrize("n_samples", [64000, 60006, 24001])
def test_what_is_reflected_after_subsampling_equals_kymatio(n_samples):
    # The start on Kymatio's grid, the end, and neither; the end is loud, so that reflections weigh as much as they can.
    waveform = noise(n_samples) * np.linspace(0.1, 1, n_samples, dtype=np.float32)
    theirs = ScatteringNumPy1D(J=9, shape=n_samples, Q=4)
    plan = ScatteringPlan(ScatteringOptions(n_samples, 9, (4, 1), 512))
    assert plan.short.length < 0.9 * plan.long.length and plan.fast and plan.slow
    transform = Transform(plan, ScipyOperations("float64"))
    result = transform(waveform)
    orders, path = errors(result, theirs(waveform.astype(np.float64)), theirs.meta()["order"])
    assert max(orders) < 1e-6 and path < 5e-6


@needs_kymatio
@pytest.mark.parametrize("Q", [8, 1])
def test_hard_signals_err_little_more_than_in_kymatio_itself(Q):
    # Half of a chirp's frames are silent: what sounds there is rounding, Kymatio's in float32 or ours.
    n_samples, times = 60000, np.arange(60000) / 16000
    chirp = np.where(times < 1.9, 0.5 * np.sin(2 * np.pi * (50 * times + 1800 * times**2)), 0)
    tone = 0.5 * np.sin(2 * np.pi * 1.3 * times) + 1e-4 * np.random.default_rng(0).standard_normal(n_samples)
    options = {"J": 9, "Q": Q, "shape": n_samples}
    exact, theirs, ours = ScatteringNumPy1D(**options), ScatteringTensorFlow1D(**options), Scattering(J=9, Q=Q)
    for waveform in (chirp.astype(np.float32), tone.astype(np.float32)):
        expected = exact(waveform.astype(np.float64))
        single, result = theirs(waveform[None]).numpy()[0], ours(waveform[None]).numpy()[0]
        theirs_err, ours_err = (
            np.linalg.norm(one - expected, axis=1) / np.linalg.norm(expected, axis=1) for one in (single, result)
        )
        assert (ours_err <= np.maximum(1e-5, 3 * theirs_err)).all()


@needs_kymatio
def test_equals_kymatio_without_averaging():
    waveform = noise(8000)
    expected = ScatteringNumPy1D(J=7, shape=8000, Q=4, T=0, out_type="list")(waveform.astype(np.float64))
    result = Scattering(J=7, Q=4, average=False)(waveform[None])
    assert len(result) == len(expected)
    for ours, theirs in zip(result, expected, strict=True):
        assert ours.shape[1:] == np.shape(theirs["coef"])[-1:]
        np.testing.assert_allclose(ours[0], np.ravel(theirs["coef"]), atol=2e-6)


@needs_kymatio
def test_music_and_a_tone_in_weak_noise_at_full_length(shared_data):
    clip = sorted((shared_data / "audio" / "emotify").rglob("*.mp3"))[0]
    times = np.arange(480000) / 16000
    tone = 0.5 * np.sin(2 * np.pi * 1.3 * times) + 1e-4 * np.random.default_rng(0).standard_normal(480000)
    music = fit_waveform(read_waveform(clip, 16000, duration=30.0), 480000, "repeat")
    theirs, layer = ScatteringNumPy1D(J=13, shape=480000, Q=8), Scattering(J=13, Q=8)
    for waveform in (music, tone.astype(np.float32)):
        expected = theirs(waveform.astype(np.float64))
        orders, path = errors(layer(waveform[None]).numpy()[0], expected, theirs.meta()["order"])
        assert max(orders) < 1e-5 and path < 1e-5


def test_gradient_equals_finite_differences_and_is_finite_on_silence():
    layer = Scattering(J=4, Q=2, double=True)
    waveform = tf.constant(noise(1, 1000), tf.float64)
    weights = tf.random.stateless_normal(layer(waveform).shape, [1, 2], dtype=tf.float64)

    def value(inputs):
        return tf.reduce_sum(layer(inputs) * weights)

    with tf.GradientTape() as tape:
        tape.watch(waveform)
        total = value(waveform)
    gradient = tape.gradient(total, waveform).numpy()[0]
    for place in (0, 3, 700, 999):
        step = np.zeros((1, 1000))
        step[0, place] = 1e-6
        slope = (value(waveform + step) - value(waveform - step)).numpy() / 2e-6
        np.testing.assert_allclose(gradient[place], slope, rtol=1e-3, atol=1e-6)
    silence = tf.zeros((1, 1000), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(silence)
        total = value(silence)
    assert np.isfinite(tape.gradient(total, silence)).all()


def test_contract_and_reload(tmp_path):
    clips = noise(3, 1000) * np.array([[1.0], [0.1], [0.01]], np.float32)
    for options in ({"Q": 2, "max_order": 1, "oversampling": 1}, {"Q": 1, "logarithm": True}):
        check_contract(Scattering(J=3, **options), clips, batch_independent=True)
    cases = {"plain": (Scattering(J=3, Q=2, T=13), clips), "log": (Scattering(J=3, Q=1, logarithm=True), clips)}
    check_reload(cases, tmp_path)


def test_works_in_tf_data_and_in_a_function():
    layer, clips = Scattering(J=6, Q=2), noise(4, 3000)
    expected = layer(clips).numpy()
    np.testing.assert_allclose(tf.function(layer)(clips), expected, rtol=1e-5, atol=1e-8)
    batches = tf.data.Dataset.from_tensor_slices(clips).batch(2).map(layer)
    np.testing.assert_allclose(np.concatenate(list(batches.as_numpy_iterator())), expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("n_samples", "options", "message"),
    [
        (1000, {"J": 9}, "reach"),
        (2000, {"J": 13}, "J up to"),
        (4000, {"J": 0}, "J"),
        (4000, {"J": 5, "Q": 0}, "Q"),
        (4000, {"J": 5, "max_order": 3}, "max_order"),
        (4000, {"J": 5, "T": 4001}, "T"),
        (4000, {"J": 5, "average": False, "logarithm": True}, "logarithm"),
    ],
)
def test_options_that_make_no_sense_are_refused(n_samples, options, message):
    with pytest.raises(OptionError, match=message):
        Scattering(**options)(np.zeros((1, n_samples), np.float32))


def values_and_slope(layer, clips):
    """The layer's outputs, and the gradient of a weighted sum of them."""
    with tf.GradientTape() as tape:
        tape.watch(clips)
        outputs = layer(clips)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        total = tf.add_n(
            [tf.reduce_sum(one * tf.cast(tf.linspace(0.5, 1.0, one.shape[-1]), one.dtype)) for one in outputs]
        )
    return outputs, tape.gradient(total, clips)


def apart(results, expected):
    """The largest difference of outputs, as a share of the largest value."""
    pairs = zip(results, expected, strict=True)
    return max(float(np.abs(one - right).max() / np.abs(right).max()) for one, right in pairs)


# Clips differ by rounding alone: how products are added up depends on how many there are at once. XLA has transforms
# and products of its own, which round otherwise.
BLOCKS, XLA = {True: 1e-14, False: 3e-7}, {True: 1e-14, False: 1e-6}
FORMS = [{"Q": 2, "logarithm": True}, {"Q": 1, "average": False, "double": True}]


@pytest.mark.parametrize("options", FORMS)
def test_a_batch_equals_its_clips_whatever_the_blocks(options):
    double = options.get("double", False)
    clips = tf.constant(noise(5, 500) * np.array([[1], [0.5], [2], [1], [1]]), tf.float64 if double else tf.float32)
    one_by_one, two_by_two, at_once = (Scattering(J=3, block=block, **options) for block in (1, 2, None))
    with uncompiled():
        single = [values_and_slope(at_once, clip[None]) for clip in clips]
    expected = [np.concatenate(parts) for parts in zip(*(outputs for outputs, _ in single), strict=True)]
    slope = np.concatenate([gradient for _, gradient in single])
    for layer in (one_by_one, two_by_two, at_once):
        with nullcontext() if layer is two_by_two else uncompiled():
            outputs, gradient = values_and_slope(layer, clips)
        assert apart(outputs, expected) < BLOCKS[double] and apart([gradient], [slope]) < BLOCKS[double]
    outputs = two_by_two(clips[:0])
    for output, right in zip(outputs if isinstance(outputs, list) else [outputs], expected, strict=True):
        assert output.shape == (0, *right.shape[1:])


@pytest.mark.parametrize(("options", "block"), zip(FORMS, (2, None), strict=True))
def test_xla_compiles_the_layer_and_its_gradient(options, block):
    double = options.get("double", False)
    clips = tf.constant(noise(3, 500), tf.float64 if double else tf.float32)
    layer = Scattering(J=3, block=block, **options)
    outputs, gradient = values_and_slope(layer, clips)
    compiled = tf.function(lambda batch: values_and_slope(layer, batch), jit_compile=True)(clips)
    assert apart(compiled[0], outputs) < XLA[double] and apart([compiled[1]], [gradient]) < XLA[double]


def test_xla_compiles_wavelets_at_half_rate():
    layer, clips = Scattering(J=9, Q=4, max_order=1), noise(2, 80000)
    assert any(isinstance(group.wavelets, BasebandWavelets) for group in layer._prepare(clips.shape).fast)
    assert apart([tf.function(layer, jit_compile=True)(clips)], [layer(clips).numpy()]) < 1e-6


@pytest.mark.parametrize("block", [0, -1, 2.5])
def test_a_block_that_makes_no_sense_is_refused(block):
    with pytest.raises(OptionError, match="block"):
        Scattering(J=6, block=block)


def test_memory_does_not_grow_with_the_batch():
    # Measured by TensorFlow's allocator. Two clips at once need less than all their arrays together would.
    layer, n_samples = Scattering(J=8, Q=8, block=2), 20000
    few, many = tf.constant(noise(2, n_samples)), tf.constant(noise(32, n_samples))
    peaks = []
    for batch in (few, many):
        layer(batch)
        before = tf.config.experimental.get_memory_info("CPU:0")["current"]
        tf.config.experimental.reset_memory_stats("CPU:0")
        outputs = layer(batch)
        own = 2 * (outputs.numpy().nbytes + batch.numpy().nbytes)  # the batch in blocks, and the results of blocks
        peaks.append(tf.config.experimental.get_memory_info("CPU:0")["peak"] - before - own)
    assert 0 < peaks[0] < 2 * bytes_of_a_clip(layer._known_plan(), 4)
    assert peaks[1] < 1.5 * peaks[0]
