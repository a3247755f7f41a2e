"""What each repair is worth: the corrected protocol against the same without it, on the clips that both test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.evaluation.metrics import score
from mgc_keras.evaluation.paired import holm
from mgc_keras.protocols import CORRECTED, repair_left_out
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.summary import columns_for, compare_tables, groups_of
from mgc_keras.runs.writer import write_table
from mgc_keras.studies.common.claims import study_of


def write_repairs(run_folder: str | Path) -> pd.DataFrame:
    """Compare predictions with and without each repair that ``--without`` named, and write ``repairs.csv``.

    Of the features those are taken that the study compares (``comparisons.csv``), or all where it compares none.
    Nothing is written where there is nothing to compare: no repair was left out, or none of its clips is tested both
    ways, or all of them are one artist's.

    Returns
    -------
    pd.DataFrame
        A row a task, feature and repair: task, feature, repair, corrected and without (scores over all clips that both
        test), and the columns of ``comparisons.csv`` from metric to test, of corrected minus without; p_holm corrects
        for all rows.
    """
    run = RunFolder(Path(run_folder))
    table = pd.DataFrame(_compared(run))
    if len(table):
        table.insert(table.columns.get_loc("p_value") + 1, "p_holm", holm(table["p_value"].to_numpy()))
        write_table(table, run.folder / "repairs.csv")
    return table


def _compared(run: RunFolder) -> Iterator[dict[str, Any]]:
    grouped = study_of(run).protocol(CORRECTED).keeps_artists_together
    planned = {*run.comparisons["feature_a"], *run.comparisons["feature_b"]}
    for cell in run.scores.itertuples():
        repair = repair_left_out(cell.protocol)
        if not repair or cell.metric not in ("accuracy", "r2") or (planned and cell.feature not in planned):
            continue
        found = [run.predictions(cell.task, cell.feature, name) for name in (CORRECTED, cell.protocol)]
        tables = [table for table in found if table is not None]
        if len(tables) < 2:
            continue
        once = all(table["clip_id"].is_unique for table in tables)
        keys = ["clip_id"] if once else ["clip_id", "fold"]
        both = tables[0][keys].merge(tables[1][keys])
        tables = [table.merge(both) for table in tables]
        units = groups_of(tables[0]) if grouped and "group" in tables[0] else tables[0]["clip_id"]
        if len(set(units)) < 2:
            continue
        corrected, without = (score(*columns_for(table, cell.metric), cell.metric) for table in tables)
        compared = compare_tables(tables[0], tables[1], cell.metric, grouped=grouped)
        cells = {"task": cell.task, "feature": cell.feature, "repair": repair}
        yield {**cells, "corrected": corrected, "without": without, **compared}
