"""The classifiers that judge features. Scaling and hyperparameters are learnt from the training part alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mgc_keras.checks import checked_choice
from mgc_keras.datasets.splits import grouped_stratified_folds
from mgc_keras.errors import OptionError
from mgc_keras.judging.choices import at_edge
from mgc_keras.judging.protocols import Split
from mgc_keras.search.grid import Candidate, SearchSettings
from mgc_keras.threads import one_thread

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# What each does, for help and reports.
CLASSIFIERS = {
    "svm": "support vector machine with an RBF kernel on standardised features; C of 1, 4, 16, 64 and gamma of 1, 1/4, "
    "1/16 divided by the number of features",
    "logistic": "logistic regression on standardised features; C of 0.01, 0.1, 1, 10",
    "knn": "k nearest neighbours on standardised features; k of 1, 5, 15, 45",
}
N_INNER_FOLDS = 3
# Beyond, hyperparameters are chosen on a sample of the training rows; the fit takes all.
MOST_ROWS_TO_CHOOSE_ON = 2000
_SETTINGS = SearchSettings("judge", standardize=True, fold_weighting="pooled")


@dataclass(frozen=True)
class Classifier:
    """A kind of classifier, and the seed of the folds that choose its hyperparameters."""

    kind: str = "svm"
    seed: int = 0
    jobs: int = 1

    def __post_init__(self) -> None:
        checked_choice("--classifier", self.kind, CLASSIFIERS)
        if self.jobs < 1:
            raise OptionError(f"{self.jobs} jobs cannot work", field="--jobs", cure="use 1 or more")

    def candidates(self, n_features: int) -> list[dict[str, float]]:
        """Return the hyperparameters to choose from; the first among equally good ones is taken."""
        if self.kind == "svm":
            return [
                {"C": cost, "gamma": width / n_features}
                for width in (1, 1 / 4, 1 / 16)
                for cost in (1.0, 4.0, 16.0, 64.0)
            ]
        if self.kind == "logistic":
            return [{"C": cost} for cost in (0.01, 0.1, 1.0, 10.0)]
        return [{"n_neighbors": k} for k in (1, 5, 15, 45)]

    def build(self, **hyperparameters: Any) -> "Pipeline":
        """Return the scikit-learn pipeline with these hyperparameters."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        kinds = {
            "svm": SVC,
            "logistic": lambda **given: LogisticRegression(max_iter=2000, **given),
            "knn": KNeighborsClassifier,
        }
        return make_pipeline(StandardScaler(), kinds[self.kind](**hyperparameters))

    def predict(
        self, features: np.ndarray, labels: np.ndarray, split: Split, groups: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, float]]:
        """Choose, fit and predict one split.

        Parameters
        ----------
        features : np.ndarray [shape=(n_rows, n_columns), dtype=float64]
        labels : np.ndarray [shape=(n_rows,), dtype=str]
        split : Split
        groups : np.ndarray [shape=(n_rows,)] or None
            Kept together by the folds that choose.

        Returns
        -------
        predictions : np.ndarray [shape=(n_test,), dtype=str]
        chosen : dict
            The hyperparameters.
        """
        known = np.unique(labels[split.train])
        if len(known) == 1:
            return np.full(len(split.test), known[0]), {}
        varies = self._varies(features, split)
        if not varies.any():
            values, counts = np.unique(labels[split.train], return_counts=True)
            return np.full(len(split.test), values[counts.argmax()]), {}
        features = features[:, varies]
        with one_thread():
            chosen = self._choose(features, labels, split, groups)
            model = self.build(**chosen).fit(features[split.fitted], labels[split.fitted])
            return np.asarray(model.predict(features[split.test]), str), chosen

    def edges(self, chosen: dict[str, float], features: np.ndarray, split: Split) -> tuple[str, ...]:
        """Return which of the hyperparameters that `predict` chose are at the ends of their grids."""
        return at_edge(chosen, self.candidates(int(self._varies(features, split).sum())))

    def _varies(self, features: np.ndarray, split: Split) -> np.ndarray:
        """What never varies in training says nothing of the test rows, whatever it does there."""
        seen = features[split.train]
        return seen.max(axis=0) > seen.min(axis=0)

    def _choose(
        self, features: np.ndarray, labels: np.ndarray, split: Split, groups: np.ndarray | None
    ) -> dict[str, float]:
        candidates = self.candidates(features.shape[1])
        rows, fold = self._inner(labels, split, groups)
        if self.kind == "knn":
            least = min(int((fold != number).sum()) for number in set(fold) - {-1}) if fold is not None else 1
            candidates = [given for given in candidates if given["n_neighbors"] <= least] or candidates[:1]
        if fold is None:
            return candidates[0]
        if self.kind == "svm":
            from mgc_keras.search.grid_search import search

            grid = [Candidate("rbf", given["C"], given["gamma"]) for given in candidates]
            best = search({"": features[rows]}, labels[rows], fold, settings=_SETTINGS, grid=grid, jobs=self.jobs).best
            return {"C": best.C, "gamma": best.gamma or 0.0}
        n_right = []
        for given in candidates:
            count = 0
            for number in sorted(set(fold) - {-1}):
                train, test = rows[fold != number], rows[fold == number]
                model = self.build(**given).fit(features[train], labels[train])
                count += int((model.predict(features[test]) == labels[test]).sum())
            n_right.append(count)
        return candidates[int(np.argmax(n_right))]

    def _inner(
        self, labels: np.ndarray, split: Split, groups: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return rows to choose on and the fold that tests each (-1: none); no folds where there are too few rows."""
        if split.valid is not None:
            rows = np.concatenate([split.train, split.valid])
            return rows, np.repeat([-1, 0], [len(split.train), len(split.valid)])
        rows = self._sample(split.train, groups)
        within = None if groups is None else groups[rows]
        n_folds = min(N_INNER_FOLDS, int(np.unique(labels[rows], return_counts=True)[1].min()))
        if within is not None:
            n_folds = min(n_folds, len(set(within)))
        if n_folds < 2:
            return rows, None
        fold = grouped_stratified_folds(labels[rows], within, n_folds, self.seed)
        # Folds of whole artists may leave a class alone.
        usable = all(len(set(labels[rows][fold != number])) > 1 for number in set(fold))
        return rows, fold if usable else None

    def _sample(self, rows: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
        if len(rows) <= MOST_ROWS_TO_CHOOSE_ON:
            return rows
        of_row = rows if groups is None else groups[rows]
        drawn = np.random.default_rng(self.seed).permutation(np.unique(of_row))
        sizes = np.bincount(np.unique(of_row, return_inverse=True)[1])
        taken = drawn[: max(2, int(MOST_ROWS_TO_CHOOSE_ON / sizes.mean()))]
        return rows[np.isin(of_row, taken)]
