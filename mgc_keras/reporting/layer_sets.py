"""The paper's Figures 2 to 7: one bar a layer set, the untrained convnet's bars behind, MFCCs at the right."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mgc_keras.reporting.run import RunFolder
from mgc_keras.reporting.style import BLUE, DARK, GREEN, GREY, METRIC_LABELS, ORANGE, VERMILION, label_axes
from mgc_keras.reporting.style import new_figure, save_png

RANDOM = "random_"
LAYER_SETS = tuple("".join(chosen) for size in range(1, 6) for chosen in combinations("12345", size))


def feature_order(features: list[str]) -> list[str]:
    """Sort features as the paper draws them: layer sets by size, then MFCCs, then MFCCs with layers, then others.

    Example
    -------
    >>> feature_order(["mfcc+12345", "mfcc", "12", "5", "random_12"])
    ['5', '12', 'mfcc', 'mfcc+12345', 'random_12']
    """

    def rank(feature: str) -> tuple[int, int, str]:
        bare = feature.removeprefix(RANDOM)
        if bare in LAYER_SETS:
            kind = 0
        else:
            kind = {"mfcc": 1}.get(bare, 2 if bare.startswith("mfcc+") else 3)
        return kind + 10 * feature.startswith(RANDOM), len(bare), bare

    return sorted(features, key=rank)


def draw_task(run: RunFolder, task: str) -> Path:
    """Draw ``figures/<task>.png``: one panel a protocol. Return its path."""
    scores = run.scores[run.scores["task"] == task]
    protocols = [name for name in run.protocols if name in set(scores["protocol"])]
    n_bars = scores.loc[~scores["feature"].str.startswith(RANDOM), "feature"].nunique()
    figure, axes = new_figure(max(7.0, 2.2 + 0.33 * n_bars), 0.4 + 3.6 * len(protocols), len(protocols))
    for one, protocol in zip(axes, protocols):
        _draw_panel(one, scores[scores["protocol"] == protocol].set_index("feature"))
        label_axes(
            one,
            f"{task}: {protocol} protocol ({int(scores.loc[scores['protocol'] == protocol, 'n_clips'].max())} clips)",
            "Feature set (convnet layers, MFCC)",
            METRIC_LABELS.get(run.metric(task), run.metric(task)),
        )
    low = min(one.get_ylim()[0] for one in axes)
    high = max(one.get_ylim()[1] for one in axes)
    for one in axes:
        # One scale for both protocols, or they could not be compared by eye.
        one.set_ylim(low, high)
    return save_png(figure, run.folder / "figures" / f"{task}.png")


def _draw_panel(axes: Axes, scores: pd.DataFrame) -> None:
    shown = feature_order([feature for feature in scores.index if not feature.startswith(RANDOM)])
    colours = [_colour(feature) for feature in shown]
    place = np.arange(len(shown))
    rows = scores.loc[shown]
    behind = [(x, scores.at[RANDOM + feature, "score"]) for x, feature in enumerate(shown) if RANDOM + feature in scores.index]
    if behind:
        axes.bar(*zip(*behind), width=0.9, color=GREY, label="same layers, random weights")
    axes.bar(place, rows["score"], width=0.55, color=colours, label="_trained")
    spread = np.abs(rows[["ci_low", "ci_high"]].to_numpy().T - rows["score"].to_numpy())
    axes.errorbar(place, rows["score"], yerr=spread, fmt="none", ecolor=DARK, elinewidth=1.1, capsize=2, label="95 % interval")
    known = rows["published"].notna().to_numpy()
    if known.any():
        axes.plot(place[known], rows["published"][known], linestyle="none", marker="D", markersize=5, color=VERMILION,
                  markeredgecolor="white", label="published score")  # fmt: skip
    lowest = min([*rows["ci_low"], *rows["score"], *(value for _, value in behind)])
    axes.set_ylim(min(0.0, lowest * 1.05) if lowest < 0.4 else lowest - 0.1, None)
    axes.set_xticks(place, [feature.replace("+", "+\n") for feature in shown], rotation=60 if len(shown) > 12 else 0, fontsize=10)
    axes.set_xlim(-0.7, len(shown) - 0.3)
    axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(0.0, -0.28), ncols=4, frameon=False)


def _colour(feature: str) -> str:
    if feature == "mfcc":
        return ORANGE
    return GREEN if feature.startswith("mfcc+") else BLUE
