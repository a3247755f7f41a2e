"""Ouyang's claims (2023), judged from the paired test and the scores."""

from dataclasses import replace

from mgc_keras.reporting.tables import interval_text
from mgc_keras.runs.claims import CONFIRMED, NOT_DECIDED, REFUTED
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.claims import Judge, Judgement, differences, judged_difference
from mgc_keras.studies.ouyang2023.paper import HARD_TO_REACH


def has_random_start(run: RunFolder) -> bool:
    """Tell whether the run's InceptionV3 had no ImageNet weights."""
    no_weights = run.config.get("options", {}).get("backbone_weights") == "none"
    return no_weights and "inceptionv3" in set(run.scores["feature"])


def _scratch(run: RunFolder) -> list[Judgement]:
    words = "Accuracy of the CNN from scratch minus the frozen InceptionV3"
    found = [judged_difference(row, words) for row in differences(run, [("cnn", "inceptionv3")])]
    if has_random_start(run):
        note = "InceptionV3 had no ImageNet weights here."
        found = [replace(judgement, evidence=f"{judgement.evidence} {note}") for judgement in found]
    return found


def _hard_to_reach(run: RunFolder) -> list[Judgement]:
    found = []
    for (task, protocol), cells in run.scores.groupby(["task", "protocol"], sort=False):
        best = cells.loc[cells["score"].idxmax()]
        table = run.predictions(task, best["feature"], protocol)
        if table is None or table["truth"].nunique() != 10:
            continue
        below, above = best["ci_high"] < HARD_TO_REACH, best["ci_low"] > HARD_TO_REACH
        verdict = CONFIRMED if below else REFUTED if above else NOT_DECIDED
        why = "" if below or above else "The interval includes 80 %."
        evidence = f"The best network, {best['feature']}, has an accuracy of {interval_text(best)}."
        found.append(Judgement(task, protocol, evidence, verdict, why))
    return found


JUDGES: dict[str, Judge] = {"scratch": _scratch, "sgd": lambda run: [], "80": _hard_to_reach}
