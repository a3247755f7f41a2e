"""Manifests: reading, writing, one folder a class, and every kind of bad input."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.datasets.manifest import check_some_there, folder_manifest, read_manifest, write_manifest
from mgc_keras.errors import ManifestError
from mgc_keras.features.clips import list_clips

GOOD = pd.DataFrame(
    {
        "clip_id": ["007", "b", "c"],
        "filepath": ["x/7.wav", "x/ü b.mp3", "y/c.au"],
        "label": ["None", "jazz", "NA"],
        "label_arousal": [0.1, 1 / 3, 2.0],
        "split": ["train", "", "test"],
        "fold": [3, 1, -1],
        "artist": ["Ann", "", "Bob, jun."],
        "seed": [1, 2, 3],
    }
)


def _csv(folder: Path, name: str = "m.csv", **columns: list[str]) -> Path:
    cells = {"clip_id": ["a", "b"], "filepath": ["a.wav", "b.wav"], "label": ["jazz", "rock"]} | columns
    pd.DataFrame({name: values for name, values in cells.items() if values}).to_csv(folder / name, index=False)
    return folder / name


def test_round_trip_keeps_every_cell(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(GOOD, tmp_path / "deep" / "m.csv"))
    pd.testing.assert_frame_equal(manifest.table, GOOD, check_dtype=False)
    assert manifest.table["fold"].dtype == np.int64
    assert manifest.name == "m"
    assert len(manifest) == 3
    assert manifest.clip_ids == ["007", "b", "c"]
    assert manifest.filepaths[1] == tmp_path / "deep" / "x" / "ü b.mp3"
    assert manifest.class_names == ["NA", "None", "jazz"]
    assert manifest.label_indices.tolist() == [1, 2, 0]
    assert manifest.label_columns == ["label_arousal"]
    assert manifest.targets("arousal").tolist() == manifest.targets("label_arousal").tolist() == [0.1, 1 / 3, 2.0]


def test_paths_are_absolute_below_data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    write_manifest(GOOD, "m.csv")
    assert read_manifest("m.csv").filepaths[0] == tmp_path / "x" / "7.wav"
    assert read_manifest("m.csv", data_home="home").filepaths[0] == tmp_path / "home" / "x" / "7.wav"


def test_select_rows(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(GOOD, tmp_path / "m.csv"))
    assert manifest.select(np.array([2, 0])).clip_ids == ["c", "007"]
    assert manifest.select(np.array([False, True, True])).clip_ids == ["b", "c"]


def test_spreadsheet_bom_is_no_part_of_the_header(tmp_path: Path) -> None:
    GOOD.to_csv(tmp_path / "m.csv", index=False, encoding="utf-8-sig")
    assert read_manifest(tmp_path / "m.csv").clip_ids[0] == "007"


def test_manifest_without_classes_has_targets_only(tmp_path: Path) -> None:
    manifest = read_manifest(_csv(tmp_path, label=[], label_happy=["0", "1"]))
    assert manifest.class_names == []
    assert manifest.targets("happy").tolist() == [0.0, 1.0]
    with pytest.raises(ManifestError, match="label: there is no such column"):
        _ = manifest.label_indices
    with pytest.raises(ManifestError, match="label_sad: .*label_happy"):
        manifest.targets("sad")


@pytest.mark.parametrize(
    ("columns", "field", "problem"),
    [
        ({"clip_id": []}, "clip_id", "missing"),
        ({"filepath": []}, "filepath", "missing"),
        ({"label": []}, "label (or label_<name>)", "missing"),
        ({"clip_id": ["a", "a"]}, "clip_id", "duplicate id: 'a' in row 2"),
        ({"clip_id": ["a", ""]}, "clip_id", "empty id"),
        ({"filepath": ["a.wav", ""]}, "filepath", "empty path"),
        ({"filepath": ["a.wav", "/etc/passwd"]}, "filepath", "absolute path"),
        ({"filepath": ["a.wav", "../b.wav"]}, "filepath", "leaves the data folder"),
        ({"filepath": ["a.wav", "x/../../b.wav"]}, "filepath", "leaves the data folder"),
        ({"filepath": ["a.wav", "x/.."]}, "filepath", "leaves the data folder"),
        ({"label": ["jazz", ""]}, "label", "empty label"),
        ({"label": ["jazz", "  "]}, "label", "empty label"),
        ({"label_x": ["1", "nan"]}, "label_x", "not a finite number: 'nan' in row 2"),
        ({"label_x": ["1", ""]}, "label_x", "not a finite number"),
        ({"label_x": ["inf", "1"]}, "label_x", "not a finite number"),
        ({"label_x": ["1", "1_000"]}, "label_x", "not a finite number: '1_000' in row 2"),
        ({"label_x": ["yes", "no"]}, "label_x", "'yes' in row 1, 2 row(s)"),
        ({"fold": ["1", "2.5"]}, "fold", "not an integer: '2.5'"),
        ({"fold": ["1", ""]}, "fold", "not an integer"),
        ({"fold": ["1", "9" * 30]}, "fold", "not an integer"),
        ({"split": ["train", "validation"]}, "split", "unknown split: 'validation'"),
    ],
)
def test_bad_table(columns: dict, field: str, problem: str, tmp_path: Path) -> None:
    path = _csv(tmp_path, **columns)
    with pytest.raises(ManifestError) as raised:
        read_manifest(path)
    error = raised.value
    assert (error.path, error.field) == (path, field)
    assert problem in str(error)
    assert error.cure
    assert len(str(error).splitlines()) == 1


def test_unknown_labels_of_a_known_dataset(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="unknown label: 'polka' in row 2.*gtzan_genre knows: blues"):
        read_manifest(_csv(tmp_path, "gtzan_genre.csv", label=["jazz", "polka"]))
    with pytest.raises(ManifestError, match="label_joy: unknown label column"):
        read_manifest(_csv(tmp_path, "emomusic.csv", label_joy=["1", "2"]))
    assert read_manifest(_csv(tmp_path, "mine.csv", label=["jazz", "polka"])).class_names == ["jazz", "polka"]


def _rows(folder: Path, *rows: tuple[str, str, str]) -> Path:
    ids, paths, labels = map(list, zip(*rows))
    return _csv(folder, clip_id=ids, filepath=paths, label=labels)


def test_quoted_commas_lines_and_a_column_without_a_name_are_read_as_pandas_does(tmp_path: Path) -> None:
    text = 'clip_id,filepath,label,\n1,"a, b.wav","R&B, ""Soul""",x\n\n2,b.wav,"two\nlines",y\r\n'
    (tmp_path / "m.csv").write_text(text, encoding="utf-8", newline="")
    expected = pd.read_csv(tmp_path / "m.csv", dtype=str)
    pd.testing.assert_frame_equal(read_manifest(tmp_path / "m.csv").table, expected)


