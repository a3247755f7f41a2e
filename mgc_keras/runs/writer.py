"""What a run leaves on disk, written whole or not at all: configuration, scores, predictions, comparisons, audits.

Every run folder holds ``config.json``, ``options.json``, ``scores.csv``, ``tasks.csv``, ``errors.csv`` and
``predictions/<task>__<feature>__<protocol>.csv``; where the study makes them also ``comparisons.csv``, ``features/``,
``training/``, ``audit/<name>.csv`` with its conclusion in ``audit/<name>.txt``, and tables of the study's own.
`mgc_keras.studies.common.report` adds ``claims.csv``, ``figures/*.png`` and ``report.html``, made from these alone.
"""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.files import output_folder, sha256_of, whole_file, write_text
from mgc_keras.runs.rows import COMPARISON_COLUMNS, SCORE_COLUMNS, TASK_COLUMNS, Cell, ComparisonRow, ScoreRow, TaskRow
from mgc_keras.work import FailedClip, keep_settings, machine, versions, write_failed_clips

PREDICTION_COLUMNS = ["clip_id", "fold", "truth", "prediction"]


def write_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV, without its index, whole or not at all; numbers keep every digit. Return the path."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    return Path(path)


def read_table(
    path: str | Path, columns: Sequence[str] = (), cure: str = "run the study again", **how: Any
) -> pd.DataFrame:
    """Read a CSV as `pandas.read_csv` does with the options `how`; empty cells alone are missing: "NA" is a name.

    Raises `OptionError` with this cure where the file cannot be read, or lacks one of `columns`.
    """
    try:
        # pandas fills up rows that are cut off.
        with open(path, encoding="utf-8", newline="") as stream:
            lengths = {len(row) for row in csv.reader(stream) if row}
        table = pd.read_csv(path, **{"keep_default_na": False, "na_values": [""]} | how)
    except (OSError, ValueError, csv.Error) as error:
        raise OptionError(f"no table ({' '.join(str(error).split())})", path=path, cure=cure) from error
    if len(lengths) > 1:
        raise OptionError("no table (rows have other numbers of fields than the header)", path=path, cure=cure)
    for column in columns:
        if column not in table:
            raise OptionError("the column is missing", path=path, field=column, cure=cure)
    return table


