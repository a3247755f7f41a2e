"""The Song 2017 study from its command line: both steps, nothing done twice, own clips, and wrong input."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from study_driver import Done, study

COLUMNS = "study,task,feature,protocol,metric,score,ci_low,ci_high,published,n_clips".split(",")
SMALL = [
    "--source-clips", "30", "--target-clips", "40", "--seconds", "2", "--J", "10", "--Q", "1", "--width", "4", 
    "--depth", "1",
    "--source-epochs", "2", "--epochs", "2", "--folds", "2", "--corrected-folds", "2", "--jobs", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Done]]:
    folder = tmp_path_factory.mktemp("song2017")
    steps = folder / "steps"
    clip_ids = [f"{name}.0000{number}" for name in ("blues", "jazz", "pop") for number in range(2)]
    own = pd.DataFrame({"clip_id": clip_ids, "filepath": [f"{clip[:-6]}/{clip}.wav" for clip in clip_ids]})
    own.assign(label=own["filepath"].str.split("/").str[0]).to_csv(folder / "own.csv", index=False)
    tags = own.assign(filepath="gone/" + own["filepath"], label_loud=[1, 1, 1, 0, 0, 1], split=["train", "valid"] * 3)
    tags.to_csv(folder / "tags.csv", index=False)
    network = steps / "training" / "seed0" / "source_network.h5"
    commands = {
        "too early": ["finetune", *SMALL, "--out", folder / "early"],
        "pretrain": ["pretrain", *SMALL, "--out", steps],
        "finetune": ["finetune", *SMALL, "--out", steps],
        "copy": ["copy", steps, folder / "before"],
        "all": [*SMALL, "--out", steps],
        "other options": [*SMALL, "--width", "5", "--out", steps],
        "own clips": [*SMALL, "--manifest", folder / "own.csv", "--data-home", steps / "corpus" / "genre",
                      "--source-model", network, "--protocol", "published", "--out", folder / "own"],
        "other scattering": [*SMALL, "--J", "9", "--source-model", network, "--out", folder / "scattering"],
        "no tagged clip": ["pretrain", *SMALL, "--source-manifest", folder / "tags.csv", "--out", folder / "gone"],
        "no rule": ["pretrain", *SMALL, "--source-validation", "first:3", "--out", folder / "rule"],
        "no network": ["finetune", *SMALL, "--source-model", folder / "own.csv", "--out", folder / "network"],
        "no epochs": [*SMALL, "--epochs", "0", "--out", folder / "epochs"],
        "help": ["--help"],
    }  # fmt: skip
    done = dict(zip(commands, study("song2017", *commands.values())))
    yield folder, done
    shutil.rmtree(folder)


def test_help_teaches(runs: tuple) -> None:
    text = runs[1]["help"].out
    assert runs[1]["help"].code == 0 and "--paper-size" in text and "95.8 % after MagnaTagATune" in text


def test_both_steps_leave_a_run(runs: tuple) -> None:
    folder, done = runs
    assert [done[step].code for step in ("pretrain", "finetune")] == [0, 0], done["pretrain"].err + done["finetune"].err
    scores = pd.read_csv(folder / "steps" / "scores.csv")
    assert scores.columns.tolist() == COLUMNS
    cells = set(zip(scores["task"], scores["feature"], scores["protocol"]))
    starts = {
        ("genre", start, protocol) for start in ("transfer", "random-start") for protocol in ("published", "corrected")
    }
    assert cells == {("source", "tags", "corrected")} | starts
    assert (scores["ci_low"] <= scores["score"]).all() and (scores["score"] <= scores["ci_high"]).all()
    for pattern, number in (
        ("predictions/*.csv", 4),
        ("figures/*_curves.png", 2),
        ("figures/training.png", 1),
        ("errors.csv", 1),
    ):
        assert len(list((folder / "steps").glob(pattern))) == number
    assert "The paper: After pre-training" in done["finetune"].out and "report.html" in done["finetune"].out


def test_a_finished_run_is_left_as_it_is(runs: tuple) -> None:
    folder, done = runs
    assert done["all"].code == 0 and "fine-tuning" not in done["all"].err
    files = [path.relative_to(folder / "before") for path in (folder / "before").rglob("*.csv")]
    assert len(files) > 20
    for name in files:
        assert (folder / "steps" / name).read_bytes() == (folder / "before" / name).read_bytes(), name


def test_own_clips_with_a_given_network(runs: tuple) -> None:
    folder, done = runs
    assert done["own clips"].code == 0, done["own clips"].err
    scores = pd.read_csv(folder / "own" / "scores.csv")
    assert set(scores["task"]) == {"own"} and set(scores["n_clips"]) == {6}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("too early", "run pretrain first"),
        ("other options", "holds work with other settings"),
        ("other scattering", "export them with the scattering options that the network was trained on"),
        ("no tagged clip", "tags: filepath: no clip could be read"),
        ("no rule", "'first:3' is unknown"),
        ("no network", "own.csv"),
        ("no epochs", "epochs: must be above 0"),
    ],
)
def test_wrong_input_is_one_line(runs: tuple, command: str, message: str) -> None:
    done = runs[1][command]
    assert done.code == 2 and "Traceback" not in done.err
    assert message in done.err.strip().splitlines()[-1]
