"""Each claim turns out either way, from files whose numbers are known."""

import numpy as np
import pandas as pd
import pytest
from typed_rows import comparison_rows, score_rows

from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.studies.common.claims import write_claims


def judged(folder, key):
    return [row for row in write_claims(folder) if row.claim == key]


@pytest.fixture
def writer(tmp_path) -> RunWriter:
    writer = RunWriter(tmp_path)
    names = {"study": "asgharivaskasi2019", "task": "genre", "feature": "vgg16", "protocol": "corrected"}
    ends = {"metric": "accuracy", "score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "published": np.nan, "n_clips": 30}
    writer.scores(score_rows([{**names, **ends}]))
    return writer


def curve(writer: RunWriter, network: str, **columns: np.ndarray) -> None:
    table = pd.DataFrame(columns)
    table.insert(0, "epoch", np.arange(1, len(table) + 1))
    write_table(table, writer.folder / "training" / f"genre__{network}__corrected__seed0" / "curve.csv")


def comparison(a: str, b: str, difference: float, half: float, p_holm: float) -> dict:
    names = {"task": "genre", "protocol": "corrected", "feature_a": a, "feature_b": b, "metric": "accuracy"}
    ends = {"difference": difference, "ci_low": difference - half, "ci_high": difference + half}
    return {**names, **ends, "p_value": p_holm, "p_holm": p_holm, "n_clips": 30}


@pytest.mark.parametrize(
    ("n_epochs", "slope", "verdict"), [(60, 0.02, "confirmed"), (60, -0.02, "refuted"), (30, 0.02, "not decided")]
)
def test_over_fitting_needs_epochs_beyond_30(writer, n_epochs, slope, verdict) -> None:
    epochs = np.arange(n_epochs)
    curve(writer, "vgg16", loss=1 - 0.01 * epochs, validation_loss=1 + slope * epochs)
    (row,) = judged(writer.folder, "over-fits")
    assert row.verdict == verdict
    if n_epochs == 60:
        # Epochs 26 to 30 against 56 to 60: thirty steps.
        assert f"changes by -0.300 and validation loss by {30 * slope:+.3f}" in row.evidence


@pytest.mark.parametrize(
    ("difference", "half", "verdict"),
    [(0.01, 0.03, "confirmed"), (0.2, 0.1, "refuted"), (0.04, 0.03, "not decided"), (0.0, np.nan, "not decided")],
)
def test_comparable_is_within_five_points(writer, difference, half, verdict) -> None:
    writer.comparisons(comparison_rows([comparison("vgg16-3s", "vgg16", difference, half, 0.5)]))
    (row,) = judged(writer.folder, "3s")
    assert row.verdict == verdict and f"is {difference:+.3f} [" in row.evidence


def test_resnet34_against_vgg16(writer) -> None:
    writer.comparisons(comparison_rows([comparison("resnet34", "vgg16", -0.1, 0.05, 0.01)]))
    (row,) = judged(writer.folder, "resnet34")
    assert row.verdict == "refuted" and "-0.100 [-0.150, -0.050] over 30 clips, p = 0.010" in row.evidence


@pytest.mark.parametrize(
    ("gap", "p_gap", "accuracy", "p_accuracy", "verdict"),
    [
        (-0.2, 0.01, 0.0, 1.0, "confirmed"),
        (-0.2, 0.01, -0.1, 0.01, "refuted"),
        (0.2, 0.01, 0.0, 1.0, "refuted"),
        (-0.05, 0.3, 0.0, 1.0, "not decided"),
    ],
)
def test_the_skip_rnn_over_seeds(writer, gap, p_gap, accuracy, p_accuracy, verdict) -> None:
    quantities = {"gap": (gap, p_gap), "validation_accuracy": (accuracy, p_accuracy)}
    rows = [
        {"task": "genre", "protocol": "corrected", "quantity": name, "difference": difference,
         "ci_low": difference - 0.1, "ci_high": difference + 0.1, "p_holm": p_holm, "n_seeds": 5}
        for name, (difference, p_holm) in quantities.items()
    ]  # fmt: skip
    write_table(pd.DataFrame(rows), writer.folder / "seed_intervals.csv")
    (row,) = judged(writer.folder, "skip-rnn")
    assert row.verdict == verdict and "Over 5 seeds" in row.evidence


@pytest.mark.parametrize(("policy", "verdict"), [("triangular", "confirmed"), ("one-cycle", "not decided")])
def test_loss_that_follows_the_rate_is_cyclic(writer, policy, verdict) -> None:
    epochs = np.arange(24)
    rate = np.abs(epochs % 8 - 4.0)
    loss = 2 - 0.05 * epochs + 0.02 * rate + 0.001 * np.random.default_rng(0).normal(size=24)
    curve(writer, "rnn", loss=loss, learning_rate=rate)
    writer.config("asgharivaskasi2019", {"policy": policy})
    (row,) = judged(writer.folder, "cyclic")
    assert row.verdict == verdict
