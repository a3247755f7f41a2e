"""The journal of an unfinished export: what a killed run had done, so that the next run goes on from there.

One line of JSON a clip, in the order in which clips are computed, behind a first line with the fingerprint of the
work. Whole batches count only: features of batch-statistics networks depend on the batch, so a batch that was cut is
done again.
"""

import errno
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.errors import MgcKerasError

logger = logging.getLogger("mgc_keras")


class Journal:
    """Append-only record of finished batches, beside the output.

    Parameters
    ----------
    path : Path
        The file; its folder is created.
    fingerprint : str
        Identifies the work. A journal of other work is discarded, with a notice.
    batches : list of np.ndarray [dtype=int]
        The batches to come, as positions of clips.
    resume : bool
        False discards what is there.

    Attributes
    ----------
    n_batches : int
        How many batches are finished.

    Raises
    ------
    MgcKerasError
        The disk is full. What is finished stays.
    """

    def __init__(self, path: Path, fingerprint: str, batches: Sequence[np.ndarray], *, resume: bool = True) -> None:
        self.path = path
        self.n_batches = 0
        self._head = (json.dumps({"fingerprint": fingerprint}) + "\n").encode()
        self._offsets = np.full(sum(len(batch) for batch in batches), -1, np.int64)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._size = self._accept(batches) if resume and path.exists() else 0
        self._file = open(path, "r+b" if self._size else "w+b", buffering=0)
        self._file.truncate(self._size)
        self._file.seek(self._size)
        if not self._size:
            self._write(self._head)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        """Add a finished batch: one record a clip, with its position in the manifest under "clip"."""
        lines = [(json.dumps(record) + "\n").encode() for record in records]
        start = self._size
        self._write(b"".join(lines))
        for record, line in zip(records, lines, strict=True):
            self._offsets[record["clip"]] = start
            start += len(line)
        self.n_batches += 1

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records of all clips in manifest order; every batch must be finished."""
        with open(self.path, "rb") as stream:
            for offset in self._offsets.tolist():
                stream.seek(offset)
                yield json.loads(stream.readline())

    def remove(self) -> None:
        """Delete the file: the output is whole."""
        self._file.close()
        self.path.unlink()

    def _accept(self, batches: Sequence[np.ndarray]) -> int:
        """Take over the whole batches of an earlier run; return the length of the file up to their end."""
        with open(self.path, "rb") as stream:
            if stream.readline() != self._head:
                logger.warning("%s: belongs to other clips, settings or versions; starting afresh", self.path)
                return 0
            size = stream.tell()
            for batch in batches:
                offsets = []
                for position in batch.tolist():
                    offsets.append(stream.tell())
                    line = stream.readline()
                    if _position_in(line) != position:
                        return size
                self._offsets[batch] = offsets
                self.n_batches += 1
                size = stream.tell()
        return size

    def _write(self, block: bytes) -> None:
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise MgcKerasError(
                    "the disk is full; the clips finished so far are kept",
                    path=os.fspath(self.path),
                    cure="free some space and run the same again: it goes on from here",
                ) from error
            raise
        self._size += len(block)


def _position_in(line: bytes) -> int | None:
    # A line that was being written when the run died has no end; when the machine died, its bytes may be anything.
    if not line.endswith(b"\n"):
        return None
    try:
        return json.loads(line)["clip"]
    except (ValueError, TypeError, KeyError):
        return None
