"""Repeated folds: every clip tested once a repetition, artists together where known, nothing tested chosen on."""

import numpy as np
import pytest

from mgc_keras.datasets.repeated_folds import repeated_folds, shuffled_folds
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import OptionError

N_CLIPS = 60
LABELS = np.array(["a", "b", "c"])[np.arange(N_CLIPS) % 3]
ARTISTS = np.array([f"{label}{i // 9}" for i, label in enumerate(LABELS)])
TASK = StudyTask("toy", "classification", [f"clip{i}" for i in range(N_CLIPS)], LABELS, groups=ARTISTS)


@pytest.mark.parametrize("grouped", [False, True])
def test_every_clip_is_tested_once_a_repetition_and_parts_are_disjoint(grouped: bool) -> None:
    folds = list(repeated_folds(TASK, grouped=grouped, validation=grouped, n_folds=4, n_repetitions=3, seed=5))
    assert len(folds) == 12 and len({fold.name for fold in folds}) == 12
    for repetition in range(3):
        tested = np.concatenate([fold.test for fold in folds if fold.repetition == repetition])
        np.testing.assert_array_equal(np.sort(tested), np.arange(N_CLIPS))
    for fold in folds:
        everything = np.concatenate([fold.training, fold.validation, fold.test])
        np.testing.assert_array_equal(np.sort(everything), np.arange(N_CLIPS))
        assert (len(fold.validation) > 0) == grouped
    assert not np.array_equal(folds[0].test, folds[4].test)


def test_corrected_folds_keep_artists_apart_in_all_three_parts() -> None:
    for fold in repeated_folds(TASK, n_folds=4, n_repetitions=2):
        parts = [set(ARTISTS[part]) for part in (fold.training, fold.validation, fold.test)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        assert set(LABELS[fold.training]) == set(LABELS)


def test_a_split_of_the_dataset_holds_under_the_corrected_protocol() -> None:
    split = np.array(["train", "train", "valid", "test"])[np.arange(N_CLIPS) // 15]
    task = StudyTask("toy", "classification", TASK.clip_ids, LABELS, split=split)
    folds = list(repeated_folds(task, n_repetitions=2))
    assert len(folds) == 2
    for fold in folds:
        assert set(split[fold.test]) == {"test"} and set(split[fold.validation]) == {"valid"}
        assert set(split[fold.training]) == {"train"}


def test_the_same_seed_deals_the_same_folds() -> None:
    np.testing.assert_array_equal(shuffled_folds(50, 10, (3, 1)), shuffled_folds(50, 10, (3, 1)))
    assert not np.array_equal(shuffled_folds(50, 10, (3, 1)), shuffled_folds(50, 10, (3, 2)))
    assert np.bincount(shuffled_folds(50, 10)).tolist() == [5] * 10


def test_a_class_too_small_to_choose_on_is_named() -> None:
    task = StudyTask("toy", "classification", list("abcdefg"), np.array(list("xxxxxyy")))
    with pytest.raises(OptionError, match="class 'y' has one clip left to train on"):
        list(repeated_folds(task, n_folds=2))


@pytest.mark.parametrize(
    ("options", "field"),
    [({"n_repetitions": 0}, "n_repetitions"), ({"n_folds": 61}, "n_folds")],
)
def test_options_that_make_no_sense_are_refused(options: dict, field: str) -> None:
    with pytest.raises(OptionError, match=field):
        list(repeated_folds(TASK, grouped=False, validation=False, **options))
