"""The paper's per-label figures: how much better or worse than MFCC the convnet knows each class."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mgc_keras.evaluation.paired import compare
from mgc_keras.reporting.style import BLUE, DARK, ORANGE, label_axes, new_figure, save_png
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.order import best_layer_set


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
        _draw_panel(panel, table)
        title = f"{task}, {protocol} protocol: layers {table['feature'].iloc[0]} minus MFCC, class by class"
        label_axes(panel, title, "", "Difference in accuracy\n(share of the class's clips)")
    axes[-1].set_xlabel("Class (number of clips)", fontsize=11)
    low, high = min(panel.get_ylim()[0] for panel in axes), max(panel.get_ylim()[1] for panel in axes)
    for panel in axes:
        panel.set_ylim(low, high)
    return save_png(figure, run.folder / "figures" / f"{task}_labels.png")


def _draw_panel(axes: Axes, table: pd.DataFrame) -> None:
    place = np.arange(len(table))
    axes.bar(place, table["difference"], width=0.6, color=np.where(table["difference"] >= 0, BLUE, ORANGE))
    ends = table[["ci_low", "ci_high"]].to_numpy(float)
    spread = np.clip([table["difference"] - ends[:, 0], ends[:, 1] - table["difference"]], 0, None)
    axes.errorbar(
        place, table["difference"], yerr=np.nan_to_num(spread), fmt="none", ecolor=DARK, elinewidth=1.2, capsize=2.5
    )
    axes.axhline(0, color=DARK, linewidth=0.9)
    names = [f"{row.label}\n({row.n_clips})" for row in table.itertuples()]
    axes.set_xticks(place, names, rotation=30 if max(map(len, table["label"])) > 8 else 0, fontsize=10)
    axes.set_xlim(-0.6, len(table) - 0.4)
