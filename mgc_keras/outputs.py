"""What an output may take the place of: an earlier output of its own kind, and never a file that is read for it.

Kinds are told by content, since names tell nothing: a table by its header, a figure by the program that it names, the
files of an export or of a song's segments by the JSON record beside them. An empty file holds nothing to lose.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from mgc_keras.errors import OptionError
from mgc_keras.files import PNG_SOFTWARE, sha256_of
from mgc_keras.work import ERROR_COLUMNS


def check_replaceable(
    outputs: Iterable[Path],
    is_own: Callable[[Path], bool],
    what: str,
    inputs: Iterable[str | Path] = (),
    field: str | None = None,
) -> None:
    """Raise, before any work is done, if an output would take the place of what is no earlier output of its kind.

    Parameters
    ----------
    outputs : iterable of Path
        The files that will be written.
    is_own : callable
        Tells of one that is there whether it is an earlier output of this kind.
    what : str
        This kind, in the words of the error.
    inputs : iterable of str or Path
        The files that are read, under whatever path or link; what is no file is passed over.
    field : str, optional
        The option that names the output.

    Raises
    ------
    OptionError
        An output is a folder or one of the inputs, or is there already and of another kind.
    """
    there = [path for path in outputs if os.path.lexists(path)]
    if not there:
        return
    # Outputs are few and inputs many: none of these is kept.
    taken = {_identity(path) for path in there} - {None}
    read = {identity for path in inputs if (identity := _identity(path)) in taken}
    for path in there:
        if path.is_dir():
            raise OptionError("is a folder", path=path, field=field, cure="name a file in it")
        if _identity(path) in read:
            problem = "is read here and would be overwritten; it was left as it is"
            raise OptionError(problem, path=path, field=field, cure="choose another name")
        if not (_is_empty(path) or (path.is_file() and is_own(path))):
            cure = "choose another name, or move this file away"
            problem = f"is there already and is no {what}; it was left as it is"
            raise OptionError(problem, path=path, field=field, cure=cure)


def check_unchanged(path: Path, sha256: object, field: str | None, cure: str = "") -> None:
    """Raise an `OptionError` if a file that a command wrote, with this hash, is there and holds something else.

    Somebody corrected it by hand, or it is damaged: to write it again would lose the one and hide the other.
    """
    if sha256 and path.is_file() and path.stat().st_size and sha256_of(path) != sha256:
        cure = f"choose another name, or move this file away{cure}"
        problem = "was changed after it was written; it was left as it is"
        raise OptionError(problem, path=path, field=field, cure=cure)


def begins_with(path: Path, *heads: str) -> bool:
    """Tell whether a file can be read and begins with one of these texts, in UTF-8."""
    try:
        with open(path, "rb") as stream:
            return stream.read(max(map(len, heads))).startswith(tuple(head.encode() for head in heads))
    except OSError:
        return False


def lists_failed_clips(path: Path) -> bool:
    """Tell whether a file is a list that `mgc_keras.work.write_failed_clips` wrote."""
    return begins_with(path, ",".join(ERROR_COLUMNS) + "\n")


def is_figure(path: Path) -> bool:
    """Tell whether a file is a PNG that this package drew."""
    with open(path, "rb") as stream:
        head = stream.read(256)
    return head.startswith(b"\x89PNG") and b"tEXtSoftware\0" + PNG_SOFTWARE.encode() in head


def _identity(path: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.stat().st_size
