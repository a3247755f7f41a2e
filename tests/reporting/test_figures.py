"""What the shared figures show, against the numbers they are drawn from."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from typed_rows import comparison_rows, score_rows

from mgc_keras.reporting import confusion, forest, training
from mgc_keras.reporting.tables import meaning
from mgc_keras.reporting.verdicts import COLOURS
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.writer import RunWriter


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """Catch figures instead of writing them."""
    figures: list[Figure] = []
    for module in (confusion, forest, training):
        monkeypatch.setattr(module, "save_png", lambda figure, path: figures.append(figure) or path)
    return figures


def comparison(task: str, difference: float, p_holm: float, metric: str = "accuracy", half: float = 0.1) -> dict:
    ends = {"ci_low": difference - half, "ci_high": difference + half, "p_value": p_holm, "p_holm": p_holm}
    names = {"task": task, "protocol": "corrected", "feature_a": "a", "feature_b": "b", "metric": metric}
    return {**names, "difference": difference, **ends, "n_clips": 50}


def score(task: str, metric: str, value: float, low: float) -> dict:
    names = {"study": "s", "task": task, "feature": "a", "protocol": "corrected", "metric": metric}
    return {**names, "score": value, "ci_low": low, "ci_high": value + 0.1, "published": np.nan, "n_clips": 50}


@pytest.fixture
def run(tmp_path) -> RunFolder:
    writer = RunWriter(tmp_path)
    writer.scores(score_rows([score("genre", "accuracy", 0.5, 0.3), score("arousal", "r2", -3.0, -9.0)]))
    writer.comparisons(
        comparison_rows(
            [
                comparison("genre", 0.3, 0.001),
                comparison("dance", -0.2, 0.02),
                comparison("voice", 0.05, 0.5),
                comparison("arousal", 27.0, 0.001, "r2"),
                comparison("genre", -5.0, 0.01, "epochs_to_90", half=2.0),
            ]
        )
    )
    return RunFolder(tmp_path)


def test_the_forest_shows_every_difference_in_the_colour_of_its_verdict(run, drawn) -> None:
    forest.draw_forest(run, run.folder / "f.png")
    accuracy, r2, epochs = drawn[0].axes
    labels = [tick.get_text() for tick in accuracy.get_yticklabels()]
    assert labels == ["genre", "dance", "voice"]
    lines = {tuple(np.round(line.get_xdata(), 6)): to_hex(line.get_color()).upper() for line in accuracy.lines}
    for ends, verdict in (((0.2, 0.4), "better"), ((-0.3, -0.1), "worse"), ((-0.05, 0.15), "not decided")):
        assert lines[ends] == COLOURS[verdict].upper()
    # Fewer epochs are better.
    assert {to_hex(line.get_color()).upper() for line in epochs.lines[1:]} == {COLOURS["better"]}
    texts = [text.get_text() for text in accuracy.texts]
    numbers = ["+0.300 [+0.200, +0.400]", "-0.200 [-0.300, -0.100]", "+0.050 [-0.050, +0.150]"]
    assert texts == [*numbers, "a minus b"]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["Better", "Worse", "Not decided"]
    # A difference far outside is told by an arrow and its number, and hides nothing else.
    assert r2.get_xlim()[1] < 1.2 and any(line.get_marker() == ">" for line in r2.lines)


def test_no_comparisons_no_forest(run, tmp_path, drawn) -> None:
    RunWriter(tmp_path / "bare").scores(score_rows([score("genre", "accuracy", 0.5, 0.3)]))
    assert forest.draw_forest(RunFolder(tmp_path / "bare"), tmp_path / "f.png") is None and drawn == []


def test_scores_that_mean_nothing_are_said_to(run) -> None:
    truth = ["x"] * 30 + ["y"] * 20
    table = pd.DataFrame({"clip_id": [str(i) for i in range(50)], "fold": 0, "truth": truth, "prediction": "x"})
    RunWriter(run.folder).predictions("genre", "a", "corrected", table)
    rows = {row["task"]: row for _, row in run.scores.iterrows()}
    assert run.chances == {"genre": 0.6}
    assert meaning(run, rows["genre"]) == "not above chance (0.600)"
    assert meaning(run, rows["genre"].replace({0.3: 0.61})) == ""
    assert meaning(run, rows["genre"].replace({"genre": "other"})) == ""
    auc = pd.Series({"task": "source", "metric": "auc", "score": 0.55, "ci_low": 0.49})
    assert meaning(run, auc) == "not above chance (0.500)" and meaning(run, auc.replace({0.49: 0.51})) == ""
    assert meaning(run, rows["arousal"]) == "predicts worse than the mean of the clips"


def test_confusion_counts_and_accuracies(drawn, tmp_path) -> None:
    matrix = confusion.confusion_matrix(np.array(["a", "a", "a", "b"]), np.array(["a", "a", "b", "c"]))
    assert matrix.to_numpy().tolist() == [[2, 1, 0], [0, 0, 1], [0, 0, 0]]
    confusion.draw_confusion({"t": matrix}, "clips", tmp_path / "f.png")
    counts, accuracies = drawn[0].axes
    assert sorted(text.get_text() for text in counts.texts) == ["1", "1", "2"]
    assert [text.get_text() for text in accuracies.texts] == ["67%", "0%", "not tested"]
    assert [bar.get_width() for bar in accuracies.patches] == pytest.approx([2 / 3, 0, 0])
    assert len(accuracies.lines) == 2
    confusion.draw_confusion({"t": matrix}, "excerpts", tmp_path / "f.png", intervals=False)
    assert len(drawn[1].axes[1].lines) == 0


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        (
            ("loss", "validation_loss", "training_accuracy", "validation_accuracy"),
            ["Cross-entropy (nats)", "Accuracy (share of clips)"],
        ),
        (("loss", "val_loss", "val_auc"), ["Cross-entropy (nats)", "Macro AUC-ROC"]),
    ],
)
def test_training_curves_have_a_panel_a_quantity(columns, labels, drawn, tmp_path) -> None:
    curve = pd.DataFrame({"epoch": [1, 2, 3], **{name: np.arange(3.0) + number for number, name in enumerate(columns)}})
    training.draw_training(curve, tmp_path / "f.png")
    assert [panel.get_ylabel() for panel in drawn[0].axes] == labels
    plotted = [line for panel in drawn[0].axes for line in panel.lines]
    assert [line.get_ydata().tolist() for line in plotted] == [curve[name].tolist() for name in columns]
    assert [line.get_linestyle() for line in plotted] == ["--" if name.startswith("val") else "-" for name in columns]


def test_no_epochs_no_training_curve(drawn, tmp_path) -> None:
    assert training.draw_training(pd.DataFrame({"epoch": [], "loss": []}), tmp_path / "f.png") is None
    assert training.draw_training(pd.DataFrame({"epoch": [1]}), tmp_path / "f.png") is None
