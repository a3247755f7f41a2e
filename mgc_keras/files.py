"""Files written whole or not at all, and fingerprints of files."""

import csv
import errno
import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mgc_keras.errors import MgcKerasError, OptionError

_FORMULA_MARKS = tuple("=+-@＝＋－＠\t\r\n")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    The folder is created. The temporary file has the suffix of `path`, since some writers choose the format by it.

    Raises
    ------
    MgcKerasError
        The disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only their owner may read; give the finished file the usual rights.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as error:
        raise_if_full(error, path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def output_folder(path: str | Path, field: str) -> Path:
    """Create the folder that an option (`field`) names before any work is done, and return it.

    Raises
    ------
    OptionError
        It is a file, or cannot be created or written.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise OptionError("is a file, not a folder", path=path, field=field, cure="choose another folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Rights alone do not tell: nothing can be made in /proc, by anybody.
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise_if_full(error, path)
        raise OptionError("cannot be written", path=path, field=field, cure="choose another folder") from error
    return path


def raise_if_full(error: OSError, path: str | Path, *, resumable: bool = False) -> None:
    """Raise a readable `MgcKerasError` if `error` says that the disk is full; else do nothing.

    `resumable` says that the work goes on from here when it is started again.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        outcome, cure = "nothing was written", "free some space or choose another output folder"
        if resumable:
            outcome, cure = "what is finished is kept", "free some space and run the same again: it goes on from here"
        raise MgcKerasError(f"the disk is full, {outcome}", path=path, cure=cure) from error


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` (UTF-8, newlines kept as they are) whole or not at all. Return the path."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    return Path(path)


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as lines of a CSV, cells quoted where needed."""
    text = io.StringIO()
    for cells in rows:
        # Cells are quoted for what the terminator holds: a carriage return, too, would end a line.
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(cells)
        text.write(line.getvalue().removesuffix("\r\n") + "\n")
    return text.getvalue()


def escape_formula(text: str) -> str:
    """Return `text` with an apostrophe before it where a spreadsheet would run it as a formula.

    That is what begins with =, +, -, @, their full-width forms, a tab or a line break.

    Example
    -------
    >>> escape_formula("=1+1"), escape_formula("a=1")
    ("'=1+1", 'a=1')
    """
    return f"'{text}" if text.startswith(_FORMULA_MARKS) else text


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
