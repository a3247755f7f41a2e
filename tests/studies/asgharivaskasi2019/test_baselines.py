"""Baselines: against scikit-learn used directly, and choices that look at training rows alone."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mgc_keras.cluster import open_cluster
from mgc_keras.errors import OptionError
from mgc_keras.studies.asgharivaskasi2019.baselines import BASELINES, CANDIDATES, baseline, fit_and_predict

NAMES = np.array(["jazz", "pop", "rock"])


def toy(n_rows: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows around the corners of a triangle; the first feature is in other units, and further ones tell nothing."""
    random = np.random.default_rng(seed)
    numbers = np.arange(n_rows) % 3
    rows = random.normal(size=(n_rows, 6)) * spread
    rows[:, :2] += 3 * np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]])[numbers]
    rows[:, 0] = 1000 * rows[:, 0] + 5000
    return rows, NAMES[numbers]


def directly(name: str, training: np.ndarray, test: np.ndarray) -> tuple[ClassifierMixin, np.ndarray, np.ndarray]:
    """The classifier by itself, and the rows it takes, standardised by hand where that is due."""
    plain: dict[str, Any] = {
        "svm": SVC(break_ties=True),
        "softmax": LogisticRegression(max_iter=2000),
        "tree": DecisionTreeClassifier(random_state=5),
        "naive_bayes": GaussianNB(),
        "knn": KNeighborsClassifier(),
    }
    if name in ("tree", "naive_bayes"):
        return plain[name], training, test
    mean, spread = training.mean(axis=0), training.std(axis=0)
    return plain[name], (training - mean) / spread, (test - mean) / spread


@pytest.mark.parametrize("name", BASELINES)
def test_same_answers_as_scikit_learn_used_directly(name: str) -> None:
    (training, labels), (test, _) = toy(90, 1.5), toy(60, 1.5, seed=1)
    answers = fit_and_predict(name, training, labels, test, seed=5)
    model, rows, asked = directly(name, training, test)
    model.fit(rows, labels)
    assert answers.classes.tolist() == NAMES.tolist() and answers.parameters == {}
    assert answers.prediction.tolist() == model.predict(asked).tolist()
    expected = model.decision_function(asked) if name == "svm" else model.predict_proba(asked)
    np.testing.assert_allclose(answers.scores, expected, rtol=1e-6, atol=1e-9)
    assert answers.prediction.tolist() == answers.classes[answers.scores.argmax(axis=1)].tolist()
    assert len(set(answers.prediction)) == 3


@pytest.mark.parametrize("choose", [False, True])
@pytest.mark.parametrize("name", BASELINES)
def test_classes_that_lie_apart_are_told_apart(name: str, choose: bool) -> None:
    (training, labels), (test, truth) = toy(90, 0.1), toy(60, 0.1, seed=1)
    answers = fit_and_predict(name, training, labels, test, choose=choose)
    assert (answers.prediction == truth).all()
    assert set(answers.parameters) == (set(CANDIDATES[name]) if choose else set())


@pytest.mark.parametrize("name", BASELINES)
def test_two_classes_have_two_columns(name: str) -> None:
    training, labels = toy(90, 1.0)
    some = labels != "rock"
    answers = fit_and_predict(name, training[some], labels[some], training)
    assert answers.scores.shape == (90, 2) and answers.classes.tolist() == ["jazz", "pop"]
    assert answers.prediction.tolist() == answers.classes[answers.scores.argmax(axis=1)].tolist()


