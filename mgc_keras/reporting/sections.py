"""Sections that the reports of all studies share: each takes the run and returns parts of the page.

What was not saved gets a sentence.
"""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mgc_keras.reporting.confusion import confusion_matrix, draw_confusion
from mgc_keras.reporting.findings import findings
from mgc_keras.reporting.forest import draw_forest
from mgc_keras.reporting.page import (
    ClaimList,
    FigureImage,
    FindingList,
    Folded,
    Heading,
    Paragraph,
    Part,
    Preformatted,
    Table,
)
from mgc_keras.reporting.tables import comparison_table
from mgc_keras.reporting.training import draw_rate_search, draw_training
from mgc_keras.runs.reader import RunFolder, blaming

Section = Callable[[RunFolder], list[Part]]
# Longer tables are folded away.
ROWS_SHOWN = 12
PAIRED_TESTS = (
    "Accuracy over single clips: exact McNemar test. Otherwise: the two systems' predictions swapped at random, clip "
    "by clip or artist by artist. Differences with 95 % intervals, which leave out 0 exactly where that test rejects "
    "it at 0.05; fewer than six artists give none. p (Holm) corrects for all tests of a protocol. The pairs were fixed "
    "before scores were seen."
)


def first_screen(run: RunFolder, name: Callable[[str], str] = str) -> list[Part]:
    """Return what a report opens with: the forest plot of the planned differences, then the paper's claims.

    `name` gives a feature's name as figures show it.
    """
    parts: list[Part] = []
    drawn = draw_forest(run, run.folder / "figures" / "differences.png", name=name)
    if drawn:
        caption = (
            f"Planned differences under the {run.headline_protocol} protocol, on the same clips, with 95 % intervals. "
            "Better, worse: p after Holm's correction below 0.05."
        )
        if run.headline_protocol != "corrected":
            caption += " The corrected protocol was not run, so these figures keep the original's faults."
        parts.append(FigureImage(drawn, caption))
    else:
        parts.append(Paragraph("No paired tests were saved, so nothing is decided here between features."))
    if run.claims:
        parts += [Heading("What the paper claims, and what this run says"), ClaimList(run.claims)]
    return parts


def interval_units(run: RunFolder, units: str = "clips", every_protocol: bool = False) -> str:
    """Say what the run's intervals are over, and whether they are too narrow for want of artists.

    `units` is what counts as independent where artists do not; `every_protocol`: they count under the published one,
    too.
    """
    start = f"In brackets: 95 % intervals, over {units}"
    if run.parts.empty:
        return f"{start}, or over artists where they are known."
    known = dict(zip(run.parts["task"], run.parts["artists"]))
    over, unknown = ([task for task in known if known[task] == word] for word in ("yes", "no"))
    text = f"{start}."
    if over:
        under = "under every protocol" if every_protocol else "where the protocol keeps artists together"
        text = f"{start}; of {', '.join(over)} over artists (songs, recordings) {under}."
    if unknown:
        whose = f" of {', '.join(unknown)}" if over else ""
        text += f" Artists{whose} are not known: clips count as independent; the true interval is wider."
    return text


def paired(
    run: RunFolder,
    text: str = PAIRED_TESTS,
    name: Callable[[str], str] = str,
    describe: Callable[[str], str] | None = None,
) -> list[Part]:
    """All paired tests: what they come to under the headline protocol, how they were made, and their numbers.

    `name` and `describe` say what a feature is in tables and in sentences; without `describe` these take the name.
    """
    if run.comparisons.empty:
        return [Paragraph("No paired tests were saved.")]
    return [
        Paragraph(f"Under the {run.headline_protocol} protocol:"),
        FindingList(findings(run, describe or name)),
        Paragraph(text),
        Table(comparison_table(run, name), grouped_by="Task"),
    ]


def over_seeds(run: RunFolder, text: str, otherwise: str) -> list[Part]:
    """Differences over seeds and what they say; `otherwise` where one seed was run."""
    table = run.table("seed_intervals.csv")
    return [Paragraph(otherwise)] if table.empty else [Paragraph(text), Table(table, grouped_by="task")]


def source_training(run: RunFolder) -> list[Part]:
    """The training of the source tagger."""
    with blaming(run.folder / "training" / "history.csv"):
        drawn = draw_training(run.history, run.folder / "figures" / "training.png")
        if drawn is None:
            text = "No source network was trained here (features or weights were given), or no history was saved."
            return [Paragraph(text)]
        last = run.history.iloc[-1]
        numbers = ", ".join(f"{column} {last[column]:.4g}" for column in run.history if column != "epoch")
    return [FigureImage(drawn, f"Source tagger, {len(run.history)} epochs. Last epoch: {numbers}.")]


def trainings(run: RunFolder, pattern: str, title: Callable[[str, str, str, str], str], note: str = "") -> list[Part]:
    """Curves of the trainings whose folders match, and their searches for a learning rate.

    Parameters
    ----------
    pattern : str
        Below ``training``, of folders named ``<task>__<network>__<protocol>__<seed or fold>``.
    title : function of (task, network, protocol, seed or fold) to str
    note : str
        What the captions add.
    """
    parts: list[Part] = []
    for folder in sorted(run.folder.glob(f"training/{pattern}")):
        curve = run.table(f"training/{folder.name}/curve.csv")
        with blaming(folder / "curve.csv"):
            drawn = draw_training(curve, run.folder / "figures" / f"{folder.name}.png")
        if drawn is None:
            continue
        name = title(*folder.name.split("__"))
        parts += [Heading(name), FigureImage(drawn, " ".join(filter(None, [f"{name}.", note])))]
        if (folder / "rates.csv").is_file():
            with blaming(folder / "rates.csv"):
                rates = draw_rate_search(folder / "rates.csv", run.folder / "figures" / f"{folder.name}_rates.png")
            parts.append(FigureImage(rates, f"{name}: the search for a learning rate."))
    return parts or [Paragraph("No network was trained in this run.")]


