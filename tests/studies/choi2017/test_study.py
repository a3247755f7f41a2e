"""The Choi 2017 study from its command line: the recorded scores, a short run on audio, and wrong options."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[3] / "experiments" / "choi2017.py"
COLUMNS = "study,task,feature,protocol,metric,score,ci_low,ci_high,published,n_clips".split(",")


def study(*arguments: object) -> subprocess.CompletedProcess:
    words = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_help_teaches() -> None:
    done = study("--help")
    assert done.returncode == 0 and "--published-features" in done.stdout and "0.849" in done.stdout


def test_the_recorded_scores_of_speech_music_come_out_exactly(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = study("--published-features", shared_data / "choi2017", "--tasks", "gtzan_speechmusic", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == f"report: {out / 'report.html'}"
    scores = pd.read_csv(out / "scores.csv", dtype={"feature": str})
    assert scores.columns.tolist() == COLUMNS
    ours = scores[scores["protocol"] == "published"].set_index("feature")["score"]
    recorded = pd.read_csv(shared_data / "choi2017" / "published_scores.csv", dtype={"feature": str})
    recorded = recorded[recorded["task"] == "gtzan_speechmusic"].set_index("feature")["score"]
    assert len(recorded) == 30 and len(ours) == 33
    assert (ours[recorded.index] - recorded).abs().max() <= 1e-9
    assert set(scores[scores["protocol"] == "corrected"]["feature"]) == {"12345", "mfcc", "mfcc+12345"}
    assert (scores["ci_low"] <= scores["score"]).all() and (scores["score"] <= scores["ci_high"]).all()
    for folder, pattern, least in (("predictions", "*.csv", 36), ("figures", "*.png", 1), ("audit", "*.csv", 3)):
        assert len(list((out / folder).glob(pattern))) >= least


def test_a_run_goes_on_but_not_with_other_options(shared_data: Path, tmp_path: Path) -> None:
    arguments = ["--published-features", shared_data / "choi2017", "--tasks", "gtzan_speechmusic", "--layer-sets", "5"]
    assert study(*arguments, "--protocol", "published", "--out", tmp_path).returncode == 0
    before = (tmp_path / "scores.csv").read_bytes()
    assert study(*arguments, "--protocol", "published", "--out", tmp_path).returncode == 0
    assert (tmp_path / "scores.csv").read_bytes() == before
    other = study(*arguments, "--protocol", "both", "--out", tmp_path)
    assert other.returncode == 2 and "holds work with other settings" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--published-features", "nowhere"], "nowhere"),
        (["--data-home", "nowhere"], "nowhere"),
        (["--tasks", "polka"], "polka"),
        (["--source-weights", "missing.h5"], "missing.h5"),
        (["--jobs", "0"], "jobs"),
        (["--cluster", "local:0"], "--cluster: '0' is no number of threads (give local:2, or local)"),
        (["--epochs", "0"], "epochs"),
        (["--source-weights", "w.h5", "--source-manifest", "tags.csv"], "--source-weights: leaves --source-manifest"),
        (["--layer-sets", "6"], "--layer-sets: '6' is unknown"),
        (["--layer-sets", "1,51"], "'51' is unknown"),
        (["--mfcc-budget", "-1"], "--mfcc-budget: must be 0 or more, not -1"),
        (["--learning-rate", "inf"], "--learning-rate: must be above 0, not inf"),
        (["--calibrate-on", "other"], "--calibrate-on: a network that is trained here brings its statistics"),
        (["--hop", "5"], "hop: a hop needs a window"),
        (["--window", "40"], "window: 40.0 s is more than these features take in"),
        (["--protocol", "published", "--without", "scaling"], "--without: needs the corrected protocol"),
    ],
)
def test_wrong_options_are_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = study(*arguments, "--source-clips", "4", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert message in done.stderr.strip().splitlines()[-1]
