"""``mgc-keras corpus`` as a user runs it."""

import argparse
from pathlib import Path

import pytest

from mgc_keras.cli import corpus
from mgc_keras.corpus import TASKS
from mgc_keras.datasets.manifest import read_manifest
from mgc_keras.terminal import guarded


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    corpus.add_arguments(parser)
    arguments = parser.parse_args(words)
    return guarded(lambda: corpus.run(arguments), "mgc-keras corpus")


def test_list(capsys: pytest.CaptureFixture) -> None:
    assert command("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(TASKS)


def test_one_task_prints_its_manifest_last(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert command("genre", "-o", str(tmp_path), "--clips", "3", "--duration", "0.5", "--sampling-rate", "8000") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "genre.csv")
    assert len(read_manifest(tmp_path / "genre.csv")) == 3


def test_all_tasks_lie_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert command("all", "-o", str(tmp_path), "--clips", "2", "--duration", "0.3", "--sampling-rate", "8000") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [str(tmp_path / task / f"{task}.csv") for task in TASKS]
    assert all(len(read_manifest(path)) == 2 for path in printed)


@pytest.mark.parametrize(
    "words",
    [("genre",), ("polka", "-o", "x"), ("genre", "-o", "x", "--clips", "0"), ("genre", "-o", "x", "--duration", "nan"),
     ("genre", "-o", "x", "--sampling-rate", "1"), ("genre", "-o", "x", "--jobs", "0")],
)  # fmt: skip
def test_bad_input_is_one_line(
    words: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(*words) == 2
    assert capsys.readouterr().err.count("\n") == 1 and list(tmp_path.iterdir()) == []


def test_output_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "x").write_text("here")
    assert command("genre", "-o", str(tmp_path / "x"), "--clips", "1", "--duration", "0.5") == 2
    assert capsys.readouterr().err.count("\n") == 1
