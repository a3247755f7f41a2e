"""Fine-tuning: it starts from the pre-trained tensors, and resumes to the last byte."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mgc_keras.datasets.repeated_folds import Fold, repeated_folds
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.studies.song2017.finetuning import cross_validate
from mgc_keras.studies.song2017.network import HEADS, gru_network, with_head
from mgc_keras.studies.song2017.study import TrainingOptions
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper

N_CLIPS, CLASSES = 30, ("a", "b", "c")
TARGETS = np.arange(N_CLIPS) % 3
TASK = StudyTask("toy", "classification", [f"clip{i}" for i in range(N_CLIPS)], np.array(CLASSES)[TARGETS])
SETTINGS = TrainingOptions(epochs=3, batch_size=8, learning_rate=0.02)
CURVE_COLUMNS = (
    "epoch", "loss", "training_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy",
)  # fmt: skip
SOURCE = gru_network(3, 5, width=6, depth=2, seed=4)
NETWORK = with_head(SOURCE, 3)


def toy() -> Examples:
    """Sequences whose loudest path is their class."""
    values = np.random.default_rng(0).normal(0, 1, (N_CLIPS, 5, 3))
    values[np.arange(N_CLIPS), :, TARGETS] += 1.5
    return Examples(values.astype(np.float32), np.arange(N_CLIPS), TARGETS)


def transfer(fold: Fold, seed: int) -> list[np.ndarray]:
    return with_head(SOURCE, 3, seed=seed).get_weights()


def random_start(fold: Fold, seed: int) -> list[np.ndarray]:
    return gru_network(3, 3, head="genres", width=6, depth=2, seed=seed).get_weights()


def tune(folder: Path, starts: dict | None = None, settings: TrainingOptions = SETTINGS, **options: object) -> None:
    folds = list(repeated_folds(TASK, n_folds=2, seed=1))
    cross_validate(
        options.pop("model", NETWORK),
        options.pop("examples", toy()),
        folds,
        starts or {"transfer": transfer, "random-start": random_start},
        folder=folder,
        clip_ids=TASK.clip_ids,
        class_names=CLASSES,
        training=settings,
        seed=2,
        provenance=options.pop("provenance", {}),
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    tune(folder)
    return folder


def test_curves_and_predictions_agree_and_cover_every_clip_once(unbroken: Path) -> None:
    tested = []
    for path in sorted((unbroken / "transfer").glob("*_predictions.csv")):
        predictions = pd.read_csv(path)
        curve = pd.read_csv(path.with_name(path.name.replace("predictions", "curve")))
        assert tuple(curve.columns) == CURVE_COLUMNS and curve["epoch"].tolist() == [1, 2, 3]
        for epoch, accuracy in zip(curve["epoch"], curve["test_accuracy"]):
            assert np.mean(predictions[f"epoch_{epoch}"] == predictions["truth"]) == pytest.approx(accuracy)
        tested += predictions["clip_id"].tolist()
    assert sorted(tested) == sorted(TASK.clip_ids)


def test_the_first_step_starts_from_the_pre_trained_tensors(tmp_path: Path) -> None:
    seen: dict[str, dict[str, np.ndarray]] = {}

    class Stop(Exception):
        pass

    def look(self: Stepper, *_: object) -> None:
        seen["before"] = tensors_of(self.model)
        raise Stop

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr(Stepper, "epoch", look)
        tune(tmp_path, {"transfer": transfer})
    source = tensors_of(SOURCE)
    body = [name for name in seen["before"] if name.split("/")[0] not in HEADS]
    assert len(body) == len(source) - 2 == 8
    for name in body:
        np.testing.assert_array_equal(seen["before"][name], source[name], err_msg=name)


def test_a_killed_run_ends_as_an_unbroken_one_to_the_last_byte(unbroken: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    epochs, epoch_of = iter(range(99)), Stepper.epoch

    def killed(self: Stepper, *arguments: object) -> tuple:
        # In the second epoch of the third training: two are finished then.
        if next(epochs) == 7:
            raise Killed
        return epoch_of(self, *arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Stepper, "epoch", killed)
        tune(tmp_path)
    assert len(list(tmp_path.rglob("*_curve.csv"))) == 2 and len(list(tmp_path.rglob("*_checkpoint.npz"))) == 1
    tune(tmp_path)
    assert contents(tmp_path) == contents(unbroken)


def test_a_finished_run_is_not_repeated(unbroken: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(Stepper, "epoch")
        tune(unbroken)


def test_a_loss_that_is_no_number_names_batch_and_epoch(tmp_path: Path) -> None:
    examples = toy()
    examples.values[:] = np.nan
    tf.config.run_functions_eagerly(True)
    with pytest.raises(MgcKerasError, match="the loss is nan at batch 0 of epoch 1; no epoch was finished"):
        tune(tmp_path, examples=examples)
    tf.config.run_functions_eagerly(False)


def test_a_head_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="genres: the head has 2 outputs, the task has 3"):
        tune(tmp_path, model=with_head(SOURCE, 2))


def test_other_settings_or_another_source_in_the_same_folder_are_refused(unbroken: Path) -> None:
    for options in ({"settings": replace(SETTINGS, epochs=2)}, {"provenance": {"source": "other weights"}}):
        with pytest.raises(OptionError, match="other settings"):
            tune(unbroken, **options)
