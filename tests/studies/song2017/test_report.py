"""The report of a transfer study: made from saved files alone, and saying what they say, whichever way."""

import re
from pathlib import Path

import pandas as pd
import pytest
from transfer_example import write_transfer_run

from mgc_keras.errors import OptionError
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.claims import write_claims
from mgc_keras.studies.common.report import write_report
from mgc_keras.studies.song2017.report import draw_curves, table_one


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_transfer_run(tmp_path_factory.mktemp("run"), {"transfer": 0.9, "random-start": 0.4}, n_seeds=3)


def test_the_report_holds_figures_table_and_verdict(run_folder: Path) -> None:
    text = write_report(run_folder).read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 4 and "<script" not in text
    assert "Confirmed" in text and "over 3 seeds" in text
    assert "1 tags without both kinds of clips are left out (never)" in text and "a &lt;tag&gt;" in text
    anchors = re.findall(r'href="#([^"]+)"', text)
    assert len(anchors) == 10 and all(f'id="{name}"' in text for name in anchors)


def test_a_report_can_be_drawn_again_to_the_last_byte(run_folder: Path) -> None:
    before = write_report(run_folder).read_bytes()
    assert write_report(run_folder).read_bytes() == before


def test_table_one_has_the_papers_columns(run_folder: Path) -> None:
    table = table_one(RunFolder(run_folder))
    assert table.columns.tolist() == ["Task", "Start", "Paper (GTZAN)", "Published protocol", "Corrected"]
    assert table["Paper (GTZAN)"].tolist() == ["0.958", "0.935"] and table["Corrected"].str.contains(r"\[").all()


@pytest.mark.parametrize(
    ("transfer", "random_start", "verdict"),
    [(0.4, 0.95, "refuted"), (0.9, 0.3, "confirmed"), (0.6, 0.6, "not decided")],
)
def test_the_claim_on_accuracy_goes_either_way(
    transfer: float, random_start: float, verdict: str, tmp_path: Path
) -> None:
    rows = write_claims(write_transfer_run(tmp_path, {"transfer": transfer, "random-start": random_start}))
    accuracy = next(row for row in rows if row.claim == "accuracy" and row.protocol == "corrected")
    assert accuracy.verdict == verdict and "over folds" in accuracy.evidence
    assert (accuracy.why == "The interval includes 0.") == (verdict == "not decided")


def test_a_run_of_the_pre_training_alone_has_a_report(run_folder: Path, tmp_path: Path) -> None:
    scores = pd.read_csv(run_folder / "scores.csv").head(1)
    scores.to_csv(tmp_path / "scores.csv", index=False)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "Only the pre-training was run" in text and "Nothing was fine-tuned" in text


def test_curves_without_a_column_are_named(run_folder: Path, tmp_path: Path) -> None:
    for name in ("scores.csv", "curves.csv"):
        (tmp_path / name).write_bytes((run_folder / name).read_bytes())
    table = pd.read_csv(tmp_path / "curves.csv").drop(columns="test_accuracy")
    table.to_csv(tmp_path / "curves.csv", index=False)
    with pytest.raises(OptionError, match="curves.csv: test_accuracy"):
        draw_curves(RunFolder(tmp_path), "toy", "corrected")
