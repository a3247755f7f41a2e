"""Playlists and standard input as lists of songs: which files they name, and what cannot be one."""

import io
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from broken_clips import tune, write

from mgc_keras.answers.playlists import write_playlist
from mgc_keras.cli.main import main
from mgc_keras.errors import OptionError
from mgc_keras.features.clips import list_clips
from mgc_keras.features.song_lists import read_song_list


def songs_of(folder: Path, content: bytes, name: str = "list.m3u8", home: Path | None = None) -> list[Path]:
    (folder / name).write_bytes(content)
    return read_song_list(folder / name, home)


def test_a_playlist_names_its_songs_once_each_from_its_own_folder(tmp_path: Path) -> None:
    content = "#EXTM3U\r\n#EXTINF:3,Björk - Jóga\r\nrock/Jóga.mp3\r\n\r\n./a b.wav\r\nrock/Jóga.mp3\r\n/music/c.mp3\r\n"
    expected = [tmp_path / "rock/Jóga.mp3", tmp_path / "a b.wav", Path("/music/c.mp3")]
    assert songs_of(tmp_path, b"\xef\xbb\xbf" + content.encode()) == expected
    assert songs_of(tmp_path, content.encode(), "LIST.M3U") == expected
    assert songs_of(tmp_path, content.encode(), home=Path("/data"))[0] == Path("/data/rock/Jóga.mp3")


def test_what_other_programs_write(tmp_path: Path) -> None:
    (tmp_path / "rock").mkdir()
    (tmp_path / "back\\slash.mp3").touch()
    content = (
        b"file:///music/a%20b%25.mp3\nfile://localhost/music/d.mp3\nrock\\e.mp3\nback\\slash.mp3\nJ\xf3ga.mp3\x0b\n"
    )
    names = ["/music/a b%.mp3", "/music/d.mp3", *(str(tmp_path / name) for name in ("rock/e.mp3", "back\\slash.mp3"))]
    assert [os.fsencode(song) for song in songs_of(tmp_path, content)] == [
        *map(os.fsencode, names),
        os.fsencode(tmp_path) + b"/J\xf3ga.mp3\x0b",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"#EXTM3U\n\n", "names no song .give a path a line"),
        (b"RIFF\0\0WAVE", "is no list of songs"),
        (b"https://example.com/a.mp3\n", "no song on this disk .https://example.com/a.mp3: URLs are not fetched"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        songs_of(tmp_path, content)
    assert "list.m3u8" in str(caught.value)
    with pytest.raises(OptionError, match="gone.m3u: there is no such file"):
        read_song_list(tmp_path / "gone.m3u")


def test_lines_that_are_left_out_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = b"a.mp3\nhttps://example.com/radio\n./a.mp3\nb.mp3\nhttp://example.com/b\na.mp3\n"
    assert songs_of(tmp_path, content) == [tmp_path / "a.mp3", tmp_path / "b.mp3"]
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "2 lines are left out, URLs are not fetched: https://example.com/radio",
        "2 lines are left out, named before",
    ]


@pytest.mark.parametrize("content", [b"b.wav\nrock/a.wav\n", b"b.wav\0rock/a.wav\0"])
def test_standard_input(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    monkeypatch.chdir(tmp_path)
    for name in ("b.wav", "rock/a.wav"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    clips = list_clips("-")
    assert (clips.name, clips.filepaths, clips.clip_ids) == ("paths", ["b.wav", "rock/a.wav"], ["b", "a"])
    # Nothing is left.
    with pytest.raises(OptionError, match="standard input: names no song"):
        list_clips("-")


def test_a_name_with_a_line_end_and_a_pattern_that_matches_nothing_say_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one\ntwo.wav").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo.wav\n")))
    with pytest.raises(OptionError, match="one: there is no such file or folder.*-print0"):
        list_clips("-")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo.wav\0")))
    assert len(list_clips("-")) == 1
    for pattern in ("music/*.mp3", "son?.wav"):
        with pytest.raises(OptionError, match="matches no file"):
            list_clips([pattern, "one\ntwo.wav"])
    # A missing song of a list is a row of the errors, whatever its name.
    (tmp_path / "list.m3u8").write_text("what?.mp3\n")
    assert list_clips("list.m3u8").filepaths == ["what?.mp3"]


def test_the_command_gives_the_rows_of_the_songs_by_name(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    songs = [write(tmp_path / f"{name}.wav", tune(1.0, seed=seed)) for seed, name in enumerate("ba")]
    playlist = write_playlist(tmp_path / "list.m3u8", ["./b.wav", "gone.mp3", "a.wav"])
    assert main(["features", str(playlist), "-o", str(tmp_path / "list.csv")]) == 1
    assert main(["features", *map(str, songs), "-o", str(tmp_path / "named.csv")]) == 0
    listed, named = (pd.read_csv(tmp_path / name, index_col="clip_id") for name in ("list.csv", "named.csv"))
    pd.testing.assert_frame_equal(listed, named)
    assert listed.index.tolist() == ["b", "a"]
    assert json.loads((tmp_path / "list.json").read_text())["n_failed"] == 1
    # It is an input, and no output replaces it.
    capsys.readouterr()
    assert main(["features", str(playlist), str(tmp_path / "b.wav"), "-o", str(tmp_path / "x.csv")]) == 2
    assert "listed more than once" in capsys.readouterr().err
