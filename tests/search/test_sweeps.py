"""Sweeps resume where they were killed, and give the same for any number of jobs."""

import json

import numpy as np
import pytest

from mgc_keras.datasets.splits import published_stratified_folds
from mgc_keras.errors import OptionError
from mgc_keras.search import Candidate, sweep, sweeps
from mgc_keras.search.sweeps import record_path
from mgc_keras.work import write_record

SETS = {name: tuple(name) for name in ("1", "2", "3", "12", "13", "23", "123")} | {"mfcc": ("mfcc",)}
GRID = [Candidate("linear", 0.1), Candidate("rbf", 2.0, 0.05), Candidate("rbf", 8.0, 0.05)]


@pytest.fixture
def task():
    random = np.random.default_rng(0)
    labels = np.repeat(["rock", "jazz"], 20)
    blocks = {name: random.normal(size=(40, 4)) + (labels == "jazz")[:, None] for name in ("1", "2", "3", "mfcc")}
    return blocks, labels, published_stratified_folds(labels, 4)


def same(one, two):
    return (
        one.score == two.score
        and one.settings == two.settings
        and one.chosen == two.chosen
        and one.best == two.best
        and one.fold_scores == two.fold_scores
        and one.cut_off == two.cut_off
        and one.cv_results.equals(two.cv_results)
        and one.predictions.equals(two.predictions)
    )


def test_a_killed_sweep_goes_on_where_it_was(task, tmp_path, monkeypatch):
    expected = sweep(*task, SETS, grid=GRID)
    seen = []

    def killed_after_three(name, result):
        seen.append(name)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(*task, SETS, grid=GRID, record=tmp_path, on_result=killed_after_three)
    searched = []
    original = sweeps.search_prepared
    monkeypatch.setattr(
        sweeps, "search_prepared", lambda *given: searched.append("".join(given[1])) or original(*given)
    )
    results = sweep(*task, SETS, grid=GRID, record=tmp_path)
    assert searched == ["12", "13", "23", "123", "mfcc"]
    assert list(results) == list(expected) and all(same(results[name], expected[name]) for name in expected)
    assert all(record_path(tmp_path, "task", name, "published").is_file() for name in expected)


def test_records_of_something_else_are_not_used(task, tmp_path):
    blocks, labels, folds = task
    first = sweep(blocks, labels, folds, {"1": ("1",)}, grid=GRID, record=tmp_path)["1"]
    shuffled = np.random.default_rng(1).permutation(labels)
    second = sweep(blocks, shuffled, folds, {"1": ("1",)}, grid=GRID, record=tmp_path)["1"]
    assert first.score != second.score
    smaller = sweep(blocks, shuffled, folds, {"1": ("1",)}, grid=GRID[:1], record=tmp_path)["1"]
    assert len(smaller.cv_results) == 1
    moved = {**blocks, "1": blocks["1"] + 1e-9}
    record = record_path(tmp_path, "task", "1", "published")
    before = record.read_bytes()
    sweep(moved, shuffled, folds, {"1": ("1",)}, grid=GRID[:1], record=tmp_path)
    assert record.read_bytes() != before


def test_damaged_records_are_searched_anew(task, tmp_path):
    first = sweep(*task, {"1": ("1",)}, grid=GRID, record=tmp_path)["1"]
    record = record_path(tmp_path, "task", "1", "published")
    whole = json.loads(record.read_text())
    record.write_text(json.dumps({**whole, "score": 1.0}))
    assert same(sweep(*task, {"1": ("1",)}, grid=GRID, record=tmp_path)["1"], first)
    shorter = {name: column[:-1] if name == "fold" else column for name, column in whole["predictions"].items()}
    for spoilt in ({**whole, "predictions": shorter}, {**whole, "settings": 3}, {**whole, "chosen": [{"C": 1}]}):
        # With a hash of itself that is right, as of another version's record.
        write_record(record, {name: value for name, value in spoilt.items() if name != "record_sha256"})
        assert same(sweep(*task, {"1": ("1",)}, grid=GRID, record=tmp_path)["1"], first)
        assert json.loads(record.read_text()) == whole


def test_processes_give_what_one_gives(task):
    one, two = (
        sweep(*task, {"1": "1", "23": "23", "mfcc+123": ("mfcc", *"123")}, grid=GRID, jobs=jobs) for jobs in (1, 2)
    )
    assert all(same(one[name], two[name]) and one[name].n_fits == two[name].n_fits for name in one)


def test_threads_give_what_one_gives(task, monkeypatch):
    monkeypatch.setattr(sweeps, "_FEW_CLIPS", 10)
    one, two = (sweep(*task, {"1": "1", "23": "23", "mfcc": ("mfcc",)}, grid=GRID, jobs=jobs) for jobs in (1, 2))
    assert all(same(one[name], two[name]) and one[name].n_fits == two[name].n_fits for name in one)


def test_a_budget_can_be_given_to_some_sets_only(task):
    blocks, labels, folds = task
    blocks = {**blocks, "mfcc": 100 * blocks["mfcc"]}
    results = sweep(blocks, labels, folds, {"1": "1", "mfcc": ("mfcc",)}, grid=GRID, max_iter={"mfcc": 40})
    assert results["1"].cut_off == () and results["mfcc"].cut_off == ("linear C=0.1",)


def test_a_missing_block_is_named(task):
    with pytest.raises(OptionError, match="'5'"):
        sweep(*task, {"125": "125"})
