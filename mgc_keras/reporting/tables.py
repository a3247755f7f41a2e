"""Tables of the report: Paper | Published protocol | Corrected, and the paired tests."""

import pandas as pd

from mgc_keras.reporting.layer_sets import RANDOM, feature_order
from mgc_keras.reporting.run import RunFolder


def score_table(run: RunFolder, task: str) -> pd.DataFrame:
    """Return one row a feature: Feature, Paper, and each protocol's score with its 95 % interval, as text.

    A cell without a value is an empty string.
    """
    scores = run.scores[run.scores["task"] == task]
    rows = []
    for feature in feature_order(list(scores["feature"].unique())):
        cells = scores[scores["feature"] == feature]
        known = cells["published"].dropna()
        row = {"Feature": feature.replace(RANDOM, "random "), "Paper": f"{known.iloc[0]:.3f}" if len(known) else ""}
        for protocol in run.protocols:
            here = cells[cells["protocol"] == protocol]
            row[protocol.capitalize()] = interval_text(here.iloc[0]) if len(here) else ""
        rows.append(row)
    return pd.DataFrame(rows)


def interval_text(row: pd.Series) -> str:
    """Return "0.893 [0.873, 0.912]", or the score alone where no interval was saved."""
    if pd.isna(row["ci_low"]):
        return f"{row['score']:.3f}"
    return f"{row['score']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"


def comparison_table(run: RunFolder) -> pd.DataFrame:
    """Return the paired tests as text: Task, Protocol, Comparison, Difference with interval, p, p (Holm), Clips."""
    rows = [
        {
            "Task": row.task,
            "Protocol": row.protocol,
            "Comparison": f"{row.feature_a} minus {row.feature_b}".replace(RANDOM, "random "),
            "Difference": f"{row.difference:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}]",
            "p": p_text(row.p_value),
            "p (Holm)": p_text(row.p_holm),
            "Clips": str(row.n_clips),
        }
        for row in run.comparisons.itertuples(index=False)
    ]
    return pd.DataFrame(rows)


def p_text(p_value: float) -> str:
    """Return "0.034", or "< 0.001" for anything smaller."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
