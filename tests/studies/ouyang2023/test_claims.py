"""Each claim turns out either way, from files whose numbers are known."""

import numpy as np
import pandas as pd
import pytest
from typed_rows import comparison_rows, score_rows

from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.claims import write_claims

TEN = np.repeat([f"genre{number}" for number in range(10)], 5)


def rows_of(folder) -> dict:
    return {row.claim: row for row in write_claims(folder)}


def run(folder, score: float, half: float, truth: np.ndarray = TEN) -> RunWriter:
    writer = RunWriter(folder)
    names = {"study": "ouyang2023", "task": "genre", "protocol": "corrected", "metric": "accuracy", "n_clips": 50}
    ends = {"ci_low": score - half, "ci_high": score + half, "published": np.nan}
    writer.scores(score_rows([{**names, "feature": "cnn", "score": score, **ends},
                   {**names, "feature": "inceptionv3", "score": score - 0.2, **ends}]))  # fmt: skip
    table = {"clip_id": [str(n) for n in range(50)], "fold": 0, "truth": truth, "prediction": truth}
    for network in ("cnn", "inceptionv3"):
        writer.predictions("genre", network, "corrected", pd.DataFrame(table))
    return writer


@pytest.mark.parametrize(
    ("score", "half", "verdict"), [(0.6, 0.1, "confirmed"), (0.95, 0.04, "refuted"), (0.75, 0.1, "not decided")]
)
def test_80_percent_is_hard_to_reach_for_the_best_network(tmp_path, score, half, verdict) -> None:
    run(tmp_path, score, half)
    row = rows_of(tmp_path)["80"]
    assert row.verdict == verdict and f"cnn, has an accuracy of {score:.3f} [" in row.evidence


def test_two_genres_say_nothing_of_80_percent(tmp_path) -> None:
    run(tmp_path, 0.6, 0.1, np.repeat(["a", "b"], 25))
    row = rows_of(tmp_path)["80"]
    assert row.verdict == "not decided" and row.task == "" and "ten genres" in row.why


@pytest.mark.parametrize(("difference", "verdict"), [(0.1, "confirmed"), (-0.1, "refuted")])
def test_the_network_from_scratch_against_the_frozen_one(tmp_path, difference, verdict) -> None:
    writer = run(tmp_path, 0.6, 0.1)
    names = {"task": "genre", "protocol": "corrected", "feature_a": "cnn", "feature_b": "inceptionv3"}
    ends = {"metric": "accuracy", "difference": difference, "ci_low": difference - 0.05, "ci_high": difference + 0.05}
    writer.comparisons(comparison_rows([{**names, **ends, "p_value": 0.01, "p_holm": 0.02, "n_clips": 50}]))
    writer.config("ouyang2023", {"backbone_weights": "none"})
    found = rows_of(tmp_path)
    assert found["scratch"].verdict == verdict and "no ImageNet weights here" in found["scratch"].evidence
    assert found["sgd"].verdict == "not decided" and "another optimizer" in found["sgd"].why
