"""The paper's sentences, judged from the scores that the authors recorded and from predictions."""

import numpy as np
import pandas as pd
import pytest
from run_example import genre_predictions, write_example_run
from typed_rows import score_rows

from mgc_keras.evaluation.intervals import bootstrap_interval
from mgc_keras.runs.claims import read_claim_rows
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.choi2017.claims import N_RESAMPLES, task_scores
from mgc_keras.studies.choi2017.feature_sets import layer_sets
from mgc_keras.studies.common.claims import write_claims


@pytest.fixture(scope="module")
def recorded(shared_data) -> dict[str, dict[str, float]]:
    """The authors' scores as they stand in the file, by task and feature."""
    table = pd.read_csv(shared_data / "choi2017" / "published_scores.csv", dtype={"feature": str})
    return {task: dict(zip(part["feature"], part["score"])) for task, part in table.groupby("task")}


@pytest.fixture(scope="module")
def claims(recorded, tmp_path_factory) -> pd.DataFrame:
    """``claims.csv`` of a run that holds these scores and nothing else."""
    folder = tmp_path_factory.mktemp("recorded")
    rows = []
    for task, scores in recorded.items():
        metric = "r2" if task.startswith("emoMusic") else "accuracy"
        for feature, score in scores.items():
            row = {"study": "choi2017", "task": task, "feature": feature, "protocol": "published", "metric": metric}
            ends = {"score": score, "ci_low": np.nan, "ci_high": np.nan, "published": score, "n_clips": 1}
            rows.append({**row, **ends})
    assert len(rows) == 210
    RunWriter(folder).scores(score_rows(rows))
    write_claims(folder)
    return pd.read_csv(folder / "claims.csv", dtype=str, keep_default_na=False)


def verdicts(claims: pd.DataFrame, key: str) -> dict[str, list[str]]:
    rows = claims[claims["claim"] == key]
    return {task: list(part["verdict"]) for task, part in rows.groupby("task", sort=False)}


def sets_by_score(scores: dict[str, float]) -> list[str]:
    """Layer sets from best to worst, by hand: no MFCC, the smaller first among equals."""
    return sorted((name for name in scores if "mfcc" not in name), key=lambda name: (-scores[name], len(name), name))


def word(holds: bool) -> list[str]:
    return ["confirmed" if holds else "refuted"]


def test_most_sets_beat_mfcc(claims, recorded) -> None:
    found = verdicts(claims, "a")
    assert set(found) == set(recorded) and len(found) == 7
    for task, scores in recorded.items():
        better = sum(score > scores["mfcc"] for name, score in scores.items() if "mfcc" not in name)
        assert found[task] == word(better > 14)
        evidence = claims.loc[(claims["claim"] == "a") & (claims["task"] == task), "evidence"].iloc[0]
        assert evidence.startswith(f"{better} of 28 layer sets have a higher ") and "there is no interval" in evidence
    assert found["urbansound"] == ["confirmed"]  # 20 of 28


def test_adding_mfcc_helps_on_urbansound_alone(claims, recorded) -> None:
    for task, verdict in verdicts(claims, "b").items():
        helps = recorded[task]["mfcc+12345"] > recorded[task]["12345"]
        assert helps == (task == "urbansound") and verdict == ["confirmed"]


def test_ranks_on_ballroom(claims, recorded) -> None:
    order = sets_by_score(recorded["ballroom_extended"])
    assert all("2" in name for name in order[:7]) and sum("1" in name for name in order[:7]) == 6
    assert set(order[-7:]) == {"5", "4", "3", "45", "35", "2", "25"}
    assert verdicts(claims, "c") == {"ballroom_extended": ["confirmed"]}


def test_ranks_on_gtzan(claims, recorded) -> None:
    order = sets_by_score(recorded["gtzan_genre"])
    assert order[:3] == ["12345", "2345", "1234"]
    # Three sets of the 28 have more than three layers, so no top 7 can: the sentence does not hold of its own scores.
    large = [name for name in order[:7] if len(name) > 3]
    assert len(large) == 3 == sum(len(name) > 3 for name in order)
    assert all(len(name) <= 2 for name in order[-7:])
    assert verdicts(claims, "d") == {"gtzan_genre": ["confirmed", "refuted", "confirmed"]}


def test_ranks_on_emotion(claims, recorded) -> None:
    order = sets_by_score(recorded["emoMusic_a"])
    assert all("5" in name for name in order[:7]) and all({"1", "5"} <= set(name) for name in order[:5])
    assert verdicts(claims, "f") == {"emoMusic_a": ["confirmed"]}
    order = sets_by_score(recorded["emoMusic_v"])
    single = max("12345", key=recorded["emoMusic_v"].get)
    holds = all("3" in name for name in order[:6]) and single == "3"
    assert single == "3" and not holds  # 124 is third
    assert verdicts(claims, "g") == {"emoMusic_v": word(holds)}


