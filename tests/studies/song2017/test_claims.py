"""What learning curves say of the speed of both starts, from curves whose numbers are known."""

import numpy as np
import pandas as pd
import pytest
from typed_rows import score_rows

from mgc_keras.evaluation.fold_tests import corrected_t_test
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.studies.common.claims import write_claims


def rise(to_90: int, n_epochs: int = 20) -> np.ndarray:
    """Training accuracy that is below 90 % of its last value up to an epoch, and there from it on."""
    return np.where(np.arange(1, n_epochs + 1) >= to_90, 0.95, 0.2)


@pytest.mark.parametrize(
    ("transfer", "random_start", "verdict"),
    [((3, 4, 3, 4, 3), (12, 13, 11, 12, 13), "confirmed"), ((12, 13, 11, 12, 13), (3, 4, 3, 4, 3), "refuted"),
     ((3, 9, 3, 9, 5), (4, 8, 9, 3, 6), "not decided")],
)  # fmt: skip
def test_training_accuracy_comes_sooner_in_all_folds(tmp_path, transfer, random_start, verdict) -> None:
    names = {"study": "song2017", "task": "genre", "protocol": "corrected", "metric": "accuracy", "n_clips": 50}
    ends = {"score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "published": np.nan}
    RunWriter(tmp_path).scores(
        score_rows([{**names, "feature": start, **ends} for start in ("transfer", "random-start")])
    )
    rows = [
        {"task": "genre", "protocol": "corrected", "start": start, "seed": 0, "repetition": 0, "fold": fold,
         "epoch": epoch, "training_accuracy": accuracy, "test_accuracy": accuracy}
        for start, epochs in (("transfer", transfer), ("random-start", random_start))
        for fold, to_90 in enumerate(epochs)
        for epoch, accuracy in enumerate(rise(to_90), 1)
    ]  # fmt: skip
    write_table(pd.DataFrame(rows), tmp_path / "curves.csv")
    (row,) = (row for row in write_claims(tmp_path) if row.claim == "folds")
    test = corrected_t_test(np.subtract(transfer, random_start).astype(float), 1 / 4)
    sooner = sum(a < b for a, b in zip(transfer, random_start))
    assert row.verdict == verdict and row.evidence.startswith(f"In {sooner} of 5 folds")
    assert f"is {test.difference:+.3f} [{test.low:+.3f}, {test.high:+.3f}] epochs" in row.evidence
