"""What work was made from, what is finished of it and what failed: the one way in which all long work is resumed.

Four cases cover it. Each compares by `fingerprint`, a hash of everything that the result depends on.

* One result in a file: write it with its fingerprint in a JSON record, and ask `finished_record` before doing it again.
* Many results that are gathered at the end: append each to a `Journal`, whose length says where to go on.
* A folder of files that come one by one: `keep_settings` writes what they are made with, and refuses to mix two.
* Clips that failed: `FailedClip` rows in ``errors.csv``, by `write_failed_clips`.
"""

import csv
import hashlib
import json
import logging
import os
import platform
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras._version import __version__
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import csv_lines, raise_if_full, sha256_of, write_text

logger = logging.getLogger("mgc_keras")

ERROR_COLUMNS = ("clip_id", "filepath", "cause", "cure")
# Whatever can move a number.
_LIBRARIES = "numpy scipy scikit-learn pandas tensorflow keras kapre kymatio librosa soundfile soxr".split()


def versions() -> dict[str, str]:
    """Return the versions of this package, Python and the libraries that numbers depend on."""
    found = {"mgc_keras": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def machine() -> dict[str, str]:
    """Return the platform and the name of the processor, which numbers may depend on in their last digits."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"platform": platform.platform(), "processor": names[0] if names else processor}


def fingerprint(*parts: Any) -> str:
    """Return a SHA-256, in hexadecimal, over everything that a result depends on.

    Parameters
    ----------
    *parts
        JSON values; lists, tuples, dictionaries, sets and dataclasses of them, in which the order of keys does not
        matter; NumPy arrays, which count with their type and shape; and `Path`, which stands for the content of its
        file. Where the name is meant, give ``str(path)``.

    Raises
    ------
    TypeError
        A part is of another kind.
    OSError
        A file cannot be read.

    Example
    -------
    >>> fingerprint({"seed": 0, "rate": 0.1}) == fingerprint({"rate": 0.1, "seed": 0})
    True
    >>> fingerprint(np.arange(3)) == fingerprint(np.arange(3.0))
    False
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return {"file": sha256_of(value)}
    if isinstance(value, np.ndarray):
        # Objects have no bytes of their own: their values count.
        content = json.dumps(value.tolist()).encode() if value.dtype.hasobject else value.tobytes()
        return {"array": hashlib.sha256(content).hexdigest(), "dtype": value.dtype.str, "shape": value.shape}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"a {type(value).__name__} has no fingerprint")


def write_record(path: str | Path, record: Mapping[str, Any], *, indent: int | None = 2) -> Path:
    """Write the JSON record of a finished result, with a hash of itself, whole or not at all. Return the path."""
    return write_text(path, json.dumps({**record, "record_sha256": fingerprint(record)}, indent=indent) + "\n")


def finished_record(path: str | Path, made_from: str) -> dict[str, Any] | None:
    """Return the record that `write_record` wrote, if its ``"fingerprint"`` is `made_from`.

    None: there is no such file, it was made from something else, or it is no longer what was written.
    """
    record = read_record(path)
    is_whole = record.pop("record_sha256", None) == fingerprint(record)
    return record if is_whole and record.get("fingerprint") == made_from else None


def read_record(path: str | Path) -> dict[str, Any]:
    """Read a JSON record; an empty one where the file is missing or is none."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def keep_settings(
    path: str | Path, settings: Mapping[str, Any], results: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write the settings that the files of a folder are made with; refuse to go on in the folder of other ones.

    Parameters
    ----------
    path : str or Path
        The JSON file, in the folder.
    settings : mapping of str to JSON values
        Everything that the files depend on.
    results : mapping of str to JSON values, optional
        What is known of the files, to be written as ``"results"`` beside the settings; None keeps those that are there.

    Returns
    -------
    dict
        The results that are there now.

    Raises
    ------
    OptionError
        The folder holds work with other settings; the first that differs is named.
    MgcKerasError
        The disk is full.
    """
    path = Path(path)
    wanted = {name: json.dumps(value, sort_keys=True) for name, value in settings.items()}
    record = read_record(path) if path.exists() else dict(settings)
    kept, kept_sha256 = record.pop("results", {}), record.pop("results_sha256", None)
    known = {name: json.dumps(value, sort_keys=True) for name, value in record.items()}
    if known != wanted:
        differing = (name for name in sorted({*known, *wanted}) if known and known.get(name) != wanted.get(name))
        cure = "choose another folder, or remove that one"
        problem = "holds work with other settings" if known else "holds work whose settings cannot be read"
        raise OptionError(problem, path=path.parent, field=next(differing, None), cure=cure)
    if results is None:
        # Damaged ones are found out anew.
        results = kept if isinstance(kept, dict) and kept_sha256 == fingerprint(kept) else {}
    whole = {**settings, **({"results": results, "results_sha256": fingerprint(results)} if results else {})}
    write_text(path, json.dumps(whole, indent=2, sort_keys=True) + "\n")
    return dict(results)


