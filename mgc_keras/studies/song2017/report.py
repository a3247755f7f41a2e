"""The report of the Song 2017 study, drawn only from the run's saved files."""

from functools import partial
from pathlib import Path

import pandas as pd

from mgc_keras.reporting.page import FigureImage, Folded, Heading, Paragraph, Part, Table
from mgc_keras.reporting.sections import COMMON_SECTIONS, Section, audit, first_screen, interval_units, source_training
from mgc_keras.reporting.sections import paired as paired_tests
from mgc_keras.reporting.style import BLUE, ORANGE, figure_legend, label_axes, new_figure, save_png, whole_ticks
from mgc_keras.reporting.tables import interval_text, score_table
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.paper import GTZAN
from mgc_keras.studies.song2017.paper import PAPER, SOURCE

COLOURS = {"transfer": BLUE, "random-start": ORANGE}
PANELS = {"training_accuracy": "Training clips (as learnt from)", "test_accuracy": "Test clips"}
AUDITS = {
    "melspectrogram": (
        "Scattering and mel-spectrogram",
        "By the paper's eq. 1 a first-order coefficient should follow the energy of a mel band of the same width, "
        "seen through the same window. Does it, on the clips of this run?",
    ),
}


def table_one(run: RunFolder) -> pd.DataFrame:
    """Return the paper's Table 1: Task, Start, Paper (GTZAN), and a column a protocol, with 95 % intervals."""
    tables = []
    printed = PAPER.printed(GTZAN)
    for task, scores in _tuned(run).groupby("task", sort=False):
        columns = partial(_columns, str(task))
        tables.append(score_table(run, scores, columns, printed))
    return pd.concat(tables, ignore_index=True)


def _columns(task: str, start: str) -> dict[str, str]:
    return {"Task": task, "Start": start.replace("-", " ")}


def glance(run: RunFolder) -> list[Part]:
    """The planned differences, the claims, and Table 1."""
    if _tuned(run).empty:
        return [Paragraph("Only the pre-training was run; finetune compares its network with a random start.")]
    note = (
        f"{interval_units(run, every_protocol=True)} "
        "All predictions of a clip count as one. Published: plain shuffled folds, the epoch as the option "
        "published_epoch says, so "
        'its figure knows the test clips unless that is "last". Corrected: artists kept in one fold where known, '
        "the epoch chosen on clips left out of the training part."
    )
    return [
        *(Paragraph(caveat, "caveat") for caveat in run.config.get("caveats", [])),
        *first_screen(run),
        Heading("Paper, published protocol, corrected"),
        Table(table_one(run), grouped_by="Task"),
        Paragraph(note, "quiet"),
    ]


def curves(run: RunFolder) -> list[Part]:
    """Learning curves and what they come to."""
    parts: list[Part] = []
    for task, protocol in _tuned(run)[["task", "protocol"]].drop_duplicates().itertuples(index=False):
        drawn = draw_curves(run, task, protocol)
        if drawn is not None:
            caption = f"{task}, {protocol} protocol: means over folds; bands from the lowest to the highest tenth."
            parts += [Heading(f"{task}, {protocol} protocol"), FigureImage(drawn, caption)]
    levels = run.table("levels.csv")
    if len(levels):
        text = (
            "Means over folds. epochs_to_90: the first epoch with 90 % of the fold's own last test accuracy. "
            "epochs_to_level: the first epoch at which the mean curve reaches 90 % of the random start's last "
            "value, blank if it never does."
        )
        parts += [Table(levels, grouped_by="task"), Paragraph(text, "quiet")]
    return parts or [Paragraph("Nothing was fine-tuned in this run.")]


