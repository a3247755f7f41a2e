"""Lists of songs that other programs wrote: playlists (.m3u, .m3u8), and paths on standard input."""

import logging
import os
import sys
from pathlib import Path
from urllib.parse import unquote

from mgc_keras.errors import OptionError
from mgc_keras.files import is_url, why_no_file

logger = logging.getLogger(__name__)

SUFFIXES = (".m3u", ".m3u8")
STANDARD_INPUT = "-"
_FILE = "file:"
# A list of songs is text; what is larger is none.
_MOST_BYTES = 64 * 2**20


def is_song_list(path: str | Path) -> bool:
    """Tell whether a path is that of a playlist, by its name, or stands for standard input.

    Example
    -------
    >>> is_song_list("lists/rock.m3u8"), is_song_list("-"), is_song_list("rock.mp3")
    (True, True, False)
    """
    return os.fspath(path) == STANDARD_INPUT or Path(path).suffix.lower() in SUFFIXES


def read_song_list(path: Path, folder: Path | None = None) -> list[Path]:
    """Return the songs of a playlist, or of standard input for ``-``: each once, in their order.

    A warning in the log says how many lines are left out: songs in the web, which are not fetched, and songs that stand
    there before.

    Parameters
    ----------
    path : Path
        A playlist: a path a line, comments begin with ``#``. On standard input, paths may also have zero bytes between
        them (``find -print0``), and then nothing is a comment.
    folder : Path, optional
        What relative paths start from. Default: the playlist's folder; of standard input, the current one.

    Raises
    ------
    OptionError
        The list cannot be read, or names no song on this disk.
    """
    field = "standard input" if os.fspath(path) == STANDARD_INPUT else None
    try:
        content = sys.stdin.buffer.read(_MOST_BYTES + 1) if field else _content(path)
    except OSError as error:
        raise OptionError(
            f"cannot be read: {error.strerror}", path=path, cure="check the file and your rights"
        ) from error
    if len(content) > _MOST_BYTES or b"\0" in content and not field:
        raise OptionError("is no list of songs", path=path, cure="name audio files, folders or a playlist")
    # Names keep whatever bytes the disk has for them.
    text = os.fsdecode(content.removeprefix(b"\xef\xbb\xbf"))
    if "\0" in text:
        lines = text.split("\0")
    else:
        # Other marks that `splitlines` takes for an end may stand in a name.
        lines = [line.removesuffix("\r") for line in text.split("\n") if not line.startswith("#")]
    base, lines = folder or (Path() if field else path.parent), [line for line in lines if line.strip()]
    here = [line for line in lines if line.startswith(_FILE) or not is_url(line)]
    songs = list(dict.fromkeys(_song(line, base) for line in here))
    if not songs:
        problem = f"names no song on this disk ({lines[0]}: URLs are not fetched)" if lines else "names no song"
        raise OptionError(problem, path=None if field else path, field=field, cure="give a path a line")
    if in_web := len(lines) - len(here):
        first = next(line for line in lines if line not in here)
        logger.warning("%s: %s left out, URLs are not fetched: %s", field or path, _counted(in_web), first)
    if again := len(here) - len(songs):
        logger.warning("%s: %s left out, named before", field or path, _counted(again))
    return songs


def _counted(number: int) -> str:
    return "1 line is" if number == 1 else f"{number} lines are"


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise OptionError(why_no_file(path), path=path, cure="correct the path")
    with open(path, "rb") as stream:
        return stream.read(_MOST_BYTES + 1)


def _song(line: str, base: Path) -> Path:
    if line.startswith(_FILE):
        return Path(unquote(line.removeprefix(_FILE).removeprefix("//localhost").removeprefix("//")))
    song = base / line
    # Written under Windows.
    return base / line.replace("\\", "/") if "\\" in line and not os.path.lexists(song) else song
