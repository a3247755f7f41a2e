"""Tables of the report: Paper | Published protocol | Corrected, and the paired tests. All cells are text."""

import pandas as pd

from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.order import LAYER_SETS, RANDOM, best_layer_set, feature_order, is_random

NONE = "–"
HEADINGS = {"published": "Published protocol", "corrected": "Corrected"}


def headline_table(run: RunFolder) -> pd.DataFrame:
    """Return the main features of every task: Task, Feature, Paper, and one column a protocol with 95 % intervals.

    The best layer set is chosen on the very scores it is then quoted with, in the paper as here; its row says so.
    """
    rows = []
    for task in run.tasks:
        scores = run.scores[run.scores["task"] == task]
        name = f"{task} ({'r²' if run.metric(task) == 'r2' else run.metric(task)})"
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
            row |= {f"Random weights, {protocol}": random[heading(protocol)] for protocol in run.protocols}
        rows.append(row)
    return pd.DataFrame(rows)


def comparison_table(run: RunFolder) -> pd.DataFrame:
    """Return the paired tests: Task, Protocol, Comparison, Difference with interval, p, p (Holm), Clips."""
    rows = [
        {
            "Task": row.task,
            "Protocol": row.protocol,
            "Comparison": f"{feature_name(row.feature_a)} minus {feature_name(row.feature_b)}",
            "Difference [95 % interval]": f"{row.difference:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}]",
            "p": p_text(row.p_value),
            "p (Holm)": p_text(row.p_holm),
            "Clips": str(row.n_clips),
        }
        for row in run.comparisons.itertuples(index=False)
    ]
    return pd.DataFrame(rows)


def feature_name(feature: str) -> str:
    """Return a feature's name as tables show it.

    Example
    -------
    >>> feature_name("random_12345"), feature_name("mfcc+12345")
    ('random weights 12345', 'MFCC + 12345')
    """
    return feature.replace(RANDOM, "random weights ").replace("mfcc", "MFCC").replace("+", " + ")


def heading(protocol: str) -> str:
    """Return the column heading of a protocol."""
    return HEADINGS.get(protocol, protocol)


def interval_text(row: pd.Series) -> str:
    """Return "0.893 [0.873, 0.912]", or the score alone where no interval was saved."""
    if pd.isna(row["ci_low"]):
        return f"{row['score']:.3f}"
    return f"{row['score']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"


def p_text(p_value: float) -> str:
    """Return "0.034", or "< 0.001" for anything smaller."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


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
    cells = {"Paper": f"{known.iloc[0]:.3f}" if len(known) else NONE}
    for protocol in run.protocols:
        here = rows[rows["protocol"] == protocol]
        cells[heading(protocol)] = interval_text(here.iloc[0]) if len(here) else NONE
    return cells


def _best_cells(run: RunFolder, scores: pd.DataFrame) -> dict[str, str]:
    known = scores[scores["feature"].isin(LAYER_SETS)].dropna(subset="published").drop_duplicates("feature")
    paper = best_layer_set(known.assign(score=known["published"]))
    cells = {"Paper": NONE if paper is None else f"{paper['score']:.3f} ({paper['feature']})"}
    for protocol in run.protocols:
        best = best_layer_set(scores[scores["protocol"] == protocol])
        cells[heading(protocol)] = NONE if best is None else f"{interval_text(best)} ({best['feature']})"
    return cells
