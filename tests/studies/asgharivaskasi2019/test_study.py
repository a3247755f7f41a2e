"""The Asgharivaskasi 2019 study from its command line: every sub-run, nothing done twice, own clips, wrong input."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from study_driver import Done, study

SMALL = [
    "--clips", "40", "--songs", "30", "--song-seconds", "4", "--seconds", "2", "--units", "4", "--epochs", "2",
    "--jobs", "1",
]  # fmt: skip
# From VGG16's last convolution on, on few clips.
FINE = [
    "vgg16",
    *SMALL,
    "--protocol",
    "published",
    "--trainable-from",
    "block5_conv3",
    "--learning-rate",
    "1e-4",
    "--clips",
    "20",
]
SEEDS = [*SMALL, "--seeds", "2", "--protocol", "corrected", "--find-rate", "--policy", "triangular2"]
BASELINES = ("svm", "softmax", "tree", "naive_bayes", "knn")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Done]]:
    folder = tmp_path_factory.mktemp("asgharivaskasi2019")
    whole = folder / "whole"
    # Clips that are there need not be rendered again.
    rendered, songs = (["--tasks", whole / "corpus" / name / f"{name}.csv"] for name in ("genre", "songs"))
    commands = {
        "all": [*SMALL, "--out", whole],
        "copy": ["copy", whole, folder / "before"],
        "again": ["baselines", "vgg16", "rnn", *SMALL, "--out", whole],
        "other options": ["rnn", *SMALL, "--units", "5", "--out", whole],
        "one": ["rnn", *SEEDS, *rendered, "--out", folder / "seeds"],
        "seeds": ["skip-rnn", *SEEDS, *rendered, "--out", folder / "seeds"],
        "own clips": ["resnet34", *SMALL, "--backbone-weights", "none", "--protocol", "published", *rendered,
                      "--out", folder / "own"],
        "fine-tuned": [*FINE, "--out", folder / "fine"],
        "stopped": ["stop after", "mgc_keras.training.loop.save_checkpoint", *FINE, "--out", folder / "stopped"],
        "resumed": [*FINE, "--out", folder / "stopped"],
        "audio": ["rnn", *SMALL, "--recurrent-input", "audio", "--audio-rate", "200", "--segment", "largest-cluster",
                  "--protocol", "published", *songs, "--out", folder / "audio"],
        "pieces": ["baselines", *SMALL, "--segment", "3s", "--seconds", "6", "--protocol", "published", *rendered,
                   "--out", folder / "pieces"],
        "no layer": ["vgg16", "resnet34", *SMALL, "--trainable-from", "block5_conv1", "--out", folder / "layer"],
        "short audio": ["rnn", *SMALL, "--recurrent-input", "audio", "--segment", "3s", "--out", folder / "short"],
        "imagenet": ["resnet34", *SMALL, "--backbone-weights", "imagenet", "--out", folder / "imagenet"],
        "no file": ["vgg16", *SMALL, "--backbone-weights", folder / "none.h5", "--out", folder / "file"],
        "no backbone": ["vgg16", *SMALL, "--backbone-weights", "resnet34=none", "--out", folder / "backbone"],
        "no sub-run": ["vgg19", *SMALL, "--out", folder / "run"],
        "no epochs": ["rnn", *SMALL, "--epochs", "0", "--out", folder / "epochs"],
        "too short": ["vgg16", *SMALL, "--seconds", "0.5", "--out", folder / "short"],
        "no cluster": ["baselines", *SMALL, "--cluster", "nowhere.json", "--out", folder / "cluster"],
        "help": ["--help"],
    }  # fmt: skip
    done = dict(zip(commands, study("asgharivaskasi2019", *commands.values())))
    yield folder, done
    shutil.rmtree(folder)


def test_help_teaches(runs: tuple) -> None:
    text = runs[1]["help"].out
    assert runs[1]["help"].code == 0 and "vgg16-segmented" in text and "ResNet34 79 %" in text


def test_every_sub_run_leaves_scores_of_both_protocols(runs: tuple) -> None:
    folder, done = runs
    assert done["all"].code == 0, done["all"].err
    scores = pd.read_csv(folder / "whole" / "scores.csv")
    names = [*BASELINES, *(f"{name}-3s" for name in BASELINES), "vgg16", "vgg16-3s", "resnet34", "rnn", "skip-rnn"]
    cells = {
        (task, name) for task, some in (("genre", names), ("songs", ["vgg16", "vgg16-segmented"])) for name in some
    }
    assert set(zip(scores["task"], scores["feature"])) == cells
    assert len(scores) == 2 * len(cells) and set(scores["protocol"]) == {"published", "corrected"}
    assert (scores["ci_low"] <= scores["score"]).all() and (scores["score"] <= scores["ci_high"]).all()
    assert scores["published"].isna().all()  # the paper's figures are those of GTZAN
    report = (folder / "whole" / "report.html").read_text("utf-8")
    assert "started from random weights: vgg16, resnet34" in report


def test_scores_are_the_share_of_right_predictions_on_test_clips(runs: tuple) -> None:
    whole = runs[0] / "whole"
    scores = pd.read_csv(whole / "scores.csv").set_index(["task", "feature", "protocol"])["score"]
    for (task, feature, protocol), score in scores.items():
        said = pd.read_csv(whole / "predictions" / f"{task}__{feature}__{protocol}.csv")
        assert np.isclose(score, (said["truth"] == said["prediction"]).mean())
        if protocol == "corrected":
            corpus = pd.read_csv(whole / "corpus" / task / f"{task}.csv").set_index("clip_id")
            tested = corpus.loc[said["clip_id"], "artist"]
            assert not set(tested) & set(corpus.drop(said["clip_id"])["artist"])


def test_a_finished_run_is_left_as_it_is(runs: tuple) -> None:
    folder, done = runs
    assert done["again"].code == 0 and "training" not in done["again"].err
    files = [path.relative_to(folder / "before") for path in (folder / "before").rglob("*.csv")]
    assert len(files) > 50
    for name in files:
        assert (folder / "whole" / name).read_bytes() == (folder / "before" / name).read_bytes(), name


def test_seeds_decide_the_claim_either_way(runs: tuple) -> None:
    folder, done = runs
    assert done["seeds"].code == 0, done["seeds"].err
    assert "A skip-RNN lowers training accuracy" in done["seeds"].out
    # What an earlier command left in the folder stays.
    assert pd.read_csv(folder / "seeds" / "scores.csv")["feature"].tolist() == ["rnn", "skip-rnn"]
    seeds = pd.read_csv(folder / "seeds" / "seeds.csv")
    assert (folder / "seeds" / "figures" / "genre__rnn__corrected__seed0_rates.png").exists()
    assert seeds.groupby(["network", "protocol"]).size().to_dict() == {
        (name, "corrected"): 2 for name in ("rnn", "skip-rnn")
    }


def test_own_clips(runs: tuple) -> None:
    folder, done = runs
    assert done["own clips"].code == 0, done["own clips"].err
    scores = pd.read_csv(folder / "own" / "scores.csv")
    assert set(scores["feature"]) == {"resnet34"} and set(scores["protocol"]) == {"published"}


def test_fine_tuning_trains_the_backbone_and_resumes_to_the_same_result(runs: tuple) -> None:
    folder, done = runs
    assert [done[name].code for name in ("fine-tuned", "stopped", "resumed")] == [0, 130, 0], done["fine-tuned"].err
    assert "vgg16 from block5_conv3 on" in (folder / "fine" / "report.html").read_text("utf-8")
    name = "genre__vgg16__published__seed0"
    for file in (f"training/{name}/curve.csv", f"training/{name}/best.npz", "predictions/genre__vgg16__published.csv"):
        assert (folder / "fine" / file).read_bytes() == (folder / "stopped" / file).read_bytes(), file
    fine, frozen = (
        h5py.File(folder / run / "training" / of / "model.h5")
        for run, of in (("fine", name), ("whole", "genre__vgg16__corrected__seed0"))
    )
    with fine, frozen:
        for layer, is_same in (("block5_conv2", True), ("block5_conv3", False)):
            kernels = [np.asarray(file[f"model_weights/vgg16/{layer}/kernel"]) for file in (fine, frozen)]
            assert np.array_equal(*kernels) == is_same, layer


def test_recurrent_networks_take_thirty_seconds_of_raw_audio(runs: tuple) -> None:
    folder, done = runs
    assert done["audio"].code == 0, done["audio"].err
    scores = pd.read_csv(folder / "audio" / "scores.csv")
    assert scores[["task", "feature"]].values.tolist() == [["songs", "rnn-segmented"]]
    with h5py.File(folder / "audio" / "training" / "songs__rnn-segmented__published__seed0" / "model.h5") as file:
        kernel = file["model_weights/recurrent"]
        shapes = []
        kernel.visititems(lambda _, item: shapes.append(item.shape) if isinstance(item, h5py.Dataset) else None)
    assert (200, 3 * 4) in shapes  # a step has the 200 samples of a second


def test_any_sub_run_votes_on_segments(runs: tuple) -> None:
    folder, done = runs
    assert done["pieces"].code == 0, done["pieces"].err
    assert pd.read_csv(folder / "pieces" / "scores.csv")["feature"].tolist() == [f"{name}-3s" for name in BASELINES]


@pytest.mark.parametrize("command", ["no layer", "no file", "too short", "imagenet", "no cluster"])
def test_an_option_that_turns_out_wrong_leaves_no_folder_behind(runs: tuple, command: str) -> None:
    folder = {"no layer": "layer", "no file": "file", "too short": "short"}.get(command, command.removeprefix("no "))
    assert not (runs[0] / folder).exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("no layer", "--trainable-from: resnet34 has no layer 'block5_conv1' (layers like it: conv1, "),
        ("short audio", "--segment: 3 s hold no 30 steps of one second"),
        ("other options", "holds work with other settings"),
        ("imagenet", "safetensors"),
        ("no file", "none.h5: there is no such file"),
        ("no backbone", "vgg16=WEIGHTS"),
        ("no sub-run", "'vgg19'"),
        ("no epochs", "--epochs"),
        ("no cluster", "nowhere.json: --cluster: there is no such scheduler file (correct the path)"),
        ("too short", "--seconds: an image of 128 x 11 is below the 32 x 32 pixels"),
    ],
)
def test_wrong_input_is_one_line_that_says_what_and_where(runs: tuple, command: str, message: str) -> None:
    done = runs[1][command]
    assert done.code == 2 and message in done.err
    assert "Traceback" not in done.err
