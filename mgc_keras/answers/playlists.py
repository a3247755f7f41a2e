"""Playlists (.m3u8) for any player: of songs that are near each other, or one a genre."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mgc_keras.errors import OptionError
from mgc_keras.files import LONGEST_NAME, whole_file
from mgc_keras.outputs import begins_with

HEAD = "#EXTM3U"
SUFFIX = ".m3u8"


def is_playlist(path: Path) -> bool:
    """Tell whether a file is a playlist of this kind."""
    return begins_with(path, HEAD)


def write_playlist(path: Path, songs: Iterable[str | Path]) -> Path:
    """Write a playlist, whole or not at all.

    Raises
    ------
    OptionError
        A song's name holds a line's end.
    """
    lines = [HEAD, *map(str, songs)]
    if any("\n" in line or "\r" in line for line in lines):
        cure = "rename the file"
        raise OptionError("a file's name holds a line's end, which no playlist can", path=path, cure=cure)
    with whole_file(path) as temporary:
        temporary.write_text("\n".join([*lines, ""]), "utf-8", "surrogateescape")
    return path


def relative_song(song: Path, folder: Path) -> str:
    """Return a song's path from a playlist's folder, so that both can move together."""
    path = os.path.relpath(song.absolute(), folder.absolute())
    # What begins with a # is a comment.
    return path if path.startswith("..") else os.path.join(".", path)


def playlist_files(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Return a file for each name, no two the same, whatever letters the names hold.

    Example
    -------
    >>> [path.name for path in playlist_files(Path("lists"), ["R&B/soul", "r&b:Soul", "pop"]).values()]
    ['R&B_soul.m3u8', 'r&b_Soul (2).m3u8', 'pop.m3u8']
    """
    files: dict[str, Path] = {}
    taken: dict[str, int] = {}
    for name in names:
        if name in files:
            continue
        # What some system does not allow in a name; a dot in front hides a file.
        safe = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", name).strip(" .") or "unnamed"
        safe = os.fsencode(safe)[: LONGEST_NAME - 20].decode("utf-8", "ignore")
        number = taken[safe.casefold()] = taken.get(safe.casefold(), 0) + 1
        files[name] = folder / f"{safe}{f' ({number})' if number > 1 else ''}{SUFFIX}"
    return files
