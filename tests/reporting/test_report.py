"""The report is made from a run's saved files alone."""

import shutil

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.reporting.report import write_report
from run_example import write_example_run


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return write_example_run(tmp_path_factory.mktemp("run"), ("1", "12", "12345"))


def test_a_redrawn_report_is_identical(run_folder):
    report = write_report(run_folder)
    text, figures = report.read_bytes(), {path.name: path.read_bytes() for path in (run_folder / "figures").iterdir()}
    shutil.rmtree(run_folder / "figures")
    report.unlink()
    assert write_report(run_folder).read_bytes() == text
    assert {path.name: path.read_bytes() for path in (run_folder / "figures").iterdir()} == figures
    assert "arousal.png" in figures


def test_only_scores_are_needed(run_folder, tmp_path):
    shutil.copy(run_folder / "scores.csv", tmp_path)
    text = write_report(tmp_path).read_text()
    assert "No configuration was saved" in text
    assert "No audit was run" in text


def test_a_folder_without_scores_is_refused(tmp_path):
    with pytest.raises(OptionError, match="scores.csv"):
        write_report(tmp_path)
