"""The report of the Song 2017 study, drawn only from the run's saved files."""

from functools import partial

import pandas as pd

from mgc_keras.reporting.page import FigureImage, Folded, Heading, Paragraph, Part, Table
from mgc_keras.reporting.sections import COMMON_SECTIONS, Section, audit, first_screen, source_training
from mgc_keras.reporting.sections import paired as paired_tests
from mgc_keras.reporting.tables import interval_text, score_table
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.paper import GTZAN
from mgc_keras.studies.song2017.figures import draw_audit, draw_curves
from mgc_keras.studies.song2017.paper import PAPER, SOURCE

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
        return [Paragraph("Only the pre-training was run; `finetune` compares its network with a random start.")]
    note = (
        "In brackets: 95 % intervals, bootstrap over clips, or over artists where they are known; all predictions of a "
        "clip are drawn together. Published: plain shuffled folds, the epoch as the option published_epoch says, so "
        "its figure knows the test clips unless that is `last`. Corrected: artists kept in one fold where known, "
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
