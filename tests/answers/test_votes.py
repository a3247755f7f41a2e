"""One genre a song: against counting by hand, and what cannot be counted."""

import numpy as np
import pytest
from scipy.stats import gmean

from mgc_keras.answers.votes import Neighbours, chosen_genres, song_votes
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.voting import shares

NAMES = ("blues", "jazz", "rock")
SONG = np.array([0, 0, 0, 1, 1, 2])


@pytest.fixture
def scores() -> np.ndarray:
    return np.random.default_rng(4).random((6, 3)).astype(np.float32)


@pytest.fixture
def neighbours() -> Neighbours:
    random = np.random.default_rng(5)
    return Neighbours(shares(random.random((11, 3))), np.array(NAMES)[random.integers(3, size=11)])


def test_mean_and_geometric_mean_by_hand(scores: np.ndarray) -> None:
    for name, mean in (("mean", np.mean), ("geometric", gmean)):
        votes = song_votes(SONG, scores, name, names=NAMES)
        for song in range(3):
            rows = [row / row.sum() for row in scores[song == SONG].astype(float)]
            expected = mean(rows, axis=0)
            np.testing.assert_allclose(votes[song], expected / expected.sum(), rtol=1e-6)


@pytest.mark.parametrize("k", [1, 4, 50])
def test_neighbours_by_hand(scores: np.ndarray, neighbours: Neighbours, k: int) -> None:
    votes = song_votes(SONG, scores, "knn", names=NAMES, neighbours=neighbours, k=k)
    for song in range(3):
        said = []
        for row in scores[song == SONG].astype(float):
            distances = [np.linalg.norm(row / row.sum() - other) for other in neighbours.shares]
            said += [neighbours.genre[place] for place in np.argsort(distances)[:k]]
        np.testing.assert_allclose(votes[song], [said.count(name) / len(said) for name in NAMES])


def test_a_genre_that_one_excerpt_rules_out() -> None:
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [1e-6, 1.0]])
    one = np.zeros(3, int)
    assert song_votes(one, scores, "mean", names=("a", "b"))[0].argmax() == 0
    assert song_votes(one, scores, "geometric", names=("a", "b"))[0].argmax() == 1
    assert np.isfinite(song_votes(one[:1], np.array([[0.0, 0.0]]), "geometric", names=("a", "b"))).all()


def test_equal_votes_are_decided_by_the_mean() -> None:
    assert chosen_genres(
        np.array([[0.4, 0.4, 0.2], [0.2, 0.2, 0.6]]), np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1]])
    ).tolist() == [1, 2]


def test_neighbours_survive_their_file(tmp_path, neighbours: Neighbours) -> None:
    again = Neighbours.read(neighbours.write(tmp_path / "some.neighbours.npz"))
    np.testing.assert_array_equal(again.shares, neighbours.shares)
    assert again.genre.tolist() == neighbours.genre.tolist()


def test_what_is_refused(tmp_path, scores: np.ndarray, neighbours: Neighbours) -> None:
    def vote(**options: object) -> None:
        song_votes(SONG, scores, **{"average": "knn", "names": NAMES, "neighbours": neighbours} | options)

    strangers = Neighbours(neighbours.shares, np.full(11, "polka"))
    cases = (
        ({"average": "median"}, "average"), ({"neighbours": None}, "--neighbours"), ({"k": 0}, "k: 0"),
        ({"neighbours": strangers}, "'polka'"),
        ({"neighbours": Neighbours(np.zeros((11, 2)), neighbours.genre)}, "other genres"),
    )  # fmt: skip
    for options, words in cases:
        with pytest.raises(OptionError, match=words):
            vote(**options)
    with pytest.raises(OptionError, match="no such file"):
        Neighbours.read(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(OptionError, match="holds no neighbours"):
        Neighbours.read(tmp_path / "text.npz")
    with pytest.raises(OptionError, match="below 0"):
        song_votes(SONG, -scores - shares(scores) * 3 + 2.1, "geometric", names=NAMES)
