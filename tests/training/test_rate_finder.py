"""The rate finder: its table, where it stops, what it suggests, and that it leaves no trace."""

import keras
import numpy as np
import pytest

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import OneCycle
from mgc_keras.training.optimizers import SteerableAdam, SteerableSGD
from mgc_keras.training.rate_finder import RateSearchSettings, find_rate, smoothed_losses, suggest_rate
from mgc_keras.training.stepping import Stepper

N_CLIPS, N_CLASSES = 60, 3
SETTINGS = RateSearchSettings(1e-5, 1e4, n_steps=91, batch_size=20, smoothing=0.8)


def examples() -> Examples:
    targets = np.arange(N_CLIPS) % N_CLASSES
    values = np.random.default_rng(0).standard_normal((N_CLIPS, 4)).astype(np.float32)
    values[np.arange(N_CLIPS), targets] += 2.0
    return Examples(values, np.arange(N_CLIPS), targets)


def stepper(optimizer: keras.optimizers.Optimizer | None = None, policy: OneCycle | None = None) -> Stepper:
    keras.utils.set_random_seed(1)
    inside = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dropout(0.1)])
    layers = [keras.Input((4,)), inside, keras.layers.BatchNormalization(), keras.layers.Dense(3, activation="softmax")]
    subject = Stepper(keras.Sequential(layers), optimizer or SteerableSGD(momentum=0.5), multi_label=False)
    subject.policy = policy
    return subject


def test_rates_rise_in_equal_ratios_and_stop_where_the_loss_diverges() -> None:
    search = find_rate(stepper(), examples(), SETTINGS)
    table = search.table
    assert len(table) < SETTINGS.n_steps and table["step"].tolist() == list(range(len(table)))
    np.testing.assert_allclose(table["rate"], 1e-5 * 10 ** (np.arange(len(table)) / 10), rtol=1e-9)
    ratio = table["smoothed"] / np.minimum.accumulate(table["smoothed"])
    assert (ratio[:-1] <= 4.0).all() and ratio.iloc[-1] > 4.0
    assert table["suggested"].sum() == 1 and table.loc[table["suggested"] == 1, "rate"].item() == search.suggestion
    lowest = table["rate"][table["smoothed"].idxmin()]
    assert 1e-4 < search.suggestion <= lowest < table["rate"].iloc[-1]


def test_the_suggested_rate_trains_where_far_smaller_and_larger_ones_do_not() -> None:
    suggestion = find_rate(stepper(), examples(), SETTINGS).suggestion
    losses = []
    for rate in (suggestion, suggestion / 1000, suggestion * 1000):
        training = stepper(SteerableSGD(rate, momentum=0.5))
        losses.append(np.mean([training.step(examples(), np.arange(N_CLIPS))[0] for _ in range(12)][-3:]))
    assert losses[0] < 0.8 * np.nanmin(losses[1:])


@pytest.mark.parametrize("kind", [SteerableSGD, SteerableAdam])
def test_network_optimizer_and_policy_are_as_they_were(kind: type) -> None:
    policy = OneCycle(50)
    subject = stepper(kind(), policy)
    for _ in range(3):
        subject.step(examples(), np.arange(20))
    variables = [*subject.model.variables, *subject.optimizer.variables]
    before = [np.array(variable) for variable in variables]
    find_rate(subject, examples(), SETTINGS)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value, err_msg=variable.path)
    assert subject.policy is policy and int(subject.optimizer.iterations) == 3


def test_they_are_also_restored_when_the_search_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, step = stepper(), Stepper.step
    before = subject.model.get_weights()
    left = iter(range(5))

    def cut(*arguments: object) -> tuple:
        if next(left) == 4:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(Stepper, "step", cut)
    with pytest.raises(KeyboardInterrupt):
        find_rate(subject, examples(), SETTINGS)
    for weight, value in zip(subject.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_the_same_seed_gives_the_same_table() -> None:
    subject = stepper()
    first, second = (find_rate(subject, examples(), SETTINGS).table for _ in range(2))
    assert first.equals(second)


def test_smoothing_is_a_weighted_mean_of_the_losses_so_far() -> None:
    losses = list(np.random.default_rng(2).uniform(0, 3, 30))
    weights = 0.9 ** np.arange(30)[::-1]
    expected = [np.average(losses[: n + 1], weights=weights[29 - n :]) for n in range(30)]
    np.testing.assert_allclose(smoothed_losses(losses, 0.9), expected, rtol=1e-12)
    assert smoothed_losses(losses, 0.0).tolist() == losses


def test_the_suggestion_is_the_steepest_descent() -> None:
    places = np.linspace(-6, 0, 121)
    # Falls as a logistic curve with its steepest point at 10^-3, then rises.
    losses = 2 - 1 / (1 + np.exp(-4 * (places + 3))) + np.where(places > -1, (places + 1) ** 2 * 50, 0)
    assert np.log10(suggest_rate(10**places, losses, 0.9)) == pytest.approx(-3, abs=0.06)
    # A jump down before the mean has settled does not count, nor does one behind the lowest loss.
    losses[3:] -= 0.3
    assert np.log10(suggest_rate(10**places, losses, 0.9)) == pytest.approx(-3, abs=0.06)
    assert suggest_rate(10**places, np.linspace(1, 2, 121), 0.9) is None
    assert suggest_rate(np.array([1e-3]), np.array([1.0]), 0.0) is None


def test_what_makes_no_sense_is_refused() -> None:
    nan = examples()
    nan.values[:] = np.nan
    linear = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    with pytest.raises(MgcKerasError, match="loss: the loss is no number in the first step"):
        find_rate(Stepper(linear, SteerableSGD(), multi_label=False), nan, SETTINGS)
    with pytest.raises(OptionError, match="input_shape: the network takes"):
        find_rate(stepper(), Examples(np.zeros((2, 5)), np.arange(2), np.arange(2)), SETTINGS)
    with pytest.raises(OptionError, match="holds no clips"):
        find_rate(stepper(), Examples(np.zeros((2, 4)), np.arange(0), np.arange(0)), SETTINGS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lowest_rate", 0.0),
        ("lowest_rate", 20.0),
        ("n_steps", 1),
        ("batch_size", 0),
        ("smoothing", 1.0),
        ("smoothing", -0.1),
        ("divergence", 1.0),
    ],
)
def test_settings_that_make_no_sense_are_refused(field: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"^{field}: "):
        RateSearchSettings(**{field: value})
