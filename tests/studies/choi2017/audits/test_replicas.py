"""The replicas audit against a brute-force search, planted copies and what is known about GTZAN."""

import numpy as np
import pandas as pd
import pytest

from mgc_keras.datasets.gtzan import COUNTS_OF_COPIES
from mgc_keras.errors import OptionError
from mgc_keras.studies.choi2017.audits.replicas import replicas


def test_pairs_equal_a_brute_force_search():
    generator = np.random.default_rng(0)
    table = generator.normal(size=(60, 8))
    table[41], table[7] = table[3], table[3]
    table[50] = table[20] + 0.01 * generator.normal(size=8)
    standard = (table - table.mean(axis=0)) / table.std(axis=0)
    expected = {
        (a, b) for a in range(60) for b in range(a + 1, 60) if np.sqrt(np.mean((standard[a] - standard[b]) ** 2)) <= 0.4
    }
    ids = [str(i) for i in range(60)]
    result = replicas({"x": table}, ids, labels=np.arange(60) % 2, folds=np.arange(60) // 30, near=0.4)
    found = result.table
    assert {(int(a), int(b)) for a, b in zip(found["clip_a"], found["clip_b"])} == expected
    assert {(3, 41), (7, 41), (3, 7), (20, 50)} <= expected
    assert (found["kind"] == "exact").sum() == 3
    rows = found.set_index(["clip_a", "clip_b"])
    assert bool(rows.loc[("3", "7"), "same_label"]) and not rows.loc[("3", "7"), "straddles_folds"]
    assert rows.loc[("3", "41"), "straddles_folds"]
    assert not replicas({"x": table}, ids, near=0.0).table["kind"].eq("near").any()


def test_published_gtzan_features_hold_copies(shared_data):
    folder = shared_data / "choi2017" / "data_feats"
    layers = [np.load(folder / f"gtzan_genre_layer_{layer}.npy", allow_pickle=False) for layer in range(5)]
    tables = {"mfcc": np.load(folder / "gtzan_genre_mfcc.npy", allow_pickle=False), "12345": np.hstack(layers)}
    paths = pd.read_csv(shared_data / "choi2017" / "data_csv" / "gtzan_genre.csv")["filepath"].str.split("/")
    result = replicas(tables, list(paths.str[3]), labels=paths.str[2].to_numpy(), batch_size=256)
    table = result.table
    pairs = set(zip(table["clip_a"], table["clip_b"]))
    # Copies that the literature names, within a genre and across two.
    assert ("hiphop.00039.au", "hiphop.00045.au") in pairs
    assert ("metal.00058.au", "rock.00016.au") in pairs
    exact = table[table["kind"] == "exact"]
    assert len(exact) == 14 and len(table) == 27
    assert f"features {len(exact)} and {len(table) - len(exact)}," in COUNTS_OF_COPIES
    assert exact["distance_mfcc"].max() < 1e-6
    # Identical audio, other batch: other features. Identical audio, same batch: identical features.
    assert (exact.loc[exact["same_batch"], "distance_12345"] < 1e-6).all()
    assert (exact.loc[~exact["same_batch"], "distance_12345"] > 0.4).all()
    assert "2 identical pairs that did not share a batch" in result.conclusion


def test_nothing_found_and_unusable_input():
    table = np.random.default_rng(1).normal(size=(20, 30))
    result = replicas({"x": table}, [str(i) for i in range(20)], folds=np.zeros(20), near=0.01)
    assert result.table.empty and list(result.table)[:2] == ["clip_a", "clip_b"]
    for bad in (table[:-1], np.where(table > 1, np.nan, table)):
        with pytest.raises(OptionError, match="x"):
            replicas({"x": bad}, [str(i) for i in range(20)])
    with pytest.raises(OptionError):
        replicas({}, [])
