"""What every audit returns."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class AuditResult:
    """A tidy table and one sentence that says what its numbers show.

    Attributes
    ----------
    name : str
        File name of the table without suffix, for instance "batch_border".
    table : pd.DataFrame
        One row a measurement.
    conclusion : str
        One plain sentence, computed from the table.
    """

    name: str
    table: pd.DataFrame
    conclusion: str
