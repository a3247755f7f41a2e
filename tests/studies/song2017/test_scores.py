"""Scores of a transfer study, against scikit-learn and pandas on the very tables that the folds left."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score
from transfer_example import ARTISTS, N_CLIPS, N_EPOCHS, TASK, scored, write_folds

from mgc_keras.runs.rows import COMPARISON_COLUMNS
from mgc_keras.runs.writer import RunWriter, read_predictions
from mgc_keras.studies.song2017.learning_curves import STARTS
from mgc_keras.studies.song2017.scores import FineTuned, score_transfer
from mgc_keras.studies.song2017.study import STUDY

SKILL = {"transfer": 0.9, "random-start": 0.5}


def test_scores_are_scikit_learns_of_the_quoted_epochs(tmp_path: Path) -> None:
    found = scored(tmp_path, "corrected", SKILL)
    for row in found.scores:
        files = sorted((tmp_path / "finetuning" / "corrected" / "seed0" / row.feature).glob("*_predictions.csv"))
        table = pd.concat([pd.read_csv(path) for path in files])
        # The simulated validation accuracy is highest at epoch 4.
        assert row.score == pytest.approx(accuracy_score(table["truth"], table["epoch_4"]))
        assert row.ci_low < row.score < row.ci_high and row.n_clips == N_CLIPS
    saved = read_predictions(tmp_path / "predictions" / "toy__transfer__corrected.csv")
    assert len(saved) == 2 * N_CLIPS and saved["clip_id"].value_counts().unique().tolist() == [2]
    assert saved["fold"].tolist() == sorted(saved["fold"]) and saved["fold"].nunique() == 10
    assert saved.set_index("clip_id")["group"].to_dict() == dict(zip(TASK.clip_ids, ARTISTS))


def test_the_published_protocol_quotes_the_best_epoch_on_the_test_clips(tmp_path: Path) -> None:
    found = scored(tmp_path, "published", SKILL)
    best = found.tables["curves"].groupby(["start", "repetition", "fold"])["test_accuracy"].max()
    quoted = found.tables["folds"].set_index(["start", "repetition", "fold"])["accuracy"]
    pd.testing.assert_series_equal(quoted.sort_index(), best.sort_index(), check_names=False)
    assert (read_predictions(tmp_path / "predictions" / "toy__transfer__published.csv")["group"] == "").all()


def test_comparisons_are_over_the_same_folds(tmp_path: Path) -> None:
    found = scored(tmp_path, "corrected", SKILL)
    accuracy, epochs = found.comparisons
    assert tuple(vars(accuracy)) == COMPARISON_COLUMNS and (accuracy.metric, epochs.metric) == (
        "accuracy",
        "epochs_to_90",
    )
    wide = found.tables["folds"].pivot(index=["repetition", "fold"], columns="start", values="accuracy")
    assert accuracy.difference == pytest.approx((wide["transfer"] - wide["random-start"]).mean())
    assert 0 < accuracy.p_value <= accuracy.p_holm <= 1
    # An interval lies around its difference, also where that is of epochs.
    assert accuracy.ci_low < accuracy.difference < accuracy.ci_high
    assert abs(epochs.difference) > 1 and epochs.ci_low < epochs.difference < epochs.ci_high
    assert found.tables["seed_intervals"].empty and len(found.tables["seeds"]) == 2


def test_seeds_are_compared_seed_by_seed(tmp_path: Path) -> None:
    found = scored(tmp_path, "corrected", SKILL, n_seeds=3)
    # Holm, for two tests: the smaller p counts twice, the larger one as it is, but no less than the other.
    small, large = np.sort(found.tables["seed_intervals"]["p_value"])
    np.testing.assert_allclose(
        np.sort(found.tables["seed_intervals"]["p_holm"]), [min(1, 2 * small), min(1, max(large, 2 * small))]
    )
    row = found.tables["seed_intervals"].set_index("quantity").loc["accuracy"]
    wide = found.tables["seeds"].pivot(index="seed", columns="start", values="accuracy")
    assert row["n_seeds"] == 3 and row["difference"] == pytest.approx((wide["transfer"] - wide["random-start"]).mean())
    assert row["ci_low"] < row["difference"] < row["ci_high"]
    assert read_predictions(tmp_path / "predictions" / "toy__transfer__corrected.csv")["fold"].nunique() == 30


def test_levels_are_those_of_the_mean_curves(tmp_path: Path) -> None:
    levels = scored(tmp_path, "corrected", SKILL).tables["levels"].set_index("start")
    assert levels.loc["transfer", "level"] == levels.loc["random-start", "level"]
    assert levels.loc["transfer", "epochs_to_level"] < levels.loc["random-start", "epochs_to_level"] <= N_EPOCHS


def test_a_single_fold_is_compared_over_its_clips(tmp_path: Path) -> None:
    folder = write_folds(tmp_path / "seed0", "corrected", SKILL, n_repetitions=1)
    for start in STARTS:
        for path in sorted((folder / start).glob("*fold0[1-4]*")):
            path.unlink()
    found = score_transfer(FineTuned(TASK, STUDY.protocol("corrected"), {0: folder}, "last"), RunWriter(tmp_path))
    assert [row.metric for row in found.comparisons] == ["accuracy"] and np.isfinite(found.comparisons[0].p_value)
