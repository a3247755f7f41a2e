"""The clips of a source (manifest, folder or list of paths), as the export walks through them."""

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import overload

from mgc_keras.audio.ffmpeg import left_out_words, warn_left_out
from mgc_keras.audio.files import CHANNELS, find_audio, is_clip_name
from mgc_keras.checks import checked_choice
from mgc_keras.datasets.manifest import Manifest, check_some_there, read_manifest
from mgc_keras.errors import OptionError
from mgc_keras.features.song_lists import STANDARD_INPUT, is_song_list, read_song_list
from mgc_keras.files import escape_formula, is_url, readable_name, why_no_file


@dataclass(frozen=True)
class PathsBelow(Sequence[Path]):
    """The paths of files below a folder, each made when it is asked for: a `Path` takes ten times its text."""

    folder: str
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, place: int) -> Path: ...

    @overload
    def __getitem__(self, place: slice) -> "PathsBelow": ...

    def __getitem__(self, place: int | slice) -> "Path | PathsBelow":
        if isinstance(place, slice):
            return PathsBelow(self.folder, self.names[place])
        return Path(self.folder, self.names[place])


@dataclass(frozen=True)
class Survey:
    """What the disk says of all clips: see `Clips.sha256` and `Clips.state`; and which cannot be reached or read."""

    sha256: str
    state: str
    missing: frozenset[int]


@dataclass(frozen=True)
class Clips:
    """Clips in manifest order.

    Parameters
    ----------
    name : str
        Of the source.
    clip_ids : sequence of str
        Unique.
    filepaths : sequence of str
        With forward slashes, as they are written into tables: relative to the manifest's data folder or to the one
        folder searched, else as given.
    paths : sequence of Path
        Where the files are. A sub-folder that may not be listed stands among them, as a clip that cannot be read.
    labels : sequence of str or None
        Their classes, where known.
    channel : {"mix", "left", "right"}
        What is read of each: see `mgc_keras.audio.files.read_waveform`.
    left_out : sequence of str
        Audio files of folders that only ffmpeg reads, and it is not there: paths as in `filepaths`.
    """

    name: str
    clip_ids: Sequence[str]
    filepaths: Sequence[str]
    paths: Sequence[Path]
    labels: Sequence[str] | None = None
    channel: str = "mix"
    left_out: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.clip_ids)

    def escaped(self) -> "Clips":
        """Return the same clips with ids and paths that no spreadsheet takes for formulas; see `escape_formula`."""
        clip_ids, filepaths = ([escape_formula(name) for name in names] for names in (self.clip_ids, self.filepaths))
        return replace(self, clip_ids=clip_ids, filepaths=filepaths)

    def locations(self) -> Iterator[str]:
        """Yield where the files are, as text."""
        if isinstance(self.paths, PathsBelow):
            start = os.path.join(self.paths.folder, "")
            return (name if name.startswith("/") else start + name for name in self.paths.names)
        return map(os.fspath, self.paths)

    def sha256(self) -> str:
        """Return a hash of the ids, file paths and file sizes: the same for the same dataset in another folder."""
        return self.survey().sha256

    def state(self) -> str:
        """Return a hash that also covers the channel, the files' times of change, and whether they may be read.

        These are both times: a clip's content (mtime), which copies may keep, and its entry (ctime), which none can.
        So a data set that was copied, linked or given other rights is another, and work on it begins anew.
        """
        return self.survey().state

    def readable(self) -> set[int]:
        """Return the positions of the clips that are there and may be read."""
        return {position for position, path in enumerate(self.locations()) if os.access(path, os.R_OK)}

    def survey(self) -> Survey:
        """Look at each file once: a quarter of a million take seconds."""
        sizes = hashlib.sha256()
        times = hashlib.sha256(self.channel.encode() if self.channel != "mix" else b"")
        missing = []
        names = zip(self.clip_ids, self.filepaths, self.locations(), strict=True)
        for position, (clip_id, filepath, path) in enumerate(names):
            # A clip that cannot be reached is reported in its turn; should it turn up later, the hash differs.
            size = state = "missing"
            try:
                status = os.stat(path)
                size = f"{status.st_size}\t"
                if os.access(path, os.R_OK):
                    state = f"{size}{status.st_mtime_ns}\t{status.st_ctime_ns}"
            except OSError:
                pass
            if state == "missing":
                missing.append(position)
            sizes.update(f"{clip_id}\t{filepath}\t{size}\n".encode())
            times.update(f"{clip_id}\t{filepath}\t{state}\n".encode())
        return Survey(sizes.hexdigest(), times.hexdigest(), frozenset(missing))


def list_clips(
    source: "Clips | Manifest | str | Path | Iterable[str | Path]",
    data_home: str | Path | None = None,
    channel: str = "mix",
) -> Clips:
    """List the clips of a source; a warning in the log says how many audio files of folders are left out, and which.

    Parameters
    ----------
    source : Clips, Manifest, path or iterable of paths
        Clips listed before; a manifest; the path of a manifest's CSV, of a folder (searched with its sub-folders), of
        one clip, or of a playlist (.m3u, .m3u8; ``-``: paths on standard input); or several of these but manifests.
        Outside manifests, a clip's id is its path without suffix,
        relative to the folder searched, or its bare name where it was named itself; clips that would share an id keep
        their whole path.
    data_home : str or Path, optional
        The folder that the file paths of a manifest, or of a playlist, are relative to, if it is not that file's own.
    channel : {"mix", "left", "right"}
        What is read of each clip; clips listed before keep theirs.

    Raises
    ------
    OptionError
        `channel` is unknown, a folder is missing or holds no clips, a path occurs twice, a manifest is mixed with other
        paths, a playlist cannot be read or names nothing, or nothing was given.
    ManifestError
        The manifest breaks the schema, or the file of one names no file that is there.
    """
    if isinstance(source, Clips):
        return source
    checked_choice("channel", channel, CHANNELS)
    return replace(_listed(source, data_home), channel=channel)


