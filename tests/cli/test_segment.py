"""``mgc-keras segment`` as a user runs it."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from broken_clips import write
from scipy.signal import lfilter

from mgc_keras.audio.files import read_waveform
from mgc_keras.cli._clips import output_stems
from mgc_keras.cli.main import main
from mgc_keras.errors import OptionError
from mgc_keras.segmentation.segments import segment_waveform

RATE = 4000
SMALL = ("--sampling-rate", str(RATE), "--order", "8")
FIGURES = ("waveform", "distances", "graph", "map", "segments")


def segment(*arguments: object) -> int:
    return main(["segment", *map(str, arguments)])


def song(seed: int = 0) -> np.ndarray:
    """Four seconds of one noise, then six of another."""
    random = np.random.default_rng(seed)
    parts = [lfilter([1.0], [1.0, sign * 0.9], random.standard_normal(n * RATE)) for sign, n in ((1, 4), (-1, 6))]
    return 0.05 * np.concatenate(parts)


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Two songs in different folders, and four that cannot be segmented."""
    folder = tmp_path / "songs"
    write(folder / "rock" / "one.wav", song(), RATE)
    write(folder / "pop" / "two.wav", song(1), RATE)
    write(folder / "short.wav", song()[: RATE + 5], RATE)
    not_a_number = song()
    not_a_number[77] = np.nan
    write(folder / "hole.wav", not_a_number, RATE, subtype="FLOAT")
    (folder / "text.mp3").write_text("This is no music.\n" * 200)
    (folder / "zero.wav").touch()
    return folder


