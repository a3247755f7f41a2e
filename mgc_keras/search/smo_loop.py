"""The loop of sequential minimal optimisation, compiled: see `mgc_keras.search.smo`."""

import numpy as np

from mgc_keras.search.smo_steps import (
    TOLERANCE,
    RowCache,
    Variables,
    add_row,
    best_partner,
    compiled,
    extremes,
    fill_row,
    most_violating,
    move_pair,
    reconstruct,
    row_slot,
    shrink,
    threshold,
)


@compiled
def minimise(
    kernel: np.ndarray,
    clips: np.ndarray,
    label: np.ndarray,
    linear: np.ndarray,
    cost: float,
    max_iter: int,
    memory: np.ndarray,
) -> tuple[np.ndarray, float, bool]:
    """Minimise the dual objective of a support vector machine over alpha.

    Parameters
    ----------
    kernel : np.ndarray [shape=(n_clips, n_clips), dtype=float64]
    clips : np.ndarray [shape=(n,), dtype=int64]
        The clip of each variable. Reordered, as are `label` and `linear`.
    label : np.ndarray [shape=(n,), dtype=float64]
        1 or -1.
    linear : np.ndarray [shape=(n,), dtype=float64]
        The linear term.
    cost : float
        The most that an alpha may be.
    max_iter : int
        Steps; -1: no limit.
    memory : np.ndarray [dtype=float32]
        Of the row cache, for at least two rows of n values.

    Returns
    -------
    alpha : np.ndarray [shape=(n,), dtype=float64]
        In the order in which the variables came.
    threshold : float
    cut_off : bool
        Whether `max_iter` was reached.
    """
    n = len(clips)
    v, cache = _variables(kernel, clips, label, linear), _row_cache(n, memory)
    work, gain = np.empty(n), np.empty(n)
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
            highest, lowest = extremes(v, active)
            if not unshrunk and highest + lowest <= TOLERANCE * 10:
                unshrunk = True
                reconstruct(kernel, v, cost, active)
                active = n
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
        for t, old, slot in ((i, old_i, slot_i), (j, old_j, slot_j)):
            if (old >= cost) != (v.alpha[t] >= cost):
                fill_row(kernel[v.clips[t]], v.clips, n, cache, slot, order_number)
                add_row(v.bound_slope, v.label[t] * (cost if v.alpha[t] >= cost else -cost), cache.rows[slot])
    alpha = np.empty(n)
    for t in range(n):
        alpha[v.places[t]] = v.alpha[t]
    return alpha, threshold(v, active), cut_off


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
