"""Files of a run: exact columns, whole or not at all, read back as written."""

import errno
import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mgc_keras.errors import ManifestError, MgcKerasError, OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.files import sha256_of
from mgc_keras.runs.rows import COMPARISON_COLUMNS, ScoreRow
from mgc_keras.runs.writer import RunWriter, read_predictions

ROW = ScoreRow("choi2017", "gtzan", "12345", "published", "accuracy", 0.1 + 0.2, 0.2, 0.4, np.nan, 10)


@pytest.fixture
def writer(tmp_path):
    return RunWriter(tmp_path / "run")


def test_scores_have_exactly_the_promised_columns(writer):
    path = writer.scores([ROW])
    lines = path.read_text().splitlines()
    assert lines[0] == "study,task,feature,protocol,metric,score,ci_low,ci_high,published,n_clips"
    # Every digit survives.
    assert lines[1] == "choi2017,gtzan,12345,published,accuracy,0.30000000000000004,0.2,0.4,,10"
    head = "task,protocol,feature_a,feature_b,metric,difference,ci_low,ci_high,p_value,p_holm,n_clips,test"
    assert ",".join(COMPARISON_COLUMNS) == head
    assert writer.comparisons([]).read_text() == head + "\n"


def test_scores_of_earlier_commands_stay_unless_they_are_scored_again(writer):
    numbered = replace(ROW, task="2023")
    writer.add_scores([numbered, replace(ROW, feature="NA")])
    before = (writer.folder / "scores.csv").read_bytes()
    found = writer.add_scores([replace(numbered, score=0.7), replace(ROW, protocol="corrected")])
    assert [(*row.cell, row.score) for row in found] == [
        ("2023", "12345", "published", 0.7),
        ("gtzan", "NA", "published", 0.1 + 0.2),
        ("gtzan", "12345", "corrected", 0.1 + 0.2),
    ]
    table = pd.read_csv(writer.folder / "scores.csv", float_precision="round_trip")
    assert table["score"].tolist() == [0.7, 0.1 + 0.2, 0.1 + 0.2] and table["published"].isna().all()
    other = RunWriter(writer.folder.with_name("other"))
    other.add_scores([numbered, replace(ROW, feature="NA")])
    other.add_scores([numbered])
    assert (other.folder / "scores.csv").read_bytes() == before


@pytest.mark.parametrize("change", [("score,", "colour,"), ("score,ci_low", "ci_low")])
def test_tables_beyond_the_schema_are_refused(writer, change):
    path = writer.scores([ROW])
    path.write_text(path.read_text().replace(*change, 1))
    before = path.read_bytes()
    with pytest.raises(MgcKerasError, match="scores.csv: (colour|no table .rows have other numbers)"):
        writer.add_scores([ROW])
    assert path.read_bytes() == before


def test_config_records_versions_options_and_hashes(writer, tmp_path):
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"weights")
    options = {"seed": 3, "out": tmp_path, "tasks": ("a", "b"), "epochs": {"cnn": 2}, "jobs": None}
    saved = json.loads(writer.config("choi2017", options, [weights]).read_text())
    assert saved["options"] == {
        "seed": 3,
        "out": str(tmp_path),
        "tasks": ["a", "b"],
        "epochs": {"cnn": 2},
        "jobs": None,
    }
    assert saved["inputs"] == {str(weights): sha256_of(weights)}
    assert saved["versions"]["numpy"] == np.__version__
    assert saved["study"] == "choi2017" and saved["command"]


def test_predictions_come_back_as_text(writer):
    table = pd.DataFrame(
        {"fold": [0, 1, 2], "clip_id": ["1", "002", "NA"], "truth": ["01", "null", "1"], "prediction": ["1", "NA", "1"]}
    )
    path = writer.predictions("gtzan", "mfcc+12345", "published", table)
    assert path.name == "gtzan__mfcc+12345__published.csv"
    back = read_predictions(path)
    assert list(back) == ["clip_id", "fold", "truth", "prediction"]
    assert back["clip_id"].tolist() == ["1", "002", "NA"]
    assert back["truth"].tolist() == ["01", "null", "1"]
    assert back["fold"].tolist() == [0, 1, 2]
    grouped = writer.predictions("gtzan", "mfcc", "published", table.assign(group="a", more=1))
    assert list(read_predictions(grouped)) == ["clip_id", "fold", "truth", "prediction", "group"]


def test_regression_predictions_keep_every_digit(writer):
    values = np.random.default_rng(0).normal(size=20)
    table = pd.DataFrame({"clip_id": range(20), "fold": 0, "truth": values, "prediction": values / 3})
    back = read_predictions(writer.predictions("arousal", "mfcc", "published", table))
    assert np.array_equal(back["truth"].astype(float), values)
    assert np.array_equal(back["prediction"].astype(float), values / 3)


@pytest.mark.parametrize("task", ["a__b", "a/b", "../a", "", ".hidden"])
def test_names_that_would_not_be_file_names_are_refused(writer, task):
    with pytest.raises(ManifestError, match="task"):
        writer.predictions(task, "mfcc", "published", pd.DataFrame(columns=["clip_id", "fold", "truth", "prediction"]))


def test_unreadable_predictions_are_named(tmp_path):
    with pytest.raises(OptionError, match="missing.csv"):
        read_predictions(tmp_path / "missing.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(OptionError, match="empty.csv"):
        read_predictions(tmp_path / "empty.csv")
    (tmp_path / "other.csv").write_text("clip_id,fold\n1,0\n")
    with pytest.raises(OptionError, match="truth"):
        read_predictions(tmp_path / "other.csv")


def test_an_audit_saves_its_table_and_its_sentence(writer):
    path = writer.audit(AuditResult("border", pd.DataFrame({"a": [1]}), "All is well."))
    assert path.read_text() == "a\n1\n"
    assert (writer.folder / "audit" / "border.txt").read_text() == "All is well.\n"


def test_a_full_disk_leaves_the_old_file_alone(writer, monkeypatch):
    path = writer.scores([ROW])
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MgcKerasError, match="disk is full"):
        writer.scores([ROW, ROW])
    assert path.read_bytes() == before
    assert [one.name for one in writer.folder.iterdir()] == ["scores.csv"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(OptionError, match="--out"):
        RunWriter(tmp_path / "run")


def test_errors_say_when_there_were_none(writer):
    assert writer.errors([]).read_text() == "clip_id,filepath,cause,cure\n"


def test_a_folder_is_held_to_its_options_and_those_of_an_older_version_are_refused(writer):
    writer.lock({"seed": "0", "epochs": "3"})
    writer.lock({"seed": "0", "epochs": "3"})
    with pytest.raises(OptionError, match="epochs: holds work with other settings"):
        writer.lock({"seed": "0", "epochs": "4"})
    (writer.folder / ".options.sha256").write_text("0" * 64)
    with pytest.raises(OptionError, match="--out: holds a run of version 0.1"):
        writer.lock({"seed": "0", "epochs": "3"})
