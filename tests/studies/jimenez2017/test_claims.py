"""Each claim turns out either way, from files whose numbers are known."""

import numpy as np
import pandas as pd
import pytest
from typed_rows import comparison_rows, score_rows

from mgc_keras.evaluation.fold_tests import corrected_t_test
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.studies.common.claims import write_claims


@pytest.fixture
def writer(tmp_path) -> RunWriter:
    names = {"study": "jimenez2017", "task": "songs", "protocol": "corrected", "metric": "accuracy", "n_clips": 30}
    ends = {"score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "published": np.nan}
    RunWriter(tmp_path).scores(score_rows([{**names, "feature": "finetune-mean", **ends}]))
    return RunWriter(tmp_path)


def curve(writer: RunWriter, sub_run: str, fold: int, training: float, validation: float) -> None:
    table = pd.DataFrame(
        {"epoch": [1, 2], "training_accuracy": [0.1, training], "validation_accuracy": [0.9, validation]}
    )
    write_table(table, writer.folder / "training" / f"songs__{sub_run}__corrected__fold{fold}" / "curve.csv")


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [((0.30, 0.32, 0.31), "confirmed"), ((-0.30, -0.32, -0.31), "refuted"), ((0.3, -0.4, 0.2), "not decided")],
)
def test_over_fitting_is_the_gap_at_the_last_epoch_over_folds(writer, gaps, verdict) -> None:
    for fold, gap in enumerate(gaps):
        curve(writer, "finetune", fold, 0.5 + gap, 0.4)
        curve(writer, "extractor", fold, 0.5, 0.4)
    row = next(row for row in write_claims(writer.folder) if row.claim == "over-fits")
    test = corrected_t_test(np.array(gaps), 1 / 2)
    assert row.verdict == verdict
    assert f"is {test.difference:+.3f} [{test.low:+.3f}, {test.high:+.3f}] over 3 folds" in row.evidence


def test_one_split_decides_nothing(writer) -> None:
    curve(writer, "finetune", 0, 0.9, 0.4)
    curve(writer, "extractor", 0, 0.5, 0.4)
    row = next(row for row in write_claims(writer.folder) if row.claim == "over-fits")
    assert (row.verdict, row.why) == ("not decided", "One split has no interval.") and "+0.400" in row.evidence


def test_every_average_is_held_against_the_centre(writer) -> None:
    rows = []
    for way, difference, p_holm in (("mean", 0.2, 0.01), ("geometric", -0.2, 0.01), ("knn", 0.1, 0.2)):
        names = {
            "task": "songs",
            "protocol": "corrected",
            "feature_a": f"finetune-{way}",
            "feature_b": "finetune-centre",
        }
        ends = {
            "metric": "accuracy",
            "difference": difference,
            "ci_low": difference - 0.15,
            "ci_high": difference + 0.15,
        }
        rows.append({**names, **ends, "p_value": p_holm, "p_holm": p_holm, "n_clips": 30})
    writer.comparisons(comparison_rows(rows))
    found = [row for row in write_claims(writer.folder) if row.claim == "frames"]
    assert [row.verdict for row in found] == ["confirmed", "refuted", "not decided"]
    assert found[0].evidence.startswith(
        "Fine-tuned, all excerpts, mean: accuracy minus that of the centre excerpt is +0.200"
    )
    assert "over 30 songs" in found[0].evidence and found[2].why == "The interval includes 0."