def test_windows_separators_are_slashes_unless_they_are_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "AC\\DC.wav").touch()
    path = _rows(tmp_path, ("a", "rock\\a.wav", "rock"), ("b", "AC\\DC.wav", "metal"))
    assert read_manifest(path).table["filepath"].tolist() == ["rock/a.wav", "AC\\DC.wav"]
    for wrong, problem in (
        ("C:\\music\\a.wav", "absolute path: 'C:\\\\\\\\music"),
        ("c:/a.wav", "absolute path"),
        ("\\\\server\\a.wav", "absolute path"),
        ("..\\a.wav", "leaves the data folder"),
    ):
        with pytest.raises(ManifestError, match=problem):
            read_manifest(_rows(tmp_path, ("a", wrong, "rock")))


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (("rock ", "rock"), "'rock ', 'rock'"),
        (("hip  hop", "hip\u00a0hop"), "'hip  hop', 'hip\\\\xa0hop'"),
        (("Beyonc\u00e9", "Beyonce\u0301"), r"'Beyonc\\xe9', 'Beyonce\\u0301'"),
    ],
)
def test_labels_that_nobody_can_tell_apart_are_refused(labels: tuple[str, str], shown: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=f"label: labels differ in spaces or Unicode form alone: {shown} "):
        read_manifest(_rows(tmp_path, ("a", "a.wav", labels[0]), ("b", "b.wav", labels[1])))


def test_what_is_odd_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys = read_manifest(_rows(tmp_path, ("a", "a.wav", "C"), ("b", "b.wav", "c"), ("d", "./a.wav", "C")))
    assert keys.class_names == ["C", "c"] and len(keys) == 3
    assert [record.getMessage().split(": ", 1)[1] for record in caplog.records] == [
        "label: 'C' and 'c' are classes of their own; write them alike if they are one",
        "filepath: 'a.wav' stands in 2 rows, which folds may part",
    ]
    with pytest.raises(ManifestError, match="filepath: the same file has the labels 'rock', 'jazz': 'a.wav'"):
        read_manifest(_rows(tmp_path, ("a", "a.wav", "rock"), ("b", "x/../a.wav", "jazz")))


