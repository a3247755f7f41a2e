"""Training a classifier: resumed to the last byte, the policy followed, the best epoch kept, bad input named."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.metrics import accuracy_score, log_loss

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.training.checkpoint import load_weights, save_weights
from mgc_keras.training.classifier import CURVE, CURVE_COLUMNS, ClassifierSettings, train_classifier
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import ConstantRate, OneCycle
from mgc_keras.training.loop import BEST, CHECKPOINT, Trained
from mgc_keras.training.stepping import Stepper, seed_dropout

N_CLIPS, N_VALID, BATCH, EPOCHS = 40, 15, 8, 5
POLICY = OneCycle(EPOCHS * N_CLIPS // BATCH, 0.05)
SETTINGS = ClassifierSettings(EPOCHS, BATCH, "sgd", POLICY, seed=4)
FILES = (BEST, CHECKPOINT, CURVE)


def images(n_clips: int, seed: int) -> Examples:
    """Small images whose loudest channel is, mostly, their class."""
    random, targets = np.random.default_rng(seed), np.arange(n_clips) % 3
    values = random.normal(0, 1, (n_clips, 6, 5, 3))
    values[np.arange(n_clips), :, :, targets] += 0.25
    return Examples(values.astype(np.float32), np.arange(n_clips), targets)


TRAINING, VALIDATION = images(N_CLIPS, 0), images(N_VALID, 1)


def network(n_classes: int = 3) -> keras.Model:
    """A backbone within the network: batch statistics and dropout lie one level down."""
    keras.utils.set_random_seed(7)
    layers = keras.layers
    inside = [layers.Conv2D(4, 3), layers.BatchNormalization(momentum=0.5), layers.SpatialDropout2D(0.3)]
    backbone = keras.Sequential([keras.Input((6, 5, 3)), *inside])
    inputs = keras.Input((6, 5, 3))
    features = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(backbone(inputs)))
    return keras.Model(inputs, layers.Dense(n_classes, activation="softmax", name="genres")(features))


def train(folder: Path, **options: object) -> Trained:
    arguments = {"model": network(), "training": TRAINING, "validation": VALIDATION, "settings": SETTINGS, **options}
    return train_classifier(folder=folder, **arguments)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Run steps without compiling them, which takes longer than these few steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("unbroken"))


def killed(monkeypatch: pytest.MonkeyPatch, name: str, at: int, folder: Path) -> None:
    """Train until the call number `at` (from 1) of a method of `Stepper`, and raise there."""

    class Killed(Exception):
        pass

    calls, method = iter(range(1, 999)), getattr(Stepper, name)

    def call(*arguments: object) -> object:
        if next(calls) == at:
            raise Killed
        return method(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Stepper, name, call)
        train(folder)


@pytest.mark.parametrize(("method", "at"), [("_step", 3), ("_step", 13), ("scores", 4)])
def test_a_killed_training_ends_as_an_unbroken_one_to_the_last_byte(
    unbroken: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, at: int
) -> None:
    killed(monkeypatch, method, at, tmp_path)
    assert (tmp_path / CHECKPOINT).exists() == (at != 3)
    resumed = train(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (unbroken.weights.parent / name).read_bytes(), name
    assert resumed.best_epoch == unbroken.best_epoch and resumed.curve.equals(unbroken.curve)
    for weight, other in zip(resumed.model.get_weights(), unbroken.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_kill_between_the_best_weights_and_the_checkpoint_does_no_harm(
    unbroken: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def stop(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("mgc_keras.training.loop.save_checkpoint", stop)
        train(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [BEST, CURVE]
    train(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (unbroken.weights.parent / name).read_bytes(), name


def test_the_best_epoch_is_kept_and_its_figures_are_those_of_scikit_learn(unbroken: Trained) -> None:
    curve = pd.read_csv(unbroken.weights.with_name(CURVE))
    assert tuple(curve.columns) == CURVE_COLUMNS and curve["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert curve.round(12).equals(unbroken.curve.round(12))
    best = curve.iloc[unbroken.best_epoch - 1]
    assert best["validation_accuracy"] == curve["validation_accuracy"].max()
    fresh = network()
    load_weights(fresh, unbroken.weights)
    for model in (fresh, unbroken.model):
        scores = np.asarray(model(VALIDATION.values, training=False))
        assert accuracy_score(VALIDATION.targets, scores.argmax(1)) == pytest.approx(best["validation_accuracy"])
        assert log_loss(VALIDATION.targets, scores) == pytest.approx(best["validation_loss"], rel=1e-5)
    assert curve["loss"].iloc[-1] < curve["loss"].iloc[0]


def test_rate_and_momentum_follow_the_policy(unbroken: Trained) -> None:
    last_steps = [(epoch + 1) * N_CLIPS // BATCH - 1 for epoch in range(EPOCHS)]
    assert unbroken.curve["learning_rate"].tolist() == [POLICY.rate(step) for step in last_steps]
    with np.load(unbroken.weights.with_name(CHECKPOINT), allow_pickle=False) as stored:
        n_weights = len(network().weights)
        steps, rate, momentum = (float(stored[f"variable_{n_weights + i}"]) for i in range(3))
    last = EPOCHS * N_CLIPS // BATCH - 1
    assert steps == last + 1
    assert (rate, momentum) == pytest.approx((POLICY.rate(last), POLICY.momentum(last)))


def fake_scores(monkeypatch: pytest.MonkeyPatch, figures: list[tuple[int, float]]) -> None:
    """Let each epoch's validation end with so many right answers, each with so much probability."""
    left = iter(figures)

    def scores(*_: object) -> np.ndarray:
        n_right, sure = next(left)
        predicted = np.where(np.arange(N_VALID) < n_right, VALIDATION.targets, (VALIDATION.targets + 1) % 3)
        return np.where(np.eye(3)[predicted] == 1, sure, (1 - sure) / 2)

    monkeypatch.setattr(Stepper, "scores", scores)


