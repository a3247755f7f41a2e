"""The rate finder's plot: loss against learning rate, with the suggested rate."""

from pathlib import Path

import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.reporting.style import BLUE, GREY, VERMILION, label_axes, new_figure, save_png


def draw_rate_search(table: str | Path, figure: str | Path) -> Path:
    """Draw what `mgc_keras.training.rate_finder.RateSearch.write` wrote.

    Parameters
    ----------
    table : str or Path
        The CSV: step, rate, loss, smoothed, suggested.
    figure : str or Path
        The PNG to write.

    Returns
    -------
    Path
        `figure`.

    Raises
    ------
    OptionError
        The table cannot be read or lacks a column.
    """
    search = _read(Path(table))
    drawn, (axes,) = new_figure(7.0, 4.2)
    axes.plot(search["rate"], search["loss"], color=GREY, linewidth=1.0, label="each step")
    axes.plot(search["rate"], search["smoothed"], color=BLUE, linewidth=2.0, label="smoothed")
    for rate in search.loc[search["suggested"] == 1, "rate"]:
        axes.axvline(rate, color=VERMILION, linestyle="--", linewidth=1.5, label=f"steepest descent: {rate:.2g}")
    axes.set_xscale("log")
    label_axes(axes, "", "Learning rate", "Cross-entropy (nats a clip)")
    axes.legend(fontsize=10, frameon=False)
    return save_png(drawn, Path(figure))


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise OptionError(f"no table ({error})", path=path, cure="run the rate finder again") from error
    for column in ("rate", "loss", "smoothed", "suggested"):
        if column not in table:
            raise OptionError("the column is missing", path=path, field=column, cure="run the rate finder again")
    return table
