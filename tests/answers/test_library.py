"""Answers in the tags of files: the sound stays, what was there comes back, and nothing is written by surprise."""

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mgc_keras.answers.library import TagChange, plan_changes, undo_changes, write_changes
from mgc_keras.errors import OptionError

mutagen = pytest.importorskip("mutagen", reason="needs mutagen (pip install 'mgc_keras[library]')")
SUFFIXES = ("mp3", "flac", "ogg", "m4a")


def atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def m4a() -> bytes:
    """The least that is an m4a file: its sound is no sound, which nobody reads here."""
    handler = atom(b"hdlr", bytes(8) + b"soun" + bytes(13))
    header = atom(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 44100, 44100, 0, 0))
    movie = atom(b"moov", atom(b"trak", atom(b"mdia", handler + header)))
    return atom(b"ftyp", b"M4A \0\0\0\0M4A ") + atom(b"mdat", bytes(range(256)) * 8) + movie


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    waveform = 0.3 * np.sin(np.arange(22050) / 10)
    for suffix in SUFFIXES:
        path = folder / f"song.{suffix}"
        if suffix == "m4a":
            path.write_bytes(m4a())
        else:
            soundfile.write(path, waveform, 22050)
    return folder


def sound_of(path: Path) -> bytes:
    """The samples, and of an mp3 its frames, byte for byte."""
    if path.suffix == ".m4a":
        content = path.read_bytes()
        return content[content.index(b"mdat") :][: 4 + 2048]
    samples = soundfile.read(path)[0].tobytes()
    if path.suffix != ".mp3":
        return samples
    content = path.read_bytes()
    if content[:3] == b"ID3":
        size = sum(byte << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
        content = content[10 + size :]
    return samples + content.lstrip(b"\0")


def tags_of(path: Path) -> dict[str, list[str]]:
    return {name: list(value) for name, value in (mutagen.File(path, easy=True).tags or {}).items()}


def write(changes: list[TagChange], undo: Path) -> list[TagChange]:
    return list(write_changes(changes, undo))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("field", ["genre", "grouping"])
@pytest.mark.parametrize("tagged", [False, True])
def test_there_and_back(music: Path, tmp_path: Path, suffix: str, field: str, tagged: bool) -> None:
    path, undo = music / f"song.{suffix}", tmp_path / "undo.jsonl"
    if tagged:
        file = mutagen.File(path, easy=True)
        if file.tags is None:
            file.add_tags()
        file["title"], file["artist"] = ["A song"], ["Beyoncé", "and friends"]
        file.save()
    tags, sound, content = tags_of(path), sound_of(path), path.read_bytes()
    os.chmod(path, 0o640)
    (change,) = plan_changes([(path, ("Rock",))], field)
    assert change.problem == "" and change.old == () and path.read_bytes() == content
    assert write([change], undo) == [change]
    assert tags_of(path) == {**tags, field: ["Rock"]} and sound_of(path) == sound
    assert path.stat().st_mode & 0o777 == 0o640 and os.listdir(music).count(path.name) == 1
    assert [entry.problem for entry in undo_changes(undo, write=False)] == [""]
    assert tags_of(path) == {**tags, field: ["Rock"]}
    assert [entry.problem for entry in undo_changes(undo)] == [""]
    assert tags_of(path) == tags and sound_of(path) == sound
    if suffix == "mp3" and not tagged:
        assert path.read_bytes() == content
    # Twice does no harm.
    assert [entry.problem for entry in undo_changes(undo)] == ["is as it was already"]


def test_old_tags_of_mp3_keep_their_version(music: Path, tmp_path: Path) -> None:
    from mutagen.id3 import ID3, TCON, TIT2

    path = music / "song.mp3"
    tags = ID3()
    tags.add(TIT2(encoding=1, text="A song"))
    tags.add(TCON(encoding=0, text="(17)"))
    tags.save(path, v2_version=3)
    assert "Rock" in plan_changes([(path, ("Jazz",))], "genre")[0].problem
    changes = plan_changes([(path, ("Jazz",))], "genre", overwrite=True)
    write(changes, tmp_path / "undo.jsonl")
    found = ID3(path, translate=False)
    assert found.version == (2, 3, 0) and found["TCON"].genres == ["Jazz"] and str(found["TIT2"]) == "A song"
    list(undo_changes(tmp_path / "undo.jsonl"))
    assert ID3(path)["TCON"].genres == ["Rock"]


def test_what_is_not_written_says_why(music: Path, tmp_path: Path) -> None:
    held, read_only, linked, damaged = (music / f"{name}.flac" for name in ("held", "read_only", "linked", "damaged"))
    for path in (held, read_only, linked):
        path.write_bytes((music / "song.flac").read_bytes())
    file = mutagen.File(held, easy=True)
    file["genre"] = "Polka"
    file.save()
    os.chmod(read_only, 0o444)
    os.link(linked, music / "other name.flac")
    damaged.write_bytes(b"fLaC" + bytes(50))
    soundfile.write(music / "song.wav", np.zeros(100), 8000)
    (music / "link.ogg").symlink_to(music / "song.ogg")
    names = ("held.flac", "read_only.flac", "linked.flac", "damaged.flac", "song.wav", "gone.mp3")
    names += ("song.ogg", "link.ogg")
    before = {path: path.read_bytes() for path in music.iterdir()}
    changes = plan_changes([(music / name, ("Rock",)) for name in names], "genre")
    words = ("Polka", "read-only", "hard links", "tags that cannot be read", "kind", "no such file", "", "same file")
    for change, word in zip(changes, words, strict=True):
        assert word in change.problem and bool(word) == bool(change.problem), change
    assert [change.path.name for change in write(changes, tmp_path / "undo.jsonl")] == ["song.ogg"]
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert sorted(changed) == ["link.ogg", "song.ogg"] and (music / "link.ogg").is_symlink()
    again = plan_changes([(music / "song.ogg", ("Rock",)), (held, ("Rock",))], "genre", overwrite=True)
    assert ["already" in change.problem for change in again] == [True, False]


def test_a_run_that_is_stopped_is_taken_back_as_far_as_it_came(music: Path, tmp_path: Path) -> None:
    undo = tmp_path / "undo.jsonl"
    changes = plan_changes([(music / f"song.{suffix}", ("Rock",)) for suffix in SUFFIXES], "genre")
    before = {change.path: change.path.read_bytes() for change in changes}
    run = write_changes(changes, undo)
    next(run)
    # What stands in the file before each file is touched.
    assert [json.loads(line)["path"] for line in undo.read_text().splitlines()] == [str(changes[0].path)]
    next(run)
    run.close()
    content = undo.read_bytes()
    # Killed between the note and the file, and in the middle of a note.
    entry = json.loads(content.splitlines()[0]) | {"path": str(changes[2].path)}
    undo.write_bytes(content + json.dumps(entry).encode() + b'\n{"path": "/mus')
    problems = [change.problem for change in undo_changes(undo)]
    assert problems == ["is as it was already", "", ""]
    assert [tags_of(path).get("genre") for path in before] == [None] * 4
    assert before[changes[0].path] == changes[0].path.read_bytes()


def test_what_others_changed_meanwhile_stays(music: Path, tmp_path: Path) -> None:
    path, undo = music / "song.flac", tmp_path / "undo.jsonl"
    (change,) = plan_changes([(path, ("Rock",))], "genre")
    os.utime(path, (1, 1))
    assert "changed since" in write([change], tmp_path / "first.jsonl")[0].problem and "genre" not in tags_of(path)
    write(plan_changes([(path, ("Rock",))], "genre"), undo)
    file = mutagen.File(path, easy=True)
    file["genre"] = "Polka"
    file.save()
    assert "holds another genre now, Polka" in next(undo_changes(undo)).problem
    assert tags_of(path)["genre"] == ["Polka"]
    with pytest.raises(OptionError, match="File exists"):
        write([change], undo)


@pytest.mark.parametrize("text", ["", "text\n", '{"path": 1}\n', "[]\n", '{"field": "title"}\n', "\xff\n"])
def test_a_file_that_is_no_undo_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "undo.jsonl"
    path.write_bytes(text.encode("latin-1"))
    if not text:
        assert list(undo_changes(path)) == []
        return
    with pytest.raises(OptionError, match="no undo file"):
        list(undo_changes(path))