class TestFilesThatAreNoManifests:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="no such file"):
            read_manifest(tmp_path / "m.csv")

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="is a folder"):
            read_manifest(tmp_path)

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "is empty"),
            (b"RIFF\x24\x80\x00\x00WAVEfmt \x10\x00\xff\xfe\x00", "is not a CSV file"),
            (b"PK\x03\x04\x00\x00\x00", "is not a CSV file"),
            (b"clip_id,filepath,label\na,b\nc,d,e,f,g\n", r"row 1 \(line 2\): has 2 fields, the header 3; 2 row"),
            (b"clip_id,filepath,label\n\na,b,c\nc,d,e,\n", r"row 2 \(line 4\): has 4 fields, the header 3; 1 row"),
            (b"clip_id,filepath,label\n1,a.wav,R&B, Soul\n", r"row 1 \(line 2\): .*double quotes"),
            (b'clip_id,filepath,label\n1,a.wav,"Soul\n', "line 2: is not a CSV file: unexpected end"),
            (b"clip_id,filepath,label\nx,a/ok.wav\0,a\n", "line 2: .*NUL"),
            (b"clip_id,filepath,label,label\na,b,c,d\n", "label: 2 columns have this name"),
            (b"sep=,\nclip_id,filepath,label\na,b,c\n", "begins with 'sep=,'.*remove that line"),
            (b"sep=;\nclip_id;filepath;label\na;b;c\n", "begins with 'sep=;'.*commas separate"),
            (b"clip_id;filepath;label\na;b;c\n", "separated by semicolons, not by commas"),
            (b"clip_id\tfilepath\tlabel\na\tb\tc\n", "separated by tabs"),
            (b"Clip_ID,filepath,Label\na,b,c\n", "rename: 'Clip_ID' to 'clip_id', 'Label' to 'label'"),
            (b"clip_id,file path ,label,Artist\na,b,c,d\n", "rename: 'file path ' to 'filepath', 'Artist' to 'artist'"),
            (b"clip_id,filepath, Label_x\na,b,1\n", "rename: ' Label_x' to 'label_x'"),
            (b"just a line of text\n", "missing"),
            (b"clip_id,filepath,label\n", "no rows"),
        ],
    )
    def test_content(self, content: bytes, problem: str, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_bytes(content)
        with pytest.raises(ManifestError, match=problem) as raised:
            read_manifest(tmp_path / "m.csv")
        assert "m.csv" in str(raised.value)

    def test_no_data_home(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="data_home: there is no such folder"):
            read_manifest(_csv(tmp_path), data_home=tmp_path / "nowhere")


class TestLinks:
    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "b.wav").touch()
        (tmp_path / "home").mkdir()
        return tmp_path / "outside"

    def test_linked_folder(self, outside: Path, tmp_path: Path) -> None:
        os.symlink(outside, tmp_path / "home" / "x")
        with pytest.raises(ManifestError, match="filepath: a link leaves the data folder: 'x/b.wav'"):
            read_manifest(_csv(tmp_path / "home", filepath=["a.wav", "x/b.wav"]))

    def test_linked_clip(self, outside: Path, tmp_path: Path) -> None:
        os.symlink(outside / "b.wav", tmp_path / "home" / "b.wav")
        with pytest.raises(ManifestError, match="a link leaves the data folder"):
            read_manifest(_csv(tmp_path / "home"))

    def test_link_inside_and_linked_home_are_fine(self, outside: Path, tmp_path: Path) -> None:
        os.symlink("b.wav", outside / "a.wav")
        _csv(outside)
        os.symlink(outside, tmp_path / "home" / "linked")
        assert len(read_manifest(tmp_path / "home" / "linked" / "m.csv")) == 2


