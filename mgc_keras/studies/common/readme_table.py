"""The table Paper | Published | Corrected of README.md, from every study's ``paper.py`` and ``measured.csv``.

python -m mgc_keras.studies.common.readme_table             prints it
python -m mgc_keras.studies.common.readme_table README.md   writes it between the markers of the file
"""

import sys
from collections.abc import Sequence
from math import isnan
from pathlib import Path

from mgc_keras.discovery import by_study
from mgc_keras.errors import OptionError
from mgc_keras.files import write_text
from mgc_keras.protocols import CORRECTED, PUBLISHED
from mgc_keras.reporting.tables import NONE
from mgc_keras.studies.common.measured import MeasuredRow, read_measured
from mgc_keras.studies.common.paper import Paper

STUDIES = Path(__file__).parents[1]
BEGIN, END = "<!-- scores: begin -->", "<!-- scores: end -->"
HEADER = ("| study | task | feature | metric | Paper | Published | Corrected |", "|---|---|---|---|---|---|---|")
MARK = "†"
NOTE = f"{MARK} not to be quoted: the features themselves leak."
METRICS = {"accuracy": "accuracy", "r2": "r²", "auc": "AUC"}


def readme_table() -> str:
    """Return the table and below it the commands that measured it, as Markdown."""
    lines = list(HEADER)
    commands: dict[str, str] = {}
    missing = []
    for key, module in by_study("paper").items():
        measured = read_measured(STUDIES / key)
        printed = _printed(module.PAPER)
        lines += study_lines(module.PAPER, measured)
        if count := len(printed.keys() - {(row.task, row.feature, row.metric) for row in measured}):
            missing.append(f"{key} {count}")
        commands |= commands_of(measured)
    notes = [f"* `{command}`: {about}" for command, about in commands.items()]
    left = f"Printed and not measured here yet (`mgc-keras study paper KEY` lists them): {', '.join(missing)} figures."
    return "\n".join([*lines, "", NOTE, "", left, "", "In brackets: 95 % intervals. Measured with:", "", *notes]) + "\n"


def commands_of(measured: Sequence[MeasuredRow]) -> dict[str, str]:
    """Return the commands that measured these scores, each with date, minutes and machine."""
    return {row.command: f"{row.date}, {row.minutes:g} minutes, {row.machine}" for row in measured}


def with_table(text: str, table: str) -> str:
    """Return a text with the table between its markers; raise `OptionError` where a marker is missing."""
    for marker in (BEGIN, END):
        if text.count(marker) != 1:
            raise OptionError(f"{marker} does not stand there once", cure=f"put {BEGIN} and {END} around the table")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table}{END}{rest.split(END)[1]}"


def _printed(paper: Paper) -> dict[tuple[str, str, str], float]:
    """The paper's own scores by task, feature and metric."""
    return {
        (figure.task, figure.feature, figure.metric): figure.value
        for figure in paper.figures
        if figure.metric in METRICS and not figure.quoted
    }


def study_lines(paper: Paper, measured: Sequence[MeasuredRow]) -> list[str]:
    """Return the lines of the table for one study, below `HEADER`: one a task and feature that was measured."""
    printed = _printed(paper)
    found = {(row.task, row.feature, row.metric, row.protocol): row for row in measured}
    lines = []
    for cell in dict.fromkeys((row.task, row.feature, row.metric) for row in measured):
        task, feature, metric = cell
        in_paper = _number(printed[cell], metric) if cell in printed else NONE
        cells = [_measured_cell(found.get((*cell, protocol))) for protocol in (PUBLISHED, CORRECTED)]
        rows = [row for protocol in (PUBLISHED, CORRECTED) if (row := found.get((*cell, protocol)))]
        mark = f" {MARK}" if any(paper.leaks(feature, row.command) for row in rows) else ""
        lines.append("| " + " | ".join([paper.key, task, feature + mark, METRICS[metric], in_paper, *cells]) + " |")
    return lines


def _measured_cell(row: MeasuredRow | None) -> str:
    if row is None:
        return NONE
    score = _number(row.score, row.metric)
    if isnan(row.ci_low):
        return score
    return f"{score} [{_number(row.ci_low, row.metric)}, {_number(row.ci_high, row.metric)}]"


def _number(value: float, metric: str) -> str:
    return f"{100 * value:.1f}" if metric == "accuracy" else f"{value:.3f}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write_text(sys.argv[1], with_table(Path(sys.argv[1]).read_text(encoding="utf-8"), readme_table()))
    else:
        print(readme_table(), end="")
