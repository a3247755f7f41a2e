"""Song et al.'s claims (2017), judged from paired tests over folds, intervals over seeds, and learning curves."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mgc_keras.evaluation.fold_tests import corrected_t_test
from mgc_keras.reporting.tables import change_text
from mgc_keras.reporting.verdicts import BETTER
from mgc_keras.runs.claims import NOT_DECIDED
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.claims import INCLUDES_ZERO, Judge, Judgement, judged_difference, judged_interval
from mgc_keras.studies.song2017.learning_curves import STARTS, epochs_to_share

# The paper's curves are level after about so many epochs.
STABLE_AFTER = 100


def _accuracy(run: RunFolder) -> list[Judgement]:
    words = "Accuracy of transfer minus random start"
    return [judged_difference(row, words, wanted=BETTER, over=row["units"]) for row in _evidence(run, "accuracy")]


def _epochs(run: RunFolder) -> list[Judgement]:
    words = "The number of epochs to 90 % of the last test accuracy, transfer minus random start,"
    levels, curves = run.table("levels.csv"), run.table("curves.csv")
    found = []
    for row in _evidence(run, "epochs_to_90"):
        means = "; ".join(
            f"{level.start} {level.epochs_to_90:.1f}"
            for level in levels.itertuples()
            if (level.task, level.protocol) == (row["task"], row["protocol"])
        )
        over = f"{row['units']} (means: {means})" if means else row["units"]
        judgement = judged_difference(row, words, wanted=BETTER, unit=" epochs", over=over)
        if len(curves) and (n_epochs := int(curves["epoch"].max())) < STABLE_AFTER:
            note = f"{n_epochs} epochs were trained, which say nothing of {STABLE_AFTER}."
            judgement = replace(judgement, evidence=f"{judgement.evidence} {note}")
        found.append(judgement)
    return found


def _folds(run: RunFolder) -> list[Judgement]:
    curves = run.table("curves.csv")
    found = []
    for (task, protocol), part in curves.groupby(["task", "protocol"], sort=False) if len(curves) else ():
        epochs = part.groupby(["seed", "repetition", "fold", "start"])["training_accuracy"].agg(epochs_to_share)
        wide = epochs.unstack("start")
        if len(wide) < 2 or not set(STARTS) <= set(wide):
            continue
        # In k folds there is one test clip for each k - 1 training clips; a single fold held out is taken as half.
        test_share = 1 / max(1, part["fold"].nunique() - 1)
        test = corrected_t_test((wide[STARTS[0]] - wide[STARTS[1]]).to_numpy(np.float64), test_share)
        sooner = int((wide[STARTS[0]] < wide[STARTS[1]]).sum())
        evidence = (
            f"In {sooner} of {len(wide)} folds the training accuracy comes to 90 % of its last value sooner after "
            f"pre-training; the difference is {change_text(test.difference, test.low, test.high)} epochs."
        )
        verdict = judged_interval(test.low, test.high, wanted=-1)
        found.append(Judgement(task, protocol, evidence, verdict, INCLUDES_ZERO if verdict == NOT_DECIDED else ""))
    return found


def _evidence(run: RunFolder, quantity: str) -> list[pd.Series]:
    """Return a row a task and protocol: over seeds where there are several, else over folds."""
    rows = run.table("seed_intervals.csv")
    if len(rows):
        rows = rows.rename(columns={"quantity": "metric"})
        rows = rows.assign(units=rows["n_seeds"].astype(str) + " seeds (the same clips)")
    else:
        rows = run.comparisons.assign(units="folds")
    return [row for _, row in rows[rows["metric"] == quantity].iterrows()]


JUDGES: dict[str, Judge] = {"accuracy": _accuracy, "epochs": _epochs, "folds": _folds}
