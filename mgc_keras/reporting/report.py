"""Draw all figures of a run and write its ``report.html``, from the run's saved files alone."""

import json
import shlex
from pathlib import Path

from html import escape

from mgc_keras.files import write_text
from mgc_keras.reporting.findings import findings
from mgc_keras.reporting.html import anchor, figure_html, page, paragraph, section, table_html
from mgc_keras.reporting.layer_sets import draw_task
from mgc_keras.reporting.run import RunFolder
from mgc_keras.reporting.tables import comparison_table, score_table

SECTIONS = ("In one glance", "Scores", "Paired tests", "Figures", "Audit", "Errors", "Configuration", "How to reproduce")


def write_report(run_folder: str | Path) -> Path:
    """Draw every figure of a run and write ``report.html``.

    Parameters
    ----------
    run_folder : str or Path
        Must hold ``scores.csv``; whatever else is absent is left out of the report with a sentence.

    Returns
    -------
    Path
        The report: one file without external resources.

    Raises
    ------
    OptionError
        No scores, or a file that cannot be read.

    Example
    -------
    >>> write_report("runs/gtzan")                              # doctest: +SKIP
    PosixPath('runs/gtzan/report.html')
    """
    run = RunFolder(Path(run_folder))
    figures = {task: draw_task(run, task) for task in run.tasks}
    title = run.config.get("title", f"{run.scores['study'].iloc[0]}: report of a run")
    navigation = "".join(f'<a href="#{anchor(name)}">{escape(name)}</a>' for name in SECTIONS)
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<nav>{navigation}</nav>",
        _glance(run),
        _scores(run),
        _paired(run),
        section(
            "Figures",
            *(figure_html(path, f"{task}: score of every feature set, with 95 % intervals") for task, path in figures.items()),
        ),
        _audit(run),
        _errors(run),
        _configuration(run),
        _reproduce(run),
    ]
    return write_text(run.folder / "report.html", page(title, "\n".join(body)))


def _glance(run: RunFolder) -> str:
    found = findings(run)
    if not found:
        return section("In one glance", paragraph("No paired tests were saved, so this run decides nothing."))
    words = {"yes": "Yes", "no": "No", "open": "Not decided"}
    items = "".join(f'<li class="{one.holds}"><b>{words[one.holds]}</b> {escape(one.text)}</li>' for one in found)
    return section("In one glance", f'<ul class="findings">{items}</ul>')


def _scores(run: RunFolder) -> str:
    parts = []
    for task in run.tasks:
        parts += [f"<h3>{escape(task)} ({escape(run.metric(task))})</h3>", table_html(score_table(run, task))]
    return section("Scores", *parts)


def _paired(run: RunFolder) -> str:
    if run.comparisons.empty:
        return section("Paired tests", paragraph("None were saved."))
    return section("Paired tests", table_html(comparison_table(run)))


def _audit(run: RunFolder) -> str:
    if not run.audits:
        return section("Audit", paragraph("No audit was run."))
    parts = []
    for result in run.audits.values():
        parts += [f"<h3>{escape(result.name)}</h3>", paragraph(result.conclusion), table_html(result.table)]
    return section("Audit", *parts)


def _errors(run: RunFolder) -> str:
    if run.errors.empty:
        return section("Errors", paragraph("No clip was left out."))
    return section("Errors", paragraph(f"{len(run.errors)} clips were left out."), table_html(run.errors))


def _configuration(run: RunFolder) -> str:
    if not run.config:
        return section("Configuration", paragraph("No configuration was saved."))
    return section("Configuration", f"<pre>{escape(json.dumps(run.config, indent=2, ensure_ascii=False))}</pre>")


def _reproduce(run: RunFolder) -> str:
    command = run.config.get("command")
    if not command:
        return section("How to reproduce", paragraph("The command line was not saved."))
    return section("How to reproduce", f"<pre>{escape(shlex.join(command))}</pre>")
