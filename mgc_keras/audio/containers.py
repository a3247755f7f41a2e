"""What an audio file is, told by its content: its format, what else it may be, whether its end is missing."""

import os
from pathlib import Path
from typing import BinaryIO, Literal

import soundfile

from mgc_keras.audio import ffmpeg
from mgc_keras.audio.mpeg import walk_frames
from mgc_keras.audio.ogg import missing_pages
from mgc_keras.errors import AudioError

# libsndfile's name of each format that the package reads, and the suffixes that belong to it, the usual one first.
# Left out are those without a header (RAW) or sampling rate (XI), of any data (MAT4, MAT5), of two files each (SD2).
SUFFIXES_OF_FORMAT = {
    "WAV": (".wav", ".wave"),
    "WAVEX": (".wav", ".wave"),
    "RF64": (".wav", ".wave", ".rf64"),
    "AU": (".au", ".snd"),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3", ".mp2", ".mp1", ".mpga"),
    "AIFF": (".aiff", ".aif", ".aifc"),
    "CAF": (".caf",),
    "W64": (".w64",),
    "NIST": (".nist", ".sph", ".wav"),
    "VOC": (".voc",),
    "SVX": (".svx", ".8svx", ".16sv", ".iff"),
    "IRCAM": (".sf", ".ircam"),
    "PAF": (".paf", ".fap"),
    "PVF": (".pvf",),
    "AVR": (".avr",),
    "MPC2K": (".mpc2k", ".snd"),
    "SDS": (".sds",),
    "HTK": (".htk",),
    "WVE": (".wve",),
    ffmpeg.FORMAT: ffmpeg.SUFFIXES,
}
AUDIO_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES_OF_FORMAT.values() for suffix in suffixes)
# Programs that write into a pipe cannot know the length: they promise (nearly) all that 32 bits can say, or nothing.
_UNKNOWN_LENGTH_FROM = 0x7FFF0000
# What libsndfile makes of a FLAC header without a length; it cannot read such a file to its end.
_UNKNOWN_FRAMES = 1 << 48


def readable_suffixes() -> frozenset[str]:
    """Return the suffixes of files that can be read here: what libsndfile knows and, where it is there, ffmpeg."""
    known = {*soundfile.available_formats(), *([ffmpeg.FORMAT] if ffmpeg.program() else [])}
    return frozenset(suffix for name in known for suffix in SUFFIXES_OF_FORMAT.get(name, ()))


def open_clip(path: str | Path, seconds: float | None = None) -> soundfile.SoundFile:
    """Open an audio file for reading, to be used in a ``with`` statement.

    Parameters
    ----------
    path : str or Path
    seconds : float, optional
        How much will be read, from the start; it saves time where ffmpeg decodes.

    Raises
    ------
    AudioError
        The file is missing, a folder, empty, not readable for this user, or no audio.
    """
    path = Path(path)
    if not path.is_file():
        problem = "is a folder, not an audio file" if path.is_dir() else "there is no such file"
        raise AudioError(problem, path=path, cure="correct the path or leave the clip out")
    try:
        # The path, not a Python file object: reading through Python would hold its global lock. As bytes, since names
        # need not be valid UTF-8.
        clip = soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError) as error:
        if ffmpeg.may_decode(path):
            return ffmpeg.decode(path, seconds)
        raise _why_not_opened(path) from error
    if clip.format == "RAW":
        # libsndfile takes anything named .au without an .au header for bare samples: text would become noise.
        clip.close()
        raise _why_not_opened(path)
    if clip.frames >= _UNKNOWN_FRAMES:
        clip.close()
        problem, cure = "does not say in its header how long it is", "encode it again, into a file instead of a pipe"
        raise AudioError(problem, path=path, cure=cure)
    return clip


