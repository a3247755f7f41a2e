"""Intervals against closed forms, slow twins, and simulated coverage."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import binom, binomtest
from scipy.stats import t as student
from sklearn.metrics import r2_score, roc_auc_score

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.intervals import bootstrap_interval, macro_auc_interval, score_interval, wilson_interval
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


def test_single_clips_get_wilsons_interval_with_students_quantile():
    truth, prediction = np.ones(120, int), (np.arange(120) >= 30).astype(int)
    interval = score_interval(truth, prediction)
    # The jackknife divides by 119 where the binomial variance divides by 120; Wilson's interval solves this equation.
    n_clips, quantile = 119, student.ppf(0.975, 119)
    for end in (interval.low, interval.high):
        assert abs(0.75 - end) == pytest.approx(quantile * np.sqrt(end * (1 - end) / n_clips), rel=1e-9)


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
@pytest.mark.parametrize("weighting", ["pooled", "size", "equal"])
def test_grouped_intervals_rest_on_scores_without_each_group(metric, weighting):
    generator = np.random.default_rng(11)
    groups = np.repeat(np.arange(20), generator.integers(2, 9, 20))
    n_clips = len(groups)
    truth = generator.integers(3, size=n_clips).astype(float)
    wrong = (generator.random(20) < 0.4)[groups] & (generator.random(n_clips) < 0.9)
    prediction, folds = np.where(wrong, (truth + 1) % 3, truth), np.arange(n_clips) % 2
    interval = score_interval(truth, prediction, metric, folds=folds, weighting=weighting, groups=groups)
    kept = [groups != group for group in range(20)]
    left_out = [score(truth[some], prediction[some], metric, folds[some], weighting) for some in kept]
    effective = n_clips**2 / np.sum(np.bincount(groups) ** 2)
    quantile = student.ppf(0.975, effective - 1)
    if metric == "r2":
        half = quantile * np.sqrt(
            19 / 20 * np.sum((np.log1p(-np.array(left_out)) - np.log1p(-np.array(left_out)).mean()) ** 2)
        )
        assert np.log([1 - interval.high, 1 - interval.low]) == pytest.approx(
            np.log(1 - interval.score) + [-half, half]
        )
    else:
        error = np.sqrt(19 / 20 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
        assert error**2 > 1.5 * interval.score * (1 - interval.score) / n_clips  # the floor of the effect plays no part
        effect = error**2 * n_clips / (interval.score * (1 - interval.score))
        for end in (interval.low, interval.high):
            half = quantile * np.sqrt(end * (1 - end) * effect / n_clips)
            assert abs(interval.score - end) == pytest.approx(half, rel=1e-9)


def test_perfect_and_hopeless_scores_have_intervals_with_width():
    perfect = score_interval(np.ones(128), np.ones(128))
    assert perfect.high == 1 and perfect.low == pytest.approx(wilson_interval(128, 128).low, abs=0.001)
    hopeless = score_interval(np.ones(128), np.zeros(128))
    assert (hopeless.low, hopeless.high) == pytest.approx((0, 1 - perfect.low))
    # Ten artists say less than 128 clips.
    assert score_interval(np.ones(120), np.ones(120), groups=np.arange(120) // 12).low < 0.9
    areas = macro_auc_interval(np.arange(40)[:, None] > 19, np.arange(40)[:, None])
    assert areas.score == areas.high == 1 and 0.7 < areas.low < 0.9


@pytest.mark.parametrize("right", [True, False])
def test_groups_that_all_agree_count_as_one_clip_and_repeats_as_none(right):
    prediction, artists, clips = np.full(100, float(right)), np.arange(100) // 5, np.arange(100)
    once = score_interval(np.ones(100), prediction, groups=artists)
    # Wilson's interval of 20 clips, whose end without Student's quantile is 0.839.
    quantile = student.ppf(0.975, 19)
    inner = once.low if right else 1 - once.high
    assert inner == pytest.approx(20 / (20 + quantile**2))
    again = score_interval(
        np.ones(1000), np.tile(prediction, 10), groups=np.tile(artists, 10), clips=np.tile(clips, 10)
    )
    assert (again.low, again.high) == pytest.approx((once.low, once.high))
    alone = score_interval(np.ones(1000), np.tile(prediction, 10), clips=np.tile(clips, 10))
    plain = score_interval(np.ones(100), prediction)
    assert (alone.low, alone.high) == pytest.approx((plain.low, plain.high))


def test_few_errors_repeated_are_no_more_evidence():
    """Ten tests that all say the same say what one says."""
    for n_wrong in (1, 3, 8):
        prediction, artists, clips = (np.arange(200) % 40 >= n_wrong) * 1.0, np.arange(200) % 40, np.arange(200)
        once = score_interval(np.ones(200), prediction, groups=artists)
        again = score_interval(
            np.ones(2000), np.tile(prediction, 10), groups=np.tile(artists, 10), clips=np.tile(clips, 10)
        )
        assert (again.low, again.high) == pytest.approx((once.low, once.high))


def test_too_few_groups_or_perfect_regressions_get_no_interval():
    truth, groups = np.arange(30.0), np.arange(30) % 5
    for metric in ("accuracy", "r2"):
        interval = score_interval(truth, truth + (np.arange(30) == 3), metric, groups=groups)
        assert np.isnan([interval.low, interval.high]).all()
    assert str(score_interval(truth, truth, "r2")) == "1.000 [no interval]"


def test_intervals_stay_in_the_range_of_the_metric():
    generator = np.random.default_rng(3)
    for _ in range(200):
        truth, prediction = generator.normal(size=(2, 8)) * [[1], [3]]
        assert score_interval(truth, prediction, "r2").high < 1
        right = generator.random(8) < 0.9
        interval = score_interval(np.ones(8), right)
        assert 0 <= interval.low < interval.high <= 1


def _coverage(true, draw, n_runs):
    held = [interval.low <= true <= interval.high for interval in (draw() for _ in range(n_runs))]
    return np.mean(held)


@pytest.mark.parametrize("true", [0.6, 0.97])
def test_few_clips_and_alike_artists_are_covered(true):
    # 600 draws: a standard error of at most 0.01 around 0.95.
    generator = np.random.default_rng(1)
    assert _coverage(true, lambda: score_interval(np.ones(60), generator.random(60) < true), 600) > 0.92

    def of_artists():
        chance = generator.beta(true * 2.33, (1 - true) * 2.33, 12)  # a correlation of 0.3 within artists
        return score_interval(np.ones(120), generator.random(120) < np.repeat(chance, 10), groups=np.arange(120) // 10)

    assert _coverage(true, of_artists, 600) > 0.92

    def of_whole_artists():
        right, artists = np.repeat(generator.random(20) < true, 5), np.repeat(np.arange(20), 5)
        tests = {"groups": np.tile(artists, 4), "clips": np.tile(np.arange(100), 4)}
        return score_interval(np.ones(400), np.tile(right, 4), **tests)

    assert _coverage(true, of_whole_artists, 600) > 0.92


def test_macro_auc_rests_on_areas_without_each_clip():
    generator = np.random.default_rng(9)
    truth = generator.random((40, 3)) < [0.4, 0.5, 0.0]
    scores = np.round(generator.random((40, 3)), 1)
    interval = macro_auc_interval(truth, scores)
    kept = [0, 1]
    assert interval.score == pytest.approx(roc_auc_score(truth[:, kept], scores[:, kept]), abs=1e-12)
    left_out = np.array(
        [roc_auc_score(truth[rest][:, kept], scores[rest][:, kept]) for rest in ~np.eye(40, dtype=bool)]
    )
    error = np.sqrt(39 / 40 * np.sum((left_out - left_out.mean()) ** 2))
    n_rarer = np.minimum(truth[:, kept].sum(0), (~truth[:, kept]).sum(0)).mean()
    half = student.ppf(0.975, n_rarer - 1) * error / (interval.score * (1 - interval.score))
    assert logit([interval.low, interval.high]) == pytest.approx(logit(interval.score) + [-half, half])
    with pytest.raises(OptionError):
        macro_auc_interval(np.zeros((9, 2)), np.zeros((9, 2)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: bootstrap_interval([1], [1]),
        lambda: score_interval([1], [1]),
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
