"""Training the source tagger: it learns, goes on where it was killed, and stops where the loss is no number."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.training import batches
from mgc_keras.training.examples import Examples, Excerpts
from mgc_keras.training.loop import Trained
from mgc_keras.training.tagger import TaggerSettings, train_tagger

N_CLIPS = 40


VALIDATION = np.arange(N_CLIPS) >= 30


def toy() -> Examples:
    """Small "mel-spectrograms" whose loud half says which tag applies."""
    random = np.random.default_rng(0)
    targets = np.zeros((N_CLIPS, 2))
    targets[np.arange(N_CLIPS), np.arange(N_CLIPS) % 2] = 1
    melspectrograms = random.normal(-40, 5, (N_CLIPS, 8, 6))
    melspectrograms[::2, :4] += 20
    melspectrograms[1::2, 4:] += 20
    return Examples(melspectrograms.astype(np.float16)[..., None], np.arange(N_CLIPS), targets)


def build(n_frames: int = 6) -> keras.Model:
    start = keras.initializers.GlorotUniform(seed=1)
    inputs = keras.Input((8, n_frames, 1))
    maps = keras.layers.Dropout(0.2, seed=5)(keras.layers.BatchNormalization()(inputs))
    outputs = keras.layers.Dense(2, "sigmoid", kernel_initializer=start)(keras.layers.Flatten()(maps))
    return keras.Model(inputs, outputs)


def train(
    folder: Path,
    settings: TaggerSettings,
    build: Callable[[], keras.Model] = build,
    score: Callable[[np.ndarray, np.ndarray], float] = roc_auc_score,
) -> Trained:
    return train_tagger(build, toy(), VALIDATION, folder=folder, score=score, settings=settings)


SETTINGS = TaggerSettings(epochs=4, batch_size=8, learning_rate=0.01, seed=3)


def test_it_learns_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    trained, examples = train(tmp_path, SETTINGS), toy()
    scores = trained.model.predict(examples.values[VALIDATION].astype(np.float32), verbose=0)
    areas = trained.curve["validation_auc"]
    assert trained.curve["loss"].is_monotonic_decreasing
    assert roc_auc_score(examples.targets[VALIDATION], scores) == pytest.approx(areas.max(), abs=1e-9)
    assert areas.max() > 0.95
    assert pd.read_csv(tmp_path / "history.csv").round(12).equals(trained.curve.round(12))


def killed_score(at: int) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return an AUC that raises in an epoch, counted from 0."""
    epochs = iter(range(10))

    def score(truth: np.ndarray, scores: np.ndarray) -> float:
        if next(epochs) == at:
            raise Killed
        return roc_auc_score(truth, scores)

    return score


class Killed(Exception):
    pass


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("excerpt_frames", [0, 4])
def test_a_killed_training_ends_as_an_unbroken_one_to_the_last_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, excerpt_frames: int, ahead: bool
) -> None:
    settings = replace(SETTINGS, excerpt_frames=excerpt_frames)
    short = partial(build, excerpt_frames or 6)
    unbroken = train(tmp_path / "unbroken", settings, short)
    if ahead:
        # The broken one reads its batches in threads, which moves nothing either.
        monkeypatch.setattr(batches, "_LEAST_BYTES", 0)
    with pytest.raises(Killed):
        train(tmp_path / "killed", settings, short, killed_score(2))
    resumed = train(tmp_path / "killed", settings, short)
    assert resumed.curve.equals(unbroken.curve)
    for weight, other in zip(resumed.model.get_weights(), unbroken.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    for path in sorted((tmp_path / "unbroken").iterdir()):
        assert path.read_bytes() == (tmp_path / "killed" / path.name).read_bytes(), path.name


def test_the_numbers_are_those_of_keras_own_loop(tmp_path: Path) -> None:
    trained, examples = train(tmp_path, SETTINGS), toy()
    keras.utils.set_random_seed(SETTINGS.seed)
    model, clips = build(), np.flatnonzero(~VALIDATION)
    model.layers[1].momentum = SETTINGS.momentum
    model.compile(keras.optimizers.Adam(SETTINGS.learning_rate), "binary_crossentropy")
    for epoch, row in trained.curve.iterrows():
        order = np.random.default_rng((SETTINGS.seed, epoch)).permutation(clips)
        values, targets = examples.values[order].astype(np.float32), examples.targets[order]
        fitted = model.fit(values, targets, batch_size=SETTINGS.batch_size, shuffle=False, verbose=0)
        assert fitted.history["loss"][0] == pytest.approx(row["loss"], rel=1e-6)
        scores = model.predict(examples.values[VALIDATION].astype(np.float32), verbose=0)
        expected = log_loss(examples.targets[VALIDATION].ravel(), scores.ravel().astype(float))
        assert row["validation_loss"] == pytest.approx(expected, rel=1e-5)


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
    with pytest.raises(OptionError, match="for training and for validation"):
        train_tagger(build, toy(), np.ones(N_CLIPS, bool), folder=tmp_path, score=roc_auc_score)


def test_no_tag_that_can_be_scored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MgcKerasError, match="no tag has both"):
        train(tmp_path, SETTINGS, score=lambda *_: float("nan"))


def test_batches_cover_the_order_once() -> None:
    examples = toy()
    order = np.random.default_rng(1).permutation(N_CLIPS)[:21]
    batches = [examples.batch(order[start : start + 8])[0] for start in range(0, len(order), 8)]
    joined = np.concatenate(batches)
    assert len(batches) == 3 and joined.dtype == np.float32
    np.testing.assert_array_equal(joined, examples.values[order].astype(np.float32))


def test_excerpts_lie_in_the_middle_or_where_the_epoch_draws_them() -> None:
    examples = toy()
    excerpts = Excerpts(examples.values, examples.rows, examples.targets, 4).select(np.arange(10, 30))
    clips, values = np.array([3, 0, 7]), examples.values.astype(np.float32)
    np.testing.assert_array_equal(excerpts.batch(clips)[0], values[clips + 10, :, 1:5])
    order = np.random.default_rng(2).permutation(20)
    starts = dict(zip(order, np.random.default_rng(5).integers(3, size=20)))
    drawn = excerpts.drawn(order, np.random.default_rng(5)).batch(clips)[0]
    for clip, values_of_clip in zip(clips, drawn, strict=True):
        np.testing.assert_array_equal(values_of_clip, values[clip + 10, :, starts[clip] : starts[clip] + 4])


@pytest.mark.parametrize("field", ["epochs", "batch_size", "learning_rate"])
def test_settings_that_make_no_sense_are_refused(field: str) -> None:
    with pytest.raises(OptionError, match=field):
        TaggerSettings(**{field: 0})
