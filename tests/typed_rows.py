"""Rows of a run's tables from dictionaries, as tests write them."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from mgc_keras.runs.rows import ComparisonRow, ScoreRow


def score_rows(rows: Iterable[dict[str, Any]] | pd.DataFrame) -> list[ScoreRow]:
    """Rows of ``scores.csv``."""
    return [ScoreRow(**row) for row in (rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows)]


def comparison_rows(rows: Iterable[dict[str, Any]] | pd.DataFrame) -> list[ComparisonRow]:
    """Rows of ``comparisons.csv``."""
    return [ComparisonRow(**row) for row in (rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows)]
