"""Extractors that users bring, from the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toy_extractor import write_clips

from mgc_keras.cli.main import main
from mgc_keras.features.table import read_features

LOUDNESS = """
import numpy as np

class Loudness:
    name, columns = "loudness", ("rms", "peak")
    sampling_rate, n_samples, duration, batch_size = 8000, 800, 0.1, 2

    def describe(self):
        return {"name": self.name}

    def __call__(self, waveforms):
        return np.array([[np.sqrt((w ** 2).mean()), np.abs(w).max()] for w in waveforms], np.float32)

made = Loudness()
number = 3

class Flat(Loudness):
    def __call__(self, waveforms):
        return np.zeros(len(waveforms))

class Unsaid(Loudness):
    def describe(self):
        return {"array": np.zeros(3)}

class Failing(Loudness):
    def __init__(self):
        raise RuntimeError("no such device")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    write_clips(tmp_path / "clips", 5)
    # Python keeps a module once imported: each test has its own.
    module = "own_" + "".join(filter(str.isalnum, request.node.name))[-40:]
    (tmp_path / f"{module}.py").write_text(LOUDNESS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def own(folder: Path, name: str) -> str:
    return f"{next(folder.glob('own_*.py')).stem}:{name}"


@pytest.mark.parametrize("name", ["Loudness", "made"])
def test_rows_are_what_the_class_computes(folder: Path, name: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["features", "clips", "-o", "own.csv", "--extractor", own(folder, name)]) == 0
    assert capsys.readouterr().out.startswith("loudness: 5 rows of 2 features from 5 of 5 clips")
    for clip, row in read_features(folder / "own.csv").iterrows():
        heard = soundfile.read(folder / "clips" / f"{clip}.wav", dtype="float32")[0][:800].astype(np.float64)
        assert row.tolist() == pytest.approx([np.sqrt((heard**2).mean()), np.abs(heard).max()], rel=1e-5)
    assert main(["features", "clips", "-o", "song.csv", "--extractor", own(folder, name), "--over", "song"]) == 0
    song = read_features(folder / "song.csv")
    assert json.loads((folder / "song.json").read_text())["extractor"]["module"] == own(folder, name)
    heard = soundfile.read(folder / "clips" / "clip002.wav", dtype="float32")[0].reshape(5, 800)
    assert song.loc["clip002", "peak"] == pytest.approx(np.abs(heard).max(axis=1).mean(), rel=1e-6)


def test_changed_code_is_another_extractor(folder: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["features", "clips", "-o", "own.csv", "--extractor", own(folder, "Loudness")]
    assert main(command) == 0 and main(command) == 0
    first = json.loads((folder / "own.json").read_text())["fingerprint"]
    with open(next(folder.glob("own_*.py")), "a") as module:
        module.write("# another thought\n")
    assert main(command) == 0
    assert json.loads((folder / "own.json").read_text())["fingerprint"] != first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--extractor", "loudness"], "--extractor: 'loudness' names no extractor (give module:Name"),
        (["--extractor", "nowhere_at_all:Name"], "--extractor: there is no module 'nowhere_at_all'"),
        (["--extractor", "OWN:Quiet"], "holds no 'Quiet' (choose one of Loudness, made, Flat, Unsaid, Failing)"),
        (["--extractor", "OWN:Failing"], "fails: RuntimeError('no such device') (mend the module)"),
        (["--extractor", "OWN:number"], "is no extractor: it lacks name, columns, sampling_rate"),
        (["--extractor", "OWN:Unsaid"], "describes itself by what is no JSON"),
        (["--extractor", "OWN:Flat"], "gave an array (2,) for 2 waveforms and 2 columns"),
        (["--extractor", "OWN:Loudness", "--features", "mfcc"], "--extractor: is a feature set of its own"),
        (["--extractor", "OWN:Loudness", "--weights", "a.h5"], "--weights: --features loudness has no such option"),
    ],
)
def test_what_is_no_extractor(folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    words = [word.replace("OWN:", own(folder, "")) for word in words]
    assert main(["features", "clips", "-o", "own.csv", *words]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
