"""No command's output takes the place of what it reads, nor of a file of another kind."""

import json
import os
import re
from pathlib import Path

import pytest
from broken_clips import tune, write

from mgc_keras.answers.votes import Neighbours
from mgc_keras.cli.main import main
from mgc_keras.errors import OptionError

LABELLED = "clip_id,filepath,label\na,a.wav,jazz\n"
ERRORS = "clip_id,filepath,cause,cure\n"
PNG = b"\x89PNG\r\n\x1a\n and a cover"
MFCC = ("--features", "mfcc")
QUICK_CORPUS = ("--clips", "2", "--duration", "1", "--sampling-rate", "8000")


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Two clips in class folders, and a manifest."""
    folder = tmp_path / "music"
    write(folder / "pop" / "a.wav", tune(1.0, 8000, 1), 8000)
    write(folder / "rock" / "b.wav", tune(1.0, 8000, 1, seed=1), 8000)
    (tmp_path / "my.csv").write_text("clip_id,filepath,label\na,pop/a.wav,pop\nb,rock/b.wav,rock\n")
    return folder


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_inputs_are_never_outputs(
    tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "way").symlink_to(tmp_path)
    (tmp_path / "link.csv").symlink_to("my.csv")
    os.link("my.csv", "twin.csv")
    write(music / "a_largest.wav", tune(1.0, 8000, 1), 8000)
    before = content(tmp_path)
    commands = [
        *(
            ("features", "my.csv", "--data-home", music, *MFCC, "-o", name)
            for name in ("my.csv", "way/my.csv", "link.csv", "twin.csv")
        ),
        ("manifest", "cut", "my.csv", "--data-home", music, "-o", "twin.csv"),
        ("segment", music / "pop/a.wav", music / "a_largest.wav", "-o", music, "--no-plots", "--export-largest"),
    ]
    for words in commands:
        assert run(*words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and ("is read here and would be over" in error or "own manifest" in error)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ({"music/pop/a.wav": None}, ("check", "music", "-o", "music/pop/a.wav")),
        ({"x_errors.csv": ERRORS}, ("check", "music", "-o", "x_errors.csv")),
        ({"x_errors.csv": ERRORS}, ("manifest", "folder", "music", "-o", "x_errors.csv")),
        ({"x.csv": "clip_id,filepath,mfcc_1\n", "x.json": "{}"}, ("manifest", "folder", "music", "-o", "x.csv")),
        ({"x_errors.csv": ERRORS}, ("features", "music", *MFCC, "-o", "x_errors.csv")),
        ({"x.csv": LABELLED}, ("features", "music", *MFCC, "-o", "x.csv")),
        ({"x.json": '{"my": "notes"}'}, ("features", "music", *MFCC, "-o", "x.csv")),
        ({"x.json": "[1, 2]"}, ("features", "music", *MFCC, "-o", "x.csv")),
        ({"x_errors.csv": "my,errors\n"}, ("features", "music", *MFCC, "-o", "x.csv")),
        ({"x.csv.partial": "half a letter"}, ("features", "music", *MFCC, "-o", "x.csv")),
        (
            {"x.calibrated.keras": b"PK"},
            ("features", "music", "-o", "x.csv", "--weights", "none.h5", "--calibrate-on", "music"),
        ),
        ({"x.npz": b"PK"}, ("scattering", "music", "-o", "x.npz")),
        ({"x.json": '{"extractor": {}, "csv_sha256": "0"}', "x.csv": LABELLED}, ("scattering", "music", "-o", "x.npz")),
        ({"x_errors.csv": "my,errors\n"}, ("manifest", "cut", "my.csv", "--data-home", "music", "-o", "x.csv")),
        ({"out/pop/a_7.wav": b"x"}, ("manifest", "cut", "my.csv", "--data-home", "music", "-o", "out/x.csv")),
        ({"x.png": PNG}, ("classify", "music/pop/a.wav", "--weights", "none.h5", "--plot", "x.png")),
        ({"a_sheet.png": PNG}, ("plot", "music/pop/a.wav")),
        ({"plot_errors.csv": "my,errors\n"}, ("plot", "music/pop/a.wav")),
        ({"a_segments.csv": "1,2\n"}, ("segment", "music/pop/a.wav", "--no-plots")),
        ({"a_segments.json": "{}"}, ("segment", "music/pop/a.wav", "--no-plots")),
        ({"a_largest.wav": b"RIFF"}, ("segment", "music/pop/a.wav", "--no-plots", "--export-largest")),
        ({"a_map.png": PNG}, ("segment", "music/pop/a.wav")),
        ({"segment_errors.csv": "my,errors\n"}, ("segment", "music/pop/a.wav")),
        ({"out/genre.csv": LABELLED}, ("corpus", "genre", "-o", "out", *QUICK_CORPUS)),
        ({"out/blues/blues.00000.wav": b"x"}, ("corpus", "genre", "-o", "out", *QUICK_CORPUS)),
    ],
)
def test_files_of_another_kind_are_left_alone(
    tmp_path: Path,
    music: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    there: dict[str, str | bytes | None],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in there.items():
        Path(name).parent.mkdir(exist_ok=True, parents=True)
        if text is not None:
            Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
    before = content(tmp_path)
    assert run(*words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "is there already and" in error and "left as it is" in error and "choose" in error
    assert content(tmp_path) == before


def test_own_outputs_and_empty_files_are_replaced(tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.csv", "f.csv", "m.csv", "a_sheet.png"):
        Path(name).touch()
    commands = [
        ("features", "music", *MFCC, "-o", "x.csv", "--anew"),
        ("check", "music", "-o", "f.csv"),
        ("manifest", "folder", "music", "-o", "m.csv"),
        ("manifest", "cut", "my.csv", "--data-home", "music", "--seconds", "1"),
        ("plot", "music/pop/a.wav", "--views", "waveform"),
        ("segment", "music/rock/b.wav", "--window-seconds", "0.2", "--export-largest", "--overwrite", "--no-plots"),
        ("corpus", "genre", "-o", "out", *QUICK_CORPUS),
    ]
    for words in commands:
        assert run(*words) == 0
    before = content(tmp_path)
    for words in commands:
        assert run(*words) == 0
    assert content(tmp_path).keys() == before.keys()
    assert not (tmp_path / "x_errors.csv").read_text().removeprefix(ERRORS)


def test_a_segmentation_that_was_killed_is_done_again(
    tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("segment", music / "rock/b.wav", "-o", tmp_path, "--window-seconds", "0.2", "--export-largest")
    record = tmp_path / "b_segments.json"
    with monkeypatch.context() as patched:
        patched.setattr("mgc_keras.cli.segment.sha256", lambda content: 1 / 0)
        assert run(*words, "--no-plots") == 2
    assert (tmp_path / "b_largest.wav").exists() and json.loads(record.read_text())["fingerprint"] == "unfinished"
    (tmp_path / "b_segments.csv").unlink()
    assert run(*words, "--no-plots") == 0
    assert (tmp_path / "b_segments.csv").exists() and json.loads(record.read_text())["fingerprint"] != "unfinished"


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("pipe", "is no regular file (it is a named pipe)"),
        ("device", "is no regular file (it is a device)"),
        ("loop", "is no regular file (it is a link to itself)"),
        ("broken", "is a link to a file that is not there"),
    ],
)
def test_what_is_no_regular_file_is_called_so(
    tmp_path: Path, music: Path, kind: str, problem: str, capsys: pytest.CaptureFixture
) -> None:
    def make(name: str) -> Path:
        path = tmp_path / name
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to({"device": "/dev/zero", "loop": path, "broken": tmp_path / "gone"}[kind])
        return path

    assert run("features", make("x.wav"), *MFCC, "-o", tmp_path / "x.csv") == 2
    assert f",{problem}," in (tmp_path / "x_errors.csv").read_text().replace('"', "")
    song = music / "pop" / "a.wav"
    for words in (
        ("tag", song, "--weights", make("x.h5")),
        ("weights", "add", tmp_path / "x.h5"),
        ("plot", make("list.csv")),
        ("plot", make("folder")),
    ):
        capsys.readouterr()
        assert run(*words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and problem in error
    with pytest.raises(OptionError, match=re.escape(problem)):
        Neighbours.read(make("n.npz"))


def test_names_that_are_too_long_are_told_before_any_work(
    tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "x" * 300
    manifest = Path("long.csv")
    manifest.write_text(f"clip_id,filepath,label\na,pop/a.wav,pop\n{name},rock/b.wav,rock\n")
    (tmp_path / "out").mkdir()
    for words in (
        ("plot", manifest, "-o", "out"),
        ("segment", manifest, "-o", "out"),
        ("classify", manifest, "--plot", "out/x.png", "--weights", "none.h5"),
    ):
        assert run(*words, "--data-home", "music") == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and ("x" * 40 + "…: is too long a name") in error and ".mgc_keras" not in error
        assert not list((tmp_path / "out").iterdir())
    assert run("check", "music", "-o", f"{name}.csv") == 2
    error = capsys.readouterr().err
    assert "is too long a name (name a shorter one)" in error and ".mgc_keras" not in error
    # A segment's name is longer than its clip's: that clip is a row of the errors.
    longest = "y" * 251 + ".wav"
    (music / "rock" / "b.wav").rename(music / "rock" / longest)
    manifest.write_text(f"clip_id,filepath,label\na,pop/a.wav,pop\nb,rock/{longest},rock\n")
    assert run("manifest", "cut", manifest, "--data-home", "music", "--seconds", "1", "-o", "cut/c.csv") == 1
    assert Path("cut/c_errors.csv").read_text().count("has too long a name") == 1
    assert Path("cut/c.csv").read_text().count("\n") == 2
