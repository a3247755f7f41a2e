"""Tables and headline sentences against the numbers they are made from."""

import pandas as pd
import pytest
from typed_rows import comparison_rows, score_rows

from mgc_keras.reporting.findings import findings, reproduction
from mgc_keras.reporting.tables import comparison_table, p_text
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.choi2017.feature_sets import LAYER_SETS, best_layer_set, describe, feature_name, feature_order
from mgc_keras.studies.choi2017.report import confusion, headline_table, score_table


def _score(task, feature, protocol, score, metric="accuracy", published=float("nan")):
    ends = {"score": score, "ci_low": score - 0.02, "ci_high": score + 0.02, "published": published, "n_clips": 100}
    return {"study": "s", "task": task, "feature": feature, "protocol": protocol, "metric": metric, **ends}


def _comparison(task, a, b, difference, p_holm, protocol="corrected", metric="accuracy"):
    ends = {"ci_low": difference - 0.02, "ci_high": difference + 0.02, "p_value": p_holm / 2, "p_holm": p_holm}
    names = {"task": task, "protocol": protocol, "feature_a": a, "feature_b": b, "metric": metric}
    return {**names, "difference": difference, **ends, "n_clips": 100}


@pytest.fixture
def run(tmp_path):
    writer = RunWriter(tmp_path)
    writer.scores(
        score_rows(
            [
                _score("gtzan", "mfcc", "published", 0.66, published=0.6601),
                _score("gtzan", "12345", "published", 0.898, published=0.898),
                _score("gtzan", "345", "published", 0.898, published=0.9),
                _score("gtzan", "random_12345", "published", 0.7),
                _score("gtzan", "mfcc", "corrected", 0.6),
                _score("gtzan", "12345", "corrected", 0.75),
                _score("gtzan", "345", "corrected", 0.76),
                _score("arousal", "12345", "corrected", 0.5, "r2"),
            ]
        )
    )
    writer.comparisons(
        comparison_rows(
            [
                _comparison("gtzan", "12345", "random_12345", 0.1, 0.0004),
                _comparison("arousal", "12345", "random_12345", 0.05, 0.01, metric="r2"),
                _comparison("gtzan", "12345", "mfcc", -0.1, 0.04),
                _comparison("arousal", "12345", "mfcc", 0.1, 0.05, metric="r2"),
                _comparison("gtzan", "12345", "mfcc", 0.3, 0.001, protocol="published"),
            ]
        )
    )
    return RunFolder(tmp_path)


def test_features_stand_in_the_order_of_the_paper():
    names = ["mfcc+12345", "random_1", "12345", "mfcc", "21x", "45", "12", "3", "1"]
    assert feature_order(names) == ["1", "3", "12", "45", "12345", "mfcc", "mfcc+12345", "21x", "random_1"]
    assert len(LAYER_SETS) == 31 and LAYER_SETS[:6] == ("1", "2", "3", "4", "5", "12") and LAYER_SETS[-1] == "12345"
    assert feature_order(list(reversed(LAYER_SETS))) == list(LAYER_SETS)


def test_the_smaller_of_two_equal_sets_is_best(run):
    published = run.scores[run.scores["protocol"] == "published"]
    assert best_layer_set(published)["feature"] == "345"
    assert best_layer_set(published[published["feature"] == "mfcc"]) is None


def test_paper_published_corrected_side_by_side(run):
    table = score_table(run, "gtzan").set_index("Feature")
    assert list(table.index) == ["345", "12345", "MFCC"]
    row = table.loc["12345"]
    assert row["Paper"] == "0.898"
    assert row["Published protocol"] == "0.898 [0.878, 0.918]"
    assert row["Corrected"] == "0.750 [0.730, 0.770]"
    assert row["Random weights, published"] == "0.700 [0.680, 0.720]"
    assert row["Random weights, corrected"] == "–"