@pytest.mark.parametrize("name", BASELINES)
def test_the_same_seed_gives_the_same_answers(name: str) -> None:
    (training, labels), (test, _) = toy(90, 2.0), toy(60, 2.0, seed=1)
    first, again = (fit_and_predict(name, training, labels, test, choose=True, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.scores, again.scores)
    assert first.parameters == again.parameters


def test_seeds_reach_the_tree() -> None:
    training, labels = toy(90, 2.0)
    doubled = np.concatenate([training, training], axis=1)
    used = [baseline("tree", seed).fit(doubled, labels)["classify"].tree_.feature.tolist() for seed in range(4)]
    assert len({tuple(features) for features in used}) > 1


def test_the_best_candidate_is_chosen_by_held_out_rows() -> None:
    # Half of the labels are wrong by chance, so that one neighbour is far worse than many.
    training, truth = toy(600, 0.3)
    random = np.random.default_rng(0)
    labels = np.where(random.random(600) < 0.4, random.choice(NAMES, 600), truth)
    assert fit_and_predict("knn", training, labels, training, choose=True).parameters["classify__n_neighbors"] >= 9
    # Stripes of classes narrower than the distance of any two rows of one stripe need near neighbours.
    place = np.linspace(0, 100, 300)[:, None]
    stripes = NAMES[(place[:, 0] // 2).astype(int) % 3]
    assert fit_and_predict("knn", place, stripes, place, choose=True).parameters["classify__n_neighbors"] <= 5


def test_segments_of_a_song_stay_on_one_side_while_choosing() -> None:
    # A song's segments sound alike, more than those of its class: neighbours from the same song would seem perfect.
    random = np.random.default_rng(1)
    songs = np.repeat(np.arange(60), 10)
    song_sound = random.normal(size=(60, 4))
    labels = NAMES[np.arange(60) % 3]
    song_sound[:, 0] += 0.5 * (np.arange(60) % 3)
    rows = song_sound[songs] + 0.01 * random.normal(size=(600, 4))
    alone = fit_and_predict("knn", rows, labels[songs], rows, choose=True).parameters["classify__n_neighbors"]
    together = fit_and_predict("knn", rows, labels[songs], rows, choose=True, groups=songs).parameters[
        "classify__n_neighbors"
    ]
    assert alone <= 5 and together >= 9


class TestBadInput:
    training, labels = toy(30, 1.0)

    @pytest.mark.parametrize("side", ["training", "test"])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_row_without_finite_features_is_named(self, side: str, value: float) -> None:
        bad = self.training.copy()
        bad[[7, 9], 2] = value
        rows = {"training": self.training, "test": self.training} | {side: bad}
        with pytest.raises(OptionError, match=rf"{side}: row 7 has features .*\(2 in all\)"):
            fit_and_predict("svm", rows["training"], self.labels, rows["test"])

    @pytest.mark.parametrize("name", BASELINES)
    def test_one_class(self, name: str) -> None:
        with pytest.raises(OptionError, match="one class alone"):
            fit_and_predict(name, self.training, np.full(30, "jazz"), self.training)

    def test_unknown_names(self) -> None:
        with pytest.raises(OptionError, match="'forest' is unknown.*naive_bayes"):
            baseline("forest")

    def test_groups_of_another_length(self) -> None:
        with pytest.raises(OptionError, match=r"groups \(31,\)"):
            fit_and_predict("knn", self.training, self.labels, self.training, choose=True, groups=np.arange(31))

    def test_too_few_rows(self) -> None:
        with pytest.raises(OptionError, match="n_neighbors: there are 4 rows"):
            fit_and_predict("knn", self.training[:4], self.labels[:4], self.training)
        with pytest.raises(OptionError, match=r"class 'jazz' has one artist \(or song\) alone"):
            fit_and_predict("knn", self.training, self.labels, self.training, choose=True, groups=self.labels)
        few = fit_and_predict("knn", self.training[:6], self.labels[:6], self.training, choose=True)
        assert few.parameters["classify__n_neighbors"] <= 3


def test_a_cluster_chooses_what_one_process_chooses() -> None:
    pytest.importorskip("distributed", reason="needs the extra [cluster]")
    (training, labels), (test, _) = toy(90, 1.5), toy(60, 1.5, seed=1)
    from distributed import get_task_stream

    # Joblib would keep what one thread alone could do.
    with open_cluster("local:2") as cluster, get_task_stream(cluster.client) as tried:
        for name in ("svm", "softmax", "tree"):
            here, there = (
                fit_and_predict(name, training, labels, test, choose=True, cluster=where) for where in (None, cluster)
            )
            assert there.parameters == here.parameters
            assert there.scores.tobytes() == here.scores.tobytes()
    assert len(tried.data) > 1
