"""The one way to resume: fingerprints that tell work apart, a journal that survives any cut, settings that are kept."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.work import (
    FailedClip,
    Journal,
    fingerprint,
    finished_record,
    journal_fingerprint,
    keep_settings,
    read_failed_clips,
    versions,
    write_failed_clips,
    write_record,
)


@dataclass
class Settings:
    rate: float
    targets: np.ndarray


def test_fingerprints_tell_apart_all_that_can_move_a_number(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    (tmp_path / "c").write_bytes(b"y")
    different = [
        (), (1,), (1.5,), ("1",), ([1, 2],), ([2, 1],), (1, 2), ({"a": 1},), ({"a": 2},), (None,),
        (np.arange(4),), (np.arange(4).reshape(2, 2),), (np.arange(4.0),), (np.arange(4, dtype="int16"),),
        (np.arange(4)[::-1],), (np.array(["a", "b"]),), (np.array(["a", "c"]),), (np.array(["ab", ""]),),
        (np.array(["a", None], dtype=object),), (np.array(["a", "None"], dtype=object),),
        (Settings(0.1, np.arange(3)),), (Settings(0.1, np.arange(1, 4)),), (Settings(0.2, np.arange(3)),),
        (tmp_path / "a",), (tmp_path / "c",), (str(tmp_path / "a"),),
    ]  # fmt: skip
    assert len({fingerprint(*parts) for parts in different}) == len(different)


def test_fingerprints_are_the_same_for_the_same_work(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    alike = [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (tmp_path / "a", tmp_path / "b"),
        (np.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T.copy()),
        (np.float32(0.5), 0.5),
    ]
    assert all(fingerprint(one) == fingerprint(other) for one, other in alike)
    with pytest.raises(TypeError, match="object"):
        fingerprint(object())


STEPS = [["a", {"b": [1.5, None]}], ["c"], ["d", "e\n", "é"]]


def journal_of_steps(path: Path) -> list[int]:
    """Write all steps; return the size of the file after each, the head alone first."""
    sizes = []
    with Journal(path, "key") as journal:
        sizes.append(path.stat().st_size)
        for step in STEPS:
            journal.append(step)
            sizes.append(path.stat().st_size)
        assert list(journal) == sum(STEPS, []) and journal[-1] == "é"
        with pytest.raises(IndexError):
            journal[6]
    return sizes


def test_a_journal_cut_anywhere_goes_on_behind_its_last_whole_step(tmp_path: Path) -> None:
    sizes = journal_of_steps(tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    for length in range(len(whole) + 1):
        (tmp_path / "cut").write_bytes(whole[:length])
        n_steps = max((number for number, size in enumerate(sizes) if size <= length), default=0)
        with Journal(tmp_path / "cut", "key") as journal:
            assert list(journal) == sum(STEPS[:n_steps], [])
            for step in STEPS[n_steps:]:
                journal.append(step)
        assert (tmp_path / "cut").read_bytes() == whole


def test_a_journal_never_returns_what_was_not_written(tmp_path: Path) -> None:
    journal_of_steps(tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    begins = [sum(STEPS[:number], []) for number in range(len(STEPS) + 1)]
    for place in range(len(whole)):
        (tmp_path / "torn").write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        with Journal(tmp_path / "torn", "key") as journal:
            assert list(journal) in begins[:-1]


def test_a_journal_of_other_work_is_discarded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal_of_steps(tmp_path / "journal")
    with Journal(tmp_path / "journal", "another") as journal:
        assert len(journal) == 0 and "starting afresh" in caplog.text
        journal.append(["x"])
    with Journal(tmp_path / "journal", "another", resume=False) as journal:
        assert len(journal) == 0
        journal.remove()
    assert not (tmp_path / "journal").exists()


def test_a_journal_that_is_only_read_stays_as_it_is(tmp_path: Path) -> None:
    sizes = journal_of_steps(tmp_path / "journal")
    assert journal_fingerprint(tmp_path / "journal") == "key"
    for size, n_steps, is_cut in ((sizes[-1], 3, False), (sizes[-1] - 1, 2, True), (sizes[1], 1, False)):
        (tmp_path / "journal").write_bytes((tmp_path / "journal").read_bytes()[:size])
        with Journal(tmp_path / "journal", "key", read_only=True) as journal:
            assert list(journal) == sum(STEPS[:n_steps], []) and journal.is_cut == is_cut
        assert (tmp_path / "journal").stat().st_size == size
    for content in (b"", b"{}\n", b"[]\n", b'{"journal": 1, "fingerprint": "key"}\n', b"\xff" * 5000, b"[" * 5000):
        (tmp_path / "journal").write_bytes(content)
        assert journal_fingerprint(tmp_path / "journal") is None


def test_a_link_at_the_place_of_a_journal_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    for target in ("mine", "nothing"):
        (tmp_path / "journal").symlink_to(tmp_path / target)
        with pytest.raises(OptionError, match="journal: is a link"):
            Journal(tmp_path / "journal", "key")
        (tmp_path / "journal").unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"] and (tmp_path / "mine").read_text() == "precious"


def test_a_full_disk_is_told_in_one_line() -> None:
    with pytest.raises(MgcKerasError, match="/dev/full: the disk is full, what is finished is kept"):
        Journal._write(_Full(), b"x")


class _Full:
    path = "/dev/full"

    def __init__(self) -> None:
        self._file = open("/dev/full", "wb", buffering=0)


def test_settings_are_kept_and_others_refused(tmp_path: Path) -> None:
    keep_settings(tmp_path / "settings.json", {"seed": 0, "rates": (0.1, 0.2)})
    before = (tmp_path / "settings.json").read_bytes()
    keep_settings(tmp_path / "settings.json", {"rates": [0.1, 0.2], "seed": 0})
    for settings, field in (({"seed": 1, "rates": [0.1, 0.2]}, "seed"), ({"seed": 0}, "rates")):
        with pytest.raises(OptionError, match=f"{tmp_path}: {field}: holds work with other settings"):
            keep_settings(tmp_path / "settings.json", settings)
    assert (tmp_path / "settings.json").read_bytes() == before
    (tmp_path / "settings.json").write_text("[")
    with pytest.raises(OptionError, match="holds work whose settings cannot be read"):
        keep_settings(tmp_path / "settings.json", {"seed": 0})


def test_results_stand_beside_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert keep_settings(path, {"rate": float("nan")}) == {}
    assert keep_settings(path, {"rate": float("nan")}, {"a": [1]}) == {"a": [1]}
    assert keep_settings(path, {"rate": float("nan")}) == {"a": [1]}
    with pytest.raises(OptionError, match="rate: holds work"):
        keep_settings(path, {"rate": 1.0})
    path.write_text(json.dumps({"rate": 1.0, "results": 5}))
    assert keep_settings(path, {"rate": 1.0}) == {}


def test_a_record_counts_if_it_is_of_this_work(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert finished_record(path, "key") is None
    for text in ("", "[", "[1]", json.dumps({"fingerprint": "another"})):
        path.write_text(text)
        assert finished_record(path, "key") is None
    record = {"fingerprint": "key", "score": 0.25, "rows": [1, None, float("inf")], "names": {"b": "é", "a": ""}}
    assert finished_record(write_record(path, record), "key") == record
    assert finished_record(path, "another") is None
    # No change goes unnoticed: a digit, a name, an entry that is gone.
    text = path.read_text()
    for old, new in (("0.25", "0.26"), ('"a"', '"c"'), ("null,", ""), ('"score"', '"Score"'), ("Infinity", "1")):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        assert finished_record(path, "key") is None, old


def test_failed_clips_read_back_as_they_were(tmp_path: Path) -> None:
    failed = [FailedClip('a "b", c', "a/ü\n.wav", "broken", ""), FailedClip("NA", "01", "1", "2")]
    assert read_failed_clips(write_failed_clips(tmp_path / "errors.csv", failed)) == failed
    assert FailedClip.of("a", "a.wav", MgcKerasError("bad")) == FailedClip("a", "a.wav", "bad", "")


def test_versions_name_what_moves_numbers() -> None:
    assert {"mgc_keras", "python", "numpy", "tensorflow", "scikit-learn"} <= set(versions())
    assert versions()["numpy"] == np.__version__
