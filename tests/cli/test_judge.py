"""``mgc-keras judge`` as a user runs it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.cli.judge import CLASSIFIERS
from mgc_keras.cli.main import main
from mgc_keras.judging import classifiers

QUICK = ("--folds", "3", "--classifier", "knn")


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Features of 36 clips by 12 artists, and their manifest."""
    monkeypatch.chdir(tmp_path)
    labels = np.repeat(["jazz", "rock"], 18)
    values = np.random.default_rng(0).normal(size=(36, 12)) + 3 * (labels == "rock")[:, None]
    ids = [f"=c{row}" for row in range(36)]
    pd.DataFrame({"clip_id": ids, **{f"f{n}": column for n, column in enumerate(values.T)}}).to_csv(
        "mine.csv", index=False
    )
    artists = [f"artist {row // 3}" for row in range(36)]
    manifest = {"clip_id": ids, "filepath": [f"{name}.wav" for name in ids], "label": labels, "artist": artists}
    pd.DataFrame(manifest).to_csv("music.csv", index=False)
    return tmp_path


def test_the_classifiers_of_the_command_are_those_that_judge() -> None:
    assert CLASSIFIERS == tuple(classifiers.CLASSIFIERS)


def test_a_judgement(tables: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["judge", "mine.csv", "--labels", "music.csv", "--against", "mine.csv", "-o", "out", *QUICK]
    assert main(words) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    stem = "mine_against_mine_judge"
    names = (f"{stem}_leaks.csv", f"{stem}_predictions.csv", f"{stem}.json", f"{stem}.html")
    assert lines[-4:] == [f"out/{name}" for name in names]
    quoted = next(line for line in lines if line.endswith("<- quote this"))
    assert quoted.startswith("folds that keep the clips of each artist together") and "CLAIM: Accuracy " in printed
    page = Path(f"out/{stem}.html").read_text("utf-8")
    for says in ("What may be claimed", "k nearest neighbours", "Against the other table", "--seed 0", "Do not claim"):
        assert says in page
    found = json.loads(Path(f"out/{stem}.json").read_text("utf-8"))
    for path, digest in found["judged"]["sha256"].items():
        assert digest == hashlib.sha256(Path(path).read_bytes()).hexdigest() and digest in page
    assert set(found["judged"]["sha256"]) == {"mine.csv", "music.csv"} and found["versions"]["processor"] in page
    table = pd.read_csv(f"out/{stem}_predictions.csv")
    for score in found["scores"]:
        rows = table[table["protocol"] == score["protocol"]]
        assert (rows["truth"] == rows["prediction"]).mean() == score["accuracy"] and len(rows) == 36
    assert found["quote"]["protocol"] == "artist" and found["differences"][0]["low"] is None
    # The same run gives the same numbers, and the comparison stays where it is.
    kept = {path: path.read_bytes() for path in Path("out").iterdir()}
    assert main([*words[:4], "-o", "out", *QUICK, "--json", "--escape-formulas"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["scores"] == found["scores"] and not again["differences"]
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert pd.read_csv("out/mine_judge_predictions.csv")["clip_id"].str.startswith("'=c").all()


def test_rows_without_a_clip_end_in_1(tables: Path, capsys: pytest.CaptureFixture) -> None:
    manifest = pd.read_csv("music.csv")
    manifest.iloc[:-2].to_csv("fewer.csv", index=False)
    assert main(["judge", "mine.csv", "--labels", "fewer.csv", *QUICK]) == 1
    assert "2 rows are no clips of fewer.csv and are left out: =c34, =c35." in capsys.readouterr().err


def test_predictions(tables: Path, capsys: pytest.CaptureFixture) -> None:
    labels = pd.read_csv("music.csv")[["clip_id", "label"]].rename(columns={"label": "genre"})
    labels.to_csv("guesses.csv", index=False)
    assert main(["judge", "guesses.csv", "--predictions", "--labels", "music.csv", "--report", "a/b.html"]) == 0
    printed = capsys.readouterr().out
    assert "all clips  1.000 [" in printed and printed.splitlines()[-1] == "a/b.html"
    assert "Predictions show no leaks" in Path("a/b.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("there", "words", "message"),
    [
        ({"mine_judge.html": "<!DOCTYPE html><title>my diary"}, (), "--out: is there already and is no report"),
        ({"mine_judge.json": "{}"}, (), "--out: is there already and is no record"),
        ({"x_leaks.csv": "my,leaks\n"}, ("--report", "x.html"), "--report: is there already and is no list"),
        ({}, ("--report", "x.csv"), "x.csv: --report: is no name of a page (end it in .html)"),
        ({}, ("--report", "x.html", "-o", "out"), "--report: names the page and its folder (leave --out away)"),
        ({}, ("--folds", "1"), "--folds: 1 folds cannot part training from test (give 2 or more)"),
        ({}, ("--repeats", "0"), "--repeats: 0 repeats give no score (give 1 or more)"),
        ({}, ("--jobs", "0"), "--jobs: 0 jobs cannot work (use 1 or more)"),
        ({}, ("--drop", "f99"), "--drop: mine.csv has no column 'f99' (see its first line)"),
        ({}, ("--labels", "mood"), "--labels: 'mood' is no file, no column of mine.csv and no dataset"),
        (
            {"o.csv": "clip_id,f\nz,1\n"},
            ("--against", "o.csv"),
            "o.csv: clip_id: holds none of the first table's clips",
        ),
    ],
)
def test_wrong_use(
    tables: Path, capsys: pytest.CaptureFixture, there: dict[str, str], words: tuple[str, ...], message: str
) -> None:
    for name, text in there.items():
        Path(name).write_text(text)
    before = {path: path.read_bytes() for path in tables.rglob("*") if path.is_file()}
    assert main(["judge", "mine.csv", "--labels", "music.csv", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert {path: path.read_bytes() for path in tables.rglob("*") if path.is_file()} == before
