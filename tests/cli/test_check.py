"""``mgc-keras check`` as a user runs it: in a process of its own."""

import os
import subprocess
import sys

import pandas as pd
import pytest
from broken_clips import RATE, cut, tune, write, write_unusable


def check(*arguments):
    """Run the command; whatever happens, no traceback may reach the user."""
    done = subprocess.run(
        [sys.executable, "-m", "mgc_keras.cli.main", "check", *map(str, arguments)], capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    write_unusable(folder / "unusable")
    write(folder / "jazz" / "whole.wav", tune(8.0))
    write(folder / "jazz" / "copy.flac", tune(8.0))
    cut(folder / "jazz" / "cut.mp3", write(folder / "whole.mp3", tune(8.0, seed=1)))
    (folder / "whole.mp3").unlink()
    write(folder / "jazz" / "silent.wav", tune() * 0)
    write(folder / "blues" / "fine.ogg", tune(seed=2))
    (folder / "jazz" / "cover.jpg").touch()
    return folder


def test_a_clean_folder_gives_0(tmp_path):
    write(tmp_path / "jazz" / "1.wav", tune())
    (tmp_path / "jazz" / "._1.wav").write_text("left by macOS")
    done = check(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Checked 1 clip in 1 folder: nothing found.\n", "")


def test_findings_give_1_and_are_told(bad_folder):
    done = check(bad_folder, "--jobs", 2)
    assert done.returncode == 1
    # Nothing from the decoders either: they name no file.
    assert done.stderr == ""
    for line in (
        "  unusable/text.wav: cannot be decoded as audio, it looks like text; "
        "fetch it again, or convert it to wav, au, flac, ogg or mp3",
        "duplicate: 2 clips in 1 group. What to do: keep one of each group.",
        "  jazz/copy.flac = jazz/whole.wav",
        "silent: 1 clip. What to do: listen to it, then replace it or leave it out.",
        "Nothing found in 1 other folder.",
        "Skipped 1 file with other suffixes: 1 .jpg.",
        "Checked 19 clips in 3 folders: 18 with findings.",
    ):
        assert line in done.stdout.splitlines()
    table = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line[:4] in ("jazz", "unus")}
    assert table["jazz"][:2] == ["4", "4"] and table["unusable"][:2] == ["14", "14"]


def test_one_clip(bad_folder, tmp_path):
    whole = check(bad_folder / "blues" / "fine.ogg")
    assert (whole.returncode, whole.stdout) == (0, "Checked 1 clip in 1 folder: nothing found.\n")
    cut_off = check(bad_folder / "jazz" / "cut.mp3", "-o", tmp_path / "found.csv")
    assert cut_off.returncode == 1 and "cut.mp3" in cut_off.stdout
    assert pd.read_csv(tmp_path / "found.csv")[["clip", "kind"]].values.tolist() == [["cut.mp3", "truncated"]]
    (tmp_path / "notes.txt").write_text("no music")
    assert "unreadable: 1 clip" in check(tmp_path / "notes.txt").stdout
    odd = tmp_path / os.fsdecode(b"caf\xe9.wav")
    odd.write_text("no music")
    assert "caf\\xe9.wav" in check(odd, "-o", tmp_path / "odd.csv").stdout


def test_the_findings_are_saved_and_their_path_comes_last(bad_folder, tmp_path):
    output = tmp_path / "new" / "findings.csv"
    done = check(bad_folder, "-o", output)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == str(output)
    table = pd.read_csv(output)
    assert list(table) == ["clip", "kind", "detail", "cure"] and len(table) == 18
    assert table.notna().all().all()


def test_the_shortest_duration_is_an_option(tmp_path):
    write(tmp_path / "1.wav", tune()[: RATE // 2])
    assert check(tmp_path).returncode == 0
    done = check(tmp_path, "--minimum-duration", 1)
    assert done.returncode == 1 and "1.wav: lasts 0.5 s, less than 1 s" in done.stdout


def test_long_lists_are_cut_in_print_but_not_in_the_file(tmp_path):
    for k in range(30):
        (tmp_path / f"={k:02}.wav").touch()
    done = check(tmp_path, "-o", tmp_path / "findings.csv", "--escape-formulas")
    assert "  ... and 10 more; -o FILE saves them all" in done.stdout.splitlines()
    # No spreadsheet runs the names.
    assert pd.read_csv(tmp_path / "findings.csv")["clip"].tolist() == [f"'={k:02}.wav" for k in range(30)]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nowhere"], "there is no such folder"),
        (["empty"], "holds no audio files"),
        (["clips", "--minimum-duration", "-1"], "minimum_duration"),
        (["clips", "--minimum-duration", "nan"], "minimum_duration"),
        (["clips", "--minimum-duration", "long"], "--minimum-duration"),
        (["clips", "--jobs", "0"], "jobs"),
        (["clips", "-o", "empty"], "is a folder (name a file in it)"),
        ([], "DIR"),
    ],
)
def test_what_cannot_be_done_gives_2_and_one_line(tmp_path, arguments, words):
    write(tmp_path / "clip.wav", tune(0.2))
    write(tmp_path / "clips" / "1.wav", tune(0.2))
    (tmp_path / "empty").mkdir()
    done = check(*[tmp_path / name if (tmp_path / name).exists() or name == "nowhere" else name for name in arguments])
    assert done.returncode == 2 and done.stdout == ""
    assert words in done.stderr.splitlines()[-1]


def test_a_name_that_is_no_utf8(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).write_text("no music")
    done = check(tmp_path)
    assert done.returncode == 1 and "caf\\xe9.wav" in done.stdout


def test_an_output_folder_that_may_not_be_written(tmp_path):
    write(tmp_path / "clips" / "1.wav", tune(0.2))
    done = check(tmp_path / "clips", "-o", "/proc/nowhere/findings.csv")
    assert done.returncode == 2 and done.stderr.startswith("mgc-keras check: ") and len(done.stderr.splitlines()) == 1
