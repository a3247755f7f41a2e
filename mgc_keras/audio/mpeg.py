"""Walk the frames of an mp3 file without decoding them, to find files that end early.

Decoders guess the length of an mp3 from its size or believe its header, and play over a missing end. The frame headers
tell.

References
----------
ISO/IEC 11172-3 and 13818-3 (frame header); the "Xing" or "Info" header that encoders put into the first frame.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

_LAYER_1, _LAYER_2, _LAYER_3 = 3, 2, 1
_MPEG_1, _MPEG_2, _MPEG_25 = 3, 2, 0
# Kilobits per second for the indices 1 to 14 of the header.
_KBPS = {
    (True, _LAYER_1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, _LAYER_2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, _LAYER_3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, _LAYER_1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, _LAYER_2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, _LAYER_3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HERTZ = {_MPEG_1: (44100, 48000, 32000), _MPEG_2: (22050, 24000, 16000), _MPEG_25: (11025, 12000, 8000)}
# How far to look for a frame behind bytes that are none (tags, damage); no frame is longer than this.
_SEARCH_BYTES = 1 << 16


@dataclass(frozen=True)
class MpegFrames:
    """What a walk over an mp3 file found.

    Whole frames that hold audio; the frames that the Xing or Info header names, None without such a header; the bytes
    that the last frame lacks, 0 where the file ends with a whole frame.
    """

    n_frames: int
    promised: int | None
    missing_bytes: int


@lru_cache(maxsize=4096)
def frame_length(header: bytes) -> int | None:
    """Return the length in bytes of the frame that starts with the 4-byte `header`; None if this is no frame header.

    Example
    -------
    >>> frame_length(bytes([0xFF, 0xFB, 0x90, 0x64]))      # MPEG-1 layer III, 128 kbit/s, 44.1 kHz
    417
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 0 or rate == 3 or bitrate in (0, 15):
        return None
    bits_per_second = 1000 * _KBPS[version == _MPEG_1, layer][bitrate - 1]
    sampling_rate = _HERTZ[version][rate]
    if layer == _LAYER_1:
        return (12 * bits_per_second // sampling_rate + padding) * 4
    samples_over_8 = 72 if layer == _LAYER_3 and version != _MPEG_1 else 144
    return samples_over_8 * bits_per_second // sampling_rate + padding


def walk_frames(path: str | Path) -> MpegFrames:
    """Count the frames of an mp3 file from header to header; memory stays flat however long the file."""
    size = Path(path).stat().st_size
    n_frames, missing_bytes, promised = 0, 0, None
    with open(path, "rb") as stream:
        position = _find_frame(stream, _length_of_id3(stream))
        if position is not None:
            promised = _promised_frames(stream, position)
        while position is not None:
            stream.seek(position)
            header = stream.read(4)
            length = frame_length(header)
            if length is None:
                # A cut inside a header leaves its first bytes; anything else is a tag or damage.
                if 0 < len(header) < 4 and header[0] == 0xFF:
                    missing_bytes = 4 - len(header)
                position = _find_frame(stream, position + 1)
            elif position + length > size:
                missing_bytes = position + length - size
                break
            else:
                n_frames += 1
                position += length
    # The frame that carries the Xing header holds no audio and is not counted in it.
    return MpegFrames(n_frames if promised is None else n_frames - 1, promised, missing_bytes)


def _length_of_id3(stream: BinaryIO) -> int:
    """Length in bytes of an ID3v2 tag at the start of the file; 0 without one."""
    stream.seek(0)
    head = stream.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    # Seven bits of each byte count; a flag announces a footer of ten bytes.
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return size + 10 + (10 if head[5] & 0x10 else 0)


def _find_frame(stream: BinaryIO, start: int) -> int | None:
    """Position of the first frame from `start` on that is followed by another one; None if there is none nearby."""
    stream.seek(start)
    window = stream.read(2 * _SEARCH_BYTES)
    place = window.find(b"\xff")
    while 0 <= place < _SEARCH_BYTES:
        length = frame_length(window[place : place + 4])
        if length is not None:
            following = window[place + length : place + length + 4]
            # Version, layer and sampling rate must agree: bytes that merely look like a header seldom do.
            same_kind = frame_length(following) and following[1] == window[place + 1]
            if same_kind and not (following[2] ^ window[place + 2]) & 0x0C:
                return start + place
        place = window.find(b"\xff", place + 1)
    return None


def _promised_frames(stream: BinaryIO, position: int) -> int | None:
    """The frame count of the Xing or Info header in the frame at `position`; None without one."""
    stream.seek(position)
    # The header lies behind the side information: at most 4 + 2 + 32 bytes into the frame.
    start = stream.read(64)
    for name in (b"Xing", b"Info"):
        place = start.find(name)
        if place >= 0 and start[place + 7] & 1:
            return int.from_bytes(start[place + 8 : place + 12], "big")
    return None
