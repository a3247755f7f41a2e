"""The report of the Asgharivaskasi 2019 study, drawn only from the run's saved files."""

from functools import partial

from mgc_keras.reporting.page import Heading, Paragraph, Part, Table
from mgc_keras.reporting.sections import (
    COMMON_SECTIONS,
    Section,
    first_screen,
    interval_units,
    over_seeds,
    paired,
    trainings,
)
from mgc_keras.reporting.tables import score_table
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.asgharivaskasi2019.baselines import BASELINES
from mgc_keras.studies.asgharivaskasi2019.paper import PAPER
from mgc_keras.studies.common.paper import GTZAN

_RANDOM_START = (
    "These backbones started from random weights: {names}. Their scores say what a network that never saw an image "
    "makes of these clips, and nothing of ImageNet transfer, which is what the paper's figures are about."
)
_OVER_SEEDS = (
    "skip-rnn (a) minus rnn (b), trained with the same seeds on the same clips, at each training's best epoch; gap: "
    "training minus validation accuracy. t-intervals over seeds: they tell nothing of other clips. p (Holm) over all "
    "rows of a protocol."
)


def glance(run: RunFolder) -> list[Part]:
    """The planned differences, the claims, either way, and Tables 2 and 3."""
    note = (
        f"{interval_units(run, 'test clips')} Published: one "
        "stratified split; the epoch is chosen on the very clips that are scored, as the paper does. Corrected: "
        "artists on one side of the split; a validation part of the training clips chooses the epoch, and settings of "
        "classic classifiers. Chance: always naming the most frequent class."
    )
    options, trained = run.config.get("options", {}), " ".join(run.scores["feature"])
    parts: list[Part] = []
    weights, layers = (options.get(name) or {} for name in ("backbone_weights", "trainable_from"))
    random = [name for name, value in weights.items() if value == "none" and name in trained]
    if random:
        parts.append(Paragraph(_RANDOM_START.format(names=", ".join(random)), "caveat"))
    fine_tuned = [f"{name} from {layer} on" for name, layer in layers.items() if name in trained]
    if fine_tuned:
        text = f"Backbones that were trained, too: {', '.join(fine_tuned)}. The others were frozen."
        parts.append(Paragraph(text))
    parts += first_screen(run)
    for task in run.tasks:
        scores = run.scores[run.scores["task"] == task]
        is_baseline = scores["feature"].str.removesuffix("-3s").str.removesuffix("-segmented").isin(BASELINES)
        for title, rows in (("classic classifiers", scores[is_baseline]), ("networks", scores[~is_baseline])):
            if len(rows):
                table = score_table(run, rows, lambda feature: {"Classifier": feature}, PAPER.printed(GTZAN))
                parts += [Heading(f"{task}: {title}"), Table(table)]
    return [*parts, Paragraph(note, "quiet")]


def training(run: RunFolder) -> list[Part]:
    """Curves of every training of the first seed (the paper's Figures 8 to 17)."""
    seed = run.config.get("options", {}).get("seed", 0)
    return trainings(run, f"*__seed{seed}", lambda task, name, protocol, _: f"{name} on {task}, {protocol} protocol")


SECTIONS: dict[str, Section] = {
    "In one glance": glance,
    "Training": training,
    "Over seeds": partial(
        over_seeds,
        text=_OVER_SEEDS,
        otherwise="One seed was run: --seeds 5 tells how much of a difference is chance.",
    ),
    "Paired tests": paired,
    **COMMON_SECTIONS,
}
