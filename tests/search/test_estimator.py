"""The refitted estimator predicts what scikit-learn's own GridSearchCV refits, before and after a file."""

import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR

from mgc_keras.datasets.splits import plain_folds
from mgc_keras.errors import WeightsError
from mgc_keras.search import PUBLISHED, Candidate, load_estimator, refit, save_estimator, search

GRID = [Candidate("linear", 0.1), Candidate("rbf", 2.0, 0.01), Candidate("rbf", 8.0, 0.1)]


def clips(estimator, n=90):
    random = np.random.default_rng(0)
    features = random.normal(size=(n, 8)) * np.linspace(0.2, 5, 8)
    labels = random.permutation(np.repeat(["blues", "jazz", "rock"], n // 3))
    features[:, :3] += np.equal.outer(labels, ["blues", "jazz", "rock"])
    return features, labels if estimator == "SVC" else np.tanh(features[:, 0]) + 0.3 * features[:, 1]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("estimator", ["SVC", "SVR"])
def test_predictions_are_those_of_scikit_learns_search(estimator, standardize, tmp_path):
    features, target = clips(estimator)
    blocks, folds = {"a": features[:60, :3], "b": features[:60, 3:]}, plain_folds(60, 5)
    result = search(blocks, target[:60], folds, estimator, replace(PUBLISHED, standardize=standardize), grid=GRID)
    ours = refit(result, blocks, target[:60])
    svm = {"SVC": SVC, "SVR": SVR}[estimator]()
    grid = [
        {f"{type(svm).__name__.lower()}__{name}": [value] for name, value in vars(candidate).items() if value}
        for candidate in GRID
    ]
    pipeline = make_pipeline(*([StandardScaler()] if standardize else []), svm)
    theirs = GridSearchCV(pipeline, grid, cv=PredefinedSplit(folds)).fit(features[:60], target[:60])
    assert result.score == pytest.approx(theirs.best_score_, abs=1e-12 if estimator == "SVC" else 1e-3)
    expected = theirs.predict(features[60:])
    assert np.array_equal(ours.predict(features[60:]), expected)
    loaded = load_estimator(save_estimator(ours, tmp_path / "new" / "best.skops"))
    assert np.array_equal(loaded.predict(features[60:]), expected)


def test_files_that_are_not_an_estimators_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load_estimator(tmp_path / "none.skops")
    (tmp_path / "pickle.skops").write_bytes(pickle.dumps(SVC()))
    with zipfile.ZipFile(tmp_path / "zip.skops", "w") as archive:
        archive.writestr("other.txt", "")
    with zipfile.ZipFile(tmp_path / "json.skops", "w") as archive:
        archive.writestr("schema.json", "{")
    for name in ("pickle.skops", "zip.skops", "json.skops"):
        with pytest.raises(WeightsError, match="is not a file of skops"):
            load_estimator(tmp_path / name)
    features, target = clips("SVC")
    for other in (LogisticRegression(), make_pipeline(FunctionTransformer(np.abs), SVC())):
        save_estimator(other.fit(features, target), tmp_path / "other.skops")
        with pytest.raises(WeightsError, match="is not an estimator of a search"):
            load_estimator(tmp_path / "other.skops")


def test_types_that_may_run_code_are_refused(tmp_path):
    estimator = make_pipeline(SVC())
    estimator.extra = RunsCode()
    with pytest.raises(WeightsError, match="RunsCode"):
        load_estimator(save_estimator(estimator, tmp_path / "stranger.skops"))


class RunsCode:
    """A type of the file's own."""
