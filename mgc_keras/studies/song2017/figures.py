"""The Song 2017 paper's Figures 2 and 3: accuracy on training and test clips by epoch, for both starts."""

from pathlib import Path

from matplotlib.axes import Axes
from pandas.api.typing import SeriesGroupBy

from mgc_keras.reporting.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    figure_legend,
    label_axes,
    new_figure,
    save_png,
    whole_ticks,
)
from mgc_keras.runs.reader import RunFolder

CURVES = "curves.csv"
COLOURS = {"transfer": BLUE, "random-start": ORANGE}
PANELS = {"training_accuracy": "Training clips (as learnt from)", "test_accuracy": "Test clips"}
# What lies between the lowest and the highest tenth of the folds.
BAND = (0.1, 0.9)


def draw_curves(run: RunFolder, task: str, protocol: str) -> Path | None:
    """Draw ``figures/<task>_<protocol>_curves.png``: means over folds, bands from the lowest to the highest tenth.

    Raises
    ------
    OptionError
        ``curves.csv`` cannot be read or lacks a column.
    """
    table = run.table(CURVES, ("task", "protocol", "start", "fold", "epoch", *PANELS))
    table = table[(table["task"] == task) & (table["protocol"] == protocol)]
    if table.empty:
        return None
    figure, axes = new_figure(10.5, 4.2, len(PANELS), across=True)
    for panel, (column, title) in zip(axes, PANELS.items()):
        for number, (start, part) in enumerate(table.groupby("start", sort=False)):
            _draw_start(panel, part.groupby("epoch")[column], start, COLOURS.get(start, (GREEN, PURPLE)[number % 2]))
        label_axes(panel, title, "Epoch", "Accuracy (share of clips)")
        panel.set_ylim(0, 1.02)
        whole_ticks(panel.xaxis)
    figure_legend(figure, axes[0].get_legend_handles_labels()[0])
    return save_png(figure, run.folder / "figures" / f"{task}_{protocol}_curves.png")


def draw_audit(run: RunFolder, name: str) -> Path | None:
    """Draw ``figures/audit_melspectrogram.png``, the correlation band by band; None for any other audit."""
    table = run.audits[name].table
    if name != "melspectrogram" or table.empty:
        return None
    figure, (axes,) = new_figure(8.0, 4.0)
    for column, colour, label in (
        ("correlation_log", BLUE, "of logarithms"),
        ("correlation", ORANGE, "of the values themselves"),
    ):
        axes.plot(table["frequency_hz"], table[column], color=colour, marker=".", linewidth=1.4, label=label)
    axes.set_xscale("log")
    axes.set_ylim(min(0.0, table[["correlation", "correlation_log"]].min().min()), 1.02)
    title = "First-order scattering against a mel-spectrogram, band by band"
    label_axes(axes, title, "Centre frequency (Hz)", "Correlation")
    figure_legend(figure, axes.get_legend_handles_labels()[0])
    return save_png(figure, run.folder / "figures" / f"audit_{name}.png")


def _draw_start(axes: Axes, by_epoch: SeriesGroupBy, start: str, colour: str) -> None:
    mean, low, high = by_epoch.mean(), by_epoch.quantile(BAND[0]), by_epoch.quantile(BAND[1])
    line = "-" if start == "transfer" else "--"
    axes.plot(mean.index, mean, color=colour, linestyle=line, linewidth=1.8, label=start.replace("-", " "))
    axes.fill_between(mean.index, low, high, color=colour, alpha=0.15, linewidth=0)
