"""The batch-border audit: on made-up batches with a known effect, and on the published GTZAN features."""

import numpy as np
import pandas as pd
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.studies.choi2017.audits.batch_border import BATCH_BORDER, SAME_BATCH, SHIFTED, batch_border, batch_number


@pytest.fixture(scope="module")
def gtzan(shared_data):
    folder = shared_data / "choi2017" / "data_feats"
    layers = [np.load(folder / f"gtzan_genre_layer_{layer}.npy", allow_pickle=False) for layer in range(5)]
    mfcc = np.load(folder / "gtzan_genre_mfcc.npy", allow_pickle=False)
    paths = pd.read_csv(shared_data / "choi2017" / "data_csv" / "gtzan_genre.csv")["filepath"]
    return {"12345": np.hstack(layers), "mfcc": mfcc}, paths.str.split("/").str[2].to_numpy()


@pytest.fixture(scope="module")
def published_borders(gtzan):
    return batch_border(*gtzan)


def _at(table, feature, label, kind):
    cells = table[(table["feature"] == feature) & (table["label"] == label) & (table["kind"] == kind)]
    return cells.set_index("border_row")["balanced_accuracy"]


def test_published_features_betray_their_batch(published_borders):
    table = published_borders.table
    # The recorded figures: 0.992 for country at row 256, 0.976 for pop at row 768.
    assert _at(table, "12345", "country", BATCH_BORDER)[256] == pytest.approx(0.992, abs=0.0006)
    assert _at(table, "12345", "pop", BATCH_BORDER)[768] == pytest.approx(0.976, abs=0.0006)
    assert _at(table, "mfcc", "country", BATCH_BORDER)[256] < 0.75
    controls = table[(table["feature"] == "12345") & (table["kind"] != BATCH_BORDER)]
    assert len(controls) == 10
    assert controls["balanced_accuracy"].max() < 0.85
    assert "12345 0.939" in published_borders.conclusion


def test_the_number_of_the_batch_lifts_mfcc(gtzan):
    features, labels = gtzan
    table = batch_number(features["mfcc"], labels).table.set_index("feature")
    # Recorded: from 0.67 to 0.85.
    assert table.loc["mfcc", "accuracy"] == pytest.approx(0.67, abs=0.005)
    assert table.loc["mfcc + batch number", "accuracy"] == pytest.approx(0.85, abs=0.005)
    # 100 clips a class; the best guess from the batch alone is one class of each of the four batches.
    assert table.loc["batch number", "accuracy"] == 0.4


def _made_up(effect):
    generator = np.random.default_rng(0)
    labels = np.repeat(["blues", "jazz", "rock"], 40)
    features = generator.normal(size=(120, 6))
    features[:, 0] += effect * (np.arange(120) // 60)
    return features, labels


def test_cuts_lie_where_they_should():
    features, labels = _made_up(0)
    table = batch_border({"noise": features}, labels, batch_size=60, n_folds=5).table
    # Of the three classes only the second (rows 40 to 79) is cut by the border at row 60.
    assert set(table["label"]) == {"jazz"}
    assert table.groupby("kind")["border_row"].apply(list).to_dict() == {
        BATCH_BORDER: [60], SAME_BATCH: [50, 70], SHIFTED: [50, 70]
    }  # fmt: skip
    sizes = table.set_index(["kind", "border_row"])[["n_before", "n_after"]]
    assert tuple(sizes.loc[(BATCH_BORDER, 60)]) == (20, 20)
    assert tuple(sizes.loc[(SHIFTED, 70)]) == (30, 10)
    assert tuple(sizes.loc[(SAME_BATCH, 70)]) == (10, 10)


def test_a_batch_effect_is_found_only_where_there_is_one():
    labels = _made_up(0)[1]
    features = {"without": _made_up(0)[0], "with": _made_up(8)[0]}
    table = batch_border(features, labels, batch_size=60, n_folds=5).table
    assert _at(table, "with", "jazz", BATCH_BORDER)[60] == 1.0
    assert _at(table, "without", "jazz", BATCH_BORDER)[60] < 0.75
    assert _at(table, "with", "jazz", SAME_BATCH).max() < 0.8


def test_no_border_inside_a_class_is_said_plainly():
    features, labels = _made_up(0)
    result = batch_border({"noise": features}, labels, batch_size=40, n_folds=5)
    assert result.table.empty
    assert "nothing can be told" in result.conclusion


def test_unusable_input_is_refused():
    features, labels = _made_up(0)
    with pytest.raises(OptionError, match="noise"):
        batch_border({"noise": features[:-1]}, labels)
    with pytest.raises(OptionError):
        batch_border({"noise": features}, labels, batch_size=0)
    with pytest.raises(OptionError):
        batch_number(features[:, 0], labels)
