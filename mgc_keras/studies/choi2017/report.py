"""The sections of a report: each takes the run and returns pieces of HTML; what was not saved gets a sentence."""

import json
import shlex
from collections.abc import Callable
from html import escape

import pandas as pd

from mgc_keras.reporting.claims import findings, headline_protocol, reproduction
from mgc_keras.reporting.html import figure_html, folded, heading, paragraph, preformatted, table_html
from mgc_keras.reporting.tables import comparison_table, headline_table, score_table
from mgc_keras.reporting.training import draw_training
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.audits.figures import draw_audit
from mgc_keras.studies.choi2017.figures import draw_task
from mgc_keras.studies.choi2017.figures_by_label import draw_labels

ROWS_SHOWN = 12
PUBLISHED_FEATURES = (
    "This run used the authors' own convnet features. They were extracted in file order, in batches that share "
    "statistics, so they carry traces of the class (see Audit). No protocol can take that out afterwards: the "
    "convnet's figures below, the corrected ones included, do not say how well features of single clips work."
)

AUDITS = {
    "batch_border": (
        "Batch borders",
        "The original convnet normalises by the statistics of the batch at hand, and clips were extracted in file "
        "order, sorted by class. Within one class, can the side of a batch border be read from a clip's features?",
    ),
    "batch_number": ("The number of the batch", "What would features gain that know nothing but their batch?"),
    "batch_order": (
        "Order of extraction",
        "The same clips, weights and folds; only the batches in which features were extracted differ.",
    ),
    "scaling": (
        "Scaling",
        "The original's switch for standardising features was never read. What if it had been?",
    ),
    "fold_weighting": (
        "Weights of folds",
        "The published scores weight each fold by its number of clips. What does a plain mean give?",
    ),
    "replicas": (
        "Copies among the clips",
        "Clips with identical or nearly identical features; a pair that straddles folds is trained on and tested on.",
    ),
    "melspectrogram": (
        "Scattering and mel-spectrogram",
        "By the paper's eq. 1 a first-order coefficient should follow the energy of a mel band of the same width, seen through "
        "the same window. Does it, on the clips of this run?",
    ),
}


def glance(run: RunFolder) -> list[str]:
    """Headline sentences, either way, and the table Paper | Published protocol | Corrected."""
    protocol = headline_protocol(run)
    sentence = f"Judged under the {protocol} protocol"
    if protocol != "corrected":
        sentence += " (the corrected one was not run, so these figures keep the original's faults)"
    found = [*findings(run, protocol), *filter(None, [reproduction(run)])]
    items = "".join(
        f'<li class="{one.verdict.split()[0]}"><b>{one.verdict.capitalize()}</b><span>{escape(one.text)}</span></li>'
        for one in found
    )
    if run.comparisons.empty:
        lead = paragraph("No paired tests were saved, so nothing is decided here between features.")
    else:
        lead = paragraph(f"{sentence}, by paired tests on the same clips (p after Holm's correction).")
    caveats = list(run.config.get("caveats", []))
    if run.config.get("options", {}).get("published_features"):
        caveats.append(PUBLISHED_FEATURES)
    note = (
        "In brackets: 95 % intervals, bootstrap over clips, or over artists where the protocol keeps artists together."
    )
    return [
        *(paragraph(caveat, "caveat") for caveat in caveats),
        lead,
        f'<ul class="findings">{items}</ul>' if items else "",
        table_html(headline_table(run), grouped_by="Task"),
        paragraph(note, "quiet"),
    ]


def scores(run: RunFolder) -> list[str]:
    """Every task with several features: its figures, and the table of all features folded away."""
    parts = []
    for task in run.tasks:
        drawn, labels, table = draw_task(run, task), draw_labels(run, task), score_table(run, task)
        if drawn is None:
            continue
        parts += [
            heading(task),
            figure_html(
                drawn, f"{task}: every feature set, with 95 % intervals; behind it the untrained convnet, if run."
            ),
            folded(f"{task}: all {len(table)} feature sets as a table", table_html(table)),
        ]
        if labels is not None:
            caption = f"{task}: the best layer set against MFCC, class by class, with 95 % intervals of the difference."
            parts.append(figure_html(labels, caption))
    return parts or [paragraph("No task has more than one feature; the table above holds all scores.")]


