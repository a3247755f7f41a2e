"""Measured scores and the table of README.md that is made from them."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest
from run_example import write_example_run

from mgc_keras.errors import OptionError
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.measured import measured_rows, read_measured, write_measured
from mgc_keras.studies.common.readme_table import BEGIN, END, readme_table, with_table

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return write_example_run(tmp_path_factory.mktemp("run"), ("1", "2", "12345"))


def test_the_readme_is_up_to_date() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text, readme_table()) == text, "run: python -m mgc_keras.studies.common.readme_table README.md"


def test_a_measured_score_stands_beside_the_printed_one() -> None:
    lines = readme_table().splitlines()
    assert "| choi2017 | gtzan_genre | 12345 † | accuracy | 89.8 | 89.8 [87.8, 91.5] | 85.5 [81.0, 89.1] |" in lines
    assert not any("gtzan_genre | transfer" in line for line in lines)
    assert any(line.startswith("Printed and not measured here yet") and "song2017 2" in line for line in lines)
    assert not any("state of the art" in line or "Kotropoulos" in line for line in lines)


def test_rows_of_a_run_hold_its_scores_and_how_they_came_about(run_folder) -> None:
    rows = measured_rows(run_folder, machine="a machine", minutes=2.5)
    # What the paper prints of any task, on tasks that it does not have.
    assert {row.feature for row in rows} == {"1", "12345", "mfcc", "mfcc+12345"}
    assert len(rows) == 4 * 2 * 2
    first = rows[0]
    assert (first.task, first.protocol, first.metric, first.n_clips) == (
        "genre <example>",
        "published",
        "accuracy",
        300,
    )
    assert (first.machine, first.minutes, first.seed) == ("a machine", 2.5, 0)
    assert first.ci_low <= first.score <= first.ci_high and len(first.date) == 10
    started = datetime.fromisoformat(json.loads((run_folder / "config.json").read_text())["started"]).timestamp()
    os.utime(run_folder / "scores.csv", (started, started + 330))
    assert measured_rows(run_folder)[0].minutes == 5.5


def test_rows_are_kept_and_replaced(run_folder, tmp_path) -> None:
    rows = measured_rows(run_folder, minutes=1.0)
    write_measured(rows, tmp_path)
    assert read_measured(tmp_path) == rows
    write_measured(measured_rows(run_folder, minutes=2.0)[:1], tmp_path)
    again = read_measured(tmp_path)
    assert [row.minutes for row in again] == [2.0] + [1.0] * (len(rows) - 1)
    assert read_measured(tmp_path / "none") == []


def test_a_run_without_configuration_is_named(tmp_path, run_folder) -> None:
    RunWriter(tmp_path).scores([])
    (tmp_path / "scores.csv").write_bytes((run_folder / "scores.csv").read_bytes())
    with pytest.raises(OptionError, match="config.json: no start was saved"):
        measured_rows(tmp_path)


def test_the_table_goes_between_the_markers() -> None:
    assert with_table(f"a\n{BEGIN}\nold\n{END}\nb\n", "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    with pytest.raises(OptionError, match="scores: begin"):
        with_table("a", "new\n")
