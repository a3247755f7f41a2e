"""The loop of sequential minimal optimisation, compiled: see `mgc_keras.search.smo`."""

import numpy as np

from mgc_keras.search.smo_steps import (
    TOLERANCE,
    best_partner,
    clipped_step,
    compiled,
    extremes,
    fill_row,
    most_violating,
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
    room: np.ndarray,
) -> tuple[np.ndarray, float, bool]:
    """Minimise a support vector machine's problem over alpha.

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
    room : np.ndarray [dtype=float32]
        For kernel rows, of at least two.

    Returns
    -------
    alpha : np.ndarray [shape=(n,), dtype=float64]
        In the order in which the variables came.
    threshold : float
    cut_off : bool
        Whether `max_iter` was reached.
    """
    n = len(clips)
    # Everything but `rows` and its records is in the order of the day.
    places = np.arange(n)
    alpha, slope, bound_slope = np.zeros(n), label * linear, np.zeros(n)
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
            highest, lowest = extremes(slope, up, down, active)
            if not unshrunk and highest + lowest <= TOLERANCE * 10:
                unshrunk = True
                reconstruct(kernel, clips, label, linear, alpha, slope, bound_slope, cost, active)
                active = n
            active, moved = shrink(
                places, clips, label, linear, alpha, slope, bound_slope, up, down, diagonal, highest, lowest, active
            )
            order_number += moved
        i, j, slot_i, violation = -1, -1, 0, 0.0
        for again in range(2):
            highest, i = most_violating(slope, up, work, active)
            if i >= 0:
                slot_i, next_slot = row_slot(places[i], -1, slot_of, owner, filled, next_slot)
                fill_row(kernel[clips[i]], clips, active, rows, slot_i, filled, made, order_number)
                violation, j = best_partner(
                    slope, down, diagonal, rows[slot_i], work, gain, highest, diagonal[i], active
                )
            if i >= 0 and j >= 0 and violation >= TOLERANCE:
                if again:
                    countdown = 1
                break
            # Not before all variables agree is this the end.
            reconstruct(kernel, clips, label, linear, alpha, slope, bound_slope, cost, active)
            active = n
        if i < 0 or j < 0 or violation < TOLERANCE:
            break
        n_steps += 1
        slot_j, next_slot = row_slot(places[j], slot_i, slot_of, owner, filled, next_slot)
        fill_row(kernel[clips[j]], clips, active, rows, slot_j, filled, made, order_number)
        old_i, old_j = alpha[i], alpha[j]
        _move(i, j, rows[slot_i], rows[slot_j], label, alpha, slope, up, down, diagonal, cost, active)
        for one, old, slot in ((i, old_i, slot_i), (j, old_j, slot_j)):
            if (old >= cost) != (alpha[one] >= cost):
                fill_row(kernel[clips[one]], clips, n, rows, slot, filled, made, order_number)
                by, row = label[one] * (cost if alpha[one] >= cost else -cost), rows[slot]
                for t in range(n):
                    bound_slope[t] += by * row[t]

    result = np.empty(n)
    for t in range(n):
        result[places[t]] = alpha[t]
    return result, threshold(slope, up, down, active), cut_off


@compiled
def _move(
    i: int,
    j: int,
    row_i: np.ndarray,
    row_j: np.ndarray,
    label: np.ndarray,
    alpha: np.ndarray,
    slope: np.ndarray,
    up: np.ndarray,
    down: np.ndarray,
    diagonal: np.ndarray,
    cost: float,
    active: int,
) -> None:
    """Move two alphas to their best, and the slopes of the active variables with them."""
    old_i, old_j = alpha[i], alpha[j]
    curvature = diagonal[i] + diagonal[j] - 2.0 * row_i[j]
    alpha[i], alpha[j] = clipped_step(
        label[i] == label[j], old_i, old_j, label[i] * slope[i], label[j] * slope[j], curvature, cost
    )
    by_i, by_j = label[i] * (alpha[i] - old_i), label[j] * (alpha[j] - old_j)
    for t in range(active):
        slope[t] += row_i[t] * by_i + row_j[t] * by_j
    for one in (i, j):
        positive, value = label[one] > 0, alpha[one]
        up[one] = 0.0 if (value < cost if positive else value > 0) else -np.inf
        down[one] = 0.0 if (value > 0 if positive else value < cost) else -np.inf
