"""One figure for each audit whose table is better seen than read."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mgc_keras.reporting.style import (
    BLUE,
    DARK,
    GREY,
    ORANGE,
    SKY,
    VERMILION,
    figure_legend,
    label_axes,
    new_figure,
    save_png,
)
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.audits.batch_border import BATCH_BORDER, SAME_BATCH, SHIFTED
from mgc_keras.studies.choi2017.figures import draw_whiskers


def draw_audit(run: RunFolder, name: str) -> Path | None:
    """Draw ``figures/audit_<name>.png``; None for an audit that is told by its table alone, or an empty one."""
    drawing = DRAWINGS.get(name)
    table = run.audits[name].table
    if drawing is None or table.empty:
        return None
    return save_png(drawing(table), run.folder / "figures" / f"audit_{name}.png")


def _batch_border(table: pd.DataFrame) -> Figure:
    """One group of bars a feature and true border: the border, then its controls."""
    colours = {BATCH_BORDER: VERMILION, SHIFTED: SKY, SAME_BATCH: BLUE}
    order = {label: rank for rank, label in enumerate(table["label"].unique())}
    groups = sorted(table.groupby(["label", "feature"], sort=False), key=lambda group: order[group[0][0]])
    n_bars = len(table) + len(groups)
    figure, (axes,) = new_figure(max(6.5, 1.5 + 0.27 * n_bars), 4.2)
    place, ticks = 0, []
    for (label, feature), part in groups:
        part = part.sort_values("kind", key=lambda kinds: kinds.map(list(colours).index), kind="stable")
        bars = np.arange(place, place + len(part))
        axes.bar(bars, part["balanced_accuracy"], width=0.85, color=[colours[kind] for kind in part["kind"]])
        ticks.append((bars.mean(), f"{label}\n{feature}"))
        place += len(part) + 1
    axes.axhline(0.5, color=DARK, linewidth=1.1, linestyle=":")
    axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks], fontsize=10)
    axes.set_ylim(0, 1.02)
    label_axes(axes, "Can the side of the border be told from the features? (dotted: chance)", "Class and feature",
               "Balanced accuracy")  # fmt: skip
    figure_legend(figure, [Patch(color=colour, label=kind) for kind, colour in colours.items()])
    return figure


def _bars_with_intervals(table: pd.DataFrame, names: str, title: str, x: str) -> Figure:
    figure, (axes,) = new_figure(max(6.0, 1.5 + 1.5 * len(table)), 4.0)
    place = np.arange(len(table))
    colours = [ORANGE if "mfcc" in name.lower() else VERMILION if "sorted" in name else BLUE for name in table[names]]
    axes.bar(place, table["accuracy"], width=0.6, color=colours)
    draw_whiskers(axes, table["accuracy"], table["ci_low"], table["ci_high"], capsize=4)
    for here, (score, top) in enumerate(zip(table["accuracy"], table["ci_high"])):
        axes.text(here, max(score, top) + 0.01, f"{score:.3f}", ha="center", fontsize=10)
    axes.set_xticks(place, table[names], fontsize=10)
    axes.set_ylim(0, min(1.1, max(table["ci_high"].max(), table["accuracy"].max()) + 0.1))
    label_axes(axes, title, x, "Accuracy (share of clips),\nwith 95 % interval")
    return figure


def _scaling(table: pd.DataFrame) -> Figure:
    """Arrows from the unscaled to the scaled score would hide small changes: two bars a feature, MFCCs and extremes."""
    most = table.reindex(table["change"].abs().sort_values(ascending=False, kind="stable").index).head(12)
    figure, (axes,) = new_figure(max(6.5, 1.5 + 0.8 * len(most)), 4.2)
    place = np.arange(len(most))
    axes.bar(place - 0.2, most["unscaled"], width=0.38, color=GREY, label="as published: never scaled")
    axes.bar(place + 0.2, most["scaled"], width=0.38, color=BLUE, label="scaled on the training folds")
    known = most["published"].notna().to_numpy()
    if known.any():
        axes.plot(place[known] - 0.2, most["published"][known], linestyle="none", marker="D", color=VERMILION,
                  markeredgecolor="white", label="score recorded by the authors")  # fmt: skip
    names = [f"{row.feature}\n{row.task}" for row in most.itertuples()]
    axes.set_xticks(place, names, rotation=35, ha="right", fontsize=9)
    axes.set_ylim(min(0.0, most[["unscaled", "scaled"]].min().min() * 1.05), None)
    label_axes(axes, f"Scores without and with scaling: the {len(most)} largest changes", "", "Score (accuracy or r²)")
    figure_legend(figure, axes.get_legend_handles_labels()[0])
    return figure


DRAWINGS: dict[str, Callable[[pd.DataFrame], Figure]] = {
    "batch_border": _batch_border,
    "batch_number": partial(
        _bars_with_intervals, names="feature", title="What the number of a clip's batch gives away", x="Feature"
    ),
    "batch_order": partial(
        _bars_with_intervals,
        names="order",
        title="Same clips, same weights, same folds: other batches",
        x="How clips were put into batches for extraction",
    ),
    "scaling": _scaling,
}
