"""Scores that were measured with this package, each with its command, machine and date: ``<study>/measured.csv``."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.reporting.sections import command_line
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.writer import read_table, write_table
from mgc_keras.studies.common.claims import study_of
from mgc_keras.studies.common.paper import BEST


@dataclass(frozen=True)
class MeasuredRow:
    """One score with its 95 % interval (NaN where there is none), and how, where and when it came about.

    Parameters
    ----------
    task, feature, protocol, metric, score, ci_low, ci_high, n_clips
        As in ``scores.csv``; the feature is `mgc_keras.studies.common.paper.BEST` for the highest score of them all.
    command : str
        As a user types it in a checkout.
    minutes : float
        Of the whole command.
    date : str
        YYYY-MM-DD.
    """

    task: str
    feature: str
    protocol: str
    metric: str
    score: float
    ci_low: float
    ci_high: float
    n_clips: int
    command: str
    seed: int
    machine: str
    minutes: float
    date: str


COLUMNS = [field.name for field in fields(MeasuredRow)]
_TEXT = ("task", "feature", "protocol", "metric", "command", "machine", "date")


def measured_rows(
    run_folder: str | Path, *, machine: str | None = None, minutes: float | None = None
) -> list[MeasuredRow]:
    """Make rows of a finished run: its scores of the features that the paper prints.

    On a task that the paper has, those that it prints for the task; on any other, all of them.

    Parameters
    ----------
    run_folder : str or Path
        Must hold ``scores.csv`` and ``config.json``.
    machine : str, optional
        By default the platform that ``config.json`` names.
    minutes : float, optional
        By default from the start that ``config.json`` names to the last change of ``scores.csv``: too many where a run
        was interrupted and taken up again.

    Raises
    ------
    OptionError
        A file is absent or cannot be read.
    """
    run = RunFolder(Path(run_folder))
    if "started" not in run.config:
        raise OptionError("no start was saved", path=run.folder / "config.json", cure="give the folder of a whole run")
    started = datetime.fromisoformat(run.config["started"])
    ended = datetime.fromtimestamp((run.folder / "scores.csv").stat().st_mtime, UTC)
    about: dict[str, Any] = {
        "command": command_line(run.config["command"]),
        "seed": int(run.config["options"].get("seed", 0)),
        "machine": machine or str(run.config["versions"]["platform"]),
        "minutes": round((ended - started).total_seconds() / 60 if minutes is None else minutes, 1),
        "date": started.date().isoformat(),
    }
    paper = study_of(run).paper
    if paper is None:
        problem, cure = "the study has no paper to measure against", "add paper.py to the study"
        raise OptionError(problem, path=run.folder, cure=cure)
    printed = [(figure.task, figure.feature) for figure in paper.figures if not figure.quoted]
    tasks, features = ({cell[part] for cell in printed} for part in (0, 1))
    best = run.scores.loc[run.scores.groupby(["task", "protocol"], sort=False)["score"].idxmax()].assign(feature=BEST)
    scores = pd.concat([run.scores, best])
    return [
        MeasuredRow(**row, **about)
        for row in scores[[name for name in COLUMNS if name in scores]].to_dict("records")
        if (row["task"], row["feature"]) in printed
        or (row["task"] not in tasks and row["feature"] in features - {BEST})
    ]


def read_measured(folder: str | Path) -> list[MeasuredRow]:
    """Read the ``measured.csv`` in the folder of a study's modules; no rows where there is none.

    Raises `OptionError` where it cannot be read, or a column is missing.
    """
    path = Path(folder) / "measured.csv"
    if not path.is_file():
        return []
    table = read_table(path, COLUMNS, f"columns: {', '.join(COLUMNS)}", dtype=dict.fromkeys(_TEXT, str))
    return [MeasuredRow(**row) for row in table[COLUMNS].to_dict("records")]


def write_measured(rows: Iterable[MeasuredRow], folder: str | Path) -> Path:
    """Add rows to the ``measured.csv`` in the folder of a study's modules, and return its path.

    Each takes the place of an earlier one of its task, feature and protocol.
    """
    kept = {(row.task, row.feature, row.protocol): row for row in [*read_measured(folder), *rows]}
    return write_table(pd.DataFrame(map(vars, kept.values()), columns=COLUMNS), Path(folder) / "measured.csv")
