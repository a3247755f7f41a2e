"""The classic baselines of Asgharivaskasi et al. (2019), Table 2: five classifiers on features of clips or segments.

The study's features and the classifiers' settings are not stated in what this package was made from. Chosen: the
statistics of `mgc_keras.features.mfcc`, of whole clips or of 3-s segments (`mgc_keras.datasets.cutting`), and
scikit-learn's own settings; every one of them can be set, or chosen on training clips. Answers for segments are
gathered by `mgc_keras.evaluation.voting`. An SVM's training time grows at least with the square of the number of rows:
give it whole clips, or some of the segments, of a large dataset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mgc_keras.datasets.holdout import stratified_holdout
from mgc_keras.datasets.repeated_folds import INNER_FOLDS
from mgc_keras.errors import OptionError

BASELINES = ("svm", "softmax", "tree", "naive_bayes", "knn")
# What `fit_and_predict` chooses from, the plainest first: of equals, the first is taken.
CANDIDATES: Mapping[str, Mapping[str, tuple]] = MappingProxyType({
    "svm": {"C": (0.1, 1.0, 10.0, 100.0)},
    "softmax": {"C": (0.001, 0.01, 0.1, 1.0, 10.0)},
    "tree": {"max_depth": (4, 8, 16, None), "min_samples_leaf": (5, 1)},
    "naive_bayes": {"var_smoothing": (1e-1, 1e-2, 1e-9)},
    "knn": {"n_neighbors": (25, 15, 9, 5, 3, 1)},
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class Answers:
    """What a baseline says of the rows it was asked about.

    Parameters
    ----------
    prediction : np.ndarray [shape=(n_rows,)]
        The class of each.
    classes : np.ndarray [shape=(n_classes,)]
        The classes it was trained on, sorted.
    scores : np.ndarray [shape=(n_rows, n_classes), dtype=float64]
        Columns as `classes`: probabilities; for the SVM, which has none, its one-against-rest decision values.
    parameters : dict
        The settings that were chosen on training rows; empty where nothing was.
    """

    prediction: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    parameters: dict[str, Any]


def baseline(name: str, seed: int = 0, **parameters: Any) -> Pipeline:
    """Return one of the classifiers, not yet trained.

    The features are standardised, on the clips it is trained on, for the SVM (RBF kernel), soft-max regression and
    k-NN, which depend on scale; the decision tree and (Gaussian) naive Bayes take them as they are.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    seed : int
        Of the decision tree, which draws among equally good cuts; nothing else here is random.
    parameters
        Of the scikit-learn classifier, in place of its defaults.

    Raises
    ------
    OptionError
        An unknown name or parameter.

    Example
    -------
    >>> baseline("knn", n_neighbors=3)["classify"].n_neighbors
    3
    """
    if name not in BASELINES:
        raise OptionError(f"unknown baseline {name!r}", field="baseline", cure=f"choose one of {', '.join(BASELINES)}")
    classifier = _classifier(name, seed)
    unknown = sorted(set(parameters) - set(classifier.get_params()))
    if unknown:
        cure = f"{type(classifier).__name__} knows: {', '.join(classifier.get_params())}"
        raise OptionError(f"{name} has no such parameter", field=unknown[0], cure=cure)
    scale = StandardScaler() if name in ("svm", "softmax", "knn") else "passthrough"
    return Pipeline([("scale", scale), ("classify", classifier.set_params(**parameters))])


def _classifier(name: str, seed: int) -> ClassifierMixin:
    if name == "svm":
        # So that the class predicted is always that of the highest decision value.
        return SVC(break_ties=True)
    if name == "softmax":
        # scikit-learn's own limit of 100 steps is too few for a hundred features.
        return LogisticRegression(max_iter=2000)
    if name == "tree":
        return DecisionTreeClassifier(random_state=seed)
    return GaussianNB() if name == "naive_bayes" else KNeighborsClassifier()


def fit_and_predict(
    name: str,
    training: np.ndarray,
    labels: Sequence | np.ndarray,
    test: np.ndarray,
    *,
    choose: bool = False,
    groups: Sequence | np.ndarray | None = None,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    training_ids: Sequence[str] | None = None,
    test_ids: Sequence[str] | None = None,
) -> Answers:
    """Train a baseline on some rows of features and ask it about others.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    training : np.ndarray [shape=(n_training, n_features), dtype=float]
        Rows of clips or of segments.
    labels : sequence of str or int, (n_training,)
    test : np.ndarray [shape=(n_test, n_features), dtype=float]
    choose : bool
        Choose settings among `CANDIDATES` by the accuracy on training rows that are held out, a fifth of them drawn
        five times (`stratified_holdout`), then train on all; no test row is looked at. How the study chose is not
        stated; this is meant for the corrected protocol.
    groups : sequence, (n_training,), optional
        Artist (or song) of each row, kept on one side while choosing. Needed where rows are segments: those of one clip
        must not stand on both sides.
    seed : int
        Of the decision tree, and of the rows held out.
    parameters : mapping, optional
        Settings of the classifier, see `baseline`; they are not chosen.
    training_ids, test_ids : sequence of str, optional
        Clips' ids, for the errors; without them rows are numbered.

    Raises
    ------
    OptionError
        Shapes that do not fit, features that are not finite (the clip is named), one class alone, more neighbours
        than rows, too few clips (or groups) of a class to choose on.
    """
    training, test = _checked(training, "training", training_ids), _checked(test, "test", test_ids)
    if training.shape[1] != test.shape[1]:
        problem = f"{test.shape[1]} features, but {training.shape[1]} to train on"
        raise OptionError(problem, field="test", cure="compute both alike")
    labels = _checked_labels(labels, groups, len(training))
    model = baseline(name, seed, **(parameters or {}))
    chosen = _choose(name, model, training, labels, groups, seed, parameters or {}) if choose else {}
    model["classify"].set_params(**chosen)
    if name == "knn" and model["classify"].n_neighbors > len(training):
        raise OptionError(f"there are {len(training)} rows to train on", field="n_neighbors", cure="ask for fewer")
    model.fit(training, labels)
    return Answers(model.predict(test), model.classes_, _scores(model, test), chosen)


def _choose(
    name: str,
    model: Pipeline,
    training: np.ndarray,
    labels: np.ndarray,
    groups: Sequence | np.ndarray | None,
    seed: int,
    fixed: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the candidate of the highest mean accuracy over some draws of held-out training rows."""
    candidates: dict[str, Sequence] = {
        field: values for field, values in CANDIDATES[name].items() if field not in fixed
    }
    if not candidates:
        return {}
    draws = [
        stratified_holdout(labels, groups, share=1 / INNER_FOLDS, seed=(seed, draw)) for draw in range(INNER_FOLDS)
    ]
    if name == "knn":
        n_rows = min(int((~held_out).sum()) for held_out in draws)
        candidates = {"n_neighbors": [count for count in candidates["n_neighbors"] if count <= n_rows]}
    candidates = {f"classify__{field}": values for field, values in candidates.items()}
    splits = [(np.flatnonzero(~held_out), np.flatnonzero(held_out)) for held_out in draws]
    search = GridSearchCV(model, candidates, scoring="accuracy", cv=splits, refit=False, error_score="raise")
    search.fit(training, labels)
    return {field.removeprefix("classify__"): value for field, value in search.best_params_.items()}