def _listed(source: Manifest | str | Path | Iterable[str | Path], data_home: str | Path | None) -> Clips:
    if isinstance(source, Manifest):
        return _of_manifest(source if data_home is None else replace(source, data_home=Path(data_home)))
    paths = [Path(source)] if isinstance(source, (str, Path)) else [Path(path) for path in source]
    manifests = [path for path in paths if path.suffix.lower() == ".csv"]
    if manifests and len(paths) == 1:
        manifest = read_manifest(manifests[0], data_home, labelled=False)
        check_some_there(manifest)
        return _of_manifest(manifest)
    if manifests:
        raise OptionError("a manifest cannot be mixed with other paths", path=manifests[0], cure="give it alone")
    name = paths[0].name if len(paths) == 1 and paths[0].name != STANDARD_INPUT else "paths"
    home = None if data_home is None else Path(data_home)
    are_lists = [is_song_list(path) and not path.is_dir() for path in paths]
    of_each = (
        read_song_list(path, home) if is_list else [path] for path, is_list in zip(paths, are_lists, strict=True)
    )
    given = {os.fspath(path) for path in paths}
    for pattern in sorted(name for name in given if not {"*", "?"}.isdisjoint(name) and not os.path.lexists(name)):
        raise OptionError("matches no file", path=pattern, cure="correct it; in quotes the shell does not expand it")
    paths = list(chain.from_iterable(of_each))
    base = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    name_of = lambda path: (path.relative_to(base) if base else path).as_posix()
    found: list[tuple[Path, str]] = []
    left_out: list[Path] = []
    for path in paths:
        try:
            clips, others = _expanded(path)
        except OptionError as error:
            if STANDARD_INPUT not in given:
                raise
            cure = f"{error.cure}; names with line ends need zero bytes between them: find … -print0"
            raise OptionError(error.problem, path=error.path, cure=cure) from error
        found += clips
        left_out += others
    raw = [name_of(path) for path, _ in found]
    for filepath, count in Counter(raw).items():
        if count > 1:
            problem = "this clip is listed more than once"
            raise OptionError(problem, path=readable_name(filepath), cure="name each clip once")
    shown = _readable_apart([raw, [clip_id for _, clip_id in found]])
    filepaths = [shown(name) for name in raw]
    not_read = [shown(name_of(path)) for path in left_out]
    warn_left_out(base or "folders", not_read)
    if not found:
        raise OptionError("no clips were given", cure="name audio files, a folder or a manifest")
    names, taken = Counter(clip_id for _, clip_id in found), set(raw)
    # Beside a.mp3, a.wav is no "a", nor is a.wav.flac then an "a.wav".
    clip_ids = [
        shown(clip_id) if names[clip_id] == 1 and clip_id not in taken else filepath
        for (_, clip_id), filepath in zip(found, filepaths, strict=True)
    ]
    return Clips(name, clip_ids, filepaths, [path for path, _ in found], left_out=not_read)


def _readable_apart(lists: Iterable[Sequence[str]]) -> Callable[[str], str]:
    """Return `readable_name`, or, where it would make two names of a list one, a form that doubles backslashes."""
    for names in map(set, lists):
        if len({readable_name(name) for name in names}) < len(names):
            # A name may hold the four letters \xNN that stand for another's odd byte.
            return lambda name: readable_name(name.replace("\\", r"\\"))
    return readable_name


def _of_manifest(manifest: Manifest) -> Clips:
    table = manifest.table
    # Classes are few: they share their texts.
    labels = list(map(sys.intern, table["label"])) if "label" in table else None
    filepaths = table["filepath"].tolist()
    home = os.fspath(manifest.data_home.absolute())
    return Clips(manifest.name, manifest.clip_ids, filepaths, PathsBelow(home, filepaths), labels)


def _expanded(path: Path) -> tuple[list[tuple[Path, str]], list[Path]]:
    """Return the clips that a path stands for, with their ids, and the audio files that cannot be read here."""
    if is_url(path) and not os.path.lexists(path):
        raise OptionError(why_no_file(path), path=path, cure="name the file that was downloaded")
    # The path of a missing clip stays in the list: it becomes a row of errors.csv, like any clip that cannot be read.
    if path.is_file() or is_clip_name(path.name) and not path.is_dir():
        return [(path, path.stem)], []
    if not path.is_dir():
        problem = why_no_file(path) if os.path.lexists(path) else "there is no such file or folder"
        raise OptionError(problem, path=path, cure="correct the path")
    clips, others = find_audio(path, locked_too=True)
    if not clips:
        which = [readable_name(other.relative_to(path).as_posix()) for other in others]
        problem = "this folder holds no audio files" + (
            f" that can be read here: {left_out_words(which)}" if which else ""
        )
        raise OptionError(problem, path=path, cure="name a folder with wav, flac, mp3 or other audio files")
    # A folder that may not be listed has no suffix to lose.
    inner = ((clip, clip.relative_to(path)) for clip in clips)
    return [(clip, (name if clip.is_dir() else name.with_suffix("")).as_posix()) for clip, name in inner], others
