"""Draw all figures of a run and write its ``report.html``, from the run's saved files alone."""

from html import escape
from pathlib import Path

from mgc_keras.files import write_text
from mgc_keras.reporting.html import anchor, page, paragraph, section
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.asgharivaskasi2019.report import GENRE_NETWORK_SECTIONS
from mgc_keras.studies.choi2017.report import SECTIONS
from mgc_keras.studies.jimenez2017.report import SONG_GENRE_SECTIONS
from mgc_keras.studies.ouyang2023.report import CLEAN_STUDY_SECTIONS
from mgc_keras.studies.song2017.report import TRANSFER_SECTIONS

_SECTIONS_OF = {"song2017": TRANSFER_SECTIONS, "asgharivaskasi2019": GENRE_NETWORK_SECTIONS}
_SECTIONS_OF |= {"ouyang2023": CLEAN_STUDY_SECTIONS, "jimenez2017": SONG_GENRE_SECTIONS}


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
    study = run.scores["study"].iloc[0]
    sections = _SECTIONS_OF.get(study, SECTIONS)
    title = str(run.config.get("title", f"{study}: report of a run"))
    links = "".join(f'<a href="#{anchor(name)}">{escape(name)}</a>' for name in sections)
    started = run.config.get("started")
    body = [
        f"<h1>{escape(title)}</h1>",
        paragraph(f"Run of {started}", "quiet") if started else "",
        f"<nav>{links}</nav>",
        *(section(name, *build(run)) for name, build in sections.items()),
    ]
    return write_text(run.folder / "report.html", page(title, "\n".join(body)))
