"""Conformal sets against the definition, counted by hand; temperatures against a search of all."""

import math

import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.conformal import (
    at_temperature,
    conformal_sets,
    conformal_threshold,
    fit_temperature,
    nonconformity,
)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("n_songs", [1, 9, 10, 19, 40])
def test_each_of_exchangeable_songs_is_left_out_in_turn(n_songs: int, coverage: float) -> None:
    """Exchangeable: each of n + 1 songs is the new one equally often. The share that is covered has a closed form."""
    scores = np.random.default_rng(n_songs).random(n_songs + 1)
    covered = [
        scores[new] <= conformal_threshold(np.delete(scores, new), coverage) for new in range(n_songs + 1)
    ]  # fmt: skip
    wanted = math.ceil(round((n_songs + 1) * coverage, 9))
    assert sum(covered) == min(wanted, n_songs + 1)
    assert np.mean(covered) >= coverage


def test_sets_of_a_classifier_that_errs_hold_the_truth_as_often_as_asked() -> None:
    random = np.random.default_rng(7)

    def songs(count: int) -> tuple[np.ndarray, np.ndarray]:
        truth = random.integers(4, size=count)
        logits = random.normal(size=(count, 4)) + 1.2 * np.eye(4)[truth]
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), truth

    # The mean over calibrations is what is promised: of one, it varies as a beta distribution does.
    found = []
    for _ in range(400):
        threshold = conformal_threshold(nonconformity(*songs(50)), 0.9)
        shares, truth = songs(50)
        inside = conformal_sets(shares, threshold)
        by_hand = [[1 - share <= threshold for share in row] for row in shares.tolist()]
        assert inside.tolist() == by_hand
        found.append(inside[np.arange(50), truth].mean())
    expected = math.ceil(51 * 0.9) / 51
    assert abs(np.mean(found) - expected) < 4 * np.std(found) / np.sqrt(len(found))


def test_too_few_songs_leave_every_class_in() -> None:
    threshold = conformal_threshold(np.full(8, 0.1), 0.9)
    assert threshold == math.inf and conformal_sets(np.array([[1.0, 0.0]]), threshold).all()


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, math.nan])
def test_a_coverage_that_is_none(coverage: float) -> None:
    with pytest.raises(OptionError, match="coverage"):
        conformal_threshold(np.array([0.1]), coverage)


def test_the_temperature_is_the_best_of_all() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(300, 5))
    right = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([random.choice(5, p=row) for row in right])
    # Made too sure of itself by a third; what it said before was right.
    shares = at_temperature(right, 1 / 3)
    found = fit_temperature(shares, truth)
    loss = lambda temperature: -np.log(at_temperature(shares, temperature)[np.arange(300), truth]).mean()
    grid = np.geomspace(0.5, 20, 2000)
    best = grid[np.argmin([loss(temperature) for temperature in grid])]
    assert found == pytest.approx(best, rel=0.005) and found == pytest.approx(3, rel=0.25)
    np.testing.assert_allclose(at_temperature(shares, 3.0), right, atol=1e-9)
