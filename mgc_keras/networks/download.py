"""Downloads that end: bounded in bytes and in seconds, and kept only if their hash is right."""

import threading
from pathlib import Path

import pooch


class DownloadError(OSError):
    """A download that sends too much or takes too long, or an address that cannot be read."""


class _Bounded:
    """A file that takes only so many bytes, and none once it is closed."""

    def __init__(self, path: str, most_bytes: int) -> None:
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
    OSError
        No connection, or `path` cannot be written; `DownloadError` where a limit was passed or the address is of
        another protocol.
    """

    def fetch(address: str, output: str, _: object) -> None:
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

    if not address.startswith(("http://", "https://")):
        raise DownloadError("addresses begin with https:// or http://")
    found = pooch.retrieve(address, known_hash, fname=path.name, path=path.parent, downloader=fetch)
    return Path(found)
