"""The claims of Asgharivaskasi et al. (2019), judged from paired tests, seeds and training curves."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
from scipy.signal import detrend
from scipy.stats import pearsonr

from mgc_keras.reporting.tables import difference_text, p_relation
from mgc_keras.reporting.verdicts import LEVEL, WORSE
from mgc_keras.runs.claims import CONFIRMED, NOT_DECIDED, REFUTED
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.claims import (
    INCLUDES_ZERO,
    Judge,
    Judgement,
    differences,
    judged_difference,
    judged_interval,
)

# The epoch beyond which VGG16 over-fits, and the epochs that are averaged on either side.
BORDER, AVERAGED = 30, 5
# Table 2: soft-max on 3-s segments and on full songs differ by 4.67 points.
COMPARABLE = 0.05
_CYCLICAL = ("triangular", "triangular2", "exp-range")
_FEWEST_EPOCHS = 8


def _trainings(run: RunFolder) -> Iterator[tuple[list[str], pd.DataFrame]]:
    """Yield task, network, protocol and seed of each training, and its curve."""
    for path in sorted(run.folder.glob("training/*/curve.csv")):
        name = path.parent.name
        yield name.split("__"), run.table(f"training/{name}/curve.csv")


def _over_fits(run: RunFolder) -> list[Judgement]:
    found = []
    for (task, network, protocol, _), curve in _trainings(run):
        if network != "vgg16" or len(curve) < BORDER + AVERAGED:
            continue
        before = curve.iloc[BORDER - AVERAGED : BORDER][["loss", "validation_loss"]].mean()
        after = curve.iloc[-AVERAGED:][["loss", "validation_loss"]].mean()
        change = after - before
        evidence = (
            f"From epochs {BORDER - AVERAGED + 1} to {BORDER} to the last {AVERAGED} of {len(curve)}, training loss "
            f"changes by {change['loss']:+.3f} and validation loss by {change['validation_loss']:+.3f}. One training: "
            "no interval."
        )
        holds = change["loss"] < 0 < change["validation_loss"]
        found.append(Judgement(task, protocol, evidence, CONFIRMED if holds else REFUTED))
    return found


def _segments(run: RunFolder) -> list[Judgement]:
    found = []
    for row in differences(run, [("vgg16-3s", "vgg16"), ("svm-3s", "svm")]):
        inside = -COMPARABLE <= row["ci_low"] and row["ci_high"] <= COMPARABLE
        outside = row["ci_low"] > COMPARABLE or row["ci_high"] < -COMPARABLE
        verdict = CONFIRMED if inside else REFUTED if outside else NOT_DECIDED
        words = f"Accuracy of {row['feature_a']} minus {row['feature_b']}"
        evidence = f"{words} is {difference_text(row)} over {row['n_clips']} clips."
        why = "" if inside or outside else "The interval reaches across 5 points of difference."
        why = "There are too few artists for an interval." if pd.isna(row["ci_low"]) else why
        found.append(Judgement(row["task"], row["protocol"], evidence, verdict, why))
    return found


def _resnet34(run: RunFolder) -> list[Judgement]:
    words = "Accuracy of resnet34 minus vgg16"
    return [judged_difference(row, words) for row in differences(run, [("resnet34", "vgg16")])]


def _skip_rnn(run: RunFolder) -> list[Judgement]:
    table, found = run.table("seed_intervals.csv"), []
    for _, rows in table.groupby(["task", "protocol"], sort=False) if len(table) else ():
        cells = rows.set_index("quantity")
        gap, accuracy = cells.loc["gap"], cells.loc["validation_accuracy"]
        evidence = (
            f"Over {int(gap['n_seeds'])} seeds the gap between training and validation accuracy changes by "
            f"{difference_text(gap)} (p {p_relation(gap['p_holm'])} after Holm), validation accuracy by "
            f"{difference_text(accuracy)}."
        )
        judgement = replace(judged_difference(gap, "", wanted=WORSE, over="seeds"), evidence=evidence)
        if judgement.verdict == CONFIRMED and accuracy["difference"] < 0 and accuracy["p_holm"] < LEVEL:
            judgement = replace(judgement, verdict=REFUTED)
        found.append(judgement)
    return found


def _cyclic(run: RunFolder) -> list[Judgement]:
    if run.config.get("options", {}).get("policy") not in _CYCLICAL:
        return []
    found = []
    for (task, network, protocol, seed), curve in _trainings(run):
        if len(curve) < _FEWEST_EPOCHS:
            continue
        result = pearsonr(*(detrend(curve[name]) for name in ("learning_rate", "loss")))
        low, high = result.confidence_interval()
        evidence = (
            f"{network}, {seed}: over {len(curve)} epochs the learning rate and the training loss, without their "
            f"trends, correlate by {result.statistic:+.2f} [{low:+.2f}, {high:+.2f}]."
        )
        verdict = judged_interval(low, high)
        why = INCLUDES_ZERO if verdict == NOT_DECIDED else ""
        found.append(Judgement(task, protocol, evidence, verdict, why))
    return found


JUDGES: dict[str, Judge] = {
    "over-fits": _over_fits,
    "3s": _segments,
    "resnet34": _resnet34,
    "skip-rnn": _skip_rnn,
    "cyclic": _cyclic,
}
