"""What an epoch's scores come to: the figures of every curve."""

import keras
import numpy as np


def judge(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return cross-entropy (nats a clip) and accuracy (share of clips); NaN for no clips.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_clips, n_classes), dtype=float]
        Of a soft-max. They count as at least Keras' epsilon, as in its own loss.
    truth : np.ndarray [shape=(n_clips,), dtype=int]
        Class numbers.

    Example
    -------
    >>> {name: round(value, 3) for name, value in judge(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 0])).items()}
    {'loss': 1.04, 'accuracy': 0.5}
    """
    if not len(truth):
        return {"loss": float("nan"), "accuracy": float("nan")}
    of_truth = np.maximum(scores[np.arange(len(truth)), truth], keras.config.epsilon())
    return {"loss": float(-np.log(of_truth).mean()), "accuracy": float(np.mean(scores.argmax(1) == truth))}