def _why_not_opened(path: Path) -> AudioError:
    if not os.access(path, os.R_OK):
        return AudioError("may not be read", path=path, cure="give yourself the right to read it")
    if path.stat().st_size == 0:
        return AudioError("is empty (zero bytes)", path=path, cure="fetch the file again or leave it out")
    with open(path, "rb") as stream:
        looks = _looks_like(stream.read(512))
    problem = "cannot be decoded as audio" + (f", it looks like {looks}" if looks else "")
    needs_ffmpeg = path.suffix.lower() in ffmpeg.SUFFIXES and looks not in ("a web page", "a file of zeros", "text")
    needs_ffmpeg = needs_ffmpeg or looks in ("an MP4 or M4A file", "a Windows Media file")
    cure = ffmpeg.INSTALL if needs_ffmpeg else "fetch it again, or convert it to wav, au, flac, ogg or mp3"
    return AudioError(problem, path=path, cure=cure)


def _looks_like(head: bytes) -> str:
    """Name what the first bytes of an undecodable file suggest; an empty string if nothing."""
    looks = {
        "an MP4 or M4A file": head[4:8] == b"ftyp",
        "a Windows Media file": head.startswith(b"\x30\x26\xb2\x75"),
        "a zip archive": head.startswith(b"PK\x03\x04"),
        "a web page": head.lstrip().startswith(b"<"),
        "a file of zeros": not head.strip(b"\0"),
        "text": all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in head),
    }
    return next((name for name, is_so in looks.items() if is_so), "")


def missing_end(path: str | Path, format_name: str) -> str:
    """Say in words what a file lacks at its end, by its headers alone; an empty string if it is whole.

    FLAC is not judged here: its header states the number of samples, which decoding confirms.

    Parameters
    ----------
    path, format_name : str or Path, str
        A file that `open_clip` opens, and its format as libsndfile names it.

    Returns
    -------
    str
        For example "holds 60.0 % of the audio its header promises".
    """
    if format_name == "MP3":
        return _missing_frames(path)
    if format_name == "OGG":
        return missing_pages(path)
    with open(path, "rb") as stream:
        if format_name in ("WAV", "WAVEX", "RF64"):
            return _missing_samples(*_riff_samples(stream))
        return _missing_samples(*_au_samples(stream)) if format_name == "AU" else ""


def _missing_samples(promised: int, present: int) -> str:
    if promised <= present or promised >= _UNKNOWN_LENGTH_FROM and promised < 1 << 32:
        return ""
    return f"holds {100 * present / promised:.1f} % of the audio its header promises"


def _riff_samples(stream: BinaryIO) -> tuple[int, int]:
    """Bytes of samples that a RIFF header promises, and those that follow."""
    size = os.fstat(stream.fileno()).st_size
    magic = stream.read(12)[:4]
    order: Literal["little", "big"] = "big" if magic == b"RIFX" else "little"
    long_size = None
    while len(header := stream.read(8)) == 8:
        name, length = header[:4], int.from_bytes(header[4:], order)
        start = stream.tell()
        if name == b"ds64":
            long_size = int.from_bytes(stream.read(16)[8:], "little")
        if name == b"data":
            promised = long_size if magic == b"RF64" and long_size is not None else length
            return promised, size - start
        stream.seek(start + length + length % 2)
    return 0, 0


def _au_samples(stream: BinaryIO) -> tuple[int, int]:
    """Bytes of samples that an au header promises, and those that follow."""
    header = stream.read(12)
    order: Literal["little", "big"] = "little" if header[:4] == b"dns." else "big"
    start, promised = int.from_bytes(header[4:8], order), int.from_bytes(header[8:12], order)
    return promised, os.fstat(stream.fileno()).st_size - start


def _missing_frames(path: str | Path) -> str:
    frames = walk_frames(path)
    lacks = f"ends inside a frame, {frames.missing_bytes} bytes of which are missing" if frames.missing_bytes else ""
    # Some encoders count the frame that carries the header itself: a difference of one proves nothing.
    if frames.promised and frames.n_frames < frames.promised - 1:
        return f"holds {100 * frames.n_frames / frames.promised:.1f} % of the audio its header promises"
    return lacks
