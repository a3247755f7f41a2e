"""Strangers' tables, the clips that their rows are, and the copies of GTZAN."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.datasets.gtzan import committed, gtzan_ids
from mgc_keras.errors import ManifestError, MgcKerasError
from mgc_keras.judging.claims import claims, why_not_quoted
from mgc_keras.judging.gtzan import describe_copy
from mgc_keras.judging.judge import Options, judge_features
from mgc_keras.judging.matching import labelled
from mgc_keras.judging.names import parents, stem
from mgc_keras.judging.predictions import judge_predictions
from mgc_keras.judging.tables import read_table
from mgc_keras.reporting.verdicts import CLAIM, MIND

ROWS = "filename,f1,f2,label\na.wav,1,2,x\nb.wav,2,1,x\nc.wav,3,5,y\nd.wav,4,0,y\n"
MANIFEST = "clip_id,filepath,label,artist\n" + "".join(f"{name},m/{name}.mp3,{name > 'b'},s{name}\n" for name in "abcd")


def read(tmp_path: Path, text: str, labels: str | None = None) -> object:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return labelled(read_table(path), labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv: is empty"),
        ("filename,f1,label\n", "t.csv: there are no rows"),
        (ROWS.replace(",", ";"), "separated by semicolons"),
        (ROWS.replace("filename", "f0"), "t.csv: clip_id: no column names the clip (name that column"),
        (ROWS.replace("f2", "f1"), "t.csv: f1: two columns have this name"),
        (ROWS.replace("b.wav", "a.wav"), "t.csv: filename: 'a.wav' stands in two rows"),
        (ROWS.replace("b.wav", ""), "t.csv: filename: empty in row 2"),
        (ROWS.replace(",y", ",x"), "t.csv: label: all 4 clips have one label, 'x'"),
        (ROWS.replace("5,y", "5,"), "t.csv: label: no label for 'c.wav'"),
        (ROWS.replace("label", "mood"), "t.csv: label: no column of labels (give --labels"),
        (ROWS.replace("5,y", "5,y,7"), "t.csv: is no table of clips"),
        (ROWS.replace("5,y", "nan,y"), "t.csv: f2: 'nan' for 'c.wav' is no finite number; 1 such cell(s)"),
        (
            ROWS.replace("1,2,x", '"1,5",2,x').replace("2,1,x", '"2,5",1,x').replace("3,5,y", '"3,1",5,y'),
            "f1: '1,5' for 'a.wav' is",
        ),
        (ROWS.replace("5,y", "-inf,y"), "t.csv: f2: -inf for 'c.wav' is no finite number"),
        (ROWS.replace("5,y", "5,z"), "t.csv: label: class 'y' has one clip"),
        ("clip_id,label\na,x\nb,x\nc,y\nd,y\n", "t.csv: no column of features is left of 1"),
    ],
)
def test_messages_name_file_field_and_cure(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(MgcKerasError) as error:
        judge_features(str(tmp_path / "t.csv"), options=Options(n_folds=2))
    assert message in str(error.value) and str(error.value).endswith(")")


def test_a_manifest_finds_clips_by_id_path_and_name(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text(MANIFEST)
    rows = "TRACK ID,F1\nd,1\nm/c.mp3,2\n/data/old/m/b.wav,3\na.png,4\nstranger,5\n"
    clips = read(tmp_path, rows, str(manifest))
    assert clips.clips.tolist() == ["d", "c", "b", "a"] and clips.n_unmatched == 1
    assert clips.labels.tolist() == ["True", "True", "False", "False"]
    assert clips.known["artist"].tolist() == ["sd", "sc", "sb", "sa"]
    assert "1 rows are no clips" in clips.notes[0] and "stranger" in clips.notes[0]


def test_what_may_be_two_clips_is_refused_by_name(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text("clip_id,filepath,label\n1,x/a.wav,x\n2,y/a.wav,y\n3,y/b.wav,y\n")
    with pytest.raises(MgcKerasError, match="'a.wav' may be 'x/a.wav' and 'y/a.wav'"):
        read(tmp_path, "file,f\na.wav,1\nb.wav,2\n", str(manifest))
    assert read(tmp_path, "file,f\nold/y/a.wav,1\nold/x/a.mp3,2\n", str(manifest)).clips.tolist() == ["2", "1"]
    with pytest.raises(MgcKerasError, match="'b.wav' and 'b.mp3' are both the clip '3'"):
        read(tmp_path, "file,f\nb.wav,1\nb.mp3,2\n", str(manifest))


FOLDERS = "clip_id,filepath,label\n" + "".join(
    f"{label}/{n}.mp3,{label}/{n}.mp3,{label}\n" for label, n in [("pop", 1), ("pop", 2), ("rock", 1), ("rock", 3)]
)


@pytest.mark.parametrize(
    ("names", "found", "n_guesses"),
    [
        # A copy elsewhere: the folder of each clip is the same.
        (["/old/pop/1.wav", "/old/rock/3.wav"], ["pop/1.mp3", "rock/3.mp3"], 0),
        # One file name in two folders, of which the manifest knows one: the other is no clip of it.
        (["pop/1.mp3", "pop/3.mp3", "rock/3.mp3", "jazz/2.mp3"], ["pop/1.mp3", "", "rock/3.mp3", ""], 0),
        (["new/pop/1.mp3", "new/rock/3.mp3", "new/jazz/1.mp3"], ["pop/1.mp3", "rock/3.mp3", ""], 0),
        # The folder is another class, whatever the other rows say.
        (["rock/2.wav", "all/3.wav", "all/2.ogg"], ["", "rock/3.mp3", "pop/2.mp3"], 2),
        # No folder: a number alone may be of any collection.
        (["2", "3.wav"], ["pop/2.mp3", "rock/3.mp3"], 2),
        # Other folders throughout: perhaps a copy, perhaps another collection.
        (["x/2.wav", "y/3.wav"], ["pop/2.mp3", "rock/3.mp3"], 2),
    ],
)
def test_folders_that_say_another_clip_are_believed(
    tmp_path: Path, names: list[str], found: list[str], n_guesses: int
) -> None:
    (tmp_path / "m.csv").write_text(FOLDERS)
    clips = read(tmp_path, "file,f\n" + "".join(f"{name},1\n" for name in names), str(tmp_path / "m.csv"))
    there = dict(zip(clips.rows.tolist(), clips.clips.tolist()))
    assert [there.get(row, "") for row in range(len(names))] == found
    assert len(clips.guesses) == n_guesses and clips.n_unmatched == found.count("")


def test_names_without_folders_are_the_clips_of_these_names(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("clip_id,filepath,label\na,pop/one song.mp3,pop\nb,rock/another.mp3,rock\n")
    clips = read(tmp_path, "file,f\none song.wav,1\nanother,2\n", str(tmp_path / "m.csv"))
    assert clips.clips.tolist() == ["a", "b"] and not clips.guesses


@pytest.mark.parametrize("folder", ["", "music/"])
def test_pieces_of_songs_stay_together_without_a_manifest(tmp_path: Path, folder: str) -> None:
    """What a neighbour in the same song gives away: 30 songs whose sound has nothing to do with their class."""
    random = np.random.default_rng(1)
    songs, n_pieces = [f"{folder}song{n:02d}" for n in range(30)], 6
    sound = random.normal(size=(30, 1, 10)) + 0.1 * random.normal(size=(30, n_pieces, 10))
    table = pd.DataFrame(sound.reshape(-1, 10)).add_prefix("f")
    table.insert(0, "file", [f"{song}.{piece}.wav" for song in songs for piece in range(n_pieces)])
    table["label"] = np.repeat(np.array(["pop", "rock"])[np.arange(30) % 2], n_pieces)
    table.to_csv(tmp_path / "t.csv", index=False)
    found = judge_features(str(tmp_path / "t.csv"), options=Options(n_folds=5, classifier="knn"))
    scores = {score.protocol: score for score in found.scores}
    assert scores["random"].accuracy > 0.95 and scores["random"].shared == 1
    assert found.strictest.protocol == "clip" and found.strictest.n_units == found.strictest.n_clips == 30
    assert found.strictest.accuracy < 0.65 < scores["random"].low and found.strictest.shared == 0
    assert "pieces of 30 songs" in found.notes[0]


@pytest.mark.parametrize(
    "names",
    [
        [f"{label}.{n:03d}.wav" for label in ("pop", "rock") for n in range(6)],  # classes, numbered
        [f"song{n // 2}.{n % 2}.wav" if n < 11 else "another.wav" for n in range(12)],
        [f"take_{n // 4}-{n}.wav" for n in range(12)],  # a "song" of two classes
        [f"song {n}.wav" for n in range(12)],
        [f"{label}/{n}.wav" for label in ("pop", "rock") for n in range(6)],
    ],
)
def test_names_that_are_no_pieces_of_songs_are_clips(names: list[str]) -> None:
    labels = ["pop"] * 6 + ["rock"] * 6
    assert parents(names, labels) == names


@pytest.mark.parametrize(
    "form",
    [
        "{}.{}.wav",
        "{}_seg{}.mp3",
        "{} ({}).wav",
        "{}[{}].wav",
        "{}_{}s.wav",
        "{}_{}_9.wav",
        "{}_{}.0-9.5.wav",
        "{}/{}.wav",
    ],
)
def test_pieces_are_known_by_many_forms_of_names(form: str) -> None:
    songs = [f"Tune {letter}" for letter in "ABCDEFG"]
    names = [form.format(song, piece) for song in songs for piece in range(3)]
    assert parents([*names, "intro.wav"], ["pop"] * 22) == [song for song in songs for _ in range(3)] + ["intro.wav"]
    first = [f"{piece}_{song}.wav" for song in songs for piece in range(3)]
    assert parents(first, ["pop"] * 21) == [song for song in songs for _ in range(3)]


def test_some_unknown_artists_leave_the_others_known(tmp_path: Path) -> None:
    """Clips of an artist sound alike, whatever their class; two artists are not told."""
    random = np.random.default_rng(0)
    artist = np.arange(120) // 4
    table = pd.DataFrame(random.normal(size=(30, 12))[artist] + 0.1 * random.normal(size=(120, 12))).add_prefix("f")
    table.insert(0, "clip_id", [f"c{n}" for n in range(120)])
    table["label"], table["fold"] = np.array(["pop", "rock"])[artist % 2], np.arange(120) % 4
    names = np.array([f"artist {n}" for n in artist], dtype=object)
    for n_unknown in (2, 40):
        names[random.permutation(120)[:n_unknown]] = "Unknown"
        table.assign(artist=names).to_csv(tmp_path / "t.csv", index=False)
        found = judge_features(str(tmp_path / "t.csv"), options=Options(5, classifier="knn"))
        assert any("empty or unknown for" in note for note in found.notes)
        assert all(each.verdict != CLAIM for each in claims(found))
        # The given folds have nearly every artist on both sides, as far as they are known.
        own = next(score for score in found.scores if score.protocol == "own_folds")
        assert own.strictness == 0 and own.shared > 0.6
    n_unknown = int((names == "Unknown").sum())
    assert why_not_quoted(found) == f"of {n_unknown} of 120 clips no artist is known"


def test_clips_without_an_album_are_claimed_of_where_all_artists_are_known(tmp_path: Path) -> None:
    random, n = np.random.default_rng(0), np.arange(120)
    table = pd.DataFrame(random.normal(size=(120, 4)) + (n % 2)[:, None] * 0.9).add_prefix("f")
    table.insert(0, "clip_id", [f"c{row}" for row in n])
    table["label"], table["artist"] = n % 2, n // 4
    table["album"] = np.where(n % 3 == 0, "", (n // 2).astype(str))
    table.to_csv(tmp_path / "t.csv", index=False)
    found = judge_features(str(tmp_path / "t.csv"), "label", options=Options(5, classifier="knn"))
    assert "Column album is empty or unknown for 40 of 120 clips" in found.notes[0]
    assert found.strictest.protocol == "artist" and claims(found)[0].verdict == CLAIM
    # Without artists the albums are all that is known, and not of enough clips.
    table.drop(columns="artist").to_csv(tmp_path / "t.csv", index=False)
    found = judge_features(str(tmp_path / "t.csv"), "label", options=Options(5, classifier="knn"))
    assert why_not_quoted(found) == "of 40 of 120 clips no album is known"


def test_labels_that_are_not_those_of_gtzans_names_are_told(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    table = committed().table[["clip_id", "label"]].copy()
    table.loc[:2, "label"] = "rock"
    classes = np.unique(table["label"], return_inverse=True)[1]
    values = random.normal(size=(1000, 12)) + 2 * np.eye(10, 12)[classes] @ random.normal(size=(12, 12))
    table.join(pd.DataFrame(values).add_prefix("f")).to_csv(tmp_path / "t.csv", index=False)
    found = judge_features(str(tmp_path / "t.csv"), options=Options(4, classifier="knn", n_draws=1))
    told = [each for each in claims(found) if "3 labels are not those of GTZAN's names" in each.text]
    assert len(told) == 1 and all(each.verdict != CLAIM for each in claims(found))


def test_predictions_of_a_part_of_a_partition_say_so(tmp_path: Path) -> None:
    table = committed().table
    some = table[(table["split"] != "test") | (np.arange(1000) % 2 == 0)]
    some.assign(prediction=some["label"])[["clip_id", "prediction"]].to_csv(tmp_path / "p.csv", index=False)
    found = judge_predictions(str(tmp_path / "p.csv"), "gtzan_genre")
    n_here = int((some["split"] == "test").sum())
    assert found.strictest.title.startswith(f"{n_here} of the 290 clips of the test part") and n_here < 290


def test_artists_are_known_under_other_names_and_with_guests(tmp_path: Path) -> None:
    rows = [
        "a,pop,Prince,7",
        "b,pop,PRINCE feat. Sheena Easton,7",
        "c,rock,Prince (ft. Apollonia),7",
        "d,rock,Featherlight,8",
    ]
    (tmp_path / "t.csv").write_text("clip_id,label,Artist_Name,artist_id\n" + "\n".join(rows) + "\n")
    clips = read(tmp_path, (tmp_path / "t.csv").read_text())
    assert clips.known["artist"].tolist() == ["prince", "prince", "prince", "featherlight"]
    # Neither is a feature, whichever was taken.
    assert {"Artist_Name", "artist_id"} <= set(clips.used)
    (tmp_path / "m.csv").write_text(
        "clip_id,filepath,label,artist_name,album_title\na,a.mp3,pop,X,One\nb,b.mp3,rock,X,One\n"
    )
    clips = read(tmp_path, "clip_id,f\na,1\nb,2\n", str(tmp_path / "m.csv"))
    assert clips.known.to_dict("list") == {"artist": ["x", "x"], "album": ["one", "one"]}


def test_albums_are_counted_among_what_is_trained_on(tmp_path: Path) -> None:
    """Two clips an artist; ten an album: nearly every clip has its album in training, few their artist."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(80, 4))).add_prefix("f")
    table.insert(0, "clip_id", [f"c{n}" for n in range(80)])
    table["label"], table["album"] = np.arange(80) % 2, np.arange(80) // 10
    for more in ({}, {"artist": np.arange(80) // 2}):
        table.assign(**more).to_csv(tmp_path / "t.csv", index=False)
        found = judge_features(str(tmp_path / "t.csv"), "label", options=Options(5, classifier="knn"))
        lax = found.scores[0]
        tests = found.predictions[found.predictions["protocol"] == "random"]
        fold = tests.set_index("clip_id")["fold"].reindex(table["clip_id"]).to_numpy()
        album = table["album"].to_numpy()
        assert lax.shared == np.mean([((album == album[n]) & (fold != fold[n])).any() for n in range(80)]) == 1
        assert any(
            "has its artist or album in" in each.text or "has its album in" in each.text for each in claims(found)
        )
        # Albums alone are what is independent; beside artists they are not.
        assert lax.n_units == (40 if more else 8)


def test_an_artist_a_clip_is_as_good_as_folds_of_artists(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(80, 4)) + (np.arange(80) % 2)[:, None] * 0.8).add_prefix("f")
    table.insert(0, "clip_id", [f"c{n}" for n in range(80)])
    table["label"], table["artist"] = np.arange(80) % 2, np.arange(80)
    verdicts = {}
    for name in ("artist", "song"):
        table.rename(columns={"artist": name}).to_csv(tmp_path / "t.csv", index=False)
        verdicts[name] = claims(judge_features(str(tmp_path / "t.csv"), "label", options=Options(5, classifier="knn")))[
            0
        ]
    assert verdicts["artist"].verdict == CLAIM and "artists never heard in training" in verdicts["artist"].text
    assert verdicts["song"].verdict == MIND


def test_lost_leading_zeros_are_named(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("clip_id,filepath,label\n000001,a.mp3,pop\n000002,b.mp3,rock\n")
    with pytest.raises(ManifestError, match="leading zeros alone"):
        read(tmp_path, "track_id,f\n1,1\n2,2\n", str(tmp_path / "m.csv"))


def test_labels_that_differ_in_spelling_alone_are_refused_or_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(tmp_path, "clip_id,label\na,Rock\nb,rock\n")
    assert "'Rock' and 'rock' are classes of their own" in caplog.text
    with pytest.raises(ManifestError, match="differ in spaces"):
        read(tmp_path, "clip_id,label\na,hard rock\nb,hard  rock\n")


def test_a_guess_is_told_and_nothing_is_claimed(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(["pop", "rock"], 40)
    manifest = pd.DataFrame({"clip_id": [f"a/{n}.mp3" for n in range(80)], "label": labels})
    manifest = manifest.assign(filepath=manifest["clip_id"], artist=[f"artist {n}" for n in range(80)])
    manifest.to_csv(tmp_path / "m.csv", index=False)
    values = random.normal(size=(80, 3)) + 2 * (labels == "rock")[:, None]
    verdicts = {}
    for folder in ("a", "b"):
        table = pd.DataFrame(values, columns=["f0", "f1", "f2"])
        table.insert(0, "file", [f"{folder}/{n}.wav" for n in range(80)])
        table.to_csv(tmp_path / "t.csv", index=False)
        found = judge_features(str(tmp_path / "t.csv"), str(tmp_path / "m.csv"), options=Options(5, classifier="knn"))
        verdicts[folder] = [(each.verdict, "80 rows were found by the name" in each.text) for each in claims(found)]
    assert not any(told for _, told in verdicts["a"])
    assert (MIND, True) in verdicts["b"] and CLAIM not in [verdict for verdict, _ in verdicts["b"]]


def test_segments_belong_to_their_clip(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text(MANIFEST)
    clips = read(tmp_path, "file,f\na.0.wav,1\na.1.wav,2\nd_0.wav,3\nd_1.wav,4\n", str(manifest))
    assert clips.clips.tolist() == ["a", "a", "d", "d"]


@pytest.mark.parametrize("name", ["blues.00000", "blues.00000.wav", "genres/blues/blues.00000.au", "blues00000.png"])
def test_names_of_gtzan(name: str) -> None:
    assert gtzan_ids([name] * 10) == [("blues.00000", "")] * 10 and stem("x/blues.00000.au") == "blues.00000"


def test_copies_of_gtzan_are_told_apart() -> None:
    ids, split = committed().clip_ids, committed().table["split"]
    copies = {
        "complete, with the names of the owner's archive": [f"{name}.au" for name in ids],
        "complete, with the names of a .wav copy": [f"{name}.wav" for name in ids],
        "complete but for jazz.00054": [f"{name}.wav" for name in ids if name != "jazz.00054"],
        "those of the fault-filtered partition": [name for name, part in zip(ids, split) if part],
        "9990 rows are segments (of 3 s)": [f"{name}.{n}.wav" for name in ids for n in range(10)][:-10],
        "ten of each genre": [name for name in ids if int(name[-5:]) < 10],
        "no copy that is known here": ids[:600],
    }
    for says, names in copies.items():
        assert says in describe_copy(names)[0], says
    assert gtzan_ids(["kick.wav", "snare.wav"] * 10) is None
    pair = {frozenset(("metal.00058", "rock.00016"))}
    assert "Of 14 pairs with equal rows in a public table of GTZAN, 1 have them here" in describe_copy(ids, pair)[-1]


def test_segments_of_gtzan_stay_together(tmp_path: Path) -> None:
    """The public 3-second table: random rows leak, the fault-filtered partition holds for segments, too."""
    random = np.random.default_rng(0)
    ids = [name for name in committed().clip_ids if name.startswith(("jazz", "rock"))][::2]
    sound = {name: random.normal(size=10) for name in ids}
    rows = [(f"{name}.{n}.wav", *sound[name] + random.normal(size=10) * 0.2) for name in ids for n in range(3)]
    table = pd.DataFrame(rows, columns=["filename", *(f"f{n}" for n in range(10))])
    table["label"] = table["filename"].str[:4]
    table.to_csv(tmp_path / "t.csv", index=False)
    found = judge_features(str(tmp_path / "t.csv"), options=Options(n_folds=3, classifier="knn", n_draws=1))
    scores = {score.protocol: score for score in found.scores}
    assert scores["random"].accuracy > 0.9 and scores["random"].shared > 0.9
    assert scores["clip"].accuracy < 0.75 and scores["clip"].shared == 0 and scores["clip"].n_units == len(ids)
    assert found.strictest.protocol == "fault_filtered" and not any("near" in remark.kind for remark in found.remarks)


def test_predictions_are_counted(tmp_path: Path) -> None:
    """Of GTZAN's clips every fourth is wrong: 750 of 1000 right, and what of the 290 by hand."""
    table = committed().table
    wrong = np.arange(1000) % 4 == 0
    prediction = np.where(wrong, "none of them", table["label"])
    pd.DataFrame({"file": table["clip_id"] + ".wav", "Prediction": prediction}).to_csv(tmp_path / "p.csv", index=False)
    found = judge_predictions(str(tmp_path / "p.csv"), "gtzan_genre")
    everything, filtered = found.scores
    assert everything.accuracy == 0.75 and everything.n_clips == 1000
    test = (table["split"] == "test").to_numpy()
    assert filtered.accuracy == np.mean(~wrong[test]) and filtered.n_clips == 290
    assert found.strictest == filtered and "250 predictions are none of the classes" in found.notes[0]


def test_scores_of_classes_are_predictions(tmp_path: Path) -> None:
    scores = "clip_id,prob_x,prob_y,truth\na,.9,.1,x\nb,.2,.8,x\nc,.3,.7,y\nd,.4,.6,y\n"
    (tmp_path / "s.csv").write_text(scores)
    (tmp_path / "other.csv").write_text("clip_id,prediction\na,y\nb,y\nc,y\nd,y\n")
    found = judge_predictions(str(tmp_path / "s.csv"), against=str(tmp_path / "other.csv"))
    assert found.predictions["prediction"].tolist() == list("xyyy")
    (difference,) = found.differences
    assert (difference.first, difference.second, difference.p_value) == (0.75, 0.5, 1.0)


def test_windows_of_three_clips(tmp_path: Path) -> None:
    """Too few clips to say anything: no duplicates among windows, no interval, no claim, and no error."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(30, 12)), columns=[f"f{n}" for n in range(12)])
    table.insert(0, "clip_id", np.repeat(["a", "b", "c"], 10))
    table.insert(1, "start_s", np.tile(np.arange(10.0), 3))
    table.insert(2, "end_s", table["start_s"] + 1)
    table["genre"] = np.repeat(["x", "y", "y"], 10)
    table["split"] = np.repeat(["train", "train", "test"], 10)
    table.to_csv(tmp_path / "w.csv", index=False)
    found = judge_features(str(tmp_path / "w.csv"), options=Options(classifier="knn", n_draws=1))
    assert {remark.kind for remark in found.remarks} == {"column of the clip"}
    assert all(np.isnan(score.low) for score in found.scores) and found.strictest.protocol == "own_split"
    assert [score.n_units for score in found.scores if score.protocol == "own_split"] == [1]
    assert any("3 folds in place of 10 where clips are kept together" in note for note in found.notes)


def test_spaces_around_labels_are_no_part_of_them(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    rows = [f"{name},{name}.wav,{label}" for name, label in zip("abcd", (" x", " x", "y ", "y "))]
    (tmp_path / "m.csv").write_text("\n".join(["clip_id,filepath,label", *rows, ""]))
    clips = labelled(read_table(tmp_path / "t.csv"), str(tmp_path / "m.csv"))
    assert clips.labels.tolist() == ["x", "x", "y", "y"] and not clips.notes
