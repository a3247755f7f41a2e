"""Policies: closed forms at the corners, the papers' formulas in between, config round trip, bad values."""

import json

import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.training.learning_rates import ConstantRate, CyclicalRate, OneCycle, Policy

LOW, HIGH, STEP = 0.001, 0.006, 40


def cyclical(mode: str, **options: float) -> CyclicalRate:
    return CyclicalRate(LOW, HIGH, STEP, mode, **options)


def test_triangular_corners() -> None:
    policy = cyclical("triangular")
    for cycle in range(4):
        start = 2 * STEP * cycle
        assert policy.rate(start) == pytest.approx(LOW, rel=1e-12)
        assert policy.rate(start + STEP) == pytest.approx(HIGH, rel=1e-12)
        assert policy.rate(start + STEP // 4) == pytest.approx(LOW + (HIGH - LOW) / 4, rel=1e-12)
        assert policy.rate(start + 2 * STEP - STEP // 4) == pytest.approx(LOW + (HIGH - LOW) / 4, rel=1e-12)


def test_triangular2_halves_the_distance_after_each_cycle() -> None:
    policy = cyclical("triangular2")
    peaks = [policy.rate(2 * STEP * cycle + STEP) for cycle in range(5)]
    np.testing.assert_allclose(np.array(peaks) - LOW, (HIGH - LOW) * 0.5 ** np.arange(5), rtol=1e-12)
    assert [policy.rate(2 * STEP * cycle) for cycle in range(5)] == pytest.approx([LOW] * 5)


def test_exp_range_shrinks_both_bounds() -> None:
    policy, plain = cyclical("exp_range", gamma=0.99), cyclical("triangular")
    for step in (0, 7, STEP, 2 * STEP, 3 * STEP + 11):
        assert policy.rate(step) == pytest.approx(plain.rate(step) * 0.99**step, rel=1e-12)
    assert policy.rate(2 * STEP) < LOW


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_one_cycle_corners(shape: str) -> None:
    policy = OneCycle(1001, 0.5, first_division=20.0, last_division=5e3, rise=0.4, shape=shape)
    corners = {0: 0.025, 400: 0.5, 800: 0.025, 1000: 1e-4, 1001: 1e-4, 99999: 1e-4}
    for step, rate in corners.items():
        assert policy.rate(step) == pytest.approx(rate, rel=1e-9)
    for step, momentum in {0: 0.95, 400: 0.85, 800: 0.95, 900: 0.95, 1000: 0.95}.items():
        assert policy.momentum(step) == pytest.approx(momentum, rel=1e-9)
    # Halfway between corners, a straight line and a half cosine are at the mean of the corners.
    assert [policy.rate(200), policy.rate(600)] == pytest.approx([(0.025 + 0.5) / 2] * 2)
    assert [policy.momentum(200), policy.momentum(600)] == pytest.approx([0.9] * 2)


def test_one_cycle_between_its_corners() -> None:
    straight, curved = (OneCycle(101, 1.0, rise=0.5, shape=shape) for shape in ("linear", "cosine"))
    steps = np.arange(101)
    place = 1 - np.abs(steps / 50 - 1)
    np.testing.assert_allclose([straight.rate(step) for step in steps], 0.1 + 0.9 * place, rtol=1e-12)
    np.testing.assert_allclose([curved.rate(step) for step in steps], 0.1 + 0.9 * np.sin(np.pi * place / 2) ** 2)
    assert OneCycle(1).rate(0) == pytest.approx(1e-3) and OneCycle(1).momentum(0) == 0.95
    assert straight.rate(100) == pytest.approx(0.1)  # a rise of half the training leaves nothing for the end


def test_one_cycle_falls_and_rises_but_once() -> None:
    policy = OneCycle(500)
    rates = np.array([policy.rate(step) for step in range(500)])
    signs = np.sign(np.diff(rates))
    assert np.flatnonzero(np.diff(signs)).size == 1 and rates.max() <= 1e-2 and rates[-1] == pytest.approx(1e-6)


def test_constant() -> None:
    assert ConstantRate(0.3).rate(12) == 0.3 and ConstantRate(0.3).momentum(12) is None
    assert ConstantRate(0.3, 0.8).momentum(12) == cyclical("triangular", fixed_momentum=0.8).momentum(3) == 0.8
    assert cyclical("triangular").momentum(3) is None


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("constant", ConstantRate(0.1, 0.9)),
        ("cyclical", cyclical("exp_range", gamma=0.5)),
        ("one_cycle", OneCycle(77, shape="cosine", rise=0.3)),
    ],
)
def test_a_config_says_all_of_a_policy(name: str, policy: Policy) -> None:
    config = json.loads(json.dumps(policy.config()))
    assert config.pop("policy") == name and type(policy)(**config) == policy


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        (ConstantRate, {"learning_rate": 0.0}, "learning_rate"),
        (ConstantRate, {"learning_rate": float("nan")}, "learning_rate"),
        (ConstantRate, {"fixed_momentum": 1.0}, "fixed_momentum"),
        (CyclicalRate, {"lowest_rate": -1e-3}, "lowest_rate"),
        (CyclicalRate, {"lowest_rate": 0.1}, "lowest_rate"),
        (CyclicalRate, {"step_size": 0}, "step_size"),
        (CyclicalRate, {"mode": "square"}, "mode"),
        (CyclicalRate, {"gamma": 1.1}, "gamma"),
        (OneCycle, {"n_steps": 0}, "n_steps"),
        (OneCycle, {"n_steps": 9, "rise": 0.6}, "rise"),
        (OneCycle, {"n_steps": 9, "rise": 0.0}, "rise"),
        (OneCycle, {"n_steps": 9, "first_division": 0.5}, "first_division"),
        (OneCycle, {"n_steps": 9, "last_division": 5.0}, "first_division"),
        (OneCycle, {"n_steps": 9, "shape": "step"}, "shape"),
        (OneCycle, {"n_steps": 9, "lowest_momentum": 0.96}, "lowest_momentum"),
    ],
)
def test_values_that_make_no_sense_are_refused(kind: type, options: dict, field: str) -> None:
    with pytest.raises(OptionError, match=f"^{field}: "):
        kind(**options)
