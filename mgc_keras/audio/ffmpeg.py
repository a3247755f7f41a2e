"""The door to ffmpeg, for formats that libsndfile does not read: .m4a, .aac, .wma, .mp4 and their like.

ffmpeg is a program, not a requirement: where it is not on the PATH, these files are left out of folders, and said so.
"""

import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mgc_keras.audio.clip import Sound
from mgc_keras.errors import AudioError
from mgc_keras.files import raise_if_full
from mgc_keras.work import logger

FORMAT = "FFMPEG"  # stands for libsndfile's name of a format
SUFFIXES = tuple(
    ".m4a .m4b .m4r .mp4 .aac .adts .wma .asf .mka .webm .weba .3gp .3g2 .amr .ac3 .eac3 .dts .ape .wv .mpc .tta .tak "
    ".dsf .dff .ra .spx".split()
)
_NAME_IT = "let names without a suffix end in .wav, .mp3 or what they are"
INSTALL = "install ffmpeg, which decodes it, or convert it to wav or flac"
# Of files with any suffix: MP4, Windows Media, Matroska and WebM, Apple's CAF, Ogg.
_STARTS = ((4, b"ftyp"), (0, b"\x30\x26\xb2\x75"), (0, b"\x1a\x45\xdf\xa3"), (0, b"caff"), (0, b"OggS"))
# No others: playlists and their like would have ffmpeg open more files, and addresses, than the one it is given.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,aac,loas,asf,matroska,webm,amr,amrnb,amrwb,ac3,eac3,dts,dtshd,ape,wv,mpc,mpc8,tta,tak,"
    "dsf,iff,rm,ogg,caf"
)
# Of decoded samples: six hours of stereo. A small file can promise terabytes of silence.
_MOST_BYTES = 1 << 33


def program() -> str | None:
    """Return where ffmpeg lies, or None if it is not on the PATH."""
    return shutil.which("ffmpeg")


def version() -> str:
    """Return the version of ffmpeg, or "not installed"."""
    ffmpeg = program()
    if ffmpeg is None:
        return "not installed"
    said = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, errors="replace", check=False).stdout
    return said.removeprefix("ffmpeg version ").split(" ")[0]


def may_decode(path: Path) -> bool:
    """Tell whether ffmpeg is there, and likely to read what libsndfile did not: by the suffix, or by how it starts."""
    if program() is None or not os.access(path, os.R_OK):
        return False
    with open(path, "rb") as stream:
        head = stream.read(16)
    is_known = path.suffix.lower() in SUFFIXES or any(head[at : at + len(magic)] == magic for at, magic in _STARTS)
    return is_known and bool(head)


class DecodedClip(Sound):
    """What ffmpeg decoded, in a temporary file that goes away when this is closed.

    Parameters
    ----------
    samples : BinaryIO
        An .au file.
    complaint : str
        What ffmpeg had to say of a clip that it decoded all the same, such as that its end is missing.
    """

    def __init__(self, samples: BinaryIO, complaint: str) -> None:
        self._samples, self.complaint = samples, complaint
        super().__init__(samples)

    @property
    def format(self) -> str:
        """`FORMAT`."""
        return FORMAT

    def close(self) -> None:
        """Close the clip and remove its samples."""
        super().close()
        self._samples.close()


def decode(path: Path, seconds: float | None = None) -> DecodedClip:
    """Decode a clip's best audio stream to 32-bit floats at its own rate, as ``ffmpeg -i path -c:a pcm_f32le x.wav``.

    Parameters
    ----------
    path : Path
    seconds : float, optional
        How much is needed, from the start; a second more is decoded.

    Raises
    ------
    AudioError
        ffmpeg cannot decode it, or it lasts too long.
    MgcKerasError
        The disk of the temporary folder is full.
    """
    ffmpeg = program()
    assert ffmpeg is not None, "ask may_decode first"
    # An .au says nothing of its length where it goes into a pipe, and may be longer than a wav.
    command: list[str | Path] = [ffmpeg, "-nostdin", "-v", "error", "-protocol_whitelist", "file"]
    command += ["-format_whitelist", _DEMUXERS, "-i", f"file:{path}", "-vn", "-c:a", "pcm_f32be"]
    command += [] if seconds is None else ["-t", f"{seconds + 1:f}"]
    samples = tempfile.TemporaryFile(prefix="mgc_keras_")
    try:
        done = subprocess.run(
            [*command, "-fs", str(_MOST_BYTES), "-f", "au", "pipe:1"],
            stdout=samples,
            stderr=subprocess.PIPE,
            check=False,
        )
        said = done.stderr.decode(errors="replace").replace(f"file:{path}", "the file").strip()
        if os.strerror(errno.ENOSPC) in said:
            raise_if_full(OSError(errno.ENOSPC, ""), tempfile.gettempdir(), resumable=True)
        # Without the addresses of its parts, which differ from run to run.
        reason = re.sub(r"\[[^]]* @ 0x\w+\] ", "", said).partition("\n")[0][:200]
        if done.returncode:
            problem, cure = (
                f"ffmpeg cannot decode it: {reason or 'it gives no reason'}",
                "fetch it again, or leave it out",
            )
            raise AudioError(problem, path=path, cure=cure)
        if samples.seek(0, os.SEEK_END) > 0.999 * _MOST_BYTES:
            raise AudioError("lasts longer than can be decoded", path=path, cure="cut it into parts, or leave it out")
        samples.seek(0)
        return DecodedClip(samples, f"ffmpeg says: {reason}" if reason else "")
    except BaseException:
        samples.close()
        raise


def why_left_out(name: str) -> tuple[str, str]:
    """Say why a file that looks like audio is left out of a folder, and what helps."""
    if os.path.splitext(name)[1]:
        return "it needs ffmpeg, which is not there", INSTALL
    return "its name has no suffix", _NAME_IT


def left_out_words(names: Sequence[str]) -> str:
    """Say how many files are left out of a folder for want of ffmpeg or of a suffix, of which kinds, which come first.

    Example
    -------
    >>> left_out_words(["a/1.m4a", "a/2.m4a", "b/3.wma"])
    '3 audio files are left out, 2 .m4a and 1 .wma: a/1.m4a, a/2.m4a, b/3.wma (install ffmpeg, or convert to flac)'
    """
    kinds = Counter(os.path.splitext(name)[1].lower() for name in names)
    cures = ["install ffmpeg, or convert to flac"] if set(kinds) - {""} else []
    cures += [_NAME_IT] if "" in kinds else []
    *most, last = [f"{number} {suffix or 'without a suffix'}" for suffix, number in sorted(kinds.items())]
    which = f"{', '.join(most)} and {last}" if most else last
    first = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    n_files = "1 audio file is" if len(names) == 1 else f"{len(names)} audio files are"
    return f"{n_files} left out, {which}: {first} ({'; '.join(cures)})"


def warn_left_out(folder: str | Path, names: Sequence[str]) -> None:
    """Write a line into the log, if files of a folder are left out: see `left_out_words`."""
    if names:
        logger.warning("%s: %s", folder, left_out_words(names))