class TestWrite:
    def test_a_carriage_return_in_a_name_ends_no_row(self, tmp_path: Path) -> None:
        odd = GOOD.assign(filepath=["a\rb.wav", "c\nd.wav", 'e",f.wav'])
        path = write_manifest(odd, tmp_path / "m.csv")
        assert read_manifest(path).table["filepath"].tolist() == odd["filepath"].tolist()
        assert pd.read_csv(path)["filepath"].tolist() == odd["filepath"].tolist()
        assert write_manifest(GOOD, path).read_text(encoding="utf-8") == GOOD.to_csv(index=False, lineterminator="\n")

    def test_refuses_what_could_not_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="not a finite number"):
            write_manifest(GOOD.assign(label_arousal=[0.1, None, 0.2]), tmp_path / "m.csv")
        assert list(tmp_path.iterdir()) == []

    def test_never_overwrites_another_file(self, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_text("song_id,arousal\n", encoding="utf-8")
        with pytest.raises(ManifestError, match="is no manifest"):
            write_manifest(GOOD, tmp_path / "m.csv")
        assert (tmp_path / "m.csv").read_text(encoding="utf-8") == "song_id,arousal\n"
        write_manifest(GOOD, tmp_path / "n.csv")
        assert len(read_manifest(write_manifest(GOOD[:1], tmp_path / "n.csv"))) == 1


class TestFolder:
    @staticmethod
    def _touch(folder: Path, *names: str) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()

    def test_one_sub_folder_a_class(self, tmp_path: Path) -> None:
        names = [
            "rock/b.flac",
            "rock/deep/a.b.ogg",
            "jazz/x.wav",
            "jazz/x.MP3",
            "jazz/._x.wav",
            ".cache/y.wav",
            "jazz/notes.txt",
        ]
        self._touch(tmp_path, *names)
        table = folder_manifest(tmp_path)
        assert table["clip_id"].tolist() == ["jazz/x.MP3", "jazz/x.wav", "rock/b", "rock/deep/a.b"]
        assert table["filepath"].tolist() == ["jazz/x.MP3", "jazz/x.wav", "rock/b.flac", "rock/deep/a.b.ogg"]
        assert table["label"].tolist() == ["jazz", "jazz", "rock", "rock"]
        assert read_manifest(write_manifest(table, tmp_path / "m.csv")).class_names == ["jazz", "rock"]

    def test_folders_above_the_classes_are_none(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        self._touch(tmp_path, "Data/genres/blues/b.wav", "Data/genres/rock/deep/r.wav", "Data/images/blues.png")
        table = folder_manifest(tmp_path)
        assert table["label"].tolist() == ["blues", "rock"] and table["clip_id"][0] == "Data/genres/blues/b"
        assert caplog.messages == ["Data/genres: holds all clips: the folders in it are taken as classes"]

    def test_one_class_is_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        self._touch(tmp_path, "rock/a.wav", "rock/live/b.wav")
        assert folder_manifest(tmp_path)["label"].tolist() == ["rock", "rock"]
        assert caplog.messages == ["rock: holds all clips, so there is one class"]

    def test_no_clips(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="no audio files"):
            folder_manifest(tmp_path)

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="no such folder"):
            folder_manifest(tmp_path / "nowhere")

    def test_clip_in_no_class(self, tmp_path: Path) -> None:
        self._touch(tmp_path, "jazz/a.wav", "b.wav")
        with pytest.raises(ManifestError, match=r"label: 1 clip\(s\) lie in no class folder, first b.wav"):
            folder_manifest(tmp_path)


def test_long_manifests_are_checked_in_parts_as_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = [(str(row), f"{row % 3}/./ü_{row}.wav" if row % 2 else f"{row % 3}\\{row}.wav", "rock") for row in range(11)]
    (tmp_path / "outside").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "link").symlink_to(tmp_path / "outside")
    wrong = [
        (("3", "x.wav", "rock"), "duplicate id: '3' in row 12, 1 row"),
        (("x", "1//ü_1.wav", "jazz"), "the same file has the labels 'rock', 'jazz': '1/ü_1.wav'"),
        (("x", "a/../../b.wav", "rock"), "the path leaves the data folder: 'a/../../b.wav' in row 12"),
        (("x", "link/b.wav", "rock"), "a link leaves the data folder: 'link/b.wav' in row 12"),
    ]
    whole = read_manifest(_rows(tmp_path, *good), tmp_path / "home").table
    monkeypatch.setattr("mgc_keras.datasets.manifest._Rows._PART", 4)
    monkeypatch.setattr("mgc_keras.datasets.manifest_checks._PART", 3)
    pd.testing.assert_frame_equal(read_manifest(_rows(tmp_path, *good), tmp_path / "home").table, whole)
    assert whole["filepath"].tolist()[:3] == ["0/0.wav", "1/./ü_1.wav", "2/2.wav"]
    for row, problem in wrong:
        with pytest.raises(ManifestError, match=problem):
            read_manifest(_rows(tmp_path, *good, row), tmp_path / "home")
    with open(_rows(tmp_path, *good), "a") as stream:
        stream.write("x,b.wav,rock,z\ny,c.wav\n")
    with pytest.raises(ManifestError, match=r"row 12 \(line 13\): has 4 fields, the header 3; 2 row\(s\)"):
        read_manifest(tmp_path / stream.name, tmp_path / "home")


def test_a_folder_that_holds_none_of_the_clips_is_another(tmp_path):
    (tmp_path / "m.csv").write_text("clip_id,filepath,label\na,x/a.wav,p\nb,x/b.wav,q\n")
    with pytest.raises(ManifestError, match=r"none of 2 files is below .* \(is --data-home right\?.* 'x/a.wav'"):
        check_some_there(read_manifest(tmp_path / "m.csv"))
    with pytest.raises(ManifestError, match="none of 2 files is below"):
        list_clips(tmp_path / "m.csv")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "b.wav").touch()
    check_some_there(read_manifest(tmp_path / "m.csv"))
