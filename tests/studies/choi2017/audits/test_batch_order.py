"""The batch-order audit on made-up features whose batches carry a known offset."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import accuracy
from mgc_keras.studies.choi2017.audits.batch_order import batch_order, nested_linear_svm


@pytest.fixture(scope="module")
def made_up():
    generator = np.random.default_rng(0)
    labels = np.repeat(np.array(["blues", "jazz", "pop"]), 40)
    folds = np.arange(120) % 5
    plain = generator.normal(size=(120, 5))
    plain[:, 0] += 0.8 * (labels == "jazz")
    offsets = generator.normal(scale=3, size=(3, 5))
    shuffled = generator.permutation(np.arange(120) // 40)
    tables = {
        "class-sorted batches": plain + offsets[np.arange(120) // 40],
        "shuffled batches": plain + offsets[shuffled],
        "one by one": plain,
    }
    return tables, labels, folds


def test_sorted_batches_raise_the_score_and_shuffled_ones_do_not(made_up):
    result = batch_order(*made_up)
    table = result.table.set_index("order")
    assert table.loc["class-sorted batches", "accuracy"] > 0.95
    assert table.loc["class-sorted batches", "p_holm"] < 0.001
    assert table.loc["one by one", "accuracy"] < 0.7
    assert table.loc["shuffled batches", "accuracy"] < 0.7
    assert np.isnan(table.loc["one by one", "difference"])
    gain = table.loc["class-sorted batches", "accuracy"] - table.loc["one by one", "accuracy"]
    assert table.loc["class-sorted batches", "difference"] == pytest.approx(gain)
    assert f"({100 * gain:+.1f} points)" in result.conclusion


def test_a_difference_within_chance_is_said_to_be_none(made_up):
    tables, labels, folds = made_up
    noisy = tables["one by one"] + 1e-3 * np.random.default_rng(1).normal(size=(120, 5))
    result = batch_order({"shuffled batches": noisy, "one by one": tables["one by one"]}, labels, folds)
    assert "a difference that these clips do not establish" in result.conclusion


def test_groups_widen_the_interval(made_up):
    tables, labels, folds = made_up
    only = {"one by one": tables["one by one"]}
    single = batch_order(only, labels, folds).table.iloc[0]
    assert single["accuracy"] == accuracy(labels, nested_linear_svm(tables["one by one"], labels, folds))
    grouped = batch_order(only, labels, folds, groups=np.repeat(np.arange(12), 10)).table.iloc[0]
    assert grouped["accuracy"] == single["accuracy"]
    assert grouped["ci_high"] - grouped["ci_low"] != single["ci_high"] - single["ci_low"]


def test_nested_svm_never_sees_the_test_fold(made_up):
    tables, labels, folds = made_up
    guess = nested_linear_svm(tables["one by one"], labels, folds)
    spoiled = labels.copy()
    spoiled[folds == 2] = "pop"
    # Labels of the test fold are no business of the model that predicts it.
    assert np.array_equal(nested_linear_svm(tables["one by one"], spoiled, folds)[folds == 2], guess[folds == 2])


@pytest.mark.parametrize("n_clips", [2, 3, 4])
def test_classes_of_few_clips_are_told_apart_where_they_lie_apart(n_clips: int) -> None:
    labels = np.repeat(["jazz", "rock"], n_clips)
    features = np.where(labels == "jazz", -10.0, 10.0)[:, None] + np.arange(2 * n_clips)[:, None] % n_clips
    assert (nested_linear_svm(features, labels, np.tile(np.arange(n_clips), 2)) == labels).all()


def test_unusable_input_is_refused(made_up):
    tables, labels, folds = made_up
    with pytest.raises(OptionError, match="one by one"):
        batch_order({"one by one": tables["one by one"][:-1]}, labels, folds)


def test_clips_of_no_fold_are_learnt_from_and_never_tested(made_up):
    tables, labels, _ = made_up
    folds = np.where(np.arange(120) % 4 == 0, 0, -1)
    table = tables["one by one"]
    result = batch_order({"one by one": table}, labels, folds, groups=np.arange(120) // 2).table.iloc[0]
    test = folds == 0
    scores = []
    for C in (0.001, 0.01, 0.1, 1.0):
        model = make_pipeline(StandardScaler(), SVC(kernel="linear", C=C))
        inner = StratifiedKFold(3, shuffle=True, random_state=0)
        scores.append((cross_val_score(model, table[~test], labels[~test], cv=inner).mean(), -C, model))
    best = max(scores, key=lambda score: score[:2])[2].fit(table[~test], labels[~test])
    assert result["accuracy"] == np.mean(best.predict(table[test]) == labels[test])
    assert result["n_clips"] == 30
