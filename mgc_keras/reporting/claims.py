"""The report's headline sentences, computed from scores and paired tests, whichever way they turn out."""

from dataclasses import dataclass

import pandas as pd

from mgc_keras.reporting.tables import p_text
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.order import LAYER_SETS, RANDOM

LEVEL = 0.05


@dataclass(frozen=True)
class Finding:
    """A sentence and its verdict: "better", "worse", "not decided", or "mixed" over tasks; "checked" for a count."""

    text: str
    verdict: str


def headline_protocol(run: RunFolder) -> str:
    """Return the protocol that a user should quote: corrected, or what there is if that was not run."""
    return "corrected" if "corrected" in run.protocols else run.protocols[-1]


def findings(run: RunFolder, protocol: str | None = None) -> list[Finding]:
    """Say for each planned comparison on which tasks the first feature is better, worse, or not decided.

    Better or worse needs a Holm-corrected p-value below 0.05.

    Returns
    -------
    list of Finding
        One a pair of features, in the order of ``comparisons.csv``.
    """
    table = run.comparisons[run.comparisons["protocol"] == (protocol or headline_protocol(run))]
    pairs = table.groupby(["feature_a", "feature_b"], sort=False)
    return [_finding(feature_a, feature_b, rows) for (feature_a, feature_b), rows in pairs]


def reproduction(run: RunFolder) -> Finding | None:
    """Say how near the published protocol comes to the scores that the authors recorded; None if none is known."""
    rows = run.scores[(run.scores["protocol"] == "published") & run.scores["published"].notna()]
    if rows.empty:
        return None
    parts = []
    for metric, cells in rows.groupby("metric"):
        distance = (cells["score"] - cells["published"]).abs()
        most = cells.loc[distance.idxmax()]
        name = "r²" if metric == "r2" else metric
        parts.append(
            f"{len(cells)} scores in {name}, all equal to the last digit"
            if distance.max() == 0
            else f"{len(cells)} scores in {name}, the largest difference {distance.max():.1g} "
            f"({most['feature']} on {most['task']})"
        )
    return Finding(
        "Published protocol against the scores that the authors recorded: " + "; ".join(parts) + ".", "checked"
    )


def describe(feature: str) -> str:
    """Return what a feature is, in words.

    Example
    -------
    >>> describe("random_12345")
    'the same convnet with random weights'
    """
    layers = feature.removeprefix(RANDOM).removeprefix("mfcc+")
    if layers not in LAYER_SETS and layers != "mfcc":
        return feature  # a network or classifier that goes by its own name
    part = (
        ""
        if layers in ("12345", "mfcc")
        else f" (layers {', '.join(layers)})"
        if layers in LAYER_SETS
        else f" ({layers})"
    )
    if feature.startswith(RANDOM):
        return f"the same convnet with random weights{part}"
    if feature.startswith("mfcc+"):
        return f"MFCC and convnet together{part}"
    return "MFCC" if feature == "mfcc" else f"the trained convnet{part}"


def _finding(feature_a: str, feature_b: str, rows: pd.DataFrame) -> Finding:
    verdicts = {
        verdict: [_numbers(row) for row in part.itertuples(index=False)]
        for verdict, part in rows.groupby(rows.apply(_verdict, axis=1))
    }
    parts = [
        f"{verdict} on {len(verdicts[verdict])} of {_tasks(len(rows))}: {', '.join(verdicts[verdict])}"
        for verdict in ("better", "worse", "not decided")
        if verdict in verdicts
    ]
    text = f"{describe(feature_a)} against {describe(feature_b)} is {'; '.join(parts)}."
    # Names of networks and classifiers are written as they are.
    text = text if describe(feature_a) == feature_a else text[0].upper() + text[1:]
    return Finding(text, next(iter(verdicts)) if len(verdicts) == 1 else "mixed")


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _verdict(row: pd.Series) -> str:
    if row["p_holm"] >= LEVEL:
        return "not decided"
    return "better" if row["difference"] > 0 else "worse"


def _numbers(row: tuple) -> str:
    metric = "r²" if row.metric == "r2" else row.metric
    interval = f"{row.ci_low:+.3f} to {row.ci_high:+.3f}"
    return f"{row.task} ({row.difference:+.3f} in {metric}, {interval}, p {_relation(row.p_holm)}, {row.n_clips} clips)"


def _relation(p_value: float) -> str:
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"
