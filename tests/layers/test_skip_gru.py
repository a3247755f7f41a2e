"""SkipGRU against a NumPy twin: outputs, gradients, masks; k=0 is Keras's GRU; saving; bad options."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts import check_contract

from mgc_keras.errors import OptionError
from mgc_keras.layers.skip_gru import SkipGRU, SkipGRUCell

UNITS, N_INPUTS, N_STEPS = 3, 4, 9


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def twin(
    inputs: np.ndarray, weights: list[np.ndarray], k: int, combination: str, reset_after: bool = True
) -> np.ndarray:
    """Return all states, (n_steps, units), of one sequence, step by step from the definition."""
    kernel, recurrent, bias = weights
    units = kernel.shape[1] // 3
    (kz, kr, kh), (uz, ur, uh) = np.split(kernel, 3, axis=1), np.split(recurrent, 3, axis=1)
    inner, outer = (bias[0], bias[1]) if reset_after else (bias, np.zeros_like(bias))
    (bz, br, bh), (cz, cr, ch) = np.split(inner, 3), np.split(outer, 3)
    states = [np.zeros(units)]
    for t, x in enumerate(inputs, 1):
        h = states[-1]
        z = sigmoid(x @ kz + bz + h @ uz + cz)
        r = sigmoid(x @ kr + br + h @ ur + cr)
        candidate = np.tanh(x @ kh + bh + (r * (h @ uh + ch) if reset_after else (r * h) @ uh))
        stepped = z * h + (1 - z) * candidate
        if k:
            skipped = states[t - k] if t - k > 0 else np.zeros(units)
            stepped = stepped + skipped if combination == "add" else (stepped + skipped) / 2
        states.append(stepped)
    return np.array(states[1:])


def sequences(n_clips: int = 2, n_steps: int = N_STEPS) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((n_clips, n_steps, N_INPUTS)).astype(np.float32)


def with_random_weights(layer: keras.layers.Layer, n_steps: int | None = None) -> list[np.ndarray]:
    layer.build((None, n_steps, N_INPUTS))
    random = np.random.default_rng(0)
    layer.set_weights([0.7 * random.standard_normal(weight.shape) for weight in layer.get_weights()])
    return [np.asarray(weight, np.float64) for weight in layer.get_weights()]


@pytest.mark.parametrize("combination", ["add", "mean"])
@pytest.mark.parametrize("k", [0, 1, 2, 5, 8])
def test_states_are_those_of_the_definition(k: int, combination: str) -> None:
    layer = SkipGRU(UNITS, k, combination, return_sequences=True, return_state=True)
    weights, inputs = with_random_weights(layer, N_STEPS), sequences()
    states, *last = (np.asarray(part) for part in layer(inputs))
    for clip, found in zip(inputs, states):
        np.testing.assert_allclose(found, twin(clip, weights, k, combination), rtol=1e-5, atol=1e-6)
    assert len(last) == max(k, 1)
    for back, state in enumerate(last, 1):
        np.testing.assert_array_equal(state, states[:, -back])


def test_reset_before_and_reading_backwards() -> None:
    layer = SkipGRU(UNITS, 3, "add", reset_after=False, go_backwards=True)
    weights, inputs = with_random_weights(layer), sequences()
    expected = [twin(clip[::-1], weights, 3, "add", reset_after=False)[-1] for clip in inputs]
    np.testing.assert_allclose(np.asarray(layer(inputs)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", [[1] * 6 + [0] * 3, [0, 1, 1, 0, 1, 1, 1, 0, 1]])
def test_a_masked_step_is_as_if_it_were_not_there(mask: list[int]) -> None:
    layer = SkipGRU(UNITS, 2, "add")
    weights, inputs = with_random_weights(layer), sequences()
    kept = np.array([mask, [1] * N_STEPS], bool)
    found = np.asarray(layer(inputs, mask=tf.constant(kept)))
    for one, clip, steps in zip(found, inputs, kept):
        np.testing.assert_allclose(one, twin(clip[steps], weights, 2, "add")[-1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("k", "combination"), [(1, "add"), (3, "mean"), (4, "add")])
def test_gradients_are_finite_differences_of_the_definition(k: int, combination: str) -> None:
    layer = SkipGRU(UNITS, k, combination, return_sequences=True, dtype="float64")
    weights, inputs = with_random_weights(layer), sequences(1).astype(np.float64)
    weight_of = np.random.default_rng(3).standard_normal((N_STEPS, UNITS))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(tf.constant(inputs))[0] * weight_of)
    found = tape.gradient(total, [variable.value for variable in layer.trainable_variables])
    for number, gradient in enumerate(found):
        for place in list(np.ndindex(*gradient.shape))[::5]:
            sides = []
            for step in (1e-6, -1e-6):
                moved = [weight.copy() for weight in weights]
                moved[number][place] += step
                sides.append(np.sum(twin(inputs[0], moved, k, combination) * weight_of))
            assert gradient[place].numpy() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-7)


def test_a_gradient_reaches_back_along_the_skips_alone() -> None:
    # Update gate shut and no recurrent weights: a step knows nothing but its input and the state k steps back.
    layer = SkipGRU(UNITS, 4, "add")
    with_random_weights(layer)
    kernel, recurrent, bias = layer.get_weights()
    bias[:, :UNITS] = -100.0
    layer.set_weights([kernel, np.zeros_like(recurrent), bias])
    inputs = tf.constant(sequences(1))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(layer(inputs))
    reached = np.abs(tape.gradient(total, inputs)[0]).max(axis=1) > 1e-6
    assert np.flatnonzero(reached).tolist() == [0, 4, 8]


def test_sums_overflow_where_the_module_says_and_means_keep_the_range() -> None:
    layer = SkipGRU(UNITS, 1, "add", return_sequences=True)
    with_random_weights(layer)
    kernel, recurrent, bias = (np.zeros_like(weight) for weight in layer.get_weights())
    bias[0, :UNITS] = 100.0  # every update gate keeps the old state: it doubles each step
    layer.set_weights([kernel, recurrent, bias])
    states = np.asarray(layer(np.zeros((1, 128, N_INPUTS), "float32"), initial_state=[np.ones((1, UNITS), "float32")]))
    np.testing.assert_array_equal(states[0, :127, 0], 2.0 ** np.arange(1, 128))
    assert np.isinf(states[0, 127]).all()
    layer = SkipGRU(UNITS, 1, "mean", return_sequences=True)
    with_random_weights(layer)
    assert np.abs(np.asarray(layer(30 * sequences(1, 300)))).max() <= 1


def test_without_a_skip_it_is_the_gru_of_keras_to_the_last_bit(tmp_path: Path) -> None:
    start, inputs = keras.Input((None, N_INPUTS)), sequences()
    theirs = keras.Model(start, keras.layers.GRU(UNITS, return_sequences=True)(start))
    theirs.set_weights([0.5 + weight for weight in theirs.get_weights()])
    ours = keras.Model(start, SkipGRU(UNITS, return_sequences=True)(start))
    theirs.save_weights(tmp_path / "gru.weights.h5")
    ours.load_weights(tmp_path / "gru.weights.h5")
    np.testing.assert_array_equal(ours(inputs), theirs(inputs))
    np.testing.assert_array_equal(ours.predict(inputs, verbose=0), theirs.predict(inputs, verbose=0))


def test_with_a_skip_it_takes_the_weights_of_a_gru(tmp_path: Path) -> None:
    start = keras.Input((None, N_INPUTS))
    theirs, ours = (keras.Model(start, layer(start)) for layer in (keras.layers.GRU(UNITS), SkipGRU(UNITS, 2)))
    theirs.set_weights([0.5 + weight for weight in theirs.get_weights()])
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights] == ["kernel", "recurrent_kernel", "bias"]
    theirs.save(tmp_path / "gru.h5")
    ours.load_weights(tmp_path / "gru.h5")
    for weight, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


@pytest.mark.parametrize("k", [1, 3])
def test_contract_and_reload(k: int, tmp_path: Path) -> None:
    options = {"k": k, "combination": "add", "reset_after": False, "recurrent_dropout": 0.25, "seed": 3}
    check_contract(SkipGRU(UNITS, return_sequences=True, **options), sequences(), batch_independent=True)
    start = keras.Input((N_STEPS, N_INPUTS))
    inputs = sequences()
    inputs[0, 6:] = 0
    # Keras itself does not reload a Masking layer from .h5.
    for name, sequence in (("model.h5", start), ("model.keras", keras.layers.Masking()(start))):
        model = keras.Model(start, SkipGRU(UNITS, go_backwards=True, **options)(sequence))
        model.set_weights([0.3 + weight for weight in model.get_weights()])
        model.save(tmp_path / name)
        again = keras.saving.load_model(tmp_path / name, compile=False)
        np.testing.assert_array_equal(again(inputs), model(inputs))
        cell = again.layers[-1].cell
        assert isinstance(cell, SkipGRUCell) and (cell.k, cell.combination, cell.recurrent_dropout) == (k, "add", 0.25)


def test_dropout_acts_in_training_alone() -> None:
    layer = SkipGRU(16, 2, dropout=0.5, recurrent_dropout=0.5, seed=1)
    still, trained = np.asarray(layer(sequences())), np.asarray(layer(sequences(), training=True))
    assert np.isfinite(trained).all() and np.abs(trained - still).max() > 1e-3


@pytest.mark.parametrize("k", [1, 4])
def test_mixed_precision_computes_in_half_and_keeps_its_weights_single(k: int) -> None:
    full, half = SkipGRU(UNITS, k), SkipGRU(UNITS, k, dtype="mixed_float16")
    with_random_weights(full)
    with_random_weights(half)
    found = np.asarray(half(sequences()))
    assert found.dtype == np.float16 and {variable.dtype for variable in half.weights} == {"float32"}
    np.testing.assert_allclose(found, np.asarray(full(sequences())), atol=5e-3)


def test_options_that_make_no_sense_are_refused() -> None:
    for k in (-1, 1.5):
        with pytest.raises(OptionError, match=f"k: must be a whole number of steps back, not {k}"):
            SkipGRU(UNITS, k)
    with pytest.raises(OptionError, match="combination: 'sum' is unknown"):
        SkipGRU(UNITS, 2, "sum")
    with pytest.raises(OptionError, match="k: 9 steps back lie before the first of 9 steps"):
        SkipGRU(UNITS, N_STEPS)(sequences())
    SkipGRU(UNITS, N_STEPS - 1)(sequences())
