"""A run folder as the reporting sees it: tables that are read when first asked for."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.runs.rows import COMPARISON_COLUMNS, SCORE_COLUMNS
from mgc_keras.runs.writer import prediction_file, read_predictions


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
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OptionError(f"no JSON ({error})", path=path, cure="run the study again") from error

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
        return self._optional("comparisons.csv", COMPARISON_COLUMNS)

    @cached_property
    def errors(self) -> pd.DataFrame:
        """``errors.csv``: clips that could not be used, each with its cause."""
        return self._optional("errors.csv", ("clip_id",))

    @cached_property
    def history(self) -> pd.DataFrame:
        """``training/history.csv``: one row an epoch of the source tagger's training."""
        return self._optional("training/history.csv", ())

    @cached_property
    def audits(self) -> dict[str, AuditResult]:
        """Every ``audit/<name>.csv`` with its conclusion, by name in alphabetical order."""
        found = {}
        for path in sorted((self.folder / "audit").glob("*.csv")):
            text = path.with_suffix(".txt")
            conclusion = text.read_text(encoding="utf-8").strip() if text.is_file() else ""
            found[path.stem] = AuditResult(path.stem, _read(path, ()), conclusion)
        return found

    @property
    def tasks(self) -> list[str]:
        """The tasks in the order of ``scores.csv``."""
        return list(self.scores["task"].unique())

    @property
    def protocols(self) -> list[str]:
        """The protocols of ``scores.csv``, published first."""
        return sorted(self.scores["protocol"].unique(), key=lambda name: (name != "published", name))

    def metric(self, task: str) -> str:
        """The metric of a task."""
        return str(self.scores.loc[self.scores["task"] == task, "metric"].iloc[0])

    def predictions(self, task: str, feature: str, protocol: str) -> pd.DataFrame | None:
        """Out-of-fold predictions (clip_id, fold, truth, prediction, maybe group), or None if none were saved."""
        path = self.folder / "predictions" / prediction_file(task, feature, protocol)
        return read_predictions(path) if path.is_file() else None

    def _optional(self, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        path = self.folder / name
        return _read(path, columns) if path.is_file() else pd.DataFrame(columns=list(columns))


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    text = {
        name: str for name in ("study", "task", "feature", "feature_a", "feature_b", "protocol", "metric", "clip_id")
    }
    try:
        table = pd.read_csv(path, dtype=text)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise OptionError(f"no table ({error})", path=path, cure="run the study again") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise OptionError("the column is missing", path=path, field=missing[0], cure="run the study again")
    return table
