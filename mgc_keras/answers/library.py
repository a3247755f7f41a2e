"""Answers written into the tags of music files, each change first noted in a file that takes it back.

A file is copied, its copy tagged, and the copy put in its place: whatever happens, the song is there, with its old tags
or with its new ones. The sound is not touched. Works for what mutagen calls easy: mp3, flac, ogg, opus, m4a.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mgc_keras.checks import checked_choice
from mgc_keras.errors import AudioError, MgcKerasError, OptionError
from mgc_keras.files import DAMAGES, whole_file, why_no_file

FIELDS = ("genre", "grouping")
INSTALL = "pip install 'mgc_keras[library]'"
# As `TagChange` and the undo file name them.
_ENTRY = {"path": str, "field": str, "old": list, "new": list, "had_tags": bool, "size": int, "mtime_ns": int}


@dataclass(frozen=True)
class TagChange:
    """A field of a file's tags: what it holds, and what it shall hold or why not.

    Parameters
    ----------
    path : Path
        Absolute; of what a link leads to.
    field : {"genre", "grouping"}
    old, new : tuple of str
        Values; () where the field is not there.
    had_tags : bool
        Whether the file had any tags.
    size, mtime_ns : int
        Of the file as it was read.
    problem : str
        Why nothing is written; "" if something is.
    """

    path: Path
    field: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    had_tags: bool = False
    size: int = 0
    mtime_ns: int = 0
    problem: str = ""


def check_mutagen(field: str = "--write") -> None:
    """Raise an `OptionError` about `field` unless mutagen is installed."""
    try:
        import mutagen  # noqa: F401
    except ImportError as error:
        raise OptionError("needs mutagen, which is not installed", field=field, cure=INSTALL) from error


def own_genres(path: Path) -> tuple[str, ...]:
    """Return the genres that a file's own tags name; () where mutagen is missing, or finds none."""
    try:
        import mutagen
    except ImportError:
        return ()
    try:
        file = mutagen.File(path, easy=True)
        return _values(file.tags, "genre") if file is not None else ()
    # Tags of wav files and of strange ones have other keys, or none.
    except (mutagen.MutagenError, OSError, ValueError, KeyError):
        return ()


def are_genres(names: Iterable[str]) -> bool:
    """Tell whether names of classes are genres, such as ID3 lists: some models tell other things apart."""
    try:
        from mutagen.id3 import TCON
    except ImportError:
        return False
    return not {alike(name) for name in TCON.GENRES}.isdisjoint(map(alike, names))


def alike(genre: str) -> str:
    """Return a genre without what its spellings differ in: "hiphop" for "Hip-Hop"."""
    return "".join(letter for letter in genre.casefold() if letter.isalnum())


def plan_changes(
    songs: Iterable[tuple[Path, tuple[str, ...]]], field: str, *, overwrite: bool = False
) -> list[TagChange]:
    """Look what would be written, and write nothing.

    Parameters
    ----------
    songs : iterable of (Path, tuple of str)
        Files and the values to write.
    field : {"genre", "grouping"}
    overwrite : bool
        Also write where the field holds something.

    Returns
    -------
    list of TagChange
        One a song. One file under two paths is written once.

    Raises
    ------
    OptionError
        An unknown field, or mutagen is not installed.
    """
    checked_choice("field", field, FIELDS)
    check_mutagen()
    planned: list[TagChange] = []
    seen = set()
    for given, new in songs:
        path = given.resolve()
        change = TagChange(path, field, (), new)
        try:
            status = _writable(path)
            change = replace(change, size=status.st_size, mtime_ns=status.st_mtime_ns)
            tags = _tags(path)
            change = replace(change, old=_values(tags, field), had_tags=tags is not None)
            problem = ""
            if path in seen:
                problem = "is the same file as one above"
            elif change.old == new:
                problem = f"holds this {field} already"
            elif change.old and not overwrite:
                problem = f"holds a {field} already, {', '.join(change.old)}"
            planned.append(replace(change, problem=problem))
        except (AudioError, OSError) as error:
            planned.append(replace(change, problem=_words(error)))
        seen.add(path)
    return planned