def test_the_headline_table_says_which_set_was_chosen(run):
    table = headline_table(run)
    best = table[table["Feature"].str.startswith("best")].iloc[0]
    assert (best["Paper"], best["Corrected"]) == ("0.900 (345)", "0.760 [0.740, 0.780] (345)")
    assert table.loc[table["Task"] == "arousal (r²)", "Feature"].tolist() == ["12345"]
    assert table.loc[table["Task"] == "gtzan (accuracy)", "Feature"].tolist()[1:] == [
        "12345",
        "random weights 12345",
        "MFCC",
    ]


def test_headlines_say_better_worse_and_undecided(run):
    first, second = findings(run, describe=describe)
    assert first.verdict == "better"
    start = "The trained convnet against the same convnet with random weights is better on 2 of 2 tasks: gtzan (+0.100"
    assert first.text.startswith(start)
    assert "p < 0.001" in first.text and "+0.050 [+0.030, +0.070] in r², p = 0.010, 100 clips" in first.text
    assert second.verdict == "mixed"
    assert "worse on 1 of 2 tasks: gtzan (-0.100" in second.text
    assert "not decided on 1 of 2 tasks: arousal" in second.text


def test_reproduction_names_the_largest_difference(run):
    text = reproduction(run).text
    assert "3 scores in accuracy, the largest difference 0.002 (345 on gtzan)" in text


def test_scores_equal_to_the_last_digit_are_said_to_be(tmp_path):
    RunWriter(tmp_path).scores(score_rows([_score("t", "mfcc", "published", 0.66, published=0.66)]))
    assert "1 scores in accuracy, all equal to the last digit." in reproduction(RunFolder(tmp_path)).text


def test_without_recorded_scores_nothing_was_reproduced(tmp_path):
    RunWriter(tmp_path).scores(score_rows([_score("t", "mfcc", "published", 0.5)]))
    run = RunFolder(tmp_path)
    assert reproduction(run) is None
    assert run.headline_protocol == "published"
    assert comparison_table(run).empty


def test_comparisons_and_small_p_values(run):
    table = comparison_table(run, feature_name)
    assert table.loc[0, "Comparison"] == "12345 minus random weights 12345"
    assert table.loc[0, "p"] == "< 0.001"
    assert table.loc[2, "Difference [95 % interval]"] == "-0.100 [-0.120, -0.080]"
    assert p_text(0.0314) == "0.031"


@pytest.mark.parametrize(
    "feature, words",
    [
        ("123", "the trained convnet (layers 1, 2, 3)"),
        ("random_12", "the same convnet with random weights (layers 1, 2)"),
        ("mfcc", "MFCC"),
        ("mfcc+12345", "MFCC and convnet together"),
        ("vgg16", "vgg16"),
    ],
)
def test_features_in_words(feature, words):
    assert describe(feature) == words


def test_features_that_look_like_numbers_stay_text(run):
    assert pd.api.types.is_string_dtype(run.scores["feature"]) and "12345" in set(run.scores["feature"])


def test_the_classes_of_the_largest_set_have_a_matrix_and_regressions_none(run):
    writer = RunWriter(run.folder)
    clips = {"clip_id": list("abcd"), "fold": [0, 0, 1, 1]}
    for protocol in ("published", "corrected"):
        said = {"truth": ["rock", "rock", "jazz", "jazz"], "prediction": ["rock", "jazz", "jazz", "jazz"]}
        for feature in ("12345", "345", "mfcc"):
            writer.predictions("gtzan", feature, protocol, pd.DataFrame(clips | said))
        values = {"truth": [0.1, 0.2, 0.3, 0.4], "prediction": [0.1, 0.2, 0.3, 0.5]}
        writer.predictions("arousal", "12345", protocol, pd.DataFrame(clips | values))
    heading, figure = confusion(run)
    assert heading.text == "gtzan: the trained convnet"
    assert figure.png == run.folder / "figures" / "gtzan__12345__confusion.png" and figure.png.is_file()
