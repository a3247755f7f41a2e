"""Confusion matrices: which genre is taken for which."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mgc_keras.reporting.style import DARK, label_axes, new_figure, save_png


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray) -> pd.DataFrame:
    """Count predictions: a row a true class, a column a predicted one, both in alphabetical order.

    Example
    -------
    >>> confusion_matrix(np.array(["a", "a", "b"]), np.array(["a", "b", "b"])).to_numpy().tolist()
    [[1, 1], [0, 1]]
    """
    classes = sorted({*np.asarray(truth, str).tolist(), *np.asarray(prediction, str).tolist()})
    table = pd.crosstab(np.asarray(truth, str), np.asarray(prediction, str))
    return table.reindex(index=classes, columns=classes, fill_value=0)


def draw_confusion(matrices: dict[str, pd.DataFrame], unit: str, path: str | Path) -> Path:
    """Draw matrices side by side: numbers are counts, colour is the share of the true class.

    Parameters
    ----------
    matrices : dict of str to pd.DataFrame
        By title, from `confusion_matrix`.
    unit : str
        What is counted: "songs", "excerpts".
    path : str or Path
        The PNG.
    """
    n_classes = max(len(matrix) for matrix in matrices.values())
    size = max(3.6, 1.5 + 0.42 * n_classes)
    figure, axes = new_figure((size + 0.4) * len(matrices), size, len(matrices), across=True)
    for one, (title, matrix) in zip(axes, matrices.items(), strict=True):
        _draw_one(one, matrix)
        label_axes(one, title, "Predicted", f"True (number of {unit})")
    return save_png(figure, Path(path))


def _draw_one(axes: Axes, matrix: pd.DataFrame) -> None:
    counts = matrix.to_numpy()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if share[row, column] > 0.5 else DARK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(len(matrix)), matrix.columns, rotation=45, ha="right")
    axes.set_yticks(range(len(matrix)), matrix.index)
    axes.grid(visible=False)