@dataclass(frozen=True)
class Counted:
    """A feature whose confusion matrices are shown, what the report calls it, and the unit that is counted.

    Excerpts of one song are not `independent` of each other.
    """

    feature: str
    title: str
    unit: str = "clips"
    independent: bool = True


def confusions(run: RunFolder, features: Sequence[Counted]) -> list[Part]:
    """Which class is taken for which, for every task and feature with saved predictions, all protocols together."""
    parts: list[Part] = []
    for task in run.tasks:
        for counted in features if run.metric(task) == "accuracy" else ():
            tables = {protocol: run.predictions(task, counted.feature, protocol) for protocol in run.protocols}
            matrices = {
                f"{protocol.capitalize()} protocol": confusion_matrix(table["truth"], table["prediction"])
                for protocol, table in tables.items()
                if table is not None
            }
            if matrices:
                path = run.folder / "figures" / f"{task}__{counted.feature}__confusion.png"
                drawn = draw_confusion(matrices, counted.unit, path, intervals=counted.independent)
                caption = f"{counted.title}: test {counted.unit}; colour is the share of the true class."
                if counted.independent:
                    caption += f" Lines: 95 % intervals (Wilson), {counted.unit} as independent."
                parts += [Heading(f"{task}: {counted.title}"), FigureImage(drawn, caption)]
    return parts or [Paragraph("No predictions were saved.")]


def audit(
    run: RunFolder,
    questions: Mapping[str, tuple[str, str]],
    draw: Callable[[RunFolder, str], Path | None] = lambda run, name: None,
) -> list[Part]:
    """Every audit: what it asks, what it found, figure and table.

    Parameters
    ----------
    questions : mapping of str to (title, question)
        By name of the audit, in the order to show them in; others follow.
    draw : function of (run, name) to Path or None
        Draws an audit's figure, where it has one.
    """
    if not run.audits:
        return [Paragraph("No audit was saved.")]
    parts: list[Part] = []
    for name in sorted(run.audits, key=lambda name: ([*questions, name].index(name), name)):
        result = run.audits[name]
        title, question = questions.get(name, (name.replace("_", " ").capitalize(), ""))
        parts.append(Heading(title))
        if question:
            parts.append(Paragraph(question, "quiet"))
        parts.append(Paragraph(result.conclusion))
        with blaming(run.folder / "audit" / f"{name}.csv"):
            drawn = draw(run, name)
        if drawn:
            parts.append(FigureImage(drawn, f"{title}: the figures of the table below."))
        if len(result.table):
            parts.append(_short_table(result.table, f"{title}: all {len(result.table)} rows"))
    return parts


def errors(run: RunFolder) -> list[Part]:
    """Clips that could not be used."""
    if run.errors.empty:
        return [Paragraph("No clip was left out.")]
    count = len(run.errors)
    text = "1 clip could not be used and was" if count == 1 else f"{count} clips could not be used and were"
    return [Paragraph(f"{text} left out:"), _short_table(run.errors, f"All {count} clips")]


def configuration(run: RunFolder) -> list[Part]:
    """Resolved options, hashes of inputs, versions; the whole file folded away."""
    if not run.config:
        return [Paragraph("No configuration was saved.")]
    parts: list[Part] = []
    names = {"options": ("Option", "Value"), "inputs": ("Input", "SHA-256"), "versions": ("Part", "Version")}
    for key, columns in names.items():
        if entries := run.config.get(key):
            rows = [(name, _plain(value)) for name, value in entries.items()]
            parts.append(Table(pd.DataFrame(rows, columns=list(columns))))
    whole = json.dumps(run.config, indent=2, ensure_ascii=False)
    return [*parts, Folded("config.json", [Preformatted(whole)])]


def reproduce(run: RunFolder) -> list[Part]:
    """The command line, and how to redraw the report."""
    parts: list[Part] = [Paragraph("The command line was not saved.")]
    if command := run.config.get("command"):
        parts = [Paragraph("This run:"), Preformatted(command_line(command))]
    text = "The figures and this page, redrawn from the run's saved files alone:"
    return [*parts, Paragraph(text), Preformatted(shlex.join(["mgc-keras", "report", run.folder.name]))]


def command_line(command: list[str]) -> str:
    """Return a saved command as a user types it in a checkout.

    Example
    -------
    >>> command_line(["choi2017.py", "--tasks", "my songs.csv"])
    "python experiments/choi2017.py --tasks 'my songs.csv'"
    """
    program, *rest = command
    study = ["python", f"experiments/{program}"] if program.endswith(".py") else [program]
    return shlex.join([*study, *rest])


def _short_table(table: pd.DataFrame, summary: str) -> Part:
    """Return a table, folded under its summary where it is long."""
    return Folded(summary, [Table(table)]) if len(table) > ROWS_SHOWN else Table(table)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


COMMON_SECTIONS: dict[str, Section] = {"Errors": errors, "Configuration": configuration, "How to reproduce": reproduce}
