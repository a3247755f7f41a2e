"""The Song 2017 paper's Figures 2 and 3: accuracy on training and test clips by epoch, for both starts."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from mgc_keras.errors import OptionError
from mgc_keras.reporting.style import BLUE, GREEN, ORANGE, PURPLE, figure_legend, label_axes, new_figure, save_png
from mgc_keras.runs.reader import RunFolder

CURVES = "curves.csv"
COLOURS = {"transfer": BLUE, "random-start": ORANGE}
PANELS = {"training_accuracy": "Training clips (as learnt from)", "test_accuracy": "Test clips"}
# What lies between the lowest and the highest tenth of the folds.
BAND = (0.1, 0.9)


def read_curves(run: RunFolder) -> pd.DataFrame:
    """Read ``curves.csv``: task, protocol, start, seed, repetition, fold, epoch, losses and accuracies.

    Raises
    ------
    OptionError
        The file cannot be read or lacks a column.
    """
    path = run.folder / CURVES
    try:
        table = pd.read_csv(path)
    except (OSError, pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise OptionError(f"no table ({error})", path=path, cure="run the study again") from error
    for column in ("task", "protocol", "start", "fold", "epoch", *PANELS):
        if column not in table:
            raise OptionError("the column is missing", path=path, field=column, cure="run the study again")
    return table


def draw_curves(run: RunFolder, task: str, protocol: str) -> Path | None:
    """Draw ``figures/<task>_<protocol>_curves.png``: means over folds, bands from the lowest to the highest tenth."""
    table = read_curves(run)
    table = table[(table["task"] == task) & (table["protocol"] == protocol)]
    if table.empty:
        return None
    figure, axes = new_figure(10.5, 4.2, len(PANELS), across=True)
    for one, (column, title) in zip(axes, PANELS.items()):
        for number, (start, part) in enumerate(table.groupby("start", sort=False)):
            _draw_start(one, part.groupby("epoch")[column], start, COLOURS.get(start, (GREEN, PURPLE)[number % 2]))
        label_axes(one, title, "Epoch", "Accuracy (share of clips)")
        one.set_ylim(0, 1.02)
        one.xaxis.get_major_locator().set_params(integer=True)
    figure_legend(figure, axes[0].get_legend_handles_labels()[0])
    return save_png(figure, run.folder / "figures" / f"{task}_{protocol}_curves.png")


def _draw_start(axes: Axes, by_epoch: object, start: str, colour: str) -> None:
    mean, low, high = by_epoch.mean(), by_epoch.quantile(BAND[0]), by_epoch.quantile(BAND[1])
    line = "-" if start == "transfer" else "--"
    axes.plot(mean.index, mean, color=colour, linestyle=line, linewidth=1.8, label=start.replace("-", " "))
    axes.fill_between(mean.index, low, high, color=colour, alpha=0.15, linewidth=0)
