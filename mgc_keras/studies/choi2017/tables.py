"""Tables of the Choi 2017 report: the main features of every task, and all features of one."""

import pandas as pd

from mgc_keras.protocols import protocol_title
from mgc_keras.reporting.tables import NONE, metric_name, protocol_cells, score_text
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.order import LAYER_SETS, RANDOM, best_layer_set, feature_name, feature_order, is_random


def headline_table(run: RunFolder) -> pd.DataFrame:
    """Return the main features of every task: Task, Feature, Paper, and one column a protocol with 95 % intervals.

    The best layer set is chosen on the very scores it is then quoted with, in the paper as here; its row says so.
    """
    rows = []
    for task in run.tasks:
        scores = run.scores[run.scores["task"] == task]
        chance = f"; chance {run.chances[task]:.3f}" if task in run.chances else ""
        name = f"{task} ({metric_name(run.metric(task))}{chance})"
        if scores["feature"].isin(LAYER_SETS).sum() > len(run.protocols):
            rows.append({"Task": name, "Feature": "best layer set, chosen on these scores", **_best_cells(run, scores)})
        for feature in _main_features(scores):
            rows.append({"Task": name, "Feature": feature_name(feature), **_cells(run, scores, feature)})
    return pd.DataFrame(rows)


def score_table(run: RunFolder, task: str) -> pd.DataFrame:
    """Return one row a feature: Feature, Paper, one column a protocol, and one for its twin with random weights."""
    scores = run.scores[run.scores["task"] == task]
    present = set(scores["feature"])
    twins = any(map(is_random, present))
    rows = []
    for feature in feature_order([name for name in present if not name.startswith(RANDOM)]):
        row = {"Feature": feature_name(feature), **_cells(run, scores, feature)}
        if twins:
            random = _cells(run, scores, RANDOM + feature)
            row |= {f"Random weights, {protocol}": random[protocol_title(protocol)] for protocol in run.protocols}
        rows.append(row)
    return pd.DataFrame(rows)


def _main_features(scores: pd.DataFrame) -> list[str]:
    """All layers, their random twin, MFCC, both; where all layers were not run, the largest set that was."""
    present = list(scores["feature"].unique())
    sets = feature_order([name for name in present if name in LAYER_SETS])
    whole = sets[-1] if sets else ""
    wanted = (whole, RANDOM + whole, "mfcc", f"mfcc+{whole}")
    chosen = [name for name in wanted if name in present]
    return chosen or feature_order(present)


def _cells(run: RunFolder, scores: pd.DataFrame, feature: str) -> dict[str, str]:
    rows = scores[scores["feature"] == feature]
    known = rows["published"].dropna()
    return {"Paper": f"{known.iloc[0]:.3f}" if len(known) else NONE, **protocol_cells(run, rows, run.protocols)}


def _best_cells(run: RunFolder, scores: pd.DataFrame) -> dict[str, str]:
    known = scores[scores["feature"].isin(LAYER_SETS)].dropna(subset="published").drop_duplicates("feature")
    paper = best_layer_set(known.assign(score=known["published"]))
    cells = {"Paper": NONE if paper is None else f"{paper['score']:.3f} ({paper['feature']})"}
    for protocol in run.protocols:
        best = best_layer_set(scores[scores["protocol"] == protocol])
        cells[protocol_title(protocol)] = NONE if best is None else score_text(run, best, f" ({best['feature']})")
    return cells
