"""Sequential minimal optimisation on a shared kernel matrix: libsvm's machines, number for number, only sooner.

The algorithm is that of LIBSVM (Chang and Lin 2011, "LIBSVM: a library for support vector machines", sections 4 and 5)
with the working sets of Fan, Chen and Lin (2005): the pair that violates optimality most by second-order information,
shrinking, kernel values in single and all else in double precision. A search whose scores must be those of libsvm to
the last digit has to walk through the same steps, so every sum is taken in libsvm's order.

What is gained: kernel values are read in contiguous rows, loops run over vectors, and nothing holds Python's lock.
Products of labels and gradients take the place of gradients: signs cost nothing and round nothing, and the labels
disappear from the loops. numba compiles them on first use, and keeps the result beside the source.
"""

from typing import NamedTuple

import numpy as np

from mgc_keras.search.smo_loop import minimise, minimise_pairs

_FREE_ERROR = 0.1  # of a regression; scikit-learn's default
_VALUES_KEPT = 128_000_000  # kernel values kept at a time: half a gigabyte, of which only what is needed is ever taken


class Machine(NamedTuple):
    """A trained support vector machine, laid out as scikit-learn's `dual_coef_` and `intercept_`.

    Attributes
    ----------
    dual_coef : np.ndarray [shape=(n_classes - 1, n_trained) or, of a regression, (n_trained,), dtype=float64]
        Row r of a clip of class c belongs to the pair of c with the (r+1)-th class where that lies behind c, else with
        the r-th: positive for the first class of a pair, negative for the second.
    intercept : np.ndarray [shape=(n_pairs,) or, of a regression, (), dtype=float64]
        Of the pairs (0, 1), (0, 2), …, (1, 2), ….
    cut_off : np.ndarray [shape=(n_pairs,) or (), dtype=bool]
        Whether the iteration budget ended before the stopping criterion was met.
    peak : np.ndarray [shape=(n_pairs,) or (), dtype=float64]
        The most that an alpha was on the way. The penalty does nothing but hold alphas back, so a machine with any
        penalty above this is the same to the last bit. Infinite where this machine's own penalty held one back.
    """

    dual_coef: np.ndarray
    intercept: np.ndarray
    cut_off: np.ndarray
    peak: np.ndarray


def train_pairs(
    kernel: np.ndarray,
    members: np.ndarray,
    starts: np.ndarray,
    cost: float,
    max_iter: int = -1,
    other: Machine | None = None,
) -> Machine:
    """Train a support vector machine for every pair of classes.

    Parameters
    ----------
    kernel : np.ndarray [shape=(n_clips, n_clips), dtype=float64]
        Symmetric, C-contiguous.
    members : np.ndarray [shape=(n_trained,), dtype=int64]
        The clips to train on, class by class.
    starts : np.ndarray [shape=(n_classes + 1,), dtype=int64]
        Where each class begins in `members`, and their end.
    cost : float
        The penalty C.
    max_iter : int
        Iteration budget of each pair; -1: none.
    other : Machine or None
        Trained on the same with another penalty: the pairs for which that makes no difference are taken from it.
    """
    n_classes = len(starts) - 1
    n_pairs = n_classes * (n_classes - 1) // 2
    if other is None:
        untrained = np.full(n_pairs, np.inf)
        machine = Machine(
            np.zeros((n_classes - 1, len(members))), np.empty(n_pairs), np.zeros(n_pairs, bool), untrained
        )
    elif (other.peak < cost).all():
        return other
    else:
        machine = Machine(*(numbers.copy() for numbers in other))
    memory = _row_cache(int(np.sort(np.diff(starts))[-2:].sum()))
    minimise_pairs(kernel, members, starts, cost, max_iter, memory, *machine)
    return machine


def train_regression(
    kernel: np.ndarray,
    members: np.ndarray,
    values: np.ndarray,
    cost: float,
    max_iter: int = -1,
    other: Machine | None = None,
) -> Machine:
    """Train a support vector regression to which errors up to 0.1 cost nothing.

    Parameters
    ----------
    kernel, members, cost, max_iter, other
        As of `train_pairs`; the clips in any order.
    values : np.ndarray [shape=(n_trained,), dtype=float64]
    """
    if other is not None and other.peak < cost:
        return other
    n = len(members)
    label, clips = np.repeat((1.0, -1.0), n), np.concatenate((members, members))
    linear = np.concatenate((_FREE_ERROR - values, _FREE_ERROR + values))
    alpha, rho, cut_off, peak = minimise(kernel, clips, label, linear, cost, max_iter, _row_cache(2 * n))
    return Machine(alpha[:n] - alpha[n:], np.array(-rho), np.array(cut_off), np.array(peak))


def _row_cache(n: int) -> np.ndarray:
    """Return memory for the kernel rows of n variables, or for as many rows as may be kept."""
    return np.empty(n * min(n, max(2, _VALUES_KEPT // n)), np.float32)
