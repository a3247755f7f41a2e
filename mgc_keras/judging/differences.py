"""Differences between two tables, or between two protocols on the same clips, with their tests and intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mgc_keras.evaluation.fold_tests import corrected_t_test
from mgc_keras.evaluation.intervals import Interval, score_interval
from mgc_keras.evaluation.metrics import accuracy
from mgc_keras.evaluation.paired import Comparison, compare, holm
from mgc_keras.judging.protocols import Protocol


@dataclass(frozen=True)
class Difference:
    """The accuracy of the first table minus that of the second under one protocol, and the test of no difference."""

    protocol: str
    title: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float
    p_holm: float
    test: str
    strictness: int = 0


def differences(plans: list[Protocol], predictions: pd.DataFrame, units: np.ndarray) -> tuple[Difference, ...]:
    """Test two tables against each other on the same splits; p-values are adjusted for the number of protocols.

    `predictions` has the columns protocol, repeat, fold, row, truth, prediction and prediction_against; `units`
    (n_rows,) int numbers what is independent.
    """
    found = []
    for plan in plans:
        part = predictions[predictions["protocol"] == plan.key]
        truth = part["truth"].to_numpy(str)
        pair = part["prediction"].to_numpy(str), part["prediction_against"].to_numpy(str)
        right = part.assign(first=truth == pair[0], second=truth == pair[1])
        first, second = float(right["first"].mean()), float(right["second"].mean())
        if len(plan.splits) > 1:
            # Splits count alike in the test, so in what it compares.
            by_split = right.groupby(["repeat", "fold"], sort=False)[["first", "second"]].mean()
            first, second = map(float, by_split.mean())
            outcome = corrected_t_test(
                (by_split["first"] - by_split["second"]).to_numpy(), plan.test_share, largest=1.0
            )
            test = "corrected resampled t, means of splits"
        else:
            rows = part["row"].to_numpy(int)
            outcome, test = compared(truth, *pair, units[rows], rows)
        found.append(difference_of(plan.key, plan.title, first, second, outcome, test, plan.strictness))
    return adjusted(found)


def interval_of(truth: np.ndarray, prediction: np.ndarray, units: np.ndarray, rows: np.ndarray) -> Interval:
    """Return the accuracy of tests with its interval.

    Tests of one of the `units` (n_tests,) are no independent evidence; those of one of the `rows` (n_tests,), which
    stand for several repeats, are no new clips.
    """
    n_units = len(set(units.tolist()))
    if n_units < 2:
        return Interval(accuracy(truth, prediction), math.nan, math.nan)
    if n_units == len(units):
        return score_interval(truth, prediction)
    return score_interval(truth, prediction, groups=units, clips=rows)


def compared(
    truth: np.ndarray, first: np.ndarray, second: np.ndarray, units: np.ndarray, rows: np.ndarray
) -> tuple[Comparison, str]:
    """Test two predictions of the same clips against each other; return what came out, and the name of the test."""
    n_units = len(set(units.tolist()))
    if n_units < 2:
        difference = accuracy(truth, first) - accuracy(truth, second)
        return Comparison(difference, math.nan, math.nan, 1.0), "none: all clips belong together"
    if n_units < len(units):
        return compare(truth, first, second, groups=units, clips=rows), "swaps by group"
    return compare(truth, first, second), "McNemar, exact"


def difference_of(
    key: str, title: str, first: float, second: float, outcome: Comparison, test: str, strictness: int
) -> Difference:
    """Return a difference before its p-value is adjusted."""
    ends = outcome.difference, outcome.low, outcome.high, outcome.p_value
    return Difference(key, title, first, second, *ends, outcome.p_value, test, strictness)


def adjusted(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Correct the p-values of several differences by Holm's procedure."""
    p_values = holm(np.array([each.p_value for each in differences]))
    return tuple(replace(each, p_holm=float(p)) for each, p in zip(differences, p_values))


def against_random(plans: list[Protocol], predictions: pd.DataFrame, units: np.ndarray) -> tuple[Difference, ...]:
    """Compare each given split with random splits of its clips, on the clips that the given one tests.

    A random split tests other clips, which may be easier; so each of its tests of a clip of the given test part is
    held against what the given split says of that clip. `first` is the random one. Tests of one clip, artist or
    recording count together.
    """
    titles, found = {plan.key: plan for plan in plans}, []
    for key in [plan.key for plan in plans if f"{plan.key}_random" in titles]:
        given = predictions[predictions["protocol"] == key].set_index("row")["prediction"]
        drawn = predictions[predictions["protocol"] == f"{key}_random"]
        drawn = drawn[drawn["row"].isin(given.index)]
        if not len(drawn):
            continue
        truth, rows = drawn["truth"].to_numpy(str), drawn["row"].to_numpy(int)
        pair = drawn["prediction"].to_numpy(str), given.loc[rows].to_numpy(str)
        outcome, test = compared(truth, *pair, units[rows], rows)
        ends = accuracy(truth, pair[0]), accuracy(truth, pair[1])
        found.append(difference_of(key, titles[key].title, *ends, outcome, test, titles[key].strictness))
    return tuple(found)
