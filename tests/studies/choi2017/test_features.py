"""Tasks joined with their features: order, clips that failed, clips that a split leaves out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import ManifestError
from mgc_keras.studies.choi2017.authors_files import published_data
from mgc_keras.studies.choi2017.features import exported_data
from mgc_keras.studies.choi2017.network import FEATURE_COLUMNS
from mgc_keras.studies.choi2017.study import STUDY


def feature_table(path: Path, clip_ids: list[str], **columns: list[float]) -> Path:
    values = np.arange(len(clip_ids))[:, None] + np.arange(160) / 1000
    keys = pd.DataFrame({"clip_id": clip_ids, "filepath": clip_ids, **columns})
    pd.concat([keys, pd.DataFrame(values, columns=list(FEATURE_COLUMNS))], axis=1).to_csv(path, index=False)
    path.with_suffix(".json").write_text(json.dumps({"extractor": {"dtype": "float64"}, "dtype": "float64"}))
    return path


def toy_manifest() -> Manifest:
    ids = ["a", "b", "c", "d"]
    return Manifest("toy", pd.DataFrame({"clip_id": ids, "filepath": ids, "label": list("xyxy")}), Path("."))


def test_rows_follow_the_manifest_and_failed_clips_are_left_out(tmp_path: Path) -> None:
    tables = {
        ("published", "convnet"): feature_table(tmp_path / "one.csv", ["a", "b", "c", "d"]),
        ("corrected", "random"): feature_table(tmp_path / "two.csv", ["a", "c", "d"]),
    }
    (data,) = exported_data(toy_manifest(), tables)
    assert data.task.clip_ids == ["a", "c", "d"] and data.task.target.tolist() == ["x", "x", "y"]
    np.testing.assert_allclose(data.blocks["published"]["1"][:, 0], [0, 2, 3])
    assert set(data.blocks["corrected"]) == {f"random_{layer}" for layer in "12345"}
    assert data.blocks["published"]["5"].shape == (3, 32)


def test_windows_of_a_clip_become_their_mean(tmp_path: Path) -> None:
    spans = {"start_s": [0.0, 5.0, 0.0, 0.0, 0.0, 5.0], "end_s": [5.0, 10.0, 5.0, 5.0, 5.0, 10.0]}
    path = feature_table(tmp_path / "one.csv", ["b", "b", "a", "c", "d", "d"], **spans)
    (data,) = exported_data(toy_manifest(), {("corrected", "convnet"): path})
    assert data.task.clip_ids == ["a", "b", "c", "d"]
    np.testing.assert_allclose(data.blocks["corrected"]["1"][:, 0], [2, 0.5, 3, 4.5])
    assert data.blocks["corrected"]["5"].shape == (4, 32)


def test_no_clip_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no clip could be read"):
        exported_data(toy_manifest(), {("published", "convnet"): feature_table(tmp_path / "one.csv", ["other"])})


def test_gtzan_takes_the_authors_rows_and_the_filtered_test_set(shared_data: Path) -> None:
    corrected = STUDY.protocol("corrected")
    data = published_data(shared_data / "choi2017", "gtzan_genre", [STUDY.protocol("published"), corrected])
    task, blocks = data.under(corrected)
    assert len(task) == len(blocks["1"]) == 930
    row = data.task.clip_ids.index(task.clip_ids[-1])
    np.testing.assert_array_equal(blocks["3"][-1], data.blocks["published"]["3"][row])
    assert data.task.published["12345"] == pytest.approx(0.898, abs=5e-4)
    assert (task.folds(grouped=True) == 0).sum() == 290
