"""The loop of sequential minimal optimisation and its steps, compiled: see `mgc_keras.search.smo`."""

from typing import NamedTuple

import numba
import numpy as np

TOLERANCE = 1e-3  # of the stopping criterion; scikit-learn's default
_SMALLEST_CURVATURE = 1e-12
_LEAST, _ALL_BUT_SIGN = np.int64(-(2**63)), np.int64(2**63 - 1)
# Compilers make vector instructions of element-wise loops and of maxima of integers, not of maxima of floats.
# What calls one of these stands in its file: numba keeps compiled code until the caller's own file changes.
compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
# For functions of every step, to which passing `Variables` would cost as much as their work.
inlined = numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")


class Variables(NamedTuple):
    """The n variables of a support vector machine, in the current order: active ones first.

    Attributes
    ----------
    places : np.ndarray [shape=(n,), dtype=int64]
        Where each variable came in the caller's order.
    clips : np.ndarray [shape=(n,), dtype=int64]
        The row of the kernel matrix that each variable belongs to.
    label, linear, alpha : np.ndarray [shape=(n,), dtype=float64]
        1 or -1; the linear term of the objective; the solution so far.
    slope : np.ndarray [shape=(n,), dtype=float64]
        Label times gradient.
    bound_slope : np.ndarray [shape=(n,), dtype=float64]
        The share of variables at the cost in `slope`, without the linear term.
    up, down : np.ndarray [shape=(n,), dtype=float64]
        0 where a variable may move up (along its label) or down, minus infinity where it may not. Added to a value,
        they take it out of a maximum.
    diagonal : np.ndarray [shape=(n,), dtype=float64]
        Of the kernel matrix.
    """

    places: np.ndarray
    clips: np.ndarray
    label: np.ndarray
    linear: np.ndarray
    alpha: np.ndarray
    slope: np.ndarray
    bound_slope: np.ndarray
    up: np.ndarray
    down: np.ndarray
    diagonal: np.ndarray


class RowCache(NamedTuple):
    """Kernel rows in the current order of the variables, in a limited number of slots.

    Attributes
    ----------
    rows : np.ndarray [shape=(n_slots, n), dtype=float32]
    slot_of : np.ndarray [shape=(n,), dtype=int64]
        The slot of each variable's row, by the variable's place; -1: not kept.
    owner : np.ndarray [shape=(n_slots,), dtype=int64]
        The place of the variable whose row a slot keeps; -1: none.
    filled, made : np.ndarray [shape=(n_slots,), dtype=int64]
        How many values of a row are there, and the number of the order that they follow.
    """

    rows: np.ndarray
    slot_of: np.ndarray
    owner: np.ndarray
    filled: np.ndarray
    made: np.ndarray


@inlined
def most_violating(v: Variables, work: np.ndarray, active: int) -> tuple[float, int]:
    """Return the largest of -slope among variables that may move up, and the last that has it (-1: there is none)."""
    up, slope = v.up, v.slope
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


