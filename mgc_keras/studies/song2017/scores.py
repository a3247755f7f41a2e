"""Scores and comparisons of a fine-tuning from several starts, made from the tables that its folds left."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.evaluation.fold_tests import corrected_t_test, seed_interval
from mgc_keras.evaluation.paired import compare, holm
from mgc_keras.protocols import ARTISTS_TOGETHER, Protocol
from mgc_keras.runs.rows import ComparisonRow, ScoreRow
from mgc_keras.runs.summary import columns_for, groups_of, score_row
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.song2017.learning_curves import CURVE_KEYS, SHARE, STARTS, epochs_to, fold_table, read_curves
from mgc_keras.studies.song2017.paper import PAPER

# Each with the largest difference that there can be.
QUANTITIES = {"accuracy": 1.0, "epochs_to_90": math.inf}


@dataclass(frozen=True, eq=False)
class FineTuned:
    """A finished fine-tuning of one task under one protocol.

    Parameters
    ----------
    task : StudyTask
        As the protocol saw it.
    protocol : Protocol
    folders : dict of int to Path
        For each seed the folder that `mgc_keras.studies.song2017.finetuning.cross_validate` filled.
    rule : {"best", "last", "validation"}
        Which epoch of a fold is quoted: see `mgc_keras.studies.song2017.learning_curves.chosen_epoch`.
    """

    task: StudyTask
    protocol: Protocol
    folders: dict[int, Path]
    rule: str


@dataclass(frozen=True, eq=False)
class TransferScores:
    """What one fine-tuning came to; `tables`: curves, folds, levels, seeds, seed_intervals, by file name."""

    scores: list[ScoreRow]
    comparisons: list[ComparisonRow]
    tables: dict[str, pd.DataFrame]


def score_transfer(tuned: FineTuned, writer: RunWriter, *, seed: int = 0) -> TransferScores:
    """Score both starts, save their predictions, and compare them over folds and over seeds.

    Parameters
    ----------
    tuned : FineTuned
    writer : RunWriter
        Takes the predictions at the quoted epochs; ``fold`` counts through all seeds and repetitions.
    seed : int
        Of the sign swaps.
    """
    task, protocol = tuned.task.name, tuned.protocol.name
    curves = read_curves(tuned.folders)
    folds = fold_table(curves, tuned.rule)
    predictions = {start: _predictions(tuned, folds, start) for start in STARTS}
    scores = []
    for start, table in predictions.items():
        writer.predictions(task, start, protocol, table)
        published = PAPER.printed(task).get(start)
        row = score_row(PAPER.key, task, start, protocol, "accuracy", table, grouped=True, published=published)
        scores.append(replace(row, n_clips=table["clip_id"].nunique()))
    comparisons = _over_folds(tuned, folds, predictions, seed)
    means = folds.groupby(["start", "seed"], sort=False)[["accuracy", "last_accuracy", "epochs_to_90"]].mean()
    seeds = means.reset_index()
    tables = {"curves": curves, "folds": folds, "levels": _levels(curves, folds)}
    tables |= {"seeds": seeds, "seed_intervals": _over_seeds(seeds)}
    for table in tables.values():
        table.insert(0, "task", task)
        table.insert(1, "protocol", protocol)
    return TransferScores(scores, comparisons, tables)


def _predictions(tuned: FineTuned, folds: pd.DataFrame, start: str) -> pd.DataFrame:
    """All predictions of a start at the quoted epochs; a clip occurs once a repetition.

    A clip without a known artist is a group of its own, its repetitions together.
    """
    tables = []
    chosen = folds[folds["start"] == start].sort_values(CURVE_KEYS)
    for number, row in enumerate(chosen.itertuples()):
        stem = f"repetition{row.repetition:02d}_fold{row.fold:02d}"
        path = tuned.folders[row.seed] / start / f"{stem}_predictions.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        tables.append(table.assign(fold=number, prediction=table[f"epoch_{row.epoch}"]))
    found = pd.concat(tables, ignore_index=True)[["clip_id", "fold", "truth", "prediction"]]
    groups, artist = tuned.task.groups, {}
    if groups is not None and tuned.protocol.mends(ARTISTS_TOGETHER):
        artist = dict(zip(tuned.task.clip_ids, groups))
    return found.assign(group=found["clip_id"].map(artist).fillna(""))


def _over_folds(
    tuned: FineTuned, folds: pd.DataFrame, predictions: dict[str, pd.DataFrame], seed: int
) -> list[ComparisonRow]:
    n_folds, n_clips = len(folds) // len(STARTS), predictions[STARTS[0]]["clip_id"].nunique()
    n_test = len(predictions[STARTS[0]]) / n_folds
    found = {}
    if n_folds > 1:
        for quantity, largest in QUANTITIES.items():
            wide = folds.pivot(index=CURVE_KEYS[1:], columns="start", values=quantity)
            differences = (wide[STARTS[0]] - wide[STARTS[1]]).to_numpy(np.float64)
            found[quantity] = corrected_t_test(differences, n_test / (len(tuned.task) - n_test), largest=largest)
    else:
        # One test part, trained once: only its clips can tell by how much chance may differ.
        (truth, first), (_, second) = (columns_for(predictions[start], "accuracy") for start in STARTS)
        found["accuracy"] = compare(truth, first, second, groups=groups_of(predictions[STARTS[0]]), seed=seed)
    name = "corrected resampled t" if n_folds > 1 else "swaps of groups (artists, else clips)"
    adjusted = holm(np.array([test.p_value for test in found.values()]))
    rows = []
    for (quantity, test), p_holm in zip(found.items(), adjusted):
        cell = (tuned.task.name, tuned.protocol.name, *STARTS, quantity)
        ends = (test.difference, test.low, test.high, test.p_value, float(p_holm))
        rows.append(ComparisonRow(*cell, *ends, n_clips, name))
    return rows


def _over_seeds(seeds: pd.DataFrame) -> pd.DataFrame:
    """One row a quantity: both means, their difference over seeds with its t-interval and p; empty for one seed."""
    rows, n_seeds = [], seeds["seed"].nunique()
    for quantity, largest in QUANTITIES.items() if n_seeds > 1 else ():
        wide = seeds.pivot(index="seed", columns="start", values=quantity)
        interval = seed_interval((wide[STARTS[0]] - wide[STARTS[1]]).to_numpy(), largest=largest)
        means = {start: wide[start].mean() for start in STARTS}
        ends = {"ci_low": interval.low, "ci_high": interval.high, "p_value": interval.p_value}
        rows.append({"quantity": quantity, "n_seeds": n_seeds, **means, "difference": interval.difference, **ends})
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p_value"].to_numpy())) if rows else table


def _levels(curves: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """For each start: mean last accuracy, mean epochs to 90 % of it, epochs of the mean curve to a level for both."""
    mean = curves.groupby(["start", "epoch"], sort=False)["test_accuracy"].mean()
    level = SHARE * mean[STARTS[1]].iloc[-1]
    rows = []
    for start in STARTS:
        own = folds[folds["start"] == start]
        quantities = {name: own[name].mean() for name in ("accuracy", "last_accuracy", "epochs_to_90")}
        reached = epochs_to(mean[start].to_numpy(), level)
        rows.append({"start": start, **quantities, "level": level, "epochs_to_level": reached})
    return pd.DataFrame(rows)
