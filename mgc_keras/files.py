"""Files written whole or not at all, by one process at a time, and fingerprints of files."""

import csv
import errno
import fcntl
import hashlib
import io
import logging
import os
import platform
import re
import shutil
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from mgc_keras.errors import MgcKerasError, OptionError

_FORMULA_MARKS = tuple("=+-@＝＋－＠\t\r\n")
# What NumPy, zipfile and json raise on damaged archives and records.
DAMAGES: tuple[type[Exception], ...]
DAMAGES = (OSError, KeyError, ValueError, TypeError, EOFError, OverflowError, RuntimeError, MemoryError, SyntaxError)
DAMAGES += (zipfile.BadZipFile, zlib.error, struct.error)

logger = logging.getLogger("mgc_keras")
# What figures name as their program, by which they are known.
PNG_SOFTWARE = "mgc-keras"
_warn_once = cache(logger.warning)


# Bytes of a name that file systems allow, in a folder.
LONGEST_NAME = 255
# So begin the names of what a running process keeps beside its outputs: folders with a file that is being written, and
# lock files. The process holds them locked, by which others tell them from what a dead run left.
_OURS = ".mgc_keras."
# What disks say that know no locks; some know none of folders.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EINVAL)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path near `path`; rename it to `path` when the block ends well, remove it otherwise.

    The folder is created. The temporary file has the suffix of `path`, since some writers choose the format by it.

    Raises
    ------
    MgcKerasError
        The disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(path.parent)
        with _folder_of_this_process(path.parent) as folder:
            # What stands behind a dot may be as long as a name may be.
            temporary = folder / f"new{path.suffix[-20:]}"
            yield temporary
            os.replace(temporary, path)
    except OSError as error:
        raise_if_full(error, path)
        if error.filename2 is not None and os.fspath(error.filename2) == os.fspath(path):
            # Nobody knows the temporary name.
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


@contextmanager
def locked(output: str | Path) -> Iterator[None]:
    """Keep other processes from writing an output, or a folder whose record it is, while the block runs.

    Raises
    ------
    MgcKerasError
        Another process, which is named, holds it; or the disk is full.
    OptionError
        Its folder cannot be written.
    """
    output = Path(output)
    # Of one length, since names of outputs may be as long as the system allows.
    name = hashlib.sha256(os.fsencode(output.name)).hexdigest()[:16]
    lock = output_folder(output.parent) / f"{_OURS}{name}.lock"
    # Another process may hold it for a moment, to see whether it is a dead run's.
    for pause in (0.02, 0.1, 0.3, 0.0):
        descriptor = _lock(lock, os.O_RDWR | os.O_CREAT, anyway=True)
        if descriptor is not None:
            break
        time.sleep(pause)
    else:
        owner = ""
        with suppress(OSError):
            owner = lock.read_text("utf-8")
        cure = "wait until it has ended, or choose another output"
        raise MgcKerasError(f"is being written by {owner or 'another process'}", path=output, cure=cure)
    try:
        # On a full disk the lock holds without its owner's name.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {platform.node()}".encode())
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what dead runs left half-written in a folder; what a running one holds stays."""
    for leftover in folder.glob(f"{_OURS}*"):
        # Where locks are not known, or it is another user's, it stays.
        with suppress(OSError):
            if (descriptor := _lock(leftover)) is not None:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
                os.close(descriptor)


_sweep_once = cache(sweep)


def output_folder(path: str | Path, field: str | None = None) -> Path:
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


def readable_name(name: str) -> str:
    r"""Return a file's name as text for tables and messages: bytes that are no UTF-8 are shown as ``\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def why_no_file(path: str | Path) -> str:
    """Return, in the words of errors, why a path is that of no regular file.

    Example
    -------
    >>> why_no_file("/dev/null"), why_no_file("/dev"), why_no_file("nowhere")
    ('is no regular file (it is a device)', 'is a folder, not a file', 'there is no such file')
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if is_url(path):
            return "URLs are not fetched: download it first"
        return "is a link to a file that is not there" if os.path.islink(path) else "there is no such file"
    except (OSError, ValueError) as error:
        is_loop = isinstance(error, OSError) and error.errno == errno.ELOOP
        return "is no regular file (it is a link to itself)" if is_loop else "there is no such file"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    kind = "a named pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
    return f"is no regular file (it is {kind})"


def is_url(path: str | Path) -> bool:
    """Tell whether a path looks like an address in the web, also one whose slashes `Path` has made one.

    Example
    -------
    >>> is_url("https://example.com/a.mp3"), is_url(Path("https://example.com/a.mp3")), is_url("C:/a.mp3")
    (True, True, False)
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", os.fspath(path)) is not None


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _folder_of_this_process(parent: Path) -> Iterator[Path]:
    descriptor = None
    while descriptor is None:
        folder = tempfile.mkdtemp(prefix=_OURS, dir=parent)
        # Another process may just have taken it for a dead run's.
        descriptor = _lock(folder, anyway=True)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _lock(path: str | Path, flags: int = os.O_RDONLY, *, anyway: bool = False) -> int | None:
    """Open a file or folder and lock it until it is closed; None where another process holds it, or it is gone.

    On a disk that knows no locks it is opened alone if `anyway`; else that is an `OSError`.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError as error:
        if anyway and error.errno in _NO_LOCKS:
            _warn_once(f"{Path(path).parent}: this disk knows no locks: start no second run into one output")
            return descriptor
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
