"""Sequential minimal optimisation on a shared kernel matrix: libsvm's machines, number for number, only sooner.

The algorithm is that of LIBSVM (Chang and Lin 2011, "LIBSVM: a library for support vector machines", section 4 and 5)
with the working sets of Fan, Chen and Lin (2005): the pair that violates optimality most by second-order information,
shrinking, kernel values in single and all else in double precision. A search whose scores must be those of libsvm to the
last digit has to walk through the same steps, so every sum is taken in libsvm's order.

What is gained: kernel values are read in contiguous rows, loops run over vectors, and nothing
holds Python's lock. Products of labels and gradients take the place of gradients: signs cost nothing
and round nothing, and the labels disappear from the loops.
"""

from itertools import combinations

import numba
import numpy as np

_TOLERANCE = 1e-3  # of the stopping criterion; scikit-learn's default
_SMALLEST_CURVATURE = 1e-12
_FREE_ERROR = 0.1  # of a regression; scikit-learn's default
_VALUES_KEPT = 128_000_000  # kernel values kept at a time: half a gigabyte, of which only what is needed is ever taken
_LEAST, _ALL_BUT_SIGN = np.int64(-(2**63)), np.int64(2**63 - 1)
# Loops over vectors: a compiler makes them of element-wise loops and of maxima of integers, not of maxima of floats.
_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


