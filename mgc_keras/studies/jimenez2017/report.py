"""The report of the Jiménez and José 2017 study, drawn only from the run's saved files."""

from functools import partial
from pathlib import Path

from mgc_keras.reporting.page import FigureImage, Heading, Paragraph, Part, Table
from mgc_keras.reporting.sections import (
    COMMON_SECTIONS,
    Counted,
    Section,
    confusions,
    first_screen,
    interval_units,
    paired,
    source_training,
    trainings,
)
from mgc_keras.reporting.style import BLUE, DARK, GREY, label_axes, new_figure, save_png
from mgc_keras.reporting.tables import score_table
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.paper import GTZAN
from mgc_keras.studies.jimenez2017.claims import SUB_RUNS
from mgc_keras.studies.jimenez2017.paper import PAPER
from mgc_keras.studies.jimenez2017.votes import AVERAGES, CENTRE, EXCERPTS, WAYS

_OWN_START = (
    "The CRNN was not the published one: it was trained in this run, {epochs} epochs on {clips} synthetic clips of "
    "the built-in tagging task. These scores say what such a network makes of synthetic songs, and nothing of the "
    "study's 78 %."
)


def _columns(feature: str) -> dict[str, str]:
    sub_run, way = feature.rsplit("-", 1)
    return {"Training": SUB_RUNS[sub_run], "Genre from": WAYS[way]}


def feature_name(feature: str) -> str:
    """Return what a feature is, in words.

    Example
    -------
    >>> feature_name("finetune-mean")
    'fine-tuned, all excerpts, mean'
    """
    return ", ".join(_columns(feature).values())


def draw_ways(run: RunFolder, task: str) -> Path:
    """Draw the accuracy of songs in every way, with 95 % intervals, under the headline protocol."""
    scores = run.scores[(run.scores["task"] == task) & (run.scores["protocol"] == run.headline_protocol)]
    scores = scores.set_index("feature")
    sub_runs = list(dict.fromkeys(feature.rsplit("-", 1)[0] for feature in scores.index))
    figure, axes = new_figure(4.6 * len(sub_runs) + 1.2, 3.2, len(sub_runs), across=True)
    ways = [CENTRE, *AVERAGES]
    place = range(len(ways))
    for panel, sub_run in zip(axes, sub_runs, strict=True):
        cells = scores.loc[[f"{sub_run}-{way}" for way in ways]]
        spread = [cells["score"] - cells["ci_low"], cells["ci_high"] - cells["score"]]
        panel.bar(place, cells["score"], color=[GREY if way == CENTRE else BLUE for way in ways], width=0.6)
        panel.errorbar(place, cells["score"], yerr=spread, fmt="none", ecolor="black", capsize=4, linewidth=1.2)
        if task in run.chances:
            panel.axhline(run.chances[task], color=DARK, linewidth=1.1, linestyle=":")
        panel.set_xticks(place, ["centre\nexcerpt", "mean", "geometric\nmean", "nearest\nneighbours"])
        panel.set_ylim(0, 1)
        label_axes(panel, SUB_RUNS[sub_run].capitalize(), "", "Accuracy (share of songs)")
    return save_png(figure, run.folder / "figures" / f"{task}__ways.png")


def glance(run: RunFolder) -> list[Part]:
    """The planned differences, the claims, either way, and the table of all scores."""
    options = run.config.get("options", {})
    parts: list[Part] = []
    if not options.get("weights"):
        own = _OWN_START.format(epochs=options.get("source_epochs"), clips=options.get("source_clips"))
        parts.append(Paragraph(own, "caveat"))
    parts += first_screen(run, name=feature_name)
    for task in run.tasks:
        table = score_table(run, run.scores[run.scores["task"] == task], _columns, PAPER.printed(GTZAN))
        parts += [Heading(task), Table(table, grouped_by="Training")]
        caption = f"{task}: genre of a song from one excerpt or from all, with 95 % intervals. Dotted: chance."
        parts.append(FigureImage(draw_ways(run, task), caption))
    note = (
        f"{interval_units(run, 'songs (excerpts: over their songs)')} "
        "Published: one split by song, the last epoch. Corrected: folds with artists on one side of each; "
        "validation songs choose the epoch."
    )
    return [*parts, Paragraph(note, "quiet")]


def confusion(run: RunFolder) -> list[Part]:
    """Which genre is taken for which: excerpts by themselves, and songs by the mean over their excerpts."""
    return confusions(
        run,
        [
            Counted(f"{sub_run}-{way}", f"{name.capitalize()}, {WAYS[way]}", unit, independent=unit == "songs")
            for sub_run, name in SUB_RUNS.items()
            for way, unit in ((EXCERPTS, "excerpts"), ("mean", "songs"))
        ],
    )


def training(run: RunFolder) -> list[Part]:
    """Curves of every training, the CRNN's own among them."""
    source = source_training(run) if len(run.history) else [Paragraph("The weights of the CRNN were given.")]
    note = "Curves are of excerpts. Published: the validation clips are the test songs, which choose nothing."
    return [*source, *trainings(run, "*__fold*", _training_title, note)]


def _training_title(task: str, sub_run: str, protocol: str, fold: str) -> str:
    return f"{SUB_RUNS[sub_run].capitalize()}, {task}, {protocol} protocol, fold {fold.removeprefix('fold')}"


SECTIONS: dict[str, Section] = {
    "In one glance": glance,
    "Confusion matrices": confusion,
    "Training": training,
    "Paired tests": partial(paired, name=feature_name),
    **COMMON_SECTIONS,
}
