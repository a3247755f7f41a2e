"""Downloads that end: bounded in bytes and in seconds, and kept only if their hash is right."""

import threading
from pathlib import Path

import pooch

from mgc_keras.files import whole_file


class DownloadError(OSError):
    """A download that sends too much or takes too long, or an address that cannot be read."""


class _Bounded:
    """A file that takes only so many bytes, and none once it is closed."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.stream, self.left, self.most_bytes = open(path, "wb"), most_bytes, most_bytes

    def write(self, block: bytes) -> None:
        self.left -= len(block)
        if self.left < 0:
            raise DownloadError(f"more than {self.most_bytes} bytes came")
        self.stream.write(block)

    def flush(self) -> None:
        self.stream.flush()


def download(
    address: str, known_hash: str, path: Path, *, most_bytes: int, most_seconds: float, progress: bool = False
) -> Path:
    """Return the file with this hash; take it from the address where it is not at `path` already.

    Parameters
    ----------
    address : str
        Of http or https.
    known_hash : str
        ``"sha256:…"`` or ``"md5:…"``.
    path : Path
    most_bytes : int
        A download that sends more is given up.
    most_seconds : float
        For the whole download, however steadily it drips.
    progress : bool

    Raises
    ------
    ValueError
        What came has another hash. Nothing is left behind, here and below.
    MgcKerasError
        The disk is full.
    OSError
        No connection, or `path` cannot be written; `DownloadError` where a limit was passed or the address is of
        another protocol.
    """

    def fetch(output: Path) -> None:
        target, failure = _Bounded(output, most_bytes), []

        def work() -> None:
            try:
                pooch.HTTPDownloader(progressbar=progress)(address, target, None)
            except BaseException as error:
                failure.append(error)

        # In a thread of its own, since no limit on single reads ends a download that drips.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            thread.join(most_seconds)
        finally:
            target.stream.close()
        if thread.is_alive():
            raise DownloadError(f"it took longer than {most_seconds:g} seconds")
        if failure:
            raise failure[0]

    algorithm, _, wanted = known_hash.partition(":")
    if path.is_file() and pooch.file_hash(path, algorithm) == wanted:
        return path
    if not address.startswith(("http://", "https://")):
        raise DownloadError("addresses begin with https:// or http://")
    with whole_file(path) as temporary:
        fetch(temporary)
        if (found := pooch.file_hash(temporary, algorithm)) != wanted:
            raise ValueError(f"its {algorithm} is {found}, not {wanted}")
    return path
