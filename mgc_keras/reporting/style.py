"""How figures look: colours that colour-blind readers can tell apart, readable sizes, saving as PNG."""

import logging
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, MaxNLocator, ScalarFormatter

from mgc_keras.files import PNG_SOFTWARE, whole_file

logger = logging.getLogger("mgc_keras")

# Okabe and Ito's palette, distinguishable with any of the common colour-vision deficiencies.
PALETTE = BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
GREY, MIDDLE_GREY, DARK = "#C4C4C4", "#6E6E6E", "#333333"

# A report shows figures at half their pixels, so that they stay sharp on fine screens and text is one size everywhere.
DOTS_PER_INCH = 168
METRIC_LABELS = {
    "accuracy": "Accuracy\n(share of clips)",
    "r2": "Coefficient of\ndetermination r²",
    "auc": "Macro AUC-ROC",
}


def new_figure(
    width: float,
    height: float,
    n_axes: int = 1,
    across: bool = False,
    n_columns: int = 1,
    height_ratios: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """Return a figure of `width` x `height` inches and its axes, row by row, on a light grid.

    The axes stand one above the other, all of them `across`, or in `n_columns`, of which `n_axes` is a multiple.
    Rows are equally high but for `height_ratios`.
    """
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.09))
    FigureCanvasAgg(figure)
    rows, columns = (1, n_axes) if across else (n_axes // n_columns, n_columns)
    axes = list(figure.subplots(rows, columns, squeeze=False, height_ratios=height_ratios).ravel())
    for panel in axes:
        panel.grid(axis="y", color="#E3E3E3", linewidth=0.8)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=10, colors=DARK)
    return figure, axes


def label_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Set title and axis labels, in one size each; a title that is wider than the figure goes on in a further line."""
    spec = axes.get_subplotspec()
    n_columns = spec.get_gridspec().ncols if spec else 1
    # An inch of each column is for the labels of its axis.
    title = wrapped(title, axes.figure.bbox.width / axes.figure.dpi / n_columns - 1.0, 12)
    axes.set_title(title, fontsize=12, loc="left", color="black")
    axes.set_xlabel(x, fontsize=11)
    axes.set_ylabel(y, fontsize=11)


def wrapped(text: str, inches: float, size: float) -> str:
    """Break lines of text, of a size in points, that are likely to be wider than so many inches.

    Matplotlib's own ``wrap`` reads names with dollars as mathematics.
    """
    n_letters = max(10, int(inches * 72 / (0.6 * size)))
    return "\n".join(textwrap.fill(line, n_letters) for line in text.split("\n"))


def whole_ticks(axis: Axis) -> None:
    """Put the ticks of an axis of counts on whole numbers."""
    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))


def colour_bar(axes: Axes, image: ScalarMappable, label: str, **options: Any) -> Colorbar:
    """Put a colour bar right beside its axes, wherever those of other rows end."""
    place = axes.inset_axes((1.03, 0.0, 0.025, 1.0))
    return axes.figure.colorbar(image, cax=place, label=label, **options)


def figure_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put one legend below all axes, in as many columns as the width of the figure holds."""
    columns = max(1, min(len(handles), int(figure.get_figwidth() / 2.6)))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=10, frameon=False)


def save_png(figure: Figure, path: Path) -> Path:
    """Write the figure as PNG, whole or not at all, the same bytes for the same data.

    Dollars stand for themselves, since texts may be names of users' songs, labels and tasks ("A$AP - L$D"): nothing is
    read as TeX but the numbers that Matplotlib puts at ticks, such as powers of ten.
    """
    axes = [axis for panel in figure.findobj(Axes) for axis in (panel.xaxis, panel.yaxis)]
    numbers = {
        text
        for axis in axes
        if isinstance(axis.get_major_formatter(), (LogFormatter, ScalarFormatter))
        for text in axis.findobj(Text)
        if text is not axis.label
    }
    for text in set(figure.findobj(Text)) - numbers:
        text.set_parse_math(False)
    with whole_file(path) as temporary, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH, metadata={"Software": PNG_SOFTWARE})
    lacking = [warning for warning in said if "missing from font" in str(warning.message)]
    if lacking:
        logger.warning("%s: %d letters that the font lacks are drawn as boxes", path, len(lacking))
    for warning in said:
        if warning not in lacking:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return path
