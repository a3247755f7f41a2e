"""Estimators fitted on shared kernels predict what scikit-learn predicts from the features."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from mgc_keras.errors import OptionError
from mgc_keras.search import kernels
from mgc_keras.search.fits import fit_predict
from mgc_keras.search.kernels import BlockKernels, kernel_matrix


def clips(n_classes, seed=0, n=240):
    features, labels = make_classification(
        n, 12, n_informative=8, n_classes=n_classes, flip_y=0.1, random_state=seed, shuffle=True
    )
    return features.astype(np.float32), np.sort(labels), np.random.default_rng(seed).random(n) < 0.8


@pytest.mark.parametrize("n_classes", [2, 3, 6])
@pytest.mark.parametrize("gamma", [None, 0.05])
@pytest.mark.parametrize("cost", [0.1, 8.0])
def test_classes_are_those_of_svc_on_the_features(n_classes, gamma, cost):
    features, labels, train = clips(n_classes)
    kernel = kernel_matrix(BlockKernels({"a": features[:, :5], "b": features[:, 5:]}).gram(("a", "b")), gamma)
    test = np.flatnonzero(~train)
    ((predictions, cut_off),) = fit_predict("SVC", kernel, labels, train, test, [cost])
    peer = SVC(C=cost, kernel="linear") if gamma is None else SVC(C=cost, gamma=gamma)
    expected = peer.fit(features[train], labels[train]).predict(features[test])
    assert np.array_equal(predictions, expected)
    assert not cut_off


@pytest.mark.parametrize("estimator", ["SVC", "SVR"])
@pytest.mark.parametrize("gamma", [None, 0.5, 8.0])
def test_penalties_together_answer_as_each_alone(gamma, estimator):
    features, labels, train = clips(4)
    kernel = kernel_matrix(BlockKernels({"a": features}).gram(("a",)), gamma)
    target = labels if estimator == "SVC" else labels + 0.1 * features[:, 0]
    costs, test = [8.0, 32.0, 2.0, 0.1], np.flatnonzero(~train)
    together = fit_predict(estimator, kernel, target, train, test, costs)
    for cost, (predictions, cut_off) in zip(costs, together, strict=True):
        ((expected, _),) = fit_predict(estimator, kernel, target, train, test, [cost])
        assert np.array_equal(predictions, expected) and not cut_off


@pytest.mark.parametrize("left_out", [0, 1, 3])
def test_a_class_without_training_clips_is_never_predicted(left_out):
    features, labels, train = clips(4)
    train = train & (labels != left_out)
    kernel = kernel_matrix(BlockKernels({"a": features}).gram(("a",)), 0.05)
    test = np.flatnonzero(~train)
    expected = SVC(C=2.0, gamma=0.05).fit(features[train], labels[train]).predict(features[test])
    assert np.array_equal(fit_predict("SVC", kernel, labels, train, test, [2.0])[0][0], expected)


def test_two_of_three_classes_left_keep_their_sign():
    features, labels, train = clips(3)
    train = train & (labels != 1)
    kernel = BlockKernels({"a": features}).gram(("a",))
    test = np.flatnonzero(~train)
    expected = SVC(C=2.0, kernel="linear").fit(features[train], labels[train]).predict(features[test])
    assert np.array_equal(fit_predict("SVC", kernel, labels, train, test, [2.0])[0][0], expected)


@pytest.mark.parametrize("gamma", [None, 0.05])
def test_values_are_those_of_svr_on_the_features(gamma):
    features, _, train = clips(2)
    target = np.tanh(features[:, 0]) + 0.1 * features[:, 1]
    kernel = kernel_matrix(BlockKernels({"a": features}).gram(("a",)), gamma)
    test = np.flatnonzero(~train)
    ((predictions, _),) = fit_predict("SVR", kernel, target.astype(float), train, test, [2.0])
    peer = SVR(C=2.0, kernel="linear") if gamma is None else SVR(C=2.0, gamma=gamma)
    expected = peer.fit(features[train], target[train]).predict(features[test])
    np.testing.assert_allclose(predictions, expected, atol=1e-3)  # libsvm's stopping tolerance


def test_a_budget_that_is_too_small_is_told():
    features, labels, train = clips(3)
    kernel = BlockKernels({"a": features}).gram(("a",))
    test = np.flatnonzero(~train)
    assert fit_predict("SVC", kernel, labels, train, test, [32.0], max_iter=5)[0][1]
    assert fit_predict("SVR", kernel, features[:, 0].astype(float), train, test, [32.0], max_iter=5)[0][1]


def test_kernels_add_up_over_blocks():
    features, _, train = clips(2, n=700)
    features = np.c_[features, np.full(len(features), 7.0)]  # a constant column
    order = np.random.default_rng(1).permutation(len(features))
    kernels = BlockKernels({"a": features[:, :4], "b": features[:, 4:]}, order)
    scaled = StandardScaler().fit(features[order][train]).transform(features[order])
    for gram, peer in (
        (kernels.gram(("a", "b")), features[order].astype(float)),
        (kernels.gram(("a", "b"), train), scaled),
        (kernels.gram(("b",)), features[order][:, 4:].astype(float)),
    ):
        np.testing.assert_allclose(kernel_matrix(gram, None), peer @ peer.T, atol=1e-9)
        with ThreadPoolExecutor(2) as pool:
            for each in (map, pool.map):
                np.testing.assert_allclose(kernel_matrix(gram, 0.01, each), rbf_kernel(peer, gamma=0.01), atol=1e-9)
    assert kernels.n_features(("a", "b")) == 13


def test_grams_beyond_the_memory_allowed_are_computed_afresh(monkeypatch):
    features, _, _ = clips(2)
    plenty = BlockKernels({"a": features})
    monkeypatch.setattr(kernels, "BYTES_KEPT", 0)
    none = BlockKernels({"a": features})
    for _ in range(2):
        assert np.array_equal(plenty.gram(("a",)), none.gram(("a",)))


@pytest.mark.parametrize(
    "blocks",
    [
        {},
        {"a": np.zeros((3, 2)), "b": np.zeros((4, 2))},
        {"a": np.zeros(3)},
        {"a": np.zeros((3, 0))},
        {"a": np.array([[1.0], [np.nan]])},
    ],
)
def test_features_that_make_no_sense_are_refused(blocks):
    with pytest.raises(OptionError, match="features_by_block"):
        BlockKernels(blocks)
