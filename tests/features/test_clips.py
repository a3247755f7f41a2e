"""Which clips a source stands for, and under which names."""

import hashlib
import os

import pandas as pd
import pytest
from toy_extractor import write_clips

from mgc_keras.datasets.manifest import folder_manifest, read_manifest
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.features.clips import list_clips


def manifest_csv(folder, paths):
    rows = {"clip_id": [f"id{index}" for index in range(len(paths))], "filepath": [path.name for path in paths]}
    pd.DataFrame(rows | {"label": ["b", "a"] * (len(paths) // 2)}).iloc[::-1].to_csv(folder / "set.csv", index=False)
    return folder / "set.csv"


def test_a_manifest_keeps_its_order_ids_and_classes(tmp_path):
    paths = write_clips(tmp_path, 2)
    csv = manifest_csv(tmp_path, paths)
    for source in (csv, [csv], read_manifest(csv)):
        clips = list_clips(source)
        assert (clips.clip_ids, clips.labels) == (["id1", "id0"], ["a", "b"])
        assert clips.filepaths == ["clip001.wav", "clip000.wav"]
        assert all(path.samefile(expected) for path, expected in zip(clips.paths, paths[::-1], strict=True))


def test_a_list_of_clips_needs_no_labels(tmp_path):
    paths = write_clips(tmp_path, 2)
    rows = {"clip_id": ["one", "two"], "filepath": [path.name for path in paths]}
    pd.DataFrame(rows).to_csv(tmp_path / "list.csv", index=False)
    clips = list_clips(tmp_path / "list.csv")
    assert (clips.clip_ids, clips.labels) == (["one", "two"], None) and clips.paths[1].samefile(paths[1])
    # What learns needs them.
    with pytest.raises(MgcKerasError, match="label .or label_<name>.: the column is missing"):
        read_manifest(tmp_path / "list.csv")


def test_a_manifests_clips_may_lie_elsewhere(tmp_path):
    paths = write_clips(tmp_path / "audio", 2)
    csv = manifest_csv(tmp_path, paths)
    assert list_clips(csv, tmp_path / "audio").paths[1].samefile(paths[0])
    assert list_clips(read_manifest(csv), tmp_path / "audio").paths[1].samefile(paths[0])


def test_a_folder_gives_sorted_relative_names_and_skips_hidden_files(tmp_path):
    write_clips(tmp_path / "b", 1)
    write_clips(tmp_path / "a.x", 1)
    (tmp_path / "b" / "._clip000.wav").touch()
    clips = list_clips(tmp_path)
    assert clips.filepaths == ["a.x/clip000.wav", "b/clip000.wav"]
    assert clips.clip_ids == ["a.x/clip000", "b/clip000"]


def test_clips_that_would_share_an_id_keep_their_path(tmp_path):
    one, two = write_clips(tmp_path / "one", 1)[0], write_clips(tmp_path / "two", 2)
    clips = list_clips([one, *two])
    assert clips.clip_ids == [one.as_posix(), two[0].as_posix(), "clip001"]


def test_a_missing_clip_stays_in_the_list(tmp_path):
    assert list_clips([tmp_path / "gone.mp3"]).clip_ids == ["gone"]


@pytest.mark.parametrize("kind", ["missing folder", "empty folder", "twice", "mixed", "nothing"])
def test_refuses_with_a_cure(tmp_path, kind):
    paths = write_clips(tmp_path / "clips", 2)
    (tmp_path / "empty").mkdir()
    source = {
        "missing folder": tmp_path / "gone",
        "empty folder": tmp_path / "empty",
        "twice": [paths[0], paths[0]],
        "mixed": [manifest_csv(tmp_path / "clips", paths), paths[0]],
        "nothing": [],
    }[kind]
    with pytest.raises(OptionError) as caught:
        list_clips(source)
    assert caught.value.cure


def test_no_two_clips_of_a_folder_have_one_id(tmp_path):
    for name in ("a.mp3", "a.wav", "a.wav.flac", "b.wav"):
        (tmp_path / "rock").mkdir(exist_ok=True)
        (tmp_path / "rock" / name).write_bytes(b"")
    for ids in (list_clips(tmp_path).clip_ids, folder_manifest(tmp_path)["clip_id"]):
        assert list(ids) == ["rock/a.mp3", "rock/a.wav", "rock/a.wav.flac", "rock/b"]


def test_the_hash_moves_with_ids_and_sizes_the_state_with_every_touch(tmp_path):
    paths = write_clips(tmp_path, 2)
    clips = list_clips(tmp_path)
    before, state = clips.sha256(), clips.state()
    os.utime(paths[0], (0, 0))
    assert clips.sha256() == before and clips.state() != state
    paths[0].write_bytes(paths[0].read_bytes() + b"\0")
    assert clips.sha256() != before
    paths[0].unlink()
    assert list_clips(paths).sha256() != before


def test_what_is_hashed_is_one_line_a_clip(tmp_path):
    paths = write_clips(tmp_path, 4)
    csv = manifest_csv(tmp_path, paths)
    paths[2].unlink()
    clips = list_clips(csv, channel="left")
    sizes, times = "", "left"
    for position, name in enumerate(clips.filepaths):
        path = tmp_path / name
        assert clips.paths[position] == path
        if path.exists():
            status = path.stat()
            size = f"{status.st_size}\t"
            sizes += f"{clips.clip_ids[position]}\t{name}\t{size}\n"
            times += f"{clips.clip_ids[position]}\t{name}\t{size}{status.st_mtime_ns}\t{status.st_ctime_ns}\n"
        else:
            sizes += f"{clips.clip_ids[position]}\t{name}\tmissing\n"
            times += f"{clips.clip_ids[position]}\t{name}\tmissing\n"
    survey = clips.survey()
    expected = [hashlib.sha256(text.encode()).hexdigest() for text in (sizes, times)]
    assert [survey.sha256, survey.state] == [clips.sha256(), clips.state()] == expected
    assert survey.missing == {1} and clips.readable() == {0, 2, 3}
    assert list(clips.paths[1:3]) == [tmp_path / name for name in clips.filepaths[1:3]]
    assert [str(path) for path in clips.paths] == list(clips.locations())


def test_names_that_are_not_utf8_become_readable(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    with open(path, "wb"):
        pass
    clips = list_clips(tmp_path)
    assert clips.filepaths == ["caf\\xe9.wav"] and clips.paths[0].exists()


def test_a_name_with_an_odd_byte_and_one_that_spells_it_are_two(tmp_path):
    for name in (b"\xff.wav", rb"\xff.wav", rb"a\b.wav"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
            pass
    clips = list_clips(tmp_path)
    names = {os.fsencode(path.name): name for path, name in zip(clips.paths, clips.filepaths, strict=True)}
    assert names == {b"\xff.wav": r"\xff.wav", rb"\xff.wav": r"\\xff.wav", rb"a\b.wav": r"a\\b.wav"}
    assert len(set(clips.clip_ids)) == 3
    # Of other suffixes, their ids would be one.
    (tmp_path / r"\xff.wav").rename(tmp_path / r"\xff.mp3")
    assert sorted(list_clips(tmp_path).clip_ids) == [r"\\xff", r"\xff", r"a\\b"]


def test_a_clip_in_the_place_of_another_of_its_size_and_time_is_another(tmp_path):
    (path,) = write_clips(tmp_path, 1)
    clips = list_clips(tmp_path)
    sha256, state, before = clips.sha256(), clips.state(), path.stat()
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert clips.state() != state and clips.sha256() == sha256
