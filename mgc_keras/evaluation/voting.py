"""From a classifier's answers for segments to one answer for each clip: majority vote, or a mean of probabilities."""

from collections.abc import Sequence

import numpy as np

from mgc_keras.errors import OptionError

_SMALLEST_PROBABILITY = 1e-12


def majority_vote(
    clip: np.ndarray,
    prediction: Sequence | np.ndarray,
    *,
    classes: Sequence | np.ndarray | None = None,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """Return for each clip the class that most of its segments were given (Asgharivaskasi et al. 2019).

    Parameters
    ----------
    clip : np.ndarray [shape=(n_segments,), dtype=int]
        Each segment's clip, counted from 0; every clip up to the last has a segment.
    prediction : sequence of str or int, (n_segments,)
        Each segment's class.
    classes : sequence of str or int, (n_classes,), optional
        The classes in order; by default those predicted, sorted. Needed with `scores`.
    scores : np.ndarray [shape=(n_segments, n_classes), dtype=float], optional
        Probability (or another score) of every class, columns in the order of `classes`.

    Returns
    -------
    np.ndarray [shape=(n_clips,)]
        Where several classes have the most votes, that of the highest sum of `scores` over the clip's segments; the
        first of them in the order of `classes` where no scores are given or the sums are equal, too. How the study
        decides between equal votes is not stated.

    Raises
    ------
    OptionError
        A clip without segments, lengths that differ, a class that is none of `classes`, scores that are not finite.

    Example
    -------
    >>> majority_vote(np.array([0, 0, 0, 1, 1]), ["pop", "jazz", "pop", "rock", "jazz"]).tolist()
    ['pop', 'jazz']
    """
    prediction = np.asarray(prediction)
    n_clips = _n_clips(clip, prediction)
    if classes is None and scores is not None:
        raise OptionError("scores need the classes of their columns", field="classes", cure="give them in order")
    classes = np.unique(prediction) if classes is None else np.asarray(classes)
    given = prediction[:, None] == classes
    if not (given.sum(axis=1) == 1).all():
        stranger = prediction[given.sum(axis=1) != 1][0]
        raise OptionError(f"{str(stranger)!r} is not one of the classes", field="classes", cure="name each class once")
    votes = _sums(clip, given.astype(int), n_clips)
    most = votes == votes.max(axis=1, keepdims=True)
    if scores is None:
        return classes[most.argmax(axis=1)]
    sums = _sums(clip, _checked(scores, len(prediction), len(classes)), n_clips)
    return classes[np.where(most, sums, -np.inf).argmax(axis=1)]


def mean_probabilities(clip: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return each clip's mean over its segments, (n_clips, n_classes) float64.

    Parameters
    ----------
    clip, probabilities
        As `clip` and `scores` in `majority_vote`.

    Raises
    ------
    OptionError
        A clip without segments, lengths that differ, probabilities that are not finite.

    Example
    -------
    >>> mean_probabilities(np.array([0, 0, 1]), np.array([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]])).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    n_clips = _n_clips(clip, probabilities)
    checked = _checked(probabilities, len(probabilities), None)
    return _sums(clip, checked, n_clips) / np.bincount(clip)[:, None]


def geometric_mean_probabilities(clip: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return each clip's geometric mean over its segments, brought to a sum of 1, (n_clips, n_classes) float64.

    A class that one segment all but rules out has no more chance, however sure the others are.

    Parameters
    ----------
    clip, probabilities
        As in `mean_probabilities`; below 1e-12 probabilities count as that, so that a clip always has a class.

    Raises
    ------
    OptionError
        As `mean_probabilities`; or a probability is below 0.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if (probabilities < 0).any():
        raise OptionError("holds values below 0", field="scores", cure="give probabilities")
    means = mean_probabilities(clip, np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY)))
    means = np.exp(means - means.max(axis=1, keepdims=True))
    return means / means.sum(axis=1, keepdims=True)


def shares(scores: np.ndarray) -> np.ndarray:
    """Divide each row of scores by its sum, as Jiménez and José (2017) do with their ten sigmoids; float64.

    A row of zeros gives every class the same share.

    Example
    -------
    >>> shares(np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 0.0]])).round(2).tolist()
    [[0.5, 0.25, 0.25], [0.33, 0.33, 0.33]]
    """
    scores = np.asarray(scores, np.float64)
    sums = scores.sum(axis=1, keepdims=True)
    return np.where(sums > 0, scores / np.where(sums > 0, sums, 1), 1 / scores.shape[1])


def _sums(clip: np.ndarray, values: np.ndarray, n_clips: int) -> np.ndarray:
    sums = np.zeros((n_clips, values.shape[1]), dtype=values.dtype)
    np.add.at(sums, clip, values)
    return sums


def _n_clips(clip: np.ndarray, rows: np.ndarray) -> int:
    clip = np.asarray(clip)
    if clip.ndim != 1 or not len(clip) or clip.dtype.kind not in "iu" or clip.min() < 0:
        raise OptionError("needs the number of a clip for each segment", field="clip", cure="count clips from 0")
    if len(clip) != len(rows):
        raise OptionError(f"{len(clip)} segments have {len(rows)} answers", field="clip", cure="give one each")
    counts = np.bincount(clip)
    if not counts.all():
        problem = f"clip {int(counts.argmin())} has no segments"
        raise OptionError(problem, field="clip", cure="leave it out and count the others anew")
    return len(counts)


def _checked(scores: np.ndarray, n_segments: int, n_classes: int | None) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 2 or len(scores) != n_segments or n_classes not in (None, scores.shape[1]):
        problem = f"the shape is {scores.shape}, not ({n_segments}, {n_classes or 'n_classes'})"
        raise OptionError(problem, field="scores", cure="give a row a segment and a column a class")
    if not np.isfinite(scores).all():
        raise OptionError("holds values that are not finite", field="scores", cure="leave such segments out")
    return scores
