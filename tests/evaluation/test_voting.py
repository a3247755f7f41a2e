"""Voting: against counting by hand, and what cannot be counted."""

from collections import Counter
from math import fsum

import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.voting import majority_vote, mean_probabilities

CLASSES = ["rock", "jazz", "pop", "blues"]


def vote_by_hand(clip: np.ndarray, prediction: np.ndarray, classes: list[str], scores: np.ndarray | None) -> list[str]:
    winners = []
    for number in range(max(clip) + 1):
        mine = [i for i in range(len(clip)) if clip[i] == number]
        votes = Counter(prediction[i] for i in mine)
        best = [name for name in classes if votes[name] == max(votes.values())]
        if scores is not None:
            sums = {name: fsum(scores[i, classes.index(name)] for i in mine) for name in best}
            best = [name for name in best if sums[name] == max(sums.values())]
        winners.append(best[0])
    return winners


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_against_counting_by_hand(seed: int, scored: bool) -> None:
    random = np.random.default_rng(seed)
    clip = random.permutation(np.concatenate([np.arange(30), random.integers(0, 30, 100)]))
    prediction = random.choice(CLASSES, len(clip))
    # Quarters add up exactly, so that sums tie, too.
    scores = random.integers(0, 4, (len(clip), 4)) / 4 if scored else None
    given = majority_vote(clip, prediction, classes=CLASSES, scores=scores)
    assert given.tolist() == vote_by_hand(clip, prediction, CLASSES, scores)


def test_ties() -> None:
    clip, prediction = np.zeros(4, int), ["pop", "jazz", "pop", "jazz"]
    assert majority_vote(clip, prediction).tolist() == ["jazz"]
    assert majority_vote(clip, prediction, classes=["pop", "jazz"]).tolist() == ["pop"]
    scores = np.array([[0.1, 0.9, 0.0], [0.4, 0.6, 0.0], [0.2, 0.1, 0.7], [0.4, 0.3, 0.3]])
    # Rock has no votes, however high its scores.
    assert majority_vote(clip, prediction, classes=["rock", "jazz", "pop"], scores=scores + [[9, 0, 0]])[0] == "jazz"
    # Scores decide between equals alone: two votes beat one.
    few = majority_vote(clip[:3], prediction[:3], classes=["rock", "jazz", "pop"], scores=scores[:3] + [[0, 9, 0]])
    assert few[0] == "pop"


def test_class_numbers_keep_their_type() -> None:
    voted = majority_vote(np.array([1, 0, 1]), np.array([7, 3, 7]))
    assert voted.tolist() == [3, 7] and voted.dtype.kind == "i"


def test_means_against_plain_means() -> None:
    random = np.random.default_rng(0)
    clip = np.concatenate([np.arange(8), random.integers(0, 8, 40)])
    probabilities = random.dirichlet(np.ones(5), len(clip))
    expected = [probabilities[clip == number].mean(axis=0) for number in range(8)]
    np.testing.assert_allclose(mean_probabilities(clip, probabilities), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("clip", "problem"),
    [
        ([0, 2, 2], "clip 1 has no segments"),
        ([0, -1, 1], "number of a clip"),
        ([0.0, 1.0, 1.0], "number of a clip"),
        ([], "number of a clip"),
        ([0, 1], "2 segments have 3 answers"),
    ],
)
def test_clips_that_cannot_be_counted(clip: list, problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        majority_vote(np.array(clip), list("aab"))
    with pytest.raises(OptionError, match=problem):
        mean_probabilities(np.array(clip), np.ones((3, 2)))


def test_other_bad_input() -> None:
    clip = np.array([0, 0])
    with pytest.raises(OptionError, match="'b' is not one of the classes"):
        majority_vote(clip, ["a", "b"], classes=["a"])
    with pytest.raises(OptionError, match="name each class once"):
        majority_vote(clip, ["a", "b"], classes=["a", "b", "a"])
    with pytest.raises(OptionError, match="need the classes"):
        majority_vote(clip, ["a", "b"], scores=np.ones((2, 2)))
    with pytest.raises(OptionError, match=r"shape is \(2, 3\)"):
        majority_vote(clip, ["a", "b"], classes=["a", "b"], scores=np.ones((2, 3)))
    with pytest.raises(OptionError, match="not finite"):
        majority_vote(clip, ["a", "b"], classes=["a", "b"], scores=np.array([[0, np.nan], [0, 1]]))
    with pytest.raises(OptionError, match="not finite"):
        mean_probabilities(clip, np.array([[0, np.inf], [0, 1]]))
    with pytest.raises(OptionError, match="shape"):
        mean_probabilities(clip, np.ones(2))