def test_emotion_without_single_layers_is_refuted_not_an_error(tmp_path) -> None:
    sets = [name for name in layer_sets() if len(name) > 1]
    names = {"study": "choi2017", "task": "emoMusic_v", "protocol": "published", "metric": "r2"}
    ends = {"ci_low": np.nan, "ci_high": np.nan, "published": np.nan, "n_clips": 1}
    rows = [{**names, "feature": name, "score": 0.1 * len(name), **ends} for name in sets]
    RunWriter(tmp_path).scores(score_rows(rows))
    (found,) = [row for row in write_claims(tmp_path) if row.claim == "g" and row.task]
    assert found.verdict == "refuted" and "the best single layer is none" in found.evidence


def test_sets_with_layer_4_on_vocal(claims, recorded) -> None:
    scores = recorded["jamendo_vd"]
    with_4 = [scores[name] for name in sets_by_score(scores) if "4" in name]
    without = [scores[name] for name in sets_by_score(scores) if "4" not in name]
    assert len(with_4) == len(without) == 14
    assert sum(score > max(without) for score in with_4) == 12
    assert verdicts(claims, "h") == {"jamendo_vd": ["refuted"]}


def test_what_scores_cannot_tell_is_not_decided(claims) -> None:
    for key in ("e", "i"):
        (row,) = claims[claims["claim"] == key].itertuples()
        assert (row.verdict, row.task) == ("not decided", "") and row.why.startswith("This run holds no ")


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> RunFolder:
    sets = ("1", "2", "3", "4", "5", "12", "123", "12345")
    return RunFolder(write_example_run(tmp_path_factory.mktemp("run"), sets))


def test_resamples_are_those_of_the_bootstrap_over_artists(example) -> None:
    cell = next(cell for cell in task_scores(example, ["genre <example>"]) if cell.protocol == "corrected")
    for name in ("12345", "mfcc"):
        table = genre_predictions(name, "corrected")
        groups = ("group " + table["group"]).to_numpy(str)
        found = bootstrap_interval(table["truth"], table["prediction"], groups=groups, n_resamples=N_RESAMPLES)
        ends = np.percentile(cell.resampled[name], [2.5, 97.5])
        assert ends == pytest.approx([found.low, found.high], abs=1e-12)
        assert cell.scores[name] == pytest.approx(found.score)
    # The same artists are drawn for both.
    spread = (cell.resampled["12345"] - cell.resampled["mfcc"]).std()
    assert spread != pytest.approx(np.hypot(*cell.resampled[["12345", "mfcc"]].std()), rel=0.02)


def test_statements_are_decided_where_nearly_all_resamples_agree(example) -> None:
    cell = next(cell for cell in task_scores(example, ["genre <example>"]) if cell.protocol == "corrected")
    assert cell.judge("e", lambda scores: scores["12345"] > scores["mfcc"]).verdict == "confirmed"
    assert cell.judge("e", lambda scores: scores["12345"] < scores["mfcc"]).verdict == "refuted"
    close = cell.judge("e", lambda scores: scores["1"] > scores["2"])
    share = float((cell.resampled["1"] > cell.resampled["2"]).mean())
    assert 0.025 < share < 0.975 and close.verdict == "not decided"
    assert close.why == f"The sentence holds in {share:.0%} of {N_RESAMPLES} resamples of the clips."


def test_random_convnets_are_compared_with_their_best_sets(example) -> None:
    write_claims(example.folder)
    rows = [row for row in read_claim_rows(example.folder) if row.claim == "i" and row.task == "arousal"]
    scores = example.scores[(example.scores["task"] == "arousal") & (example.scores["protocol"] == "published")]
    scores = scores.set_index("feature")["score"]
    trained = max(score for name, score in scores.items() if "random" not in name and "mfcc" not in name)
    random = max(score for name, score in scores.items() if name.startswith("random_"))
    assert f"is {trained - random:+.3f} [" in rows[0].evidence and rows[0].verdict == "confirmed"
    assert f"is {random - scores['mfcc']:+.3f} [" in rows[1].evidence


def test_a_sentence_about_six_tasks_is_not_decided_on_fewer(recorded, tmp_path) -> None:
    names = [name for name in recorded if name != "urbansound"]
    for tasks, verdict in ((["gtzan_genre"], "not decided"), (names, "not decided"), (list(recorded), "confirmed")):
        rows = [
            {"study": "choi2017", "task": task, "feature": feature, "protocol": "published", "score": score}
            | {"metric": "r2" if "emo" in task else "accuracy", "ci_low": 0.0, "ci_high": 1.0}
            | {"published": score, "n_clips": 1}
            for task in tasks
            for feature, score in recorded[task].items()
        ]
        RunWriter(tmp_path).scores(score_rows(rows))
        told = {row.task: row for row in write_claims(tmp_path) if row.claim == "a"}["gtzan_genre"]
        assert told.verdict == verdict
        if len(tasks) == 1:
            assert "It holds on 1 of 6 tasks (published protocol)" in told.text()
