"""The paper's Figures 2 to 7, one bar a layer set, and its per-label figures: the convnet against MFCC by class."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from mgc_keras.evaluation.paired import compare
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
from mgc_keras.studies.choi2017.feature_sets import RANDOM, best_layer_set, feature_order

# Bars of a lower r2 are cut off.
LOWEST = -1.0


def draw_task(run: RunFolder, task: str) -> Path | None:
    """Draw ``figures/<task>.png``: one panel a protocol, on one scale; None where there is one feature alone."""
    scores = run.scores[run.scores["task"] == task]
    if scores["feature"].nunique() < 2:
        return None
    protocols = [name for name in run.protocols if name in set(scores["protocol"])]
    shown = feature_order([name for name in scores["feature"].unique() if RANDOM not in name])
    figure, axes = new_figure(max(7.0, 2.0 + 0.33 * len(shown)), 0.9 + 3.3 * len(protocols), len(protocols))
    for panel, protocol in zip(axes, protocols):
        rows = scores[scores["protocol"] == protocol].set_index("feature")
        _draw_scores(panel, rows, [name for name in shown if name in rows.index])
        if task in run.chances:
            panel.axhline(run.chances[task], color=DARK, linewidth=1.1, linestyle=":", label="chance")
        title = f"{task}, {protocol} protocol ({int(rows['n_clips'].max())} clips)"
        label_axes(panel, title, "", METRIC_LABELS.get(run.metric(task), run.metric(task)))
    axes[-1].set_xlabel("Feature set (numbers: layers of the convnet)", fontsize=11)
    # The axis starts at 0, lower where r2 is negative, but not below -1: one that failed would hide all others.
    lowest = np.nanmin(scores[["score", "ci_low"]].to_numpy())
    bottom, top = min(0.0, max(1.05 * lowest, LOWEST)), max(panel.get_ylim()[1] for panel in axes)
    for panel in axes:
        # One scale for all protocols, or they could not be compared by eye.
        panel.set_ylim(bottom, top)
    figure_legend(figure, [*_legend(shown, scores), *axes[0].get_legend_handles_labels()[0]])
    return save_png(figure, run.folder / "figures" / f"{task}.png")


def draw_whiskers(
    axes: Axes, values: pd.Series, low: pd.Series, high: pd.Series, capsize: float = 2.5, label: str | None = None
) -> None:
    """Draw intervals on the bars of `values`; none on the side where an interval does not hold the value itself."""
    spread = np.clip([values - low, high - values], 0, None)
    place = np.arange(len(values))
    axes.errorbar(place, values, yerr=spread, fmt="none", ecolor=DARK, elinewidth=1.2, capsize=capsize, label=label)


def _draw_scores(axes: Axes, scores: pd.DataFrame, shown: list[str]) -> None:
    place = np.arange(len(shown))
    rows = scores.loc[shown]
    twins = [(x, twin) for x, name in enumerate(shown) if (twin := _random_twin(name)) in scores.index]
    if twins:
        axes.bar([x for x, _ in twins], scores.loc[[twin for _, twin in twins], "score"], width=0.92, color=GREY)
    axes.bar(place, rows["score"], width=0.56, color=[_colour(name) for name in shown])
    draw_whiskers(axes, rows["score"], rows["ci_low"], rows["ci_high"], label="95 % interval")
    known = rows["published"].notna().to_numpy()
    if known.any():
        axes.plot(place[known], rows["published"][known], linestyle="none", marker="D", markersize=5.5, color=VERMILION,
                  markeredgecolor="white", label="score recorded by the authors")  # fmt: skip
    rotation = 60 if len(shown) > 12 else 0
    axes.set_xticks(place, [name.replace("+", "+\n") for name in shown], rotation=rotation, fontsize=10)
    axes.set_xlim(-0.7, len(shown) - 0.3)


def _random_twin(feature: str) -> str:
    return feature.replace("mfcc+", f"mfcc+{RANDOM}") if feature.startswith("mfcc+") else RANDOM + feature


def _colour(feature: str) -> str:
    if feature == "mfcc":
        return ORANGE
    return GREEN if feature.startswith("mfcc+") else BLUE


def _legend(shown: list[str], scores: pd.DataFrame) -> list[Patch]:
    names = {BLUE: "trained convnet", ORANGE: "MFCC", GREEN: "MFCC and convnet"}
    patches = [Patch(color=colour, label=names[colour]) for colour in dict.fromkeys(map(_colour, shown))]
    if scores["feature"].str.contains(RANDOM).any():
        patches.append(Patch(color=GREY, label="same layers, random weights"))
    return patches


def label_differences(run: RunFolder, task: str, protocol: str, baseline: str = "mfcc") -> pd.DataFrame:
    """Return, for each class, the accuracy of the best layer set minus that of the baseline.

    Returns
    -------
    pd.DataFrame
        Columns label, feature, convnet, baseline, difference, ci_low, ci_high (paired bootstrap over the clips of the
        class; missing for a single clip), n_clips; largest difference first. Empty where predictions are not saved.
    """
    scores = run.scores[(run.scores["task"] == task) & (run.scores["protocol"] == protocol)]
    best = best_layer_set(scores)
    if best is None:
        return pd.DataFrame()
    ours, theirs = (run.predictions(task, feature, protocol) for feature in (best["feature"], baseline))
    if ours is None or theirs is None:
        return pd.DataFrame()
    merged = ours.merge(theirs[["clip_id", "prediction"]], on="clip_id", suffixes=("", "_baseline"))
    rows = []
    for label, part in merged.groupby("truth"):
        truth, guess, other = (part[name].to_numpy(str) for name in ("truth", "prediction", "prediction_baseline"))
        accuracies = {"convnet": np.mean(truth == guess), "baseline": np.mean(truth == other)}
        row = {"label": label, "feature": best["feature"], **accuracies}
        row["difference"] = row["convnet"] - row["baseline"]
        if len(part) > 1:
            found = compare(truth, guess, other)
            row |= {"ci_low": found.low, "ci_high": found.high}
        rows.append({**row, "n_clips": len(part)})
    columns = ["label", "feature", "convnet", "baseline", "difference", "ci_low", "ci_high", "n_clips"]
    return pd.DataFrame(rows, columns=columns).sort_values("difference", ascending=False, ignore_index=True)


def draw_labels(run: RunFolder, task: str) -> Path | None:
    """Draw ``figures/<task>_labels.png``, one panel a protocol; None where there are no classes or no predictions."""
    if run.metric(task) != "accuracy":
        return None
    tables = {protocol: label_differences(run, task, protocol) for protocol in run.protocols}
    tables = {protocol: table for protocol, table in tables.items() if len(table)}
    if not tables:
        return None
    n_labels = max(map(len, tables.values()))
    figure, axes = new_figure(max(6.0, 2.0 + 0.62 * n_labels), 0.3 + 3.4 * len(tables), len(tables))
    for panel, (protocol, table) in zip(axes, tables.items()):
        _draw_labels(panel, table)
        title = f"{task}, {protocol} protocol: layers {table['feature'].iloc[0]} minus MFCC, class by class"
        label_axes(panel, title, "", "Difference in accuracy\n(share of the class's clips)")
    axes[-1].set_xlabel("Class (number of clips)", fontsize=11)
    low, high = min(panel.get_ylim()[0] for panel in axes), max(panel.get_ylim()[1] for panel in axes)
    for panel in axes:
        panel.set_ylim(low, high)
    return save_png(figure, run.folder / "figures" / f"{task}_labels.png")


def _draw_labels(axes: Axes, table: pd.DataFrame) -> None:
    place = np.arange(len(table))
    axes.bar(place, table["difference"], width=0.6, color=np.where(table["difference"] >= 0, BLUE, ORANGE))
    # A class of one clip has no interval.
    low, high = (table[end].astype(float).fillna(table["difference"]) for end in ("ci_low", "ci_high"))
    draw_whiskers(axes, table["difference"], low, high)
    axes.axhline(0, color=DARK, linewidth=0.9)
    names = [f"{row.label}\n({row.n_clips})" for row in table.itertuples()]
    axes.set_xticks(place, names, rotation=30 if max(map(len, table["label"])) > 8 else 0, fontsize=10)
    axes.set_xlim(-0.6, len(table) - 0.4)
