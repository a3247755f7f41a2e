"""Sets of classes that hold the true one as often as was asked for, and shares that mean what they say.

Both need examples that the classifier did not learn from. Split conformal prediction (Vovk, Gammerman and Shafer 2005;
the score is that of Sadinle, Lei and Wasserman 2019): a class is in the set where its share is no lower than that of
the true class was in all but the worst examples. Whatever the classifier, the set holds the true class with the
probability asked for, if the new example is exchangeable with those: drawn as they were, as songs of the same
collection are. Of other music nothing is promised; nor of each class by itself. Temperature scaling (Guo, Pleiss, Sun
and Weinberger 2017) makes shares sharper or flatter by one number until they are as likely as can be; it moves no class
before another.
"""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from mgc_keras.errors import OptionError

# Shares below count as that, as a logarithm must.
_SMALLEST = 1e-12
# Of temperatures: one, more than it ever is, is flat, or is a choice, for shares of three digits.
_TEMPERATURES = (0.02, 50.0)


def nonconformity(shares: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how badly each example's true class fares: 1 less its share, (n_examples,) float64.

    Parameters
    ----------
    shares : np.ndarray [shape=(n_examples, n_classes)]
        Rows sum to 1.
    truth : np.ndarray [shape=(n_examples,), dtype=int]
        The column of each example's class.
    """
    return 1 - np.asarray(shares, np.float64)[np.arange(len(truth)), truth]


def conformal_threshold(scores: np.ndarray, coverage: float) -> float:
    """Return the nonconformity up to which a class is in the set: the ceil((n + 1) coverage)-th smallest of n.

    Infinite, so that every class is in, where n is too small for that: 0.9 needs 9 examples, 0.95 needs 19.

    Raises
    ------
    OptionError
        `coverage` is not between 0 and 1.

    Example
    -------
    >>> conformal_threshold(np.array([0.3, 0.1, 0.2, 0.5]), 0.6)
    0.3
    >>> conformal_threshold(np.array([0.3, 0.1, 0.2, 0.5]), 0.9)
    inf
    """
    if not 0 < coverage < 1:
        raise OptionError(f"{coverage:g} is no coverage", field="coverage", cure="give a share between 0 and 1")
    # (n + 1) * 0.9 may lie above a whole number by what rounding adds.
    place = math.ceil(round((len(scores) + 1) * coverage, 9))
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else math.inf


def conformal_sets(shares: np.ndarray, threshold: float) -> np.ndarray:
    """Return which classes are in each example's set, (n_examples, n_classes) bool.

    Example
    -------
    >>> conformal_sets(np.array([[0.7, 0.3], [0.4, 0.6]]), 0.65).tolist()
    [[True, False], [True, True]]
    """
    return 1 - np.asarray(shares, np.float64) <= threshold


def fit_temperature(shares: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature at which the examples' true classes are most likely; parameters as `nonconformity`."""
    logits = np.log(np.maximum(np.asarray(shares, np.float64), _SMALLEST))

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        highest = scaled.max(axis=1)
        normal = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        return float((normal - scaled[np.arange(len(truth)), truth]).mean())

    bounds = tuple(math.log(temperature) for temperature in _TEMPERATURES)
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)


def at_temperature(shares: np.ndarray, temperature: float) -> np.ndarray:
    """Return shares to the power of 1 / `temperature`, brought to a sum of 1 in each row, float64.

    Example
    -------
    >>> at_temperature(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    logits = np.log(np.maximum(np.asarray(shares, np.float64), _SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
