"""Arrays in several files, against NumPy's own of the same numbers."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mgc_keras.errors import MgcKerasError
from mgc_keras.training.shards import Shards, make_shards, shard_paths

VALUES = np.random.default_rng(0).normal(size=(11, 3, 5)).astype(np.float16)


def filled(folder: Path, n_in_shard: int) -> list[Path]:
    """Write `VALUES` row by row, from the last to the first."""
    make_shards(folder, VALUES.shape, VALUES.dtype, n_in_shard)
    values = Shards(shard_paths(folder, len(VALUES), n_in_shard), writable=True)
    for position in reversed(range(len(VALUES))):
        values[position] = VALUES[position]
    values.flush()
    return shard_paths(folder, len(VALUES), n_in_shard)


@pytest.mark.parametrize("n_in_shard", [1, 4, 11, 20])
def test_rows_are_those_of_the_array(tmp_path: Path, n_in_shard: int) -> None:
    paths = filled(tmp_path, n_in_shard)
    np.testing.assert_array_equal(np.concatenate([np.load(path) for path in paths]), VALUES)
    values = Shards(paths)
    assert (values.shape, values.dtype, len(values)) == (VALUES.shape, VALUES.dtype, 11)
    for rows in (np.array([10, 0, 3, 3, 4, 8]), np.array([], int), np.arange(11), 7):
        assert values[rows].dtype == VALUES.dtype
        np.testing.assert_array_equal(values[rows], VALUES[rows])
    np.testing.assert_array_equal(values[-1], VALUES[-1])
    with pytest.raises(IndexError):
        values[11]


def test_many_threads_read_the_same(tmp_path: Path) -> None:
    values = Shards(filled(tmp_path, 4))
    orders = [np.random.default_rng(seed).permutation(11) for seed in range(200)]
    with ThreadPoolExecutor(8) as pool:
        for order, read in zip(orders, pool.map(values.__getitem__, orders), strict=True):
            np.testing.assert_array_equal(read, VALUES[order])


def test_one_number_fills_a_row_and_the_others_stay(tmp_path: Path) -> None:
    values = Shards(filled(tmp_path, 4), writable=True)
    values[4] = -80.0
    expected = VALUES.copy()
    expected[4] = -80
    np.testing.assert_array_equal(values[np.arange(11)], expected)


@pytest.mark.parametrize(
    "damage",
    [
        lambda paths: os.truncate(paths[1], 100),
        lambda paths: np.save(paths[1], VALUES[:3]),
        lambda paths: np.save(paths[1], VALUES[:4].astype(np.float32)),
        lambda paths: np.save(paths[1], VALUES[:4, :2]),
        lambda paths: np.save(paths[1], np.asfortranarray(VALUES[:4])),
        lambda paths: paths[1].write_bytes(b""),
        lambda paths: paths[1].unlink(),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, damage: Callable[[list[Path]], None]) -> None:
    paths = filled(tmp_path, 4)
    damage(paths)
    with pytest.raises((OSError, ValueError, EOFError)):
        Shards(paths)


def test_a_file_that_is_cut_while_it_is_read_is_named(tmp_path: Path) -> None:
    paths = filled(tmp_path, 4)
    values = Shards(paths)
    os.truncate(paths[1], 140)
    with pytest.raises(MgcKerasError, match="shard-00001.npy: has become shorter"):
        values[5]


def test_its_files_are_closed_with_it(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    values = Shards(filled(tmp_path, 1))
    assert len(os.listdir("/proc/self/fd")) == before + 11
    del values
    assert len(os.listdir("/proc/self/fd")) == before


def test_too_little_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.posix_fallocate

    def full(descriptor: int, start: int, size: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("shard-00002.npy"):
            raise OSError(errno.ENOSPC, "No space left on device")
        original(descriptor, start, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(MgcKerasError, match="mel: the disk is full"):
            make_shards(tmp_path / "mel", (5, 96, 1360), np.float16, 2)
    assert not list((tmp_path / "mel").iterdir())
    make_shards(tmp_path / "mel", (5, 96, 1360), np.float16, 2)
    for path, n_rows in zip(sorted((tmp_path / "mel").iterdir()), (2, 2, 1), strict=True):
        # A hole would have no blocks.
        status = path.stat()
        assert status.st_blocks * 512 >= status.st_size == n_rows * 96 * 1360 * 2 + 128