def write_changes(changes: Iterable[TagChange], undo: str | Path) -> Iterator[TagChange]:
    """Write what was planned, file by file, and yield each change as it is done; those with a problem are left out.

    Before a file is touched, what it holds is on the disk in `undo`, a line of JSON a file: see `undo_changes`.

    Parameters
    ----------
    changes : iterable of TagChange
    undo : path
        A new file.

    Yields
    ------
    TagChange
        With a problem where the file could not be written.

    Raises
    ------
    OptionError
        `undo` is there already, or cannot be written.
    """
    try:
        stream = open(undo, "x", encoding="utf-8")
    except OSError as error:
        cure = "choose another name"
        raise OptionError(error.strerror or "cannot be written", path=undo, field="--undo-file", cure=cure) from error
    with stream:
        for change in changes:
            if change.problem:
                continue
            stream.write(json.dumps(_entry(change)) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
            try:
                status = _writable(change.path)
                if (status.st_size, status.st_mtime_ns) != (change.size, change.mtime_ns):
                    raise AudioError("has changed since it was looked at")
                _set(change.path, change.field, change.new)
                yield change
            except (MgcKerasError, OSError) as error:
                yield replace(change, problem=_words(error))


def undo_changes(undo: str | Path, *, write: bool = True) -> Iterator[TagChange]:
    """Give files back the values that an undo file holds, the last change first.

    Parameters
    ----------
    undo : path
        What `write_changes` wrote.
    write : bool
        Without, only look.

    Yields
    ------
    TagChange
        From the new values to the old ones. Its problem says why a file is left as it is: it holds the old ones, since
        the run was stopped before it; or others, which somebody else wrote since.

    Raises
    ------
    OptionError
        It is missing or no undo file, or mutagen is not installed.
    """
    check_mutagen("undo")
    for entry in reversed(_read_undo(Path(undo))):
        old, new = tuple(entry["old"]), tuple(entry["new"])
        change = TagChange(Path(entry["path"]), entry["field"], new, old, entry["had_tags"])
        try:
            _writable(change.path)
            found = _values(_tags(change.path), change.field)
            if found == old:
                yield replace(change, problem="is as it was already")
            elif found != new:
                yield replace(change, problem=f"holds another {change.field} now, {', '.join(found) or 'none'}")
            else:
                if write:
                    _set(change.path, change.field, old, without_tags=not change.had_tags)
                yield change
        except (MgcKerasError, OSError) as error:
            yield replace(change, problem=_words(error))


def _open(path: Path) -> Any:
    """Open a file's tags by mutagen; raises `AudioError` if it cannot be tagged."""
    import mutagen
    from mutagen.easymp4 import EasyMP4
    from mutagen.flac import FLAC
    from mutagen.mp3 import EasyMP3
    from mutagen.ogg import OggFileType

    try:
        file = mutagen.File(path, easy=True)
    except mutagen.MutagenError as error:
        raise AudioError(f"has tags that cannot be read: {error}", path=path) from error
    if not isinstance(file, (EasyMP3, EasyMP4, FLAC, OggFileType)):
        raise AudioError("is of a kind that is not tagged here", path=path, cure="mp3, flac, ogg, opus and m4a are")
    return file


def _tags(path: Path) -> Any:
    return _open(path).tags


def _values(tags: Any, field: str) -> tuple[str, ...]:
    # An empty text is no genre.
    return tuple(str(value) for value in (tags or {}).get(field, []) if str(value).strip())


def _writable(path: Path) -> os.stat_result:
    """Return a file's state if it may be replaced by another; raises `AudioError`."""
    if not path.is_file():
        raise AudioError(why_no_file(path), path=path)
    status = path.stat()
    if status.st_nlink > 1:
        raise AudioError(f"has {status.st_nlink} names (hard links), all of which it would change", path=path)
    # Root may write everything; what is marked read-only is left alone all the same.
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise AudioError("is read-only", path=path)
    return status


def _set(path: Path, field: str, values: tuple[str, ...], *, without_tags: bool = False) -> None:
    """Give a field of a file its values, or remove it, or with it all tags if nothing else is left in them."""
    import mutagen

    with whole_file(path) as temporary:
        shutil.copy2(path, temporary)
        try:
            file = _open(temporary)
            if file.tags is None:
                file.add_tags()
            if values:
                file[field] = list(values)
            elif field in file:
                del file[field]
            if without_tags and not file.tags:
                file.delete()
            else:
                file.save(**({"v2_version": 3} if _has_old_id3(path) else {}))
        except mutagen.MutagenError as error:
            raise AudioError(f"cannot be tagged: {error}", path=path) from error
        status = path.stat()
        try:
            os.chown(temporary, status.st_uid, status.st_gid)
        except PermissionError:
            pass
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())


def _has_old_id3(path: Path) -> bool:
    """Tell whether a file begins with ID3 tags older than 2.4, which not all players read and mutagen makes."""
    with open(path, "rb") as stream:
        head = stream.read(4)
    return head[:3] == b"ID3" and head[3] < 4


def _entry(change: TagChange) -> dict[str, Any]:
    values = {"path": str(change.path), "field": change.field, "old": list(change.old), "new": list(change.new)}
    return values | {"had_tags": change.had_tags, "size": change.size, "mtime_ns": change.mtime_ns}


def _read_undo(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise OptionError(why_no_file(path), path=path, field="undo", cure="give the file that --write --yes named")
    entries = []
    try:
        lines = path.read_text("utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            # The last line of a killed run may be cut off: its file was not touched.
            if not line or number == len(lines):
                continue
            entry = json.loads(line)
            if any(not isinstance(entry[name], kind) for name, kind in _ENTRY.items()) or entry["field"] not in FIELDS:
                raise ValueError
            if not all(isinstance(value, str) for value in (*entry["old"], *entry["new"])):
                raise ValueError
            entries.append(entry)
    except DAMAGES as error:
        cure = "give the file that --write --yes named"
        raise OptionError("is no undo file of this package", path=path, field="undo", cure=cure) from error
    return entries


def _words(error: Exception) -> str:
    if isinstance(error, MgcKerasError):
        return error.problem + (f" ({error.cure})" if error.cure else "")
    return getattr(error, "strerror", None) or str(error)
