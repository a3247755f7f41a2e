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


def classify(kernel, labels, train, cost, max_iter=-1, other=None):
    members = np.flatnonzero(train)
    classes, starts = np.unique(labels[members], return_index=True)
    return members, smo.train_pairs(kernel, members, np.append(starts, len(members)), cost, max_iter, other)


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
    members, (coefficients, intercepts, cut_off, _) = classify(kernel, labels, train, cost)
    support = np.flatnonzero(coefficients.any(axis=0))
    sign = -1 if n_classes == 2 else 1  # scikit-learn turns the machine of two classes round
    assert np.array_equal(members[support], members[peer.support_])
    assert np.array_equal(coefficients[:, support], sign * peer.dual_coef_)
    assert np.array_equal(intercepts, sign * peer.intercept_)
    assert not cut_off.any()


@pytest.mark.parametrize("gamma", [None, 0.02, 0.5])
@pytest.mark.parametrize("cost", [0.1, 2.0, 200.0])
def test_regressions_equal_those_of_libsvm_bit_by_bit(gamma, cost):
    features, kernel = kernel_of(500, gamma, replicas=30)
    values = np.tanh(features[:, 0]) + 0.3 * np.random.default_rng(1).normal(size=500)
    members = np.flatnonzero(np.random.default_rng(2).random(500) < 0.8)
    weights = np.isin(np.arange(500), members).astype(float)
    peer = SVR(kernel="precomputed", C=cost).fit(kernel, values, sample_weight=weights)
    coefficients, intercept, cut_off, _ = smo.train_regression(kernel, members, values[members], cost)
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
    _, (coefficients, intercepts, *_) = classify(kernel, labels, np.ones(400, bool), 2.0)
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
    _, machine = classify(kernel, labels, np.ones(300, bool), 32.0, budget)
    assert machine.cut_off.tolist() == [budget <= peer.n_iter_[0]]


@pytest.mark.parametrize("max_iter", [-1, 60])
@pytest.mark.parametrize("costs", [(300.0, 8.0, 2.0, 0.1), (0.1, 2.0, 8.0, 300.0), (8.0, 300.0, 2.0)])
def test_a_machine_that_its_penalty_holds_nothing_back_of_serves_the_others_bit_by_bit(costs, max_iter):
    # Two classes that lie apart, and two that overlap.
    features, _ = kernel_of(400, None)
    labels = np.repeat(np.arange(4), 100)
    features[:, 0] += np.array([0, 7, 20, 20.5])[labels]
    squares = (features**2).sum(axis=1)
    kernel = np.exp(-0.02 * (squares[:, None] + squares[None] - 2 * features @ features.T))
    kernel, train = np.ascontiguousarray((kernel + kernel.T) / 2), np.random.default_rng(2).random(400) < 0.9
    other, taken = None, 0
    for cost in costs:
        _, alone = classify(kernel, labels, train, cost, max_iter)
        _, shared = classify(kernel, labels, train, cost, max_iter, other)
        if other is not None:
            is_taken = other.peak < cost
            assert (shared.peak[is_taken] == other.peak[is_taken]).all()
            taken += is_taken.sum()
        assert all(np.array_equal(one, two) for one, two in zip(shared, alone, strict=True))
        assert (np.abs(alone.dual_coef).max() == cost) == np.isinf(alone.peak).any()
        other = shared
    # Some pairs of classes, at some penalties, and never all.
    assert 0 < taken < 6 * (len(costs) - 1)


@pytest.mark.parametrize("costs", [(300.0, 8.0, 0.01), (0.01, 8.0, 300.0)])
def test_a_regression_serves_the_others_bit_by_bit(costs):
    features, kernel = kernel_of(200, 0.5)
    members, other, taken = np.arange(200), None, 0
    for cost in costs:
        alone = smo.train_regression(kernel, members, features[:, 0], cost)
        shared = smo.train_regression(kernel, members, features[:, 0], cost, other=other)
        taken += shared is other
        assert all(np.array_equal(one, two) for one, two in zip(shared, alone, strict=True))
        other = shared
    assert taken == 1
