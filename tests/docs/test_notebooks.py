"""The notebooks of the documentation run as they stand, without a network, and say what their own numbers say."""

import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a notebook asks for a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def run(name: str) -> dict[str, Any]:
    """Run the code of a notebook, cell by cell, and return its variables."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in json.loads((NOTEBOOKS / name).read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}: {cell['id']}", "exec"), names)
    return names


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_outputs_are_kept(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells if "outputs" in cell)


@pytest.mark.usefixtures("no_network")
def test_a_first_classifier(capsys: pytest.CaptureFixture[str]) -> None:
    matplotlib.use("agg")
    names = run("first_classifier.ipynb")
    task, scores = names["task"], names["scores"]
    assert len(task) == 48 and task.units_per_class(by_group=True).tolist() == [8, 8]
    assert scores["chosen on the tested clips"].score == best_by_scikit_learn(names["table"].to_numpy(), task)
    # The clips of an artist are alike: whoever trains on some of them knows the others.
    assert scores["artists kept together"].score < scores["chosen on the tested clips"].score
    quoted = scores["artists kept together"]
    said = f"{quoted.score:.0%} of 48 clips (95 % interval {quoted.low:.0%} to {quoted.high:.0%})"
    assert said in capsys.readouterr().out


def best_by_scikit_learn(features: np.ndarray, task: Any) -> float:
    """The best accuracy that a candidate has on the tested clips themselves."""
    from sklearn.model_selection import PredefinedSplit, cross_val_predict
    from sklearn.svm import SVC

    from mgc_keras.search import candidates

    folds = PredefinedSplit(task.folds(grouped=False, seed=0, n_folds=5))
    machines = [
        SVC(C=each.C, kernel=each.kernel, gamma=each.gamma or "scale")
        for each in candidates(features.shape[1], "reduced")
    ]
    predicted = [cross_val_predict(machine, features, task.target, cv=folds) for machine in machines]
    return max(float(np.mean(each == task.target)) for each in predicted)


@pytest.mark.usefixtures("no_network")
def test_a_claim_published_beside_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("published_beside_corrected.ipynb")
    assert "random convnets reach MFCC or better" in capsys.readouterr().out
    for protocol, found in names["differences"].items():
        scores = names["scores"][protocol]
        np.testing.assert_allclose(found.difference, scores["random"] - scores["mfcc"], atol=1e-12)
        decided = names["verdicts"][protocol] in ("confirmed", "refuted")
        assert decided == (found.low * found.high > 0 and found.p_value < 0.05)
    # What the paper prints comes out of the authors' features to its last digit (README.md).
    assert names["cells"]["mfcc", "published"].startswith("0.660 [") and names["printed"]["mfcc"] == 0.66
