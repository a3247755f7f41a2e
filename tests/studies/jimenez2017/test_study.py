"""The Jiménez and José 2017 study from its command line: own songs, nothing done twice, and wrong input."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken_clips import write
from study_driver import Done, study

from mgc_keras.answers.classifier import GenreOptions, SongClassifier
from mgc_keras.answers.votes import Neighbours
from mgc_keras.studies.jimenez2017.excerpts import SongExcerpts
from mgc_keras.studies.jimenez2017.network import music_tagger_crnn
from mgc_keras.studies.jimenez2017.steps import PAIRS, pairs_of

RATE = 12000
SMALL = ["--epochs", "2", "--from-layer", "head", "--jobs", "1"]
WAYS = ("centre", "mean", "geometric", "knn")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight songs of two genres by eight artists: one of two excerpts, one too short for any; and one that is text."""
    folder = tmp_path_factory.mktemp("songs")
    random, rows = np.random.default_rng(1), []
    for number in range(8):
        genre, seconds = ("noise", "tone")[number % 2], {0: 60, 3: 10}.get(number, 30)
        time = np.arange(seconds * RATE) / RATE
        sound = (
            random.standard_normal(len(time)) if genre == "noise" else np.sin(2 * np.pi * (200 + 90 * number) * time)
        )
        write(folder / f"{number}.wav", 0.1 * sound, RATE)
        rows.append((f"song{number}", f"{number}.wav", genre, f"artist{number}"))
    (folder / "text.wav").write_text("This is no music.\n" * 200)
    rows.append(("text", "text.wav", "noise", "artist9"))
    pd.DataFrame(rows, columns=["clip_id", "filepath", "label", "artist"]).to_csv(folder / "songs.csv", index=False)
    hers = [(*row[:3], "she" if row[2] == "tone" else row[3]) for row in rows[:8]]
    pd.DataFrame(hers, columns=["clip_id", "filepath", "label", "artist"]).to_csv(folder / "hers.csv", index=False)
    pd.DataFrame(rows[::2], columns=["clip_id", "filepath", "label", "artist"]).to_csv(folder / "one.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def runs(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Done]]:
    folder = tmp_path_factory.mktemp("jimenez2017")
    whole = folder / "whole"
    music_tagger_crnn().save(folder / "crnn.h5")
    given = ["--tasks", songs / "songs.csv", "--weights", folder / "crnn.h5", *SMALL]
    (folder / "text.h5").write_text("no weights")
    commands = {
        "finetune": ["finetune", *given, "--out", whole],
        "copy": ["copy", whole, folder / "before"],
        "again": ["finetune", *given, "--out", whole],
        "other options": [*given, "--epochs", "3", "--out", whole],
        "no sub-run": ["all", *given, "--out", folder / "run"],
        "no layer": [*given, "--from-layer", "conv9", "--out", folder / "layer"],
        "no epochs": [*given, "--epochs", "0", "--out", folder / "epochs"],
        "one genre": ["--tasks", songs / "one.csv", *SMALL, "--out", folder / "one"],
        "one artist": [*given, "--tasks", songs / "hers.csv", "--out", folder / "hers"],
        "text as weights": [*given, "--weights", folder / "text.h5", "--out", folder / "weights"],
        "no task": ["--tasks", "polka", *SMALL, "--out", folder / "task"],
        "help": ["--help"],
    }
    done = dict(zip(commands, study("jimenez2017", *commands.values())))
    yield folder, done
    shutil.rmtree(folder)


def test_help_teaches(runs: tuple) -> None:
    text = runs[1]["help"].out
    assert runs[1]["help"].code == 0 and "about 78 % on GTZAN" in text and "mgc-keras classify" in text


def test_songs_are_scored_in_every_way_under_both_protocols(runs: tuple) -> None:
    folder, done = runs
    # 1: one of the clips is no music.
    assert done["finetune"].code == 1, done["finetune"].err
    assert "song3: 10.0 s are shorter than an excerpt" in done["finetune"].out
    assert "1 clips could not be used" in done["finetune"].out
    scores = pd.read_csv(folder / "whole" / "scores.csv")
    cells = {(f"finetune-{way}", protocol) for way in (*WAYS, "excerpts") for protocol in ("published", "corrected")}
    assert set(zip(scores["feature"], scores["protocol"])) == cells
    assert scores["published"].isna().all()  # the study's figure is that of GTZAN
    for row in scores.itertuples():
        said = pd.read_csv(folder / "whole" / "predictions" / f"songs__{row.feature}__{row.protocol}.csv")
        assert np.isclose(row.score, (said["truth"] == said["prediction"]).mean())
        if row.protocol == "corrected":
            expected = [f"song{number}" for number in range(8)]
            tested = (
                sorted(said["clip_id"])
                if "excerpts" not in row.feature
                else sorted(set(said["clip_id"].str.split("#").str[0]))
            )
            assert tested == expected
    excerpts = pd.read_csv(folder / "whole" / "predictions" / "songs__finetune-excerpts__corrected.csv")
    assert len(excerpts) == 9 and set(excerpts["group"]) == {f"artist{number}" for number in range(8)}


def test_claim_report_and_models(runs: tuple) -> None:
    folder, done = runs
    # Three averages under two protocols.
    assert done["finetune"].out.count("Averaging over frames beats the single frame") == 6
    report = (folder / "whole" / "report.html").read_text("utf-8")
    assert "The weights of the CRNN were given" in report and "Confusion matrices" in report
    assert done["finetune"].out.splitlines()[-1] == f"report: {folder / 'whole' / 'report.html'}"
    neighbours = Neighbours.read(folder / "whole" / "songs__finetune.neighbours.npz")
    assert set(neighbours.genre) == {"noise", "tone"} and neighbours.shares.shape[1] == 2
    assert set(neighbours.song) <= {f"song{number}" for number in range(8)}
    # Classify finds the calibration beside the model, and takes it for this network's.
    calibration = SongClassifier(folder / "whole" / "songs__finetune.h5", GenreOptions(coverage=0.5)).calibration
    said = pd.read_csv(folder / "whole" / "predictions" / "songs__finetune-mean__corrected.csv")
    tested = set(said.loc[said["fold"] == 0, "clip_id"])
    assert calibration is not None and not tested & set(neighbours.song)
    assert {average: len(scores) for average, scores in calibration.scores.items()} == dict.fromkeys(
        ("mean", "geometric", "knn"), len(tested)
    )


def test_a_finished_run_is_left_as_it_is(runs: tuple) -> None:
    folder, done = runs
    assert done["again"].code == 1 and "training" not in done["again"].err
    files = [path.relative_to(folder / "before") for path in (folder / "before").rglob("*.csv")]
    assert len(files) > 15
    for name in files:
        assert (folder / "whole" / name).read_bytes() == (folder / "before" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("other options", "holds work with other settings"),
        ("no sub-run", "'all'"),
        ("no layer", "conv9"),
        ("no epochs", "--epochs"),
        ("one genre", "fewer than two classes"),
        ("one artist", "class 'tone' has one artist"),
        ("text as weights", "text.h5"),
        ("no task", "polka"),
    ],
)
def test_wrong_input_is_one_line_that_says_what_and_where(runs: tuple, command: str, message: str) -> None:
    done = runs[1][command]
    assert done.code == 2 and message in done.err
    assert "Traceback" not in done.err


def test_songs_that_cannot_be_split_are_told_before_any_work(runs: tuple) -> None:
    assert not (runs[0] / "hers").exists()


def test_songs_of_one_excerpt_tell_nothing_of_several() -> None:
    values = np.zeros((7, 1), np.float32)
    # Each song's centre excerpt, then the others.
    assert SongExcerpts(["a", "b", "c"], values, np.array([0, 2, 4, 7]), {}).n_several == 1
    assert SongExcerpts(["a", "b", "c"], values[:6], np.array([0, 2, 4, 6]), {}).n_several == 0
    assert pairs_of(several=True) == PAIRS and pairs_of(several=False) == (("finetune-mean", "extractor-mean"),)
