"""The report of the Ouyang 2023 study, drawn only from the run's saved files."""

from functools import partial

import pandas as pd

from mgc_keras.reporting.page import FigureImage, Folded, Heading, Paragraph, Part, Table
from mgc_keras.reporting.sections import (
    COMMON_SECTIONS,
    Counted,
    Section,
    confusions,
    first_screen,
    interval_units,
    over_seeds,
    paired,
    trainings,
)
from mgc_keras.reporting.tables import score_table
from mgc_keras.runs.reader import RunFolder, blaming
from mgc_keras.studies.common.paper import GTZAN
from mgc_keras.studies.ouyang2023.claims import has_random_start
from mgc_keras.studies.ouyang2023.figures import draw_counts, draw_new_clip
from mgc_keras.studies.ouyang2023.paper import PAPER

NAMES = {"inceptionv3": "InceptionV3, frozen", "cnn": "CNN from scratch"}
_RANDOM_START = (
    "InceptionV3 started from random weights. Its scores say what a network that never saw an image makes of these "
    "clips, and nothing of ImageNet transfer, which is what the paper's 64 % are about."
)
_TWO = (
    "{task} has two genres only: guessing is right half of the time. Nothing here compares with the paper's ten genres."
)
_OVER_SEEDS = (
    "cnn (a) minus inceptionv3 (b), trained with the same seeds on the same clips; gap: training minus validation "
    "accuracy. t-intervals over seeds: they say what chance in splits and starts does, not what other clips would."
)


def glance(run: RunFolder) -> list[Part]:
    """The planned difference, the claims, either way, and the table Paper | Published | Corrected."""
    parts: list[Part] = [Paragraph(_RANDOM_START, "caveat")] if has_random_start(run) else []
    for task in run.tasks:
        cells = run.scores[run.scores["task"] == task].itertuples()
        tables = (run.predictions(task, row.feature, row.protocol) for row in cells)
        if min((table["truth"].nunique() for table in tables if table is not None), default=0) == 2:
            parts.append(Paragraph(_TWO.format(task=task), "caveat"))
    parts += first_screen(run, name=_name)
    for task in run.tasks:
        scores = run.scores[run.scores["task"] == task]
        table = score_table(run, scores, lambda network: {"Network": _name(network)}, PAPER.printed(GTZAN))
        parts += [Heading(f"{task}: accuracy on test clips"), Table(table)]
    note = (
        f"{interval_units(run, 'test clips')} "
        "Published: one draw of each genre into training, validation and test clips, whoever plays. "
        "Corrected: copies left out, artists on one side of the split or the dataset's own fault-filtered one, the "
        "test clips of all seeds together. The validation clips choose the epoch under both; test clips choose "
        "nothing."
    )
    return [*parts, Paragraph(note, "quiet"), *_accuracies(run)]


def _name(network: str) -> str:
    return NAMES.get(network, network)


def _accuracies(run: RunFolder) -> list[Part]:
    """Training, validation and test accuracy of every network, over seeds."""
    seeds = run.table("seeds.csv")
    if seeds.empty:
        return []
    rows = []
    for (task, network, protocol), part in seeds.groupby(["task", "network", "protocol"], sort=False):
        row = {"Task": task, "Network": _name(network), "Protocol": protocol, "Seeds": str(len(part))}
        for name in ("training", "validation", "test"):
            values = part[f"{name}_accuracy"]
            spread = f" ({values.min():.3f} to {values.max():.3f})" if len(part) > 1 else ""
            row[name.capitalize()] = f"{values.mean():.3f}{spread}"
        rows.append({**row, "Best epoch": ", ".join(map(str, part["best_epoch"]))})
    text = "Accuracy at the epoch of the lowest validation loss, without dropout; mean and range over seeds."
    return [
        Heading("Training, validation and test accuracy"),
        Table(pd.DataFrame(rows), "Task"),
        Paragraph(text, "quiet"),
    ]


def music(run: RunFolder) -> list[Part]:
    """A sheet a genre (Figures 1 to 5)."""
    parts: list[Part] = []
    for path in sorted((run.folder / "figures" / "genres").glob("*.png")):
        task, genre = path.stem.split("__", 1)
        caption = f"{genre}, a clip of {task}: waveform, spectrograms, spectral roll-off over the waveform, chroma."
        shown = FigureImage(path, caption)
        parts.append(shown if not parts else Folded(f"{task}: {genre}", [shown]))
    return parts or [Paragraph("No clip was drawn.")]


def clean_data(run: RunFolder) -> list[Part]:
    """Clips a class before and after (Figures 6 and 7)."""
    parts: list[Part] = []
    for path in sorted((run.folder / "clean").glob("*.csv"), key=lambda path: ("corrected" in path.stem, path.stem)):
        task, protocol = path.stem.split("__", 1)
        counts = run.table(f"clean/{path.name}")
        title = f"{task}, {protocol} protocol"
        with blaming(path):
            drawn = draw_counts(counts, run.folder / "figures" / f"clean_{path.stem}.png", title)
            lost = int((counts["found"] - counts["checked"]).sum())
            found, used = counts["found"].sum(), counts["balanced"].sum()
        words = f"{title}: {lost} of {found} clips left out by the check, {used} used."
        parts += [FigureImage(drawn, words), Folded(f"{title} as a table", [Table(counts)])]
    return parts or [Paragraph("No counts were saved.")]


def training(run: RunFolder) -> list[Part]:
    """Curves of every training of the first seed (Figures 8 and 9)."""
    seed = run.config.get("options", {}).get("seed", 0)
    return trainings(
        run, f"*__seed{seed}", lambda task, network, protocol, _: f"{_name(network)} on {task}, {protocol} protocol"
    )


def confusion(run: RunFolder) -> list[Part]:
    """Confusion matrices with the accuracy of each genre (Figures 10 and 11), test clips of all seeds together."""
    return confusions(run, [Counted(network, _name(network)) for network in run.scores["feature"].unique()])


def new_clips(run: RunFolder) -> list[Part]:
    """What the networks predict of new clips (Figure 12)."""
    table = run.table("new_clips.csv")
    parts: list[Part] = []
    groups = table.groupby(["clip", "task"], sort=False) if len(table) else ()
    for number, ((clip, task), predicted) in enumerate(groups):
        path = run.folder / "figures" / f"new_clip_{number}.png"
        kind = "a new clip" if predicted["is_new"].iloc[0] else "a test clip, since none was named with --predict"
        drawn = draw_new_clip(predicted, path, f"{clip}: probability of every genre")
        parts.append(FigureImage(drawn, f"{clip} ({kind}), by the networks trained on {task}."))
    return parts or [Paragraph("No clip could be predicted.")]


SECTIONS: dict[str, Section] = {
    "In one glance": glance,
    "The music": music,
    "Clean data": clean_data,
    "Training": training,
    "Confusion": confusion,
    "A new clip": new_clips,
    "Over seeds": partial(
        over_seeds,
        text=_OVER_SEEDS,
        otherwise="Two networks and two seeds or more of the corrected protocol say how much is chance.",
    ),
    "Paired tests": partial(paired, name=_name),
    **COMMON_SECTIONS,
}