class Journal:
    """Append-only record of finished steps, one line of JSON an entry: a killed run goes on behind the last whole step.

    Parameters
    ----------
    path : str or Path
        The file; its folder is created.
    fingerprint : str
        Identifies the work. A journal of other work is discarded, with a warning in the log.
    resume : bool
        False discards what is there.
    read_only : bool
        The file is there and stays as it is: only read its entries. See `journal_fingerprint`.

    Raises
    ------
    MgcKerasError
        The disk is full. What is finished stays.
    OptionError
        The file is a link: what it points to would be overwritten.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "work.partial")
    >>> with Journal(path, fingerprint("squares")) as journal:
    ...     journal.append([0, 1])
    >>> with Journal(path, fingerprint("squares")) as journal:
    ...     journal.append([number**2 for number in range(len(journal), 4)])
    ...     list(journal)
    ...     journal.remove()
    [0, 1, 4, 9]
    """

    # Behind each line's checksum: more lines of the step follow, or the step is whole.
    _MORE, _WHOLE = b"+", b"."

    def __init__(self, path: str | Path, fingerprint: str, *, resume: bool = True, read_only: bool = False) -> None:
        self.path = Path(path)
        head = _head(fingerprint)
        # Where lines end: 8 bytes each, of which there may be a quarter of a million.
        self._ends = array("q", [len(head)])
        if read_only:
            self._file = open(self.path, "rb", buffering=0)
            self._take_over(head)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_symlink():
            raise OptionError("is a link, where unfinished work is to be kept", path=self.path, cure="remove it")
        self._file = open(self.path, "a+b", buffering=0, opener=_open_itself)
        if resume and self._take_over(head):
            self._file.truncate(self._ends[-1])
        else:
            self._file.truncate(0)
            self._write(head)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> Any:
        number = range(len(self))[number]
        start, end = self._ends[number : number + 2]
        return json.loads(os.pread(self._file.fileno(), end - start, start)[9:])

    def __iter__(self) -> Iterator[Any]:
        # One after the other, through a buffer; what is appended meanwhile comes, too.
        with open(self.path, "rb") as stream:
            stream.seek(self._ends[0])
            number = 0
            while number < len(self):
                yield json.loads(stream.readline()[9:])
                number += 1

    @property
    def is_cut(self) -> bool:
        """Whether the file goes on behind the last whole step: it was stopped in the midst of one, or is damaged."""
        return os.fstat(self._file.fileno()).st_size > self._ends[-1]

    def append(self, entries: Iterable[Any]) -> None:
        """Add the entries of a finished step, as JSON values. They count together or not at all."""
        texts = [json.dumps(entry).encode() + b"\n" for entry in entries]
        marks = [self._MORE] * (len(texts) - 1) + [self._WHOLE]
        lines = [_checksum(mark + text) + mark + text for mark, text in zip(marks, texts)]
        self._write(b"".join(lines))
        for line in lines:
            self._ends.append(self._ends[-1] + len(line))

    def remove(self) -> None:
        """Delete the file: what it was kept for is whole."""
        self._file.close()
        self.path.unlink()

    def _take_over(self, head: bytes) -> bool:
        """Find the whole steps of an earlier run of this work; tell whether there was one."""
        with open(self.path, "rb") as stream:
            first = stream.readline()
            if first != head:
                if first:
                    logger.warning("%s: belongs to other clips, settings or versions; starting afresh", self.path)
                return False
            step = array("q")
            for line in stream:
                # A line that was being written when the machine died may hold anything.
                if not line.endswith(b"\n") or _checksum(line[8:]) != line[:8]:
                    break
                step.append((step or self._ends)[-1] + len(line))
                if line[8:9] == self._WHOLE:
                    self._ends += step
                    step = array("q")
        return True

    def _write(self, block: bytes) -> None:
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise_if_full(error, self.path, resumable=True)
            raise


def journal_fingerprint(path: str | Path) -> str | None:
    """Return the fingerprint of the work that a file is the journal of; None where it is no journal of this version.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with open(path, "rb") as stream:
        first = stream.readline(1 << 10)
    try:
        made_from = json.loads(first)["fingerprint"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return made_from if first == _head(made_from) else None


def _head(fingerprint: str) -> bytes:
    # The number is that of the form of entries: those of other versions of this package are not read.
    return json.dumps({"journal": 2, "fingerprint": fingerprint}).encode() + b"\n"


def _open_itself(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _checksum(line: bytes) -> bytes:
    return b"%08x" % zlib.crc32(line)


@dataclass(frozen=True)
class FailedClip:
    """A row of ``errors.csv``: a clip that could not be used, why, and what to do about it."""

    clip_id: str
    filepath: str
    cause: str
    cure: str

    @classmethod
    def of(cls, clip_id: str, filepath: str, error: MgcKerasError) -> "FailedClip":
        """Return the row of a clip that raised `error`."""
        return cls(clip_id, filepath, error.problem, error.cure or "")


def write_failed_clips(path: str | Path, failed: Iterable[FailedClip]) -> Path:
    """Write ``errors.csv``, whole or not at all; with no clips, a header that says that there were none."""
    return write_text(path, csv_lines([ERROR_COLUMNS, *map(astuple, failed)]))


def read_failed_clips(path: str | Path) -> list[FailedClip]:
    """Read an ``errors.csv`` that `write_failed_clips` wrote; raise an `OptionError` if it has other columns."""
    with open(path, encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != ERROR_COLUMNS:
            cure = f"remove it; its columns must be {', '.join(ERROR_COLUMNS)}"
            raise OptionError("has other columns", path=path, cure=cure)
        return [FailedClip(**row) for row in reader]
