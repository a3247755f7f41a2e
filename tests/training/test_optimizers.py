"""Momentum that moves in a compiled training: against NumPy twins; a resumed fit goes on exactly; what is refused."""

from pathlib import Path

import keras
import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.training.learning_rates import ConstantRate, CyclicalRate, OneCycle, Policy
from mgc_keras.training.optimizers import SteerableAdam, SteerableSGD, follow, make_optimizer

N_CLIPS, BATCH, EPOCHS = 20, 5, 3
POLICY = OneCycle(EPOCHS * N_CLIPS // BATCH, 0.05, highest_momentum=0.9, lowest_momentum=0.2)
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.standard_normal((N_CLIPS, 3)).astype(np.float32)
TARGETS = RANDOM.standard_normal((N_CLIPS, 1)).astype(np.float32)
START = RANDOM.standard_normal((3, 1)).astype(np.float32)


def fitted(optimizer: keras.optimizers.Optimizer, policy: Policy = POLICY, epochs: int = EPOCHS) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([START])
    model.compile(optimizer, "mse")
    return fit(model, policy, epochs)


def fit(model: keras.Model, policy: Policy, epochs: int) -> keras.Model:
    steer = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: follow(policy, model.optimizer))
    model.fit(INPUTS, TARGETS, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=[steer])
    return model


def gradients(weights: np.ndarray) -> np.ndarray:
    """Give the gradient of the mean squared error on each batch in turn; the caller moves `weights` in place."""
    for _ in range(EPOCHS):
        for start in range(0, N_CLIPS, BATCH):
            inputs, targets = (part[start : start + BATCH].astype(np.float64) for part in (INPUTS, TARGETS))
            yield 2 * inputs.T @ (inputs @ weights - targets) / BATCH


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_rate_and_momentum_of_every_step(nesterov: bool) -> None:
    weights, velocity = START.astype(np.float64), np.zeros((3, 1))
    for step, gradient in enumerate(gradients(weights)):
        rate, momentum = POLICY.rate(step), POLICY.momentum(step)
        velocity = momentum * velocity - rate * gradient
        weights += momentum * velocity - rate * gradient if nesterov else velocity
    found = fitted(SteerableSGD(nesterov=nesterov)).get_weights()[0]
    np.testing.assert_allclose(found, weights, rtol=1e-5)
    # The twin with a momentum that stays where it was traced is far away.
    stuck = fitted(SteerableSGD(nesterov=nesterov), CyclicalRate(1e-3, 0.05, 6, fixed_momentum=0.9)).get_weights()[0]
    assert np.abs(stuck - weights).max() > 1e-3


def test_adam_follows_rate_and_momentum_of_every_step() -> None:
    weights, mean, square = START.astype(np.float64), np.zeros((3, 1)), np.zeros((3, 1))
    for step, gradient in enumerate(gradients(weights)):
        rate, beta = POLICY.rate(step), POLICY.momentum(step)
        mean = beta * mean + (1 - beta) * gradient
        square = 0.999 * square + 0.001 * gradient**2
        size = rate * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - beta ** (step + 1))
        weights -= size * mean / (np.sqrt(square) + 1e-7)
    np.testing.assert_allclose(fitted(SteerableAdam()).get_weights()[0], weights, rtol=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SteerableSGD(0.03, momentum=0.7), keras.optimizers.SGD(0.03, momentum=0.7)),
        (SteerableSGD(0.03), keras.optimizers.SGD(0.03)),
        (SteerableAdam(0.03), keras.optimizers.Adam(0.03)),
    ],
)
def test_with_a_fixed_momentum_they_are_those_of_keras(
    ours: keras.optimizers.Optimizer, theirs: keras.optimizers.Optimizer
) -> None:
    policy = ConstantRate(0.03)
    found, expected = (fitted(optimizer, policy).get_weights()[0] for optimizer in (ours, theirs))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_fit_that_was_saved_and_loaded_goes_on_exactly(name: str, tmp_path: Path) -> None:
    unbroken = fitted(make_optimizer(name))
    first = fitted(make_optimizer(name), epochs=1)
    first.save(tmp_path / "first.keras")
    resumed = fit(keras.saving.load_model(tmp_path / "first.keras"), POLICY, EPOCHS - 1)
    np.testing.assert_array_equal(resumed.get_weights()[0], unbroken.get_weights()[0])
    assert resumed.optimizer.get_config() == unbroken.optimizer.get_config()


def test_momentum_behind_a_loss_scale() -> None:
    inner = SteerableSGD()
    follow(ConstantRate(0.25, 0.5), keras.optimizers.LossScaleOptimizer(inner))
    assert (float(inner.learning_rate), float(inner.current_momentum)) == (0.25, 0.5)


def test_what_would_have_no_effect_is_refused() -> None:
    with pytest.raises(OptionError, match="optimizer: the momentum of SGD is fixed once a step is compiled"):
        follow(POLICY, keras.optimizers.SGD())
    follow(ConstantRate(0.5), keras.optimizers.SGD())
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    for rate in (schedule, lambda: 0.1):
        with pytest.raises(OptionError, match="learning_rate: is set by the optimizer's own schedule"):
            follow(POLICY, SteerableSGD(rate))
    with pytest.raises(OptionError, match="optimizer: 'rmsprop' is unknown"):
        make_optimizer("rmsprop")