def test_of_equal_epochs_the_lower_loss_then_the_earlier_is_best(
    untraced: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_scores(monkeypatch, [(9, 0.9), (12, 0.6), (12, 0.8), (12, 0.8), (11, 0.99)])
    kept = []

    def keep(model: keras.Model, path: Path) -> None:
        kept.append(model.get_weights())
        save_weights(model, path)

    monkeypatch.setattr("mgc_keras.training.loop.save_weights", keep)
    trained = train(tmp_path)
    assert trained.best_epoch == 3 and len(kept) == 3
    for weight, other in zip(trained.model.get_weights(), kept[-1], strict=True):
        np.testing.assert_array_equal(weight, other)


def test_it_stops_where_the_validation_loss_no_longer_falls(
    untraced: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Epoch 3 has the lowest loss; the accuracy of epoch 1 is never reached again.
    fake_scores(monkeypatch, [(13, 0.5), (12, 0.7), (12, 0.8), (12, 0.5), (12, 0.8)])
    settings = ClassifierSettings(50, N_CLIPS, patience=2)
    trained = train(tmp_path, settings=settings)
    assert len(trained.curve) == 5 and trained.best_epoch == 1
    assert len(train(tmp_path, settings=settings).curve) == 5


def test_the_epoch_of_the_lowest_loss_is_kept_where_that_is_asked_for(
    untraced: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_scores(monkeypatch, [(13, 0.5), (12, 0.7), (12, 0.8), (12, 0.5), (12, 0.8)])
    settings = ClassifierSettings(50, N_CLIPS, patience=2, best_by="loss")
    trained = train(tmp_path, settings=settings)
    assert len(trained.curve) == 5 and trained.best_epoch == 3 == trained.curve["validation_loss"].argmin() + 1
    with pytest.raises(OptionError, match="best_by: 'luck' is unknown"):
        ClassifierSettings(best_by="luck")


def test_a_finished_training_is_not_repeated(unbroken: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Stepper, "_step")
    again = train(unbroken.weights.parent)
    assert again.curve.equals(unbroken.curve)
    for weight, other in zip(again.model.get_weights(), unbroken.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_other_settings_clips_or_provenance_in_the_same_folder_are_refused(unbroken: Trained) -> None:
    others = (
        {"settings": ClassifierSettings(EPOCHS, BATCH, "sgd", ConstantRate(), seed=4)},
        {"validation": images(N_VALID - 1, 1)},
        {"provenance": {"clips": "others"}},
    )
    for options in others:
        with pytest.raises(OptionError, match="other settings"):
            train(unbroken.weights.parent, **options)


def test_a_loss_that_is_no_number_names_epoch_and_checkpoint(untraced: None, tmp_path: Path) -> None:
    broken = images(N_CLIPS, 0)
    broken.values[3] = np.nan
    with pytest.raises(MgcKerasError, match="the loss is nan at batch . of epoch 1; no epoch was finished"):
        train(tmp_path, training=broken)


def test_weights_spoilt_by_an_epochs_last_step_do_not_reach_the_checkpoint(
    untraced: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = np.full((N_VALID, 3), 1 / 3)
    scores = iter([first, first * np.nan])
    monkeypatch.setattr(Stepper, "scores", lambda *_: next(scores))
    with pytest.raises(MgcKerasError, match=f"loss is nan at the end of epoch 2; epoch 1 is kept in .*{CHECKPOINT}"):
        train(tmp_path)
    assert len(pd.read_csv(tmp_path / CURVE)) == 1


def test_random_states_at_any_depth_follow_from_the_seed_alone() -> None:
    model, inputs = network(), TRAINING.values[:4]
    backbone = model.layers[1]

    def outputs(seed: tuple[int, ...]) -> list[np.ndarray]:
        seed_dropout(model, seed)
        return [np.asarray(part(inputs, training=True)) for part in (backbone, model)]

    first, other, again = outputs((1, 2)), outputs((1, 3)), outputs((1, 2))
    for ours, same, different in zip(first, again, other):
        np.testing.assert_array_equal(ours, same)
        assert np.abs(ours - different).max() > 1e-3
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    assert len(states) == 2 and not np.array_equal(states[0], states[1])


def test_penalties_of_layers_are_minimised_but_not_reported(untraced: None, tmp_path: Path) -> None:
    inputs = keras.Input((6, 5, 3))
    decay = keras.regularizers.L2(1.0)
    dense = keras.layers.Dense(3, activation="softmax", kernel_regularizer=decay, kernel_initializer="ones")
    model = keras.Model(inputs, dense(0.0 * keras.layers.GlobalAveragePooling2D()(inputs)))
    settings = ClassifierSettings(1, N_CLIPS, "sgd", ConstantRate(0.1))
    trained = train(tmp_path, model=model, settings=settings)
    # The cross-entropy does not depend on the kernel: one step of rate 0.1 down the gradient of w² leaves 0.8 of it.
    np.testing.assert_allclose(dense.kernel, np.full((3, 3), 0.8), rtol=1e-6)
    assert trained.curve["loss"].item() == pytest.approx(np.log(3), rel=1e-5)


def test_frozen_layers_stay_as_they_are(untraced: None, tmp_path: Path) -> None:
    model = network()
    model.layers[1].trainable = False
    before, head = model.layers[1].get_weights(), model.layers[-1].get_weights()[0]
    train(tmp_path, model=model, settings=ClassifierSettings(1, N_CLIPS))
    for weight, value in zip(model.layers[1].get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert np.abs(model.layers[-1].get_weights()[0] - head).max() > 1e-5


def test_networks_and_clips_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    empty = Examples(TRAINING.values, np.arange(0), np.arange(0))
    tags = Examples(TRAINING.values, np.arange(N_CLIPS), np.eye(3)[TRAINING.targets])
    flat = Examples(TRAINING.values.reshape(N_CLIPS, -1), np.arange(N_CLIPS), TRAINING.targets)
    below = Examples(TRAINING.values, np.arange(N_CLIPS), TRAINING.targets - 1)
    two = [keras.Input((3,)), keras.Input((3,))]
    cases = {
        "training: holds no clips": {"training": empty},
        "validation: holds no clips": {"validation": empty},
        "training: the targets are no class numbers": {"training": tags},
        "validation: the targets are no class numbers": {"validation": below},
        r"input_shape: the network takes \(6, 5, 3\), these examples are \(90,\)": {"training": flat},
        "genres: the head has 2 outputs, the task has 3": {"model": network(2)},
        "must have one input": {"model": keras.Model(two, keras.layers.Add()(two))},
    }
    for message, options in cases.items():
        with pytest.raises(OptionError, match=message):
            train(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_best_weights_that_were_removed_or_damaged_are_named(untraced: None, tmp_path: Path) -> None:
    settings = ClassifierSettings(1, N_CLIPS)
    train(tmp_path, settings=settings)
    (tmp_path / BEST).write_bytes(b"half a file")
    with pytest.raises(MgcKerasError, match=f"{BEST}: is no whole checkpoint"):
        train(tmp_path, settings=settings)
    (tmp_path / BEST).unlink()
    with pytest.raises(MgcKerasError, match=f"{BEST}: is missing"):
        train(tmp_path, settings=settings)
    with pytest.raises(OptionError, match="belongs to another network"):
        save_weights(network(2), tmp_path / BEST)
        train(tmp_path, settings=settings)


@pytest.mark.parametrize(
    ("field", "value"), [("epochs", 0), ("batch_size", -1), ("patience", 0), ("optimizer", "rmsprop")]
)
def test_settings_that_make_no_sense_are_refused(field: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"^{field}: "):
        ClassifierSettings(**{field: value})
