"""Figures 2 to 7 of the paper, one bar a layer set; its figures by label, convnet against MFCC; figures of audits."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mgc_keras.evaluation.paired import compare
from mgc_keras.reporting.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    METRIC_LABELS,
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
    names = {BLUE: "trained convnet", ORANGE: "MFCC", GREEN: "MFCC and convnet"}
    patches = [Patch(color=colour, label=names[colour]) for colour in dict.fromkeys(map(_colour, shown))]
    if scores["feature"].str.contains(RANDOM).any():
        patches.append(Patch(color=GREY, label="same layers, random weights"))
    figure_legend(figure, [*patches, *axes[0].get_legend_handles_labels()[0]])
    return save_png(figure, run.folder / "figures" / f"{task}.png")


def _draw_whiskers(
    axes: Axes, values: pd.Series, low: pd.Series, high: pd.Series, capsize: float = 2.5, label: str | None = None
) -> None:
    """Draw intervals on the bars of `values`; none on the side where an interval does not hold the value itself."""
    spread = np.clip([values - low, high - values], 0, None)
    place = np.arange(len(values))
    axes.errorbar(place, values, yerr=spread, fmt="none", ecolor=DARK, elinewidth=1.2, capsize=capsize, label=label)


def _draw_scores(axes: Axes, scores: pd.DataFrame, shown: list[str]) -> None:
    place = np.arange(len(shown))
    rows = scores.loc[shown]
    twins = [(x, twin) for x, name in enumerate(shown) if (twin := RANDOM + name) in scores.index]
    if twins:
        axes.bar([x for x, _ in twins], scores.loc[[twin for _, twin in twins], "score"], width=0.92, color=GREY)
    axes.bar(place, rows["score"], width=0.56, color=[_colour(name) for name in shown])
    _draw_whiskers(axes, rows["score"], rows["ci_low"], rows["ci_high"], label="95 % interval")
    known = rows["published"].notna().to_numpy()
    if known.any():
        axes.plot(place[known], rows["published"][known], linestyle="none", marker="D", markersize=5.5, color=VERMILION,
                  markeredgecolor="white", label="score recorded by the authors")  # fmt: skip
    rotation = 60 if len(shown) > 12 else 0
    axes.set_xticks(place, [name.replace("+", "+\n") for name in shown], rotation=rotation, fontsize=10)
    axes.set_xlim(-0.7, len(shown) - 0.3)


def _colour(feature: str) -> str:
    if feature == "mfcc":
        return ORANGE
    return GREEN if feature.startswith("mfcc+") else BLUE


def label_differences(run: RunFolder, task: str, protocol: str, baseline: str = "mfcc") -> pd.DataFrame:
    """Return, for each class, the accuracy of the best layer set minus that of the baseline.

    Returns
    -------
    pd.DataFrame
        Columns label, feature, convnet, baseline, difference, ci_low, ci_high (of `compare_tables`, over
        the clips of the class; missing for a single clip), n_clips; largest difference first. Empty where predictions
        are not saved.
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
    tables = {name: table for name in run.protocols if len(table := label_differences(run, task, name))}
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
    _draw_whiskers(axes, table["difference"], low, high)
    axes.axhline(0, color=DARK, linewidth=0.9)
    names = [f"{row.label}\n({row.n_clips})" for row in table.itertuples()]
    axes.set_xticks(place, names, rotation=30 if max(map(len, table["label"])) > 8 else 0, fontsize=10)
    axes.set_xlim(-0.6, len(table) - 0.4)


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
    _draw_whiskers(axes, table["accuracy"], table["ci_low"], table["ci_high"], capsize=4)
    for here, (score, top) in enumerate(zip(table["accuracy"], table["ci_high"])):
        axes.text(here, max(score, top) + 0.01, f"{score:.3f}", ha="center", fontsize=10)
    axes.set_xticks(place, table[names], fontsize=10)
    axes.set_ylim(0, min(1.1, table[["ci_high", "accuracy"]].max(axis=None) + 0.1))
    label_axes(axes, title, x, "Accuracy (share of clips),\nwith 95 % interval")
    return figure


def _scaled_scores(table: pd.DataFrame) -> Figure:
    """Arrows from the unscaled to the scaled score would hide small changes: two bars a feature, MFCCs and extremes."""
    most = table.sort_values("change", key=abs, ascending=False, kind="stable").head(12)
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
    "scaling": _scaled_scores,
}
