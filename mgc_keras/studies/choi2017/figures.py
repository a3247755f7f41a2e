"""The paper's Figures 2 to 7: one bar a layer set, the untrained convnet's bars behind, MFCCs at the right."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from mgc_keras.reporting.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    METRIC_LABELS,
    ORANGE,
    VERMILION,
    figure_legend,
    label_axes,
    new_figure,
    save_png,
)
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.order import RANDOM, feature_order, is_random

# Bars of a lower r2 are cut off.
LOWEST = -1.0


def draw_task(run: RunFolder, task: str) -> Path | None:
    """Draw ``figures/<task>.png``: one panel a protocol, on one scale; None where there is one feature alone."""
    scores = run.scores[run.scores["task"] == task]
    if scores["feature"].nunique() < 2:
        return None
    protocols = [name for name in run.protocols if name in set(scores["protocol"])]
    shown = feature_order([name for name in scores["feature"].unique() if not is_random(name)])
    figure, axes = new_figure(max(7.0, 2.0 + 0.33 * len(shown)), 0.9 + 3.3 * len(protocols), len(protocols))
    for panel, protocol in zip(axes, protocols):
        rows = scores[scores["protocol"] == protocol].set_index("feature")
        _draw_panel(panel, rows, [name for name in shown if name in rows.index])
        if task in run.chances:
            panel.axhline(run.chances[task], color=DARK, linewidth=1.1, linestyle=":", label="chance")
        title = f"{task}, {protocol} protocol ({int(rows['n_clips'].max())} clips)"
        label_axes(panel, title, "", METRIC_LABELS.get(run.metric(task), run.metric(task)))
    axes[-1].set_xlabel("Feature set (numbers: layers of the convnet)", fontsize=11)
    bottom = _floor(scores)
    top = max(panel.get_ylim()[1] for panel in axes)
    for panel in axes:
        # One scale for all protocols, or they could not be compared by eye.
        panel.set_ylim(bottom, top)
    figure_legend(figure, [*_legend(shown, scores), *axes[0].get_legend_handles_labels()[0]])
    return save_png(figure, run.folder / "figures" / f"{task}.png")


def _draw_panel(axes: Axes, scores: pd.DataFrame, shown: list[str]) -> None:
    place = np.arange(len(shown))
    rows = scores.loc[shown]
    twins = [(x, twin) for x, name in enumerate(shown) if (twin := _random_twin(name)) in scores.index]
    if twins:
        axes.bar([x for x, _ in twins], scores.loc[[twin for _, twin in twins], "score"], width=0.92, color=GREY)
    axes.bar(place, rows["score"], width=0.56, color=[_colour(name) for name in shown])
    # An interval need not hold the score itself: no whisker then on that side.
    below = np.clip(rows["score"] - rows["ci_low"], 0, None)
    above = np.clip(rows["ci_high"] - rows["score"], 0, None)
    axes.errorbar(place, rows["score"], yerr=[below, above], fmt="none", ecolor=DARK, elinewidth=1.2, capsize=2.5,
                  label="95 % interval")  # fmt: skip
    known = rows["published"].notna().to_numpy()
    if known.any():
        axes.plot(place[known], rows["published"][known], linestyle="none", marker="D", markersize=5.5, color=VERMILION,
                  markeredgecolor="white", label="score recorded by the authors")  # fmt: skip
    rotation = 60 if len(shown) > 12 else 0
    axes.set_xticks(place, [name.replace("+", "+\n") for name in shown], rotation=rotation, fontsize=10)
    axes.set_xlim(-0.7, len(shown) - 0.3)


def _random_twin(feature: str) -> str:
    return feature.replace("mfcc+", f"mfcc+{RANDOM}") if feature.startswith("mfcc+") else RANDOM + feature


def _floor(scores: pd.DataFrame) -> float:
    """Where the axis starts: 0, lower where r2 is negative, but not below -1: one that failed would hide all others."""
    lowest = np.nanmin(scores[["score", "ci_low"]].to_numpy())
    return min(0.0, max(1.05 * lowest, LOWEST))


def _colour(feature: str) -> str:
    if feature == "mfcc":
        return ORANGE
    return GREEN if feature.startswith("mfcc+") else BLUE


def _legend(shown: list[str], scores: pd.DataFrame) -> list[Patch]:
    names = {BLUE: "trained convnet", ORANGE: "MFCC", GREEN: "MFCC and convnet"}
    patches = [Patch(color=colour, label=names[colour]) for colour in dict.fromkeys(map(_colour, shown))]
    if scores["feature"].map(is_random).any():
        patches.append(Patch(color=GREY, label="same layers, random weights"))
    return patches
