"""A run folder as the reporting sees it: tables that are read when first asked for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.runs.claims import ClaimRow, read_claim_rows
from mgc_keras.runs.rows import TASK_COLUMNS, Cell, ComparisonRow, ScoreRow
from mgc_keras.runs.writer import prediction_file, read_predictions, read_table

# Columns that stay text also where they look like numbers.
_TEXT = (
    "study", "task", "feature", "feature_a", "feature_b", "protocol", "metric", "clip_id", "class", "label", "genre",
    "network", "start", "clip", "tag",
)  # fmt: skip
_WORDS = {dict: "mapping by name", list: "list of words", str: "text"}
# What the entries of ``config.json`` are that reports read; all may be absent.
_CONFIG = {"options": dict, "versions": dict, "inputs": dict, "command": list, "caveats": list, "started": str}


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Turn what odd content of a run's file leads to, while it is shown, into an `OptionError` that names the file."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        problem = f"holds what cannot be shown ({type(error).__name__}: {' '.join(str(error).split())})"
        raise OptionError(problem, path=path, cure="run the study again") from error


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
            content = dict(json.loads(_text(path) or "{}"))
        except (ValueError, TypeError, RecursionError) as error:
            raise OptionError(f"no configuration ({error})", path=path, cure="run the study again") from error
        for name, kind in _CONFIG.items():
            if name in content and not (
                isinstance(content[name], kind) and all(isinstance(word, str) for word in content[name])
            ):
                problem = f"is no {_WORDS[kind]}"
                raise OptionError(problem, path=path, field=name, cure="run the study again")
        return content

    @cached_property
    def scores(self) -> pd.DataFrame:
        """``scores.csv``: one row a task, feature and protocol, whose names can be part of file names."""
        table, path = self._rows("scores.csv", ScoreRow), self.folder / "scores.csv"
        if table.empty:
            raise OptionError("no scores here", path=path, cure="give the --out folder of a finished run")
        cells = [Cell(*names) for names in table[[*Cell._fields]].to_numpy()]
        for number, cell in enumerate(cells):
            prediction_file(cell.task, cell.feature, cell.protocol, path)
            if cell in cells[:number]:
                raise OptionError(f"two rows of {', '.join(cell)}", path=path, cure="run the study again")
        return table

    @cached_property
    def parts(self) -> pd.DataFrame:
        """``tasks.csv``: which clips of each task each protocol trains on and tests."""
        return self.table("tasks.csv", TASK_COLUMNS)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """``comparisons.csv``: paired tests."""
        return self._rows("comparisons.csv", ComparisonRow)

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
        if not path.is_file():
            return None
        table = read_predictions(path)
        if "r2" in set(self.scores.loc[self.scores["task"] == task, "metric"]):
            with blaming(path):
                table[["truth", "prediction"]].astype(float)
        return table

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
        table = read_table(path, columns, dtype=dict.fromkeys(_TEXT, str))
        return table.fillna({name: "" for name in _TEXT if name in table})

    def _rows(self, name: str, row: type[ScoreRow] | type[ComparisonRow]) -> pd.DataFrame:
        """Return a table of typed rows. Raises `OptionError` where a number is none, or infinite."""
        types, path, cure = get_type_hints(row), self.folder / name, "run the study again"
        later = {each.name: each.default for each in fields(row) if each.default is not MISSING}
        table = self.table(name, tuple(column for column in types if column not in later))
        table = table.assign(**{column: value for column, value in later.items() if column not in table})
        for column, kind in types.items():
            if kind is str or table.empty:
                continue
            cells = table[column]
            is_right = (
                cells.dtype.kind == "i" if kind is int else cells.dtype.kind in "if" and not np.isinf(cells).any()
            )
            if not is_right:
                raise OptionError("holds what is no finite number", path=path, field=column, cure=cure)
        return table


def _text(path: Path) -> str:
    """Return a text file's content, or "" where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise OptionError(f"no text ({error})", path=path, cure="run the study again") from error
