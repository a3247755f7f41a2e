"""How a training went: losses, accuracies and areas under the curve against epochs, losses against learning rates."""

from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.reporting.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    figure_legend,
    label_axes,
    new_figure,
    save_png,
    whole_ticks,
)
from mgc_keras.runs.writer import read_table

# Panels by how the names of their columns end; those that begin with "val" are of validation clips.
_PANELS = {"loss": "Cross-entropy (nats)", "accuracy": "Accuracy (share of clips)", "auc": "Macro AUC-ROC"}


def draw_training(curve: pd.DataFrame, path: str | Path) -> Path | None:
    """Draw one training, a panel each for loss, accuracy and AUC; None where there is no such column or no epoch.

    Parameters
    ----------
    curve : pd.DataFrame
        One row an epoch: epoch, and columns that end in "loss", "accuracy" or "auc". Those of validation clips begin
        with "val".
    path : str or Path
        The PNG.
    """
    panels = {axis: names for end, axis in _PANELS.items() if (names := [name for name in curve if name.endswith(end)])}
    if curve.empty or not panels:
        return None
    epochs = curve["epoch"] if "epoch" in curve else curve.index + 1
    figure, axes = new_figure(5.2 * len(panels), 3.8, len(panels), across=True)
    handles = {}
    marker = "o" if len(curve) <= 40 else ""
    for panel, (axis, names) in zip(axes, panels.items()):
        for name in names:
            validation = name.startswith("val")
            label = "validation clips" if validation else "training clips (as learnt from)"
            colour, line = (ORANGE, "--") if validation else (BLUE, "-")
            look: dict[str, Any] = {
                "color": colour,
                "linestyle": line,
                "linewidth": 1.8,
                "marker": marker,
                "markersize": 3.5,
            }
            (handles[label],) = panel.plot(epochs, curve[name], label=label, **look)
        label_axes(panel, "", "Epoch", axis)
        whole_ticks(panel.xaxis)
        if axis == _PANELS["accuracy"]:
            panel.set_ylim(0, 1.02)
    figure_legend(figure, list(handles.values()))
    return save_png(figure, Path(path))


def draw_rate_search(table: str | Path, figure: str | Path) -> Path:
    """Draw the loss against the learning rate, with the suggested rate.

    Parameters
    ----------
    table : str or Path
        The CSV that `mgc_keras.training.rate_finder.RateSearch.write` wrote: step, rate, loss, smoothed, suggested.
        `OptionError` where it cannot be read or lacks a column.
    figure : str or Path
        The PNG; returned.
    """
    search = read_table(table, ("rate", "loss", "smoothed", "suggested"), "run the rate finder again")
    drawn, (axes,) = new_figure(7.0, 4.2)
    axes.plot(search["rate"], search["loss"], color=GREY, linewidth=1.0, label="each step")
    axes.plot(search["rate"], search["smoothed"], color=BLUE, linewidth=2.0, label="smoothed")
    for rate in search.loc[search["suggested"] == 1, "rate"]:
        axes.axvline(rate, color=VERMILION, linestyle="--", linewidth=1.5, label=f"steepest descent: {rate:.2g}")
    axes.set_xscale("log")
    label_axes(axes, "", "Learning rate", "Cross-entropy (nats a clip)")
    axes.legend(fontsize=10, frameon=False)
    return save_png(drawn, Path(figure))
