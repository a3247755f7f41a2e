"""What an audio file is, told by its content: its format, what else it may be, whether its end is missing."""

import os
from pathlib import Path

import soundfile

from mgc_keras.audio import ffmpeg
from mgc_keras.audio.clip import Clip, Pieces, Sound, Stream
from mgc_keras.audio.flac import flac_contradiction
from mgc_keras.audio.headers import UNKNOWN_LENGTH_FROM, header_contradiction, in_part, missing_samples, read_header
from mgc_keras.audio.mpeg import MpegFrames, walk_frames
from mgc_keras.audio.ogg import links, missing_pages
from mgc_keras.errors import AudioError
from mgc_keras.files import why_no_file

# -80 dB against full scale: three steps of a 16-bit file. What does not go farther from its middle says nothing.
SILENCE = 1e-4
# 20 dB above full scale: no decoder and no mix goes so far, but a file of numbers in another unit does.
LOUDEST = 10.0
SILENT, CONSTANT = "below -80 dB throughout", "constant (DC offset)"
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
# Formats whose headers tell how many bytes of samples there are.
_WITH_SIZES = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU")
# Outside of these, a header is broken: libsndfile takes any rate, and one second of audio could last for days.
LOWEST_RATE, HIGHEST_RATE = 100, 768_000
# What libsndfile makes of a FLAC header without a length; it cannot read such a file to its end.
_UNKNOWN_FRAMES = 1 << 48


_ONLY_BY_FFMPEG = ("a WavPack file", "an AAC file", "an MP4 or M4A file", "a Windows Media file")


def readable_suffixes() -> frozenset[str]:
    """Return the suffixes of files that can be read here: what libsndfile knows and, where it is there, ffmpeg."""
    known = {*soundfile.available_formats(), *([ffmpeg.FORMAT] if ffmpeg.program() else [])}
    return frozenset(suffix for name in known for suffix in SUFFIXES_OF_FORMAT.get(name, ()))


def open_clip(path: str | Path, seconds: float | None = None) -> Clip:
    """Open an audio file for reading, to be used in a ``with`` statement.

    Parameters
    ----------
    path : str or Path
    seconds : float, optional
        How much will be read, from the start; it saves time where ffmpeg decodes.

    Raises
    ------
    AudioError
        The file is missing, a folder, empty, not readable for this user, no audio, of a rate that cannot be, or a FLAC
        file whose header says other than its first frame.
    """
    path = Path(path)
    if path.is_dir():
        raise _why_no_clip(path)
    if not path.is_file():
        raise AudioError(why_no_file(path), path=path, cure="correct the path or leave the clip out")
    lead = 0
    try:
        # The path, not a Python file object: reading through Python would hold its global lock. As bytes, since names
        # need not be valid UTF-8.
        sound = Sound(path if os.name == "nt" else os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError) as error:
        pieces, lead = _in_another_guise(path)
        try:
            sound = Sound(Pieces(path, pieces))
        except soundfile.LibsndfileError:
            if not ffmpeg.may_decode(path):
                raise _why_not_opened(path) from error
            sound, lead = ffmpeg.decode(path, seconds), 0
    if sound.format == "RAW":
        # libsndfile takes anything named .au without an .au header for bare samples: text would become noise.
        sound.close()
        raise _why_not_opened(path)
    if sound.format in ("WAV", "WAVEX") and not sound.frames and (pieces := _with_sizes(path)):
        sound = Sound(Pieces(path, pieces))
    if sound.format == "OGG" and sound.frames >= _UNKNOWN_FRAMES and len(chain := links(path)) > 1:
        # Its links are not of one kind. `Clip` reads on behind the first.
        sound = Sound(Pieces(path, chain[:1]))
    cure = None
    if sound.frames >= _UNKNOWN_FRAMES:
        problem, cure = "does not say in its header how long it is", "encode it again, into a file instead of a pipe"
    if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
        problem, cure = f"says in its header that it has {sound.samplerate} Hz", "correct the header, or leave it out"
    if sound.format == "FLAC" and not cure and (problem := flac_contradiction(path)):
        cure = "export it again from its source, or leave it out"
    if cure:
        sound.close()
        raise AudioError(problem, path=path, cure=cure)
    return Clip(path, sound, lead)


def _in_another_guise(path: Path) -> Stream:
    """What libsndfile knows otherwise: BW64 as RF64, the frames of an mp3 without the padding before them."""
    if not os.access(path, os.R_OK):
        return [], 0
    with open(path, "rb") as stream:
        head = stream.read(4)
    if head == b"BW64":
        return [b"RF64", range(4, path.stat().st_size)], 0
    is_mpeg = head[:3] == b"ID3" or path.suffix.lower() in (".mp3", ".mp2")
    return next((part.stream() for part in walk_frames(path).parts), ([], 0)) if is_mpeg else ([], 0)


def _with_sizes(path: Path) -> list[bytes | range]:
    """A wav file that was written into a pipe and says that it holds nothing, with its sizes; else no pieces."""
    size = path.stat().st_size
    with open(path, "rb") as stream:
        start, promised = read_header(stream).data
        stream.seek(0)
        head = bytearray(stream.read(start))
    # Where the whole file is accounted for, it holds no samples indeed.
    of_riff = int.from_bytes(head[4:8], "little")
    if promised or not start or head[:4] != b"RIFF" or size <= of_riff + 8 < UNKNOWN_LENGTH_FROM:
        return []
    head[4:8] = min(size - 8, 0xFFFFFFFF).to_bytes(4, "little")
    head[-4:] = min(size - start, 0xFFFFFFFF).to_bytes(4, "little")
    return [bytes(head), range(start, size)]


