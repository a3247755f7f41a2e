"""The classic baselines of Asgharivaskasi et al. (2019), Table 2: five classifiers on features of clips or segments.

The study's features and the classifiers' settings are not stated in what this package was made from. Chosen: the
statistics of `mgc_keras.features.mfcc`, of whole clips or of 3-s segments, and scikit-learn's own settings, or settings
chosen on training clips. An SVM's training time grows at least with the square of the number of rows.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mgc_keras.checks import checked_choice
from mgc_keras.cluster import Cluster
from mgc_keras.datasets.holdout import stratified_holdout
from mgc_keras.datasets.repeated_folds import INNER_FOLDS
from mgc_keras.errors import OptionError
from mgc_keras.threads import one_thread

# What `fit_and_predict` chooses from, the plainest first: of equals, the first is taken.
CANDIDATES: Mapping[str, Mapping[str, tuple]] = MappingProxyType({
    "svm": {"classify__C": (0.1, 1.0, 10.0, 100.0)},
    "softmax": {"classify__C": (0.001, 0.01, 0.1, 1.0, 10.0)},
    "tree": {"classify__max_depth": (4, 8, 16, None), "classify__min_samples_leaf": (5, 1)},
    "naive_bayes": {"classify__var_smoothing": (1e-1, 1e-2, 1e-9)},
    "knn": {"classify__n_neighbors": (25, 15, 9, 5, 3, 1)},
})  # fmt: skip
BASELINES = tuple(CANDIDATES)
# The others are fitted sooner than sent to a cluster.
_SLOW = ("svm", "softmax", "tree")


@dataclass(frozen=True, eq=False)
class Answers:
    """What a baseline says of the rows it was asked about.

    Parameters
    ----------
    prediction, classes : np.ndarray [shape=(n_rows,)], np.ndarray [shape=(n_classes,)]
        The class of each row; the classes it was trained on, sorted.
    scores : np.ndarray [shape=(n_rows, n_classes), dtype=float64]
        Columns as `classes`: probabilities; for the SVM, which has none, its one-against-rest decision values.
    parameters : dict
        The settings that were chosen on training rows; empty where nothing was.
    """

    prediction: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    parameters: dict[str, Any]


class _OneThread(Pipeline):
    """A pipeline that computes the same numbers wherever joblib takes it."""

    def fit(self, *data: Any, **parameters: Any) -> "_OneThread":
        with one_thread():
            return super().fit(*data, **parameters)

    def predict(self, *data: Any, **parameters: Any) -> np.ndarray:
        with one_thread():
            return super().predict(*data, **parameters)


def baseline(name: str, seed: int = 0) -> Pipeline:
    """Return one of `BASELINES`, not yet trained; `seed` is that of the tree, which draws among equally good cuts.

    The features are standardised, on the clips it is trained on, for the SVM (RBF kernel), soft-max regression and
    k-NN, which depend on scale; the decision tree and (Gaussian) naive Bayes take them as they are.

    Raises
    ------
    OptionError
        An unknown name.
    """
    classifiers = {
        # So that the class predicted is always that of the highest decision value.
        "svm": SVC(break_ties=True),
        # scikit-learn's own limit of 100 steps is too few for a hundred features.
        "softmax": LogisticRegression(max_iter=2000),
        "tree": DecisionTreeClassifier(random_state=seed),
        "naive_bayes": GaussianNB(),
        "knn": KNeighborsClassifier(),
    }
    classifier = classifiers[checked_choice("baseline", name, BASELINES)]
    scale = StandardScaler() if name in ("svm", "softmax", "knn") else "passthrough"
    return _OneThread([("scale", scale), ("classify", classifier)])


def fit_and_predict(
    name: str,
    training: np.ndarray,
    labels: Sequence | np.ndarray,
    test: np.ndarray,
    *,
    choose: bool = False,
    groups: Sequence | np.ndarray | None = None,
    seed: int = 0,
    cluster: Cluster | None = None,
) -> Answers:
    """Train a baseline on some rows of features and ask it about others.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    training, test : np.ndarray [shape=(n_rows, n_features), dtype=float]
        Rows of clips or of segments.
    labels : sequence of str or int, (n_training,)
    choose : bool
        Choose settings among `CANDIDATES` by the accuracy on training rows that are held out, a fifth of them drawn
        five times (`stratified_holdout`), then train on all; no test row is looked at. How the study chose is not
        stated; this is meant for the corrected protocol.
    groups : sequence, (n_training,), optional
        Artist (or song) of each row, kept on one side while choosing. Needed where rows are segments: those of one clip
        must not stand on both sides.
    seed : int
        Of the decision tree, and of the rows held out.
    cluster : Cluster, optional
        Where slow ones try their candidates while choosing, instead of here one after another.

    Raises
    ------
    OptionError
        Features that are not finite, one class alone, more neighbours than rows, too few clips (or groups) of a class
        to choose on.
    """
    for field, rows in (("training", training), ("test", test)):
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad):
            problem = f"row {bad[0]} has features that are not finite numbers ({len(bad)} in all)"
            raise OptionError(problem, field=field, cure="leave it out")
    labels = np.asarray(labels)
    if len(np.unique(labels)) < 2:
        raise OptionError("one class alone leaves nothing to tell apart", field="labels", cure="give clips of two")
    model = baseline(name, seed)
    if choose:
        model = _search(name, model, labels, groups, seed)
    elif name == "knn" and model["classify"].n_neighbors > len(training):
        problem = f"there are {len(training)} rows to train on, and the study takes {model['classify'].n_neighbors}"
        raise OptionError(problem, field="n_neighbors", cure="give more clips")
    elsewhere = cluster if name in _SLOW else None
    with joblib.parallel_config("dask", client=elsewhere.client) if elsewhere else nullcontext():
        model.fit(np.asarray(training, np.float64), labels)
    test = np.asarray(test, np.float64)
    return Answers(model.predict(test), model.classes_, _scores(model, test), model.best_params_ if choose else {})


def _search(
    name: str, model: Pipeline, labels: np.ndarray, groups: Sequence | np.ndarray | None, seed: int
) -> GridSearchCV:
    """Return the search for the candidate of the highest mean accuracy over some draws of held-out training rows."""
    seeds = [(seed, draw) for draw in range(INNER_FOLDS)]
    draws = [stratified_holdout(labels, groups, share=1 / INNER_FOLDS, seed=drawn) for drawn in seeds]
    candidates = CANDIDATES[name]
    if name == "knn":
        n_rows = min(int((~held_out).sum()) for held_out in draws)
        candidates = {
            field: tuple(count for count in counts if count <= n_rows) for field, counts in candidates.items()
        }
    splits = [(np.flatnonzero(~held_out), np.flatnonzero(held_out)) for held_out in draws]
    return GridSearchCV(model, candidates, scoring="accuracy", cv=splits, error_score="raise")


def _scores(model: Pipeline | GridSearchCV, test: np.ndarray) -> np.ndarray:
    if hasattr(model, "predict_proba"):
        return model.predict_proba(test).astype(np.float64)
    values = model.decision_function(test)
    # For two classes there is one value, of the second against the first.
    return np.stack([-values, values], axis=1) if values.ndim == 1 else values
