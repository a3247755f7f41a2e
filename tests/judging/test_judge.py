"""The referee's scores, tests and leaks against scikit-learn, closed forms, and what was planted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mgc_keras.cli.judge import summary
from mgc_keras.datasets.gtzan import COUNTS_OF_COPIES
from mgc_keras.errors import ManifestError
from mgc_keras.judging import judge as judging
from mgc_keras.judging.claims import NO_ARTISTS, claims, why_not_quoted
from mgc_keras.judging.classifiers import Classifier
from mgc_keras.judging.columns import TELLING, TELLING_TOGETHER, features_of
from mgc_keras.judging.duplicates import NEAR, equal_and_near_rows, joined
from mgc_keras.judging.gtzan import REPLICAS
from mgc_keras.judging.judge import Options, judge_features
from mgc_keras.judging.matching import labelled
from mgc_keras.judging.protocols import protocols
from mgc_keras.judging.report import record, score_table
from mgc_keras.judging.tables import read_table
from mgc_keras.reporting.verdicts import CLAIM, MIND, NO_CLAIM

KNN = Options(n_folds=5, classifier="knn", n_draws=2)


def write(path: Path, values: np.ndarray, labels: np.ndarray, **more: object) -> str:
    columns = {f"f{number}": column for number, column in enumerate(values.T)}
    pd.DataFrame({"clip_id": [f"c{row:04d}" for row in range(len(values))], **columns, "label": labels, **more}).to_csv(
        path, index=False
    )
    return str(path)


def two_classes(n_clips: int = 90, distance: float = 0.7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(["jazz", "rock"], n_clips // 2)
    random = np.random.default_rng(seed)
    return random.normal(size=(n_clips, 12)) + distance * (labels == "rock")[:, None], labels


def test_scores_are_those_of_scikit_learns_nested_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """90 clips: all inner folds are of one size, so that its mean over folds is ours over clips."""
    values, labels = two_classes()
    candidates = Classifier().candidates(12)[::3]
    monkeypatch.setattr(Classifier, "candidates", lambda self, n_features: candidates)
    found = judge_features(write(tmp_path / "t.csv", values, labels), options=Options(n_folds=5, seed=3))
    expected = np.empty(len(labels), dtype="<U4")
    for train, test in StratifiedKFold(5, shuffle=True, random_state=3).split(values, labels):
        pipeline = make_pipeline(StandardScaler(), SVC())
        grid = [{f"svc__{name}": [value] for name, value in each.items()} for each in candidates]
        inner = StratifiedKFold(3, shuffle=True, random_state=3)
        expected[test] = GridSearchCV(pipeline, grid, cv=inner).fit(values[train], labels[train]).predict(values[test])
    ours = found.predictions.sort_values("clip_id")
    assert ours["prediction"].tolist() == expected.tolist()
    assert found.scores[0].accuracy == np.mean(expected == labels)


def test_grouped_folds_are_scikit_learns(tmp_path: Path) -> None:
    values, labels = two_classes()
    artists = np.array([f"artist {row // 3}" for row in range(len(labels))])
    table = read_table(write(tmp_path / "t.csv", values, labels, artist=artists))
    plans, notes = protocols(labelled(table, None), [], 5, 1, 0)
    assert [plan.key for plan in plans] == ["random", "artist"] and not notes
    groups = plans[1].groups
    assert groups is not None and len(set(zip(groups, artists))) == len(set(groups)) == len(set(artists))
    twin = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(values, labels, groups)
    for split, (train, test) in zip(plans[1].splits, twin, strict=True):
        assert split.test.tolist() == test.tolist() and split.train.tolist() == train.tolist()


def test_labels_that_have_nothing_to_do_with_the_features_are_chance(tmp_path: Path) -> None:
    inside = 0
    for seed in range(3):
        values, labels = two_classes(distance=0.0, seed=seed)
        found = judge_features(write(tmp_path / "t.csv", values, labels), options=KNN)
        inside += found.scores[0].low <= 0.5 <= found.scores[0].high
        assert found.scores[0].chance == 0.5
        # Whatever is within the interval is not claimed.
        assert (claims(found)[0].verdict == NO_CLAIM) == (found.scores[0].low <= 0.5)
    assert inside == 3


def test_planted_duplicates_are_found_all_and_only() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(300, 20))
    clips = np.array([f"c{row}" for row in range(300)])
    values[[200, 201, 202]] = values[[0, 1, 1]]
    values[[250, 251]] = values[[10, 11]] + random.normal(size=(2, 20)) * 0.02
    values[299], clips[299] = values[20], clips[20]  # two rows of one clip are no duplicates
    pairs = equal_and_near_rows(values, clips)
    equal = {(pair.first, pair.second) for pair in pairs if pair.nearness == 0}
    assert equal == {(0, 200), (1, 201), (1, 202), (201, 202)}
    assert {(pair.first, pair.second) for pair in pairs} - equal == {(10, 250), (11, 251)}


def test_nearness_is_what_a_slow_twin_says() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(60, 12)) * 10.0 ** np.arange(12)
    values[50:55] = values[:5] * (1 + random.normal(size=(5, 12)) * 0.03)
    clips = np.arange(60).astype(str)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    distance = np.linalg.norm(standard[:, None] - standard, axis=2)
    fifth = np.sort(distance, axis=1)[:, 5]  # the first is the row itself
    nearness = distance / np.minimum(fifth[:, None], fifth)
    expected = {(i, j): nearness[i, j] for i in range(60) for j in range(i + 1, 60) if nearness[i, j] < NEAR}
    found = {(pair.first, pair.second): pair.nearness for pair in equal_and_near_rows(values, clips)}
    assert found.keys() == expected.keys() and len(found) >= 5
    assert all(abs(found[pair] - expected[pair]) < 1e-6 for pair in found)


def test_bonds_join_through_others() -> None:
    groups = joined(5, np.array(["a", "b", "b", "c", "d"]), np.array(["x", "x", "y", "z", "u"]))
    assert groups[0] == groups[1] == groups[2] and len(set(groups)) == 3


def test_a_planted_artist_effect(tmp_path: Path) -> None:
    """Each artist has a sound of his own, which has nothing to do with the class: only known artists are told."""
    random = np.random.default_rng(0)
    artists = np.repeat(np.arange(40), 5)
    labels = np.where(artists % 2, "jazz", "rock")
    values = random.normal(size=(40, 12))[artists] * 2 + random.normal(size=(200, 12)) * 0.5
    table = write(tmp_path / "t.csv", values, labels, artist=[f"artist {artist}" for artist in artists])
    found = judge_features(table, options=KNN)
    # In whatever capitals and spaces they are written.
    spelt = [
        (f"artist {artist}", f"Artist  {artist}", f"ARTIST {artist} ")[row % 3] for row, artist in enumerate(artists)
    ]
    again = judge_features(write(tmp_path / "s.csv", values, labels, artist=spelt), options=KNN)
    assert again.strictest == found.strictest
    laxest, strictest = found.scores[0], found.strictest
    assert strictest.protocol == "artist" and strictest.shared == 0 and strictest.n_units == 40
    assert laxest.accuracy > 0.95 and strictest.low < 0.5 < strictest.high and laxest.shared == 1
    assert claims(found)[0].verdict == claims(found)[1].verdict == NO_CLAIM
    # Clips of one artist are no independent evidence: the interval is wider than that of 200 clips.
    assert strictest.high - strictest.low > 1.5 * 2 * 1.96 * np.sqrt(0.25 / 200)


def test_a_given_split_with_the_same_artists_on_both_sides_is_not_quoted(tmp_path: Path) -> None:
    values, labels = two_classes()
    split = np.where(np.arange(90) % 3, "train", "test")
    artists = [f"artist {row // 3}" for row in range(90)]
    found = judge_features(write(tmp_path / "t.csv", values, labels, artist=artists, split=split), options=KNN)
    own = next(score for score in found.scores if score.protocol == "own_split")
    assert own.shared == 1 and own.n_clips == 30 and found.strictest.protocol == "artist"
    apart = np.where(np.arange(90) // 3 % 3, "Training", "test")
    found = judge_features(write(tmp_path / "t.csv", values, labels, artist=artists, split=apart), options=KNN)
    assert found.strictest.protocol == "own_split" and found.strictest.shared == 0


def test_against_itself_nothing_is_claimed(tmp_path: Path) -> None:
    values, labels = two_classes()
    table = write(tmp_path / "t.csv", values, labels)
    (difference,) = judge_features(table, against=table, options=KNN).differences
    assert (difference.difference, difference.p_value, difference.p_holm) == (0, 1, 1) and np.isnan(difference.low)


def test_against_better_features_by_hand(tmp_path: Path) -> None:
    values, labels = two_classes(distance=0.4)
    better = write(tmp_path / "b.csv", two_classes(distance=2.5)[0], labels)
    found = judge_features(write(tmp_path / "a.csv", values, labels), against=better, options=replace(KNN, n_repeats=2))
    (difference,) = found.differences
    table = found.predictions
    right = table.assign(a=table["truth"] == table["prediction"], b=table["truth"] == table["prediction_against"])
    folds = right.groupby(["repeat", "fold"])[["a", "b"]].mean()
    d = folds["a"] - folds["b"]
    error = np.sqrt((1 / 10 + 1 / 4) * d.var(ddof=1))  # Nadeau and Bengio: 10 folds, a test clip for 4 training clips
    assert len(d) == 10 and difference.difference == pytest.approx(d.mean())
    assert difference.p_value == pytest.approx(2 * student.sf(abs(d.mean()) / error, 9)) and difference.p_holm < 0.05
    assert any(each.verdict == CLAIM and "second table is better" in each.text for each in claims(found))


def test_columns_that_leak(tmp_path: Path) -> None:
    values, labels = two_classes()
    more = {
        "number": np.arange(90) * 3,
        "duration": np.random.default_rng(0).normal(size=90),
        "genre_code": (labels == "rock") * 7,
        "constant": 1.5,
        "mood": "glad",
    }
    table = read_table(write(tmp_path / "t.csv", values, labels, **more))
    clips = labelled(table, None)
    found = features_of(table, clips.rows, clips.labels, clips.used)
    assert found.columns == tuple(f"f{number}" for number in range(12))
    assert {remark.subject: remark.kind for remark in found.remarks} == {
        "number": "leaking column",
        "duration": "leaking column",
        "genre_code": "leaking column",
        "constant": "constant column",
        "mood": "text column",
        "label": "column of the clip",
    }
    kept = features_of(table, clips.rows, clips.labels, clips.used, drop=["f0"], keep=["duration"])
    assert "duration" in kept.columns and "f0" not in kept.columns


def test_columns_that_tell_the_class_alone_are_named_and_nothing_is_claimed(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(["blues", "jazz", "pop", "rock"], 30)
    artists = [f"artist {row // 2}" for row in range(120)]
    values = random.normal(size=(120, 12)) + 0.7 * np.eye(4, 12)[np.unique(labels, return_inverse=True)[1]]
    codes = np.unique(labels, return_inverse=True)[1]
    flag = labels == "blues"
    dealt = random.permutation(120)
    assert (codes[dealt[:40]] != codes[np.sort(dealt[:40])]).mean() > 0.5
    nearly = codes.copy()
    nearly[np.sort(dealt[:40])] = codes[dealt[:40]]  # a third of them dealt anew
    nearly_flag = flag ^ (np.arange(120) % 20 == 0)
    sure = {"is_blues": flag * 1, "blues_or_jazz": codes < 2, "code": 7 - codes}
    likely = {
        "soft_half": (codes < 2) + random.normal(size=120) * 0.05,
        "soft_flag": flag + random.normal(size=120) * 0.1,
        "nearly": nearly,
        "nearly_flag": nearly_flag * 1,
        "spread": nearly + random.normal(size=120) * 0.1,
    }
    honest = {"count": random.poisson(5, 120), "other_flag": random.integers(2, size=120)}
    table = write(tmp_path / "t.csv", values, labels, artist=artists, **sure, **likely, **honest)
    found = judge_features(table, options=KNN)
    kinds = {remark.subject: remark.kind for remark in found.remarks}
    assert {name for name, kind in kinds.items() if kind == "leaking column"} == set(sure)
    assert {name for name, kind in kinds.items() if kind == TELLING} == set(likely)
    assert "made from the labels?" in why_not_quoted(found) and claims(found)[0].verdict == NO_CLAIM
    assert "<- quote this" not in summary(found)
    kept = judge_features(table, options=replace(KNN, keep=tuple(likely)))
    assert claims(kept)[0].verdict == CLAIM and not why_not_quoted(kept)
    # What leaks in the second table is told, too.
    both = judge_features(table, against=table, options=replace(KNN, drop=tuple(likely)))
    assert [remark.subject for remark in both.remarks if "second table" in remark.detail].count("is_blues") == 1


def _model_scores(codes: np.ndarray, n_classes: int, accuracy: float, seed: int) -> np.ndarray:
    """Softmax scores of a model that is right in so many rows."""
    random = np.random.default_rng(seed)
    said = np.where(random.random(len(codes)) < accuracy, codes, random.integers(n_classes, size=len(codes)))
    logits = random.normal(size=(len(codes), n_classes)) + 2.5 * np.eye(n_classes)[said]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["named", "nameless", "bits", "honest"])
def test_columns_that_tell_the_class_together_are_named(tmp_path: Path, kind: str) -> None:
    random = np.random.default_rng(2)
    codes = np.arange(400) // 50
    labels = np.array([f"genre{code}" for code in codes])
    values = random.normal(size=(400, 12)) + 0.8 * np.eye(8)[codes] @ random.normal(size=(8, 12))
    scores = _model_scores(codes, 8, 0.7, 3)
    bits = (codes[:, None] >> np.arange(3) & 1) ^ (random.random((400, 3)) < 0.08)
    more = {
        "named": {f"prob_genre{place}": scores[:, place] for place in random.permutation(8)},
        "nameless": {f"embedding{place}": scores[:, order] for place, order in enumerate(random.permutation(8))},
        "bits": {f"mark{place}": bit for place, bit in enumerate(bits.T)},
        "honest": {f"flag{place}": random.integers(2, size=400) for place in range(6)},
    }[kind]
    table = write(tmp_path / "t.csv", values, labels, artist=[f"a{row // 5}" for row in range(400)], **more)
    found = judge_features(table, options=KNN)
    told = [remark for remark in found.remarks if remark.kind in (TELLING, TELLING_TOGETHER)]
    if kind == "honest":
        assert not told and claims(found)[0].verdict == CLAIM
        assert "if the features were made without these labels" in claims(found)[0].text
        return
    (remark,) = told
    assert remark.kind == TELLING_TOGETHER and all(name in remark.detail for name in more)
    assert claims(found)[0].verdict == NO_CLAIM and "made from the labels?" in claims(found)[0].text
    for cure in ("drop", "keep"):
        mended = judge_features(table, options=replace(KNN, **{cure: tuple(more)}))
        assert claims(mended)[0].verdict == CLAIM


@pytest.mark.parametrize("n_copies", [2, 6, 9])
def test_copies_under_other_names_are_found_however_many_there_are(tmp_path: Path, n_copies: int) -> None:
    """Noise that has nothing to do with the class: what a copy in training gives away is all there is."""
    random = np.random.default_rng(0)
    recordings = np.repeat(random.normal(size=(60, 16)), n_copies, axis=0)
    values = recordings + 0.02 * random.normal(size=recordings.shape)
    labels = np.repeat(np.array(["pop", "rock"])[np.arange(60) % 2], n_copies)
    folds = np.arange(len(labels)) % 2  # copies on both sides
    found = judge_features(write(tmp_path / "t.csv", values, labels, fold=folds), options=KNN)
    scores = {score.protocol: score for score in found.scores}
    # Of two copies one neighbour of five is one; k is chosen without the test part, where there is none.
    assert scores["own_folds"].accuracy > (0.9 if n_copies > 2 else 0.6) and scores["own_folds"].suspected > 0.9
    assert found.strictest.protocol == "duplicate" and found.strictest.accuracy < 0.65
    assert found.strictest.n_units == 60 and found.strictest.suspected == 0
    assert any(
        each.verdict == NO_CLAIM and "come with" in each.text and "suspected" in each.text for each in claims(found)
    )


def test_a_leaking_table_is_not_better_and_does_not_block_the_other(tmp_path: Path) -> None:
    values, labels = two_classes(distance=0.5)
    artists = np.arange(90)
    first = write(tmp_path / "a.csv", values, labels, artist=artists)
    second = write(tmp_path / "b.csv", values, labels, leak=(labels == "rock") * 1 ^ (np.arange(90) == 7))
    found = judge_features(first, against=second, options=KNN)
    told = claims(found)
    assert "made from the labels" not in why_not_quoted(found) and told[0].verdict == CLAIM
    (difference,) = [each for each in told if "two tables" in each.text or "table is better" in each.text]
    assert difference.verdict == NO_CLAIM and "made from the labels? leak" in difference.text


def test_names_of_things_and_numbers_too_large_are_no_features(tmp_path: Path) -> None:
    values, labels = two_classes()
    table = write(
        tmp_path / "t.csv", values, labels, work_uid=np.arange(90) // 3 * 7 % 31, Group=np.arange(90) // 3 % 7
    )
    found = judge_features(table, options=KNN)
    assert {remark.subject for remark in found.remarks if remark.kind == "leaking column"} == {"work_uid", "Group"}
    values[3, 4] = 1e200
    with pytest.raises(ManifestError, match=r"1e\+200 \(beyond 1e\+100\)"):
        judge_features(write(tmp_path / "t.csv", values, labels), options=KNN)


def test_a_split_is_held_against_random_ones_on_the_clips_that_it_tests(tmp_path: Path) -> None:
    values, labels = two_classes(n_clips=120)
    artists = np.arange(120) // 4
    split = np.where(artists % 3, "train", "test")
    table = write(tmp_path / "t.csv", values, labels, artist=artists, split=split)
    found = judge_features(table, options=replace(KNN, n_draws=6))
    (twin,) = found.against_random
    rows = found.predictions.assign(right=lambda each: each["truth"] == each["prediction"])
    given = rows[rows["protocol"] == "own_split"].set_index("clip_id")["right"]
    drawn = rows[(rows["protocol"] == "own_split_random") & rows["clip_id"].isin(given.index)]
    assert len(given) == 40 and 6 < len(drawn) < 240
    assert twin.first == pytest.approx(drawn["right"].mean())
    assert twin.second == pytest.approx(given.loc[drawn["clip_id"]].mean())
    assert twin.difference == pytest.approx(twin.first - twin.second) and twin.low <= twin.difference <= twin.high
    assert any(f"{twin.first:.3f} against {twin.second:.3f}" in each.text for each in claims(found))


def test_scaling_and_choice_see_no_test_clip(tmp_path: Path) -> None:
    """Test rows that are moved far away change no choice, and nothing of what other test rows are taken for."""
    values, labels = two_classes()
    clips = labelled(read_table(write(tmp_path / "t.csv", values, labels)), None)
    (plan,), _ = protocols(clips, [], 5, 1, 0)
    split = plan.splits[0]
    for kind in ("svm", "knn", "logistic"):
        before, chosen = Classifier(kind).predict(values, labels, split)
        moved = values.copy()
        moved[split.test[1:]] += 1e6
        after, again = Classifier(kind).predict(moved, labels, split)
        assert chosen == again and before[0] == after[0]


@pytest.fixture(scope="module")
def gtzan(shared_data: Path) -> str:
    table = shared_data / "gtzan_features" / "gtzan_features_30_sec.csv"
    if not table.is_file():
        pytest.skip(f"needs {table}")
    return str(table)


def test_the_public_table_of_gtzan(gtzan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random 10-fold about 0.75, the same clips at random about 0.69, fault-filtered about 0.53."""
    # Folds without duplicates take as long as all else.
    monkeypatch.setattr(judging, "equal_and_near_rows", lambda values, clips: [])
    found = judge_features(gtzan, "gtzan_genre", options=Options(jobs=2, n_draws=6))
    scores = {score.protocol: score for score in found.scores}
    assert scores["random"].accuracy == pytest.approx(0.75, abs=0.02)
    assert scores["fault_filtered_random"].accuracy == pytest.approx(0.69, abs=0.02)
    assert scores["fault_filtered"].accuracy == pytest.approx(0.53, abs=0.02)
    assert found.strictest.protocol == "fault_filtered" and found.strictest.n_clips == 290
    assert "443/197/290" in found.strictest.title and found.about["n_features"] == 57
    verdicts = [finding.verdict for finding in claims(found)]
    assert verdicts[:3] == [CLAIM, NO_CLAIM, MIND]


