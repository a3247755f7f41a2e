"""Clips that can be read but look damaged: every command says so at its end, and tables keep it beside them."""

import csv
import io
import json
import struct
from pathlib import Path

import keras
import numpy as np
import pytest
from broken_clips import cut, tune, write

from mgc_keras.audio.check import check_folder
from mgc_keras.audio.files import read_waveform
from mgc_keras.cli.main import main
from mgc_keras.features.export import export_features
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.work import Journal

REMARKS = {
    "constant.wav": "is constant (DC offset)",
    "half.wav": "holds 50.0 % of the audio its header promises",
    "noise.wav": "its header says blocks of 2 bytes, its channels and bits make 1",
    "silence.wav": "is below -80 dB throughout",
    "third.mp3": "holds 3",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    whole = write(folder / "good.wav", tune(2.0, channels=1))
    write(folder / "good.mp3", tune(4.0))
    cut(folder / "third.mp3", folder / "good.mp3", 1 / 3)
    cut(folder / "half.wav", whole, 0.5)
    write(folder / "silence.wav", np.zeros((8000, 1)))
    write(folder / "constant.wav", np.full((8000, 1), 0.5))
    content = bytearray(whole.read_bytes())
    struct.pack_into("<H", content, content.index(b"fmt ") + 22, 8)
    (folder / "noise.wav").write_bytes(content)
    return folder


def check(found: dict[str, str]) -> None:
    assert sorted(found) == sorted(REMARKS)
    assert all(found[name].startswith(words) for name, words in REMARKS.items()), found


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main([*map(str, arguments)])
    return code, *capsys.readouterr()


def test_commands_say_so_and_tables_keep_it(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    # The check, which decodes everything, names the same clips.
    assert {finding.clip for finding in check_folder(folder).findings if finding.kind != "duplicate"} == set(REMARKS)
    first = "constant.wav is constant (DC offset); half.wav holds 50.0 % of the audio its header promises; "
    said = f"5 of 7 clips were read but look damaged: {first}"
    scattering = ("scattering", folder, "-o", tmp_path / "s.npz", "--seconds", 3, "--sampling-rate", 4000, "--J", 6)
    for command in (("features", folder, "-o", tmp_path / "x.csv"), scattering):
        for _ in range(2):  # of finished work, too
            code, _, error = run(capsys, *command)
            assert code == 0 and said in error and "(mgc-keras check says what)" in error
        check(json.loads(command[3].with_suffix(".json").read_text())["remarks"])
    whole = [folder / name for name in ("good.wav", "good.mp3")]
    assert "damaged" not in run(capsys, "features", *whole, "-o", tmp_path / "y.csv")[2]
    assert json.loads((tmp_path / "y.json").read_text())["remarks"] == {}
    windows = ("--window", 0.5)
    assert "5 of 7 clips" in run(capsys, "features", folder, "-o", tmp_path / "w.csv", *windows)[2]


def test_segment(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    options = ("-o", tmp_path, "--no-plots", "--window-seconds", 0.2, "--order", 5)
    for _ in range(2):
        code, _, error = run(capsys, "segment", folder / "half.wav", folder / "good.wav", *options)
        assert code == 0 and f"1 of 2 clips were read but look damaged: {folder / 'half.wav'} holds 50.0 %" in error


def test_a_killed_run_keeps_remarks(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Journal.append

    def append_and_stop(self: Journal, entries: list) -> None:
        append(self, entries)
        if len(self) == 4:
            raise KeyboardInterrupt

    extractor = MfccExtractor(batch_size=2)
    whole = export_features(folder, tmp_path / "whole" / "x.csv", extractor).with_suffix(".json").read_bytes()
    monkeypatch.setattr(Journal, "append", append_and_stop)
    with pytest.raises(KeyboardInterrupt):
        export_features(folder, tmp_path / "killed" / "x.csv", extractor)
    monkeypatch.undo()
    killed = export_features(folder, tmp_path / "killed" / "x.csv", extractor).with_suffix(".json")
    assert killed.read_bytes() == whole
    check(json.loads(whole)["remarks"])


def test_what_is_not_read_is_not_judged(tmp_path: Path) -> None:
    # Silence before the music.
    samples = np.concatenate([np.zeros((8000, 1)), tune(1.0, 8000, channels=1)])
    path, remarks = write(tmp_path / "late.wav", samples, 8000), list[str]()
    read_waveform(path, 8000, remarks=remarks)
    assert remarks == []
    read_waveform(path, 8000, duration=0.5, remarks=remarks)
    assert remarks == ["is below -80 dB throughout"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two genres for a tenth of a second at 12 kHz."""
    inputs = keras.Input((1200,))
    path = tmp_path_factory.mktemp("model") / "model.keras"
    keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="genres")(inputs)).save(path)
    return path


def test_songs_of_nothing_have_no_genre(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    songs = tmp_path / "songs"
    write(songs / "good.wav", tune(0.5, 12000, channels=1), 12000)
    write(songs / "constant.wav", np.full((3000, 1), 0.5), 12000)
    write(songs / "silent.wav", np.full((3000, 1), 2 / 32768), 12000)
    write(songs / "antiphase.wav", tune(0.5, 12000, channels=1) * np.float32([[1, -1]]), 12000)
    write(songs / "one.wav", np.ones((1, 1)), 12000)
    for name, n_samples in (("short", 119), ("long", 120)):
        write(songs / f"{name}.wav", tune(1.0, 12000, channels=1)[:n_samples], 12000)
    cut(songs / "half.wav", songs / "good.wav", 0.5)
    code, out, error = run(capsys, "classify", songs, "--weights", model, "--json")
    entries = {entry["clip_id"]: entry for entry in json.loads(out)}
    silent = "is below -80 dB throughout"
    cancels = f"has channels that cancel out: their mean {silent}"
    assert code == 1 and {name: entry.get("error") for name, entry in entries.items()} == {
        "antiphase": cancels, "constant": "is constant (DC offset)", "good": None, "half": None, "long": None,
        "one": "is constant (DC offset)", "short": "0.00992 s are less than a tenth of an excerpt of 0.1 s",
        "silent": silent,
    }  # fmt: skip
    assert all(entry["cure"] for entry in entries.values() if "error" in entry)
    assert "5 of 8 songs have no scores" in error and "half.wav holds 49." in error
    code, out, _ = run(capsys, "classify", songs / "silent.wav", songs / "good.wav", "--weights", model, "--csv")
    assert code == 1 and out.splitlines()[1].startswith(
        f'silent,{songs / "silent.wav"},"failed: {silent} (listen to it; '
    )
    header, *rows = csv.reader(io.StringIO(out))
    assert all(len(row) == len(header) for row in rows)
    code, out, error = run(capsys, "classify", songs / "silent.wav", songs / "antiphase.wav", "--weights", model)
    lines = [f"{songs / 'silent.wav'}: not music: {silent}", f"{songs / 'antiphase.wav'}: no answer: {cancels}"]
    assert code == 2 and out.splitlines() == lines
    assert "--channel left" in error
