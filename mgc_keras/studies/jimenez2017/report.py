"""The report of the Jiménez and José 2017 study, drawn only from the run's saved files."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import pandas as pd

from mgc_keras.reporting.claims import LEVEL, Finding, headline_protocol
from mgc_keras.reporting.confusion import confusion_matrix, draw_confusion
from mgc_keras.reporting.html import figure_html, heading, paragraph, table_html
from mgc_keras.reporting.style import BLUE, GREY, label_axes, new_figure, save_png
from mgc_keras.reporting.tables import NONE, interval_text, p_text
from mgc_keras.reporting.tables import heading as protocol_heading
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.asgharivaskasi2019.report import draw_training
from mgc_keras.studies.choi2017.report import configuration, errors, paired, reproduce
from mgc_keras.studies.choi2017.report import training as source_training

CENTRE, EXCERPTS = "centre", "excerpts"
AVERAGES = ("mean", "geometric", "knn")
PAPER_TASK = "gtzan_genre"
# "About 78 %" on GTZAN, from several excerpts a song; the study's other figures are not at hand.
PAPER_ACCURACY = {"finetune-mean": 0.78}
BADGES = {"better": "Confirmed", "worse": "Contradicted", "not decided": "Not decided"}
_WAYS = {
    CENTRE: "one excerpt, at the centre",
    "mean": "all excerpts, mean",
    "geometric": "all excerpts, geometric mean",
    "knn": "all excerpts, nearest neighbours",
    EXCERPTS: "each excerpt by itself",
}
_SUB_RUNS = {"extractor": "new classifier on frozen layers", "finetune": "fine-tuned"}
_OWN_START = (
    "The CRNN was not the published one: it was trained in this run, {epochs} epochs on {clips} synthetic clips of the "
    "built-in tagging task. These scores say what such a network makes of synthetic songs, and nothing of the study's 78 %."
)


def claims(run: RunFolder) -> list[Finding]:
    """Say of each way of using all excerpts whether this run confirms that it beats the one at the centre.

    Confirmed or contradicted needs p after Holm below 0.05, under the corrected protocol where it was run.
    """
    protocol = headline_protocol(run)
    table = run.comparisons[run.comparisons["protocol"] == protocol]
    found = []
    for row in table.itertuples(index=False):
        sub_run, way = row.feature_a.rsplit("-", 1)
        if way not in AVERAGES or row.feature_b != f"{sub_run}-{CENTRE}":
            continue
        decided = row.p_holm < LEVEL
        verdict = ("better" if row.difference > 0 else "worse") if decided else "not decided"
        word = {"better": "confirms", "worse": "contradicts", "not decided": "does not decide"}[verdict]
        found.append(
            Finding(
                f"The study: several excerpts of a song tell its genre better than one. {_SUB_RUNS[sub_run].capitalize()}, "
                f"{_WAYS[way]}: on {row.task}, {protocol} protocol, this run {word} it. Accuracy changes by "
                f"{row.difference:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}] over {int(row.n_clips)} songs, "
                f"p {_p(row.p_holm)} after Holm.",
                verdict,
            )
        )
    return found


def score_table(run: RunFolder, task: str) -> pd.DataFrame:
    """Return Training, Genre of a song from, Paper (GTZAN), and a column a protocol, with 95 % intervals."""
    rows = []
    for feature, part in run.scores[run.scores["task"] == task].groupby("feature", sort=False):
        sub_run, way = feature.rsplit("-", 1)
        paper = PAPER_ACCURACY.get(feature)
        row = {
            "Training": _SUB_RUNS[sub_run],
            "Genre from": _WAYS[way],
            "Paper (GTZAN)": f"{paper:.2f}" if paper else NONE,
        }
        for protocol in run.protocols:
            here = part[part["protocol"] == protocol]
            row[protocol_heading(protocol)] = interval_text(here.iloc[0]) if len(here) else NONE
        rows.append(row)
    return pd.DataFrame(rows)


def draw_ways(run: RunFolder, task: str) -> Path:
    """Draw the accuracy of songs in every way, with 95 % intervals, under the headline protocol."""
    scores = run.scores[(run.scores["task"] == task) & (run.scores["protocol"] == headline_protocol(run))].set_index(
        "feature"
    )
    sub_runs = list(dict.fromkeys(feature.rsplit("-", 1)[0] for feature in scores.index))
    figure, axes = new_figure(4.6 * len(sub_runs) + 1.2, 3.2, len(sub_runs), across=True)
    ways = [CENTRE, *AVERAGES]
    for one, sub_run in zip(axes, sub_runs, strict=True):
        cells = scores.loc[[f"{sub_run}-{way}" for way in ways]]
        spread = [cells["score"] - cells["ci_low"], cells["ci_high"] - cells["score"]]
        colours = [GREY if way == CENTRE else BLUE for way in ways]
        one.bar(range(len(ways)), cells["score"], color=colours, width=0.6)
        one.errorbar(
            range(len(ways)), cells["score"], yerr=spread, fmt="none", ecolor="black", capsize=4, linewidth=1.2
        )
        one.set_xticks(range(len(ways)), ["centre\nexcerpt", "mean", "geometric\nmean", "nearest\nneighbours"])
        one.set_ylim(0, 1)
        label_axes(one, _SUB_RUNS[sub_run].capitalize(), "", "Accuracy (share of songs)")
    return save_png(figure, run.folder / "figures" / f"{task}__ways.png")


def glance(run: RunFolder) -> list[str]:
    """The claim, either way, and the table of all scores."""
    options = run.config.get("options", {})
    found = claims(run)
    items = "".join(
        f'<li class="{one.verdict.split()[0]}"><b>{BADGES[one.verdict]}</b><span>{escape(one.text)}</span></li>'
        for one in found
    )
    own = (
        ""
        if options.get("weights")
        else _OWN_START.format(epochs=options.get("source_epochs"), clips=options.get("source_clips"))
    )
    note = (
        "In brackets: 95 % intervals, bootstrap over songs (excerpts: over their songs), or over artists where they are "
        "known. Published: one split by song, the last epoch. Corrected: three folds with artists on one side of each; "
        "validation songs choose the epoch."
    )
    parts = [
        paragraph(own, "caveat") if own else "",
        f'<ul class="findings">{items}</ul>' if items else paragraph("Nothing was compared."),
    ]
    for task in run.tasks:
        parts += [heading(task), table_html(score_table(run, task), grouped_by="Training")]
        parts.append(
            figure_html(
                draw_ways(run, task), f"{task}: genre of a song from one excerpt or from all, with 95 % intervals."
            )
        )
    return [*parts, paragraph(note, "quiet")]


def confusions(run: RunFolder) -> list[str]:
    """Which genre is taken for which: excerpts by themselves, and songs by the mean over their excerpts."""
    parts = []
    for task in run.tasks:
        for sub_run in _SUB_RUNS:
            for way, unit in ((EXCERPTS, "excerpts"), ("mean", "songs")):
                tables = {protocol: run.predictions(task, f"{sub_run}-{way}", protocol) for protocol in run.protocols}
                matrices = {
                    f"{protocol.capitalize()} protocol": confusion_matrix(table["truth"], table["prediction"])
                    for protocol, table in tables.items()
                    if table is not None
                }
                if matrices:
                    path = run.folder / "figures" / f"{task}__{sub_run}-{way}__confusion.png"
                    caption = f"{task}, {_SUB_RUNS[sub_run]}: {unit}; colour is the share of the true genre."
                    parts += [heading(f"{task}, {_SUB_RUNS[sub_run]}: {_WAYS[way]}")]
                    parts.append(figure_html(draw_confusion(matrices, unit, path), caption))
    return parts


def training(run: RunFolder) -> list[str]:
    """Curves of every training, the CRNN's own among them."""
    parts = source_training(run) if len(run.history) else [paragraph("The weights of the CRNN were given.")]
    for folder in sorted(run.folder.glob("training/*__fold*")):
        if (folder / "curve.csv").is_file():
            task, sub_run, protocol, fold = folder.name.split("__")
            title = f"{_SUB_RUNS[sub_run].capitalize()}, {task}, {protocol} protocol, fold {fold.removeprefix('fold')}"
            shown = (
                "validation clips are the test songs' excerpts, which choose nothing"
                if protocol == "published"
                else "excerpts"
            )
            parts += [heading(title), figure_html(draw_training(run, folder), f"{title}: {shown}.")]
    return parts


def _p(value: float) -> str:
    text = p_text(value)
    return text if text.startswith("<") else f"= {text}"


SONG_GENRE_SECTIONS: dict[str, Callable[[RunFolder], list[str]]] = {
    "In one glance": glance,
    "Confusion matrices": confusions,
    "Training": training,
    "Paired tests": paired,
    "Errors": errors,
    "Configuration": configuration,
    "How to reproduce": reproduce,
}
