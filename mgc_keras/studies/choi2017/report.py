"""The report of the Choi 2017 study, drawn only from the run's saved files."""

from functools import partial

from mgc_keras.reporting.findings import reproduction
from mgc_keras.reporting.page import FigureImage, FindingList, Folded, Heading, Paragraph, Part, Table
from mgc_keras.reporting.sections import COMMON_SECTIONS, Section, audit, first_screen, paired, source_training
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.audits.figures import draw_audit
from mgc_keras.studies.choi2017.figures import LOWEST, draw_task
from mgc_keras.studies.choi2017.figures_by_label import draw_labels
from mgc_keras.studies.choi2017.order import describe, feature_name
from mgc_keras.studies.choi2017.tables import headline_table, score_table

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
}


def glance(run: RunFolder) -> list[Part]:
    """The planned differences, the claims, and the table Paper | Published protocol | Corrected."""
    is_published = run.config.get("options", {}).get("published_features")
    note = (
        "In brackets: 95 % intervals, bootstrap over clips, or over artists where the protocol keeps artists together. "
        "Chance: always naming the most frequent class."
    )
    return [
        *([Paragraph(PUBLISHED_FEATURES, "caveat")] if is_published else []),
        *first_screen(run, feature_name),
        Heading("Paper, published protocol, corrected"),
        Table(headline_table(run), grouped_by="Task"),
        Paragraph(note, "quiet"),
        *([FindingList([reproduced])] if (reproduced := reproduction(run)) else []),
    ]


def scores(run: RunFolder) -> list[Part]:
    """Every task with several features: its figures, and the table of all features folded away."""
    parts: list[Part] = []
    for task in run.tasks:
        drawn = draw_task(run, task)
        if drawn is None:
            continue
        caption = f"{task}: every feature set, with 95 % intervals; behind it the untrained convnet, if run."
        if task in run.chances:
            caption += " Dotted: chance."
        if (run.scores.loc[run.scores["task"] == task, "score"] < LOWEST).any():
            caption += f" Bars are cut off at {LOWEST:g}; a negative r² predicts worse than the mean of the clips."
        table = score_table(run, task)
        parts += [
            Heading(task),
            FigureImage(drawn, caption),
            Folded(f"{task}: all {len(table)} feature sets as a table", [Table(table)]),
        ]
        if labels := draw_labels(run, task):
            caption = f"{task}: the best layer set against MFCC, class by class, with 95 % intervals of the difference."
            parts.append(FigureImage(labels, caption))
    return parts or [Paragraph("No task has more than one feature; the table above holds all scores.")]


SECTIONS: dict[str, Section] = {
    "In one glance": glance,
    "Scores and figures": scores,
    "Paired tests": partial(paired, name=feature_name, describe=describe),
    "Training": source_training,
    "Audit": partial(audit, questions=AUDITS, draw=draw_audit),
    **COMMON_SECTIONS,
}
