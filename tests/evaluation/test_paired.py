"""Paired tests against closed forms and peers."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control
from scipy.stats import t as student

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import score
from mgc_keras.evaluation.paired import _gains, _swapped, compare, holm, mcnemar, swap_test
from mgc_keras.evaluation.resampling import unit_sums


def _predictions(only_a, only_b, both, neither):
    a = [1] * only_a + [0] * only_b + [1] * both + [0] * neither
    b = [0] * only_a + [1] * only_b + [1] * both + [0] * neither
    return np.ones(len(a), int), np.array(a), np.array(b)


@pytest.mark.parametrize("only_a, only_b", [(0, 0), (1, 0), (6, 0), (5, 5), (4, 9), (30, 12), (200, 150)])
def test_mcnemar_equals_the_exact_binomial_test(only_a, only_b):
    p_value = mcnemar(*_predictions(only_a, only_b, 20, 3))
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert p_value == pytest.approx(expected, abs=1e-12)


def test_swap_test_equals_all_swaps_counted():
    generator = np.random.default_rng(2)
    truth, a, b = generator.normal(size=(3, 10))
    signed = [np.dot(signs, (truth - b) ** 2 - (truth - a) ** 2) for signs in product([-1, 1], repeat=10)]
    exact = np.mean(np.abs(signed) >= abs(signed[-1]) - 1e-12)
    # 10000 random swaps: a standard error of at most 0.005.
    assert swap_test(truth, a, b, "r2") == pytest.approx(exact, abs=0.02)


def test_swap_test_of_accuracy_agrees_with_mcnemar():
    truth, a, b = _predictions(14, 5, 30, 11)
    assert swap_test(truth, a, b) == pytest.approx(mcnemar(truth, a, b), abs=0.01)


def test_swapping_whole_groups_counts_groups_not_clips():
    truth, a, b = _predictions(6, 0, 0, 0)
    groups = np.repeat([0, 1, 2], 2)
    # Three groups, all in favour of a: of 8 swaps two are as extreme.
    assert swap_test(truth, a, b, groups=groups) == pytest.approx(0.25, abs=0.02)
    assert compare(truth, a, b, groups=groups).p_value == pytest.approx(0.25, abs=0.02)
    assert compare(truth, a, b).p_value == 2 / 2**6


@pytest.mark.parametrize("n_unlike", [0, 4, 40])
def test_tests_of_a_clip_are_swapped_together_and_are_no_new_clips(n_unlike):
    clips = np.arange(100)
    a, b = np.ones(100), (clips % 25 >= n_unlike / 4) * 1.0
    for groups in (clips, clips // 5):
        once = compare(np.ones(100), a, b, groups=groups)
        again = compare(
            np.ones(1000), np.tile(a, 10), np.tile(b, 10), groups=np.tile(groups, 10), clips=np.tile(clips, 10)
        )
        assert vars(again) == pytest.approx(vars(once))
    alone = compare(np.ones(1000), np.tile(a, 10), np.tile(b, 10), clips=np.tile(clips, 10))
    assert vars(alone) == pytest.approx(vars(compare(np.ones(100), a, b, groups=clips)))


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
def test_difference_and_its_interval(metric):
    generator = np.random.default_rng(4)
    truth = generator.integers(2, size=400).astype(float)
    a = np.where(generator.random(400) < 0.9, truth, 1 - truth)
    b = np.where(generator.random(400) < 0.7, truth, 1 - truth)
    result = compare(truth, a, b, metric)
    assert result.difference == pytest.approx(score(truth, a, metric) - score(truth, b, metric))
    assert result.low < result.difference < result.high
    assert result.p_value < 0.001
    backwards = compare(truth, b, a, metric)
    assert (backwards.difference, backwards.low) == pytest.approx((-result.difference, -result.high))
    same = compare(truth, a, a, metric)
    assert (same.difference, same.p_value) == (0, 1)
    # Bonett and Price count one clip more for either system; regressions without a difference say nothing.
    half = student.ppf(0.975, 399) * np.sqrt(2) / 402 if metric == "accuracy" else np.nan
    assert (same.low, same.high) == pytest.approx((-half, half), nan_ok=True)


def test_paired_interval_of_accuracy_matches_its_normal_form():
    truth, a, b = _predictions(80, 40, 300, 80)
    result = compare(truth, a, b)
    per_clip = (a == truth).astype(float) - (b == truth)
    half = 1.96 * per_clip.std() / np.sqrt(len(truth))
    assert (result.low, result.high) == pytest.approx((0.08 - half, 0.08 + half), abs=0.002)


def test_the_limits_of_sign_swaps_are_where_all_swaps_reach_the_level():
    generator = np.random.default_rng(5)
    gains, sizes = generator.normal(0.05, 0.04, 9), generator.integers(1, 9, 9)
    p_value, low, high = _swapped(gains, sizes, 0)

    def exact(difference):
        rest = gains - difference * sizes / sizes.sum()
        swapped = np.abs([np.dot(signs, rest) for signs in product([-1, 1], repeat=9)])
        return np.mean(swapped >= abs(rest.sum()) - 1e-12)

    assert p_value == pytest.approx(exact(0), abs=0.008)
    # 512 patterns: p jumps by 1/256, and 10000 draws are off by a standard error of 0.002.
    for end, inside in ((low, 1), (high, -1)):
        assert exact(end - inside * 0.02 * (high - low)) <= 0.05 + 0.006
        assert exact(end + inside * 0.02 * (high - low)) >= 0.05 - 0.006


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
@pytest.mark.parametrize("n_groups", [6, 12, 60])
def test_interval_and_test_never_contradict_each_other(metric, n_groups):
    generator = np.random.default_rng(n_groups)
    groups, n_decided = np.arange(60) % n_groups, 0
    for _ in range(60):
        shift = generator.normal(size=n_groups)[groups]
        truth = generator.integers(2, size=60).astype(float)
        a = np.where(generator.random(60) < 0.75, truth, 1 - truth)
        b = np.where(generator.random(60) < 0.6 - 0.1 * np.tanh(shift), truth, 1 - truth)
        found = compare(truth, a, b, metric, groups=None if n_groups == 60 else groups)
        assert (found.low <= 0 <= found.high) == (found.p_value > 0.05)
        assert found.low < found.high
        n_decided += found.p_value <= 0.05
    assert 3 < n_decided < 57


def test_five_artists_decide_nothing():
    truth, a, b = _predictions(40, 0, 0, 0)
    found = compare(truth, a, b, groups=np.arange(40) % 5)
    assert found.p_value > 0.05 and np.isnan(found.low) and np.isnan(found.high)


def test_weighted_folds_are_tested_by_the_difference_that_is_reported():
    generator = np.random.default_rng(6)
    truth, folds = generator.normal(size=40), np.repeat([0, 1, 2], [20, 15, 5])
    a, b = truth + generator.normal(scale=0.5, size=(2, 40))
    for weighting in ("size", "equal"):
        sums = [unit_sums(truth, each, "r2", folds, weighting, None) for each in (a, b)]
        expected = score(truth, a, "r2", folds, weighting) - score(truth, b, "r2", folds, weighting)
        assert _gains(*sums, "r2", weighting).sum() == pytest.approx(expected)


def test_no_difference_is_found_as_rarely_as_promised():
    generator = np.random.default_rng(8)
    p_values = []
    for _ in range(500):
        right = generator.random((2, 120)) < 0.7
        p_values.append(mcnemar(np.ones(120, int), right[0].astype(int), right[1].astype(int)))
    assert np.mean(np.array(p_values) < 0.05) < 0.05


def test_holm_by_its_definition_and_against_weaker_and_stronger_corrections():
    p_values = np.array([0.012, 0.2, 0.001, 0.04, 0.04])
    adjusted = holm(p_values)
    assert adjusted == pytest.approx([0.048, 0.2, 0.005, 0.12, 0.12])
    assert (adjusted <= np.minimum(1, 5 * p_values) + 1e-15).all()
    assert (adjusted >= false_discovery_control(p_values) - 1e-15).all()
    assert holm([]).shape == (0,)
    for level in np.linspace(0.001, 0.99, 200):
        rejected = set()
        for step, index in enumerate(np.argsort(p_values)):
            if p_values[index] > level / (5 - step):
                break
            rejected.add(index)
        assert rejected == set(np.flatnonzero(adjusted <= level))


@pytest.mark.parametrize("values", [[0.1, 1.2], [-0.1], [np.nan]])
def test_holm_refuses_what_is_no_probability(values):
    with pytest.raises(OptionError):
        holm(values)


def test_unequal_lengths_are_refused():
    with pytest.raises(OptionError):
        mcnemar([1, 2], [1, 2], [1])
    with pytest.raises(OptionError):
        compare([1.0, 2.0], [1.0, np.nan], [1.0, 2.0], "r2")
