"""What a FLAC file's header says, against its first frame, which says it again, and against the samples that decode."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from mgc_keras.audio.clip import Pieces, Sound
from mgc_keras.audio.mpeg import length_of_tag

# What the codes in the header of a frame stand for; 0 refers to the header of the file.
_RATES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
_BITS = (0, 8, 12, 0, 16, 20, 24, 32)
_BLOCKS = (0, 192, 576, 1152, 2304, 4608, 0, 0, *(256 << power for power in range(8)))
_LONGEST_HEAD = 16
_HEAD = 42
_LONGEST_BLOCK = 65535


@dataclass(frozen=True)
class FlacHeader:
    """The header of a FLAC file.

    Attributes
    ----------
    start : int
        Where it begins, behind a tag.
    content : bytes [shape=(42,)]
    rate, channels, bits : int
        In Hz; how many; of a sample.
    n_samples : int
        A channel; 0 if unknown.
    block : int
        Samples a channel of all frames but the last; 0 where they differ.
    md5 : bytes [shape=(16,)]
        Of all samples; zeros if unknown.
    """

    start: int
    content: bytes
    rate: int
    channels: int
    bits: int
    n_samples: int
    block: int
    md5: bytes


def read_flac_header(stream: BinaryIO) -> FlacHeader | None:
    """Read the header of a file that is open at its beginning; None if it is no FLAC file."""
    start = length_of_tag(stream.read(10))
    stream.seek(start)
    head = stream.read(_HEAD)
    if head[:4] != b"fLaC" or head[4] & 0x7F or len(head) < _HEAD:
        return None
    packed, block = int.from_bytes(head[18:26], "big"), int.from_bytes(head[8:10], "big")
    return FlacHeader(
        start=start,
        content=head,
        rate=packed >> 44,
        channels=(packed >> 41 & 7) + 1,
        bits=(packed >> 36 & 31) + 1,
        n_samples=packed & (1 << 36) - 1,
        block=block if head[8:10] == head[10:12] else 0,
        md5=head[26:],
    )


def flac_contradiction(path: Path) -> str:
    """Say in words what the header of a FLAC file and its first frame say differently; an empty string if nothing.

    libsndfile believes the header in part: behind the first frame it may give zeros for samples, without any error.
    """
    with open(path, "rb") as stream:
        header = read_flac_header(stream)
        frame = header and _first_frame(stream, header)
    if not header or not frame:
        return ""
    rate, channels, bits, block = _frame_says(frame)
    said = [("Hz", header.rate, rate), ("channels", header.channels, channels), ("bits", header.bits, bits)]
    if header.n_samples > block:
        said.append(("samples a frame", header.block, block))
    differ = [words for words in said if words[1] and words[2] and words[1] != words[2]]
    return "; ".join(
        f"its header says {of_file} {unit}, its first frame {of_frame}" for unit, of_file, of_frame in differ
    )


def _first_frame(stream: BinaryIO, header: FlacHeader) -> bytes:
    """The beginning of the first frame, behind all that is told in front; empty where no frame is."""
    stream.seek(header.start + 4)
    is_last = False
    while not is_last:
        head = stream.read(4)
        if len(head) < 4:
            return b""
        is_last = bool(head[0] & 0x80)
        stream.seek(int.from_bytes(head[1:], "big"), 1)
    head = stream.read(_LONGEST_HEAD)
    return head if len(head) == _LONGEST_HEAD and head[0] == 0xFF and head[1] & 0xFE == 0xF8 else b""


def _frame_says(head: bytes) -> tuple[int, int, int, int]:
    """Rate, channels, bits, and samples a channel of a frame; 0 where it does not say."""
    block_code, rate_code, channel_code, bits_code = head[2] >> 4, head[2] & 15, head[3] >> 4, head[3] >> 1 & 7
    # Behind the number of the frame, written as UTF-8 is, follow a length and a rate that have no code.
    place = 4 + max(1, 8 - (head[4] ^ 0xFF).bit_length())
    block, n_bytes = _BLOCKS[block_code], {6: 1, 7: 2}.get(block_code, 0)
    if n_bytes:
        block = int.from_bytes(head[place : place + n_bytes], "big") + 1
        place += n_bytes
    pair = int.from_bytes(head[place : place + 2], "big")
    rate = (*_RATES, 1000 * head[place], pair, 10 * pair, 0)[rate_code]
    return rate, channel_code + 1 if channel_code < 8 else 2, _BITS[bits_code], block


class FlacProof:
    """Compares the samples of a FLAC file with the MD5 that its header holds, while they decode.

    Parameters
    ----------
    path : Path
        A FLAC file that `open_clip` opens.
    """

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as stream:
            self._header = read_flac_header(stream)
        self._path, self._digest = path, hashlib.md5(usedforsecurity=False)

    def update(self, samples: np.ndarray) -> None:
        """Add decoded samples, [shape=(n_samples,) or (n_samples, channels), dtype=float32], full scale 1."""
        if self._header is None or not any(self._header.md5):
            return
        bits = self._header.bits
        # As whole numbers of as few bytes as hold them. float32 has 24 bits: nothing was rounded.
        numbers = (samples * np.float32(2.0 ** (bits - 1))).astype("<i2" if bits <= 16 else "<i4")
        n_bytes = -(-bits // 8)
        self._digest.update(np.ascontiguousarray(numbers[..., None].view(np.uint8)[..., :n_bytes]).data)

    def contradiction(self) -> str:
        """Say in words that the samples, now complete, are not those of the header; an empty string if they are."""
        if self._header is None:
            return ""
        if not any(self._header.md5):
            n_samples = self._header.n_samples
            return f"goes on behind the {n_samples} samples that its header tells" if self._goes_on() else ""
        is_right = self._header.md5 == self._digest.digest()
        return "" if is_right else "its samples are not those of which its header holds the MD5"

    def _goes_on(self) -> bool:
        """Whether there are samples behind those that the header tells: with a header that tells of more, try it."""
        assert self._header is not None
        content, start, n_samples = self._header.content, self._header.start, self._header.n_samples
        # The number fills the last 36 of these bits.
        packed = (int.from_bytes(content[18:26], "big") >> 36 << 36) | (n_samples + _LONGEST_BLOCK)
        head = content[:18] + packed.to_bytes(8, "big") + content[26:]
        try:
            with Sound(Pieces(self._path, [head, range(start + _HEAD, self._path.stat().st_size)])) as sound:
                sound.seek(n_samples)
        except soundfile.LibsndfileError:
            return False
        return True