def test_replicas_of_gtzan_are_found(gtzan: str) -> None:
    """Of every pair that is found, the fault-filtered partition leaves a clip out."""
    table = read_table(gtzan)
    clips = labelled(table, "gtzan_genre")
    values = features_of(table, clips.rows, clips.labels, clips.used).values
    pairs = equal_and_near_rows(values, clips.clips)
    equal = {(clips.clips[pair.first], clips.clips[pair.second]) for pair in pairs if pair.nearness == 0}
    assert equal == set(REPLICAS) and len(pairs) == 30
    assert f"{len(equal)} equal and {len(pairs) - len(equal)} near pairs" in COUNTS_OF_COPIES
    assert all("" in (clips.fault_filtered[pair.first], clips.fault_filtered[pair.second]) for pair in pairs)


def test_what_is_not_known_is_said_to_be_unknown(tmp_path: Path) -> None:
    values, labels = two_classes()
    table = write(tmp_path / "t.csv", values, labels)
    found = judge_features(table, options=KNN)
    shown = score_table(found).iloc[0]
    assert shown["Also in training"] == "not known" and shown["Independent"] == "at most 90"
    assert NO_ARTISTS in [each.text for each in claims(found)] and record(found)["scores"][0]["shared"] is None
    known = judge_features(write(tmp_path / "a.csv", values, labels, artist=np.arange(90) // 2), options=KNN)
    shown = score_table(known).iloc[0]
    assert shown["Also in training"].endswith("%") and shown["Independent"] == "45"
    assert NO_ARTISTS not in [each.text for each in claims(known)]


def test_few_clips_and_untested_classes_are_not_to_be_quoted(tmp_path: Path) -> None:
    values, labels = two_classes(distance=2.5)
    split = np.full(90, "train")
    split[:20] = "test"  # all of one class
    found = judge_features(write(tmp_path / "t.csv", values, labels, split=split), options=KNN)
    assert why_not_quoted(found) == "1 of 2 classes have no test clip; 20 clips were tested, and 30 are the least"
    assert claims(found)[0].verdict == NO_CLAIM and "<- quote this" not in summary(found)
    split[:] = "train"
    split[30:60] = "test"
    assert not why_not_quoted(judge_features(write(tmp_path / "t.csv", values, labels, split=split), options=KNN))


def test_what_was_chosen_is_told_and_so_is_the_edge_of_the_grid(tmp_path: Path) -> None:
    values, labels = two_classes()
    found = judge_features(write(tmp_path / "t.csv", values, labels), options=Options(n_folds=5, seed=3))
    clips = labelled(read_table(tmp_path / "t.csv"), None)
    (plan,), _ = protocols(clips, [], 5, 1, 3)
    grid = {"C": (1.0, 64.0), "gamma": (1 / 16 / 12, 1 / 12)}
    counted: dict[tuple, int] = {}
    for split in plan.splits:
        chosen = Classifier(seed=3).predict(values, labels, split)[1]
        edges = tuple(name for name, ends in grid.items() if chosen[name] in ends)
        counted[tuple(chosen.items()), edges] = counted.get((tuple(chosen.items()), edges), 0) + 1
    assert {(each.values, each.at_edge): each.n_splits for each in found.choices} == counted
    n_edges = sum(count for (_, edges), count in counted.items() if edges)
    said = [each.text for each in claims(found) if "edge of the grid" in each.text]
    assert n_edges and f"in {n_edges} of 5 splits of random folds" in said[0]
    shown = record(found)["choices"]
    assert sum(each["n_splits"] for each in shown) == 5 and set(shown[0]["values"]) == {"C", "gamma"}
