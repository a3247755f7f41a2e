"""Figures of the Ouyang 2023 study: clips a class, confusion matrices, the genres of a new clip."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mgc_keras.evaluation.intervals import wilson_interval
from mgc_keras.reporting.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    figure_legend,
    label_axes,
    new_figure,
    save_png,
)

_SELECTIONS = (("found", GREY), ("checked", SKY), ("balanced", PURPLE))
_PARTS = (("training", BLUE), ("validation", ORANGE), ("test", GREEN))


def draw_counts(counts: pd.DataFrame, path: Path, title: str) -> Path:
    """Draw the clips a class before and after the check and the balancing (Figure 6), and in each part (Figure 7).

    Parameters
    ----------
    counts : pd.DataFrame
        Columns class, found, checked, balanced, training, validation, test.
    path : Path
    title : str
    """
    figure, axes = new_figure(max(10.5, 0.85 * len(counts) + 4.0), 4.2, 2, across=True)
    place = np.arange(len(counts))
    for number, (column, colour) in enumerate(_SELECTIONS):
        axes[0].bar(place + (number - 1) * 0.27, counts[column], 0.27, color=colour, label=column)
    base = np.zeros(len(counts))
    for column, colour in _PARTS:
        axes[1].bar(place, counts[column], 0.6, base, color=colour, label=column)
        base += counts[column].to_numpy()
    for one, words in zip(axes, ("before and after", "in each part")):
        label_axes(one, f"{title}: {words}", "", "Clips")
        one.set_xticks(place, counts["class"], rotation=40, ha="right", rotation_mode="anchor")
        one.yaxis.get_major_locator().set_params(integer=True)
        # Above the bars, which may reach the top: some room is made.
        one.set_ylim(0, 1.16 * one.get_ylim()[1])
        one.legend(loc="upper center", ncols=3, fontsize=10, frameon=False)
    return save_png(figure, path)


def confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return how many clips of each class (rows) were named what (columns), both sorted, from a table of predictions.

    Parameters
    ----------
    predictions : pd.DataFrame
        Columns truth, prediction.

    Example
    -------
    >>> confusion(pd.DataFrame({"truth": ["a", "a", "b"], "prediction": ["a", "b", "b"]})).values.tolist()
    [[1, 1], [0, 1]]
    """
    names = sorted(set(predictions["truth"]) | set(predictions["prediction"]))
    counted = pd.crosstab(predictions["truth"], predictions["prediction"])
    return counted.reindex(index=names, columns=names, fill_value=0)


def draw_confusion(predictions: pd.DataFrame, path: Path, title: str) -> Path:
    """Draw the confusion matrix and the accuracy of every genre (Figures 10 and 11).

    Parameters
    ----------
    predictions : pd.DataFrame
        Columns truth, prediction.
    path : Path
    title : str
    """
    matrix = confusion(predictions)
    totals = matrix.sum(axis=1).to_numpy()
    shares = matrix.to_numpy() / np.maximum(totals, 1)[:, None]
    n_classes = len(matrix)
    side = max(4.6, 0.52 * n_classes + 2.0)
    figure, (axes, bars) = new_figure(2 * side + 0.6, side, 2, across=True)
    axes.grid(False)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(matrix.to_numpy() > 0):
        colour = "white" if shares[row, column] > 0.55 else DARK
        axes.text(column, row, matrix.iat[row, column], ha="center", va="center", fontsize=10, color=colour)
    axes.set_xticks(range(n_classes), matrix.columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n_classes), matrix.index)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="Share of the genre's clips", fraction=0.045)
    label_axes(axes, f"{title}: clips", "Named", "Truth")
    _per_genre(bars, matrix.index, np.diag(shares), totals)
    return save_png(figure, path)


def _per_genre(axes: Axes, names: pd.Index, accuracy: np.ndarray, totals: np.ndarray) -> None:
    place = np.arange(len(names))
    axes.barh(place, accuracy, 0.6, color=BLUE)
    for y, (share, total) in enumerate(zip(accuracy, totals)):
        if total:
            found = wilson_interval(round(share * total), int(total))
            axes.plot([found.low, found.high], [y, y], color=DARK, linewidth=1.4)
    axes.grid(False)
    axes.grid(axis="x", color="#E3E3E3", linewidth=0.8)
    axes.set_xlim(0, 1.2)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(place, [f"{name} ({total})" for name, total in zip(names, totals)])
    axes.invert_yaxis()
    for y, (share, total) in enumerate(zip(accuracy, totals)):
        axes.text(1.04, y, f"{share:.0%}" if total else "not tested", va="center", fontsize=10)
    label_axes(axes, "Accuracy of each genre", "Share of the genre's clips named rightly", "Genre (clips tested)")


def draw_new_clip(said: pd.DataFrame, path: Path, title: str) -> Path:
    """Draw what the networks say of a clip: the probability of every genre (Figure 12).

    Parameters
    ----------
    said : pd.DataFrame
        Columns network, genre, probability.
    path : Path
    title : str
    """
    wide = said.pivot(index="genre", columns="network", values="probability")
    networks = [name for name in said["network"].unique()]
    wide = wide.loc[wide[networks].mean(axis=1).sort_values(ascending=False, kind="stable").index]
    figure, (axes,) = new_figure(max(7.5, 0.8 * len(wide) + 2.0), 3.9)
    width, place, handles = 0.8 / len(networks), np.arange(len(wide)), []
    for number, (network, colour) in enumerate(zip(networks, (BLUE, ORANGE, GREEN))):
        at = place + (number - (len(networks) - 1) / 2) * width
        handles.append(axes.bar(at, wide[network], width, color=colour, label=network))
        for x, share in zip(at, wide[network]):
            axes.text(x, share + 0.01, f"{share:.0%}", ha="center", va="bottom", fontsize=9)
    axes.set_ylim(0, 1.08)
    axes.set_xticks(place, wide.index, rotation=30, ha="right", rotation_mode="anchor")
    label_axes(axes, title, "", "Probability")
    figure_legend(figure, handles)
    return save_png(figure, path)
