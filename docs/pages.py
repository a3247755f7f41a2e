"""Pages made of what the package knows: studies, data sets, weights, commands, errors and public names.

``conf.py`` writes them into ``generated/`` before every build, so that they cannot drift from the code.
"""

import ast
import inspect
import io
import os
import re
import shlex
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable
from contextlib import redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mgc_keras
from mgc_keras import errors
from mgc_keras.cli.main import build_parser, commands, main
from mgc_keras.datasets.cards import Card, card_names, read_card
from mgc_keras.discovery import modules_named
from mgc_keras.reporting.style import BLUE, MIDDLE_GREY, ORANGE, label_axes, new_figure, save_png
from mgc_keras.studies.common.main import add_study_options
from mgc_keras.studies.common.measured import MeasuredRow, read_measured
from mgc_keras.studies.common.paper import Paper
from mgc_keras.studies.common.readme_table import HEADER, NOTE, STUDIES, commands_of, readme_table, study_lines
from mgc_keras.studies.common.study import Study, studies
from mgc_keras.terminal import EXIT_CODES
from mgc_keras.work import ERROR_COLUMNS

# What a user gets wrong first; the page of errors shows what is said.
WRONG = (
    "mgc-keras features nowhere -o mfcc.csv --features mfcc",
    "mgc-keras features . -o convnet.csv --features convnet",
    "mgc-keras weights fetch choi",
    "mgc-keras corpus polka -o clips",
    "mgc-keras study run choi2017 --layer-sets 6",
)


