"""What the published scores owe to a scaler that never scaled."""

import numpy as np
import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.audit import AuditResult


def scaling(unscaled: pd.DataFrame, scaled: pd.DataFrame) -> AuditResult:
    """Put scores without and with standardised features side by side, all else as published.

    Parameters
    ----------
    unscaled, scaled : pd.DataFrame
        Rows of ``scores.csv``: columns task, feature, score, and in `unscaled` maybe published.

    Returns
    -------
    AuditResult
        Columns task, feature, published, unscaled, scaled, change; rows that both tables have.

    Raises
    ------
    OptionError
        No task and feature is in both tables.

    Notes
    -----
    The original's ``OptionalStandardScaler`` reads its switch only in its constructor, so the grid's "on" never scaled.
    """
    key = ["task", "feature"]
    left = unscaled[[*key, "score"]].rename(columns={"score": "unscaled"})
    left["published"] = unscaled["published"] if "published" in unscaled else np.nan
    table = left.merge(scaled[[*key, "score"]].rename(columns={"score": "scaled"}), on=key, validate="one_to_one")
    if table.empty:
        raise OptionError("no feature was scored both ways", cure="run the search with and without scaling")
    table["change"] = table["scaled"] - table["unscaled"]
    table = table[[*key, "published", "unscaled", "scaled", "change"]]
    return AuditResult("scaling", table, _conclusion(table))


def _conclusion(table: pd.DataFrame) -> str:
    most = table.loc[table["change"].abs().idxmax()]
    text = (
        f"Scaling as the original meant to moves {len(table)} scores by {table['change'].min():+.3f} to "
        f"{table['change'].max():+.3f}, most for {most['feature']} on {most['task']} "
        f"({most['unscaled']:.3f} to {most['scaled']:.3f})"
    )
    added = table.pivot(index="task", columns="feature")
    if {"mfcc+12345", "12345"} <= set(table["feature"]):
        gains = [added[kind]["mfcc+12345"] - added[kind]["12345"] for kind in ("unscaled", "scaled")]
        both = pd.concat(gains, axis=1).dropna()
        parts = [
            f"{before:+.3f} unscaled and {after:+.3f} scaled on {task}" for task, before, after in both.itertuples()
        ]
        if parts:
            text += "; adding MFCCs to all five layers changes the score by " + ", ".join(parts)
    return text + "."
