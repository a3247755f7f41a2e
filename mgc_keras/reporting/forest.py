"""The forest plot: every planned difference of a run with its 95 % interval, in the colour of its verdict."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mgc_keras.reporting.style import DARK, figure_legend, label_axes, new_figure, save_png
from mgc_keras.reporting.tables import difference_text, metric_name
from mgc_keras.reporting.verdicts import COLOURS, comparison_verdict
from mgc_keras.runs.reader import RunFolder

# Beyond these an interval ends in an arrow: one regression that failed would hide all other differences.
_FURTHEST = {"r2": 1.0, "accuracy": 1.0}
_ROW_HEIGHT = 0.27


def draw_forest(run: RunFolder, path: str | Path, *, name: Callable[[str], str] = str) -> Path | None:
    """Draw the differences of ``comparisons.csv`` under the run's headline protocol; None where there are none.

    The PNG has one panel a metric, one line a difference, grouped by pair of features. `name` gives a feature's name as
    the figure shows it.
    """
    table = run.comparisons[run.comparisons["protocol"] == run.headline_protocol]
    if table.empty:
        return None
    table = table.assign(verdict=table.apply(comparison_verdict, axis=1))
    panels = {metric: _lines(part, name) for metric, part in table.groupby("metric", sort=False)}
    heights = [len(lines) + 1 for lines in panels.values()]
    figure, axes = new_figure(13.0, 0.9 * len(panels) + _ROW_HEIGHT * sum(heights), len(panels), height_ratios=heights)
    for panel, (metric, lines) in zip(axes, panels.items()):
        _draw_panel(panel, lines, _FURTHEST.get(metric, np.inf))
        label_axes(panel, "", f"Difference in {metric_name(metric)}, first minus second", "")
    shown = [verdict for verdict in COLOURS if verdict in set(table["verdict"])]
    look: dict[str, Any] = {"marker": "s", "linewidth": 2.2}
    figure_legend(
        figure, [Line2D([], [], color=COLOURS[verdict], label=verdict.capitalize(), **look) for verdict in shown]
    )
    return save_png(figure, Path(path))


def _lines(table: pd.DataFrame, name: Callable[[str], str]) -> list[str | pd.Series]:
    """Return what stands on each line: the headings of the pairs, and below each its differences."""
    lines: list[str | pd.Series] = []
    for (first, second), rows in table.groupby(["feature_a", "feature_b"], sort=False):
        lines += [f"{name(first)} minus {name(second)}", *(row for _, row in rows.iterrows())]
    return lines


def _draw_panel(axes: Axes, lines: list[str | pd.Series], furthest: float) -> None:
    rows = [(place, line) for place, line in enumerate(lines) if not isinstance(line, str)]
    ends = np.array([[row["difference"], row["ci_low"], row["ci_high"]] for _, row in rows], float)
    low, high = np.clip([min(0.0, np.nanmin(ends)), max(0.0, np.nanmax(ends))], -furthest, furthest)
    room = 0.06 * (high - low) or 0.05
    low, high = low - room, high + room
    axes.axvline(0, color=DARK, linewidth=1.0)
    for place, row in rows:
        colour = COLOURS[row["verdict"]]
        axes.plot(np.clip([row["ci_low"], row["ci_high"]], low, high), [place, place], color=colour, linewidth=2.2)
        for end, edge, marker in ((row["ci_low"], low, "<"), (row["ci_high"], high, ">")):
            if abs(end) > furthest and abs(edge) >= furthest:
                axes.plot(edge, place, marker=marker, color=colour, markersize=7, clip_on=False)
        if low <= row["difference"] <= high:
            axes.plot(row["difference"], place, marker="s", color=colour, markersize=6.5)
        axes.text(1.01, place, difference_text(row), transform=axes.get_yaxis_transform(), va="center", fontsize=9.5)
    axes.set_xlim(low, high)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_yticks([place for place, _ in rows], [row["task"] for _, row in rows], fontsize=10)
    for place, line in enumerate(lines):
        # A heading stands in the panel: at its side a long one would leave no room for the intervals.
        if isinstance(line, str):
            look: dict[str, Any] = {"fontsize": 10, "fontweight": "bold", "bbox": {"color": "white", "pad": 1.5}}
            axes.text(0.004, place, line, transform=axes.get_yaxis_transform(), va="center", **look)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.grid(axis="x", color="#E3E3E3", linewidth=0.8)
