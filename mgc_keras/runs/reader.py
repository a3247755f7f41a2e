"""A run folder as the reporting sees it: tables that are read when first asked for."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.runs.claims import ClaimRow, read_claim_rows
from mgc_keras.runs.rows import COMPARISON_COLUMNS, SCORE_COLUMNS
from mgc_keras.runs.writer import prediction_file, read_predictions

# Columns that stay text also where they look like numbers.
_TEXT = ("study", "task", "feature", "feature_a", "feature_b", "protocol", "metric", "clip_id", "class")


@dataclass(frozen=True)
class RunFolder:
    """Reads the files of one run. Optional files that are absent read as empty tables.

    Parameters
    ----------
    folder : Path
        Holds at least ``scores.csv``.

    Raises
    ------
    OptionError
        ``scores.csv`` is absent or empty, or a file cannot be read or lacks a column.

    Example
    -------
    >>> run = RunFolder(Path("runs/gtzan"))                     # doctest: +SKIP
    >>> run.scores.query("protocol == 'corrected'")             # doctest: +SKIP
    """

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, versions and hashes of inputs; empty if none was saved."""
        path = self.folder / "config.json"
        if not path.is_file():
            return {}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OptionError(f"no JSON ({error})", path=path, cure="run the study again") from error
        if not isinstance(content, dict):
            raise OptionError("no configuration, for it has no names", path=path, cure="run the study again")
        return content

    @cached_property
    def scores(self) -> pd.DataFrame:
        """``scores.csv``: one row a task, feature and protocol."""
        path = self.folder / "scores.csv"
        if not path.is_file():
            raise OptionError("no scores here", path=path, cure="give the --out folder of a finished run")
        table = _read(path, SCORE_COLUMNS)
        if table.empty:
            raise OptionError("holds no scores", path=path, cure="give the --out folder of a finished run")
        return table

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """``comparisons.csv``: paired tests."""
        return self.table("comparisons.csv", COMPARISON_COLUMNS)

    @cached_property
    def errors(self) -> pd.DataFrame:
        """``errors.csv``: clips that could not be used, each with its cause."""
        return self.table("errors.csv", ("clip_id",))

    @cached_property
    def history(self) -> pd.DataFrame:
        """``training/history.csv``: one row an epoch of the source tagger's training."""
        return self.table("training/history.csv")

    @property
    def claims(self) -> list[ClaimRow]:
        """``claims.csv``: what this run says of the paper's claims; read anew each time, since a report rewrites it."""
        return read_claim_rows(self.folder)

    @cached_property
    def audits(self) -> dict[str, AuditResult]:
        """Every ``audit/<name>.csv`` with its conclusion, by name in alphabetical order."""
        found = {}
        for path in sorted((self.folder / "audit").glob("*.csv")):
            found[path.stem] = AuditResult(path.stem, _read(path, ()), _text(path.with_suffix(".txt")))
        return found

    @property
    def tasks(self) -> list[str]:
        """The tasks in the order of ``scores.csv``."""
        return list(self.scores["task"].unique())

    @property
    def protocols(self) -> list[str]:
        """The protocols of ``scores.csv``, published first."""
        return sorted(self.scores["protocol"].unique(), key=lambda name: (name != "published", name))

    @property
    def headline_protocol(self) -> str:
        """The protocol that a user should quote: corrected, or what there is if that was not run."""
        return "corrected" if "corrected" in self.protocols else self.protocols[-1]

    def metric(self, task: str) -> str:
        """The metric of a task."""
        return str(self.scores.loc[self.scores["task"] == task, "metric"].iloc[0])

    def predictions(self, task: str, feature: str, protocol: str) -> pd.DataFrame | None:
        """Out-of-fold predictions (clip_id, fold, truth, prediction, maybe group), or None if none were saved."""
        path = self.folder / "predictions" / prediction_file(task, feature, protocol)
        return read_predictions(path) if path.is_file() else None

    @cached_property
    def chances(self) -> dict[str, float]:
        """For each task, the accuracy of always naming its most frequent class (a share of clips).

        Tasks without saved predictions, and those whose metric is another, are left out.
        """
        found: dict[str, float] = {}
        for row in self.scores[self.scores["metric"] == "accuracy"].itertuples():
            if row.task not in found and (table := self.predictions(row.task, row.feature, row.protocol)) is not None:
                found[row.task] = float(table["truth"].value_counts(normalize=True).iloc[0])
        return found

    def table(self, name: str, columns: tuple[str, ...] = ()) -> pd.DataFrame:
        """Return another table of the folder, such as ``seeds.csv``; an empty one where none was written or found.

        Raises
        ------
        OptionError
            The file cannot be read, or lacks one of `columns`.
        """
        path = self.folder / name
        # A table of no rows that was written without columns is a line break.
        if not path.is_file() or path.stat().st_size < 2:
            return pd.DataFrame(columns=list(columns))
        return _read(path, columns)


def _text(path: Path) -> str:
    """Return a text file's content, or "" where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise OptionError(f"no text ({error})", path=path, cure="run the study again") from error


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str))
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise OptionError(f"no table ({error})", path=path, cure="run the study again") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise OptionError("the column is missing", path=path, field=missing[0], cure="run the study again")
    return table
