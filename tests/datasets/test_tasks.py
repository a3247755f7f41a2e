"""A study's tasks: names, targets, groups, and which split holds under which protocol."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.datasets.cards import manifest_folder
from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.datasets.tasks import tasks_of
from mgc_keras.errors import ManifestError, OptionError


def manifest(name: str, **columns: list) -> Manifest:
    n_clips = len(next(iter(columns.values())))
    ids = [f"clip{number}" for number in range(n_clips)]
    table = pd.DataFrame({"clip_id": ids, "filepath": [f"{name}.wav" for name in ids], **columns})
    return Manifest(name, table, Path("."))


def test_label_and_value_columns_become_tasks() -> None:
    tasks = tasks_of(manifest("emomusic", label_arousal=[0.1, 0.2], label_valence=[0.3, 0.4]))
    assert [(task.name, task.kind, task.metric, task.estimator) for task in tasks] == [
        ("emomusic_arousal", "regression", "r2", "SVR"),
        ("emomusic_valence", "regression", "r2", "SVR"),
    ]
    assert tasks[1].target.tolist() == [0.3, 0.4]


def test_what_cannot_be_a_task_is_refused_before_any_work() -> None:
    with pytest.raises(ManifestError, match="a: label: names one class alone, 'x'"):
        tasks_of(manifest("a", label=["x", "x"]))
    for name, columns in (("a__b", {"label": ["x", "y"]}), ("a", {"label_../x": [0.1, 0.2]})):
        with pytest.raises(ManifestError, match="task: .* cannot be part of a file name"):
            tasks_of(manifest(name, **columns))
    assert [task.name for task in tasks_of(manifest("NA", label=["x", "y"]))] == ["NA"]


def test_artists_count_only_where_all_are_known() -> None:
    assert tasks_of(manifest("a", label=["x", "y"], artist=["p", ""]))[0].groups is None
    assert tasks_of(manifest("a", label=["x", "y"], artist=["p", "q"]))[0].groups.tolist() == ["p", "q"]


def test_segments_stay_with_the_song_that_they_were_cut_from() -> None:
    songs = {"label": ["x", "y"], "cut_from": ["s", "t"]}
    assert tasks_of(manifest("a", **songs, artist=["p", ""]))[0].groups.tolist() == ["s", "t"]
    assert tasks_of(manifest("a", **songs, artist=["p", "p"]))[0].groups.tolist() == ["p", "p"]


def test_fewer_folds_than_asked_for_are_told(caplog: pytest.LogCaptureFixture) -> None:
    labels, artists = ["x"] * 14 + ["y"] * 6, [f"artist{number // 2}" for number in range(20)]
    task = tasks_of(manifest("few", label=labels, artist=artists))[0]
    # Once, however often they are drawn.
    assert all(len(np.unique(task.folds(False, seed))) == 6 for seed in range(3))
    assert len(np.unique(task.folds(True))) == 3
    assert caplog.messages == [
        "few: 6 folds, not 10: class 'y' has 6 clips, and each fold needs one of them to test",
        "few: 3 folds, not 10: class 'y' has 3 artists (or songs), and each fold needs one of them to test",
    ]
    caplog.clear()
    assert len(np.unique(task.folds(False, n_folds=6))) == 6 and not caplog.messages


def test_corrected_folds_keep_an_artist_together() -> None:
    artists = np.repeat([f"artist{number}" for number in range(15)], 4)
    task = tasks_of(manifest("a", label=["x", "y"] * 30, artist=artists.tolist()))[0]
    folds = task.folds(True)
    assert all(len(set(folds[artists == artist])) == 1 for artist in artists)
    assert any(len(set(task.folds(False)[artists == artist])) > 1 for artist in artists)


def test_gtzan_is_tested_on_the_fault_filtered_split_only_when_corrected() -> None:
    task = tasks_of(read_manifest(manifest_folder() / "gtzan_genre.csv"))[0]
    published, corrected = task.with_split(False), task.with_split(True)
    assert (len(published), len(corrected)) == (1000, 443 + 197 + 290)
    assert np.bincount(published.folds(False)).tolist() == [100] * 10
    assert (corrected.folds(True) == 0).sum() == 290


def test_a_manifest_without_targets_is_refused() -> None:
    with pytest.raises(ManifestError, match="nothing to predict"):
        tasks_of(manifest("a", artist=["p"]))


def test_there_are_no_more_folds_than_the_rarest_class_has_artists() -> None:
    artists = ["p", "q", "r"] * 10 + ["s", "t"] * 15
    task = tasks_of(manifest("a", label=["x"] * 30 + ["y"] * 30, artist=artists))[0]
    assert set(task.folds(True)) == {0, 1}
    assert set(task.folds(False)) == set(range(10))


@pytest.mark.parametrize("name", ["gtzan_genre.csv", "gt.csv", "my music.csv"])
def test_gtzan_is_known_by_its_clips_and_not_by_the_name_of_its_file(name: str, tmp_path: Path) -> None:
    # The same bytes, under any name, are the same task: the published protocol tests all of them.
    (tmp_path / name).write_bytes((manifest_folder() / "gtzan_genre.csv").read_bytes())
    task = tasks_of(read_manifest(tmp_path / name))[0]
    assert (len(task.with_split(False)), len(task.with_split(True))) == (1000, 930)
    assert task.with_split(False).split is None


def test_gtzan_is_known_by_its_paths_its_segments_and_a_few_of_its_clips() -> None:
    table = read_manifest(manifest_folder() / "gtzan_genre.csv").table
    few = {"label": table["label"][:300:60].tolist(), "split": table["split"][:300:60].tolist()}
    clips = table["clip_id"][:300:60]
    ids = [f"clip{number}" for number in range(len(clips))]
    for columns in (
        {"clip_id": clips, "filepath": ids},
        {"clip_id": ids, "filepath": [f"a/{clip}.mp3" for clip in clips]},
    ):
        assert tasks_of(Manifest("a", pd.DataFrame({**columns, **few}), Path(".")))[0].fault_filtered
    segments = pd.DataFrame({"clip_id": ids, "filepath": ids, "cut_from": clips.tolist(), **few})
    assert tasks_of(Manifest("a", segments, Path(".")))[0].fault_filtered


def test_ones_own_split_counts_under_every_protocol() -> None:
    table = read_manifest(manifest_folder() / "gtzan_genre.csv").table
    # Of GTZAN's clips, but another split; and of other clips, under GTZAN's name.
    own = table.assign(split=np.resize(["train", "valid", "test"], len(table)))
    others = {"label": ["blues", "jazz"] * 3, "split": ["train", "train", "test", "test", "", ""]}
    for found in (Manifest("gtzan_genre", own, Path(".")), manifest("gtzan_genre", **others)):
        task = tasks_of(found)[0]
        assert not task.fault_filtered and task.with_split(False).split.tolist() == task.with_split(True).split.tolist()


def test_whose_folds_are_tested_is_told() -> None:
    table = read_manifest(manifest_folder() / "gtzan_genre.csv").table
    task = tasks_of(Manifest("gt", table, Path(".")))[0]
    folds = task.with_split(False).folds(False)
    assert task.with_split(False).told_folds([np.flatnonzero(folds == k) for k in range(10)]) == "10 folds, made here"
    tested = [np.flatnonzero(task.with_split(True).split == "test")]
    told = "GTZAN's fault-filtered split of 2015 (443 train, 197 valid, 290 test)"
    assert task.with_split(True).told_folds(tested) == told
    own = tasks_of(manifest("a", label=["x", "y"] * 2, fold=[3, 3, 7, 7], split=["train", "test", "test", "test"]))[0]
    assert own.told_folds([np.array([2, 3]), np.array([1, 0])]) == "the 2 folds that the clips come with"
    assert own.told_folds([np.array([1, 2, 3])]) == "the split that the clips come with (1 train, 0 valid, 3 test)"
    assert own.told_folds([np.array([1, 2])]) == "one split, made here"


@pytest.mark.parametrize(("grouped", "unit"), [(False, "clip"), (True, "artist")])
def test_a_class_that_stands_alone_is_named_before_any_fold(grouped: bool, unit: str) -> None:
    columns = {"label": ["x", "x", "y", "y"], "artist": list("pqrr")}
    task = tasks_of(manifest("a", **(columns if grouped else {"label": list("xxxy")})))[0]
    with pytest.raises(OptionError, match=f"label: class 'y' has one {unit}.* alone, and needs one to learn from"):
        task.folds(grouped)
