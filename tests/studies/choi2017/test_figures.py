"""What figures show, against the numbers they are drawn from."""

import numpy as np
import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from run_example import genre_predictions, write_example_run

from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017 import figures
from mgc_keras.studies.choi2017.figures import label_differences


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return RunFolder(write_example_run(tmp_path_factory.mktemp("run"), ("1", "12", "12345")))


@pytest.fixture
def drawn(monkeypatch):
    """Catch figures instead of writing them."""
    caught: list[Figure] = []
    monkeypatch.setattr(figures, "save_png", lambda figure, path: caught.append(figure) or path)
    return caught


def _heights(axes):
    return [[bar.get_height() for bar in bars] for bars in axes.containers if isinstance(bars, BarContainer)]


def test_bars_are_the_saved_scores_with_the_random_convnet_behind(run, drawn):
    figures.draw_task(run, "arousal")
    (figure,) = drawn
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "arousal, published protocol (200 clips)",
        "arousal, corrected protocol (200 clips)",
    ]
    scores = run.scores[(run.scores["task"] == "arousal") & (run.scores["protocol"] == "corrected")].set_index(
        "feature"
    )["score"]
    behind, front = _heights(figure.axes[1])
    assert front == pytest.approx(scores[["1", "12", "12345", "mfcc", "mfcc+12345"]].tolist())
    assert behind == pytest.approx(scores[["random_1", "random_12", "random_12345"]].tolist())
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert all(axes.get_ylim()[0] <= 0 for axes in figure.axes)
    assert figure.axes[1].get_xlabel() and all("r²" in axes.get_ylabel() for axes in figure.axes)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["trained convnet", "MFCC", "MFCC and convnet", "same layers, random weights",
                     "score recorded by the authors", "95 % interval"]  # fmt: skip


def test_label_differences_equal_a_plain_count(run):
    table = label_differences(run, "genre <example>", "corrected").set_index("label")
    best = table["feature"].iloc[0]
    convnet, mfcc = (genre_predictions(name, "corrected") for name in (best, "mfcc"))
    for label, row in table.iterrows():
        inside = convnet["truth"] == label
        right = [(one["truth"] == one["prediction"])[inside].mean() for one in (convnet, mfcc)]
        assert (row["convnet"], row["baseline"]) == pytest.approx(right)
        assert row["difference"] == pytest.approx(right[0] - right[1])
        assert row["ci_low"] <= row["difference"] <= row["ci_high"]
        assert row["n_clips"] == inside.sum()
    assert (np.diff(table["difference"]) <= 0).all()


def test_no_labels_no_figure(run, drawn):
    assert figures.draw_labels(run, "arousal") is None
    assert label_differences(run, "genre <example>", "corrected", baseline="never run").empty
    assert drawn == []


def test_batch_border_bars_are_grouped_by_class_and_led_by_the_border(run, drawn):
    figures.draw_audit(run, "batch_border")
    table = run.audits["batch_border"].table
    (heights,) = [sum(_heights(drawn[0].axes[0]), [])]
    assert sorted(heights) == pytest.approx(sorted(table["balanced_accuracy"]))
    ticks = [tick.get_text() for tick in drawn[0].axes[0].get_xticklabels()]
    assert ticks == ["country\n12345", "country\nmfcc", "hiphop\n12345", "hiphop\nmfcc"]
    first = table[(table["feature"] == "12345") & (table["kind"] == "batch border")]["balanced_accuracy"].iloc[0]
    assert heights[0] == pytest.approx(first)


def test_an_audit_without_a_drawing_is_told_by_its_table(run, drawn):
    assert figures.draw_audit(run, "fold_weighting") is None
    assert drawn == []


def test_audit_names_and_sentences_come_back(run):
    assert list(run.audits) == ["batch_border", "batch_number", "batch_order", "fold_weighting", "replicas", "scaling"]
    assert run.audits["replicas"].conclusion.startswith("Among 300 clips 3 pairs have identical features")
