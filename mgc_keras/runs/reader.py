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
from mgc_keras.runs.writer import prediction_file, read_predictions, read_table

# Columns that stay text also where they look like numbers.
_TEXT = ("study", "task", "feature", "feature_a", "feature_b", "protocol", "metric", "clip_id", "class")


@dataclass(frozen=True)
class RunFolder:
    """Reads the files of one run. Optional files that are absent read as empty tables.

    Raises `OptionError` where ``scores.csv`` is absent or empty, or a file cannot be read or lacks a column.

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
        try:
            return dict(json.loads(_text(path) or "{}"))
        except (ValueError, TypeError) as error:
            raise OptionError(f"no configuration ({error})", path=path, cure="run the study again") from error

    @cached_property
    def scores(self) -> pd.DataFrame:
        """``scores.csv``: one row a task, feature and protocol."""
        table = self.table("scores.csv", SCORE_COLUMNS)
        if table.empty:
            path, cure = self.folder / "scores.csv", "give the --out folder of a finished run"
            raise OptionError("no scores here", path=path, cure=cure)
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
        paths = sorted((self.folder / "audit").glob("*.csv"))
        return {
            path.stem: AuditResult(path.stem, self.table(f"audit/{path.name}"), _text(path.with_suffix(".txt")))
            for path in paths
        }

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
        """Return another table of the folder, such as ``seeds.csv``; an empty one where none was written or found."""
        path = self.folder / name
        # A table of no rows that was written without columns is a line break.
        if not path.is_file() or path.stat().st_size < 2:
            return pd.DataFrame(columns=list(columns))
        return read_table(path, columns, dtype=dict.fromkeys(_TEXT, str))


def _text(path: Path) -> str:
    """Return a text file's content, or "" where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise OptionError(f"no text ({error})", path=path, cure="run the study again") from error