def test_a_song_end_to_end(tmp_path: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert segment(songs / "rock" / "one.wav", "-o", out, *SMALL, "--k", 2, "--export-largest") == 0
    printed = capsys.readouterr().out.splitlines()
    files = ["segment_errors.csv", *(f"one_{name}.png" for name in FIGURES), "one_largest.wav", "one_segments.csv"]
    assert printed == ["segment: 1 of 1 songs done", *(str(out / name) for name in files)]
    assert sorted(path.name for path in out.iterdir()) == sorted([*files, "one_segments.json"])
    table = pd.read_csv(out / "one_segments.csv")
    assert table.to_dict("list") == {"start_s": [0, 4], "end_s": [4, 10], "label": [0, 1], "duration_s": [4, 6]}
    waveform = read_waveform(songs / "rock" / "one.wav", RATE)
    largest, rate = soundfile.read(out / "one_largest.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(largest, waveform[4 * RATE :], atol=2**-15)
    assert pd.read_csv(out / "segment_errors.csv").empty


def test_one_bad_song_does_not_stop_the_rest(tmp_path: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert segment(songs, "-o", out, *SMALL, "--no-plots") == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["segment: 2 of 6 songs done", f"4 of 6 songs failed: {out / 'segment_errors.csv'} says why"]
    assert printed[2:] == [
        str(out / name) for name in ("segment_errors.csv", "pop/two_segments.csv", "rock/one_segments.csv")
    ]
    errors = pd.read_csv(out / "segment_errors.csv").set_index("clip_id")
    assert sorted(errors.index) == ["hole", "short", "text", "zero"]
    assert errors.loc["short", "cause"] == "1.00 s of sound are fewer than two windows of 1 s"
    assert "NaN" in errors.loc["hole", "cause"] and errors["cure"].notna().all()
    assert not list(out.rglob("*.png"))
    expected = segment_waveform(read_waveform(songs / "pop" / "two.wav", RATE), RATE, order=8).segments()
    pd.testing.assert_frame_equal(pd.read_csv(out / "pop" / "two_segments.csv"), expected, check_dtype=False)


def test_what_is_done_is_kept_and_what_changed_is_done_again(
    tmp_path: Path, songs: Path, capsys: pytest.CaptureFixture
) -> None:
    out, one, two = tmp_path / "out", songs / "rock" / "one.wav", songs / "pop" / "two.wav"

    def run(*arguments: object) -> tuple[list[str], set[str]]:
        """Return the songs that were written anew, and the words that were printed."""
        before = {path: path.stat().st_ino for path in out.glob("*.csv")}
        assert segment(one, two, "-o", out, *SMALL, "--no-plots", *arguments) == 0
        new = [path.stem for path in sorted(out.glob("*_segments.csv")) if path.stat().st_ino != before.get(path)]
        return new, set(capsys.readouterr().out.splitlines())

    both = ["one_segments", "two_segments"]
    kept = "{} of them were done before with the same settings and are kept (--overwrite does them again)"
    assert segment(one, "-o", out, *SMALL, "--no-plots") == 0
    new, printed = run()
    assert new == ["two_segments"] and kept.format(1) in printed
    new, printed = run()
    assert new == [] and {kept.format(2), str(out / "one_segments.csv"), str(out / "two_segments.csv")} <= printed
    assert run("--overwrite")[0] == both
    assert run("--order", 5)[0] == both and run("--order", 5)[0] == []
    assert run("--order", 5, "--export-largest")[0] == both
    # Without audio there is less to do, not other things; but a file of it is gone, and one record is no JSON.
    assert run("--order", 5)[0] == []
    (out / "one_largest.wav").unlink()
    (out / "two_segments.json").write_text("[")
    assert run("--order", 5, "--export-largest")[0] == both
    # What somebody corrected is not lost.
    (out / "one_segments.csv").write_text("start_s,end_s,label\nedited")
    assert segment(one, two, "-o", out, *SMALL, "--no-plots", "--order", 5, "--export-largest") == 2
    assert (out / "one_segments.csv").read_text().endswith("edited")
    assert run("--order", 5, "--export-largest", "--overwrite")[0] == both
    state = two.stat()
    write(two, song(2), RATE)
    os.utime(two, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert two.stat().st_size == state.st_size
    assert run("--order", 5, "--export-largest")[0] == ["two_segments"]


def test_options_reach_the_segmentation(tmp_path: Path, songs: Path) -> None:
    one = songs / "rock" / "one.wav"
    options = ("--window-seconds", 0.5, "--method", "burg", "--k", 3, "--sampling-rate", 2000, "--order", 5)
    assert segment(one, "-o", tmp_path, *options, "--no-plots") == 0
    expected = segment_waveform(
        read_waveform(one, 2000), 2000, window_seconds=0.5, method="burg", n_segments=3, order=5
    ).segments()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "one_segments.csv"), expected, check_dtype=False, atol=1e-6)


def test_more_groups_than_windows_is_a_song_that_failed(tmp_path: Path, songs: Path) -> None:
    assert segment(songs / "rock" / "one.wav", "-o", tmp_path / "out", *SMALL, "--k", 11, "--no-plots") == 2
    assert "11 are more than the 10 windows" in pd.read_csv(tmp_path / "out" / "segment_errors.csv")["cause"][0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--k", "0"), "n_segments: 0 is no number of clusters"),
        (("--order", "0"), "order: windows have no models of order 0"),
        (("--order", "5000"), "order: windows of 4000 samples have no models of order 5000"),
        (("--window-seconds", "-1"), "window_seconds: -1.0 s is no length"),
        (("--sampling-rate", "0"), "--sampling-rate: must be above 0"),
    ],
)
def test_wrong_options_stop_at_once_in_one_line(
    tmp_path: Path, songs: Path, capsys: pytest.CaptureFixture, wrong: tuple[str, ...], message: str
) -> None:
    assert segment(songs, "-o", tmp_path / "out", *SMALL, *wrong) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error and not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, songs: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "file").touch()
    for out, problem in ((tmp_path / "file", "is a file, not a folder"), (Path("/proc/none"), "cannot be written")):
        assert segment(songs, "-o", out, *SMALL) == 2
        assert capsys.readouterr().err == f"mgc-keras segment: {out}: --out: {problem} (choose another folder)\n"


def test_files_stay_inside_the_folder() -> None:
    out = Path("out")
    stems = output_stems(["a", "rock/b", "/music/c.mp3", "../d.mp3"], out)
    assert stems == [out / "a", out / "rock" / "b", out / "music" / "c.mp3", out / "d.mp3"]
    with pytest.raises(OptionError, match="two clips would write the same files"):
        output_stems(["a.mp3", "../a.mp3"], out)


def test_a_song_of_too_many_windows_is_a_row_of_errors(
    tmp_path: Path, songs: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mgc_keras.segmentation.segments.MOST_WINDOWS", 9)
    eight_seconds = write(tmp_path / "eight.wav", song()[: 8 * RATE], RATE)
    assert (
        segment(songs / "rock" / "one.wav", eight_seconds, "-o", tmp_path, *SMALL, "--no-plots", "--channel", "left")
        == 1
    )
    errors = pd.read_csv(tmp_path / "segment_errors.csv")
    assert errors["cause"].tolist() == ["has 10 windows of 1 s, more than 9"] and errors["cure"].notna().all()
    assert json.loads((tmp_path / "eight_segments.json").read_text())["channel"] == "left"
