"""Batches that are read ahead, against those that `Examples.batch` gives one by one."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mgc_keras.training import batches
from mgc_keras.training.batches import read_batches
from mgc_keras.training.examples import Examples, Excerpts
from mgc_keras.training.shards import Shards

RANDOM = np.random.default_rng(0)
VALUES = RANDOM.normal(-40, 20, (50, 4, 9, 1)).astype(np.float16)
# The largest, the smallest, those below the smallest normal one.
VALUES[7, :, :, 0] = np.array([65504, -65504, 6e-8, -6e-8, 6e-5, np.inf, -np.inf, 0, -0.0], np.float16)
TAGS, CLASSES = RANDOM.integers(0, 2, (50, 3)), RANDOM.integers(0, 5, 50)
ORDER = RANDOM.permutation(50)[:45]


@pytest.fixture(autouse=True)
def always_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in threads, however little there is to read."""
    monkeypatch.setattr(batches, "_LEAST_BYTES", 0)


def in_shards(folder: Path) -> Shards:
    for number in range(4):
        np.save(folder / f"{number}.npy", VALUES[number * 16 : number * 16 + 16])
    return Shards([folder / f"{number}.npy" for number in range(4)])


@pytest.mark.parametrize("targets", [TAGS, CLASSES], ids=["tags", "classes"])
@pytest.mark.parametrize("kind", [Examples, Excerpts])
def test_batches_are_those_of_the_array_byte_for_byte(kind: type, targets: np.ndarray, tmp_path: Path) -> None:
    whole = kind(VALUES, np.arange(50), targets, **({"n_frames": 5} if kind is Excerpts else {}))
    drawn = whole.drawn(ORDER, np.random.default_rng(1))
    on_disk = kind(in_shards(tmp_path), np.arange(50), targets, *([5, drawn.starts] if kind is Excerpts else []))
    for clips in (ORDER, ORDER[16:], ORDER[:16]):
        given = list(read_batches(on_disk, clips, 16))
        assert len(given) == -(-len(clips) // 16)
        for start, (values, answers) in zip(range(0, len(clips), 16), given, strict=True):
            expected, truth = drawn.batch(clips[start : start + 16])
            assert values.numpy().tobytes() == expected.tobytes() and values.shape == expected.shape
            assert answers.numpy().tobytes() == truth.tobytes() and answers.dtype == truth.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_other_numbers_are_those_of_numpy(dtype: type) -> None:
    # TensorFlow's threads take some of these for 0.
    values = np.array([[1 / 3, 1e-30, 1e-40, -1e-44, 16777217]] * 50).astype(dtype)
    ((given, _),) = read_batches(Examples(values, np.arange(50), TAGS), ORDER, 50)
    assert np.asarray(given).tobytes() == values[ORDER].astype(np.float32).tobytes()


def test_few_clips_are_read_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = Examples(VALUES, np.arange(50), TAGS)
    assert not isinstance(next(read_batches(examples, ORDER, 16))[0], np.ndarray)
    monkeypatch.undo()
    assert isinstance(next(read_batches(examples, ORDER, 16))[0], np.ndarray)


@dataclass(frozen=True, eq=False)
class Slow(Examples):
    """Clips that are slow to read, the first ones most, and of which one may be lost; it is noted what was read."""

    def stored(self, clips: np.ndarray) -> np.ndarray:
        READ.append((threading.get_ident(), clips.tolist()))
        time.sleep(0.2 if 0 in clips else 0.02)
        if LOST in clips:
            raise OSError(5, f"clip {LOST} is lost")
        return super().stored(clips)


READ: list[tuple[int, list[int]]] = []
LOST = 49


def slow() -> Slow:
    READ.clear()
    return Slow(VALUES, np.arange(50), TAGS)


def test_the_order_does_not_depend_on_which_batch_is_read_first() -> None:
    given = [values.numpy() for values, _ in read_batches(slow(), np.arange(40), 2)]
    np.testing.assert_array_equal(np.concatenate(given), VALUES[:40].astype(np.float32))
    assert len({thread for thread, _ in READ}) > 1 and len(READ) == 20


def test_what_is_read_ahead_is_bounded_and_ends_with_the_block() -> None:
    with closing(read_batches(slow(), np.arange(40), 1)) as given:
        next(given)
        time.sleep(0.5)
        while len(READ) < 3:
            time.sleep(0.1)
        assert len(READ) <= 8
    n_read = len(READ)
    time.sleep(0.3)
    assert len(READ) == n_read
    with pytest.raises(ZeroDivisionError) as raised, closing(read_batches(slow(), np.arange(40), 1)) as given:
        next(given)
        raise ZeroDivisionError
    n_read = len(READ)
    time.sleep(0.3)
    # The traceback holds what the block held.
    assert raised.tb is not None and len(READ) == n_read


def test_an_error_is_raised_as_it_is_where_its_batch_would_have_come() -> None:
    given = []
    with pytest.raises(OSError, match="clip 49 is lost"), closing(read_batches(slow(), np.arange(30, 50), 3)) as ahead:
        given.extend(ahead)
    assert len(given) == 6


PROGRAM = """
import os, sys, threading, time
import mgc_keras, numpy as np, tensorflow as tf
from contextlib import closing
from mgc_keras.execution import set_precision
from mgc_keras.training import batches
from mgc_keras.training.examples import Examples

set_precision()
batches._LEAST_BYTES, n_read = 0, 0

class Slow(Examples):
    def stored(self, clips):
        global n_read
        n_read += 1
        time.sleep(0.02)
        return super().stored(clips)

examples = Slow(np.zeros((9999, 2), np.float32), np.arange(9999), np.zeros(9999))
with closing(batches.read_batches(examples, np.arange(9999), 1)) as ahead:
    next(ahead)
    time.sleep(0.5)
    while n_read < 3:
        time.sleep(0.1)
    print(n_read, flush=True)
    # From now on the program waits for a batch whenever Ctrl-C comes.
    for _ in ahead:
        pass
"""


@pytest.mark.parametrize("moment", [0.0, 0.3])
def test_ctrl_c_ends_it_and_determinism_does_not_stop_it_from_reading_ahead(moment: float) -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    n_read = int(process.stdout.readline())
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        # TensorFlow may lose a Ctrl-C that comes while its C code calls Python; people press it again.
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert n_read <= 8
    assert process.returncode == -signal.SIGINT and errors.rstrip().endswith(b"KeyboardInterrupt")
