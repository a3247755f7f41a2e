"""A sixth study is one folder: found, run, resumed, judged without a repair, and reported like the five."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from broken_clips import tune, write

import mgc_keras.studies
from mgc_keras.files import locked
from mgc_keras.studies.common.main import main
from mgc_keras.studies.common.study import studies

STUDY = '''
"""A study of one number a clip."""

from dataclasses import dataclass

from mgc_keras.protocols import Repair
from mgc_keras.studies.common.options import RunOptions, option
from mgc_keras.studies.common.study import Study


@dataclass(frozen=True)
class DataOptions:
    """Data."""

    seconds: float = option(0.5, "seconds of each clip (default: %(default)s)", above=0)


@dataclass(frozen=True)
class Options:
    """All options of the study."""

    data: DataOptions = DataOptions()
    run: RunOptions = RunOptions()


STUDY = Study(
    "toy2026", "Nobody: Loudness tells the genre (2026).", "The louder class wins.", Options,
    repairs=(
        Repair("artists-together", "Anybody is tested.", "Artists are kept together."),
        Repair("louder-wins", "The louder clip is called quiet.", "The louder clip is called loud."),
    ),
)
'''
STEPS = '''
"""The steps of the toy study."""

import numpy as np
import pandas as pd

from mgc_keras.audio.files import read_waveform
from mgc_keras.datasets.holdout import holdout_fold
from mgc_keras.datasets.tasks import tasks_of


def run(run):
    """Call clips above the median level loud."""
    for manifest in run.manifests(["genre"], lambda name: run.rendered(name, 8000, 20, 1.0), classified=True):
        clips = [read_waveform(path, 8000, duration=run.options.data.seconds) for path in manifest.filepaths]
        level = np.array([np.abs(clip).mean() for clip in clips])
        task = tasks_of(manifest)[0]
        for protocol in run.protocols:
            test = holdout_fold(task, grouped=protocol.mends("artists-together"), validation=False).test
            is_loud = (level > np.median(level)) == protocol.mends("louder-wins")
            for feature, answer in (("level", is_loud), ("always-loud", np.ones(len(level), bool))):
                table = pd.DataFrame({
                    "clip_id": np.asarray(task.clip_ids)[test], "fold": 0, "truth": task.target[test],
                    "prediction": np.where(answer, "loud", "quiet")[test],
                })
                run.score(task.name, feature, protocol, table)
    run.compare([("level", "always-loud")])
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "studies" / "toy2026"
    folder.mkdir(parents=True)
    for name, text in {"__init__": '"""Toy."""\n', "study": STUDY, "steps": STEPS}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(mgc_keras.studies, "__path__", [*mgc_keras.studies.__path__, str(folder.parent)])
    music = tmp_path / "music"
    music.mkdir()
    rows = []
    for number in range(20):
        label = ("quiet", "loud")[number % 2]
        write(music / f"{number}.wav", tune(0.5, seed=number) * (0.9 if label == "loud" else 0.1))
        rows.append((f"clip{number}", f"{number}.wav", label, f"artist{number // 2}"))
    pd.DataFrame(rows, columns=["clip_id", "filepath", "label", "artist"]).to_csv(music / "levels.csv", index=False)
    yield music
    for name in [name for name in sys.modules if ".toy2026" in name]:
        del sys.modules[name]


def test_a_sixth_study_registers_runs_and_reports(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    study = studies()["toy2026"]
    command = ["--tasks", str(toy / "levels.csv"), "--out", str(tmp_path / "run")]
    assert main(study, [*command, "--without", "louder-wins"]) == 0, capsys.readouterr().err
    scores = pd.read_csv(tmp_path / "run" / "scores.csv").set_index(["feature", "protocol"])["score"]
    assert scores["level", "published"] == 0 and scores["level", "corrected"] == 1
    assert scores["level", "corrected-without-louder-wins"] == 0 and scores["always-loud", "corrected"] == 0.5
    # What the repair is worth, on the clips that both test: all right with it, all wrong without.
    worth = pd.read_csv(tmp_path / "run" / "repairs.csv").set_index(["repair", "feature"])
    assert worth.loc["louder-wins"].loc[["level", "always-loud"], "difference"].tolist() == [1, 0]
    assert worth.loc[("louder-wins", "level"), ["corrected", "without"]].tolist() == [1, 0]
    report = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "What repairs are worth" in report
    assert "Nobody: Loudness" in report or "toy2026" in report
    assert capsys.readouterr().out.splitlines()[-1] == f"report: {tmp_path / 'run' / 'report.html'}"
    before = (tmp_path / "run" / "scores.csv").read_bytes()
    assert main(study, command) == 0 and (tmp_path / "run" / "scores.csv").read_bytes() == before
    assert main(study, [*command, "--seconds", "0.4"]) == 2
    assert "holds work with other settings" in capsys.readouterr().err


def test_a_second_run_in_the_folder_is_refused_while_the_first_lasts(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    command, run = ["--tasks", str(toy / "levels.csv"), "--out", str(tmp_path / "run")], tmp_path / "run"
    (run / "predictions" / ".mgc_keras.dead").mkdir(parents=True)
    with locked(run / "config.json"):
        assert main(studies()["toy2026"], command) == 2
        assert f"{run / 'config.json'}: is being written by process {os.getpid()}" in capsys.readouterr().err
    assert not (run / "config.json").exists()
    assert main(studies()["toy2026"], command) == 0
    assert not list(run.rglob(".mgc_keras*"))


def test_a_manifest_of_the_data_home_is_found_and_hashed(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["--tasks", "levels.csv"], []):
        run = tmp_path / f"run{len(words)}"
        done = main(studies()["toy2026"], ["--data-home", "music", "--out", str(run), *words])
        assert done == 0, capsys.readouterr().err
        digest = hashlib.sha256((toy / "levels.csv").read_bytes()).hexdigest()
        assert json.loads((run / "config.json").read_text("utf-8"))["inputs"] == {"music/levels.csv": digest}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--without", "hope"], "'hope' is unknown"),
        (["--seconds", "0"], "--seconds: must be above 0"),
        (["--jobs", "0"], "--jobs: must be 1 or more"),
    ],
)
def test_wrong_options_are_told_in_one_line(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str], message: str
) -> None:
    assert main(studies()["toy2026"], ["--tasks", str(toy / "levels.csv"), "--out", str(tmp_path / "run"), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_help_names_options_and_repairs(toy: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(studies()["toy2026"], ["--help"])
    text = capsys.readouterr().out
    assert "--seconds" in text and "louder-wins" in text and "The louder clip is called loud." in text
