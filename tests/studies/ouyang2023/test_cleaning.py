"""Clean data: what goes, what is drawn, and three parts of every class."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken_clips import cut, tune, write

from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.errors import ManifestError
from mgc_keras.studies.ouyang2023.cleaning import (
    balanced,
    check_classes,
    check_manifest,
    class_counts,
    three_part_fold,
)

GTZAN = Path(__file__).parents[3] / "data_manifests" / "gtzan_genre.csv"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Three classes; one has a cut clip and a copy, two clips of different classes sound alike."""
    clips = {"a0": "a", "a1": "a", "a2": "a", "b0": "b", "b1": "b", "c0": "c", "gone": "c"}
    for number, name in enumerate(["a0", "b0", "c0"]):
        write(tmp_path / f"{name}.wav", tune(0.3, seed=number))
    cut(tmp_path / "a1.wav", tmp_path / "a0.wav")
    write(tmp_path / "a2.wav", tune(0.3, seed=0))
    write(tmp_path / "b1.wav", tune(0.3, seed=2))
    rows = {"clip_id": list(clips), "filepath": [f"{name}.wav" for name in clips], "label": list(clips.values())}
    pd.DataFrame(rows).to_csv(tmp_path / "few.csv", index=False)
    return read_manifest(tmp_path / "few.csv")


def test_faulty_clips_and_copies_are_named(manifest: Manifest) -> None:
    found = check_manifest(manifest, jobs=1)
    ids = np.array(manifest.clip_ids)
    assert ids[~found.usable].tolist() == ["a1", "gone"]
    # a2 repeats a0; b1 and c0 sound alike under two labels, so neither label can be trusted.
    assert ids[found.copies].tolist() == ["a2", "b1", "c0"]
    rows = {row.clip_id: row for row in found.faults}
    assert set(rows) == {"a1", "gone"} and rows["a1"].cause.startswith("truncated: ") and rows["gone"].cure


def test_gtzan_without_its_broken_clip_gives_the_papers_numbers() -> None:
    task = tasks_of(read_manifest(GTZAN))[0].with_split(False)
    usable = np.array(task.clip_ids) != "jazz.00054"
    counts = class_counts(task.target, usable=usable)
    assert counts.set_index("class")["usable"].to_dict() == {
        name: 99 if name == "jazz" else 100 for name in set(task.target)
    }
    clean = task.subset(usable)
    clean = clean.subset(balanced(clean.target, seed=3))
    fold = three_part_fold(clean, grouped=False, seed=3)
    counts = class_counts(clean.target, training=fold.training, validation=fold.validation, test=fold.test)
    assert (counts[["training", "validation", "test"]] == [80, 9, 10]).all(axis=None)
    assert len(set(np.concatenate([fold.training, fold.validation, fold.test]))) == len(clean) == 990
    other = three_part_fold(clean, grouped=False, seed=4)
    assert set(other.test) != set(fold.test)


def test_gtzan_corrected_keeps_to_the_fault_filtered_split() -> None:
    task = tasks_of(read_manifest(GTZAN))[0].with_split(True)
    fold = three_part_fold(task)
    assert [len(part) for part in (fold.training, fold.validation, fold.test)] == [443, 197, 290]
    assert set(task.split[fold.test]) == {"test"}


def test_corrected_keeps_artists_on_one_side() -> None:
    labels = np.repeat(["a", "b"], 30)
    groups = np.array([f"{label}{number % 10}" for number, label in enumerate(labels)])
    task = StudyTask("toy", "classification", list(range(60)), labels, groups)
    fold = three_part_fold(task, seed=1)
    artists = [set(groups[part]) for part in (fold.training, fold.validation, fold.test)]
    assert all(artists) and not artists[0] & artists[1] and not artists[0] & artists[2] and not artists[1] & artists[2]


def test_every_class_becomes_as_large_as_the_smallest() -> None:
    labels = np.array(["a"] * 9 + ["b"] * 4 + ["c"] * 5)
    kept = balanced(labels, seed=0)
    assert np.unique(labels[kept], return_counts=True)[1].tolist() == [4, 4, 4] and kept[labels == "b"].all()
    assert (balanced(labels, seed=0) == kept).all() and (balanced(labels, seed=1) != kept).any()


@pytest.mark.parametrize(
    ("labels", "usable", "message"),
    [
        ("aaaa", "1111", "names one class"),
        ("aaabbb", "111000", "class 'b' is empty after the check: all 3 clips are faulty"),
        ("aaab", "1111", "class 'b' has 1 usable clip of 1, and 3 are needed"),
        ("aaabbb", "111011", "class 'b' has 2 usable clips of 3"),
    ],
)
def test_classes_that_cannot_be_split(labels: str, usable: str, message: str) -> None:
    table = pd.DataFrame({"clip_id": [str(n) for n in range(len(labels))], "label": list(labels)})
    with pytest.raises(ManifestError, match=message) as raised:
        check_classes(Manifest("few", table, Path()), np.array([mark == "1" for mark in usable]))
    assert "few: label" in str(raised.value) and raised.value.cure


def test_two_classes_are_enough() -> None:
    table = pd.DataFrame({"clip_id": list("012345"), "label": list("aaabbb")})
    check_classes(Manifest("few", table, Path()), np.ones(6, bool))
    task = StudyTask("few", "classification", list(range(6)), table["label"].to_numpy(str))
    fold = three_part_fold(task, grouped=False)
    assert [len(part) for part in (fold.training, fold.validation, fold.test)] == [2, 2, 2]
