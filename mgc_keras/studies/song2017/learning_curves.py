"""From the folds of a fine-tuning to tables: which epoch counts, how good it was, how soon a level was reached."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError

# The study's question, fixed before any score is seen: the first minus the second.
STARTS = ("transfer", "random-start")
# Which epoch of a fold is quoted. Only "validation" leaves the test clips out of the choice.
EPOCH_RULES = ("best", "last", "validation")
SHARE = 0.9
CURVE_KEYS = ["start", "seed", "repetition", "fold"]


def chosen_epoch(curve: pd.DataFrame, rule: str) -> int:
    """Return the epoch (counted from 1) of a fold's curve that a rule quotes.

    Parameters
    ----------
    curve : pd.DataFrame
        One row an epoch: validation_accuracy, validation_loss, test_accuracy.
    rule : {"best", "last", "validation"}
        "best": the highest test accuracy, the earliest among equals; the test clips choose. "last": the last epoch.
        "validation": the highest validation accuracy, among equals the lowest validation loss.

    Raises
    ------
    OptionError
        There is no such rule, or "validation" has no validation clips.

    Example
    -------
    >>> chosen_epoch(pd.DataFrame({"test_accuracy": [0.5, 0.7, 0.6]}), "best")
    2
    """
    checked_choice("epoch", rule, EPOCH_RULES)
    if rule == "last":
        return len(curve)
    if rule == "best":
        return int(curve["test_accuracy"].to_numpy().argmax()) + 1
    accuracy, loss = curve["validation_accuracy"].to_numpy(), curve["validation_loss"].to_numpy()
    if not np.isfinite(accuracy).all():
        cure = "use the corrected protocol's folds"
        raise OptionError("has no validation clips to choose by", field="epoch", cure=cure)
    return int(np.lexsort((loss, -accuracy))[0]) + 1


def epochs_to(accuracies: Sequence[float] | np.ndarray, level: float) -> float:
    """Return the first epoch (counted from 1) at which a curve reaches a level; NaN if it never does."""
    reached = np.asarray(accuracies, float) >= level - 1e-12
    return float(reached.argmax() + 1) if reached.any() else float("nan")


def epochs_to_share(accuracies: Sequence[float] | np.ndarray) -> float:
    """Return the first epoch at which a curve reaches 90 % of what it has at its last epoch.

    Example
    -------
    >>> epochs_to_share([0.2, 0.6, 0.4, 0.6])
    2.0
    """
    accuracies = np.asarray(accuracies, float)
    return epochs_to(accuracies, SHARE * accuracies[-1])


def read_curves(folders: dict[int, Path]) -> pd.DataFrame:
    """Read every fold's curve from the folders, one a seed, that `cross_validate` filled.

    Returns
    -------
    pd.DataFrame
        start, seed, repetition, fold, then the curve's columns: one row an epoch of a fold.
    """
    tables = {}
    for start in STARTS:
        for seed, folder in folders.items():
            for path in sorted((folder / start).glob("*_curve.csv")):
                repetition, fold = map(int, re.findall(r"\d+", path.stem))
                tables[start, seed, repetition, fold] = pd.read_csv(path)
    return pd.concat(tables, names=CURVE_KEYS).reset_index(CURVE_KEYS).reset_index(drop=True)


def fold_table(curves: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Sum up every fold.

    Returns
    -------
    pd.DataFrame
        start, seed, repetition, fold, epoch (the one that the rule quotes), accuracy (of the test clips then),
        last_accuracy, epochs_to_90 (the first epoch with 90 % of the last epoch's test accuracy).
    """
    rows = []
    for keys, curve in curves.groupby(CURVE_KEYS, sort=False):
        tested = curve["test_accuracy"].to_numpy()
        epoch = chosen_epoch(curve, rule)
        row = dict(zip(CURVE_KEYS, keys)) | {"epoch": epoch, "accuracy": tested[epoch - 1]}
        rows.append(row | {"last_accuracy": tested[-1], "epochs_to_90": epochs_to_share(tested)})
    return pd.DataFrame(rows)
