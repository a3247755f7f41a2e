"""``mgc-keras similar`` against brute force, and what is asked of it by mistake."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.spatial.distance
from toy_extractor import ToyExtractor, write_clips

from mgc_keras.cli.main import main
from mgc_keras.features.export import export_features
from mgc_keras.features.neighbours import nearest_clips, row_per_clip
from mgc_keras.features.table import read_features, read_filepaths


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_clips(tmp_path / "music" / "rock", 6)
    write_clips(tmp_path / "music" / "jazz", 2)
    monkeypatch.chdir(tmp_path)
    export_features("music", "toy.csv", ToyExtractor())
    return tmp_path


def test_neighbours_are_those_of_brute_force() -> None:
    random = np.random.default_rng(0)
    values = random.normal(0, [1, 10, 0.1, 0], (40, 4)) + 5
    values[7] = values[3]
    table = pd.DataFrame(values, index=[f"c{number}" for number in range(40)])
    moving = values[:, :3]
    scaled = (moving - moving.mean(0)) / moving.std(0)
    distances = scipy.spatial.distance.squareform(scipy.spatial.distance.pdist(scaled)) / np.sqrt(3)
    np.fill_diagonal(distances, np.inf)
    for place, near in enumerate(nearest_clips(table, list(table.index), 39)):
        order = np.argsort(distances[place], kind="stable")[:39]
        assert [clip for clip, _ in near] == [f"c{other}" for other in order]
        np.testing.assert_allclose([far for _, far in near], distances[place][order], atol=1e-12)
    assert next(nearest_clips(table, ["c3"], 1)) == [("c7", 0.0)]


def test_windows_count_with_their_mean(music: Path) -> None:
    export_features("music", "windows.csv", ToyExtractor(), window=0.1, hop=0.05)
    rows = row_per_clip(read_features("windows.csv"))
    for clip, windows in read_features("windows.csv").groupby(level=0):
        np.testing.assert_allclose(rows.loc[clip], windows[["peak", "energy", "batch_energy"]].mean(), rtol=1e-6)
    assert list(rows.index) == list(read_filepaths("windows.csv"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_songs_are_named_by_id_path_or_file(music: Path, suffix: str, capsys: pytest.CaptureFixture) -> None:
    export_features("music", f"{suffix}_table.{suffix}", ToyExtractor())
    printed = set()
    for name in ("rock/clip004", "rock/clip004.wav", "music/rock/clip004.wav", "clip004.wav"):
        assert main(["similar", f"{suffix}_table.{suffix}", name, "--top", "3", "--csv"]) == 0
        printed.add(capsys.readouterr().out)
    (text,) = printed
    found = pd.read_csv(io.StringIO(text))
    assert found["song"].unique().tolist() == ["rock/clip004"] and found["rank"].tolist() == [1, 2, 3]
    assert found["filepath"].tolist() == [f"{clip}.wav" for clip in found["clip_id"]]
    assert found["distance"].is_monotonic_increasing


def test_a_folder_tells_songs_of_one_name_apart(music: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("jazz/clip000.wav", "music/jazz/clip000.wav", "/data/music/jazz/clip000", "./jazz/clip000.flac"):
        assert main(["similar", "toy.csv", name]) == 0
        assert capsys.readouterr().out.startswith("jazz/clip000.wav\n")


def test_a_playlist_for_players(music: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["similar", "toy.csv", "rock/clip004", "clip003", "--top", "2", "--playlist", "near.m3u8"]
    assert main(command) == 0
    assert "give --data-home" in capsys.readouterr().err
    assert main([*command, "--data-home", "music"]) == 0
    done = capsys.readouterr()
    assert done.err == "" and done.out.splitlines()[-1] == "near.m3u8"
    first, *paths = Path("near.m3u8").read_text("utf-8").splitlines()
    assert first == "#EXTM3U" and paths[0] == str(music / "music" / "rock" / "clip004.wav")
    assert all(Path(path).is_file() for path in paths) and len(set(paths)) == len(paths)
    Path("mine.m3u8").write_text("my own list")
    assert main([*command[:-1], "mine.m3u8"]) == 2 and Path("mine.m3u8").read_text() == "my own list"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["toy.csv", "clip000.wav"], "clip000.wav: may be jazz/clip000 or rock/clip000 (give one of these)"),
        (
            ["toy.csv", "rock/clip04"],
            "no clip of the table is called so (give a clip_id of the table, such as rock/clip0",
        ),
        (["toy.csv", ""], "no clip of the table is called so"),
        (["toy.csv", "clip004", "--top", "0"], "--top: 0 clips make no list"),
        (["none.csv", "clip004"], "none.csv: there is no such file"),
        (["toy.json", "clip004"], "toy.json: is no feature table"),
        (["toy.csv", "clip004", "--playlist", "near.txt"], "--playlist: is no .m3u8"),
        (["one.csv", "clip000"], "1 clips and 0 columns that differ between them give no neighbours"),
    ],
)
def test_what_makes_no_sense(music: Path, words: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    export_features(["music/jazz/clip000.wav"], "one.csv", ToyExtractor())
    assert main(["similar", *words]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
