"""The clips of a source (manifest, folder or list of paths), as the export walks through them."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mgc_keras.audio.files import find_clips, is_clip_name
from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.errors import OptionError


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
        Where the files are.
    labels : sequence of str or None
        Their classes, where known.
    """

    name: str
    clip_ids: Sequence[str]
    filepaths: Sequence[str]
    paths: Sequence[Path]
    labels: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.clip_ids)

    def sha256(self) -> str:
        """Return a hash of the ids, file paths and file sizes: the same for the same dataset in another folder."""
        return self._hash(times=False)

    def state(self) -> str:
        """Return a hash that also covers the files' times of change, and whether they may be read."""
        return self._hash(times=True)

    def readable(self) -> set[int]:
        """Return the positions of the clips that are there and may be read."""
        return {position for position, path in enumerate(self.paths) if os.access(path, os.R_OK)}

    def _hash(self, times: bool) -> str:
        digest = hashlib.sha256()
        for clip_id, filepath, path in zip(self.clip_ids, self.filepaths, self.paths, strict=True):
            try:
                status = path.stat()
                numbers = f"{status.st_size}\t{status.st_mtime_ns if times else ''}"
                if times and not os.access(path, os.R_OK):
                    numbers = "missing"
            except OSError:
                # A clip that cannot be reached is reported in its turn; should it turn up later, the hash differs.
                numbers = "missing"
            digest.update(f"{clip_id}\t{filepath}\t{numbers}\n".encode())
        return digest.hexdigest()


def list_clips(
    source: "Clips | Manifest | str | Path | Iterable[str | Path]", data_home: str | Path | None = None
) -> Clips:
    """List the clips of a source.

    Parameters
    ----------
    source : Clips, Manifest, path or iterable of paths
        Clips listed before; a manifest; the path of a manifest's CSV, of a folder (searched with its sub-folders) or
        of one clip; or several paths of clips and folders. Outside manifests, a clip's id is its path without suffix,
        relative to the folder searched, or its bare name where it was named itself; clips that would share an id keep
        their whole path.
    data_home : str or Path, optional
        The folder that a manifest's file paths are relative to, if it is not the CSV's own.

    Raises
    ------
    OptionError
        A folder is missing or holds no clips, a path occurs twice, a manifest is mixed with other paths, or nothing
        was given.
    ManifestError
        The manifest breaks the schema.
    """
    if isinstance(source, Clips):
        return source
    if isinstance(source, Manifest):
        return _of_manifest(source if data_home is None else replace(source, data_home=Path(data_home)))
    paths = [Path(source)] if isinstance(source, (str, Path)) else [Path(path) for path in source]
    manifests = [path for path in paths if path.suffix.lower() == ".csv"]
    if manifests and len(paths) == 1:
        return _of_manifest(read_manifest(manifests[0], data_home))
    if manifests:
        raise OptionError("a manifest cannot be mixed with other paths", path=manifests[0], cure="give it alone")
    found = [pair for path in paths for pair in _expanded(path)]
    name = paths[0].name if len(paths) == 1 else "paths"
    base = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    filepaths = [_readable((path.relative_to(base) if base else path).as_posix()) for path, _ in found]
    for filepath, count in Counter(filepaths).items():
        if count > 1:
            raise OptionError("this clip is listed more than once", path=filepath, cure="name each clip once")
    if not found:
        raise OptionError("no clips were given", cure="name audio files, a folder or a manifest")
    names = Counter(clip_id for _, clip_id in found)
    clip_ids = [
        _readable(clip_id) if names[clip_id] == 1 else filepath
        for (_, clip_id), filepath in zip(found, filepaths, strict=True)
    ]
    return Clips(name, clip_ids, filepaths, [path for path, _ in found])


def _readable(name: str) -> str:
    # File names that are not UTF-8 cannot stand in a table; their odd bytes are shown as \xNN.
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _of_manifest(manifest: Manifest) -> Clips:
    table = manifest.table
    labels = table["label"].tolist() if "label" in table else None
    return Clips(manifest.name, manifest.clip_ids, table["filepath"].tolist(), manifest.filepaths, labels)


def _expanded(path: Path) -> list[tuple[Path, str]]:
    # The path of a missing clip stays in the list: it becomes a row of errors.csv, like any clip that cannot be read.
    if path.is_file() or is_clip_name(path.name) and not path.is_dir():
        return [(path, path.stem)]
    if not path.exists():
        raise OptionError("there is no such file or folder", path=path, cure="correct the path")
    clips = find_clips(path)
    if not clips:
        cure = "name a folder with wav, au, flac, ogg or mp3"
        raise OptionError("this folder holds no audio files", path=path, cure=cure)
    return [(clip, clip.relative_to(path).with_suffix("").as_posix()) for clip in clips]
