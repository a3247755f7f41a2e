"""Draw a run's figures and write ``claims.csv``, ``repairs.csv`` and ``report.html``, from its saved files alone."""

from pathlib import Path

import pandas as pd

from mgc_keras._version import __version__
from mgc_keras.datasets.cards import card_names, read_card
from mgc_keras.datasets.gtzan import NAME as GTZAN
from mgc_keras.files import write_text
from mgc_keras.protocols import ARTISTS_TOGETHER, Protocol, protocol_title
from mgc_keras.reporting.page import Heading, Paragraph, Part, Preformatted, Table, render
from mgc_keras.reporting.sections import COMMON_SECTIONS, Section, first_screen, paired
from mgc_keras.reporting.tables import repair_table, score_table
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.claims import module_of, study_of, write_claims
from mgc_keras.studies.common.repairs import write_repairs

PACKAGE = "The mgc_keras authors: mgc_keras: five music-genre-classification studies in Keras 3."
_WORTH = (
    "The corrected protocol minus the same without a repair, on the clips that both test, all together; p (Holm) "
    "corrects for all rows. A fault that lets clips be learnt by heart raises the score without its repair."
)
# By repair: the column of ``tasks.csv`` that says where it applies, and why it does not elsewhere.
_APPLIES_WHERE = {
    ARTISTS_TOGETHER: ("artists", "no artists are known"),
    "fault-filtered-split": ("fault_filtered", "these clips do not come with GTZAN's split of 2015"),
}


def write_report(run_folder: str | Path) -> Path:
    """Judge the paper's claims, draw every figure of a run, and write ``report.html``, which needs no other file.

    The folder must hold ``scores.csv``; whatever else is absent is left out of the report with a sentence. Raises
    `OptionError` where there are no scores, no such study, or a file that cannot be read.
    """
    write_claims(run_folder)
    write_repairs(run_folder)
    run = RunFolder(Path(run_folder))
    study, report = study_of(run), module_of(run, "report")
    own: dict[str, Section] = report.SECTIONS if report else {"In one glance": glance, "Paired tests": paired}
    shared = {"Protocols and repairs": protocols, **COMMON_SECTIONS, "How to cite": citations}
    sections = {name: section for name, section in own.items() if name not in shared} | shared
    paper, started = study.paper, f", started {run.config['started']}" if "started" in run.config else ""
    title, who = (paper.title, f"{', '.join(paper.authors)}, {paper.year}. ") if paper else (study.title, "")
    subtitle = f"{who}A run of the study {study.key}{started}."
    content = {name: section(run) for name, section in sections.items()}
    return write_text(run.folder / "report.html", render(title, subtitle, content))


def glance(run: RunFolder) -> list[Part]:
    """The planned differences, the claims and the scores, for a study that has no report of its own."""
    parts = first_screen(run)
    paper = study_of(run).paper
    for task in run.tasks:
        scores = run.scores[run.scores["task"] == task]
        table = score_table(run, scores, lambda feature: {"Feature": feature}, paper.printed(task) if paper else {})
        parts += [Heading(task), Table(table)]
    return parts


def protocols(run: RunFolder) -> list[Part]:
    """What each protocol of the run mends."""
    study = study_of(run)
    ran = {protocol_title(name): study.protocol(name) for name in run.protocols}
    rows = [
        {
            "Repair": repair.name,
            "The original": repair.fault,
            "Mended": repair.cure,
            **{title: _mended(run, repair.name, protocol) for title, protocol in ran.items()},
        }
        for repair in study.repairs
    ]
    text = (
        "The published protocol does what the original program did, faults included; the corrected one mends every "
        "fault. --without REPAIR runs the corrected protocol also without a repair, which tells what it is worth."
    )
    parts: list[Part] = [Paragraph(text), Table(pd.DataFrame(rows))]
    if len(worth := repair_table(run)):
        parts += [Heading("What repairs are worth"), Paragraph(_WORTH), Table(worth, grouped_by="Task")]
    if not run.parts.empty:
        names = {"task": "Task", "n_clips": "Clips", "n_tested": "Tested", "folds": "Folds", "artists": "Artists known"}
        titles = run.parts["protocol"].map(protocol_title)
        told = run.parts[[*names]].rename(columns=names).astype(str)
        told.insert(1, "Protocol", titles)
        parts += [Heading("Which clips are tested"), Table(told, grouped_by="Task")]
    return parts


def citations(run: RunFolder) -> list[Part]:
    """The study's paper, this package, and the datasets whose cards are here."""
    paper, used = study_of(run).paper, run.config.get("versions", {}).get("mgc_keras", __version__)
    parts: list[Part] = [Preformatted(paper.citation)] if paper else []
    parts.append(Paragraph(f"{PACKAGE} Version {used}."))
    # A paper may call the tasks of a dataset otherwise.
    called = getattr(module_of(run, "paper"), "TASK_NAMES", {})
    for name in card_names():
        whose = called.get(name, name)
        is_gtzan = name == GTZAN and "yes" in set(run.parts["fault_filtered"])
        if is_gtzan or any(task == whose or task.startswith(f"{whose}_") for task in run.tasks):
            parts.append(Paragraph(f"{read_card(name).title}: {read_card(name).citation}."))
    return parts


def _mended(run: RunFolder, repair: str, protocol: Protocol) -> str:
    """Say whether a protocol makes a repair, and where it cannot or need not."""
    if not protocol.mends(repair):
        return "as published"
    not_mended = getattr(module_of(run, "report"), "not_mended", None)
    if not_mended and (why := not_mended(run).get(repair)):
        return str(why)
    column, missing = _APPLIES_WHERE.get(repair, ("", ""))
    rows = run.parts[run.parts["protocol"] == protocol.name]
    if not column or rows.empty:
        return "mended"
    here = rows.loc[rows[column] == "yes", "task"].tolist()
    if not here:
        return f"does not apply: {missing}"
    return "mended" if len(here) == len(rows) else f"mended on {', '.join(here)}; elsewhere {missing}"
