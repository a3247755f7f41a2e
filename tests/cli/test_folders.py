"""What every command that takes clips or writes files has in common: what it leaves out, and errors in one line."""

import json
import logging
import os
from pathlib import Path

import keras
import pytest
from broken_clips import tune, write

from mgc_keras.audio import ffmpeg
from mgc_keras.cli.main import build_parser, main
from mgc_keras.layers.named_outputs import with_output_names
from mgc_keras.networks.kinds import network_kinds

# Each with what it does to a folder of clips; WEIGHTS is a small model.
COMMANDS = (
    "features MUSIC -o OUT/m.csv",
    "scattering MUSIC -o OUT/s.npz --seconds 0.5 --sampling-rate 8000 --J 6 --Q 2",
    "check MUSIC",
    "classify MUSIC --weights WEIGHTS --json",
    "segment MUSIC -o OUT --no-plots --sampling-rate 2000 --order 5 --window-seconds 0.2",
    "plot MUSIC -o OUT --views waveform --sampling-rate 4000",
    "manifest folder MUSIC -o OUT/manifest.csv",
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two clips and three files that only ffmpeg reads, a small model, and things that are no clips."""
    here = tmp_path_factory.mktemp("here")
    for seed, name in enumerate(("rock/1.wav", "pop/2.flac")):
        write(here / "music" / name, tune(1.0, 8000, seed=seed), 8000)
    for name in ("rock/3.m4a", "pop/4.m4a", "pop/5.wma"):
        (here / "music" / name).write_bytes(b"\0\0\0\x20ftypM4A ")
    (here / "music" / "cover.jpg").touch()
    inputs = keras.Input((1200,))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="genres")(inputs))
    with_output_names(model, ["a", "b"]).save(here / "model.keras")
    (here / "file").touch()
    for name in ("folder.csv", "folder.npz", "folder.png", "folder.h5", "empty"):
        (here / name).mkdir()
    return here


def words(line: str, here: Path, out: Path) -> list[str]:
    places = {"MUSIC": here / "music", "OUT": out, "WEIGHTS": here / "model.keras", "HERE": here}
    for name, path in places.items():
        line = line.replace(name, str(path))
    return line.split()


def test_files_that_lost_their_suffix_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("1.wav", "2", "3.flac"):
        write(tmp_path / "music" / name if name != "2" else tmp_path / "2.wav", tune(1.0, 8000), 8000)
    (tmp_path / "2.wav").rename(tmp_path / "music" / "2")
    (tmp_path / "music" / "4").write_bytes(b"ID3\4\0\0\0\0\0\0")
    for name in ("README", ".5", "empty"):
        (tmp_path / "music" / name).write_bytes(b"RIFF....WAVE" if name == ".5" else name.encode())
    assert main(["features", str(tmp_path / "music"), "-o", str(tmp_path / "x.csv")]) == 0
    says = "2 audio files are left out, 2 without a suffix: 2, 4 (let names without a suffix end in .wav, .mp3"
    assert any(says in record.getMessage() for record in caplog.records)
    assert json.loads((tmp_path / "x.json").read_text())["source"]["left_out"] == ["2", "4"]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_left_out_is_counted_and_named(
    here: Path,
    tmp_path: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(ffmpeg, "program", lambda: None)
    with caplog.at_level(logging.WARNING, "mgc_keras"):
        # A warning in the log is a line on standard error.
        assert main(words(command, here, tmp_path)) == 0
    said = [message for message in caplog.messages if "left out" in message]
    names = ["pop/4.m4a", "pop/5.wma", "rock/3.m4a"]
    expected = f"3 audio files are left out, 2 .m4a and 1 .wma: {', '.join(names)} (install ffmpeg, or convert to flac)"
    assert said == [f"{here / 'music'}: {expected}"]
    for path in [path for name in ("m.json", "s.json") if (path := tmp_path / name).is_file()]:
        assert json.loads(path.read_text())["source"]["left_out"] == names
    if "--json" in command:
        entries = {entry["filepath"]: entry for entry in json.loads(capsys.readouterr().out)}
        assert list(entries) == ["pop/2.flac", "rock/1.wav", *names]
        assert all("ffmpeg" in entries[name]["error"] and "ffmpeg" in entries[name]["cure"] for name in names)


def test_more_of_what_is_left_out_asks_for_nothing_anew(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ffmpeg, "program", lambda: None)
    write(tmp_path / "music" / "1.wav", tune(0.5))
    command = ["features", str(tmp_path / "music"), "-o", str(tmp_path / "m.csv")]
    assert main(command) == 0
    (tmp_path / "music" / "2.m4a").touch()
    assert main(command) == 0
    assert any("is finished already" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("features MUSIC -o /proc/z.csv", "/proc: --out: cannot be written (choose another folder)"),
        ("features MUSIC -o HERE/file/z.csv", "file: --out: is a file, not a folder (choose another folder)"),
        ("features MUSIC -o HERE/folder.csv", "folder.csv: --out: is a folder (name a file in it)"),
        ("features MUSIC -o OUT/z.csv --weights HERE/folder.h5", "folder.h5: is a folder, not a file (give a file, or"),
        ("features HERE/folder.csv -o OUT/z.csv", "is a folder, not a manifest"),
        (f"features {'x' * 300}.wav -o OUT/z.csv", "is too long a name (name a shorter one)"),
        ("features HERE/none -o OUT/z.csv", "there is no such file or folder"),
        ("scattering MUSIC -o /proc/z.npz", "/proc: --out: cannot be written"),
        ("scattering MUSIC -o HERE/folder.npz", "folder.npz: --out: is a folder"),
        ("scattering MUSIC -o OUT/z.npz --seconds inf", "--seconds: must be above 0 and at most 86400"),
        ("scattering MUSIC -o OUT/z.npz --seconds nan", "--seconds: must be above 0"),
        ("check MUSIC -o /proc/z.csv", "/proc: --output: cannot be written"),
        ("check MUSIC -o HERE/folder.csv", "folder.csv: --output: is a folder"),
        ("plot MUSIC -o HERE/x.png", "x.png: --out: is the name of a figure (name a folder"),
        ("plot MUSIC -o /proc", "/proc: --out: cannot be written"),
        ("plot MUSIC -o HERE/file", "file: --out: is a file, not a folder"),
        ("plot MUSIC -o OUT --sampling-rate 999999999", "--sampling-rate: must be above 0 and at most 768000"),
        ("corpus genre -o /proc --clips 1", "/proc: folder: cannot be written"),
        ("corpus genre -o HERE/file --clips 1", "file: folder: is a file, not a folder"),
        ("manifest folder MUSIC -o /proc/x.csv", "/proc: -o: cannot be written"),
        ("manifest folder MUSIC -o HERE/folder.csv", "folder.csv: -o: is a folder"),
        ("manifest cut MUSIC", "is a folder, not a manifest"),
        ("classify MUSIC --weights WEIGHTS --plot /proc/x.png", "/proc: --plot: cannot be written"),
        ("classify MUSIC --weights WEIGHTS --plot HERE/folder.png", "folder.png: --plot: is a folder"),
        ("classify MUSIC --weights HERE/folder.h5", "folder.h5: is a folder, not a file"),
        ("classify MUSIC --weights WEIGHTS --average knn --k 0", "--k: 0 neighbours are none (give 1 or more)"),
    ],
)
def test_what_a_user_can_do_wrong_is_one_line_and_2(
    here: Path, tmp_path: Path, command: str, message: str, capsys: pytest.CaptureFixture
) -> None:
    assert main(words(command, here, tmp_path)) == 2
    out, error = capsys.readouterr()
    assert out == "" and message in error and error.count("\n") == 1 and "Errno" not in error


@pytest.mark.parametrize("command", [*COMMANDS[:2], *COMMANDS[4:6]])
def test_2_where_all_clips_fail_and_1_where_some_do(here: Path, tmp_path: Path, command: str) -> None:
    music = tmp_path / "bad"
    music.mkdir()
    (music / "1.wav").write_text("no music " * 99)
    given = [str(music) if word == str(here / "music") else word for word in words(command, here, tmp_path / "out")]
    assert main(given) == 2
    write(music / "2.wav", tune(1.0, 8000), 8000)
    assert main(given) == 1


def test_a_folder_that_may_not_be_listed_has_a_cure(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def locked(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", locked)
    assert main(["check", str(here / "music")]) == 2
    error = capsys.readouterr().err
    expected = "you have no right to it (give yourself the right, or name another place)"
    assert error == f"mgc-keras check: {here / 'music'}: {expected}\n"


def test_every_output_that_a_message_can_ask_for_can_be_asked_for(
    shared_data: Path, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    weights = shared_data / "upc" / "crnn_net_gru_adam_ours_epoch_40.h5"
    command = ["features", str(here / "music"), "-o", str(tmp_path / "g.csv"), "--weights", str(weights)]
    assert main([*command, "--output", "tags"]) == 2
    assert "scores 10 genres, not 50 tags (ask it for genres, or take" in capsys.readouterr().err
    for output in {output for kind in network_kinds() for output in kind.choices["output"]}:
        assert build_parser().parse_args([*command, "--output", output]).output == output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_sub_folder_that_may_not_be_listed_is_counted_and_named(
    here: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """As a clip that cannot be read: a row, and exit code 1. A manifest, which would lack its clips for good, is not
    written."""
    locked, scandir = here / "music" / "Vol. 2", os.scandir
    locked.mkdir(exist_ok=True)

    def refuse(path: str | Path | int) -> object:
        if path in (locked, str(locked)):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    code = main(words(command, here, tmp_path))
    said = "".join(capsys.readouterr())
    locked.rmdir()
    if command.startswith("manifest"):
        assert code == 2 and said.startswith(f"mgc-keras manifest: {locked}: you have no right to it")
        assert not (tmp_path / "manifest.csv").exists()
        return
    assert code == 1
    if errors := list(tmp_path.glob("*_errors.csv")):
        said = errors[0].read_text().replace(",", " ")
        assert "\nVol. 2 Vol. 2 " in said and said.count("\n") == 2
    assert "Vol. 2" in said and "is a folder that may not be listed" in said and "the right to list it" in said


def test_commands_that_write_into_one_folder_keep_their_own_lists(here: Path, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "bad.wav").write_text("no music")
    write(tmp_path / "music" / "good.wav", tune(1.0, 8000), 8000)
    rows = "clip_id,filepath,label\na,good.wav,x\nb,bad.wav,y\n"
    (tmp_path / "music" / "songs.csv").write_text(rows)
    out = tmp_path / "out"
    lines = [line.replace("MUSIC", str(tmp_path / "music")) for line in (*COMMANDS[:2], *COMMANDS[4:6])]
    lines.append(f"manifest cut {tmp_path}/music/songs.csv -o OUT/cut.csv --seconds 0.5")
    for line in lines:
        assert main(words(line, here, out)) == 1
    lists = sorted(path.name for path in out.rglob("*errors.csv"))
    assert lists == [f"{name}_errors.csv" for name in ("cut", "m", "plot", "s", "segment")]
    assert all(path.read_text().count("\n") == 2 for path in out.rglob("*errors.csv"))
