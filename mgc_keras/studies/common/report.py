"""Draw all figures of a run and write its ``claims.csv`` and ``report.html``, from the run's saved files alone."""

from pathlib import Path

from mgc_keras.files import write_text
from mgc_keras.reporting.page import render
from mgc_keras.reporting.sections import Section
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.claims import module_of, write_claims
from mgc_keras.studies.common.paper import Paper


def write_report(run_folder: str | Path) -> Path:
    """Judge the paper's claims, draw every figure of a run, and write ``report.html``.

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
        No scores, no such study, or a file that cannot be read.

    Example
    -------
    >>> write_report("runs/gtzan")                              # doctest: +SKIP
    PosixPath('runs/gtzan/report.html')
    """
    write_claims(run_folder)
    run = RunFolder(Path(run_folder))
    sections: dict[str, Section] = module_of(run, "report").SECTIONS
    paper: Paper = module_of(run, "paper").PAPER
    title = str(run.config.get("title", paper.title))
    started = f", started {run.config['started']}" if "started" in run.config else ""
    subtitle = f"{', '.join(paper.authors)}, {paper.year}. A run of the study {paper.key}{started}."
    content = {name: section(run) for name, section in sections.items()}
    return write_text(run.folder / "report.html", render(title, subtitle, content))
