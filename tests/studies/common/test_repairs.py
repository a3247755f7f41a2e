"""What repairs are worth: against counts by hand, where clips are tested more than once, or on one side alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typed_rows import score_rows

from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.repairs import write_repairs

WITHOUT = "corrected-without-scaling"


def run_of(folder: Path, predictions: dict[str, pd.DataFrame]) -> Path:
    writer = RunWriter(folder)
    about = {"study": "choi2017", "task": "t", "feature": "mfcc", "metric": "accuracy", "published": float("nan")}
    ends = {"score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n_clips": 20}
    writer.scores(score_rows([about | ends | {"protocol": protocol} for protocol in predictions]))
    for protocol, table in predictions.items():
        writer.predictions("t", "mfcc", protocol, table)
    return folder


def drawn(n_clips: int, folds: int, seed: int, first: int = 0) -> pd.DataFrame:
    """Each clip is tested in every fold; truths go by the clip, predictions are random."""
    random = np.random.default_rng(seed)
    clips = np.tile(np.arange(first, first + n_clips), folds)
    table = pd.DataFrame({"clip_id": [f"c{clip}" for clip in clips], "fold": np.repeat(range(folds), n_clips)})
    return table.assign(truth=np.where(clips % 2, "x", "y"), prediction=random.choice(["x", "y"], len(clips)))


@pytest.mark.parametrize("folds", [1, 3])
def test_the_same_tests_of_the_same_clips_are_compared(tmp_path: Path, folds: int) -> None:
    corrected, without = drawn(40, folds, seed=0), drawn(40, folds, seed=1, first=10)
    (row,) = write_repairs(run_of(tmp_path, {"corrected": corrected, WITHOUT: without})).to_dict("records")
    shared = {f"c{clip}" for clip in range(10, 40)}
    right = [
        [
            truth == prediction
            for clip, truth, prediction in zip(table.clip_id, table.truth, table.prediction)
            if clip in shared
        ]
        for table in (corrected, without)
    ]
    assert row["n_clips"] == 30 * folds == len(right[0]) == len(right[1])
    assert (row["corrected"], row["without"]) == (pytest.approx(np.mean(right[0])), pytest.approx(np.mean(right[1])))
    assert row["difference"] == pytest.approx(row["corrected"] - row["without"]) and row["repair"] == "scaling"
    assert row["ci_low"] < row["difference"] < row["ci_high"] and row["p_value"] == row["p_holm"]
    assert pd.read_csv(tmp_path / "repairs.csv")["difference"].tolist() == pytest.approx([row["difference"]])


def test_where_nothing_can_be_compared_nothing_is_written(tmp_path: Path) -> None:
    one_artist = drawn(10, 1, seed=0).assign(group="a")
    runs = {
        "no_repair_left_out": {"corrected": drawn(10, 1, seed=0)},
        "other_clips": {"corrected": drawn(10, 1, seed=0), WITHOUT: drawn(10, 1, seed=1, first=10)},
        "one_artist": {"corrected": one_artist, WITHOUT: one_artist},
    }
    for name, predictions in runs.items():
        assert write_repairs(run_of(tmp_path / name, predictions)).empty
        assert not (tmp_path / name / "repairs.csv").exists()