def _scores(model: Pipeline, test: np.ndarray) -> np.ndarray:
    if hasattr(model, "predict_proba"):
        return model.predict_proba(test).astype(np.float64)
    values = model.decision_function(test)
    # For two classes there is one value, of the second against the first.
    return np.stack([-values, values], axis=1) if values.ndim == 1 else values


def _checked_labels(labels: Sequence | np.ndarray, groups: Sequence | np.ndarray | None, n_rows: int) -> np.ndarray:
    for field, column in (("labels", labels), ("groups", groups)):
        if column is not None and np.shape(column) != (n_rows,):
            raise OptionError(f"the shape is {np.shape(column)}, not ({n_rows},)", field=field, cure="give one a row")
    labels = np.asarray(labels)
    if len(np.unique(labels)) < 2:
        raise OptionError("one class alone leaves nothing to tell apart", field="labels", cure="give clips of two")
    return labels


def _checked(features: np.ndarray, field: str, ids: Sequence[str] | None) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not features.size:
        raise OptionError(f"the shape is {features.shape}", field=field, cure="give a row of features a clip")
    if ids is not None and len(ids) != len(features):
        raise OptionError(f"{len(features)} rows have {len(ids)} ids", field=field, cure="give one each")
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        clip = f"row {bad[0]}" if ids is None else f"clip {str(ids[bad[0]])!r}"
        problem = f"{clip} has features that are not finite numbers ({len(bad)} in all)"
        raise OptionError(problem, field=field, cure="leave it out")
    return features
