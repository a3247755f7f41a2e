"""What a run says of its paper's claims: each study's judges, and the ``claims.csv`` that they fill."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.discovery import names_by_study
from mgc_keras.reporting.tables import difference_text, p_relation
from mgc_keras.reporting.verdicts import BETTER, comparison_verdict
from mgc_keras.runs.claims import CONFIRMED, NOT_DECIDED, REFUTED, ClaimRow, write_claim_rows
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.common.study import Study, study_named

INCLUDES_ZERO = "The interval includes 0."


@dataclass(frozen=True)
class Judgement:
    """What a judge says of a claim on one task under one protocol; fields as in `mgc_keras.runs.claims.ClaimRow`."""

    task: str
    protocol: str
    evidence: str
    verdict: str
    why: str = ""


# No judgement where the run holds nothing to judge by.
Judge = Callable[[RunFolder], list[Judgement]]


def write_claims(run_folder: str | Path) -> list[ClaimRow]:
    """Judge every claim of a run's paper from the run's saved files, and write ``claims.csv``.

    The rows stand in the order of the paper's claims; a claim that nothing in the run speaks of has one that says what
    is missing. Raises `OptionError` where there are no scores, no such study, or a file that cannot be read.
    """
    run = RunFolder(Path(run_folder))
    paper, judges = study_of(run).paper, module_of(run, "claims")
    rows = []
    for claim in paper.claims if paper and judges else ():
        missing = Judgement("", "", "", NOT_DECIDED, f"This run holds no {claim.needs}.")
        rows += [
            ClaimRow(claim.key, claim.sentence, **vars(found)) for found in judges.JUDGES[claim.key](run) or [missing]
        ]
    write_claim_rows(rows, run.folder)
    return rows


def study_of(run: RunFolder) -> Study:
    """Return the study that made a run, or raise `OptionError` where there is no such study."""
    return study_named(str(run.scores["study"].iloc[0]), field="study", path=run.folder / "scores.csv")


def module_of(run: RunFolder, name: str) -> Any:
    """Return a module ("report", "claims") of the study that made a run, or None where the study has none."""
    module = names_by_study(name).get(study_of(run).key)
    return import_module(module) if module else None


def differences(run: RunFolder, pairs: Iterable[tuple[str, str]], metric: str = "accuracy") -> Iterator[pd.Series]:
    """Yield the rows of ``comparisons.csv`` for these pairs of features, under every protocol."""
    wanted = set(pairs)
    for _, row in run.comparisons.iterrows():
        if (row["feature_a"], row["feature_b"]) in wanted and row["metric"] == metric:
            yield row


def judged_difference(row: pd.Series, words: str, *, wanted: str = BETTER, unit: str = "", over: str = "") -> Judgement:
    """Judge a claim by a planned difference: decided where p after Holm's correction is below 0.05.

    Parameters
    ----------
    row : pd.Series
        task, protocol, difference, ci_low, ci_high, p_holm and, unless the greater is the better, metric.
    words, unit : str
        What differs, for instance "Accuracy of resnet34 minus vgg16", and its unit.
    wanted : {"better", "worse"}
        The first feature's verdict that confirms the claim.
    over : str
        What it was measured on; by default the row's number of clips.
    """
    verdict, why = comparison_verdict(row), ""
    if verdict == NOT_DECIDED:
        includes_zero = row["ci_low"] <= 0 <= row["ci_high"]
        why = INCLUDES_ZERO if includes_zero else "After Holm's correction p is not below 0.05."
    else:
        verdict = CONFIRMED if verdict == wanted else REFUTED
    over = over or f"{row['n_clips']} clips"
    evidence = f"{words} is {difference_text(row)}{unit} over {over}, p {p_relation(row['p_holm'])} after Holm."
    return Judgement(row["task"], row["protocol"], evidence, verdict, why)


def judged_interval(low: float, high: float, *, wanted: int = 1) -> str:
    """Return the verdict of an interval of a difference whose sign the claim says (`wanted`: 1 or -1).

    Example
    -------
    >>> judged_interval(0.1, 0.3), judged_interval(0.1, 0.3, wanted=-1), judged_interval(-0.1, 0.3)
    ('confirmed', 'refuted', 'not decided')
    """
    if low > 0 or high < 0:
        return CONFIRMED if (low > 0) == (wanted > 0) else REFUTED
    return NOT_DECIDED
