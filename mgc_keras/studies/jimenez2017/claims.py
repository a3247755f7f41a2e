"""The claims of Jiménez and José (2017), judged from paired tests and training curves."""

import pandas as pd

from mgc_keras.evaluation.fold_tests import corrected_t_test
from mgc_keras.reporting.tables import change_text
from mgc_keras.runs.claims import NOT_DECIDED
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.claims import (
    INCLUDES_ZERO,
    Judge,
    Judgement,
    differences,
    judged_difference,
    judged_interval,
)
from mgc_keras.studies.jimenez2017.votes import AVERAGES, CENTRE, WAYS

SUB_RUNS = {"extractor": "new classifier on frozen layers", "finetune": "fine-tuned"}


def _over_fits(run: RunFolder) -> list[Judgement]:
    rows = []
    for path in sorted(run.folder.glob("training/*__fold*/curve.csv")):
        task, sub_run, protocol, fold = path.parent.name.split("__")
        last = run.table(f"training/{path.parent.name}/curve.csv").iloc[-1]
        gap = last["training_accuracy"] - last["validation_accuracy"]
        rows.append({"task": task, "protocol": protocol, "fold": fold, "sub_run": sub_run, "gap": gap})
    found = []
    for (task, protocol), part in pd.DataFrame(rows).groupby(["task", "protocol"], sort=False) if rows else ():
        wide = part.pivot(index="fold", columns="sub_run", values="gap")
        if not set(SUB_RUNS) <= set(wide):
            continue
        change = (wide["finetune"] - wide["extractor"]).dropna()
        text = "The gap between training and validation accuracy, fine-tuned minus new classifier alone, is"
        if len(change) < 2:
            evidence = f"{text} {change.mean():+.3f} on one split."
            found.append(Judgement(task, protocol, evidence, NOT_DECIDED, "One split has no interval."))
            continue
        test = corrected_t_test(change.to_numpy(), 1 / (len(change) - 1), largest=2.0)
        evidence = f"{text} {change_text(test.difference, test.low, test.high)} over {len(change)} folds."
        verdict = judged_interval(test.low, test.high)
        found.append(Judgement(task, protocol, evidence, verdict, INCLUDES_ZERO if verdict == NOT_DECIDED else ""))
    return found


def _frames(run: RunFolder) -> list[Judgement]:
    found = []
    for sub_run, name in SUB_RUNS.items():
        for way in AVERAGES:
            words = f"{name.capitalize()}, {WAYS[way]}: accuracy minus that of the centre excerpt"
            pair = (f"{sub_run}-{way}", f"{sub_run}-{CENTRE}")
            found += [judged_difference(row, words, over=f"{row['n_clips']} songs") for row in differences(run, [pair])]
    return found


# No sub-run trains from scratch.
JUDGES: dict[str, Judge] = {"over-fits": _over_fits, "frames": _frames, "scratch": lambda run: []}