def write_pages(folder: Path) -> None:
    """Write all generated pages into a folder."""
    # The width of help, wherever the build runs.
    os.environ["COLUMNS"] = "90"
    folder.mkdir(exist_ok=True)
    pages = {
        "studies": _studies(),
        "datasets": _datasets(),
        "commands": _commands(),
        "errors": _errors(),
        "api": _api(),
        **{key: _study(study, folder) for key, study in studies().items()},
    }
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for module in modules_named("weight_files"):
        name = module.__name__.split(".")[-2]
        (folder / f"weights_{name}.inc").write_text(_weights(module.FILES), encoding="utf-8")
        if f"generated/weights_{name}.inc" not in (folder.parent / "models.md").read_text(encoding="utf-8"):
            raise errors.WeightsError("have no card", path=folder.parent / "models.md", field=name, cure="add one")


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a table."""
    names = list(header)
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return ["", *(f"| {' | '.join(row)} |" for row in [names, ["---"] * len(names), *cells]), ""]


def _code(text: str, language: str = "text") -> list[str]:
    return [f"```{language}", text.strip("\n"), "```", ""]


def _studies() -> str:
    lines = [
        "# The studies",
        "",
        "Each runs with `mgc-keras study run KEY`, on the built-in corpus or on your own music.",
    ]
    rows = [(f"[`{key}`]({key}.md)", study.title, len(study.repairs)) for key, study in studies().items()]
    lines += _table(["key", "paper", "faults mended"], rows)
    lines += [
        "## What came out so far",
        "",
        "Accuracies in %. Published: as the original program scored. Corrected: with",
    ]
    lines += ["its faults mended, the figure to quote.", "", readme_table()]
    return "\n".join([*lines, "```{toctree}", ":hidden:", *studies(), "```", ""])


def _study(study: Study, folder: Path) -> str:
    parser = ArgumentParser(prog=f"mgc-keras study run {study.key}", formatter_class=RawDescriptionHelpFormatter)
    add_study_options(parser, study)
    # They stand on the page already.
    parser.description = parser.epilog = None
    lines = [f"# {study.key}", "", study.title, "", *_code(study.about)]
    if study.paper:
        lines += _claims(study.paper) + _scores(study.paper, read_measured(STUDIES / study.key), folder)
    lines += ["## The faults that the corrected protocol mends", "", "`--without NAME` leaves one in."]
    lines += _table(["name", "fault", "cure"], [(f"`{each.name}`", each.fault, each.cure) for each in study.repairs])
    lines += ["## Options", "", *_code(parser.format_help())]
    if study.paper:
        lines += ["## How to cite the paper", "", *_code(study.paper.citation)]
    return "\n".join(lines)


def _claims(paper: Paper) -> list[str]:
    figures = [
        (figure.task, figure.feature, figure.metric, f"{figure.value:g}", figure.where + ", quoted" * figure.quoted)
        for figure in paper.figures
    ]
    lines = ["## What the paper prints", *_table(["task", "feature", "metric", "value", "where"], figures)]
    lines += ["## What it claims", "", "A run judges each sentence in `claims.csv` and in its report."]
    lines += _table(
        ["", "claim", "judged by"], [(claim.key, claim.sentence, claim.judged_by) for claim in paper.claims]
    )
    return lines


def _scores(paper: Paper, measured: list[MeasuredRow], folder: Path) -> list[str]:
    notes = [f"* `{command}`: {about}" for command, about in commands_of(measured).items()]
    lines = ["## What came out here", "", "Accuracies in %, in brackets 95 % intervals.", ""]
    lines += [*HEADER, *study_lines(paper, measured), "", NOTE, "", "Measured with:", "", *notes, ""]
    if any(row.metric == "accuracy" for row in measured):
        _draw(paper, [row for row in measured if row.metric == "accuracy"], folder / f"{paper.key}.png")
        lines += [f"![Accuracies of both protocols with their intervals, beside the paper's]({paper.key}.png)", ""]
    return lines


def _draw(paper: Paper, measured: list[MeasuredRow], path: Path) -> None:
    """Draw the measured accuracies of both protocols with their intervals, and the printed ones."""
    cells = list(dict.fromkeys((row.task, row.feature) for row in measured))
    figure, (axes,) = new_figure(8.0, 1.2 + 0.34 * len(cells))
    for protocol, colour, shift in (("published", ORANGE, -0.15), ("corrected", BLUE, 0.15)):
        for row in measured:
            if row.protocol == protocol:
                place = cells.index((row.task, row.feature)) + shift
                axes.plot([row.ci_low, row.ci_high], [place, place], color=colour, linewidth=2.2)
                axes.plot(row.score, place, marker="s", color=colour, markersize=6)
        axes.plot([], [], marker="s", color=colour, linewidth=2.2, label=protocol.capitalize())
    printed = [(paper.printed(task).get(feature), place) for place, (task, feature) in enumerate(cells)]
    if shown := [(value, place) for value, place in printed if value is not None]:
        axes.plot(*zip(*shown), linestyle="", marker="|", markersize=16, color=MIDDLE_GREY, label="Paper")
    axes.set(xlim=(-0.02, 1.02), ylim=(len(cells) - 0.5, -0.5))
    axes.set_yticks(range(len(cells)), [f"{task}: {feature}" for task, feature in cells], fontsize=10)
    label_axes(axes, "", "Accuracy with its 95 % interval", "")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    save_png(figure, path)


def _datasets() -> str:
    lines = [
        "# Data sets",
        "",
        "The package knows these by their owners' folders; none is shipped. `mgc-keras manifest NAME",
    ]
    lines += [
        "DIR` writes the list of clips and holds it against the card. Your own music: `mgc-keras manifest folder DIR`."
    ]
    cards = [read_card(name) for name in card_names()]
    rows = [(f"[`{card.name}`](#{card.name})", card.title, card.kind, card.n_clips or "any") for card in cards]
    lines += _table(["name", "title", "kind", "clips"], rows)
    for card in cards:
        lines += _card(card)
    return "\n".join(lines)


def _card(card: Card) -> list[str]:
    known = {
        "Clips": card.n_clips,
        "Classes": card.counts and ", ".join(f"{name} {count}" for name, count in card.counts.items()),
        "Labels": card.n_label_columns,
        "Sampling rate": card.sampling_rate and f"{card.sampling_rate} Hz",
        "Splits": card.splits and ", ".join(f"{name} {count}" for name, count in card.splits.items()),
        "Folds": card.folds and ", ".join(f"{name}: {count}" for name, count in card.folds.items()),
        "How these are made": card.split_rule,
        "Files": f"`{card.layout}`",
        "Where from": card.source,
        "Licence": card.licence,
        "Paper": card.citation,
    }
    lines = [f"({card.name})=", f"## {card.title}", "", f"`{card.name}`, {card.kind}. {card.description}"]
    lines += _table(["", ""], [(name, fact) for name, fact in known.items() if fact is not None])
    # As text, the dashes of an option would become one.
    return [*lines, *(re.sub(r"--[a-z][a-z-]*", r"`\g<0>`", f"* {note}") for note in card.notes), ""]


def _weights(files: dict[str, Any]) -> str:
    """Return the files of a card."""
    lines = []
    for name, file in files.items():
        lines += [f"`{name}`: {file.description}", f": From `{file.address()}`", f": SHA-256 `{file.sha256}`", ""]
    return "\n".join(lines)


def _commands() -> str:
    lines = ["# Commands", "", "What each says with `--help`. The options of a study stand on its page."]
    lines += ["", *_code(build_parser().format_help())]
    for name, module in commands().items():
        parser = ArgumentParser(
            prog=f"mgc-keras {name}",
            description=module.HELP,
            epilog=module.EPILOG,
            formatter_class=RawDescriptionHelpFormatter,
        )
        module.add_arguments(parser)
        lines += [f"## {name}", "", *_code(parser.format_help())]
    return "\n".join(lines)


def _errors() -> str:
    lines = [
        "# Errors",
        "",
        "Bad input never ends a batch job, and never passes silently: a clip that cannot be used becomes",
    ]
    lines += [
        f"a row of a list of failed clips (`{'`, `'.join(ERROR_COLUMNS)}`), exit code 1. A wrong manifest, option or"
    ]
    lines += [
        "weight file stops at once with one line that names the file, the field and, in parentheses, the cure:",
        "",
    ]
    for words in WRONG:
        lines += _code(f"$ {words}\n{_said(words)}", "console")
    lines += ["## Exit codes", "", *_code(EXIT_CODES), "## In Python", "", "```{eval-rst}"]
    for error in (value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)):
        lines += [f".. autoexception:: mgc_keras.errors.{error.__name__}", "   :show-inheritance:", "   :no-index:", ""]
    return "\n".join([*lines, "```", ""])


def _said(words: str) -> str:
    """Return what a wrong command says on standard error, run in an empty folder."""
    here, said = Path.cwd(), io.StringIO()
    with TemporaryDirectory() as folder, redirect_stderr(said):
        os.chdir(folder)
        try:
            code = main(shlex.split(words)[1:])
        finally:
            os.chdir(here)
    if code != 2:
        raise errors.OptionError(f"ended with {code}, not 2", field=words, cure="show another command in docs/pages.py")
    return said.getvalue()


def _api() -> str:
    """Return the public names by job, in the order of the stub that declares them."""
    lines = ["# In Python", "", "All that `import mgc_keras` offers. A name is imported when it is first used.", ""]
    stub = Path(mgc_keras.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    for part in stub.split("\n# ")[3:]:
        job, *rest = part.splitlines()
        names = [alias.name for node in ast.parse("\n".join(rest)).body for alias in getattr(node, "names", ())]
        lines += [f"## {job.rstrip('.')}", "", "```{eval-rst}"]
        for name in names:
            lines += _documented(name)
        lines += ["```", ""]
    return "\n".join(lines)


def _documented(name: str) -> list[str]:
    found = getattr(mgc_keras, name)
    if not inspect.ismodule(found):
        return _directive(f"mgc_keras.{name}", found)
    lines = [f".. automodule:: {found.__name__}", ""]
    for each in sorted(found.__all__):
        lines += _directive(f"{found.__name__}.{each}", getattr(found, each))
    return lines


def _directive(name: str, found: object) -> list[str]:
    if inspect.isclass(found):
        kind = "exception" if issubclass(found, Exception) else "class"
        return [f".. auto{kind}:: {name}", "   :members:", ""]
    if callable(found):
        return [f".. autofunction:: {name}", ""]
    return [f".. py:data:: {name}", f"   :value: {found}", ""]
