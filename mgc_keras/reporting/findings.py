"""The report's headline sentences, computed from scores and paired tests, whichever way they turn out."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from mgc_keras.reporting.tables import difference_text, metric_name, p_relation
from mgc_keras.reporting.verdicts import BETTER, CHECKED, MIXED, NOT_DECIDED, WORSE, comparison_verdict
from mgc_keras.runs.reader import RunFolder


@dataclass(frozen=True)
class Finding:
    """A sentence and its verdict: one of `mgc_keras.reporting.verdicts.COLOURS`."""

    text: str
    verdict: str


def findings(run: RunFolder, describe: Callable[[str], str] = str) -> list[Finding]:
    """Say for each planned comparison on which tasks the first feature is better, worse, or not decided.

    Better or worse needs a Holm-corrected p-value below 0.05 under the run's headline protocol. There is one finding a
    pair of features, in the order of ``comparisons.csv``; `describe` says in words what a feature is.
    """
    table = run.comparisons[run.comparisons["protocol"] == run.headline_protocol]
    pairs = table.groupby(["feature_a", "feature_b"], sort=False)
    return [_finding(describe(first), describe(second), rows) for (first, second), rows in pairs]


def reproduction(run: RunFolder) -> Finding | None:
    """Say how near the published protocol comes to the scores that the authors recorded; None if none is known."""
    rows = run.scores[(run.scores["protocol"] == "published") & run.scores["published"].notna()]
    if rows.empty:
        return None
    parts = []
    for metric, cells in rows.groupby("metric"):
        distance = (cells["score"] - cells["published"]).abs()
        most = cells.loc[distance.idxmax()]
        largest = f"the largest difference {distance.max():.1g} ({most['feature']} on {most['task']})"
        near = largest if distance.max() else "all equal to the last digit"
        parts.append(f"{len(cells)} scores in {metric_name(metric)}, {near}")
    text = f"Published protocol against the scores that the authors recorded: {'; '.join(parts)}."
    return Finding(text, CHECKED)


def _finding(first: str, second: str, rows: pd.DataFrame) -> Finding:
    verdicts = {
        verdict: [_numbers(row) for _, row in part.iterrows()]
        for verdict, part in rows.groupby(rows.apply(comparison_verdict, axis=1))
    }
    tasks = "1 task" if len(rows) == 1 else f"{len(rows)} tasks"
    parts = [
        f"{verdict} on {len(verdicts[verdict])} of {tasks}: {', '.join(verdicts[verdict])}"
        for verdict in (BETTER, WORSE, NOT_DECIDED)
        if verdict in verdicts
    ]
    text = f"{first} against {second} is {'; '.join(parts)}."
    # A description is a phrase; names of networks and classifiers are written as they are.
    text = text[0].upper() + text[1:] if " " in first else text
    return Finding(text, next(iter(verdicts)) if len(verdicts) == 1 else MIXED)


def _numbers(row: pd.Series) -> str:
    numbers = f"{difference_text(row)} in {metric_name(row['metric'])}"
    return f"{row['task']} ({numbers}, p {p_relation(row['p_holm'])}, {row['n_clips']} clips)"
