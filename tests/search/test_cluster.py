"""The search on a cluster: a scheduler and two worker processes of Dask give what one process gives, byte for byte."""

import os
import signal
import sys

import numpy as np
import pytest

from mgc_keras.cluster import open_cluster
from mgc_keras.datasets.splits import plain_folds, published_stratified_folds
from mgc_keras.errors import OptionError
from mgc_keras.search import CORRECTED, PUBLISHED, Candidate, sweep, sweeps

pytest.importorskip("distributed", reason="needs the extra [cluster]")

SETS = {"1": ("1",), "2": ("2",), "12": ("1", "2"), "mfcc+12": ("mfcc", "1", "2")}
GRID = [
    Candidate("linear", 0.1), Candidate("linear", 8.0),
    Candidate("rbf", 2.0, 0.05), Candidate("rbf", 8.0, 0.05), Candidate("rbf", 8.0, 0.2),
]  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    with open_cluster("local:2") as cluster:
        # One process has both threads; tests kill one of two.
        cluster.client.cluster.scale(2)
        cluster.client.wait_for_workers(2, timeout=60)
        yield cluster


def task(estimator):
    random = np.random.default_rng(0)
    labels = np.repeat(["rock", "jazz", "folk"], 20)
    centres = {"rock": 0.0, "jazz": 1.0, "folk": 2.0}
    blocks = {
        name: (random.normal(size=(60, 4)) + [[centres[label]] for label in labels]).astype(np.float32)
        for name in ("1", "2", "mfcc")
    }
    if estimator == "SVC":
        return blocks, labels, published_stratified_folds(labels, 4)
    return blocks, blocks["1"].sum(axis=1) + random.normal(size=60), plain_folds(60, 4)


def records(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("settings", [PUBLISHED, CORRECTED], ids=lambda settings: settings.name)
@pytest.mark.parametrize("clips", ["few", "many"])
@pytest.mark.parametrize("estimator", ["SVC", "SVR"])
def test_records_are_those_of_one_process(estimator, clips, settings, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "_FEW_CLIPS", 100 if clips == "few" else 10)
    budget = {"mfcc+12": 200}
    told = []
    arguments = {"estimator": estimator, "settings": settings, "grid": GRID, "max_iter": budget}
    alone = sweep(*task(estimator), SETS, **arguments, record=tmp_path / "alone")
    ours = sweep(
        *task(estimator), SETS, **arguments, record=tmp_path / "cluster", cluster=cluster,
        on_result=lambda name, _: told.append(name),
    )  # fmt: skip
    assert list(ours) == told == list(SETS)
    assert {name: result.score for name, result in ours.items()} == {n: r.score for n, r in alone.items()}
    assert records(tmp_path / "cluster") == records(tmp_path / "alone") and len(records(tmp_path / "alone")) == 4


@pytest.mark.parametrize("clips", ["few", "many"])
def test_a_sweep_goes_on_without_the_cluster_and_on_it(clips, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "_FEW_CLIPS", 100 if clips == "few" else 10)

    def stopped(name, result):
        if name == "2":
            raise KeyboardInterrupt

    sweep(*task("SVC"), SETS, grid=GRID, record=tmp_path / "whole")
    for folder, first, then in (("a", cluster, None), ("b", None, cluster)):
        with pytest.raises(KeyboardInterrupt):
            sweep(*task("SVC"), SETS, grid=GRID, record=tmp_path / folder, cluster=first, on_result=stopped)
        assert 2 <= len(records(tmp_path / folder)) <= 4
        sweep(*task("SVC"), SETS, grid=GRID, record=tmp_path / folder, cluster=then)
        assert records(tmp_path / folder) == records(tmp_path / "whole")


@pytest.mark.parametrize("clips", ["few", "many"])
def test_what_a_killed_worker_had_begun_is_searched_by_another(clips, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "_FEW_CLIPS", 1000 if clips == "few" else 10)
    random = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), 75)
    blocks = {name: random.normal(size=(300, 8)) + labels[:, None] * 0.3 for name in ("1", "2")}
    sets = {name: tuple(name) for name in ("1", "2", "12")}
    given = (blocks, labels, published_stratified_folds(labels, 5), sets)
    sweep(*given, grid=GRID[2:], record=tmp_path / "alone")
    cluster.client.wait_for_workers(2, timeout=60)
    killed = min(cluster.client.run(os.getpid).values())

    def kill(name, result):
        if name == "1":
            os.kill(killed, signal.SIGKILL)

    sweep(*given, grid=GRID[2:], record=tmp_path / "cluster", cluster=cluster, on_result=kill)
    assert records(tmp_path / "cluster") == records(tmp_path / "alone") and len(records(tmp_path / "alone")) == 3


def test_errors_of_a_search_arrive_as_they_are(cluster):
    blocks, labels, folds = task("SVC")
    with pytest.raises(OptionError, match="max_iter: the iteration budget cut off every candidate"):
        sweep(blocks, labels, folds, {"1": ("1",)}, grid=GRID[:1], max_iter=1, cluster=cluster)
    spoilt = {**blocks, "2": np.where(np.arange(60)[:, None] == 7, np.nan, blocks["2"])}
    with pytest.raises(OptionError, match=r"features_by_block\['2'\]: clip 7 has a value that is not finite"):
        sweep(spoilt, labels, folds, {"2": ("2",)}, grid=GRID, cluster=cluster)


def test_without_dask_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(OptionError, match=r"^--cluster: needs Dask \(pip install 'mgc_keras\[cluster\]'\)$"),
        open_cluster("local:2"),
    ):
        pass
