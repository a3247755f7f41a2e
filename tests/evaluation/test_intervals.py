"""Bootstrap intervals against closed forms, a slow twin, and simulated coverage."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from sklearn.metrics import r2_score, roc_auc_score

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.intervals import bootstrap_interval, bootstrap_macro_auc, wilson_interval
from mgc_keras.evaluation.metrics import score
from mgc_keras.evaluation.resampling import bootstrap_counts, bootstrap_scores, unit_sums


def _counts(n_units, n_resamples, seed=0):
    return np.concatenate(list(bootstrap_counts(n_units, n_resamples, seed))).astype(int)


@pytest.mark.parametrize("n_correct", [0, 3, 60, 120])
def test_wilson_equals_scipy(n_correct):
    interval = wilson_interval(n_correct, 120)
    peer = binomtest(n_correct, 120).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((peer.low, peer.high), abs=1e-12)
    assert interval.score == n_correct / 120


def test_bootstrap_of_accuracy_is_binomial():
    # Resampling clips with replacement makes the number of correct ones binomial: a closed form.
    truth = np.zeros(290, int)
    prediction = (np.arange(290) >= 232).astype(int)
    interval = bootstrap_interval(truth, prediction, n_resamples=20000)
    assert interval.score == 0.8
    expected = binom.ppf([0.025, 0.975], 290, 0.8) / 290
    assert (interval.low, interval.high) == pytest.approx(expected, abs=1.5 / 290)
    wilson = wilson_interval(232, 290)
    assert (interval.low, interval.high) == pytest.approx((wilson.low, wilson.high), abs=0.01)
    # The notes' rule of thumb: on 290 clips an interval of 4 to 5 points to each side.
    assert 0.04 < interval.high - interval.score < 0.05


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
@pytest.mark.parametrize("weighting", ["pooled", "size", "equal"])
@pytest.mark.parametrize("grouped", [False, True])
def test_resampled_scores_equal_scoring_the_repeated_clips(metric, weighting, grouped):
    generator = np.random.default_rng(5)
    truth, prediction = generator.integers(5, size=(2, 60)).astype(float)
    folds, groups = np.arange(60) % 2, np.arange(60) // 4
    names = groups if grouped else None
    fast = bootstrap_scores(unit_sums(truth, prediction, metric, folds, weighting, names), metric, weighting, 25, 7)
    for counts, value in zip(_counts(15 if grouped else 60, 25, seed=7), fast):
        repeated = np.repeat(np.arange(60), counts[groups] if grouped else counts)
        slow = score(truth[repeated], prediction[repeated], metric, folds[repeated], weighting)
        assert value == pytest.approx(slow, abs=1e-10)


def test_resamples_draw_uniformly_and_follow_the_seed():
    counts = _counts(30, 4000)
    assert (counts.sum(axis=1) == 30).all()
    # Each mean count is 1 with a standard error of about 0.0155: five of them.
    assert np.abs(counts.mean(axis=0) - 1).max() < 0.08
    assert np.array_equal(counts, _counts(30, 4000))
    assert not np.array_equal(counts, _counts(30, 4000, seed=1))


def test_large_offsets_of_the_truth_do_not_hurt():
    generator = np.random.default_rng(6)
    truth = generator.normal(size=80)
    prediction = truth + generator.normal(scale=0.5, size=80)
    near = bootstrap_interval(truth, prediction, "r2")
    far = bootstrap_interval(truth + 1e6, prediction + 1e6, "r2")
    assert near.score == pytest.approx(r2_score(truth, prediction), abs=1e-12)
    assert (far.low, far.high) == pytest.approx((near.low, near.high), abs=1e-7)


def test_intervals_cover_the_true_accuracy_as_often_as_they_say():
    generator = np.random.default_rng(0)
    n_runs, held = 400, 0
    for seed in range(n_runs):
        prediction = (generator.random(200) > 0.7).astype(int)
        interval = bootstrap_interval(np.zeros(200, int), prediction, n_resamples=1000, seed=seed)
        held += interval.low <= 0.7 <= interval.high
    # 95 % of 400 with a standard error of 1.1 points; percentile intervals cover about 94 % at 200 clips.
    assert 0.91 < held / n_runs < 0.98


def test_only_group_intervals_cover_when_clips_of_an_artist_stand_and_fall_together():
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(40), 5)
    held = {"clips": 0, "groups": 0}
    for seed in range(200):
        prediction = np.repeat((generator.random(40) > 0.6).astype(int), 5)
        for kind, names in (("clips", None), ("groups", groups)):
            interval = bootstrap_interval(np.zeros(200, int), prediction, groups=names, n_resamples=500, seed=seed)
            held[kind] += interval.low <= 0.6 <= interval.high
    assert held["groups"] / 200 > 0.88
    assert held["clips"] / 200 < 0.75


def test_resampled_macro_auc_equals_scoring_the_repeated_clips():
    generator = np.random.default_rng(9)
    truth = generator.random((40, 4)) < [0.4, 0.5, 0.0, 0.03]
    truth[0, 3] = True
    scores = np.round(generator.random((40, 4)), 1)
    interval = bootstrap_macro_auc(truth, scores, n_resamples=60, seed=3)
    slow = []
    for counts in _counts(40, 60, seed=3):
        repeated = np.repeat(np.arange(40), counts)
        mixed = [tag for tag in range(4) if 0 < truth[repeated, tag].sum() < 40]
        slow.append(np.mean([roc_auc_score(truth[repeated, tag], scores[repeated, tag]) for tag in mixed]))
    assert (interval.low, interval.high) == pytest.approx(np.percentile(slow, [2.5, 97.5]), abs=1e-12)
    kept = [0, 1, 3]
    assert interval.score == pytest.approx(roc_auc_score(truth[:, kept], scores[:, kept]), abs=1e-12)
    with pytest.raises(OptionError):
        bootstrap_macro_auc(np.zeros((9, 2)), np.zeros((9, 2)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: bootstrap_interval([1], [1]),
        lambda: bootstrap_interval([1, 2], [1, 2], groups=["one", "one"]),
        lambda: bootstrap_interval([1, 2], [1, 2], confidence=95),
        lambda: bootstrap_interval([1, 2], [1, 2], n_resamples=0),
        lambda: wilson_interval(3, 2),
        lambda: wilson_interval(0, 0),
    ],
)
def test_impossible_intervals_are_refused(call):
    with pytest.raises(OptionError):
        call()