class RunWriter:
    """Writes the files of one run into a folder, which it creates.

    Raises `OptionError` where the folder is an existing file, or cannot be written.

    Example
    -------
    >>> writer = RunWriter("runs/gtzan")                                                     # doctest: +SKIP
    >>> writer.config("choi2017", {"seed": 0}, inputs=["weights.h5"])                        # doctest: +SKIP
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = output_folder(folder, "--out")

    def config(self, study: str, options: Mapping[str, Any], inputs: Iterable[str | Path] = ()) -> Path:
        """Write ``config.json``: study, resolved options (seeds among them), command, versions, hashes of input files.

        `options` names every option with the value that was used, JSON-like or paths; `inputs` are files (manifests,
        weights, published features) to name with their SHA-256.
        """
        content = {
            "study": study,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "options": dict(options),
            "versions": {**versions(), **machine()},
            "inputs": {str(path): sha256_of(path) for path in inputs},
        }
        text = json.dumps(content, indent=2, default=str, ensure_ascii=False)
        return write_text(self.folder / "config.json", text + "\n")

    def lock(self, options: Mapping[str, Any]) -> None:
        """Hold the folder to these options; later commands that give other values are refused.

        Raises `OptionError` where it holds a run with other options, the first that differs is named, or one of
        version 0.1.
        """
        if (self.folder / ".options.sha256").exists():
            problem, cure = "holds a run of version 0.1, which cannot be gone on with", "choose another folder"
            raise OptionError(problem, path=self.folder, field="--out", cure=cure)
        keep_settings(self.folder / "options.json", options)

    def scores(self, rows: Iterable[ScoreRow]) -> Path:
        """Write ``scores.csv``."""
        return write_table(pd.DataFrame(map(vars, rows), columns=SCORE_COLUMNS), self.folder / "scores.csv")

    def add_scores(self, rows: Iterable[ScoreRow]) -> list[ScoreRow]:
        """Write ``scores.csv`` with rows beside those that earlier commands left there, and return them all.

        A row takes the place of an earlier one of the same task, feature and protocol.
        """
        path = self.folder / "scores.csv"
        earlier = pd.DataFrame(columns=SCORE_COLUMNS)
        if path.exists():
            # A task may be called "2023" or "NA".
            earlier = read_table(path, dtype=dict.fromkeys(Cell._fields, str), float_precision="round_trip")
        if odd := set(earlier) ^ set(SCORE_COLUMNS):
            problem = "a row lacks this column or has it beyond the schema"
            raise ManifestError(problem, path=path, field=min(odd), cure=", ".join(SCORE_COLUMNS))
        found = {row.cell: row for row in [*(ScoreRow(**row) for row in earlier.to_dict("records")), *rows]}
        self.scores(found.values())
        return list(found.values())

    def add_task(self, row: TaskRow) -> Path:
        """Write ``tasks.csv`` with a row, in the place of an earlier one of the same task and protocol."""
        path, rows = self.folder / "tasks.csv", [vars(row)]
        if path.exists():
            earlier = read_table(path, TASK_COLUMNS, dtype=str)
            rows = [*earlier.to_dict("records"), *rows]
        found = {(str(each["task"]), str(each["protocol"])): each for each in rows}
        return write_table(pd.DataFrame(found.values(), columns=TASK_COLUMNS), path)

    def comparisons(self, rows: Iterable[ComparisonRow]) -> Path:
        """Write ``comparisons.csv``."""
        return write_table(pd.DataFrame(map(vars, rows), columns=COMPARISON_COLUMNS), self.folder / "comparisons.csv")

    def predictions(self, task: str, feature: str, protocol: str, table: pd.DataFrame) -> Path:
        """Write one feature's out-of-fold predictions: clip_id, fold, truth, prediction and, where known, group."""
        path = self.folder / "predictions" / prediction_file(task, feature, protocol)
        return write_table(table[[*PREDICTION_COLUMNS, "group"] if "group" in table else PREDICTION_COLUMNS], path)

    def audit(self, result: AuditResult) -> Path:
        """Write ``audit/<name>.csv`` and its conclusion ``audit/<name>.txt``. Return the path of the table."""
        write_text(self.folder / "audit" / f"{result.name}.txt", result.conclusion + "\n")
        return write_table(result.table, self.folder / "audit" / f"{result.name}.csv")

    def history(self, table: pd.DataFrame) -> Path:
        """Write ``training/history.csv``: one row an epoch, columns as the training names them (loss, val_auc, …)."""
        return write_table(table, self.folder / "training" / "history.csv")

    def errors(self, failed: Iterable[FailedClip]) -> Path:
        """Write ``errors.csv``: the clips that could not be used, each with cause and cure."""
        return write_failed_clips(self.folder / "errors.csv", failed)


def prediction_file(task: str, feature: str, protocol: str, path: str | Path | None = None) -> str:
    """Return the file name ``<task>__<feature>__<protocol>.csv``. Raises as `check_file_part` does of each part."""
    for field, part in Cell(task, feature, protocol)._asdict().items():
        check_file_part(field, part, path)
    return f"{task}__{feature}__{protocol}.csv"


def check_file_part(field: str, part: str, path: str | Path | None = None) -> None:
    """Raise a `ManifestError` where a name, of a `field` in the file `path`, cannot be part of a run's file names.

    It is empty, begins with a dot, or holds a slash, a double underscore, or what cannot be printed.
    """
    if not part or "__" in part or "/" in part or "\\" in part or part.startswith(".") or not part.isprintable():
        cure = "use letters, digits, '_', '+' and '-'"
        raise ManifestError(f"{part!r} cannot be part of a file name", path=path, field=field, cure=cure)


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read predictions that `RunWriter.predictions` wrote; classes stay text, also where they look like numbers.

    Returns
    -------
    pd.DataFrame
        clip_id (str), fold (int), truth and prediction (str; use ``.astype(float)`` for regression), maybe group (str).

    Raises
    ------
    OptionError
        There is no such file, or it is damaged.
    """
    table, cure = read_table(path, PREDICTION_COLUMNS, dtype=str, na_values=[]), "run the study again"
    if table.empty or (table[PREDICTION_COLUMNS] == "").any(axis=None):
        raise OptionError("no predictions" if table.empty else "a row is cut off", path=path, cure=cure)
    whole = table["fold"].str.fullmatch(r"\d{1,9}")
    if not whole.all():
        problem = f"{table['fold'][~whole].iloc[0]!r} is no whole number"
        raise OptionError(problem, path=path, field="fold", cure=cure)
    return table.astype({"fold": int})
