"""Metrics against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import accuracy, auc, macro_auc, r2, score


@pytest.fixture
def generator():
    return np.random.default_rng(3)


def test_accuracy_and_r2_equal_scikit_learn(generator):
    truth, prediction = generator.integers(4, size=(2, 97))
    assert accuracy(truth, prediction) == accuracy_score(truth, prediction)
    names = np.array(["blues", "rock", "jazz", "pop"])
    assert accuracy(names[truth], names[prediction]) == accuracy_score(truth, prediction)
    value, guess = generator.normal(size=(2, 97)) + 1e3
    assert r2(value, guess) == pytest.approx(r2_score(value, guess), abs=1e-12)


@pytest.mark.parametrize("guess", [[2.0, 2.0], [2.0, 3.0]])
def test_r2_of_constant_truth_follows_scikit_learn(guess):
    assert r2([2.0, 2.0], guess) == r2_score([2.0, 2.0], guess)


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
def test_fold_weighting_equals_a_plain_loop(generator, metric):
    truth, prediction = generator.integers(3, size=(2, 61)).astype(float)
    folds = np.sort(generator.integers(7, size=61))
    peer = {"accuracy": accuracy_score, "r2": r2_score}[metric]
    scores = [peer(truth[folds == fold], prediction[folds == fold]) for fold in np.unique(folds)]
    sizes = [np.sum(folds == fold) for fold in np.unique(folds)]
    assert score(truth, prediction, metric, folds, "equal") == pytest.approx(np.mean(scores), abs=1e-12)
    weighted = sum(s * n for s, n in zip(scores, sizes)) / 61
    assert score(truth, prediction, metric, folds, "size") == pytest.approx(weighted, abs=1e-12)
    if metric == "accuracy":
        assert score(truth, prediction, metric, folds, "size") == pytest.approx(accuracy(truth, prediction))


def test_auc_with_ties_equals_scikit_learn(generator):
    truth = generator.random((200, 6)) < 0.2
    scores = np.round(generator.random((200, 6)), 1)
    result = macro_auc(truth, scores)
    assert result.score == pytest.approx(roc_auc_score(truth, scores, average="macro"), abs=1e-12)
    assert result.left_out == ()
    assert auc(truth[:, 0], scores[:, 0]) == pytest.approx(roc_auc_score(truth[:, 0], scores[:, 0]), abs=1e-12)


def test_tags_without_both_kinds_of_clips_are_named_and_left_out(generator):
    truth = generator.random((50, 4)) < 0.4
    truth[:, 1], truth[:, 3] = False, True
    scores = generator.random((50, 4))
    result = macro_auc(truth, scores, ["rock", "house", "jazz", "music"])
    assert result.left_out == ("house", "music")
    assert list(result.per_tag.index) == ["rock", "jazz"]
    assert result.score == pytest.approx(roc_auc_score(truth[:, [0, 2]], scores[:, [0, 2]]), abs=1e-12)
    assert np.isnan(macro_auc(np.zeros((5, 2)), np.zeros((5, 2))).score)


@pytest.mark.parametrize(
    "call",
    [
        lambda: accuracy([], []),
        lambda: accuracy([1, 2], [1]),
        lambda: r2([1.0], [1.0]),
        lambda: r2([1.0, np.nan], [1.0, 2.0]),
        lambda: r2([1.0, 2.0], [1.0, np.inf]),
        lambda: score([1, 2], [1, 2], "precision"),
        lambda: score([1, 2], [1, 2], "accuracy", [0, 1], "weird"),
        lambda: score([1, 2], [1, 2], "accuracy", None, "size"),
        lambda: score([1.0, 2.0], [1.0, 2.0], "r2", [0, 1], "size"),
        lambda: auc([1, 1], [0.1, 0.2]),
        lambda: auc([2, 1], [0.1, 0.2]),
        lambda: macro_auc(np.zeros((2, 2)), np.zeros((2, 3))),
        lambda: macro_auc(np.zeros((2, 2)), np.zeros((2, 2)), ["one"]),
    ],
)
def test_unusable_predictions_are_refused(call):
    with pytest.raises(OptionError):
        call()
