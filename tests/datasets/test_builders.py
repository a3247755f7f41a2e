"""Builders: one contract for all, what is particular to each, and the authors' own lists."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from fake_datasets import FAKE_TREES, touch, write, write_song

from mgc_keras.datasets.builders import build_manifest, builder_names
from mgc_keras.datasets.builders.artists1517 import artist_of
from mgc_keras.datasets.builders.jamendo_vocal import read_label_file
from mgc_keras.datasets.cards import card_names, count_problems, read_card
from mgc_keras.datasets.manifest import read_manifest, write_manifest
from mgc_keras.errors import ManifestError, OptionError

KIND_COLUMNS = {"classification": "label", "regression": "label_", "tagging": "label_"}


def test_every_card_has_a_builder_and_a_fake_tree() -> None:
    assert card_names() == builder_names() == sorted(FAKE_TREES)


@pytest.mark.parametrize("name", builder_names())
class TestContract:
    def test_table(self, name: str, tmp_path: Path) -> None:
        data = tmp_path / "data"
        expected_ids = FAKE_TREES[name](data)
        for path in [path for path in data.rglob("*") if path.is_file()]:
            (path.parent / f"._{path.name}").touch()
        built = build_manifest(name, data)
        manifest = read_manifest(write_manifest(built.table, tmp_path / "out" / f"{name}.csv"), data_home=data)
        assert manifest.clip_ids == expected_ids
        assert all(path.is_file() for path in manifest.filepaths)
        assert list(built.table.columns[:2]) == ["clip_id", "filepath"]
        card = read_card(name)
        assert built.table.columns[2].startswith(KIND_COLUMNS[card.kind])
        if card.label_columns:
            assert [column.removeprefix("label_") for column in manifest.label_columns] == card.label_columns
        if card.n_label_columns:
            assert len(manifest.label_columns) == card.n_label_columns
        for column, expected in (("split", card.splits), ("fold", card.folds)):
            assert (column in built.table) or not expected
        pd.testing.assert_frame_equal(build_manifest(name, data).table, built.table)

    def test_one_folder_deeper_gives_the_same_clips(self, name: str, tmp_path: Path) -> None:
        # Trees that come with a folder of their own already are one folder deep: name that.
        expected_ids = FAKE_TREES[name](tmp_path)
        inner = sorted(path for path in tmp_path.iterdir() if path.is_dir())
        root = inner[0] if len(list(tmp_path.iterdir())) == 1 else tmp_path
        assert build_manifest(name, root).table["clip_id"].tolist() == expected_ids

    def test_no_such_folder(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="no such folder"):
            build_manifest(name, tmp_path / "nowhere")

    def test_folder_of_something_else_says_what_is_expected(self, name: str, tmp_path: Path) -> None:
        touch(tmp_path, "other/song.mp3")
        with pytest.raises(ManifestError) as raised:
            build_manifest(name, tmp_path)
        assert str(tmp_path) in str(raised.value)
        assert read_card(name).layout in str(raised.value)

    def test_the_tiny_tree_is_not_complete(self, name: str, tmp_path: Path) -> None:
        FAKE_TREES[name](tmp_path)
        problems = count_problems(build_manifest(name, tmp_path).table, read_card(name))
        assert bool(problems) == (name != "msd_lastfm50")


@pytest.mark.parametrize("name", ["urbansound8k", "emomusic", "magnatagatune", "msd_lastfm50", "emotify"])
def test_clips_named_in_a_list_but_not_there_are_reported(name: str, tmp_path: Path) -> None:
    first, *others = FAKE_TREES[name](tmp_path)
    next(iter(tmp_path.rglob(f"{first.rsplit('/')[-1]}.*" if name != "magnatagatune" else "zed*.mp3"))).unlink()
    built = build_manifest(name, tmp_path)
    assert built.table["clip_id"].tolist() == others
    assert len(built.missing) == 1


def test_unknown_name() -> None:
    with pytest.raises(OptionError, match="ballroom_extended"):
        build_manifest("ballroom", ".")


def test_gtzan_of_kaggle_lies_two_folders_deeper(tmp_path: Path) -> None:
    touch(tmp_path, "Data/genres_original/jazz/jazz.00054.wav", "Data/images_original/jazz/jazz00054.png")
    touch(tmp_path, "Data/genres_original/rock/rock.00001.wav")
    table = build_manifest("gtzan_genre", tmp_path).table
    assert table["filepath"].tolist() == [
        f"Data/genres_original/{name}.wav" for name in ("jazz/jazz.00054", "rock/rock.00001")
    ]
    assert table["label"].tolist() == ["jazz", "rock"]


def test_gtzan_in_both_formats_must_be_told_apart(tmp_path: Path) -> None:
    touch(tmp_path, "genres/blues/blues.00000.au", "genres_original/blues/blues.00000.wav")
    with pytest.raises(ManifestError, match="several copies"):
        build_manifest("gtzan_genre", tmp_path)
    built = build_manifest("gtzan_genre", tmp_path / "genres_original")
    assert built.table["filepath"].tolist() == ["blues/blues.00000.wav"]
    assert built.table["split"].tolist() == ["valid"]
    assert len(built.missing) == 999


def test_two_files_for_one_clip(tmp_path: Path) -> None:
    touch(tmp_path, "blues/blues.00000.au", "blues/blues.00000.wav")
    with pytest.raises(ManifestError, match=r"blues\.00000\.au and blues/blues\.00000\.wav"):
        build_manifest("gtzan_genre", tmp_path)


def test_emomusic_divides_by_nine_and_reads_artists(tmp_path: Path) -> None:
    FAKE_TREES["emomusic"](tmp_path)
    table = build_manifest("emomusic", tmp_path).table
    np.testing.assert_allclose(table["label_arousal"], [3.1 / 9, 0.5], rtol=1e-15)
    np.testing.assert_allclose(table["label_valence"], [3.0 / 9, 1.0], rtol=1e-15)
    assert table["artist"].tolist() == ["Ann", "Bob"]
    assert table["split"].tolist() == ["train", "test"]


@pytest.mark.parametrize("score", ["high", "nan", "", "inf"])
def test_emomusic_refuses_a_score_that_is_no_number(score: str, tmp_path: Path) -> None:
    write(tmp_path, "static_annotations.csv", "song_id,mean_arousal,mean_valence", f"2,{score},3.0")
    with pytest.raises(ManifestError, match=f"mean_arousal: '{score}' is no number"):
        build_manifest("emomusic", tmp_path)


@pytest.mark.parametrize(
    ("name", "copy"), [("emomusic", "2.wav"), ("msd_lastfm50", "TRB.wav"), ("jamendo_vocal", "01 - Aur.mp3")]
)
def test_one_clip_in_two_places_is_refused(name: str, copy: str, tmp_path: Path) -> None:
    FAKE_TREES[name](tmp_path)
    touch(tmp_path, f"copies/{copy}")
    with pytest.raises(ManifestError, match=f"two files for one clip.*{copy}"):
        build_manifest(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "path", "problem"),
    [
        (
            "urbansound8k",
            "UrbanSound8K/metadata/UrbanSound8K.csv",
            "slice_file_name, fold, class: the column is missing",
        ),
        ("magnatagatune", "annotations_final.csv", "clip_id, mp3_path: the column is missing"),
        ("msd_lastfm50", "tags.csv", "track_id, tag: the column is missing"),
        ("emotify", "emotify.csv", "the column is missing"),
    ],
)
def test_damaged_list(name: str, path: str, problem: str, tmp_path: Path) -> None:
    FAKE_TREES[name](tmp_path)
    write(tmp_path, path, "<html>", "<body>not found</body>")
    with pytest.raises(ManifestError, match=problem):
        build_manifest(name, tmp_path)
    (tmp_path / path).write_bytes(b"")
    with pytest.raises(ManifestError, match="cannot be read as a list"):
        build_manifest(name, tmp_path)


def test_msd_list_without_known_tags_leaves_nothing(tmp_path: Path) -> None:
    FAKE_TREES["msd_lastfm50"](tmp_path)
    write(tmp_path, "tags.csv", "track_id,tag", "TRB,seen live")
    built = build_manifest("msd_lastfm50", tmp_path)
    assert len(built.table) == 0
    with pytest.raises(ManifestError, match="there are no rows"):
        write_manifest(built.table, tmp_path / "out" / "msd_lastfm50.csv")


def test_magnatagatune_splits_by_folder(tmp_path: Path) -> None:
    FAKE_TREES["magnatagatune"](tmp_path)
    table = build_manifest("magnatagatune", tmp_path).table
    assert table["split"].tolist() == ["test", "valid", "train"]
    assert table["artist"].tolist() == ["Zed", "Cat", "Ann"]
    tags = table.filter(like="label_").to_numpy(float)
    np.testing.assert_array_equal(tags, np.eye(3, 188))


def test_msd_takes_tags_as_spelled_and_leaves_untagged_tracks_out(tmp_path: Path) -> None:
    FAKE_TREES["msd_lastfm50"](tmp_path)
    built = build_manifest("msd_lastfm50", tmp_path)
    tags = built.table.set_index("clip_id").filter(like="label_")
    given = {clip_id: {tag for tag in tags if row[tag] == 1} for clip_id, row in tags.iterrows()}
    assert given == {"TRB": {"label_rock", "label_Hip-Hop"}, "TRA": {"label_happy"}}
    assert built.remarks == ["1 track(s) without any of the 50 tags were left out"]


def test_emotify_from_the_owners_annotations(tmp_path: Path) -> None:
    emotions = read_card("emotify").label_columns
    header = "track id, genre, " + ", ".join(emotions) + ", mood"
    rows = [
        "101,rock" + ",1" * 9 + ",3",
        "101,rock" + ",0" * 9 + ",3",
        "1,classical" + ",1" * 9 + ",1",
        "102,rock" + ",0" * 9 + ",1",
    ]
    write(tmp_path, "data.csv", header, *rows)
    touch(tmp_path, "classical/1.mp3", "rock/1.mp3", "rock/2.mp3")
    table = build_manifest("emotify", tmp_path).table
    assert table["clip_id"].tolist() == ["classical/1", "rock/1", "rock/2"]
    assert table["label_power"].tolist() == [1.0, 0.5, 0.0]


class TestArtists1517:
    def test_labels_are_the_cards_and_artists_are_told(self, tmp_path: Path) -> None:
        FAKE_TREES["artists1517"](tmp_path)
        built = build_manifest("artists1517", tmp_path)
        assert built.table["label"].tolist() == ["Blues", "Blues", "Hip-Hop", "R&B & Soul"]
        assert built.table["artist"].tolist() == ["Cat", "Zed", "Bob", "Ann"]
        assert len(built.remarks) == 1 and built.remarks[0].startswith("4 artists are told")

    @pytest.mark.parametrize(
        ("stem", "artist"),
        [
            ("Ann Bee - Sea - Live", "Ann Bee"),
            ("Ann_Bee_-_Sea", "Ann Bee"),
            ("12 - 311 - Amber", "311"),
            ("Jay-Z - Song", "Jay-Z"),
            ("311 - Amber", ""),
            ("12_ann_sea", ""),
            ("Ann-Sea", ""),
            ("Sea", ""),
            (" - Sea", ""),
        ],
    )
    def test_artist_of_a_name(self, stem: str, artist: str) -> None:
        assert artist_of(stem) == artist

    def test_an_artist_that_is_not_told_is_not_guessed(self, tmp_path: Path) -> None:
        touch(tmp_path, "Jazz/Ann - Sea.mp3", "Jazz/ann_tide.mp3", "World/disc 2/rain.wav")
        built = build_manifest("artists1517", tmp_path)
        assert built.table["artist"].tolist() == ["Ann", "", ""]
        assert built.remarks[0].startswith("1 artists")
        assert "the artist of 2 of 3 songs cannot be told (first Jazz/ann_tide.mp3)" in built.remarks[1]

    def test_a_list_of_artists_takes_the_place_of_names(self, tmp_path: Path) -> None:
        touch(tmp_path, "1517/Jazz/Ann - Sea.mp3", "1517/Jazz/Bob - Tide.mp3")
        write(tmp_path, "1517/artists.csv", "filepath,artist", "Jazz/Ann - Sea.mp3,Ann Bee")
        table = build_manifest("artists1517", tmp_path).table
        assert table["artist"].tolist() == ["Ann Bee", ""]
        assert table["filepath"].tolist() == ["1517/Jazz/Ann - Sea.mp3", "1517/Jazz/Bob - Tide.mp3"]
        assert table["clip_id"].tolist() == ["Jazz/Ann - Sea", "Jazz/Bob - Tide"]

    def test_one_title_in_two_genres_and_an_artist_named_as_a_genre(self, tmp_path: Path) -> None:
        touch(tmp_path, "Jazz/World/Ann - Intro.mp3", "World/Ann - Intro.mp3")
        built = build_manifest("artists1517", tmp_path)
        assert built.table["clip_id"].tolist() == ["Jazz/World/Ann - Intro", "World/Ann - Intro"]

    def test_unknown_genre_and_two_files_for_one_song(self, tmp_path: Path) -> None:
        touch(tmp_path, "Jazz/Ann - Sea.mp3", "Polka/Bob - Tide.mp3")
        with pytest.raises(ManifestError, match="'Polka' is no genre of this dataset.*rename it to one of"):
            build_manifest("artists1517", tmp_path)
        (tmp_path / "Polka/Bob - Tide.mp3").rename(tmp_path / "Jazz/Ann - Sea.wav")
        with pytest.raises(ManifestError, match=r"two files for one clip: Jazz/Ann - Sea\.mp3 and Jazz/Ann - Sea\.wav"):
            build_manifest("artists1517", tmp_path)

    def test_two_copies(self, tmp_path: Path) -> None:
        touch(tmp_path, "a/Jazz/Ann - Sea.mp3", "b/Jazz/Ann - Sea.mp3")
        with pytest.raises(ManifestError, match="holds several copies"):
            build_manifest("artists1517", tmp_path)


class TestJamendo:
    def test_segments_are_cut_where_the_labels_say(self, tmp_path: Path) -> None:
        FAKE_TREES["jamendo_vocal"](tmp_path)
        table = build_manifest("jamendo_vocal", tmp_path).table
        assert table["label"].tolist() == ["nosing", "sing"] * 3
        assert table["split"].tolist() == ["train"] * 2 + ["valid"] * 2 + ["test"] * 2
        samples, rate = soundfile.read(tmp_path / "segments/train/sing/01 - Aur_1.wav", dtype="int16")
        assert rate == 100
        np.testing.assert_allclose(samples, np.arange(100, 250), atol=1)

    def test_segment_behind_the_end_and_song_without_audio_are_reported(self, tmp_path: Path) -> None:
        write_song(tmp_path, "train/short.wav", seconds=1.0)
        write(tmp_path, "train/short.lab", "0 1 sing", "1.5 2 nosing")
        write(tmp_path, "train/silent.lab", "0 1 sing")
        write(tmp_path, "train/broken.lab", "0 1 sing")
        write(tmp_path, "train/broken.mp3", "no music")
        built = build_manifest("jamendo_vocal", tmp_path)
        assert built.table["clip_id"].tolist() == ["short_0"]
        assert len(built.missing) == 3
        assert "broken.mp3" in built.missing[0]
        assert "behind the end" in built.missing[1]
        assert "silent.lab" in built.missing[2]

    @pytest.mark.parametrize("line", ["0 1", "a b sing", "2 1 sing", "-1 1 sing", "0 1 humming", "0 1 sing twice"])
    def test_wrong_line(self, line: str, tmp_path: Path) -> None:
        write(tmp_path, "song.lab", "0 1 sing", line)
        with pytest.raises(ManifestError, match="line 2"):
            read_label_file(tmp_path / "song.lab")

    def test_no_split_folder(self, tmp_path: Path) -> None:
        write_song(tmp_path, "song.wav", seconds=1.0)
        write(tmp_path, "song.lab", "0 1 sing")
        with pytest.raises(ManifestError, match="train, valid or test"):
            build_manifest("jamendo_vocal", tmp_path)


class TestAuthorsLists:
    """The lists of Choi et al. 2017: from trees made of their file names the builders must find their rows again."""

    @staticmethod
    def _list(shared_data: Path, name: str) -> pd.DataFrame:
        return pd.read_csv(shared_data / "choi2017" / "data_csv" / f"{name}.csv", dtype={"id": str}, index_col=0)

    @staticmethod
    def _complete(name: str, folder: Path) -> pd.DataFrame:
        built = build_manifest(name, folder)
        assert count_problems(built.table, read_card(name)) == []
        assert built.missing == []
        return built.table

    @staticmethod
    def _class_numbers(table: pd.DataFrame, name: str) -> list[int]:
        return [read_card(name).classes.index(label) for label in table["label"]]

    def test_gtzan_genre(self, shared_data: Path, tmp_path: Path) -> None:
        theirs = self._list(shared_data, "gtzan_genre")
        touch(tmp_path, *theirs["filepath"].str.removeprefix("gtzan_genre/"))
        ours = self._complete("gtzan_genre", tmp_path)
        assert ("gtzan_genre/" + ours["filepath"]).tolist() == theirs["filepath"].tolist()
        assert self._class_numbers(ours, "gtzan_genre") == theirs["label"].tolist()

    def test_gtzan_music_speech(self, shared_data: Path, tmp_path: Path) -> None:
        theirs = self._list(shared_data, "gtzan_speechmusic")
        touch(tmp_path, *theirs["filepath"].str.removeprefix("gtzan_music_speech/"))
        ours = self._complete("gtzan_music_speech", tmp_path)
        assert ours["clip_id"].tolist() == theirs["id"].tolist()
        assert self._class_numbers(ours, "gtzan_music_speech") == theirs["label"].tolist()

    def test_urbansound8k(self, shared_data: Path, tmp_path: Path) -> None:
        theirs = self._list(shared_data, "urbansound")
        classes = read_card("urbansound8k").classes
        shuffled = theirs.sample(frac=1.0, random_state=0)
        rows = [f"{row.id}.wav,{row.fold},{classes[row.label]}" for row in shuffled.itertuples()]
        write(tmp_path, "metadata/UrbanSound8K.csv", "slice_file_name,fold,class", *rows)
        touch(tmp_path, *("audio/" + theirs["filepath"]))
        ours = self._complete("urbansound8k", tmp_path)
        assert ours["clip_id"].tolist() == theirs["id"].tolist()
        assert ours["filepath"].tolist() == ("audio/" + theirs["filepath"]).tolist()
        assert ours["fold"].astype(int).tolist() == theirs["fold"].tolist()
        assert self._class_numbers(ours, "urbansound8k") == theirs["label"].tolist()

    def test_emomusic(self, shared_data: Path, tmp_path: Path) -> None:
        theirs = self._list(shared_data, "emoMusic")
        rows = [f"{row.id},{9 * row.label_arousal:.10f},{9 * row.label_valence:.10f}" for row in theirs.itertuples()]
        write(tmp_path, "annotations/static_annotations.csv", "song_id,mean_arousal,mean_valence", *sorted(rows))
        touch(tmp_path, *(f"clips_45seconds/{song}.mp3" for song in theirs["id"]))
        ours = self._complete("emomusic", tmp_path)
        assert ours["clip_id"].tolist() == theirs["id"].tolist()
        columns = ["label_arousal", "label_valence"]
        np.testing.assert_allclose(ours[columns], theirs[columns], atol=1e-10)

    def test_ballroom_extended(self, shared_data: Path, tmp_path: Path) -> None:
        # Their order inside a class follows no rule of the names; members, classes and the classes' order must agree.
        theirs = self._list(shared_data, "ballroom_extended")
        touch(tmp_path, *theirs["filepath"].str.removeprefix("ballroom_extended_2016/"))
        ours = self._complete("ballroom_extended", tmp_path)
        assert self._class_numbers(ours, "ballroom_extended") == theirs["label"].tolist()
        by_name = theirs.sort_values(["label", "id"])
        assert ours["clip_id"].tolist() == by_name["id"].tolist()

    def test_jamendo_vocal(self, shared_data: Path, tmp_path: Path) -> None:
        # Their songs are in an order of their own; inside a song, ids, labels and split must agree.
        theirs = self._list(shared_data, "jamendo_vd")
        label = theirs["label"].map({0: "nosing", 1: "sing"})
        songs = theirs.assign(word=label).groupby([theirs["id"].str.rsplit("_", n=1).str[0], "category"])
        for (song, split), rows in songs:
            write_song(tmp_path, f"{split}/{song}.wav", seconds=0.1 * len(rows))
            write(
                tmp_path,
                f"{split}/{song}.lab",
                *(f"{0.1 * k} {0.1 * (k + 1)} {word}" for k, word in enumerate(rows["word"])),
            )
        ours = self._complete("jamendo_vocal", tmp_path).set_index("clip_id").loc[theirs["id"]]
        assert ours["filepath"].tolist() == ("segments/" + theirs["filepath"]).tolist()
        assert ours["label"].tolist() == label.tolist()
        assert ours["split"].tolist() == theirs["category"].tolist()

    def test_emotify_clips(self, shared_data: Path) -> None:
        folder = shared_data / "audio" / "emotify"
        golden = np.load(shared_data / "golden" / "choi2017_theano.npz", allow_pickle=False)["filepath"]
        built = build_manifest("emotify", folder)
        assert built.missing == []
        assert built.table["filepath"].tolist() == [str(Path(path)) for path in golden]
        assert built.table["label"].value_counts().to_dict() == dict.fromkeys(read_card("emotify").classes, 15)