@inlined
def best_partner(
    v: Variables, i: int, row: np.ndarray, work: np.ndarray, gain: np.ndarray, highest: float, active: int
) -> tuple[float, int]:
    """Return the largest violation among variables that may move down, and the last that lowers the objective most.

    Variable i moves up: `row` is its kernel row, `highest` its -slope. `work` and `gain` are overwritten.
    """
    down, slope, diagonal, own = v.down, v.slope, v.diagonal, v.diagonal[i]
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
def _clipped_step(
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


@inlined
def move_pair(v: Variables, i: int, j: int, row_i: np.ndarray, row_j: np.ndarray, cost: float, active: int) -> None:
    """Move two alphas to their best, and the slopes of the active variables with them."""
    old_i, old_j = v.alpha[i], v.alpha[j]
    curvature = v.diagonal[i] + v.diagonal[j] - 2.0 * row_i[j]
    v.alpha[i], v.alpha[j] = _clipped_step(
        v.label[i] == v.label[j], old_i, old_j, v.label[i] * v.slope[i], v.label[j] * v.slope[j], curvature, cost
    )
    by_i, by_j = v.label[i] * (v.alpha[i] - old_i), v.label[j] * (v.alpha[j] - old_j)
    slope = v.slope
    for t in range(active):
        slope[t] += row_i[t] * by_i + row_j[t] * by_j
    for t in (i, j):
        positive, value = v.label[t] > 0, v.alpha[t]
        v.up[t] = 0.0 if (value < cost if positive else value > 0) else -np.inf
        v.down[t] = 0.0 if (value > 0 if positive else value < cost) else -np.inf


@compiled
def add_row(slope: np.ndarray, by: float, row: np.ndarray) -> None:
    """Add a multiple of a kernel row to slopes."""
    for t in range(len(slope)):
        slope[t] += by * row[t]


@compiled
def extremes(v: Variables, active: int) -> tuple[float, float]:
    """Return the largest of -slope among variables that may move up, and of slope among those that may move down."""
    highest, lowest = -np.inf, -np.inf
    for t in range(active):
        upward, downward = v.up[t] - v.slope[t], v.down[t] + v.slope[t]
        highest = upward if upward > highest else highest
        lowest = downward if downward > lowest else lowest
    return highest, lowest


@compiled
def _is_settled(t: int, v: Variables, highest: float, lowest: float) -> bool:
    """Tell whether a variable at its bound will most likely stay there."""
    if v.up[t] == 0.0:
        return v.down[t] != 0.0 and v.slope[t] > lowest
    return -v.slope[t] > highest


@compiled
def shrink(v: Variables, highest: float, lowest: float, active: int) -> tuple[int, int]:
    """Move settled variables behind the active ones; return how many stay active, and 1 if the order has changed."""
    t, moved = 0, 0
    while t < active:
        if _is_settled(t, v, highest, lowest):
            active -= 1
            while active > t:
                if not _is_settled(active, v, highest, lowest):
                    for numbers in (v.places, v.clips):
                        numbers[t], numbers[active] = numbers[active], numbers[t]
                    for values in (v.label, v.linear, v.alpha, v.slope, v.bound_slope, v.up, v.down, v.diagonal):
                        values[t], values[active] = values[active], values[t]
                    moved = 1
                    break
                active -= 1
        t += 1
    return active, moved


@compiled
def reconstruct(kernel: np.ndarray, v: Variables, cost: float, active: int) -> None:
    """Bring the slopes of variables that are not active up to date."""
    n = len(v.clips)
    if active == n:
        return
    free = np.empty(active, np.int64)
    n_free = 0
    for t in range(active):
        if 0 < v.alpha[t] < cost:
            free[n_free] = t
            n_free += 1
    for t in range(active, n):
        row, total = kernel[v.clips[t]], v.bound_slope[t] + v.label[t] * v.linear[t]
        for number in range(n_free):
            s = free[number]
            total += v.alpha[s] * v.label[s] * np.float32(row[v.clips[s]])
        v.slope[t] = total


@compiled
def threshold(v: Variables, active: int) -> float:
    """Return the threshold: the mean slope of free variables, else the middle of what the others allow."""
    total, n_free, above, below = 0.0, 0, np.inf, -np.inf
    for t in range(active):
        if v.up[t] == 0.0 and v.down[t] == 0.0:
            total += v.slope[t]
            n_free += 1
        elif v.up[t] == 0.0:
            above = min(above, v.slope[t])
        else:
            below = max(below, v.slope[t])
    return total / n_free if n_free > 0 else (above + below) / 2


@inlined
def row_slot(place: int, pinned: int, cache: RowCache, next_slot: int) -> tuple[int, int]:
    """Return the slot of a variable's kernel row, if need be taken from another's, and the slot to give away next."""
    if cache.slot_of[place] >= 0:
        return cache.slot_of[place], next_slot
    n_slots = len(cache.owner)
    if next_slot == pinned:
        next_slot = (next_slot + 1) % n_slots
    if cache.owner[next_slot] >= 0:
        cache.slot_of[cache.owner[next_slot]] = -1
    cache.owner[next_slot], cache.slot_of[place], cache.filled[next_slot] = place, next_slot, 0
    return next_slot, (next_slot + 1) % n_slots


@inlined
def fill_row(values: np.ndarray, clips: np.ndarray, length: int, cache: RowCache, slot: int, order_number: int) -> None:
    """See that the first `length` kernel values of a row are there, in the current order."""
    if cache.made[slot] != order_number:
        cache.made[slot], cache.filled[slot] = order_number, 0
    if cache.filled[slot] < length:
        row = cache.rows[slot]
        for t in range(cache.filled[slot], length):
            row[t] = values[clips[t]]
        cache.filled[slot] = length


@compiled
def minimise(
    kernel: np.ndarray,
    clips: np.ndarray,
    label: np.ndarray,
    linear: np.ndarray,
    cost: float,
    max_iter: int,
    memory: np.ndarray,
) -> tuple[np.ndarray, float, bool, float]:
    """Minimise the dual objective of a support vector machine over alpha.

    Parameters
    ----------
    kernel : np.ndarray [shape=(n_clips, n_clips), dtype=float64]
    clips : np.ndarray [shape=(n,), dtype=int64]
        The clip of each variable. Reordered, as are `label` and `linear`.
    label, linear : np.ndarray [shape=(n,), dtype=float64]
        1 or -1; the linear term.
    cost, max_iter : float, int
        The most that an alpha may be; the most steps, -1: no limit.
    memory : np.ndarray [dtype=float32]
        Of the row cache, for at least two rows of n values.

    Returns
    -------
    alpha : np.ndarray [shape=(n,), dtype=float64]
        In the order in which the variables came.
    threshold : float
    cut_off : bool
        Whether `max_iter` was reached.
    peak : float
        The most that an alpha ever was: each cost above it takes the same steps. Infinite once the cost held one back.
    """
    n = len(clips)
    v, cache = _variables(kernel, clips, label, linear), _row_cache(n, memory)
    work, gain = np.empty(n), np.empty(n)
    order_number, next_slot, n_steps, countdown, peak = 0, 0, 0, min(n, 1000) + 1, 0.0
    active, unshrunk, cut_off = n, False, False
    while True:
        if max_iter != -1 and n_steps >= max_iter:
            cut_off = True
            break
        countdown -= 1
        if countdown == 0:
            countdown = min(n, 1000)
            highest, lowest = extremes(v, active)
            if not unshrunk and highest + lowest <= TOLERANCE * 10:
                reconstruct(kernel, v, cost, active)
                unshrunk, active = True, n
            active, moved = shrink(v, highest, lowest, active)
            order_number += moved
        i, j, slot_i, violation = -1, -1, 0, 0.0
        for again in range(2):
            highest, i = most_violating(v, work, active)
            if i >= 0:
                slot_i, next_slot = row_slot(v.places[i], -1, cache, next_slot)
                fill_row(kernel[v.clips[i]], v.clips, active, cache, slot_i, order_number)
                violation, j = best_partner(v, i, cache.rows[slot_i], work, gain, highest, active)
            if i >= 0 and j >= 0 and violation >= TOLERANCE:
                if again:
                    countdown = 1
                break
            # The active variables agree. It is the end only once all variables do.
            reconstruct(kernel, v, cost, active)
            active = n
        if i < 0 or j < 0 or violation < TOLERANCE:
            break
        n_steps += 1
        slot_j, next_slot = row_slot(v.places[j], slot_i, cache, next_slot)
        fill_row(kernel[v.clips[j]], v.clips, active, cache, slot_j, order_number)
        old_i, old_j = v.alpha[i], v.alpha[j]
        move_pair(v, i, j, cache.rows[slot_i], cache.rows[slot_j], cost, active)
        peak = max(peak, v.alpha[i], v.alpha[j])
        for t, old, slot in ((i, old_i, slot_i), (j, old_j, slot_j)):
            if (old >= cost) != (v.alpha[t] >= cost):
                fill_row(kernel[v.clips[t]], v.clips, n, cache, slot, order_number)
                add_row(v.bound_slope, v.label[t] * (cost if v.alpha[t] >= cost else -cost), cache.rows[slot])
    alpha = np.empty(n)
    alpha[v.places] = v.alpha
    return alpha, threshold(v, active), cut_off, peak if peak < cost else np.inf


@compiled
def minimise_pairs(
    kernel: np.ndarray, members: np.ndarray, starts: np.ndarray, cost: float, max_iter: int, memory: np.ndarray,
    dual_coef: np.ndarray, intercepts: np.ndarray, cut_off: np.ndarray, peaks: np.ndarray,
) -> None:  # fmt: skip
    """Train the pairs of classes whose peak is not below the cost, in place.

    All in one call: between calls, threads wait for Python's lock. See `smo.train_pairs`.
    """
    pair = -1
    for first in range(len(starts) - 1):
        for second in range(first + 1, len(starts) - 1):
            pair += 1
            if peaks[pair] < cost:
                continue
            ours, theirs = slice(starts[first], starts[first + 1]), slice(starts[second], starts[second + 1])
            clips = np.concatenate((members[ours], members[theirs]))
            n_ours, label = starts[first + 1] - starts[first], np.ones(len(clips))
            label[n_ours:] = -1.0
            found = minimise(kernel, clips, label, np.full(len(clips), -1.0), cost, max_iter, memory)
            dual_coef[second - 1, ours], dual_coef[first, theirs] = found[0][:n_ours], -found[0][n_ours:]
            intercepts[pair], cut_off[pair], peaks[pair] = -found[1], found[2], found[3]


@compiled
def _variables(kernel: np.ndarray, clips: np.ndarray, label: np.ndarray, linear: np.ndarray) -> Variables:
    n = len(clips)
    diagonal = np.empty(n)
    for t in range(n):
        diagonal[t] = kernel[clips[t], clips[t]]
    up, down = np.where(label > 0, 0.0, -np.inf), np.where(label > 0, -np.inf, 0.0)
    return Variables(np.arange(n), clips, label, linear, np.zeros(n), label * linear, np.zeros(n), up, down, diagonal)


@compiled
def _row_cache(n: int, memory: np.ndarray) -> RowCache:
    n_slots = min(n, len(memory) // n)
    rows = memory[: n_slots * n].reshape(n_slots, n)
    filled, made = np.zeros(n_slots, np.int64), np.zeros(n_slots, np.int64)
    return RowCache(rows, np.full(n, -1), np.full(n_slots, -1), filled, made)
