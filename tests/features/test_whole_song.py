"""Features of whole songs against the features of their windows, computed and summarised one by one."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from toy_extractor import ToyExtractor

from mgc_keras.audio.spans import SongWindows
from mgc_keras.cli.main import main
from mgc_keras.errors import OptionError
from mgc_keras.features.export import export_features
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.table import read_features
from mgc_keras.features.whole_song import WholeSong
from mgc_keras.studies.choi2017.network import convnet

RATE, LENGTH = 8000, 4000


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs of 0.3, 0.5, 1.0 and 1.7 windows and more, and one that holds nothing."""
    folder = tmp_path_factory.mktemp("songs")
    random = np.random.default_rng(0)
    for number, n_samples in enumerate((1200, LENGTH, 2 * LENGTH, 6801, 13_999)):
        loud = np.linspace(0.1, 1, n_samples)
        soundfile.write(folder / f"{number}.wav", random.uniform(-1, 1, n_samples) * loud, RATE, subtype="FLOAT")
    (folder / "empty.wav").write_bytes(b"")
    return folder


def windows_of(waveform: np.ndarray, hop: int) -> list[np.ndarray]:
    """Every whole window, by brute force, and the last LENGTH samples unless a window ends there already."""
    starts = [start for start in range(0, len(waveform), hop) if start + LENGTH <= len(waveform)]
    if len(waveform) > LENGTH and starts[-1] + LENGTH < len(waveform):
        starts.append(len(waveform) - LENGTH)
    return [waveform[start : start + LENGTH] for start in starts] or [np.pad(waveform, (0, LENGTH - len(waveform)))]


@pytest.mark.parametrize(("hop", "summary"), [(None, "mean"), (0.2, "mean,std"), (0.5, "max,min,mean")])
def test_rows_are_statistics_of_all_windows(songs: Path, tmp_path: Path, hop: float | None, summary: str) -> None:
    # The third column tells who shared a batch: which windows do is no part of a song's row.
    extractor = WholeSong(ToyExtractor(batch_size=3), hop=hop, summary=summary)
    table = read_features(export_features(songs, tmp_path / "table.csv", extractor))
    assert len(table) == 5 and json.loads((tmp_path / "table.json").read_text())["n_failed"] == 1
    for name, row in table.iterrows():
        waveform, _ = soundfile.read(songs / f"{name}.wav", dtype="float32")
        windows = [window.astype(np.float64) for window in windows_of(waveform, round((hop or 0.5) * RATE))]
        energies = np.float32([(window**2).mean() for window in windows]).astype(np.float64)
        for statistic in summary.split(","):
            column = "energy" if summary == "mean" else f"energy_{statistic}"
            assert row[column] == pytest.approx(getattr(np, statistic)(energies), rel=1e-6)
    described = json.loads((tmp_path / "table.json").read_text())["extractor"]["over_song"]
    assert described == {"window_s": 0.5, "hop_s": hop or 0.5, "summary": summary.split(",")}


def test_a_network_gives_the_mean_of_its_rows_window_by_window(songs: Path, tmp_path: Path) -> None:
    network = NetworkExtractor(convnet(normalization="population", decibel_reference="clip", seed=2), batch_size=4)
    length = network.n_samples / network.sampling_rate
    waveform = np.random.default_rng(1).normal(0, 0.1, int(2.5 * network.n_samples)).astype(np.float32)
    soundfile.write(tmp_path / "song.wav", waveform, network.sampling_rate, subtype="FLOAT")
    rows = read_features(export_features(tmp_path / "song.wav", tmp_path / "rows.csv", network, window=length))
    last = network(waveform[None, -network.n_samples :])[0]
    expected = np.mean([*rows.drop(columns=["start_s", "end_s"]).to_numpy(), last], axis=0)
    song = read_features(export_features(tmp_path / "song.wav", tmp_path / "song.csv", WholeSong(network)))
    np.testing.assert_allclose(song.to_numpy()[0], expected, rtol=1e-6, atol=1e-6)
    again = pickle.loads(pickle.dumps(WholeSong(network)))
    np.testing.assert_array_equal(again(waveform[None, : network.n_samples]), network(waveform[None, :348_000]))


def test_the_command_has_a_set_of_that_name(songs: Path, tmp_path: Path) -> None:
    model = convnet(normalization="population", decibel_reference="clip", seed=2)
    model.save(tmp_path / "model.keras")
    ways = {"song": ["--features", "song"], "convnet": ["--over", "song", "--summary", "mean"]}
    for name, words in ways.items():
        out = ["-o", str(tmp_path / f"{name}.csv"), "--weights", str(tmp_path / "model.keras")]
        assert main(["features", str(songs), *words, *out]) == 1  # the empty one
    assert (tmp_path / "song.csv").read_bytes() == (tmp_path / "convnet.csv").read_bytes()
    assert main(["features", str(songs), "-o", str(tmp_path / "mfcc.csv"), "--over", "song", "--hop", "10"]) == 1
    short = [str(number) for number in range(5)]
    start = read_features(export_features(songs, tmp_path / "start.csv", MfccExtractor()))
    # Songs of less than a window have one: it is the song.
    pd.testing.assert_frame_equal(read_features(tmp_path / "mfcc.csv").loc[short], start.loc[short])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"summary": "mean,median"}, "--summary: 'median' is unknown (choose from mean, std, min, max)"),
        ({"summary": "mean,mean"}, "--summary: 'mean' is named twice"),
        ({"hop": 0.6}, "--hop: 0.6 s is more than a window, of 0.5 s: parts of a song would be left out"),
        ({"hop": 0.0}, "--hop: 0.0 s makes no sense"),
        ({"hop": 0.001}, "hop: 0.001 s from one start to the next"),
    ],
)
def test_options_that_make_no_sense(options: dict, words: str) -> None:
    with pytest.raises(OptionError) as error:
        WholeSong(ToyExtractor(), **options)
    assert words in str(error.value)


def test_what_is_whole_already_or_a_row_a_window_is_refused(songs: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--over: toy takes songs whole as it is"):
        WholeSong(ToyExtractor(n_samples=None))
    with pytest.raises(OptionError, match="window: windows are rows of their own"):
        export_features(songs, tmp_path / "table.csv", WholeSong(ToyExtractor()), window=0.5)


def test_the_last_window_ends_with_the_song() -> None:
    for n_samples in range(1, 60):
        for hop in range(1, 11):
            spans = list(SongWindows(10.0, float(hop)).bounds(n_samples, 1))
            heard = {sample for start, end in spans for sample in range(start, end)}
            assert heard == set(range(n_samples)) and len(set(spans)) == len(spans)
