"""Rows of scores.csv and comparisons.csv from predictions."""

import numpy as np
import pandas as pd
import pytest
from run_example import GROUPED, WEIGHTINGS, arousal_predictions, genre_predictions, write_example_run
from scipy.stats import binomtest
from sklearn.metrics import r2_score

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.paired import holm
from mgc_keras.runs.rows import COMPARISON_COLUMNS, SCORE_COLUMNS
from mgc_keras.runs.summary import compare_features, compare_tables, groups_of, score_row
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.choi2017.feature_sets import planned_pairs


def test_a_score_row_has_the_columns_in_order():
    table = genre_predictions("12", "published")
    row = score_row("choi2017", "gtzan", "12", "published", "accuracy", table, weighting="size", published=0.8)
    assert tuple(vars(row)) == SCORE_COLUMNS
    assert row.score == pytest.approx(np.mean(table["truth"] == table["prediction"]))
    assert row.ci_low < row.score < row.ci_high
    assert (row.published, row.n_clips) == (0.8, 300)
    assert np.isnan(score_row("s", "t", "f", "p", "accuracy", table).published)


def test_regression_is_scored_fold_by_fold_as_published():
    table = arousal_predictions("mfcc", "published")
    row = score_row("s", "arousal", "mfcc", "published", "r2", table, weighting="size")
    folds = [r2_score(part["truth"], part["prediction"]) for _, part in table.groupby("fold")]
    assert row.score == pytest.approx(np.mean(folds), abs=1e-12)


def test_text_and_numbers_of_classes_are_alike():
    table = pd.DataFrame({"clip_id": ["a", "b"], "fold": [0, 1], "truth": [1, 2], "prediction": ["1", "3"]})
    assert score_row("s", "t", "f", "p", "accuracy", table).score == 0.5


def test_clips_of_unknown_artists_stand_alone():
    table = pd.DataFrame({"clip_id": ["a", "b", "c", "d"], "group": ["x", "", "x", None]})
    groups = groups_of(table)
    assert groups[0] == groups[2]
    assert len(set(groups)) == 3


def test_comparisons_of_saved_predictions(tmp_path):
    write_example_run(tmp_path, ("1", "12345"))
    scores = pd.read_csv(tmp_path / "scores.csv", dtype={"feature": str})
    rows = pd.DataFrame(compare_features(tmp_path, scores, planned_pairs, weighting=WEIGHTINGS, grouped=GROUPED))
    assert set(rows.columns) == set(COMPARISON_COLUMNS)
    assert len(rows) == 2 * 2 * 4
    row = rows[(rows["protocol"] == "published") & (rows["feature_b"] == "mfcc") & (rows["metric"] == "accuracy")].iloc[
        0
    ]
    a, b = (genre_predictions(name, "published") for name in ("12345", "mfcc"))
    right_a, right_b = (a["truth"] == a["prediction"]), (b["truth"] == b["prediction"])
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    assert row["p_value"] == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)
    assert row["difference"] == pytest.approx(right_a.mean() - right_b.mean())
    for _, part in rows.groupby("protocol"):
        assert part["p_holm"].tolist() == pytest.approx(holm(part["p_value"]).tolist())


def test_pairs_without_saved_predictions_are_passed_over(tmp_path):
    writer = RunWriter(tmp_path)
    table = genre_predictions("12345", "published")
    writer.predictions("gtzan", "12345", "published", table)
    scores = [score_row("s", "gtzan", "12345", "published", "accuracy", table)]
    assert compare_features(tmp_path, scores, planned_pairs, weighting=WEIGHTINGS, grouped=GROUPED) == []


def test_order_of_rows_does_not_matter_but_clips_and_labels_do():
    a, b = genre_predictions("12345", "published"), genre_predictions("mfcc", "published")
    straight = compare_tables(a, b, "accuracy")
    assert compare_tables(a, b.iloc[::-1], "accuracy") == straight
    with pytest.raises(OptionError, match="different clips"):
        compare_tables(a, b.iloc[1:], "accuracy")
    with pytest.raises(OptionError, match="different labels"):
        compare_tables(a, b.assign(truth="blues"), "accuracy")


def test_groups_count_as_one_piece_of_evidence():
    a, b = genre_predictions("12345", "published"), genre_predictions("12", "published")
    alone, grouped = (compare_tables(a, b, "accuracy", grouped=kind) for kind in (False, True))
    assert grouped["difference"] == alone["difference"]
    assert grouped["p_value"] != alone["p_value"]
    assert (alone["test"], grouped["test"]) == ("McNemar, exact", "swaps of groups (artists, songs)")


def test_seeds_that_test_the_same_clips_are_no_new_clips():
    once = genre_predictions("12345", "published")
    again = pd.concat([once.assign(fold=seed) for seed in range(5)])
    for grouped in (False, True):
        # Groups of their own, so that both are the same kind of evidence.
        rows = [
            score_row("s", "gtzan", "12345", "corrected", "accuracy", table, weighting="pooled", grouped=grouped)
            for table in (once if grouped else once.assign(group=once["clip_id"]), again)
        ]
        assert rows[1].ci_low == pytest.approx(rows[0].ci_low, abs=2e-3)
        assert rows[1].ci_high == pytest.approx(rows[0].ci_high, abs=2e-3)
