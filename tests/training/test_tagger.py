"""Training the source tagger: it learns, goes on where it was killed, and stops where the loss is no number."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.training.tagger import TagBatches, TaggerSettings, train_tagger

N_CLIPS = 40


def toy() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Small "mel-spectrograms" whose loud half says which tag applies."""
    random = np.random.default_rng(0)
    targets = np.zeros((N_CLIPS, 2))
    targets[np.arange(N_CLIPS), np.arange(N_CLIPS) % 2] = 1
    melspectrograms = random.normal(-40, 5, (N_CLIPS, 8, 6))
    melspectrograms[::2, :4] += 20
    melspectrograms[1::2, 4:] += 20
    return melspectrograms.astype(np.float16), targets, np.arange(N_CLIPS) >= 30


def build() -> keras.Model:
    start = keras.initializers.GlorotUniform(seed=1)
    inputs = keras.Input((8, 6, 1))
    maps = keras.layers.BatchNormalization()(inputs)
    outputs = keras.layers.Dense(2, "sigmoid", kernel_initializer=start)(keras.layers.Flatten()(maps))
    return keras.Model(inputs, outputs)


def train(folder: Path, settings: TaggerSettings, build: Callable[[], keras.Model] = build) -> tuple:
    melspectrograms, targets, validation = toy()
    return train_tagger(
        build, melspectrograms, targets, validation, folder=folder, score=roc_auc_score, settings=settings
    )


SETTINGS = TaggerSettings(epochs=4, batch_size=8, learning_rate=0.01, seed=3)


def test_it_learns_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    model, history = train(tmp_path, SETTINGS)
    melspectrograms, targets, validation = toy()
    scores = model.predict(melspectrograms[validation].astype(np.float32)[..., None], verbose=0)
    assert history["loss"].is_monotonic_decreasing
    assert roc_auc_score(targets[validation], scores) == pytest.approx(history["validation_auc"].max(), abs=1e-9)
    assert history["validation_auc"].max() > 0.95


def test_a_killed_training_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, history = train(tmp_path / "unbroken", SETTINGS)

    class Killed(Exception):
        pass

    epochs = iter(range(10))

    def killed_score(truth: np.ndarray, scores: np.ndarray) -> float:
        if next(epochs) == 2:
            raise Killed
        return roc_auc_score(truth, scores)

    melspectrograms, targets, validation = toy()
    with pytest.raises(Killed):
        train_tagger(
            build, melspectrograms, targets, validation, folder=tmp_path / "k", score=killed_score, settings=SETTINGS
        )
    resumed, resumed_history = train(tmp_path / "k", SETTINGS)
    np.testing.assert_allclose(resumed_history, history, rtol=1e-5)
    for weight, other in zip(resumed.weights, unbroken.weights, strict=True):
        np.testing.assert_allclose(weight.numpy(), other.numpy(), rtol=1e-4, atol=1e-6)


def test_other_settings_in_the_same_folder_are_refused(tmp_path: Path) -> None:
    train(tmp_path, TaggerSettings(epochs=1, batch_size=8))
    with pytest.raises(OptionError, match="other settings"):
        train(tmp_path, TaggerSettings(epochs=1, batch_size=4))


def test_a_loss_that_is_no_number_stops_with_the_batch_named(tmp_path: Path) -> None:
    def broken() -> keras.Model:
        model = build()
        model.layers[-1].kernel.assign(np.full(model.layers[-1].kernel.shape, np.nan, np.float32))
        return model

    with pytest.raises(MgcKerasError, match="nan at batch 0"):
        train(tmp_path, SETTINGS, broken)


def test_all_clips_held_out_is_refused(tmp_path: Path) -> None:
    melspectrograms, targets, _ = toy()
    with pytest.raises(OptionError, match="for training and for validation"):
        train_tagger(build, melspectrograms, targets, np.ones(N_CLIPS, bool), folder=tmp_path, score=roc_auc_score)


def test_batches_cover_the_order_once() -> None:
    melspectrograms, targets, _ = toy()
    order = np.random.default_rng(1).permutation(N_CLIPS)[:21]
    batches = TagBatches(melspectrograms, targets, order, 8)
    joined = np.concatenate([batches[index][0] for index in range(len(batches))])
    assert len(batches) == 3 and joined.dtype == np.float32
    np.testing.assert_array_equal(joined[..., 0], melspectrograms[order].astype(np.float32))


@pytest.mark.parametrize("field", ["epochs", "batch_size", "learning_rate"])
def test_settings_that_make_no_sense_are_refused(field: str) -> None:
    with pytest.raises(OptionError, match=field):
        TaggerSettings(**{field: 0})
