"""From the folds of a fine-tuning to tables: which epoch counts, how good it was, how soon a level was reached."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError, OptionError

# Which epoch of a fold is quoted. Only "validation" leaves the test clips out of the choice.
EPOCH_RULES = ("best", "last", "validation")
SHARE = 0.9
CURVE_KEYS = ("start", "seed", "repetition", "fold")


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
    if rule not in EPOCH_RULES:
        raise OptionError(f"there is no rule {rule!r}", field="epoch", cure=f"choose one of {', '.join(EPOCH_RULES)}")
    if rule == "last":
        return len(curve)
    if rule == "best":
        return int(curve["test_accuracy"].to_numpy().argmax()) + 1
    accuracy, loss = curve["validation_accuracy"].to_numpy(), curve["validation_loss"].to_numpy()
    if not np.isfinite(accuracy).all():
        raise OptionError(
            "has no validation clips to choose by", field="epoch", cure="use the corrected protocol's folds"
        )
    return int(np.lexsort((loss, -accuracy))[0]) + 1


def epochs_to(accuracies: Sequence[float] | np.ndarray, level: float) -> float:
    """Return the first epoch (counted from 1) at which a curve reaches a level; NaN if it never does.

    Example
    -------
    >>> epochs_to([0.2, 0.5, 0.4, 0.6], 0.5)
    2.0
    """
    reached = np.asarray(accuracies, float) >= level - 1e-12
    return float(reached.argmax() + 1) if reached.any() else float("nan")


def epochs_to_share(accuracies: Sequence[float] | np.ndarray, share: float = SHARE) -> float:
    """Return the first epoch at which a curve reaches a share of what it has at its last epoch.

    Example
    -------
    >>> epochs_to_share([0.2, 0.5, 0.4, 0.6], 0.8)
    2.0
    """
    accuracies = np.asarray(accuracies, float)
    return epochs_to(accuracies, share * accuracies[-1])


def read_curves(folders: dict[int, Path], starts: Sequence[str]) -> pd.DataFrame:
    """Read every fold's curve.

    Parameters
    ----------
    folders : dict of int to Path
        For each seed the folder that `mgc_keras.studies.song2017.finetuning.cross_validate` filled.
    starts : sequence of str

    Returns
    -------
    pd.DataFrame
        start, seed, repetition, fold, then the curve's columns: one row an epoch of a fold.

    Raises
    ------
    ManifestError
        There are no curves.
    """
    tables = []
    for start in starts:
        for seed, folder in folders.items():
            for path in sorted((folder / start).glob("*_curve.csv")):
                repetition, fold = (int("".join(filter(str.isdigit, part))) for part in path.stem.split("_")[:2])
                keys = dict(zip(CURVE_KEYS, (start, seed, repetition, fold)))
                tables.append(pd.read_csv(path).assign(**keys))
    if not tables:
        raise ManifestError("no curves here", path=next(iter(folders.values())), cure="run the study again")
    table = pd.concat(tables, ignore_index=True)
    return table[[*CURVE_KEYS, *table.columns.drop(list(CURVE_KEYS))]]


def fold_table(curves: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Sum up every fold.

    Returns
    -------
    pd.DataFrame
        start, seed, repetition, fold, epoch (the one that the rule quotes), accuracy (of the test clips then),
        last_accuracy, epochs_to_90 (the first epoch with 90 % of the last epoch's test accuracy).
    """
    rows = []
    for keys, curve in curves.groupby(list(CURVE_KEYS), sort=False):
        tested = curve["test_accuracy"].to_numpy()
        epoch = chosen_epoch(curve, rule)
        row = dict(zip(CURVE_KEYS, keys)) | {"epoch": epoch, "accuracy": tested[epoch - 1]}
        rows.append(row | {"last_accuracy": tested[-1], "epochs_to_90": epochs_to_share(tested)})
    return pd.DataFrame(rows)


def chosen_predictions(folders: dict[int, Path], folds: pd.DataFrame, start: str) -> pd.DataFrame:
    """Gather what one start's networks said of their test clips at the quoted epochs.

    Parameters
    ----------
    folders : dict of int to Path
        As in `read_curves`.
    folds : pd.DataFrame
        From `fold_table`.
    start : str

    Returns
    -------
    pd.DataFrame
        clip_id, fold (counted through all seeds and repetitions), truth, prediction: a clip occurs once a repetition.
    """
    tables = []
    chosen = folds[folds["start"] == start].sort_values(["seed", "repetition", "fold"])
    for number, row in enumerate(chosen.itertuples()):
        path = folders[row.seed] / start / f"repetition{row.repetition:02d}_fold{row.fold:02d}_predictions.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        columns = {"clip_id": table["clip_id"], "fold": number, "truth": table["truth"]}
        tables.append(pd.DataFrame({**columns, "prediction": table[f"epoch_{row.epoch}"]}))
    return pd.concat(tables, ignore_index=True)
