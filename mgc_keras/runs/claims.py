"""What a run says of a paper's claims: the rows of ``claims.csv``."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from mgc_keras.runs.writer import read_table, write_table

CONFIRMED, REFUTED, NOT_DECIDED = "confirmed", "refuted", "not decided"


@dataclass(frozen=True)
class ClaimRow:
    """One claim, judged on one task under one protocol.

    Parameters
    ----------
    claim : str
        Its key in the study's ``paper.py``.
    sentence : str
        What the paper says.
    task, protocol : str
        Empty where the run holds nothing to judge it by.
    evidence : str
        One sentence with figures and, where predictions or several folds or seeds allow one, a 95 % interval.
    verdict : {"confirmed", "refuted", "not decided"}
    why : str
        Why nothing is decided; else empty.
    """

    claim: str
    sentence: str
    task: str
    protocol: str
    evidence: str
    verdict: str
    why: str = ""

    def text(self) -> str:
        """Return the row as a line for a terminal."""
        where = f" ({self.task}, {self.protocol} protocol)" if self.task else ""
        return f"The paper: {self.sentence} This run{where}: {self.verdict}. {self.evidence or self.why}"


CLAIM_COLUMNS = [field.name for field in fields(ClaimRow)]


def write_claim_rows(rows: Iterable[ClaimRow], folder: str | Path) -> Path:
    """Write a run's ``claims.csv``, whole or not at all. Return its path."""
    return write_table(pd.DataFrame(map(vars, rows), columns=CLAIM_COLUMNS), Path(folder) / "claims.csv")


def read_claim_rows(folder: str | Path) -> list[ClaimRow]:
    """Read a run's ``claims.csv``; no rows where there is none.

    Raises `OptionError` where it cannot be read or lacks a column.
    """
    path = Path(folder) / "claims.csv"
    if not path.is_file():
        return []
    table = read_table(path, CLAIM_COLUMNS, "draw the report again", dtype=str, na_values=[])
    return [ClaimRow(**row) for row in table[CLAIM_COLUMNS].to_dict("records")]
