"""Walk the frames of an mp3 file without decoding them, to find files that end early or go on longer than is believed.

Decoders guess the length of an mp3 from its size or believe its header, and stop where they expect the end or where the
number of channels changes. The frame headers tell.

References
----------
ISO/IEC 11172-3 and 13818-3 (frame header); the "Xing" or "Info" header that encoders put into the first frame.
"""

import io
import re
from dataclasses import dataclass, field
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
# No frame is longer than this, and a Xing header lies within the first bytes of its frame.
_LONGEST_FRAME = 1 << 13
_BLOCK_BYTES = 1 << 20
# How far to look for a frame behind bytes that are none (damage, padding).
_SEARCH_BYTES = 1 << 24
# What may be a frame header, for a quick search; `_frame` decides.
_PERHAPS_HEADER = re.compile(rb"\xff[\xe2-\xff][\x10-\xef]", re.DOTALL)
# Bytes behind the last frame that may be a tag of any kind, lyrics for instance, in a file that is ten times as long.
_MOST_BEHIND = 16384
# Decoders leave out samples at both ends that are no music, where the Xing frame says how many: at most 4095 each.
_MOST_TRIMMED = 2 * 4095
_DECODER_DELAY = 529
# Fewer frames in a row are damage that looks like frames.
_LEAST_FRAMES = 3


@dataclass
class MpegPart:
    """Frames of one kind behind each other, which a decoder plays as one stream.

    The header of the first; the frame with the Xing or Info header before them, empty without one, and the number of
    frames that it names; where they lie in the file, and how many they are.
    """

    header: bytes
    info: bytes = b""
    promised: int | None = None
    ranges: list[range] = field(default_factory=list)
    n_frames: int = 0

    @property
    def sampling_rate(self) -> int:
        """In Hz."""
        return _HERTZ[self.header[1] >> 3 & 3][self.header[2] >> 2 & 3]

    @property
    def n_samples(self) -> int:
        """Samples of all frames."""
        version, layer = self.header[1] >> 3 & 3, self.header[1] >> 1 & 3
        in_frame = 384 if layer == _LAYER_1 else 576 if layer == _LAYER_3 and version != _MPEG_1 else 1152
        return self.n_frames * in_frame

    @property
    def is_layer_3(self) -> bool:
        """Only these can have a Xing header."""
        return self.header[1] >> 1 & 3 == _LAYER_3

    def stream(self) -> tuple[list[bytes | range], int]:
        """Return an mp3 of these frames that says how many they are: bytes and ranges of the file, and its lead.

        The lead is the number of samples at its beginning that do not belong to the frames.
        """
        if not self.is_layer_3:
            return [*self.ranges], 0
        place = _name_place(self.header)
        if self.promised is not None:
            head, rest = self.info[: place + 8], self.info[place + 12 :]
            if self.info[place + 7] & 2:
                rest = (len(self.info) + sum(map(len, self.ranges))).to_bytes(4, "big") + rest[4:]
            return [head + self.n_frames.to_bytes(4, "big") + rest, *self.ranges], 0
        # The shortest frame that holds the number, without checksum and padding. Behind it mpg123 trims the delay of a
        # decoder, so that a silent frame has to go before the others.
        rate = self.header[2] & 0x0C
        headers = (bytes([0xFF, self.header[1] | 1, index << 4 | rate, self.header[3]]) for index in range(1, 15))
        header, length = next((header, n) for header in headers if (n := frame_length(header) or 0) >= place + 12)
        info = header + bytes(place - 4) + b"Xing" + (1).to_bytes(4, "big") + (self.n_frames + 1).to_bytes(4, "big")
        lead = self.n_samples // self.n_frames - _DECODER_DELAY
        return [info.ljust(length, b"\0"), header.ljust(length, b"\0"), *self.ranges], lead


