"""What a run leaves on disk, written whole or not at all: configuration, scores, predictions, comparisons, audits.

Every run folder holds ``config.json``, ``options.json``, ``scores.csv``, ``errors.csv`` and
``predictions/<task>__<feature>__<protocol>.csv``; where the study makes them also ``comparisons.csv``, ``features/``,
``training/``, ``audit/<name>.csv`` with its conclusion in ``audit/<name>.txt``, and tables of the study's own.
`mgc_keras.studies.common.report` adds ``claims.csv``, ``figures/*.png`` and ``report.html``, made from these alone.
"""

import json
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.files import output_folder, sha256_of, whole_file, write_text
from mgc_keras.runs.rows import SCORE_COLUMNS, Cell, ComparisonRow, ScoreRow
from mgc_keras.work import FailedClip, keep_settings, versions, write_failed_clips

PREDICTION_COLUMNS = ("clip_id", "fold", "truth", "prediction")


def write_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV, without its index, whole or not at all; numbers keep every digit. Return the path."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    return Path(path)


class RunWriter:
    """Writes the files of one run.

    Parameters
    ----------
    folder : str or Path
        The run folder; created.

    Raises
    ------
    OptionError
        `folder` is an existing file, or cannot be written.

    Example
    -------
    >>> writer = RunWriter("runs/gtzan")                                                     # doctest: +SKIP
    >>> writer.config("choi2017", {"seed": 0}, inputs=["weights.h5"])                        # doctest: +SKIP
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = output_folder(folder, "--out")

    def config(self, study: str, options: Mapping[str, Any], inputs: Iterable[str | Path] = (), **more: Any) -> Path:
        """Write ``config.json``: study, resolved options (seeds among them), command, versions, hashes of input files.

        Parameters
        ----------
        study : str
            For instance "choi2017".
        options : mapping
            Every option with the value that was used, JSON-like or paths.
        inputs : iterable of paths
            Files (manifests, weights, published features) to name with their SHA-256.
        **more
            Further entries: ``title`` (of the report), ``caveats`` (sentences that it opens with), ``seconds``, …

        Raises
        ------
        ManifestError
            An input file does not exist.
        """
        content = {
            "study": study,
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "options": dict(options),
            "versions": {**versions(), "platform": platform.platform()},
            "inputs": {str(path): _hash_of(path) for path in inputs},
            **more,
        }
        text = json.dumps(content, indent=2, default=_plain, ensure_ascii=False)
        return write_text(self.folder / "config.json", text + "\n")

    def lock(self, options: Mapping[str, Any]) -> None:
        """Hold the folder to these options; later commands that give other values are refused.

        Raises
        ------
        OptionError
            The folder holds a run with other options, the first that differs is named; or one of version 0.1.
        """
        if (self.folder / ".options.sha256").exists():
            problem, cure = "holds a run of version 0.1, which cannot be gone on with", "choose another folder"
            raise OptionError(problem, path=self.folder, field="--out", cure=cure)
        keep_settings(self.folder / "options.json", options)

    def scores(self, rows: Iterable[ScoreRow]) -> Path:
        """Write ``scores.csv``."""
        return write_table(_table(rows, ScoreRow), self.folder / "scores.csv")

    def add_scores(self, rows: Iterable[ScoreRow]) -> list[ScoreRow]:
        """Write ``scores.csv`` with rows beside those that earlier commands left there, and return them all.

        A row takes the place of an earlier one of the same task, feature and protocol.
        """
        path = self.folder / "scores.csv"
        # A task may be called "2023" or "NA".
        keys = dict.fromkeys(Cell._fields, str)
        read = partial(pd.read_csv, dtype=keys, keep_default_na=False, na_values=[""], float_precision="round_trip")
        earlier = read(path).to_dict("records") if path.exists() else []
        for row in earlier:
            _check_columns(row, SCORE_COLUMNS, path)
        found = {row.cell: row for row in [*(ScoreRow(**row) for row in earlier), *rows]}
        self.scores(found.values())
        return list(found.values())

    def comparisons(self, rows: Iterable[ComparisonRow]) -> Path:
        """Write ``comparisons.csv``."""
        return write_table(_table(rows, ComparisonRow), self.folder / "comparisons.csv")

    def predictions(self, task: str, feature: str, protocol: str, table: pd.DataFrame) -> Path:
        """Write one feature's out-of-fold predictions: clip_id, fold, truth, prediction and, where known, group.

        Raises
        ------
        ManifestError
            A column is missing, or a name would not make a file name of its own.
        """
        path = self.folder / "predictions" / prediction_file(task, feature, protocol)
        missing = [column for column in PREDICTION_COLUMNS if column not in table]
        if missing:
            raise ManifestError(f"column {missing[0]} is missing", path=path, cure="give each clip's fold and truth")
        columns = [*PREDICTION_COLUMNS, *(["group"] if "group" in table else [])]
        return write_table(table[columns], path)

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


def prediction_file(task: str, feature: str, protocol: str) -> str:
    """Return the file name ``<task>__<feature>__<protocol>.csv``.

    Raises
    ------
    ManifestError
        A part is empty, or holds a slash or a double underscore.
    """
    for field, part in (("task", task), ("feature", feature), ("protocol", protocol)):
        if not part or "__" in part or "/" in part or "\\" in part or part.startswith("."):
            raise ManifestError(
                f"{part!r} cannot be part of a file name", field=field, cure="use letters, digits, '_', '+' and '-'"
            )
    return f"{task}__{feature}__{protocol}.csv"


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read predictions that `RunWriter.predictions` wrote; classes stay text, also where they look like numbers.

    Returns
    -------
    pd.DataFrame
        clip_id (str), fold (int), truth and prediction (str; use ``.astype(float)`` for regression), maybe group (str).

    Raises
    ------
    ManifestError
        The file is missing, empty or lacks a column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise ManifestError("no such predictions", path=path, cure="run the study again") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ManifestError(f"no table ({error})", path=path, cure="run the study again") from error
    missing = [column for column in PREDICTION_COLUMNS if column not in table]
    if missing:
        raise ManifestError("the column is missing", path=path, field=missing[0], cure="run the study again")
    return table.astype({"fold": int})


def _table(rows: Iterable[ScoreRow] | Iterable[ComparisonRow], kind: type) -> pd.DataFrame:
    return pd.DataFrame(map(vars, rows), columns=[column.name for column in fields(kind)])


def _check_columns(row: Mapping[Any, Any], columns: tuple[str, ...], path: str | Path) -> None:
    odd = set(row) ^ set(columns)
    if odd:
        problem = "a row lacks this column or has it beyond the schema"
        raise ManifestError(problem, path=path, field=min(odd), cure=", ".join(columns))


def _hash_of(path: str | Path) -> str:
    if not Path(path).is_file():
        raise ManifestError("no such input file", path=path, field="inputs", cure="check the path")
    return sha256_of(path)


def _plain(value: Any) -> Any:
    if isinstance(value, (Path, datetime)):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    raise TypeError(f"cannot save {type(value).__name__} in config.json")
