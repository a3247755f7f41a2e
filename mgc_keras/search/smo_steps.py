"""The parts of sequential minimal optimisation, compiled: see `mgc_keras.search.smo`.

Arrays of a problem of n variables, all in the order of the day, in which active variables come first: `slope`, label times
gradient; `bound_slope`, the share in it of variables at the cost, without the linear term; `up` and `down`, 0 where a
variable may move up (along its label) or down, and minus infinity where not: added to a value, they take it out of a
maximum.
"""

import numba
import numpy as np

TOLERANCE = 1e-3  # of the stopping criterion; scikit-learn's default
_SMALLEST_CURVATURE = 1e-12
_LEAST, _ALL_BUT_SIGN = np.int64(-(2**63)), np.int64(2**63 - 1)
# Loops over vectors: a compiler makes them of element-wise loops and of maxima of integers, not of maxima of floats.
compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@compiled
def most_violating(slope: np.ndarray, up: np.ndarray, work: np.ndarray, active: int) -> tuple[float, int]:
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


@compiled
def best_partner(
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


@compiled
def clipped_step(
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


@compiled
def extremes(slope: np.ndarray, up: np.ndarray, down: np.ndarray, active: int) -> tuple[float, float]:
    """Return the largest of -slope among variables that may move up, and of slope among those that may move down."""
    highest, lowest = -np.inf, -np.inf
    for t in range(active):
        upward, downward = up[t] - slope[t], down[t] + slope[t]
        highest = upward if upward > highest else highest
        lowest = downward if downward > lowest else lowest
    return highest, lowest


@compiled
def _is_settled(t: int, slope: np.ndarray, up: np.ndarray, down: np.ndarray, highest: float, lowest: float) -> bool:
    """Tell whether a variable at its bound will most likely stay there."""
    if up[t] == 0.0:
        return down[t] != 0.0 and slope[t] > lowest
    return -slope[t] > highest


@compiled
def shrink(
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


@compiled
def reconstruct(
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


@compiled
def threshold(slope: np.ndarray, up: np.ndarray, down: np.ndarray, active: int) -> float:
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


@compiled
def row_slot(
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


@compiled
def fill_row(
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
