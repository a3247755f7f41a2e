"""Over-fitting over seeds, against SciPy's paired t-test."""

import numpy as np
import pandas as pd
from scipy.stats import ttest_rel

from mgc_keras.evaluation.fold_tests import overfitting_over_seeds


def seeds_table(n_seeds):
    rng = np.random.default_rng(0)
    rows = [
        {
            "task": "genre",
            "protocol": "corrected",
            "network": name,
            "seed": seed,
            "training_accuracy": 0.9 - 0.1 * (name == "skip-rnn") + 0.05 * rng.random(),
            "validation_accuracy": 0.5 + 0.1 * rng.random(),
        }
        for seed in range(n_seeds)
        for name in ("rnn", "skip-rnn")
    ]
    return pd.DataFrame(rows)


def test_differences_and_p_values_are_those_of_a_paired_t_test():
    table = seeds_table(5)
    found = overfitting_over_seeds(table, "skip-rnn", "rnn").set_index("quantity")
    gap = table.assign(gap=table.training_accuracy - table.validation_accuracy)
    for quantity in ("training_accuracy", "validation_accuracy", "gap"):
        a, b = (gap[gap.network == name][quantity].to_numpy() for name in ("skip-rnn", "rnn"))
        test = ttest_rel(a, b)
        assert np.isclose(found.loc[quantity, "difference"], (a - b).mean())
        assert np.isclose(found.loc[quantity, "p_value"], test.pvalue)
        low, high = test.confidence_interval()
        assert np.allclose(found.loc[quantity, ["ci_low", "ci_high"]].astype(float), [low, high])
    assert (found["p_holm"] >= found["p_value"]).all() and found["n_seeds"].eq(5).all()


def test_nothing_is_said_of_one_seed_or_one_network():
    assert overfitting_over_seeds(seeds_table(1), "skip-rnn", "rnn").empty
    alone = seeds_table(3).query("network == 'rnn'")
    assert overfitting_over_seeds(alone, "skip-rnn", "rnn").empty
