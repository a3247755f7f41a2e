"""An array on disk in several files, read row by row without a memory map: for values larger than memory."""

import os
import weakref
from pathlib import Path

import numpy as np

from mgc_keras.errors import MgcKerasError
from mgc_keras.files import raise_if_full


class Shards:
    """Rows of one shape in several ``.npy`` files, one behind the other; any number of threads may read them at once.

    What is read goes into memory of the reader's own. A memory map would count every page towards the process, and
    would end it without a word where the disk fails.

    Parameters
    ----------
    paths : list of Path
        The files, in order. All but the last are of one length.
    writable : bool
        Whether rows may be set.

    Raises
    ------
    OSError, ValueError, EOFError
        A file is missing, cut off or of another shape.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> np.save(folder / "0.npy", np.arange(6).reshape(3, 2))
    >>> np.save(folder / "1.npy", np.arange(6, 8).reshape(1, 2))
    >>> values = Shards([folder / "0.npy", folder / "1.npy"])
    >>> values.shape, values[3], values[np.array([2, 3])].tolist()
    ((4, 2), array([6, 7]), [[4, 5], [6, 7]])
    """

    def __init__(self, paths: list[Path], *, writable: bool = False) -> None:
        # Opening a map reads the header, and tells whether the file is as long as that says.
        maps = [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]
        self.paths, self._n_in_shard = paths, len(maps[0])
        row, self.dtype = maps[0].shape[1:], maps[0].dtype
        kind = (row, self.dtype, True)
        is_alike = [(part.shape[1:], part.dtype, part.flags.c_contiguous) == kind for part in maps]
        if not all(is_alike) or any(len(part) != self._n_in_shard for part in maps[:-1]):
            raise ValueError("the files are not of one kind")
        self.shape = (sum(map(len, maps)), *row)
        self._offsets = [part.offset for part in maps]
        self._row_bytes = int(np.prod(row)) * self.dtype.itemsize
        self._files = [os.open(path, os.O_RDWR if writable else os.O_RDONLY) for path in paths]
        self._written: set[int] = set()
        weakref.finalize(self, _close, self._files)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | np.ndarray) -> np.ndarray:
        """Return one row, or (n_rows, …) for an array of positions."""
        if not isinstance(rows, np.ndarray):
            return self[np.array([rows])][0]
        values = _aligned((len(rows), *self.shape[1:]), self.dtype)
        memory = values.reshape(-1).view(np.uint8).data
        for number, position in enumerate(rows.tolist()):
            self._read(memory[number * self._row_bytes : (number + 1) * self._row_bytes], *self._place(position))
        return values

    def _read(self, memory: memoryview, number: int, offset: int) -> None:
        """Fill memory from a file; the system may need more than one turn."""
        while memory:
            n_read = os.preadv(self._files[number], [memory], offset)
            if not n_read:
                cure = "start the same run again: what was lost is made anew"
                raise MgcKerasError("has become shorter while it was read", path=self.paths[number], cure=cure)
            memory, offset = memory[n_read:], offset + n_read

    def __setitem__(self, position: int, value: np.ndarray | float) -> None:
        """Set one row. A full disk is an `OSError`."""
        number, offset = self._place(position)
        left = memoryview(np.broadcast_to(np.asarray(value, self.dtype), self.shape[1:]).tobytes())
        while left:
            n_written = os.pwrite(self._files[number], left, offset)
            left, offset = left[n_written:], offset + n_written
        self._written.add(number)

    def flush(self) -> None:
        """See to it that rows that were set outlast a loss of power."""
        while self._written:
            os.fsync(self._files[self._written.pop()])

    def _place(self, position: int) -> tuple[int, int]:
        """Return the number of the file that holds a row, and where in it the row begins."""
        number, row = divmod(range(len(self))[position], self._n_in_shard)
        return number, self._offsets[number] + row * self._row_bytes


def make_shards(folder: Path, shape: tuple[int, ...], dtype: np.dtype | type, n_in_shard: int) -> None:
    """Make ``shard-00000.npy``, ``shard-00001.npy``, … of `n_in_shard` rows each, with all the space that they take.

    So a full disk shows before the work begins.

    Raises
    ------
    MgcKerasError
        The disk is full. Nothing was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = shard_paths(folder, shape[0], n_in_shard)
    try:
        for number, path in enumerate(paths):
            n_rows = min(n_in_shard, shape[0] - number * n_in_shard)
            with open(path, "wb") as stream:
                header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False}
                np.lib.format.write_array_header_1_0(stream, {**header, "shape": (n_rows, *shape[1:])})
                stream.flush()
                start, size = stream.tell(), int(np.prod((n_rows, *shape[1:]))) * np.dtype(dtype).itemsize
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(stream.fileno(), 0, start + size)
                else:
                    for begin in range(0, size, 1 << 20):
                        stream.write(bytes(min(size - begin, 1 << 20)))
    except OSError as error:
        for path in paths:
            path.unlink(missing_ok=True)
        raise_if_full(error, folder)
        raise


def shard_paths(folder: Path, n_rows: int, n_in_shard: int) -> list[Path]:
    """Return the files that `make_shards` makes."""
    return [folder / f"shard-{number:05d}.npy" for number in range(max(1, -(-n_rows // n_in_shard)))]


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """As `np.empty`, but at an address that TensorFlow takes as it is; others it copies."""
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
