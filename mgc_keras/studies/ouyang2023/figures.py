"""Figures of the Ouyang 2023 study: clips a class, the genres of a new clip."""

from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.reporting.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    figure_legend,
    label_axes,
    new_figure,
    save_png,
    whole_ticks,
)

_SELECTIONS = (("found", GREY), ("checked", SKY), ("balanced", PURPLE))
_PARTS = (("training", BLUE), ("validation", ORANGE), ("test", GREEN))


def draw_counts(counts: pd.DataFrame, path: Path, title: str) -> Path:
    """Draw the clips a class before and after the check and the balancing (Figure 6), and in each part (Figure 7).

    `counts` has the columns class, found, checked, balanced, training, validation, test.
    """
    figure, axes = new_figure(max(10.5, 0.85 * len(counts) + 4.0), 4.2, 2, across=True)
    place = np.arange(len(counts))
    for number, (column, colour) in enumerate(_SELECTIONS):
        axes[0].bar(place + (number - 1) * 0.27, counts[column], 0.27, color=colour, label=column)
    base = np.zeros(len(counts))
    for column, colour in _PARTS:
        axes[1].bar(place, counts[column], 0.6, base, color=colour, label=column)
        base += counts[column].to_numpy()
    for panel, words in zip(axes, ("before and after", "in each part")):
        label_axes(panel, f"{title}: {words}", "", "Clips")
        panel.set_xticks(place, counts["class"], rotation=40, ha="right", rotation_mode="anchor")
        whole_ticks(panel.yaxis)
        # Above the bars, which may reach the top: some room is made.
        panel.set_ylim(0, 1.16 * panel.get_ylim()[1])
        panel.legend(loc="upper center", ncols=3, fontsize=10, frameon=False)
    return save_png(figure, path)


def draw_new_clip(predicted: pd.DataFrame, path: Path, title: str) -> Path:
    """Draw what networks predict of a clip (Figure 12); `predicted` has the columns network, genre, probability."""
    wide = predicted.pivot(index="genre", columns="network", values="probability")
    networks = list(predicted["network"].unique())
    wide = wide.loc[wide[networks].mean(axis=1).sort_values(ascending=False, kind="stable").index]
    figure, (axes,) = new_figure(max(7.5, 0.8 * len(wide) + 2.0), 3.9)
    width, place = 0.8 / len(networks), np.arange(len(wide))
    for number, (network, colour) in enumerate(zip(networks, (BLUE, ORANGE, GREEN))):
        at = place + (number - (len(networks) - 1) / 2) * width
        axes.bar(at, wide[network], width, color=colour, label=network)
        for x, share in zip(at, wide[network]):
            axes.text(x, share + 0.01, f"{share:.0%}", ha="center", va="bottom", fontsize=9)
    axes.set_ylim(0, 1.08)
    axes.set_xticks(place, wide.index, rotation=30, ha="right", rotation_mode="anchor")
    label_axes(axes, title, "", "Probability")
    figure_legend(figure, axes.get_legend_handles_labels()[0])
    return save_png(figure, path)
