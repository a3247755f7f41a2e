"""The Choi 2017 study from its command line: the recorded scores, a short run on audio, and wrong options."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_driver import Done, study

from mgc_keras.audio.files import write_waveform

SCRIPT = Path(__file__).parents[3] / "experiments" / "choi2017.py"
COLUMNS = "study,task,feature,protocol,metric,score,ci_low,ci_high,published,n_clips".split(",")
WRONG = [
    (["--published-features", "nowhere"], "nowhere"),
    (["--data-home", "nowhere"], "nowhere"),
    (["--tasks", "polka"], "polka"),
    (["--source-weights", "missing.h5"], "missing.h5"),
    (["--jobs", "0"], "jobs"),
    (["--cluster", "local:0"], "--cluster: '0' is no number of threads (give local:2, or local)"),
    (["--epochs", "0"], "epochs"),
    (["--source-clips", "8"], "--source-clips: 8 clips are too few: no tag has both positive and negative clips among"),
    (["--tasks", "FOLDER/few.csv"], "few: label: class 'jazz' has one clip alone, and needs one to learn from"),
    (["--tasks", "FOLDER/gone.csv"], "gone: filepath: none of "),
    (["--source-weights", "w.h5", "--source-manifest", "tags.csv"], "--source-weights: leaves --source-manifest"),
    (["--layer-sets", "6"], "--layer-sets: '6' is unknown"),
    (["--layer-sets", "1,51"], "'51' is unknown"),
    (["--mfcc-budget", "-1"], "--mfcc-budget: must be 0 or more, not -1"),
    (["--learning-rate", "inf"], "--learning-rate: must be above 0, not inf"),
    (["--calibrate-on", "other"], "--calibrate-on: a network that is trained here brings its statistics"),
    (["--hop", "5"], "hop: a hop needs a window"),
    (["--window", "40"], "window: 40.0 s is more than these features take in"),
    (["--protocol", "published", "--without", "scaling"], "--without: needs the corrected protocol"),
]


def test_the_script_teaches_and_refuses() -> None:
    for words, code in (["--help"], 0), (["--epochs", "0"], 2):
        done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True)
        assert done.returncode == code and "Traceback" not in done.stderr
        text = done.stdout if code == 0 else done.stderr.strip().splitlines()[-1]
        assert all(word in text for word in (("--published-features", "0.849") if code == 0 else ("epochs",)))


@pytest.fixture(scope="module")
def runs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Done]]:
    folder = tmp_path_factory.mktemp("choi2017")
    task = ["--published-features", shared_data / "choi2017", "--tasks", "gtzan_speechmusic"]
    one_set = [*task, "--layer-sets", "5", "--out", folder / "set", "--protocol"]
    commands = {
        "all": [*task, "--out", folder / "run"],
        "one set": [*one_set, "published"],
        "copy": ["copy", folder / "set", folder / "before"],
        "again": [*one_set, "published"],
        "other options": [*one_set, "both"],
    }
    return folder, dict(zip(commands, study("choi2017", *commands.values())))


def test_the_recorded_scores_of_speech_music_come_out_exactly(shared_data: Path, runs: tuple) -> None:
    out, done = runs[0] / "run", runs[1]["all"]
    assert done.code == 0, done.err
    assert done.out.strip().splitlines()[-1] == f"report: {out / 'report.html'}"
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


def test_a_run_goes_on_but_not_with_other_options(runs: tuple) -> None:
    folder, done = runs
    assert [done[name].code for name in ("one set", "again")] == [0, 0], done["again"].err
    for run in ("set", "before"):
        assert (folder / run / "scores.csv").is_file()
    assert (folder / "set" / "scores.csv").read_bytes() == (folder / "before" / "scores.csv").read_bytes()
    assert done["other options"].code == 2 and "holds work with other settings" in done["other options"].err


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    folder = tmp_path_factory.mktemp("refused")
    for number in range(4):
        write_waveform(folder / f"{number}.wav", np.sin(np.arange(8000) * (number + 1) / 20), 8000)
    rows = [f"{number},{number}.wav,{'jazz' if number == 3 else 'rock'}" for number in range(4)]
    for name, text in (("few", "\n".join(rows)), ("gone", "\n".join(rows).replace(".wav", ".mp3"))):
        (folder / f"{name}.csv").write_text(f"clip_id,filepath,label\n{text}\n", encoding="utf-8")
    out = folder / "run"
    done = study(
        "choi2017",
        *(
            ["--source-clips", "12", *(word.replace("FOLDER", str(folder)) for word in arguments), "--out", out]
            for arguments, _ in WRONG
        ),
    )
    # All of it is told before any work.
    assert not out.exists()
    return {message: one for (_, message), one in zip(WRONG, done, strict=True)}


@pytest.mark.parametrize("message", [message for _, message in WRONG])
def test_wrong_options_are_one_line(message: str, refused: dict[str, Done]) -> None:
    done = refused[message]
    assert done.code == 2 and "Traceback" not in done.err
    assert message in done.err.strip().splitlines()[-1]
