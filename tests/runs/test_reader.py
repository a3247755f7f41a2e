"""A run folder as reports read it: names that look like other things, and damaged files, each named in one line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.reporting.page import FigureImage
from mgc_keras.reporting.sections import source_training
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.rows import ScoreRow
from mgc_keras.runs.writer import RunWriter, read_table

ROW = ScoreRow("choi2017", "NA", "mfcc", "corrected", "accuracy", 0.5, 0.4, 0.6, np.nan, 4)
PREDICTIONS = "clip_id,fold,truth,prediction\n"


def spoil(folder: Path, name: str, content: str | bytes) -> RunFolder:
    writer = RunWriter(folder)
    writer.scores([ROW, replace(ROW, task="mood", metric="r2")])
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return RunFolder(folder)


def test_a_task_may_be_called_na(tmp_path: Path) -> None:
    run = spoil(tmp_path, "predictions/NA__mfcc__corrected.csv", PREDICTIONS + "NA,0,null,nan\nx,1,null,null\n")
    assert run.tasks == ["NA", "mood"] and run.metric("NA") == "accuracy"
    table = run.predictions("NA", "mfcc", "corrected")
    assert table.to_dict("list") == {
        "clip_id": ["NA", "x"], "fold": [0, 1], "truth": ["null", "null"], "prediction": ["nan", "null"],
    }  # fmt: skip
    assert run.chances == {"NA": 1.0} and run.scores["published"].isna().all()


@pytest.mark.parametrize("task", ["", "../../etc/passwd", "a/b", "a\\b", ".a", "a__b", "a\nb"])
def test_tasks_that_are_no_part_of_a_file_name_are_refused(task: str, tmp_path: Path) -> None:
    RunWriter(tmp_path).scores([replace(ROW, task=task)])
    with pytest.raises(MgcKerasError, match="scores.csv: task: .* cannot be part of a file name") as raised:
        _ = RunFolder(tmp_path).scores
    assert len(str(raised.value).splitlines()) == 1


def test_a_score_stands_once(tmp_path: Path) -> None:
    RunWriter(tmp_path).scores([ROW, replace(ROW, protocol="published"), replace(ROW, score=0.7)])
    with pytest.raises(OptionError, match="scores.csv: two rows of NA, mfcc, corrected"):
        _ = RunFolder(tmp_path).scores


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("config.json", "[1]", "config"),
        ("config.json", b"\xff\xfe", "config"),
        ("config.json", '{"options": [1]}', "config"),
        ("config.json", '{"command": [1]}', "config"),
        ("config.json", '{"started": 5}', "config"),
        ("audit/scaling.txt", b"\xff\xfe", "audits"),
        ("audit/scaling.csv", b"a,b\n\xff\xfe,1\n", "audits"),
        ("audit/scaling.csv", "a,b\n1,2,3\n", "audits"),
        ("comparisons.csv", "task\nx\n", "comparisons"),
        ("errors.csv", "a,b\n1,2\n", "errors"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(name: str, content: str | bytes, read: str, tmp_path: Path) -> None:
    run = spoil(tmp_path, name, content)
    (tmp_path / "audit").mkdir(exist_ok=True)
    (tmp_path / "audit" / "scaling.csv").touch()
    with pytest.raises(OptionError, match=name) as raised:
        getattr(run, read)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("cell", ["abc", "inf", "1e400", "nan"])
@pytest.mark.parametrize("column", ["score", "n_clips"])
def test_a_score_that_is_no_number(column: str, cell: str, tmp_path: Path) -> None:
    table = pd.DataFrame([vars(ROW)]).astype(str)
    run = spoil(tmp_path, "scores.csv", table.assign(**{column: cell}).to_csv(index=False))
    with pytest.raises(OptionError, match=f"scores.csv: {column}: holds what is no finite number"):
        _ = run.scores


@pytest.mark.parametrize(
    ("task", "content", "problem"),
    [
        ("NA", b"\xda\x1a\x00", "no table"),
        ("NA", PREDICTIONS, "no predictions"),
        ("NA", PREDICTIONS + "a,0,x,x\nb,1", "other numbers of fields"),
        ("NA", PREDICTIONS + "a,0.5,x,x\n", "fold: '0.5' is no whole number"),
        ("NA", PREDICTIONS + "a,0,x,x,x\n", "other numbers of fields"),
        ("mood", PREDICTIONS + "a,0,0.1,much\n", "cannot be shown .ValueError: could not convert"),
    ],
)
def test_damaged_predictions(task: str, content: str | bytes, problem: str, tmp_path: Path) -> None:
    run = spoil(tmp_path, f"predictions/{task}__mfcc__corrected.csv", content)
    with pytest.raises(OptionError, match=f"{task}__mfcc__corrected.csv: .*{problem}|mfcc__corrected.csv: {problem}"):
        run.predictions(task, "mfcc", "corrected")


def test_what_cannot_be_drawn_names_its_file(tmp_path: Path) -> None:
    run = spoil(tmp_path, "training/history.csv", "epoch,loss\n1,low\n2,high\n")
    with pytest.raises(OptionError, match="history.csv: holds what cannot be shown"):
        source_training(run)
    (tmp_path / "a.png").write_bytes(b"GIF89a and so on, and on")
    with pytest.raises(OptionError, match="a.png: is no PNG"):
        FigureImage(tmp_path / "a.png", "").width()


def test_errors_of_pandas_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(OptionError) as raised:
        read_table(tmp_path / "a.csv")
    assert len(str(raised.value).splitlines()) == 1
    assert json.dumps(str(raised.value)).count("\\n") == 0
