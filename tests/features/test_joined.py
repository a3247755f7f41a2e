"""Joined feature sets: every number is that of the set by itself."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken_clips import write_unusable
from toy_extractor import ToyExtractor, write_clips

from mgc_keras.cli.main import main
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.features.export import export_features
from mgc_keras.features.joined import JoinedFeatures
from mgc_keras.features.table import read_features
from mgc_keras.features.whole_song import WholeSong


class Coarse(ToyExtractor):
    """Another set, at another rate, whose batches are of another size."""

    name, columns, sampling_rate, dtype = "coarse", ("level", "power", "batch_power"), 4000, "float64"


def sets() -> list:
    return [ToyExtractor(batch_size=2), WholeSong(Coarse(batch_size=3, n_samples=1000))]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    write_unusable(folder / "bad")
    clips = write_clips(folder, 11)
    bad = [path for path in sorted((folder / "bad").iterdir()) if path.is_file()]
    return [*clips[:4], *bad, *clips[4:]]


def test_each_set_computes_its_own_batches_at_its_own_rate(tmp_path: Path, clips: list[Path]) -> None:
    alone = [read_features(export_features(clips, tmp_path / f"{one.name}.csv", one)) for one in sets()]
    both = JoinedFeatures(sets())
    joined = read_features(export_features(clips, tmp_path / "both.csv", both))
    assert joined.columns.tolist() == [*ToyExtractor.columns, *Coarse.columns] and len(joined) == 11
    # A clip whose end is missing is heard at its start alone.
    assert joined.index.tolist() == [name for name in alone[0].index if name in alone[1].index]
    for table in alone:
        found = joined[table.columns].astype(table.dtypes)
        assert np.array_equal(found.to_numpy(), table.loc[joined.index].to_numpy())
    assert (tmp_path / "both_errors.csv").read_bytes() == (tmp_path / "coarse_errors.csv").read_bytes()
    about = json.loads((tmp_path / "both.json").read_text())
    assert about["extractor"]["parts"] == {one.name: one.describe() for one in sets()}


def test_a_clip_that_one_set_cannot_use_has_no_row(tmp_path: Path) -> None:
    class Picky(Coarse):
        def __call__(self, waveforms):
            rows = super().__call__(waveforms)
            rows[rows[:, 0] == rows[:, 0].max()] = np.nan
            return rows

    clips = write_clips(tmp_path, 6)
    joined = read_features(
        export_features(clips, tmp_path / "x.csv", JoinedFeatures([ToyExtractor(), Picky(batch_size=6)]))
    )
    assert joined.index.tolist() == [path.stem for path in clips[:5]]
    assert "not finite" in (tmp_path / "x_errors.csv").read_text()


def test_a_stopped_join_goes_on_to_the_same_bytes(tmp_path: Path, clips: list[Path]) -> None:
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    export_features(clips, here, JoinedFeatures(sets()))
    stopped = sets()
    # Later than the first batch of the join.
    stopped[0].stop_after = 5
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, there, JoinedFeatures(stopped))
    assert there.with_name("there.csv.partial").exists()
    rest = sets()
    export_features(clips, there, JoinedFeatures(rest))
    assert there.read_bytes() == here.read_bytes() and sum(rest[0].sizes) < 11


def test_columns_of_one_name_bear_their_sets(tmp_path: Path) -> None:
    song = WholeSong(ToyExtractor(n_samples=2000))
    song.name = "song"
    joined = JoinedFeatures([ToyExtractor(), song])
    assert joined.columns == tuple(f"{name}_{column}" for name in ("toy", "song") for column in ToyExtractor.columns)
    clips = write_clips(tmp_path, 3)
    with pytest.raises(OptionError, match="joined sets are one row a clip"):
        export_features(clips, tmp_path / "x.csv", joined, window=0.1)


@pytest.mark.parametrize(
    "parts", [[ToyExtractor()], [ToyExtractor(), ToyExtractor()], [ToyExtractor(), Coarse(batch_order="shuffled")]]
)
def test_what_cannot_be_joined_is_refused(parts: list) -> None:
    with pytest.raises(MgcKerasError, match="--features"):
        JoinedFeatures(parts)


def test_the_command_and_its_parts_on_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("distributed", reason="needs the extra [cluster]")
    write_clips(tmp_path / "music", 5, rate=12000)

    def features(out: Path, *words: str) -> pd.DataFrame:
        assert main(["features", str(tmp_path / "music"), "-o", str(out), *words]) == 0
        return read_features(out) if out.exists() else pd.DataFrame()

    both = features(tmp_path / "both.csv", "--features", "mfcc+random", "--seed", "3", "--batch-size", "2")
    for name, words in (("mfcc", ()), ("random", ("--seed", "3"))):
        alone = features(tmp_path / f"{name}.csv", "--features", name, *words, "--batch-size", "2")
        assert np.array_equal(both[alone.columns].astype(alone.dtypes).to_numpy(), alone.to_numpy())
    for number in (1, 2):
        words = ("--features", "mfcc+random", "--seed", "3", "--batch-size", "2", "--part", f"{number}/2")
        features(tmp_path / "parts.csv", *words, *(("--cluster", "local:2") if number == 2 else ()))
    assert main(["merge", str(tmp_path / "parts.csv")]) == 0
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "both.csv").read_bytes()
    assert "mfcc+random: 5 rows of 280 features" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--features", "mfcc+polka"], "'polka' is unknown (choose one of mfcc, convnet"),
        (["--features", "song+mfcc"], "--features song needs weights"),
        (["--features", "mfcc+random", "--fit", "crop", "--weights", "x.h5"], "mfcc+random has no such option"),
        (["--features", "song+musicnn", "--weights", "x.h5"], "song and musicnn take weights"),
        (["--features", "song+musicnn", "--weights", "song=x.h5", "--weights", "song=y.h5"], "song and musicnn"),
        (["--features", "song+convnet", "--weights", "song=x.h5", "--weights", "convnet=x.h5", "--calibrate-on", "."],
         "song and convnet would share it"),
        (["--features", "convnet", "--weights", "x.h5", "--weights", "y.h5"], "is given twice"),
        (["--features", "random+random"], "joins no two different sets"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_one_line(
    tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture
) -> None:
    write_clips(tmp_path / "music", 1)
    assert main(["features", str(tmp_path / "music"), "-o", str(tmp_path / "x.csv"), *words]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1
