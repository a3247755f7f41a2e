"""The solver walks through libsvm's own steps: its machines equal scikit-learn's to the last bit."""

import numpy as np
import pytest
from sklearn.svm import SVC, SVR

from mgc_keras.search import smo


def kernel_of(n_clips, gamma, n_columns=6, seed=0, replicas=0):
    features = np.random.default_rng(seed).normal(size=(n_clips, n_columns))
    if replicas:
        features[-replicas:] = features[:replicas]  # ties, as replicated clips give them
    gram = features @ features.T
    squares = np.diag(gram)
    kernel = gram if gamma is None else np.exp(-gamma * (squares[:, None] + squares[None] - 2 * gram))
    return features, np.ascontiguousarray((kernel + kernel.T) / 2)


def classify(kernel, labels, train, cost, max_iter=-1):
    members = np.flatnonzero(train)
    classes, starts = np.unique(labels[members], return_index=True)
    return members, smo.train_pairs(kernel, members, np.append(starts, len(members)), cost, max_iter)


@pytest.mark.parametrize("gamma", [None, 0.02, 0.5])
@pytest.mark.parametrize("cost", [0.1, 2.0, 200.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classifiers_equal_those_of_libsvm_bit_by_bit(gamma, cost, n_classes):
    features, kernel = kernel_of(600, gamma, replicas=40)
    score = features[:, :2].sum(axis=1) + np.random.default_rng(1).normal(size=600)
    labels = np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))
    order = np.argsort(labels, kind="stable")
    labels, kernel = labels[order], np.ascontiguousarray(kernel[np.ix_(order, order)])
    train = np.random.default_rng(2).random(600) < 0.9
    peer = SVC(kernel="precomputed", C=cost).fit(kernel, labels, sample_weight=train.astype(float))
    members, (coefficients, intercepts, cut_off) = classify(kernel, labels, train, cost)
    support = np.flatnonzero(coefficients.any(axis=0))
    sign = -1 if n_classes == 2 else 1  # scikit-learn turns the machine of two classes round
    assert np.array_equal(members[support], members[peer.support_])
    assert np.array_equal(coefficients[:, support], sign * peer.dual_coef_)
    assert np.array_equal(intercepts, sign * peer.intercept_)
    assert not cut_off


@pytest.mark.parametrize("gamma", [None, 0.02, 0.5])
@pytest.mark.parametrize("cost", [0.1, 2.0, 200.0])
def test_regressions_equal_those_of_libsvm_bit_by_bit(gamma, cost):
    features, kernel = kernel_of(500, gamma, replicas=30)
    values = np.tanh(features[:, 0]) + 0.3 * np.random.default_rng(1).normal(size=500)
    members = np.flatnonzero(np.random.default_rng(2).random(500) < 0.8)
    weights = np.isin(np.arange(500), members).astype(float)
    peer = SVR(kernel="precomputed", C=cost).fit(kernel, values, sample_weight=weights)
    coefficients, intercept, cut_off = smo.train_regression(kernel, members, values[members], cost)
    support = np.flatnonzero(coefficients)
    assert np.array_equal(support, peer.support_)
    assert np.array_equal(coefficients[support], peer.dual_coef_[0])
    assert intercept == peer.intercept_[0]
    assert not cut_off


def test_a_machine_does_not_depend_on_how_many_rows_are_kept(monkeypatch):
    _, kernel = kernel_of(300, None)
    labels = np.repeat((0, 1), 150)
    _, kept = classify(kernel, labels, np.ones(300, bool), 8.0)
    monkeypatch.setattr(smo, "_VALUES_KEPT", 7 * 300)
    _, forgotten = classify(kernel, labels, np.ones(300, bool), 8.0)
    assert len(smo._row_cache(300)) == 7 * 300
    assert all(np.array_equal(one, other) for one, other in zip(kept, forgotten))


def test_the_optimum_is_reached():
    # Independent of any solver: the conditions of Karush, Kuhn and Tucker, within the tolerance.
    _, kernel = kernel_of(400, 0.1)
    labels = np.repeat((0, 1), 200)
    _, (coefficients, intercepts, _) = classify(kernel, labels, np.ones(400, bool), 2.0)
    sign = np.where(labels == 0, 1.0, -1.0)
    margin = sign * (kernel @ coefficients[0] + intercepts[0])
    alpha = sign * coefficients[0]
    assert abs(coefficients[0].sum()) < 1e-9 and alpha.min() >= 0 and alpha.max() <= 2.0
    assert margin[alpha == 0].min() > 1 - 2e-3
    assert margin[alpha == 2.0].max() < 1 + 2e-3
    assert np.abs(margin[(alpha > 0) & (alpha < 2.0)] - 1).max() < 2e-3


@pytest.mark.parametrize("budget", [1, 50, 10**6])
def test_a_budget_is_kept(budget):
    _, kernel = kernel_of(300, None)
    labels = np.repeat((0, 1), 150)
    peer = SVC(kernel="precomputed", C=32.0).fit(kernel, labels)
    _, (_, _, cut_off) = classify(kernel, labels, np.ones(300, bool), 32.0, budget)
    assert cut_off == (budget <= peer.n_iter_[0])
