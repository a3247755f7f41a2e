"""Confusion matrices: which genre is taken for which, and how often each is found."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mgc_keras.evaluation.intervals import wilson_interval
from mgc_keras.reporting.style import BLUE, DARK, label_axes, new_figure, save_png


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray) -> pd.DataFrame:
    """Count predictions: a row a true class, a column a predicted one, both in alphabetical order.

    Example
    -------
    >>> confusion_matrix(np.array(["a", "a", "b"]), np.array(["a", "b", "b"])).to_numpy().tolist()
    [[1, 1], [0, 1]]
    """
    truth, prediction = np.asarray(truth, str), np.asarray(prediction, str)
    classes = sorted({*truth.tolist(), *prediction.tolist()})
    return pd.crosstab(truth, prediction).reindex(index=classes, columns=classes, fill_value=0)


def draw_confusion(matrices: dict[str, pd.DataFrame], unit: str, path: str | Path, *, intervals: bool = True) -> Path:
    """Draw each matrix, and beside it the accuracy of every class.

    Parameters
    ----------
    matrices : dict of str to pd.DataFrame
        By title, from `confusion_matrix`. Numbers are counts, colour is the share of the true class.
    unit : str
        What is counted: "clips", "songs", "excerpts".
    path : str or Path
        The PNG; returned.
    intervals : bool
        Draw 95 % intervals (Wilson) of the accuracies, which hold where what is counted is independent.
    """
    n_classes = max(len(matrix) for matrix in matrices.values())
    side = max(3.8, 1.8 + 0.45 * n_classes)
    figure, axes = new_figure(2 * side + 0.8, side * len(matrices), 2 * len(matrices), n_columns=2)
    for row, (title, matrix) in enumerate(matrices.items()):
        _draw_counts(axes[2 * row], matrix)
        label_axes(axes[2 * row], title, "Predicted", f"True (number of {unit})")
        _draw_accuracies(axes[2 * row + 1], matrix, intervals)
        label_axes(axes[2 * row + 1], "Accuracy of each class", f"Share of the class's {unit}", "")
    return save_png(figure, Path(path))


def _draw_counts(axes: Axes, matrix: pd.DataFrame) -> None:
    counts = matrix.to_numpy()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if share[row, column] > 0.5 else DARK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(len(matrix)), matrix.columns, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(matrix)), matrix.index)
    axes.grid(visible=False)


def _draw_accuracies(axes: Axes, matrix: pd.DataFrame, intervals: bool) -> None:
    totals, right = matrix.sum(axis=1).to_numpy(), np.diag(matrix)
    place = np.arange(len(matrix))
    axes.barh(place, right / np.maximum(totals, 1), 0.6, color=BLUE)
    for y, (n_right, total) in enumerate(zip(right, totals)):
        if intervals and total:
            found = wilson_interval(int(n_right), int(total))
            axes.plot([found.low, found.high], [y, y], color=DARK, linewidth=1.4)
        axes.text(1.04, y, f"{n_right / total:.0%}" if total else "not tested", va="center", fontsize=10)
    axes.grid(visible=False)
    axes.grid(axis="x", color="#E3E3E3", linewidth=0.8)
    axes.set_xlim(0, 1.24)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(place, [f"{name} ({total})" for name, total in zip(matrix.index, totals)])
    axes.set_ylim(len(matrix) - 0.5, -0.5)
