"""Whole files and locks: what a process leaves when it ends in any way, and what another one may touch meanwhile."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
import pytest

from mgc_keras import files
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import locked, sweep, whole_file
from mgc_keras.processes import in_processes
from mgc_keras.terminal import guarded

HOLDING = """
import sys, time
from mgc_keras.files import locked, whole_file
with locked(sys.argv[1]), whole_file(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("holds", flush=True)
    time.sleep(600)
"""


@contextmanager
def another_process(output: Path) -> Iterator[subprocess.Popen]:
    """Let another process hold an output, half written."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, output], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "holds\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_file_is_whole_or_not_there_and_has_the_usual_rights(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.keras"
    with pytest.raises(ZeroDivisionError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert not list(path.parent.iterdir())
    with whole_file(path) as temporary:
        assert temporary.suffix == ".keras" and not path.exists()
        temporary.write_text("whole")
    (tmp_path / "plain").touch()
    assert [entry.name for entry in path.parent.iterdir()] == ["a.keras"] and path.read_text() == "whole"
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    with another_process(tmp_path / "a.csv") as process:
        (tmp_path / ".mgc_keras.dead").mkdir()
        (tmp_path / ".hidden.csv").touch()
        held = sorted({entry.name for entry in tmp_path.iterdir()} - {".mgc_keras.dead"})
        with whole_file(tmp_path / "b.csv") as temporary:
            temporary.write_text("b")
            sweep(tmp_path)
        assert len(held) == 3 and sorted(entry.name for entry in tmp_path.iterdir()) == [*held, "b.csv"]
        process.kill()
        process.wait()
        sweep(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".hidden.csv", "b.csv"]


def test_a_second_process_is_told_who_writes(tmp_path: Path) -> None:
    output = tmp_path / ("x" * 251 + ".csv")  # as long as names may be
    with another_process(output) as process:
        with pytest.raises(MgcKerasError, match=f"{output}: is being written by process {process.pid} on "):
            with locked(output):
                pass
        with locked(tmp_path / "another.csv"):
            pass
        process.kill()
        process.wait()
        with locked(output), pytest.raises(MgcKerasError, match=f"process {os.getpid()} on"), locked(output):
            pass
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == []
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="is a file"), locked(tmp_path / "file" / "a.csv"):
        pass


def test_where_the_disk_knows_no_locks_files_are_written_and_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    (tmp_path / ".mgc_keras.other").mkdir()
    with locked(tmp_path / "a.csv"), whole_file(tmp_path / "a.csv") as temporary:
        temporary.touch()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".mgc_keras.other", "a.csv"]
    assert f"{tmp_path}: this disk knows no locks" in caplog.text


@pytest.fixture(autouse=True)
def hangup_ends_programs() -> Iterator[None]:
    """Under nohup it does not, nor in processes that are started there."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_process_that_is_asked_to_end_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    program = f"""
import sys, time
from mgc_keras.terminal import guarded
def work():
    exec({HOLDING!r})
sys.exit(guarded(work, "mgc-keras features", resumes=lambda: True))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "a.csv")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "holds\n"
    process.send_signal(number)
    errors = process.communicate()[1]
    assert (process.returncode, errors) == (code, "mgc-keras features: stopped; the same command goes on from here\n")
    assert not list(tmp_path.iterdir())


def test_a_second_request_to_end_does_not_cut_the_tidying_short() -> None:
    program = """
import sys, time
from mgc_keras.terminal import guarded
def work():
    try:
        print("works", flush=True)
        time.sleep(600)
    finally:
        print("tidies", flush=True)
        time.sleep(0.3)
        print("tidied", flush=True)
sys.exit(guarded(work, "program"))
"""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", program], text=True, **pipes)
    for line in ("works\n", "tidies\n"):
        assert process.stdout and process.stdout.readline() == line
        process.terminate()
    assert process.communicate()[0] == "tidied\n" and process.returncode == 143


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGTERM, 1), (signal.SIGHUP, 2)])
def test_what_work_came_to_stands_while_libraries_take_their_time_to_leave(number: int, code: int) -> None:
    """TensorFlow takes a second or two; a signal in that time ended a finished run with -15."""
    program = f"""
import atexit, sys, time
from mgc_keras.terminal import guarded
atexit.register(time.sleep, 0.3)
atexit.register(print, "leaves", flush=True)
sys.exit(guarded(lambda: {code}, "program", at_exit=True))
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "leaves\n"
    process.send_signal(number)
    process.communicate()
    assert process.returncode == code


def test_only_a_program_of_its_own_goes_on_ignoring_signals() -> None:
    try:
        for at_exit, after in ((False, signal.SIG_DFL), (True, signal.SIG_IGN)):
            assert guarded(lambda: 0, "program", at_exit=at_exit) == 0
            assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == after
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_processes_end_with_the_one_that_started_them(tmp_path: Path, number: int, code: int) -> None:
    """One waits for more work, two are at theirs for an hour."""
    program = f"""
import os, sys, time
from pathlib import Path
import joblib
from mgc_keras.processes import in_processes
from mgc_keras.terminal import guarded
def wait(number):
    Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(3600 if number else 0.5)
def work():
    list(in_processes((joblib.delayed(wait)(number) for number in range(3)), 3))
sys.exit(guarded(work, "program"))
"""
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True, stderr=subprocess.DEVNULL)
    while len(list(tmp_path.iterdir())) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait() == code
    deadline = time.monotonic() + 20
    # Joblib's own helper is among them, and takes a second to tidy.
    while left := [pid for pid in os.listdir("/proc") if pid.isdigit() and _session(pid) == process.pid]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_calls_in_processes_come_back_in_order_or_as_they_are_done() -> None:
    calls = [joblib.delayed(abs)(-number) for number in range(9)]
    assert list(in_processes(calls, 1)) == list(in_processes(calls, 2)) == list(range(9))
    assert sorted(in_processes(calls, 2, in_order=False)) == list(range(9))


def _session(pid: str) -> int | None:
    """The session of a process; none of one that has ended, which its parent has not asked for yet."""
    try:
        status = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if status[0] == "Z" else int(status[3])
