"""The search against a plain twin that solves everything with scikit-learn on the features themselves."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from mgc_keras.datasets.splits import choose_folds, plain_folds, published_stratified_folds
from mgc_keras.errors import OptionError
from mgc_keras.search import CORRECTED, PUBLISHED, Candidate, candidates, search
from mgc_keras.search.splits import nested_cv, prepare_task

GRID = [c for c in candidates(10) if c.C in (0.1, 8.0) and c.gamma in (None, 2**-3, 2**-7, 1 / 10)]

FOLDS = {"published": "published", "corrected": "grouped"}


def make_task(n=90, estimator="SVC", seed=0):
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(["blues", "jazz", "rock"], [n // 3 + 6, n // 3 - 2, n // 3 - 4]))
    features = random.normal(size=(n, 10)) * np.linspace(0.5, 4, 10)
    features[:, :3] += np.array([{"blues": (1, 0, 0), "jazz": (0, 1, 0), "rock": (0, 0, 1)}[name] for name in labels])
    target = labels if estimator == "SVC" else np.tanh(features[:, 0]) + 0.3 * random.normal(size=n)
    return {"a": features[:, :4], "b": features[:, 4:]}, target, np.arange(n) // 2


def fit_predict(features, target, train, test, candidate, estimator, standardize):
    if standardize:
        scaler = StandardScaler().fit(features[train])
        features = scaler.transform(features)
    svm = {"SVC": SVC, "SVR": SVR}[estimator](
        C=candidate.C, kernel=candidate.kernel, gamma="auto" if candidate.gamma is None else candidate.gamma
    )
    return svm.fit(features[train], target[train]).predict(features[test])


def score_of(predictions, target, folds, estimator, weighting):
    metric = accuracy_score if estimator == "SVC" else r2_score
    tested = folds >= 0
    if weighting == "pooled":
        return metric(target[tested], predictions[tested])
    numbers = sorted(set(folds[tested]))
    scores = [metric(target[folds == number], predictions[folds == number]) for number in numbers]
    return np.average(scores, weights=[(folds == number).sum() for number in numbers] if weighting == "size" else None)


def cross_validated(features, target, folds, inside, candidate, estimator, standardize):
    """Predict every fold of the clips `inside` from the other clips inside."""
    predictions = np.empty(len(target), dtype=object if estimator == "SVC" else float)
    for number in sorted(set(folds[inside & (folds >= 0)])):
        test = inside & (folds == number)
        predictions[test] = fit_predict(features, target, inside & ~test, test, candidate, estimator, standardize)
    return predictions


def twin(blocks, target, folds, estimator, settings):
    """Score, best candidate of each fold and predictions, without any shortcut."""
    features = np.concatenate(list(blocks.values()), axis=1)
    all_clips = np.ones(len(target), dtype=bool)

    def best(inside):
        inner = np.where(inside, folds, -1)
        scores = [
            score_of(
                cross_validated(features, target, folds, inside, candidate, estimator, settings.standardize),
                target,
                inner,
                estimator,
                settings.fold_weighting,
            )
            for candidate in GRID
        ]
        return GRID[int(np.argmax(np.round(scores, 9)))]

    predictions = np.empty(len(target), dtype=object if estimator == "SVC" else float)
    chosen = []
    overall = None if settings.nested else best(all_clips)
    for number in sorted(set(folds)):
        test = folds == number
        chosen.append(best(~test) if settings.nested else overall)
        predictions[test] = fit_predict(features, target, ~test, test, chosen[-1], estimator, settings.standardize)
    return score_of(predictions, target, folds, estimator, settings.fold_weighting), tuple(chosen), predictions


@pytest.mark.parametrize("estimator", ["SVC", "SVR"])
@pytest.mark.parametrize(
    "settings",
    [
        PUBLISHED,
        replace(PUBLISHED, standardize=True),
        replace(PUBLISHED, fold_weighting="equal"),
        replace(PUBLISHED, fold_weighting="pooled"),
        replace(PUBLISHED, nested=True),
        CORRECTED,
    ],
    ids=["published", "standardized", "equal", "pooled", "nested", "corrected"],
)
def test_search_finds_what_the_plain_twin_finds(estimator, settings):
    blocks, target, groups = make_task(estimator=estimator)
    folds = choose_folds(FOLDS[settings.name], target, regression=estimator == "SVR", groups=groups, n_folds=4)
    result = search(blocks, target, folds, estimator, settings, grid=GRID)
    score, chosen, predictions = twin(blocks, target, folds, estimator, settings)
    # Inner standardisation of SVR differs from the twin's by no more than libsvm's stopping tolerance.
    assert result.score == pytest.approx(score, abs=1e-12 if estimator == "SVC" else 2e-3)
    assert result.chosen == chosen and result.settings == settings
    assert result.predictions["clip"].tolist() == list(range(len(target)))
    assert result.predictions["truth"].tolist() == target.tolist()
    assert result.predictions["fold"].tolist() == folds.tolist()
    if estimator == "SVC":
        assert result.predictions["prediction"].tolist() == predictions.tolist()
    else:
        np.testing.assert_allclose(result.predictions["prediction"], predictions, atol=5e-3)


@pytest.mark.parametrize("settings", [PUBLISHED, CORRECTED], ids=["published", "corrected"])
def test_the_result_is_the_same_for_any_jobs_and_any_first_candidate(settings):
    blocks, target, groups = make_task()
    folds = choose_folds(FOLDS[settings.name], target, groups=groups, n_folds=5)
    one = search(blocks, target, folds, settings=settings, grid=GRID)
    two = search(blocks, target, folds, settings=settings, grid=GRID, jobs=2)
    assert (
        one.cv_results.equals(two.cv_results) and one.predictions.equals(two.predictions) and one.n_fits == two.n_fits
    )
    other = search(blocks, target, folds, settings=settings, grid=GRID, first=GRID[0])
    assert (other.score, other.chosen) == (one.score, one.chosen)
    assert other.predictions.equals(one.predictions)


def test_dropped_candidates_could_not_have_won():
    blocks, target, _ = make_task()
    blocks["a"] = blocks["a"] + 4.0 * (target[:, None] == ["blues", "jazz", "rock", "none"])
    folds = published_stratified_folds(target, 5)
    result = search(blocks, target, folds, grid=GRID)
    dropped = result.cv_results[result.cv_results["status"] == "dropped (bound)"]
    assert len(dropped) > 0 and result.n_fits < len(GRID) * 5
    for index in dropped.index:
        alone = search(blocks, target, folds, grid=[GRID[index]])
        assert alone.score < result.score or (alone.score == result.score and index > GRID.index(result.best))
    complete = result.cv_results[result.cv_results["status"] == "complete"]
    assert complete["score"].max() == pytest.approx(result.score, abs=1e-12)


def test_clips_of_no_fold_are_trained_on_and_never_tested():
    blocks, target, groups = make_task()
    folds = np.where(np.arange(len(target)) < 20, 0, -1)
    result = search(blocks, target, folds, grid=GRID)
    assert result.predictions["clip"].tolist() == list(range(20))
    features = np.concatenate(list(blocks.values()), axis=1)
    expected = fit_predict(features, target, folds < 0, folds == 0, result.best, "SVC", False)
    assert result.predictions["prediction"].tolist() == expected.tolist()
    inner = np.where(folds == 0, -1, np.arange(len(target)) % 3)
    on_given = search(blocks, target, folds, settings=CORRECTED, inner_folds=inner, grid=GRID)
    on_drawn = search(blocks, target, folds, settings=CORRECTED, groups=groups, grid=GRID)
    assert len(on_given.chosen) == len(on_drawn.chosen) == 1


def test_a_test_clip_has_no_say_in_a_nested_selection():
    blocks, target, _ = make_task()
    folds = np.where(np.arange(len(target)) < 20, 0, -1)
    inner = np.where(folds == 0, -1, np.arange(len(target)) % 3)
    changed = target.copy()
    changed[:20] = target[:20][::-1]
    before, after = (
        search(blocks, labels, folds, settings=CORRECTED, inner_folds=inner, grid=GRID) for labels in (target, changed)
    )
    assert before.chosen == after.chosen
    assert before.predictions["prediction"].tolist() == after.predictions["prediction"].tolist()


def test_candidates_beyond_the_budget_are_named_and_cannot_win():
    blocks, target, _ = make_task()
    blocks = {name: 30 * block for name, block in blocks.items()}
    folds = published_stratified_folds(target, 5)
    free = search(blocks, target, folds, grid=GRID)
    assert free.cut_off == () and free.best.kernel == "linear"
    limited = search(blocks, target, folds, grid=GRID, max_iter=200)
    assert "linear C=8" in limited.cut_off
    assert limited.cv_results.set_index(["kernel", "C"]).loc[("linear", 8.0), "status"] == "cut off"
    assert limited.best.name not in limited.cut_off
    with pytest.raises(OptionError, match="max_iter"):
        search(blocks, target, folds, grid=[Candidate("linear", 8.0)], max_iter=200)


def test_a_single_candidate_is_reported_as_it_is():
    blocks, target, _ = make_task(estimator="SVR")
    result = search(blocks, target, plain_folds(len(target), 3), "SVR", grid=[Candidate("rbf", 2.0, 0.1)])
    assert result.best == Candidate("rbf", 2.0, 0.1) and result.n_fits == 3
    assert len(result.fold_scores) == 3 and result.metric == "r2"


@pytest.mark.parametrize(
    "changes",
    [
        {"estimator": "SVM"},
        {"folds": np.zeros(5, dtype=int)},
        {"folds": np.full(90, -1)},
        {"folds": np.zeros(90)},
        {"folds": np.zeros(90, dtype=int)},
        {"groups": [1, 2]},
        {"target": ["same"] * 90},
        {"target": ["a", "b"] * 30},
        {"estimator": "SVR", "target": np.full(90, np.nan)},
        {"estimator": "SVR", "target": np.ones(90)},
        {"jobs": 0},
        {"max_iter": 0},
        {"grid": "all"},
    ],
)
def test_input_that_makes_no_sense_is_refused(changes):
    blocks, target, _ = make_task()
    arguments = {"target": target, "folds": plain_folds(90, 3)} | changes
    with pytest.raises(OptionError):
        search(blocks, **arguments)


def test_a_class_of_too_few_training_clips_is_named_with_what_is_needed():
    target, folds = np.array(["blues"] * 3 + ["jazz"] * 9), np.r_[np.full(10, -1), [0, 0]]
    with pytest.raises(OptionError, match="label: class 'blues' has 3 clips to learn from, and 5 folds of these"):
        nested_cv(prepare_task(target, folds, "SVC"), 0)
