"""Does one network over-fit less than another? Accuracies on training and validation clips, over seeds."""

from collections.abc import Sequence
from dataclasses import astuple

import pandas as pd

from mgc_keras.evaluation.fold_tests import seed_interval
from mgc_keras.evaluation.paired import holm

# What is compared: training accuracy minus validation accuracy is the gap that over-fitting opens.
QUANTITIES = ("training_accuracy", "validation_accuracy", "gap")
_COLUMNS = "task protocol quantity mean_a mean_b difference ci_low ci_high p_value n_seeds".split()


def overfitting_over_seeds(
    seeds: pd.DataFrame, network_a: str, network_b: str, quantities: Sequence[str] = QUANTITIES
) -> pd.DataFrame:
    """Compare two networks that were trained with the same seeds on the same clips.

    Parameters
    ----------
    seeds : pd.DataFrame
        Columns task, protocol, network, seed, training_accuracy, validation_accuracy: one row a training.
    network_a, network_b : str
    quantities : sequence of str
        "gap", and columns of `seeds`.

    Returns
    -------
    pd.DataFrame
        One row a task, protocol and quantity: mean_a, mean_b, difference (a minus b), ci_low, ci_high,
        p_value, p_holm (over all rows of a protocol), n_seeds. No row where fewer than two seeds were run.

    Raises
    ------
    KeyError
        A column is missing.
    """
    seeds = seeds.assign(gap=seeds["training_accuracy"] - seeds["validation_accuracy"])
    rows = []
    for (task, protocol), cell in seeds.groupby(["task", "protocol"], sort=False):
        wide = cell.pivot(index="seed", columns="network", values=list(quantities))
        if not {network_a, network_b} <= set(cell["network"]):
            continue
        for quantity in quantities:
            pairs = wide[quantity][[network_a, network_b]].dropna()
            if len(pairs) < 2:
                continue
            means = pairs[network_a].mean(), pairs[network_b].mean()
            found = seed_interval((pairs[network_a] - pairs[network_b]).to_numpy())
            rows.append((task, protocol, quantity, *means, *astuple(found), len(pairs)))
    table = pd.DataFrame(rows, columns=_COLUMNS if rows else None)
    if len(table):
        table["p_holm"] = table.groupby("protocol")["p_value"].transform(lambda values: holm(values.to_numpy()))
    return table
