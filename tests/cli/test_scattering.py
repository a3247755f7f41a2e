"""``mgc-keras scattering`` as a user runs it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken_clips import tune, write

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.cli.main import main
from mgc_keras.features.sequences import read_sequences
from mgc_keras.layers.scattering import Scattering

SMALL = ("--seconds", "1.5", "--sampling-rate", "8000", "--J", "7", "--Q", "4")


def scattering(*arguments: object) -> int:
    return main(["scattering", *map(str, arguments)])


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for index in range(3):
        write(folder / f"{index}.wav", tune(1.0 + 0.5 * index, 12000, seed=index), 12000)
    return folder


def test_the_file_holds_what_the_layer_computes(tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture) -> None:
    assert scattering(clips, "-o", tmp_path / "s.npz", *SMALL) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("paths from 3 of 3 clips") and printed[-1] == str(tmp_path / "s.npz")
    layer = Scattering(J=7, Q=4, logarithm=True)
    with np.load(tmp_path / "s.npz", allow_pickle=False) as stored:
        assert stored["clip_ids"].tolist() == ["0", "1", "2"]
        for row in range(3):
            waveform = fit_waveform(read_waveform(clips / f"{row}.wav", 8000, duration=1.5), 12000)
            np.testing.assert_allclose(stored["values"][row], layer(waveform[None])[0].numpy().T, atol=2e-4)
    # Called again it has nothing to do, and says the same.
    before = (tmp_path / "s.npz").stat().st_mtime_ns
    assert scattering(clips, "-o", tmp_path / "s.npz", *SMALL) == 0
    assert capsys.readouterr().out.splitlines() == printed and (tmp_path / "s.npz").stat().st_mtime_ns == before


def test_a_clip_that_cannot_be_read_is_a_row_of_errors(tmp_path: Path, clips: Path) -> None:
    (tmp_path / "broken.wav").write_text("no audio")
    assert scattering(clips / "0.wav", tmp_path / "broken.wav", "-o", tmp_path / "s.npz", *SMALL, "--linear") == 1
    assert pd.read_csv(tmp_path / "s_errors.csv", dtype=str)["clip_id"].tolist() == ["broken"]
    sequences = read_sequences(tmp_path / "s.npz")
    assert sequences.clip_ids == ["0"] and sequences.values[:, :, 1:].min() >= -1e-6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--J", "14"), "J: filters of 16384 samples reach"),
        (("--seconds", "0"), "--seconds: must be above 0"),
        (("--jobs", "0"), "jobs: 0 makes no sense"),
        (("-o", "s.csv"), "s.csv: sequences go into an .npz file"),
    ],
)
def test_wrong_options_are_one_line(
    tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture, wrong: tuple[str, ...], message: str
) -> None:
    assert scattering(clips, "-o", tmp_path / "s.npz", *SMALL, *wrong) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error


def test_one_channel(tmp_path: Path) -> None:
    samples = tune(1.5, 8000)
    write(tmp_path / "stereo" / "clip.wav", samples, 8000)
    write(tmp_path / "right" / "clip.wav", samples[:, 1:], 8000)
    assert scattering(tmp_path / "stereo", "-o", tmp_path / "s.npz", *SMALL, "--channel", "right") == 0
    assert scattering(tmp_path / "right", "-o", tmp_path / "r.npz", *SMALL) == 0
    one, alone = (read_sequences(tmp_path / name) for name in ("s.npz", "r.npz"))
    np.testing.assert_array_equal(one.values, alone.values)
    assert one.about["channel"] == "right" and "channel" not in alone.about
