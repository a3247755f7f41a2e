"""``mgc-keras plot`` as a user runs it."""

from pathlib import Path

import pandas as pd
import pytest
from broken_clips import tune, write

from mgc_keras.cli.main import main
from mgc_keras.cli.plot import VIEWS
from mgc_keras.reporting import clip_views

SMALL = ("--sampling-rate", "4000", "--views", "waveform", "rolloff")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two genres; the first clip of one is broken."""
    folder = tmp_path / "clips"
    write(folder / "a.wav", tune())
    write(folder / "c.wav", tune(seed=1))
    (folder / "b.wav").write_text("no music " * 99)
    rows = {"clip_id": list("abc"), "filepath": ["a.wav", "b.wav", "c.wav"], "label": ["pop", "jazz", "jazz"]}
    pd.DataFrame(rows).to_csv(folder / "few.csv", index=False)
    return folder


def test_views_of_the_command_are_those_that_are_drawn() -> None:
    assert VIEWS == tuple(clip_views.VIEWS)


def test_clips_and_a_broken_one(tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert main(["plot", str(clips / "a.wav"), str(clips / "b.wav"), "-o", str(out), *SMALL, "--separate"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "plot: 1 of 2 clips drawn, 30 s from the start at most (--seconds)"
    assert printed[-3:] == [str(out / name) for name in ("plot_errors.csv", "a_waveform.png", "a_rolloff.png")]
    assert pd.read_csv(out / "plot_errors.csv")["clip_id"].tolist() == ["b"]


def test_a_name_is_no_mathematics_and_no_formula(tmp_path: Path, clips: Path) -> None:
    write(clips / "A$AP - L$D.wav", tune())
    (clips / "=1+1.wav").write_text("no music")
    out = tmp_path / "out"
    assert main(["plot", str(clips), "-o", str(out), *SMALL, "--escape-formulas"]) == 1
    assert (out / "A$AP - L$D_sheet.png").stat().st_size > 1000
    assert pd.read_csv(out / "plot_errors.csv")["clip_id"].tolist() == ["'=1+1", "b"]


def test_a_sheet_per_genre_takes_the_first_clip_that_reads(tmp_path: Path, clips: Path) -> None:
    out = tmp_path / "out"
    assert main(["plot", str(clips / "few.csv"), "-o", str(out), *SMALL, "--per-genre"]) == 1
    assert sorted(path.name for path in out.iterdir()) == ["jazz_sheet.png", "plot_errors.csv", "pop_sheet.png"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--per-genre",), "--per-genre: needs to know the clips' genres"),
        (("--seconds", "0"), "--seconds: must be above 0"),
    ],
)
def test_wrong_options(tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture, wrong: tuple, message: str) -> None:
    assert main(["plot", str(clips / "a.wav"), "-o", str(tmp_path / "out"), *wrong]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()
