"""Tables of the report: Paper | Published protocol | Corrected, and the paired tests. All cells are text."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from mgc_keras.protocols import protocol_title
from mgc_keras.runs.reader import RunFolder

NONE = "–"


def score_table(
    run: RunFolder,
    scores: pd.DataFrame,
    label: Callable[[str], Mapping[str, str]],
    printed: Mapping[str, float],
) -> pd.DataFrame:
    """Return one row a feature: what it is, what the paper prints, and one column a protocol with 95 % intervals.

    `scores` are rows of ``scores.csv``, of one task; `label` gives the first columns of a feature's row, by heading;
    `printed` the paper's scores by feature.
    """
    protocols = [name for name in run.protocols if name in set(scores["protocol"])]
    rows = []
    for feature, part in scores.groupby("feature", sort=False):
        paper = f"{printed[feature]:g}" if feature in printed else NONE
        rows.append({**label(feature), "Paper (GTZAN)": paper, **protocol_cells(run, part, protocols)})
    return pd.DataFrame(rows)


def protocol_cells(run: RunFolder, rows: pd.DataFrame, protocols: Sequence[str]) -> dict[str, str]:
    """Return the score of one feature on one task under each protocol, by the protocol's heading."""
    cells = {}
    for protocol in protocols:
        here = rows[rows["protocol"] == protocol]
        cells[protocol_title(protocol)] = score_text(run, here.iloc[0]) if len(here) else NONE
    return cells


def comparison_table(run: RunFolder, name: Callable[[str], str] = str) -> pd.DataFrame:
    """Return the paired tests; `name` gives a feature's name as tables show it."""
    rows = [
        {
            "Task": row["task"],
            "Protocol": row["protocol"],
            "Comparison": f"{name(row['feature_a'])} minus {name(row['feature_b'])}",
            "Quantity": metric_name(row["metric"]),
            "Difference [95 % interval]": difference_text(row),
            "p": p_text(row["p_value"]),
            "p (Holm)": p_text(row["p_holm"]),
            "Clips": str(row["n_clips"]),
        }
        for _, row in run.comparisons.iterrows()
    ]
    return pd.DataFrame(rows)


def repair_table(run: RunFolder) -> pd.DataFrame:
    """Return what each repair that was left out is worth (``repairs.csv``), as text; no rows where there is none."""
    rows = [
        {
            "Task": row["task"],
            "Repair": row["repair"],
            "Feature": row["feature"],
            "Quantity": metric_name(row["metric"]),
            "With it": f"{row['corrected']:.3f}",
            "Without": f"{row['without']:.3f}",
            "Difference [95 % interval]": difference_text(row),
            "p (Holm)": p_text(row["p_holm"]),
            "Clips": str(row["n_clips"]),
        }
        for _, row in run.table("repairs.csv").iterrows()
    ]
    return pd.DataFrame(rows)


def metric_name(metric: str) -> str:
    """Return a metric's name as the report writes it.

    Example
    -------
    >>> metric_name("r2"), metric_name("epochs_to_90")
    ('r²', 'epochs to 90 %')
    """
    return {"r2": "r²", "epochs_to_90": "epochs to 90 %"}.get(metric, metric)


def interval_text(row: pd.Series) -> str:
    """Return "0.893 [0.873, 0.912]", or "0.893 [no interval]"."""
    if pd.isna(row["ci_low"]):
        return f"{row['score']:.3f} [no interval]"
    return f"{row['score']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"


def score_text(run: RunFolder, row: pd.Series, note: str = "") -> str:
    """Return a score with its interval, a note and, where the score means nothing, the words for that."""
    return ": ".join(filter(None, [interval_text(row) + note, meaning(run, row)]))


def meaning(run: RunFolder, row: pd.Series) -> str:
    """Say of a row of ``scores.csv`` that its score means nothing, if that is so; else return "".

    A negative r² predicts worse than the mean of the clips; an accuracy whose interval does not lie above chance (see
    `RunFolder.chances`) cannot be told from naming the most frequent class, and an AUC-ROC at 0.5 not from guessing.
    """
    if row["metric"] == "r2":
        return "predicts worse than the mean of the clips" if row["score"] < 0 else ""
    chance = 0.5 if row["metric"] == "auc" else run.chances.get(row["task"])
    if chance is None or row["ci_low"] > chance:
        return ""
    return f"{'not known to be' if pd.isna(row['ci_low']) else 'not'} above chance ({chance:.3f})"


def difference_text(row: pd.Series) -> str:
    """Return `change_text` of a row with difference, ci_low and ci_high."""
    return change_text(row["difference"], row["ci_low"], row["ci_high"])


def change_text(difference: float, low: float, high: float) -> str:
    """Return a difference with its interval.

    Example
    -------
    >>> change_text(0.012, -0.003, 0.027)
    '+0.012 [-0.003, +0.027]'
    """
    return f"{difference:+.3f} [{'no interval' if pd.isna(low) else f'{low:+.3f}, {high:+.3f}'}]"


def p_text(p_value: float) -> str:
    """Return "0.034", or "< 0.001" for anything smaller."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def p_relation(p_value: float) -> str:
    """Return "= 0.034", or "< 0.001" for anything smaller."""
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"
