"""The report of the Choi 2017 study, drawn only from the run's saved files."""

from functools import partial

import pandas as pd

from mgc_keras.protocols import protocol_title
from mgc_keras.reporting.findings import reproduction
from mgc_keras.reporting.page import FigureImage, FindingList, Folded, Heading, Paragraph, Part, Table
from mgc_keras.reporting.sections import (
    COMMON_SECTIONS,
    Counted,
    Section,
    audit,
    confusions,
    first_screen,
    interval_units,
    paired,
    source_training,
)
from mgc_keras.reporting.tables import NONE, metric_name, protocol_cells, score_text
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.feature_sets import (
    BATCH_SIZE,
    LAYER_SETS,
    RANDOM,
    best_layer_set,
    describe,
    feature_name,
    feature_order,
)
from mgc_keras.studies.choi2017.figures import LOWEST, draw_audit, draw_labels, draw_task

_PUBLISHED_FEATURES = (
    "This run used the authors' own convnet features. They were extracted in file order, in batches of {size} clips "
    "that share statistics. {carried} No protocol can take that out afterwards: the convnet's figures below, the "
    "corrected ones included, do not say how well features of single clips work."
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
    note = f"{interval_units(run)} Chance: always naming the most frequent class."
    return [
        *([Paragraph(_published_features(run), "caveat")] if is_published else []),
        *first_screen(run, feature_name),
        Heading("Paper, published protocol, corrected"),
        Table(headline_table(run), grouped_by="Task"),
        Paragraph(note, "quiet"),
        *([FindingList([reproduced])] if (reproduced := reproduction(run)) else []),
    ]


def _published_features(run: RunFolder) -> str:
    """Say what the authors' batches did to the features of this run's tasks."""
    sizes = run.parts["n_clips"].astype(int).groupby(run.parts["task"]).max().to_dict()
    # Runs of earlier versions do not say.
    cut = [task for task in run.tasks if sizes.get(task, BATCH_SIZE + 1) > BATCH_SIZE]
    whole = [task for task in run.tasks if task not in cut]
    carried = [f"So features of {', '.join(cut)} carry traces of the class (see Audit)."] if cut else []
    if whole:
        carried.append(f"All clips of {', '.join(whole)} lay in one batch, tested ones among them.")
    return _PUBLISHED_FEATURES.format(size=BATCH_SIZE, carried=" ".join(carried))


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


def confusion(run: RunFolder) -> list[Part]:
    """Confusion matrices of the largest layer set, with the accuracy of each class."""
    return confusions(run, [Counted(feature, describe(feature)) for feature in _main_features(run.scores)[:1]])


def headline_table(run: RunFolder) -> pd.DataFrame:
    """Return the main features of every task: Task, Feature, Paper, and one column a protocol with 95 % intervals.

    The best layer set is chosen on the very scores it is then quoted with, in the paper as here; its row says so.
    """
    rows = []
    for task in run.tasks:
        scores = run.scores[run.scores["task"] == task]
        chance = f"; chance {run.chances[task]:.3f}" if task in run.chances else ""
        name = f"{task} ({metric_name(run.metric(task))}{chance})"
        if scores["feature"].isin(LAYER_SETS).sum() > len(run.protocols):
            rows.append({"Task": name, "Feature": "best layer set, chosen on these scores", **_best_cells(run, scores)})
        for feature in _main_features(scores):
            rows.append({"Task": name, "Feature": feature_name(feature), **_cells(run, scores, feature)})
    return pd.DataFrame(rows)


def score_table(run: RunFolder, task: str) -> pd.DataFrame:
    """Return one row a feature: Feature, Paper, one column a protocol, and one for its twin with random weights."""
    scores = run.scores[run.scores["task"] == task]
    present = set(scores["feature"])
    twins = any(RANDOM in feature for feature in present)
    rows = []
    for feature in feature_order([name for name in present if not name.startswith(RANDOM)]):
        row = {"Feature": feature_name(feature), **_cells(run, scores, feature)}
        if twins:
            random = _cells(run, scores, RANDOM + feature)
            row |= {f"Random weights, {protocol}": random[protocol_title(protocol)] for protocol in run.protocols}
        rows.append(row)
    return pd.DataFrame(rows)


def _main_features(scores: pd.DataFrame) -> list[str]:
    """All layers, their random twin, MFCC, both; where all layers were not run, the largest set that was."""
    present = feature_order(scores["feature"].unique())
    whole = next((name for name in reversed(present) if name in LAYER_SETS), "")
    wanted = (whole, RANDOM + whole, "mfcc", f"mfcc+{whole}")
    return [name for name in wanted if name in present] or present


def _cells(run: RunFolder, scores: pd.DataFrame, feature: str) -> dict[str, str]:
    rows = scores[scores["feature"] == feature]
    known = rows["published"].dropna()
    return {"Paper": f"{known.iloc[0]:.3f}" if len(known) else NONE, **protocol_cells(run, rows, run.protocols)}


def _best_cells(run: RunFolder, scores: pd.DataFrame) -> dict[str, str]:
    known = scores[scores["feature"].isin(LAYER_SETS)].dropna(subset="published").drop_duplicates("feature")
    paper = best_layer_set(known.assign(score=known["published"]))
    cells = {"Paper": NONE if paper is None else f"{paper['score']:.3f} ({paper['feature']})"}
    for protocol in run.protocols:
        here = scores[scores["protocol"] == protocol]
        # Of one set none is the best.
        best = best_layer_set(here) if here["feature"].isin(LAYER_SETS).sum() > 1 else None
        cells[protocol_title(protocol)] = NONE if best is None else score_text(run, best, f" ({best['feature']})")
    return cells


def not_mended(run: RunFolder) -> dict[str, str]:
    """Say which repairs the corrected protocol could not make in this run."""
    is_published = run.config.get("options", {}).get("published_features")
    return {"batch-features": "not possible with these features"} if is_published else {}


SECTIONS: dict[str, Section] = {
    "In one glance": glance,
    "Scores and figures": scores,
    "Confusion matrices": confusion,
    "Paired tests": partial(paired, name=feature_name, describe=describe),
    "Training": source_training,
    "Audit": partial(audit, questions=AUDITS, draw=draw_audit),
    **COMMON_SECTIONS,
}
