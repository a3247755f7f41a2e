"""The command `mgc-keras manifest`, from its arguments to files, messages and exit codes."""

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from broken_clips import write

from mgc_keras.cli import manifest as command
from mgc_keras.datasets.cards import card_names
from mgc_keras.datasets.manifest import read_manifest
from mgc_keras.terminal import guarded


def _run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    arguments = parser.parse_args([str(word) for word in words])
    return guarded(lambda: command.run(arguments), "mgc-keras manifest")


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _gtzan(folder: Path, without: str = "") -> None:
    ids = [
        f"{g}.{n:05d}"
        for g in "blues classical country disco hiphop jazz metal pop reggae rock".split()
        for n in range(100)
    ]
    _touch(*(folder / clip_id.split(".")[0] / f"{clip_id}.wav" for clip_id in ids if clip_id != without))


def test_list_names_every_card(capsys: pytest.CaptureFixture) -> None:
    assert _run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == card_names()


def test_list_prints_one_card(capsys: pytest.CaptureFixture) -> None:
    assert _run("list", "urbansound8k") == 0
    assert "CC BY-NC" in capsys.readouterr().out


def test_complete_dataset_is_written_beside_its_clips(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    _gtzan(tmp_path)
    assert _run("gtzan_genre", tmp_path) == 0
    written = tmp_path / "gtzan_genre.csv"
    assert capsys.readouterr().out.splitlines()[-1] == str(written)
    manifest = read_manifest(written)
    assert len(manifest) == 1000
    assert all(path.exists() for path in manifest.filepaths)


def test_missing_clip_is_named_and_nothing_written(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    _gtzan(tmp_path / "data", without="jazz.00054")
    output = tmp_path / "out" / "gtzan_genre.csv"
    assert _run("gtzan_genre", tmp_path / "data", "-o", output) == 1
    message = capsys.readouterr().err
    assert "class jazz: expected 100, found 99" in message
    assert "jazz.00054" in message
    assert "--allow-incomplete" in message
    assert not output.exists()
    assert _run("gtzan_genre", tmp_path / "data", "-o", output, "--allow-incomplete") == 0
    assert str(tmp_path / "data") in capsys.readouterr().out
    assert len(read_manifest(output, data_home=tmp_path / "data")) == 999


def test_own_folder(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    _touch(tmp_path / "jazz" / "a.wav", tmp_path / "jazz" / "._a.wav", tmp_path / "rock" / "b.mp3")
    assert _run("folder", tmp_path) == 0
    assert "2 clips: jazz 1, rock 1" in capsys.readouterr().out
    assert read_manifest(tmp_path / "manifest.csv").clip_ids == ["jazz/a", "rock/b"]


def _songs(folder: Path) -> Path:
    for name, seconds in (("jazz/a.wav", 7), ("rock/b.wav", 2)):
        write(folder / name, 0.01 * np.arange(100 * seconds) % 0.5, 100)
    (folder / "rock" / "broken.mp3").write_bytes(b"no sound")
    assert _run("folder", folder, "-o", folder / "songs.csv") == 0
    return folder / "songs.csv"


def test_cutting_a_manifest(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    songs = _songs(tmp_path)
    assert _run("cut", songs, "--seconds", "3", "--remainder", "fit", "--sampling-rate", "50") == 1
    said = capsys.readouterr()
    written = tmp_path / "songs_3s" / "songs_3s.csv"
    assert said.out.splitlines()[-2:] == ["4 segments of 2 clips", str(written)]
    assert "1 of 3 clips could not be cut" in said.err and str(written.with_name("songs_3s_errors.csv")) in said.err
    manifest = read_manifest(written)
    assert manifest.clip_ids == ["jazz/a_0", "jazz/a_1", "jazz/a_2", "rock/b_0"]
    assert manifest.table["label"].tolist() == ["jazz", "jazz", "jazz", "rock"]
    assert {(soundfile.info(path).frames, soundfile.info(path).samplerate) for path in manifest.filepaths} == {
        (150, 50)
    }
    assert pd.read_csv(written.with_name("songs_3s_errors.csv"))["clip_id"].tolist() == ["rock/broken"]
    # Again it is the same, and other lengths go elsewhere or are refused.
    assert _run("cut", songs, "--seconds", "3", "--remainder", "fit", "--sampling-rate", "50") == 1
    assert _run("cut", songs, "--seconds", "2", "-o", tmp_path / "two" / "two.csv") == 1
    assert len(read_manifest(tmp_path / "two" / "two.csv")) == 4
    capsys.readouterr()
    assert _run("cut", songs, "--seconds", "2", "-o", tmp_path / "songs_3s" / "two.csv") == 2
    assert _run("cut", songs, "-o", songs) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2 and "other settings" in errors[0] and "clips' own manifest" in errors[1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["cut"], "MANIFEST: the manifest is missing"),
        (["cut", "/not_there.csv"], "/not_there.csv: "),
        (["cut", "songs.csv", "--seconds", "-3"], "seconds: -3.0 s makes no sense"),
        (["cut", "songs.csv", "--sampling-rate", "0"], "--sampling-rate: must be above 0"),
        (["folder", ".", "--hop", "3"], "--hop: is an option of `cut` alone"),
        (["gtzan_genre"], "DIR: the folder is missing"),
        (["nonsense", "."], "dataset: 'nonsense' is unknown"),
        (["list", "gtzan"], "mgc-keras manifest: 'gtzan': there is no such dataset (known datasets: artists1517, "),
        (["gtzan_genre", "/does/not/exist"], "there is no such folder"),
        (["folder", "/does/not/exist"], "there is no such folder"),
    ],
)
def test_bad_input_is_one_line(words: list[str], expected: str, capsys: pytest.CaptureFixture) -> None:
    assert _run(*words) == 2
    message = capsys.readouterr().err
    assert expected in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("name", [b"pop/\xff.wav", b"p\xffp/a.wav"])
def test_names_that_are_no_utf8_are_one_line(tmp_path: Path, name: bytes, capsys: pytest.CaptureFixture) -> None:
    _touch(tmp_path / "rock" / "b.wav", tmp_path / os.fsdecode(name))
    assert _run("folder", tmp_path, "-o", tmp_path / "m.csv") == 2
    error = capsys.readouterr().err
    shown = name.decode("utf-8", "backslashreplace")
    assert error.count("\n") == 1 and shown in error and error.endswith("(rename the file or its folder)\n")
    assert not (tmp_path / "m.csv").exists()