def _why_no_clip(folder: Path) -> AudioError:
    try:
        os.scandir(folder).close()
    except PermissionError:
        return AudioError("is a folder that may not be listed", path=folder, cure="give yourself the right to list it")
    return AudioError("is a folder, not an audio file", path=folder, cure="correct the path or leave the clip out")


def _why_not_opened(path: Path) -> AudioError:
    if not os.access(path, os.R_OK):
        return AudioError("may not be read", path=path, cure="give yourself the right to read it")
    if path.stat().st_size == 0:
        return AudioError("is empty (zero bytes)", path=path, cure="fetch the file again or leave it out")
    with open(path, "rb") as stream:
        head = stream.read(512)
    if head.startswith(b"version https://git-lfs.github.com/"):
        problem = "is a pointer to a file that Git LFS has not fetched"
        return AudioError(problem, path=path, cure="run 'git lfs pull' in its folder")
    if kind := _kind_of_audio(head):
        cure = "convert it to wav; if no program plays it, fetch it again"
        cure = ffmpeg.INSTALL if kind in _ONLY_BY_FFMPEG and not ffmpeg.program() else cure
        return AudioError(f"is {kind} that cannot be decoded here", path=path, cure=cure)
    looks = _looks_like(head)
    problem = "cannot be decoded as audio" + (f", it looks like {looks}" if looks else "")
    needs_ffmpeg = path.suffix.lower() in ffmpeg.SUFFIXES and not looks
    cure = ffmpeg.INSTALL if needs_ffmpeg else "fetch it again, or convert it to wav, au, flac, ogg or mp3"
    return AudioError(problem, path=path, cure=cure)


def begins_like_audio(path: Path) -> bool:
    """Tell whether a file that can be read begins as a kind of audio file does, whatever its name is."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(16)
    except OSError:
        return False
    return bool(_kind_of_audio(head)) or head.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"))


def _kind_of_audio(head: bytes) -> str:
    """Name the kind of audio file that begins so; an empty string where none does."""
    kinds = {
        "a wav file": head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE",
        "an au file": head.startswith(b".snd"),
        "a FLAC file": head.startswith(b"fLaC"),
        "an Ogg file": head.startswith(b"OggS"),
        "an AIFF file": head.startswith(b"FORM") and head[8:11] == b"AIF",
        "a CAF file": head.startswith(b"caff"),
        "a WavPack file": head.startswith(b"wvpk"),
        "an AAC file": head[:2] in (b"\xff\xf1", b"\xff\xf9"),
        "an MP4 or M4A file": head[4:8] == b"ftyp",
        "a Windows Media file": head.startswith(b"\x30\x26\xb2\x75"),
    }
    return next((name for name, is_so in kinds.items() if is_so), "")


def _looks_like(head: bytes) -> str:
    """Name what the first bytes of an undecodable file suggest; an empty string if nothing."""
    looks = {
        "a zip archive": head.startswith(b"PK\x03\x04"),
        "a web page": head.lstrip().startswith(b"<"),
        "a file of zeros": not head.strip(b"\0"),
        "text": all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in head),
    }
    return next((name for name, is_so in looks.items() if is_so), "")


def remark(clip: Clip) -> str:
    """Say in words what makes a clip look damaged that was read all the same; an empty string if nothing does.

    Only what its header and reading it have shown, which costs next to nothing: `mgc_keras.audio.check` knows more.

    Parameters
    ----------
    clip : Clip
        After it was read.
    """
    found = clip.complaint
    if clip.walked is not None:
        found = _missing_frames(clip.walked)
    elif _has_sizes(clip.path, clip.format):
        with open(clip.path, "rb") as stream:
            header = read_header(stream)
            found = found or missing_samples(header) or header_contradiction(stream, header)
    words = [found] if found else []
    peak = max(clip.highest, -clip.lowest)
    if clip.highest - clip.lowest < 2 * SILENCE:
        words.append(f"is {CONSTANT if peak >= SILENCE else SILENT}")
    if peak > LOUDEST:
        words.append(f"reaches {peak:.3g} times full scale")
    return "; ".join(words)


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
        return _missing_frames(walk_frames(path))
    if format_name == "OGG":
        return missing_pages(path)
    if not _has_sizes(path, format_name):
        return ""
    with open(path, "rb") as stream:
        return missing_samples(read_header(stream))


def contradiction(path: str | Path, format_name: str) -> str:
    """Say in words what a file's header says against itself or against the file; an empty string if nothing is found.

    libsndfile reads such a file without any error: with another rate, with other samples, or only a part of them. FLAC
    is not judged here: `open_clip` and `FlacProof` do.

    Parameters
    ----------
    path, format_name : str or Path, str
        A file that `open_clip` opens, and its format as libsndfile names it.
    """
    if not _has_sizes(path, format_name):
        return ""
    with open(path, "rb") as stream:
        return header_contradiction(stream)


def _has_sizes(path: str | Path, format_name: str) -> bool:
    """Whether the header tells how many bytes of samples there are; a CAF file's does, whoever decodes it."""
    if format_name != ffmpeg.FORMAT:
        return format_name in _WITH_SIZES
    with open(path, "rb") as stream:
        return stream.read(4) == b"caff"


def _missing_frames(frames: MpegFrames) -> str:
    lacks = f"ends inside a frame, {frames.missing_bytes} bytes of which are missing" if frames.missing_bytes else ""
    # Some encoders count the frame that carries the header itself: a difference of one proves nothing.
    if frames.promised and frames.n_frames < frames.promised - 1:
        return in_part(frames.n_frames, frames.promised, "frame")
    if frames.odd_bytes:
        return f"is damaged: {frames.odd_bytes} bytes between its frames are no audio"
    if frames.trailing_bytes:
        return f"is damaged: {frames.trailing_bytes} bytes behind its last frame are no audio"
    return lacks