def train_pairs(
    kernel: np.ndarray, members: np.ndarray, starts: np.ndarray, cost: float, max_iter: int = -1
) -> tuple[np.ndarray, np.ndarray, bool]:
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

    Returns
    -------
    coefficients : np.ndarray [shape=(n_classes - 1, n_trained), dtype=float64]
        Row r of a clip of class c belongs to the pair of c with the (r+1)-th class where that lies behind c, else with
        the r-th: positive for the first class of a pair, negative for the second.
    intercepts : np.ndarray [shape=(n_pairs,), dtype=float64]
        Of the pairs (0, 1), (0, 2), …, (1, 2), ….
    cut_off : bool
        Whether a pair reached the budget.
    """
    sizes = np.diff(starts)
    coefficients, intercepts = np.zeros((len(sizes) - 1, len(members))), []
    room, cut_off = _room(int(np.sort(sizes)[-2:].sum())), False
    for first, second in combinations(range(len(sizes)), 2):
        ours, theirs = slice(*starts[first : first + 2]), slice(*starts[second : second + 2])
        label = np.repeat((1.0, -1.0), (sizes[first], sizes[second]))
        clips = np.concatenate((members[ours], members[theirs]))
        alpha, rho, too_long = _minimise(kernel, clips, label, np.full(len(label), -1.0), cost, max_iter, room)
        coefficients[second - 1, ours] = alpha[: sizes[first]]
        coefficients[first, theirs] = -alpha[sizes[first] :]
        intercepts.append(-rho)
        cut_off |= too_long
    return coefficients, np.array(intercepts), cut_off


def train_regression(
    kernel: np.ndarray, members: np.ndarray, values: np.ndarray, cost: float, max_iter: int = -1
) -> tuple[np.ndarray, float, bool]:
    """Train a support vector regression to which errors up to 0.1 cost nothing.

    Parameters
    ----------
    kernel : np.ndarray [shape=(n_clips, n_clips), dtype=float64]
        Symmetric, C-contiguous.
    members : np.ndarray [shape=(n_trained,), dtype=int64]
        The clips to train on.
    values : np.ndarray [shape=(n_trained,), dtype=float64]
    cost : float
        The penalty C.
    max_iter : int
        Iteration budget; -1: none.

    Returns
    -------
    coefficients : np.ndarray [shape=(n_trained,), dtype=float64]
    intercept : float
    cut_off : bool
        Whether the budget was reached.
    """
    n = len(members)
    label, clips = np.repeat((1.0, -1.0), n), np.concatenate((members, members))
    linear = np.concatenate((_FREE_ERROR - values, _FREE_ERROR + values))
    alpha, rho, cut_off = _minimise(kernel, clips, label, linear, cost, max_iter, _room(2 * n))
    return alpha[:n] - alpha[n:], -rho, cut_off


def _room(n: int) -> np.ndarray:
    """Return room for the kernel rows of a problem of n variables, or for as many as may be kept."""
    return np.empty(n * min(n, max(2, _VALUES_KEPT // n)), np.float32)


@_compiled
def _minimise(
    kernel: np.ndarray,
    clips: np.ndarray,
    label: np.ndarray,
    linear: np.ndarray,
    cost: float,
    max_iter: int,
    room: np.ndarray,
) -> tuple[np.ndarray, float, bool]:
    """Minimise over alpha the problem with these clips, labels (1, -1) and linear terms, one for each variable.

    Returns alpha in the order of `clips`, the threshold rho, and whether the budget was reached. Reorders `clips`, `label`
    and `linear`.
    """
    n = len(clips)
    # Everything but `rows` and its records is in an order of its own, in which the active variables come first.
    places = np.arange(n)
    alpha, slope, bound_slope = np.zeros(n), label * linear, np.zeros(n)  # slope: label times gradient
    # Added to a value, they take a variable out of a maximum: may it move up (along its label), or down?
    up, down = np.where(label > 0, 0.0, -np.inf), np.where(label > 0, -np.inf, 0.0)
    diagonal = np.empty(n)
    for t in range(n):
        diagonal[t] = kernel[clips[t], clips[t]]
    work, gain = np.empty(n), np.empty(n)

    n_slots = min(n, len(room) // n)
    rows = room[: n_slots * n].reshape(n_slots, n)
    slot_of, owner = np.full(n, -1), np.full(n_slots, -1)
    filled, made = np.zeros(n_slots, np.int64), np.zeros(n_slots, np.int64)
    order_number, next_slot = 0, 0

    active, unshrunk, cut_off = n, False, False
    n_steps, countdown = 0, min(n, 1000) + 1
    while True:
        if max_iter != -1 and n_steps >= max_iter:
            cut_off = True
            break
        countdown -= 1
        if countdown == 0:
            countdown = min(n, 1000)
            highest, lowest = _extremes(slope, up, down, active)
            if not unshrunk and highest + lowest <= _TOLERANCE * 10:
                unshrunk = True
                _reconstruct(kernel, clips, label, linear, alpha, slope, bound_slope, cost, active)
                active = n
            active, moved = _shrink(
                places, clips, label, linear, alpha, slope, bound_slope, up, down, diagonal, highest, lowest, active
            )
            order_number += moved
        i, j, slot_i, violation = -1, -1, 0, 0.0
        for again in range(2):
            highest, i = _highest(slope, up, work, active)
            if i >= 0:
                slot_i, next_slot = _slot(places[i], -1, slot_of, owner, filled, next_slot)
                _fill(kernel[clips[i]], clips, active, rows, slot_i, filled, made, order_number)
                violation, j = _partner(slope, down, diagonal, rows[slot_i], work, gain, highest, diagonal[i], active)
            if i >= 0 and j >= 0 and violation >= _TOLERANCE:
                if again:
                    countdown = 1
                break
            # Not before all variables agree is this the end.
            _reconstruct(kernel, clips, label, linear, alpha, slope, bound_slope, cost, active)
            active = n
        if i < 0 or j < 0 or violation < _TOLERANCE:
            break
        n_steps += 1

        slot_j, next_slot = _slot(places[j], slot_i, slot_of, owner, filled, next_slot)
        _fill(kernel[clips[j]], clips, active, rows, slot_j, filled, made, order_number)
        row_i, row_j = rows[slot_i], rows[slot_j]
        old_i, old_j = alpha[i], alpha[j]
        alpha[i], alpha[j] = _step(
            label[i] == label[j],
            old_i,
            old_j,
            label[i] * slope[i],
            label[j] * slope[j],
            diagonal[i] + diagonal[j] - 2.0 * row_i[j],
            cost,
        )
        by_i, by_j = label[i] * (alpha[i] - old_i), label[j] * (alpha[j] - old_j)
        for t in range(active):
            slope[t] += row_i[t] * by_i + row_j[t] * by_j
        for one, old, slot in ((i, old_i, slot_i), (j, old_j, slot_j)):
            positive, value = label[one] > 0, alpha[one]
            up[one] = 0.0 if (value < cost if positive else value > 0) else -np.inf
            down[one] = 0.0 if (value > 0 if positive else value < cost) else -np.inf
            if (old >= cost) != (value >= cost):
                _fill(kernel[clips[one]], clips, n, rows, slot, filled, made, order_number)
                by, row = label[one] * (cost if value >= cost else -cost), rows[slot]
                for t in range(n):
                    bound_slope[t] += by * row[t]

    rho = _rho(slope, up, down, active)
    result = np.empty(n)
    for t in range(n):
        result[places[t]] = alpha[t]
    return result, rho, cut_off


@_compiled
def _highest(slope: np.ndarray, up: np.ndarray, work: np.ndarray, active: int) -> tuple[float, int]:
    """Return the largest of -slope among variables that may move up, and the last one that has it (-1: there is none)."""
    for t in range(active):
        work[t] = up[t] - slope[t]
    # As integers, the bits of numbers stand in the order of the numbers, once those of negative ones are turned round.
    bits = work.view(np.int64)
    best, place = _LEAST, -1
    for t in range(active):
        bits[t] ^= (bits[t] >> 63) & _ALL_BUT_SIGN
        best = max(best, bits[t])
    for t in range(active):
        place = max(place, t if bits[t] == best else -1)
    highest = up[place] - slope[place]
    return highest, place if highest > -np.inf else -1


@_compiled
def _partner(
    slope: np.ndarray,
    down: np.ndarray,
    diagonal: np.ndarray,
    row: np.ndarray,
    work: np.ndarray,
    gain: np.ndarray,
    highest: float,
    own: float,
    active: int,
) -> tuple[float, int]:
    """Return the largest violation among variables that may move down, and the last one that lowers the objective most."""
    for t in range(active):
        violation = down[t] + (highest + slope[t])
        violation = violation if violation > 0 else 0.0
        curvature = own + diagonal[t] - 2.0 * row[t]
        curvature = curvature if curvature > 0 else _SMALLEST_CURVATURE
        work[t] = violation
        gain[t] = violation * violation / curvature
    # None is negative, so their bits as integers stand in their order.
    violations, gains = work.view(np.int64), gain.view(np.int64)
    largest, best, place = np.int64(0), np.int64(0), -1
    for t in range(active):
        largest, best = max(largest, violations[t]), max(best, gains[t])
    for t in range(active):
        place = max(place, t if gains[t] == best else -1)
    violations[0] = largest
    return work[0], place if best > 0 else -1


@_compiled
def _step(
    same: bool, old_i: float, old_j: float, gradient_i: float, gradient_j: float, curvature: float, cost: float
) -> tuple[float, float]:
    """Return both alphas after the best step along their line that leaves them between 0 and the cost."""
    curvature = curvature if curvature > 0 else _SMALLEST_CURVATURE
    if not same:
        delta, difference = (-gradient_i - gradient_j) / curvature, old_i - old_j
        new_i, new_j = old_i + delta, old_j + delta
        if difference > 0:
            if new_j < 0:
                new_i, new_j = difference, 0.0
        elif new_i < 0:
            new_i, new_j = 0.0, -difference
        if difference > 0:
            if new_i > cost:
                new_i, new_j = cost, cost - difference
        elif new_j > cost:
            new_i, new_j = cost + difference, cost
        return new_i, new_j
    delta, total = (gradient_i - gradient_j) / curvature, old_i + old_j
    new_i, new_j = old_i - delta, old_j + delta
    if total > cost:
        if new_i > cost:
            new_i, new_j = cost, total - cost
    elif new_j < 0:
        new_i, new_j = total, 0.0
    if total > cost:
        if new_j > cost:
            new_i, new_j = total - cost, cost
    elif new_i < 0:
        new_i, new_j = 0.0, total
    return new_i, new_j


@_compiled
def _extremes(slope: np.ndarray, up: np.ndarray, down: np.ndarray, active: int) -> tuple[float, float]:
    """Return the largest of -slope among variables that may move up, and of slope among those that may move down."""
    highest, lowest = -np.inf, -np.inf
    for t in range(active):
        upward, downward = up[t] - slope[t], down[t] + slope[t]
        highest = upward if upward > highest else highest
        lowest = downward if downward > lowest else lowest
    return highest, lowest


@_compiled
def _is_settled(t: int, slope: np.ndarray, up: np.ndarray, down: np.ndarray, highest: float, lowest: float) -> bool:
    """Tell whether a variable at its bound will most likely stay there."""
    if up[t] == 0.0:
        return down[t] != 0.0 and slope[t] > lowest
    return -slope[t] > highest


@_compiled
def _shrink(
    places: np.ndarray,
    clips: np.ndarray,
    label: np.ndarray,
    linear: np.ndarray,
    alpha: np.ndarray,
    slope: np.ndarray,
    bound_slope: np.ndarray,
    up: np.ndarray,
    down: np.ndarray,
    diagonal: np.ndarray,
    highest: float,
    lowest: float,
    active: int,
) -> tuple[int, int]:
    """Move settled variables behind the active ones; return how many stay active, and 1 if the order has changed."""
    t, moved = 0, 0
    while t < active:
        if _is_settled(t, slope, up, down, highest, lowest):
            active -= 1
            while active > t:
                if not _is_settled(active, slope, up, down, highest, lowest):
                    for numbers in (places, clips):
                        numbers[t], numbers[active] = numbers[active], numbers[t]
                    for values in (label, linear, alpha, slope, bound_slope, up, down, diagonal):
                        values[t], values[active] = values[active], values[t]
                    moved = 1
                    break
                active -= 1
        t += 1
    return active, moved


@_compiled
def _reconstruct(
    kernel: np.ndarray,
    clips: np.ndarray,
    label: np.ndarray,
    linear: np.ndarray,
    alpha: np.ndarray,
    slope: np.ndarray,
    bound_slope: np.ndarray,
    cost: float,
    active: int,
) -> None:
    """Bring the slopes of variables that are not active up to date."""
    n = len(clips)
    if active == n:
        return
    free = np.empty(active, np.int64)
    n_free = 0
    for t in range(active):
        if 0 < alpha[t] < cost:
            free[n_free] = t
            n_free += 1
    for t in range(active, n):
        row, total = kernel[clips[t]], bound_slope[t] + label[t] * linear[t]
        for number in range(n_free):
            one = free[number]
            total += alpha[one] * label[one] * np.float32(row[clips[one]])
        slope[t] = total


@_compiled
def _rho(slope: np.ndarray, up: np.ndarray, down: np.ndarray, active: int) -> float:
    """Return the threshold: the mean slope of free variables, else the middle of what the others allow."""
    total, n_free, above, below = 0.0, 0, np.inf, -np.inf
    for t in range(active):
        if up[t] == 0.0 and down[t] == 0.0:
            total += slope[t]
            n_free += 1
        elif up[t] == 0.0:
            above = min(above, slope[t])
        else:
            below = max(below, slope[t])
    return total / n_free if n_free > 0 else (above + below) / 2


@_compiled
def _slot(
    clip: int, pinned: int, slot_of: np.ndarray, owner: np.ndarray, filled: np.ndarray, next_slot: int
) -> tuple[int, int]:
    """Return where the kernel row of a clip is kept, if need be in place of another, and the slot to give away next."""
    if slot_of[clip] >= 0:
        return slot_of[clip], next_slot
    if next_slot == pinned:
        next_slot = (next_slot + 1) % len(owner)
    if owner[next_slot] >= 0:
        slot_of[owner[next_slot]] = -1
    owner[next_slot], slot_of[clip], filled[next_slot] = clip, next_slot, 0
    return next_slot, (next_slot + 1) % len(owner)


@_compiled
def _fill(
    values: np.ndarray,
    clips: np.ndarray,
    length: int,
    rows: np.ndarray,
    slot: int,
    filled: np.ndarray,
    made: np.ndarray,
    order_number: int,
) -> None:
    """See that the first `length` kernel values of a row are there, in today's order."""
    if made[slot] != order_number:
        made[slot], filled[slot] = order_number, 0
    if filled[slot] < length:
        row = rows[slot]
        for t in range(filled[slot], length):
            row[t] = values[clips[t]]
        filled[slot] = length