@dataclass
class MpegFrames:
    """What a walk over an mp3 file found.

    Whole frames that hold audio; the frames that Xing or Info headers name, None without such a header; the bytes that
    the last frame lacks, 0 where the file ends with a whole frame; the bytes between frames that are neither frames nor
    tags; those behind the last one, where they are too many for a tag that is not known here; the frames by kind.
    """

    n_frames: int
    promised: int | None
    missing_bytes: int
    odd_bytes: int = 0
    trailing_bytes: int = 0
    parts: list[MpegPart] = field(default_factory=list, compare=False, repr=False)

    @property
    def n_samples(self) -> int:
        """Samples of all frames at the rate of the first."""
        return sum(part.n_samples * self.parts[0].sampling_rate // part.sampling_rate for part in self.parts)

    def are_more_than(self, n_decoded: int) -> bool:
        """Tell whether a decoder that gave so many samples has left out frames."""
        if len(self.parts) > 1 or self.promised is not None and self.promised < self.n_frames - 1:
            return True
        return self.n_frames > 0 and n_decoded < self.n_samples - self.tolerance

    @property
    def tolerance(self) -> int:
        """Samples by which whole decoding may fall short: what is trimmed, and a frame at each start."""
        return sum(_MOST_TRIMMED * bool(part.info) + 1152 for part in self.parts)


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
    """Find the frames of an mp3 file from header to header; memory stays flat however long the file."""
    size = Path(path).stat().st_size
    parts: list[MpegPart] = []
    kind, missing_bytes, odd_bytes, trailing_bytes = None, 0, 0, 0
    with open(path, "rb") as stream:
        position = _find_frame(stream, _behind_tags(stream, 0))
        while position is not None:
            stream.seek(position)
            block = stream.read(_BLOCK_BYTES)
            # A frame that begins near the end of a block is left to the next one.
            last = len(block) - (_LONGEST_FRAME if position + len(block) < size else 0)
            place = start = n_frames = 0
            most = size - position
            # A song has ten thousand frames: what is done for each is as little as can be.
            while place < last:
                frame = _frame(block[place : place + 4])
                if frame is None or place + frame[0] > most:
                    break
                length, this_kind, name_place = frame
                is_info = block.startswith((b"Xing", b"Info"), place + name_place)
                if is_info or this_kind != kind:
                    _add_frames(parts, position + start, position + place, n_frames)
                    start, kind, n_frames = place, this_kind, 0
                    parts.append(MpegPart(block[place : place + 4]))
                if is_info:
                    parts[-1].info = info = block[place : place + length]
                    if info[name_place + 7] & 1:
                        # None stands for an unknown number.
                        parts[-1].promised = int.from_bytes(info[name_place + 8 : name_place + 12], "big") or None
                    start += length
                else:
                    n_frames += 1
                place += length
            _add_frames(parts, position + start, position + place, n_frames)
            position += place
            if place < last and frame is not None:
                missing_bytes = position + frame[0] - size
                break
            if place < last or position == size:
                # A cut inside a header leaves its first bytes; anything else is a tag or damage.
                if 0 < size - position < 4 and block[place] == 0xFF:
                    missing_bytes = 4 - (size - position)
                start = _behind_tags(stream, position)
                position = _find_frame(stream, start)
                if position is not None:
                    odd_bytes += position - start
                elif size - start > max(_MOST_BEHIND, size // 10):
                    trailing_bytes = size - start
    parts = [part for part in parts if part.n_frames >= _LEAST_FRAMES] or parts[:1]
    promises = [part.promised for part in parts if part.promised is not None]
    # Of several parts, none can make up for what another lacks.
    most = sum(max(part.n_frames, part.promised or 0) for part in parts)
    promised = None if not promises else promises[0] if len(parts) == 1 else most
    return MpegFrames(sum(part.n_frames for part in parts), promised, missing_bytes, odd_bytes, trailing_bytes, parts)


@lru_cache(maxsize=4096)
def _frame(header: bytes) -> tuple[int, bytes, int] | None:
    """A frame's length, what a decoder cannot change within a stream, and where the name of a Xing header would be."""
    length = frame_length(header)
    if length is None:
        return None
    is_mono = header[3] >> 6 == 3
    return length, bytes([header[1] & 0xFE, header[2] & 0x0C, is_mono]), _name_place(header)


def _name_place(header: bytes) -> int:
    """Where the name of a Xing or Info header begins in a frame: behind its header, checksum and side information."""
    is_mono, is_first = header[3] >> 6 == 3, header[1] >> 3 & 3 == _MPEG_1
    side_information = (17 if is_mono else 32) if is_first else (9 if is_mono else 17)
    return 4 + side_information


def _add_frames(parts: list[MpegPart], start: int, stop: int, n_frames: int) -> None:
    if start < stop:
        parts[-1].n_frames += n_frames
        ranges = parts[-1].ranges
        if ranges and ranges[-1].stop == start:
            start = ranges.pop().start
        ranges.append(range(start, stop))


def length_of_tag(head: bytes) -> int:
    """Length in bytes of the ID3v2 or APE tag that begins so; 0 if none does."""
    if head[:3] == b"ID3" and len(head) >= 10:
        # Seven bits of each byte count; a flag announces a footer of ten bytes.
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        return size + 10 + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) >= 16:
        return 32 + int.from_bytes(head[12:16], "little")
    return 0


def _behind_tags(stream: BinaryIO, start: int) -> int:
    """Where the tags end that begin at `start`; one that claims to reach beyond the file is none."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(start)
    while (length := length_of_tag(stream.read(16))) and start + length <= size:
        start = stream.seek(start + length)
    return start


def _find_frame(stream: BinaryIO, start: int) -> int | None:
    """Position of the first frame from `start` on that is followed by another one; None if there is none nearby."""
    for begin in range(start, start + _SEARCH_BYTES, _BLOCK_BYTES):
        stream.seek(begin)
        window = stream.read(_BLOCK_BYTES + _LONGEST_FRAME)
        if not window:
            break
        for match in _PERHAPS_HEADER.finditer(window[: _BLOCK_BYTES + 2]):
            place = match.start()
            frame = _frame(window[place : place + 4])
            # Bytes that merely look like a header are seldom followed by another one of the same kind.
            following = frame and _frame(window[place + frame[0] : place + frame[0] + 4])
            if frame and following and frame[1] == following[1]:
                return begin + place
    return None
