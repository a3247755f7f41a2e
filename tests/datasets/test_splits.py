"""Folds against scikit-learn where it still agrees, against folds written out by hand where it does not."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from mgc_keras.datasets.splits import (
    choose_folds,
    grouped_folds,
    grouped_stratified_folds,
    plain_folds,
    predefined_folds,
    published_stratified_folds,
    train_test_fold,
    validation_fold,
)
from mgc_keras.errors import ManifestError, OptionError


def from_splits(splits, n_clips):
    folds = np.full(n_clips, -1)
    for number, (_, test) in enumerate(splits):
        folds[test] = number
    return folds


@pytest.mark.parametrize(("n_clips", "n_folds"), [(10, 10), (11, 2), (744, 10), (23, 7)])
def test_plain_folds_are_those_of_kfold(n_clips, n_folds):
    expected = from_splits(KFold(n_folds).split(np.zeros(n_clips)), n_clips)
    assert np.array_equal(plain_folds(n_clips, n_folds), expected)


def test_published_folds_of_balanced_classes_are_those_of_todays_stratified_kfold():
    labels = np.tile(np.repeat(list("abc"), 10), 2)
    expected = from_splits(StratifiedKFold(10).split(labels, labels), len(labels))
    assert np.array_equal(published_stratified_folds(labels, 10), expected)


def test_published_folds_of_unbalanced_classes_cut_each_class_by_itself():
    labels = list("aababbaab")  # a: 0 1 3 6 7 in blocks of 2, 2, 1; b: 2 4 5 8 in blocks of 2, 1, 1
    assert published_stratified_folds(labels, 3).tolist() == [0, 0, 0, 1, 0, 1, 1, 2, 2]
    todays = from_splits(StratifiedKFold(3).split(labels, labels), len(labels))
    assert todays.tolist() != published_stratified_folds(labels, 3).tolist()


def test_predefined_folds_are_numbered_from_0():
    assert predefined_folds([10, 1, 2, 10]).tolist() == [2, 0, 1, 2]


def test_a_test_split_is_one_fold_and_the_rest_always_trains():
    split = ["train", "valid", "test", "train"]
    assert train_test_fold(split).tolist() == [-1, -1, 0, -1]
    assert validation_fold(split).tolist() == [-1, 0, -1, -1]
    assert validation_fold(["train", "test"]) is None


@pytest.mark.parametrize("seed", [0, 1])
def test_grouped_folds_keep_groups_together_and_test_every_clip(seed):
    random = np.random.default_rng(3)
    groups = random.integers(0, 40, 200)
    labels = np.where(groups % 3 == 0, "rock", "jazz")
    for folds in (grouped_stratified_folds(labels, groups, 5, seed), grouped_folds(200, groups, 5, seed)):
        assert set(folds) == set(range(5))
        assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
        assert np.bincount(folds).max() < 2 * np.bincount(folds).min()


def test_folds_without_groups_are_balanced_and_seeded():
    labels = np.repeat(["rock", "jazz"], [60, 40])
    folds = grouped_stratified_folds(labels, None, 10, seed=1)
    assert all((np.bincount(folds[labels == name]) == count).all() for name, count in (("rock", 6), ("jazz", 4)))
    assert np.array_equal(folds, grouped_stratified_folds(labels, None, 10, seed=1))
    assert not np.array_equal(folds, grouped_stratified_folds(labels, None, 10, seed=2))
    assert np.array_equal(np.bincount(grouped_folds(100, None, 10, seed=1)), np.full(10, 10))


def test_choice_of_folds():
    labels = np.repeat(["a", "b"], 6)
    assert choose_folds(False, labels, n_folds=3).tolist() == [0, 0, 1, 1, 2, 2] * 2
    assert choose_folds(False, np.arange(6.0), regression=True, n_folds=3).tolist() == [0, 0, 1, 1, 2, 2]
    groups = np.arange(12) // 2
    kept = choose_folds(True, labels, groups=groups, n_folds=3)
    assert all(len(set(kept[groups == group])) == 1 for group in groups)
    for grouped in (False, True):
        assert choose_folds(grouped, labels, fold_column=[1, 2] * 6, n_folds=3).tolist() == [0, 1] * 6
        assert choose_folds(grouped, labels, split_column=["train", "test"] * 6).tolist() == [-1, 0] * 6


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (OptionError, lambda: published_stratified_folds(list("aab"), 2)),
        (OptionError, lambda: plain_folds(3, 4)),
        (OptionError, lambda: grouped_stratified_folds(list("aabb"), [1, 1, 1, 1], 2)),
        (OptionError, lambda: grouped_folds(4, [1, 1, 2, 2], 3)),
        (ManifestError, lambda: predefined_folds([1.0, np.nan, 2.0])),
        (ManifestError, lambda: predefined_folds([1, 1])),
        (ManifestError, lambda: train_test_fold(["train", "train"])),
        (ManifestError, lambda: train_test_fold(["test", "test"])),
    ],
)
def test_folds_that_make_no_sense_are_refused(error, call):
    with pytest.raises(error):
        call()
