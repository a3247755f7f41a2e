"""What each repair is worth: the corrected protocol against the same without it, on the clips that both test."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from mgc_keras.evaluation.metrics import score
from mgc_keras.evaluation.paired import holm
from mgc_keras.protocols import CORRECTED, repair_left_out
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.summary import columns_for, compare_tables
from mgc_keras.runs.writer import write_table
from mgc_keras.studies.common.claims import study_of


@dataclass(frozen=True)
class RepairRow:
    """A row of ``repairs.csv``: a feature's score with all repairs, and without one, on the same clips.

    Parameters
    ----------
    corrected, without, difference, ci_low, ci_high : float
        Scores over all clips together, corrected minus without, and the ends of its 95 % interval.
    p_value, p_holm : float
        By itself, and corrected for all rows.
    n_clips : int
        Predictions that both have; where a repair moves clips from one side to the other, these are not all.
    """

    task: str
    feature: str
    repair: str
    metric: str
    corrected: float
    without: float
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float
    n_clips: int
    test: str


def write_repairs(run_folder: str | Path) -> list[RepairRow]:
    """Compare predictions with and without each repair that ``--without`` named, and write ``repairs.csv``.

    Of the features those are taken that the study compares (``comparisons.csv``), or all where it compares none.
    Nothing is written where no repair was left out.
    """
    run = RunFolder(Path(run_folder))
    rows = list(_compared(run))
    if not rows:
        return []
    adjusted = holm(pd.Series([row.p_value for row in rows]).to_numpy())
    table = pd.DataFrame(map(asdict, rows)).assign(p_holm=adjusted)
    write_table(table, run.folder / "repairs.csv")
    return [RepairRow(**row) for row in table.to_dict("records")]


def _compared(run: RunFolder) -> Iterator[RepairRow]:
    grouped = study_of(run).protocol(CORRECTED).keeps_artists_together
    planned = {*run.comparisons["feature_a"], *run.comparisons["feature_b"]}
    for cell in run.scores.itertuples():
        repair = repair_left_out(cell.protocol)
        if not repair or cell.metric not in ("accuracy", "r2") or (planned and cell.feature not in planned):
            continue
        with_it = run.predictions(cell.task, cell.feature, CORRECTED)
        without = run.predictions(cell.task, cell.feature, cell.protocol)
        if with_it is None or without is None:
            continue
        once = with_it["clip_id"].is_unique and without["clip_id"].is_unique
        keys = ["clip_id"] if once else ["clip_id", "fold"]
        both = with_it[keys].merge(without[keys])
        with_it, without = with_it.merge(both), without.merge(both)
        if with_it["clip_id"].nunique() < 2:
            continue
        corrected, left_out = (score(*columns_for(table, cell.metric), cell.metric) for table in (with_it, without))
        found = compare_tables(with_it.assign(fold=0), without.assign(fold=0), cell.metric, grouped=grouped)
        names = {"task": cell.task, "feature": cell.feature, "repair": repair, "p_holm": found["p_value"]}
        yield RepairRow(**names, corrected=corrected, without=left_out, **found)