def paired(run: RunFolder) -> list[str]:
    """All paired tests."""
    if run.comparisons.empty:
        return [paragraph("No paired tests were saved.")]
    text = (
        "Accuracy over single clips: exact McNemar test. Otherwise: the two systems' predictions swapped at random, "
        "clip by clip or artist by artist. Differences with 95 % intervals of a paired bootstrap; p (Holm) corrects "
        "for all tests of a protocol. The pairs were fixed before scores were seen."
    )
    return [paragraph(text), table_html(comparison_table(run), grouped_by="Task")]


def training(run: RunFolder) -> list[str]:
    """The training of the source tagger."""
    drawn = draw_training(run)
    if drawn is None:
        return [paragraph("The convnet was not trained in this run: its weights were given, or no history was saved.")]
    last = run.history.iloc[-1]
    numbers = ", ".join(f"{name} {last[name]:.4g}" for name in run.history if name != "epoch")
    caption = f"Source tagger, {len(run.history)} epochs. Last epoch: {numbers}."
    return [figure_html(drawn, caption)]


def audit(run: RunFolder) -> list[str]:
    """Every audit: what it asks, what it found, figure and table."""
    if not run.audits:
        return [paragraph("No audit was saved.")]
    parts = []
    for name in sorted(
        run.audits, key=lambda name: (list(AUDITS).index(name) if name in AUDITS else len(AUDITS), name)
    ):
        result = run.audits[name]
        title, question = AUDITS.get(name, (name.replace("_", " ").capitalize(), ""))
        drawn = draw_audit(run, name)
        table = table_html(result.table)
        if len(result.table) > ROWS_SHOWN:
            table = folded(f"{title}: all {len(result.table)} rows", table)
        parts += [
            heading(title),
            paragraph(question, "quiet") if question else "",
            paragraph(result.conclusion),
            figure_html(drawn, f"{title}: the figures of the table below.") if drawn else "",
            table if len(result.table) else "",
        ]
    return parts


def errors(run: RunFolder) -> list[str]:
    """Clips that could not be used."""
    if run.errors.empty:
        return [paragraph("No clip was left out.")]
    table = table_html(run.errors)
    if len(run.errors) > ROWS_SHOWN:
        table = folded(f"All {len(run.errors)} clips", table)
    return [paragraph(f"{len(run.errors)} clips could not be used and were left out:"), table]


def configuration(run: RunFolder) -> list[str]:
    """Resolved options, hashes of inputs, versions; the whole file folded away."""
    if not run.config:
        return [paragraph("No configuration was saved.")]
    parts = []
    for key, names in (
        ("options", ("Option", "Value")),
        ("inputs", ("Input", "SHA-256")),
        ("versions", ("Part", "Version")),
    ):
        entries = run.config.get(key)
        if isinstance(entries, dict) and entries:
            table = pd.DataFrame([(name, _plain(value)) for name, value in entries.items()], columns=list(names))
            parts.append(table_html(table))
    whole = preformatted(json.dumps(run.config, indent=2, ensure_ascii=False))
    return [*parts, folded("config.json", whole)]


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def reproduce(run: RunFolder) -> list[str]:
    """The command line, and how to redraw the report."""
    command = run.config.get("command")
    parts = [paragraph("The command line was not saved.")]
    if command:
        program, *rest = command
        study = ["python", f"experiments/{program}"] if program.endswith(".py") else [program]
        parts = [paragraph("This run:"), preformatted(shlex.join([*study, *rest]))]
    redraw = shlex.join(["mgc-keras", "report", run.folder.name])
    return [
        *parts,
        paragraph("The figures and this page, redrawn from the run's saved files alone:"),
        preformatted(redraw),
    ]


SECTIONS: dict[str, Callable[[RunFolder], list[str]]] = {
    "In one glance": glance,
    "Scores and figures": scores,
    "Paired tests": paired,
    "Training": training,
    "Audit": audit,
    "Errors": errors,
    "Configuration": configuration,
    "How to reproduce": reproduce,
}
