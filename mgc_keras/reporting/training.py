"""How a training went: losses, accuracies and areas under the curve against epochs."""

from pathlib import Path

import pandas as pd

from mgc_keras.reporting.style import BLUE, ORANGE, figure_legend, label_axes, new_figure, save_png, whole_ticks

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
            (handles[label],) = panel.plot(
                epochs,
                curve[name],
                color=colour,
                linestyle=line,
                linewidth=1.8,
                label=label,
                marker=marker,
                markersize=3.5,
            )
        label_axes(panel, "", "Epoch", axis)
        whole_ticks(panel.xaxis)
        if axis == _PANELS["accuracy"]:
            panel.set_ylim(0, 1.02)
    figure_legend(figure, list(handles.values()))
    return save_png(figure, Path(path))
