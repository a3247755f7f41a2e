"""``mgc-keras report``: the same page from the same files, and one line where there is no run."""

from pathlib import Path

import pytest
from run_example import write_example_run

from mgc_keras.cli.main import main


def test_a_run_is_drawn_again_to_the_same_page(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_example_run(tmp_path, ("1", "12345"))
    assert main(["report", str(tmp_path)]) == 0
    page = Path(capsys.readouterr().out.strip().splitlines()[-1])
    before = page.read_bytes()
    page.unlink()
    assert main(["report", str(tmp_path)]) == 0
    assert page.read_bytes() == before


def test_a_folder_without_a_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["report", str(tmp_path / "none")]) == 2
    errors = capsys.readouterr().err
    assert "none" in errors and errors.count("\n") == 1
