"""Pre-training on tags: the AUC is scikit-learn's, a killed training ends as an unbroken one, bad input is named."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.features.melspectrogram_cache import SourceClips
from mgc_keras.studies.song2017.network import gru_network
from mgc_keras.studies.song2017.pretraining import NETWORK, VALIDATION, pretrain, train_source_tagger
from mgc_keras.studies.song2017.study import TrainingOptions
from mgc_keras.training.checkpoint import Checkpoint, load_checkpoint
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import BEST, CHECKPOINT, Trained
from mgc_keras.training.stepping import Stepper

N_CLIPS = 48
SETTINGS = TrainingOptions(source_epochs=4, batch_size=8, source_learning_rate=0.02)
SEED = 3
HELD_OUT = np.arange(N_CLIPS) >= 36


def score(truth: np.ndarray, scores: np.ndarray) -> float:
    return macro_auc(truth, scores).score


def toy() -> Examples:
    """Sequences whose louder path says which of two tags applies; a third tag never applies."""
    generator = np.random.default_rng(0)
    targets = np.zeros((N_CLIPS, 3))
    targets[np.arange(N_CLIPS), np.arange(N_CLIPS) % 2] = 1
    values = generator.normal(0, 1, (N_CLIPS, 6, 4)) + targets[:, None, [0, 1, 1, 1]]
    return Examples(values.astype(np.float32), np.arange(N_CLIPS), targets)


def clips(examples: Examples | None = None) -> SourceClips:
    return SourceClips(examples or toy(), HELD_OUT, ("a", "b", "c"))


def build(n_tags: int = 3, depth: int = 1) -> keras.Model:
    return gru_network(4, n_tags, width=6, depth=depth, seed=1)


def build_with_dropout() -> keras.Model:
    return build(depth=2)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Run steps without compiling them, which takes longer than these few steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("unbroken")
    return pretrain(build_with_dropout(), clips(), folder=folder, training=SETTINGS, seed=SEED)


def test_it_learns_and_keeps_the_best_epoch(unbroken: Trained) -> None:
    model, history = unbroken.model, unbroken.curve
    assert history["loss"].is_monotonic_decreasing
    scores = np.asarray(model(toy().values[HELD_OUT], training=False))
    expected = roc_auc_score(toy().targets[HELD_OUT][:, :2], scores[:, :2], average="macro")
    assert history["validation_auc"].max() == pytest.approx(expected, abs=1e-9)
    assert macro_auc(toy().targets[HELD_OUT], scores, ["a", "b", "never"]).left_out == ("never",)


def test_standardisation_is_fitted_on_training_clips_alone(unbroken: Trained) -> None:
    flat = toy().values[~HELD_OUT].reshape(-1, 4)
    mean, deviation = unbroken.model.get_layer("standardization").get_weights()
    np.testing.assert_allclose(mean, flat.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(deviation, flat.std(axis=0), rtol=1e-5)


def test_a_killed_training_ends_as_an_unbroken_one_to_the_last_byte(unbroken: Trained, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    epochs = iter(range(10))

    def killed_score(truth: np.ndarray, scores: np.ndarray) -> float:
        if next(epochs) == 2:
            raise Killed
        return score(truth, scores)

    with pytest.raises(Killed):
        pretrain(build_with_dropout(), clips(), folder=tmp_path, score=killed_score, training=SETTINGS, seed=SEED)
    resumed = pretrain(build_with_dropout(), clips(), folder=tmp_path, training=SETTINGS, seed=SEED).model
    model, folder = unbroken.model, unbroken.weights.parent
    assert (tmp_path / "history.csv").read_bytes() == (folder / "history.csv").read_bytes()
    for weight, other in zip(resumed.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_it_stops_where_the_auc_is_stable(untraced: None, tmp_path: Path) -> None:
    areas = iter([0.5, 0.7, 0.6, 0.7005, 0.7, 0.9])
    settings = replace(SETTINGS, source_epochs=9, batch_size=36, patience=3)
    trained = pretrain(build(), clips(), folder=tmp_path, score=lambda *_: next(areas), training=settings)
    assert trained.curve["validation_auc"].tolist() == [0.5, 0.7, 0.6, 0.7005, 0.7]


def test_a_loss_that_is_no_number_names_the_batch_and_keeps_the_last_good_epoch(untraced: None, tmp_path: Path) -> None:
    examples = toy()

    def break_it(truth: np.ndarray, scores: np.ndarray) -> float:
        examples.values[4, 2] = np.nan
        return score(truth, scores)

    order = np.random.default_rng((SEED, 1)).permutation(np.flatnonzero(~HELD_OUT))
    batch = int(np.flatnonzero(order == 4)[0]) // SETTINGS.batch_size
    with pytest.raises(
        MgcKerasError, match=f"the loss is nan at batch {batch} of epoch 2; epoch 1 is kept in .*{CHECKPOINT}"
    ):
        pretrain(build(), clips(examples), folder=tmp_path, score=break_it, training=SETTINGS, seed=SEED)
    stepper = Stepper(build(), SETTINGS.source_learning_rate, multi_label=True)
    record = json.loads(str(np.load(tmp_path / CHECKPOINT, allow_pickle=False)["settings"]))
    checkpoint = load_checkpoint(tmp_path / CHECKPOINT, stepper.variables, record)
    assert len(checkpoint.rows) == 1 and all(np.isfinite(weight).all() for weight in stepper.model.get_weights())
    assert (tmp_path / BEST).exists()


def test_other_settings_or_another_network_in_the_same_folder_are_refused(unbroken: Trained) -> None:
    with pytest.raises(OptionError, match="other settings"):
        pretrain(build_with_dropout(), clips(), folder=unbroken.weights.parent, training=SETTINGS)
    with pytest.raises(OptionError, match="another network"):
        pretrain(build(), clips(), folder=unbroken.weights.parent, training=SETTINGS, seed=SEED)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(MgcKerasError, match="no whole checkpoint"):
        load_checkpoint(tmp_path / CHECKPOINT, [], {})
    assert load_checkpoint(tmp_path / "none.npz", [], {}) == Checkpoint()


def test_a_head_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="tags: the head has 188 outputs, the task has 3"):
        pretrain(build(188), clips(), folder=tmp_path, training=SETTINGS)


def test_sequences_of_another_scattering_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="any number of frames of 5 paths, these sequences have 6 frames of 4"):
        pretrain(gru_network(5, 3, width=6, depth=1), clips(), folder=tmp_path, training=SETTINGS)


def test_no_tag_that_can_be_scored_is_refused(untraced: None, tmp_path: Path) -> None:
    examples = toy()
    examples.targets[HELD_OUT] = 0
    with pytest.raises(MgcKerasError, match="no tag has both"):
        pretrain(build(), clips(examples), folder=tmp_path, training=SETTINGS, seed=SEED)


def test_a_finished_source_tagger_is_left_as_it_is(untraced: None, tmp_path: Path) -> None:
    arguments = {"folder": tmp_path, "training": replace(SETTINGS, source_epochs=1, batch_size=36), "seed": 0}
    ids = [f"clip{i}" for i in range(N_CLIPS)]
    train_source_tagger(build, clips(), ids, **arguments)
    before, validation = (tmp_path / NETWORK).read_bytes(), (tmp_path / VALIDATION).read_text()
    assert validation.startswith("clip_id,truth_a,truth_b,truth_c,score_a,score_b,score_c\nclip36,")
    assert not (tmp_path / CHECKPOINT).exists() and not (tmp_path / BEST).exists()
    train_source_tagger(build, clips(), ids, **arguments)
    assert (tmp_path / NETWORK).read_bytes() == before


def test_held_out_clips_that_could_not_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(MgcKerasError, match="no clip held out could be read"):
        nothing = replace(clips(), validation=np.zeros(N_CLIPS, bool))
        train_source_tagger(build, nothing, [], folder=tmp_path, training=SETTINGS, seed=SEED)
