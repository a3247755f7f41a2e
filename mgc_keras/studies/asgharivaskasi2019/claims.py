"""The claims of Asgharivaskasi et al. (2019), judged from paired tests, seeds and training curves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from mgc_keras.reporting.tables import difference_text, p_relation
from mgc_keras.reporting.verdicts import LEVEL
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


@dataclass(frozen=True, eq=False)
class _Training:
    task: str
    network: str
    protocol: str
    seed: str
    curve: pd.DataFrame


def _trainings(run: RunFolder) -> Iterator[_Training]:
    for path in sorted(run.folder.glob("training/*/curve.csv")):
        task, network, protocol, seed = path.parent.name.split("__")
        yield _Training(task, network, protocol, seed, run.table(f"training/{path.parent.name}/curve.csv"))


def _over_fits(run: RunFolder) -> list[Judgement]:
    found = []
    for training in _trainings(run):
        curve = training.curve
        if training.network != "vgg16" or len(curve) < BORDER + AVERAGED:
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
        found.append(Judgement(training.task, training.protocol, evidence, CONFIRMED if holds else REFUTED))
    return found


def _segments(run: RunFolder) -> list[Judgement]:
    found = []
    for row in differences(run, [("vgg16-3s", "vgg16"), ("svm-3s", "svm")]):
        # No clip told the two apart: a bootstrap of such clips has no width, however few they are.
        alike = row["ci_low"] == row["ci_high"]
        inside = -COMPARABLE <= row["ci_low"] and row["ci_high"] <= COMPARABLE and not alike
        outside = row["ci_low"] > COMPARABLE or row["ci_high"] < -COMPARABLE
        verdict = CONFIRMED if inside else REFUTED if outside else NOT_DECIDED
        words = f"Accuracy of {row['feature_a']} minus {row['feature_b']}"
        evidence = f"{words} is {difference_text(row)} over {row['n_clips']} clips."
        why = "" if inside or outside else "The interval reaches across 5 points of difference."
        why = "No clip tells the two apart, so the interval says nothing." if alike else why
        found.append(Judgement(row["task"], row["protocol"], evidence, verdict, why))
    return found


def _resnet34(run: RunFolder) -> list[Judgement]:
    words = "Accuracy of resnet34 minus vgg16"
    return [judged_difference(row, words) for row in differences(run, [("resnet34", "vgg16")])]


def _skip_rnn(run: RunFolder) -> list[Judgement]:
    table, found = run.table("seed_intervals.csv"), []
    for (task, protocol), rows in table.groupby(["task", "protocol"], sort=False) if len(table) else ():
        cells = rows.set_index("quantity")
        gap, accuracy = cells.loc["gap"], cells.loc["validation_accuracy"]
        evidence = (
            f"Over {int(gap['n_seeds'])} seeds the gap between training and validation accuracy changes by "
            f"{difference_text(gap)} (p {p_relation(gap['p_holm'])} after Holm), validation accuracy by "
            f"{difference_text(accuracy)}."
        )
        if not gap["p_holm"] < LEVEL:
            why = (
                INCLUDES_ZERO
                if gap["ci_low"] <= 0 <= gap["ci_high"]
                else "After Holm's correction p is not below 0.05."
            )
            found.append(Judgement(task, protocol, evidence, NOT_DECIDED, why))
            continue
        lower = accuracy["difference"] < 0 and accuracy["p_holm"] < LEVEL
        holds = gap["difference"] < 0 and not lower
        found.append(Judgement(task, protocol, evidence, CONFIRMED if holds else REFUTED))
    return found


def _cyclic(run: RunFolder) -> list[Judgement]:
    if run.config.get("options", {}).get("policy") not in _CYCLICAL:
        return []
    found = []
    for training in _trainings(run):
        curve = training.curve
        if len(curve) < _FEWEST_EPOCHS:
            continue
        rate, loss = (_without_trend(curve[name]) for name in ("learning_rate", "loss"))
        correlation = float(np.corrcoef(rate, loss)[0, 1])
        half = norm.ppf(0.975) / np.sqrt(len(curve) - 3)
        low, high = np.tanh(np.arctanh(correlation) + np.array([-half, half]))
        evidence = (
            f"{training.network}, {training.seed}: over {len(curve)} epochs the learning rate and the training loss, "
            f"without their trends, correlate by {correlation:+.2f} [{low:+.2f}, {high:+.2f}]."
        )
        verdict = judged_interval(low, high)
        why = INCLUDES_ZERO if verdict == NOT_DECIDED else ""
        found.append(Judgement(training.task, training.protocol, evidence, verdict, why))
    return found


def _without_trend(values: pd.Series) -> np.ndarray:
    epochs = np.arange(len(values))
    return values.to_numpy() - np.polyval(np.polyfit(epochs, values.to_numpy(), 1), epochs)


JUDGES: dict[str, Judge] = {
    "over-fits": _over_fits,
    "3s": _segments,
    "resnet34": _resnet34,
    "skip-rnn": _skip_rnn,
    "cyclic": _cyclic,
}
