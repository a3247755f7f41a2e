"""Pre-training on tags: the AUC is scikit-learn's, a killed training ends as an unbroken one, bad input is named."""

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.studies.song2017.network import gru_network
from mgc_keras.studies.song2017.pretraining import PretrainingSettings, pretrain, train_source_tagger
from mgc_keras.training.checkpoint import Checkpoint, load_checkpoint
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import BEST, CHECKPOINT, Trained
from mgc_keras.training.stepping import Stepper

N_CLIPS = 48
SETTINGS = PretrainingSettings(epochs=4, batch_size=8, learning_rate=0.02, seed=3)
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
    return pretrain(build_with_dropout(), toy(), HELD_OUT, folder=folder, score=score, settings=SETTINGS)


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
        pretrain(build_with_dropout(), toy(), HELD_OUT, folder=tmp_path, score=killed_score, settings=SETTINGS)
    resumed = pretrain(build_with_dropout(), toy(), HELD_OUT, folder=tmp_path, score=score, settings=SETTINGS).model
    model, folder = unbroken.model, unbroken.weights.parent
    assert (tmp_path / "history.csv").read_bytes() == (folder / "history.csv").read_bytes()
    for weight, other in zip(resumed.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_it_stops_where_the_auc_is_stable(untraced: None, tmp_path: Path) -> None:
    areas = iter([0.5, 0.7, 0.6, 0.7005, 0.7, 0.9])
    settings = PretrainingSettings(epochs=9, batch_size=36, patience=3, least_gain=1e-3)
    trained = pretrain(build(), toy(), HELD_OUT, folder=tmp_path, score=lambda *_: next(areas), settings=settings)
    assert trained.curve["validation_auc"].tolist() == [0.5, 0.7, 0.6, 0.7005, 0.7]


def test_a_loss_that_is_no_number_names_the_batch_and_keeps_the_last_good_epoch(untraced: None, tmp_path: Path) -> None:
    examples = toy()

    def break_it(truth: np.ndarray, scores: np.ndarray) -> float:
        examples.values[4, 2] = np.nan
        return score(truth, scores)

    order = np.random.default_rng((SETTINGS.seed, 1)).permutation(np.flatnonzero(~HELD_OUT))
    batch = int(np.flatnonzero(order == 4)[0]) // SETTINGS.batch_size
    with pytest.raises(
        MgcKerasError, match=f"the loss is nan at batch {batch} of epoch 2; epoch 1 is kept in .*{CHECKPOINT}"
    ):
        pretrain(build(), examples, HELD_OUT, folder=tmp_path, score=break_it, settings=SETTINGS)
    stepper = Stepper(build(), SETTINGS.learning_rate, multi_label=True)
    record = json.loads(str(np.load(tmp_path / CHECKPOINT, allow_pickle=False)["settings"]))
    checkpoint = load_checkpoint(tmp_path / CHECKPOINT, stepper.variables, record)
    assert len(checkpoint.rows) == 1 and all(np.isfinite(weight).all() for weight in stepper.model.get_weights())
    assert (tmp_path / BEST).exists()


def test_other_settings_or_another_network_in_the_same_folder_are_refused(unbroken: Trained) -> None:
    with pytest.raises(OptionError, match="other settings"):
        pretrain(build_with_dropout(), toy(), HELD_OUT, folder=unbroken.weights.parent, score=score)
    with pytest.raises(OptionError, match="another network"):
        pretrain(build(), toy(), HELD_OUT, folder=unbroken.weights.parent, score=score, settings=SETTINGS)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(MgcKerasError, match="no whole checkpoint"):
        load_checkpoint(tmp_path / CHECKPOINT, [], {})
    assert load_checkpoint(tmp_path / "none.npz", [], {}) == Checkpoint()


def test_a_head_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="tags: the head has 188 outputs, the task has 3"):
        pretrain(build(188), toy(), HELD_OUT, folder=tmp_path, score=score)


def test_sequences_of_another_scattering_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="any number of frames of 5 paths, these sequences have 6 frames of 4"):
        pretrain(gru_network(5, 3, width=6, depth=1), toy(), HELD_OUT, folder=tmp_path, score=score)


def test_no_tag_that_can_be_scored_is_refused(untraced: None, tmp_path: Path) -> None:
    examples = toy()
    examples.targets[HELD_OUT] = 0
    with pytest.raises(MgcKerasError, match="no tag has both"):
        pretrain(build(), examples, HELD_OUT, folder=tmp_path, score=score, settings=SETTINGS)


def test_a_finished_source_tagger_is_left_as_it_is(untraced: None, tmp_path: Path) -> None:
    arguments = {
        "folder": tmp_path,
        "clip_ids": [f"clip{i}" for i in range(N_CLIPS)],
        "tags": ["label_a", "label_b", "label_c"],
    }
    settings = PretrainingSettings(epochs=1, batch_size=36)
    tagger = train_source_tagger(build, toy(), HELD_OUT, **arguments, score=score, settings=settings)
    before = tagger.network.read_bytes()
    assert tagger.validation.read_text().startswith("clip_id,truth_a,truth_b,truth_c,score_a,score_b,score_c\nclip36,")
    assert not (tmp_path / CHECKPOINT).exists() and not (tmp_path / BEST).exists()
    train_source_tagger(build, toy(), HELD_OUT, **arguments, score=score, settings=settings)
    assert tagger.network.read_bytes() == before


def test_held_out_clips_that_could_not_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(MgcKerasError, match="no clip held out could be read"):
        train_source_tagger(
            build, toy(), np.zeros(N_CLIPS, bool), folder=tmp_path, clip_ids=[], tags=[], score=score, settings=SETTINGS
        )


@pytest.mark.parametrize("field", ["epochs", "batch_size", "learning_rate", "patience"])
def test_settings_that_make_no_sense_are_refused(field: str) -> None:
    with pytest.raises(OptionError, match=field):
        PretrainingSettings(**{field: 0})
