"""The Ouyang 2023 study from its command line: both networks, nothing done twice, new clips, and wrong input."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken_clips import cut, tune, write
from study_driver import Done, study

SMALL = [
    "--backbone-weights", "none", "--seconds", "0.5", "--image-size", "75", "75", "--channels", "2", "2",
    "--epochs", "2", "--seeds", "2", "--jobs", "1",
]  # fmt: skip
# InceptionV3 takes seconds to build and more to compile; its own tests are in tests/models. Here a network of the same
# interface stands for it, whose layers a counter names as there.
TINY_INCEPTION = """
import keras
def InceptionV3(include_top, weights, input_tensor, input_shape):
    assert not include_top and weights is None and input_tensor.shape[1:] == input_shape
    maps = keras.layers.Conv2D(8, 3, 4, use_bias=False)(input_tensor)
    maps = keras.layers.ReLU()(keras.layers.BatchNormalization(scale=False)(maps))
    return keras.Model(input_tensor, maps, name="inception_v3")
keras.applications.InceptionV3 = InceptionV3
"""


def write_manifest(folder: Path, name: str, labels: str) -> Path:
    """Write a clip for each letter of `labels`, its class, three in a row by one artist; return the manifest."""
    rows = []
    for number, label in enumerate(labels):
        clip_id = f"{label}{number:02d}"
        write(folder / f"{clip_id}.wav", tune(0.5, seed=number))
        rows.append(
            {"clip_id": clip_id, "filepath": f"{clip_id}.wav", "label": label, "artist": f"{label}{number // 3}"}
        )
    pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Done]]:
    folder = tmp_path_factory.mktemp("ouyang2023")
    whole = folder / "whole"
    two = write_manifest(folder / "two", "two", "a" * 15 + "b" * 18)
    cut(folder / "two" / "a00.wav", folder / "two" / "a01.wav")
    lonely = write_manifest(folder / "lonely", "lonely", "aaab")
    empty = write_manifest(folder / "empty", "empty", "aaabbb")
    for number in (3, 4, 5):
        (folder / "empty" / f"b{number:02d}.wav").write_text("no music " * 99)
    song, no_song = write(folder / "song.wav", tune(0.3, seed=99)), folder / "none.wav"
    inception = ["inceptionv3", "--tasks", two, *SMALL]
    commands = {
        "both": ["--tasks", two, *SMALL, "--out", whole],
        "copy": ["copy", whole, folder / "before"],
        "predict": ["cnn", "--tasks", two, *SMALL, "--out", whole, "--predict", song, no_song],
        "other options": ["cnn", "--tasks", two, *SMALL, "--patience", "3", "--out", whole],
        "one clip": ["cnn", "--tasks", lonely, *SMALL, "--out", folder / "1"],
        "empty class": ["cnn", "--tasks", empty, *SMALL, "--out", folder / "2"],
        "imagenet": [*inception, "--backbone-weights", folder / "no.h5", "--out", folder / "3"],
        "small picture": [*inception, "--image-size", "74", "75", "--out", folder / "4"],
        "no network": ["resnet34", *SMALL, "--out", folder / "5"],
        "no epochs": ["cnn", "--tasks", two, *SMALL, "--epochs", "cnn=5", "--out", folder / "6"],
        "no parts": ["cnn", "--tasks", two, *SMALL, "--parts", "8", "0", "2", "--out", folder / "7"],
        "folds": ["cnn", "--tasks", two, *SMALL, "--corrected-folds", "3", "--out", folder / "8"],
        "help": ["--help"],
    }  # fmt: skip
    done = dict(zip(commands, study("ouyang2023", *commands.values(), before=TINY_INCEPTION)))
    yield folder, done
    shutil.rmtree(folder)


def test_help_teaches(runs: tuple) -> None:
    text = runs[1]["help"].out
    assert runs[1]["help"].code == 0 and "80:9:10" in text and "--predict" in text


def test_both_networks_under_both_protocols(runs: tuple) -> None:
    folder, done = runs
    # 1: a clip that is no whole song is left out.
    assert done["both"].code == 1, done["both"].err
    scores = pd.read_csv(folder / "before" / "scores.csv")
    cells = {(network, protocol) for network in ("inceptionv3", "cnn") for protocol in ("published", "corrected")}
    assert set(zip(scores["feature"], scores["protocol"])) == cells and len(scores) == 4
    for row in scores.itertuples():
        said = pd.read_csv(folder / "before" / "predictions" / f"two__{row.feature}__{row.protocol}.csv")
        assert np.isclose(row.score, (said["truth"] == said["prediction"]).mean()) and np.isnan(row.published)
        assert sorted(set(said["fold"])) == ([0, 1] if row.protocol == "corrected" else [0])
    assert "random weights" in done["both"].out and "two genres only" in done["both"].out
    report = (folder / "before" / "report.html").read_text("utf-8")
    assert (
        "started from random weights" in report and "two has two genres only" in report and "data:image/png" in report
    )
    assert done["both"].out.splitlines()[-1] == f"report: {folder / 'whole' / 'report.html'}"


def test_faulty_clips_are_named_and_the_rest_is_balanced(runs: tuple) -> None:
    folder, done = runs
    errors = pd.read_csv(folder / "before" / "errors.csv")
    assert errors["clip_id"].tolist() == ["a00"] and errors["cause"][0].startswith("truncated")
    counts = pd.read_csv(folder / "before" / "clean" / "two__published.csv").set_index("class")
    assert counts["found"].to_dict() == {"a": 15, "b": 18} and counts["checked"].to_dict() == {"a": 14, "b": 18}
    assert (counts["balanced"] == 14).all()
    assert (counts[["training", "validation", "test"]].sum(axis=1) == 14).all()
    assert "left out: a00: truncated" in done["both"].out


def test_artists_stay_on_one_side_for_every_seed(runs: tuple) -> None:
    folder, _ = runs
    corpus = pd.read_csv(folder / "two" / "two.csv").set_index("clip_id")
    said = pd.read_csv(folder / "before" / "predictions" / "two__cnn__corrected.csv")
    assert (corpus.loc[said["clip_id"], "artist"].to_numpy() == said["group"]).all()
    for _, tested in said.groupby("fold"):
        artists = set(tested["group"])
        seen = corpus.drop(["a00", *tested["clip_id"]])
        # Whatever else of these artists there is was not drawn when the classes were balanced.
        assert len(seen[seen["artist"].isin(artists)]) <= 4 and tested["clip_id"].is_unique
    seeds = pd.read_csv(folder / "before" / "seeds.csv")
    assert seeds.groupby(["network", "protocol"]).size().to_dict() == {
        (network, protocol): n
        for network in ("cnn", "inceptionv3")
        for protocol, n in (("corrected", 2), ("published", 1))
    }


def test_the_kept_epoch_has_the_lowest_validation_loss(runs: tuple) -> None:
    folder, _ = runs
    seeds = pd.read_csv(folder / "before" / "seeds.csv")
    for row in seeds.itertuples():
        name = f"two__{row.network}__{row.protocol}__seed{row.seed}"
        curve = pd.read_csv(folder / "before" / "training" / name / "curve.csv").set_index("epoch")
        assert row.best_epoch == curve["validation_loss"].idxmin()
        assert np.isclose(row.validation_accuracy, curve.loc[row.best_epoch, "validation_accuracy"])


def test_a_finished_run_is_left_as_it_is(runs: tuple) -> None:
    folder, done = runs
    assert done["predict"].code == 1 and "training" not in done["predict"].err
    before = folder / "before"
    tables = [path.relative_to(before) for path in before.rglob("*.csv")]
    assert len(tables) > 20
    # The second command runs one network alone, with a new clip.
    for name in tables:
        if name.name not in ("new_clips.csv", "errors.csv"):
            assert (folder / "whole" / name).read_bytes() == (before / name).read_bytes(), name


def test_a_new_clip_gets_every_genres_probability(runs: tuple) -> None:
    folder, done = runs
    assert done["predict"].code == 1, done["predict"].err
    assert "song.wav, cnn trained on two: " in done["predict"].out
    table = pd.read_csv(folder / "whole" / "new_clips.csv")
    assert table["clip"].unique().tolist() == ["song.wav"] and set(table["genre"]) == {"a", "b"}
    assert np.isclose(table["probability"].sum(), 1)
    errors = pd.read_csv(folder / "whole" / "errors.csv")
    assert set(errors["clip_id"]) == {"a00", "none.wav"}
    first = pd.read_csv(folder / "before" / "new_clips.csv")
    assert not first["is_new"].any() and set(first["network"]) == {"inceptionv3", "cnn"}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("other options", "holds work with other settings"),
        ("one clip", "lonely: label: class 'b' has 1 usable clip of 1, and 3 are needed"),
        ("empty class", "empty: label: class 'b' is empty after the check"),
        ("imagenet", "no.h5"),
        ("small picture", "74 x 75 is below the 75 x 75 pixels that inceptionv3 needs"),
        ("no network", "'resnet34' is unknown"),
        ("no epochs", "--epochs: says nothing of inceptionv3"),
        ("no parts", "--parts: must be three numbers above 0"),
        ("folds", "--corrected-folds"),
    ],
)
def test_wrong_input_is_one_line_that_says_what_and_where(runs: tuple, command: str, message: str) -> None:
    done = runs[1][command]
    assert done.code == 2 and message in done.err
    assert "Traceback" not in done.err