def draw_curves(run: RunFolder, task: str, protocol: str) -> Path | None:
    """Draw the paper's Figures 2 and 3, ``figures/<task>_<protocol>_curves.png``: means over folds, with bands.

    Raises
    ------
    OptionError
        ``curves.csv`` cannot be read or lacks a column.
    """
    table = run.table("curves.csv", ("task", "protocol", "start", "fold", "epoch", *PANELS))
    table = table[(table["task"] == task) & (table["protocol"] == protocol)]
    if table.empty:
        return None
    figure, axes = new_figure(10.5, 4.2, len(PANELS), across=True)
    for panel, (column, title) in zip(axes, PANELS.items()):
        for start, part in table.groupby("start", sort=False):
            by_epoch, colour = part.groupby("epoch")[column], COLOURS[start]
            mean, line = by_epoch.mean(), "-" if start == "transfer" else "--"
            panel.plot(mean.index, mean, color=colour, linestyle=line, linewidth=1.8, label=start.replace("-", " "))
            # What lies between the lowest and the highest tenth of the folds.
            low, high = by_epoch.quantile(0.1), by_epoch.quantile(0.9)
            panel.fill_between(mean.index, low, high, color=colour, alpha=0.15, linewidth=0)
        label_axes(panel, title, "Epoch", "Accuracy (share of clips)")
        panel.set_ylim(0, 1.02)
        whole_ticks(panel.xaxis)
    figure_legend(figure, axes[0].get_legend_handles_labels()[0])
    return save_png(figure, run.folder / "figures" / f"{task}_{protocol}_curves.png")


def paired(run: RunFolder) -> list[Part]:
    """Tests over folds, and intervals over seeds."""
    text = (
        "Both starts see the same folds, the same order of clips and the same random head. Over folds: Nadeau and "
        "Bengio's corrected t-test, which allows for folds sharing their training clips; p (Holm) corrects for all "
        "tests of a protocol. Over seeds: other weights, folds and pre-training, the same clips; that tells nothing "
        "of other clips."
    )
    seeds = run.table("seed_intervals.csv")
    over_seeds = [Heading("Over seeds"), Table(seeds, grouped_by="task")] if len(seeds) else []
    return [*paired_tests(run, text), *over_seeds]


def pretraining(run: RunFolder) -> list[Part]:
    """The training of the source network, and its tags."""
    source = run.scores[run.scores["task"] == SOURCE]
    tags = run.table("source_tags.csv")
    parts = source_training(run)
    for _, row in source.iterrows():
        text = f"Macro AUC-ROC on {row['n_clips']} held-out clips: {interval_text(row)}"
        left_out = list(tags.loc[tags["auc"].isna(), "tag"]) if len(tags) else []
        named = f" ({', '.join(left_out)})" if left_out else ""
        parts.append(Paragraph(f"{text}; {len(left_out)} tags without both kinds of clips are left out{named}."))
    return [*parts, Folded(f"All {len(tags)} tags", [Table(tags)])] if len(tags) else parts


def draw_audit(run: RunFolder, name: str) -> Path | None:
    """Draw ``figures/audit_melspectrogram.png``, the correlation band by band; None for any other audit."""
    table = run.audits[name].table
    if name != "melspectrogram" or table.empty:
        return None
    figure, (axes,) = new_figure(8.0, 4.0)
    for column, colour, label in (
        ("correlation_log", BLUE, "of logarithms"),
        ("correlation", ORANGE, "of the values themselves"),
    ):
        axes.plot(table["frequency_hz"], table[column], color=colour, marker=".", linewidth=1.4, label=label)
    axes.set_xscale("log")
    axes.set_ylim(min(0.0, table[["correlation", "correlation_log"]].min().min()), 1.02)
    title = "First-order scattering against a mel-spectrogram, band by band"
    label_axes(axes, title, "Centre frequency (Hz)", "Correlation")
    figure_legend(figure, axes.get_legend_handles_labels()[0])
    return save_png(figure, run.folder / "figures" / f"audit_{name}.png")


def _tuned(run: RunFolder) -> pd.DataFrame:
    return run.scores[run.scores["task"] != SOURCE]


SECTIONS: dict[str, Section] = {
    "In one glance": glance,
    "Learning curves": curves,
    "Paired tests": paired,
    "Pre-training": pretraining,
    "Audit": partial(audit, questions=AUDITS, draw=draw_audit),
    **COMMON_SECTIONS,
}
