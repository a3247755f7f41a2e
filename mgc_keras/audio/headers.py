"""What the headers of wav, RF64, W64, AIFF, CAF and au files say, and whether it agrees with itself and with the file.

libsndfile believes some of what a header says twice, and passes over the rest: it takes a rate that the bytes a second
contradict, leaves out samples behind a size that is too small, and makes up its own size where the file ends early.
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from mgc_keras.audio.mpeg import length_of_tag

Order = Literal["little", "big"]
# Programs that write into a pipe cannot know the length: they promise (nearly) all that 32 or 64 bits can say, or
# nothing; SoX says 0x7F000000 bytes or a sample less in an AIFF file.
UNKNOWN_LENGTH_FROM = 0x7EFFF000
# How chunks are written: where the first begins, the bytes of its name and of its length, their order, and of what the
# place of each is a multiple. CAF has no such rule, and libsndfile writes an even number of bytes.
_WAYS: dict[bytes, tuple[int, int, int, Order, int]] = {
    b"RIFF": (12, 4, 4, "little", 2),
    b"RIFX": (12, 4, 4, "big", 2),
    b"RF64": (12, 4, 4, "little", 2),
    b"BW64": (12, 4, 4, "little", 2),
    b"FORM": (12, 4, 4, "big", 2),
    b"caff": (8, 4, 8, "big", 2),
    b"riff": (40, 16, 8, "little", 8),
}
# More than any file has; a damaged one may have one every eight bytes.
_MOST_CHUNKS = 10_000
# What programs append that know nothing of chunks, and chunks of notes, which may be cut off.
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LIST", b"id3 ")
_TAIL_BYTES = 1 << 16
# Of the packets of Apple Lossless: two bytes for each 4096 samples, a day of sound.
_LONGEST_TABLE = 1 << 21
_PCM_OF_AIFF = (b"NONE", b"twos", b"sowt", b"raw ", b"fl32", b"fl64", b"in24", b"in32", b"42ni", b"23ni")
_LAW_OF_AIFF = (b"ulaw", b"alaw")


@dataclass
class Header:
    """The chunks of a file as their sizes lead from one to the next.

    Attributes
    ----------
    magic : bytes
        The first four of the file.
    order : {"little", "big"}
        Of the bytes of numbers.
    size : int
        Bytes of the file.
    start : int
        Where the header begins, behind a tag.
    chunks : list of (bytes, int, int)
        Four letters of the name, where the content begins, and the bytes that it should have. An au file has one, its
        samples.
    """

    magic: bytes
    order: Order
    size: int
    start: int
    chunks: list[tuple[bytes, int, int]] = field(default_factory=list)

    def chunk(self, *names: bytes) -> tuple[int, int]:
        """Return where the first chunk of these names begins, and the bytes that it should have; 0, 0 without one."""
        return next(((start, length) for name, start, length in self.chunks if name in names), (0, 0))

    @property
    def data(self) -> tuple[int, int]:
        """Where the samples begin, and the bytes that the header promises of them; 0, 0 if there are none.

        AIFF and CAF put some bytes of their own before the samples, which count here.
        """
        return self.chunk(b"data", b"SSND")


def is_known(length: int) -> bool:
    """Tell whether a header's number of bytes is one, and not what a program writes that cannot know it."""
    return 0 < length < UNKNOWN_LENGTH_FROM or 1 << 32 <= length < 1 << 62


def read_header(stream: BinaryIO) -> Header:
    """Read the header of a file that is open at its beginning; without chunks if it is of another kind."""
    size = os.fstat(stream.fileno()).st_size
    origin = stream.seek(length_of_tag(stream.read(10)))
    head = stream.read(12)
    magic = head[:4]
    if magic in (b".snd", b"dns."):
        order: Order = "big" if magic == b".snd" else "little"
        start, length = int.from_bytes(head[4:8], order), int.from_bytes(head[8:12], order)
        return Header(magic, order, size, origin, [(b"data", origin + start, length)])
    first, n_name, n_length, order, multiple = _WAYS.get(magic, (size, 4, 4, "little", 1))
    header, place, long_length = Header(magic, order, size, origin), origin + first, None
    while place < size and len(header.chunks) < _MOST_CHUNKS:
        # Some writers forget the byte that follows an odd number of them.
        for at in (place + (origin - place) % multiple, place):
            stream.seek(at)
            head = stream.read(n_name + n_length)
            if len(head) == n_name + n_length and all(32 <= letter < 127 for letter in head[:4]):
                break
        else:
            break
        start, length = at + len(head), int.from_bytes(head[n_name:], order)
        if magic == b"riff":
            length = max(0, length - len(head))
        if head[:4] == b"ds64":
            long_length = int.from_bytes(stream.read(16)[8:], "little")
        if head[:4] == b"data" and magic in (b"RF64", b"BW64") and long_length is not None:
            length = long_length
        header.chunks.append((head[:4], start, length))
        place = start + length
    return header


def missing_samples(header: Header) -> str:
    """Say in words how much of the samples that a header promises is not there; an empty string if they are."""
    start, promised = header.data
    present = header.size - start if start else 0
    if promised <= present or not is_known(promised):
        return ""
    return in_part(max(present, 0), promised, "byte")


def in_part(n_present: int, n_promised: int, unit: str) -> str:
    """Say in words that a file holds fewer bytes, samples or frames than its header promises.

    Example
    -------
    >>> in_part(60, 100, "byte"), in_part(99_999, 100_000, "byte")
    ('holds 60.0 % of the audio its header promises', 'is 1 byte short of the audio its header promises')
    """
    share = f"{100 * n_present / n_promised:.1f}"
    n_missing = n_promised - n_present
    how = f"is {n_missing} {unit}{'s' * (n_missing > 1)} short" if share == "100.0" else f"holds {share} %"
    return f"{how} of the audio its header promises"


def header_contradiction(stream: BinaryIO, header: Header | None = None) -> str:
    """Say in words what a header says against itself, or against the file; an empty string if nothing is found.

    Parameters
    ----------
    stream : BinaryIO
        Open at the beginning of a file that libsndfile reads.
    header : Header, optional
        Its header, if it was read before.
    """
    header = header or read_header(stream)
    names = [name for name, _, _ in header.chunks]
    about, judge = _JUDGES.get(header.magic, (None, None))
    for name in (about, b"SSND" if about == b"COMM" else b"data"):
        if name and names.count(name) != 1:
            return f"the sizes in its header lead to {names.count(name)} parts {name.decode().strip()!r}, not to one"
    return (judge(header, stream) if judge else "") or _unknown_tail(header, stream)


def _unknown_tail(header: Header, stream: BinaryIO) -> str:
    """What follows the samples may be more of them, unless chunks fill it, a tag that a program appended, or zeros."""
    end = sum(header.data)
    if not is_known(header.data[1]) or end >= header.size:
        return ""
    # Samples may look like the name of a chunk, but not like a length that ends within the file.
    known = [start + length for _, start, length in header.chunks if start > end and start + length <= header.size + 1]
    end = max(known, default=end)
    left = header.size - end
    stream.seek(end)
    tail = stream.read(_TAIL_BYTES)
    # A few zeros fill up a file; more may be a pause.
    is_filling = left <= len(tail) and not tail.strip(b"\0")
    if left < 8 or is_filling or tail.lstrip(b"\0").startswith(_TAGS):
        return ""
    return f"{left} bytes lie behind the end that its header tells"


def _unpacked(header: Header, stream: BinaryIO, name: bytes, kinds: str) -> tuple:
    """Numbers at the beginning of a chunk, as `struct` names their kinds; none where it is too short."""
    kinds = (">" if header.order == "big" else "<") + kinds
    stream.seek(header.chunk(name)[0])
    content = stream.read(struct.calcsize(kinds))
    return struct.unpack(kinds, content) if len(content) == struct.calcsize(kinds) else ()


def _of_wav(header: Header, stream: BinaryIO) -> str:
    tag, channels, rate, byte_rate, align, bits = _unpacked(header, stream, b"fmt ", "HHIIHH") or (0,) * 6
    # The first number behind the size of an extension: samples of a block, or of the bits those that count.
    *_, per_block, _, kind = _unpacked(header, stream, b"fmt ", "16xHHIH") or (0, 0, 0)
    tag = kind if tag == _EXTENSIBLE else tag
    if tag in _SAMPLE_BY_SAMPLE:
        block = channels * (1 if tag in _LAWS else -(-bits // 8))
        return _blocks(align, block) or _bytes_a_second(byte_rate, {rate * align})
    # Blocks of so many bytes and samples, for each channel.
    blocks = {
        _MS_ADPCM: ((per_block - 2) // 2 + 7, per_block),
        _IMA_ADPCM: ((per_block - 1) // 2 + 4, per_block),
        _GSM: (65, 320),
        _G721: (align // max(channels, 1), 8 * align // max(bits * channels, 1)),
        _NMS: (align // max(channels, 1), 160),
    }
    if tag not in blocks:
        return ""
    n_bytes, n_samples = blocks[tag]
    if not n_samples:
        return "its header says blocks of no samples"
    # Writers round it up or down, and some round the blocks a second first.
    rounded = rate * align // n_samples
    rates = {rounded, rounded + 1, rate // n_samples * align}
    return _blocks(align, n_bytes * channels) or _bytes_a_second(byte_rate, rates)


# WAVE_FORMAT_…
_EXTENSIBLE, _MS_ADPCM, _IMA_ADPCM, _GSM, _NMS, _G721 = 0xFFFE, 2, 0x11, 0x31, 0x38, 0x40
_LAWS = (6, 7)
_SAMPLE_BY_SAMPLE = (1, 3, *_LAWS)


def _blocks(said: int, right: int) -> str:
    return f"its header says blocks of {said} bytes, its channels and bits make {right}" if said != right else ""


def _bytes_a_second(said: int, right: set[int]) -> str:
    if said in right:
        return ""
    return f"its header says {said} bytes a second, its rate, channels and bits make {max(right)}"


def _of_aiff(header: Header, stream: BinaryIO) -> str:
    channels, frames, bits, *_, kind = _unpacked(header, stream, b"COMM", "HIH10x4s") or (0, 0, 0, b"")
    stream.seek(header.start + 8)
    kind = kind if stream.read(4) == b"AIFC" else b"NONE"
    if kind.lower() not in (*map(bytes.lower, _PCM_OF_AIFF), *_LAW_OF_AIFF):
        return ""
    offset, *_ = _unpacked(header, stream, b"SSND", "I") or (0,)
    block = channels * (1 if kind.lower() in _LAW_OF_AIFF else -(-bits // 8))
    promised = header.data[1]
    if not promised or not block:
        return ""  # written into a pipe
    # Some writers count the byte that makes an odd number of them even.
    left = promised - 8 - offset - frames * block
    if 0 <= left < max(block, 2):
        return ""
    return f"its header says {frames} samples, the size of its data makes {frames + left // block}"


def _of_caf(header: Header, stream: BinaryIO) -> str:
    said = _unpacked(header, stream, b"desc", "d4sIIIII")
    if said and said[1] == b"alac":
        return _of_alac(header, stream, said)
    if not said or said[1] not in (b"lpcm", *_LAW_OF_AIFF):
        return ""
    _, _, _, n_bytes, n_samples, channels, bits = said
    return _blocks(n_bytes, n_samples * channels * (-(-bits // 8)))


def _of_alac(header: Header, stream: BinaryIO, said: tuple) -> str:
    """Apple Lossless is told twice, for CAF and for the decoder, and the lengths of its packets make up the data."""
    stream.seek(header.chunk(b"kuki")[0])
    cookie = stream.read(48)
    cookie = cookie[24:] if cookie[4:8] == b"frma" else cookie
    if len(cookie) < 24:
        return ""
    rate, _, depth, _, block, channels, _ = said
    its_block, its_bits, its_channels, its_rate = struct.unpack(">IxB3xB10xI", cookie[:24])
    bits = {1: 16, 2: 20, 3: 24, 4: 32}.get(depth, its_bits)
    pairs = (("Hz", int(rate), its_rate), ("channels", channels, its_channels), ("bits", bits, its_bits))
    for unit, first, second in (*pairs, ("samples a packet", block, its_block)):
        if first != second:
            return f"its header says {first} {unit} and {second} {unit}"
    start, length = header.chunk(b"pakt")
    if length > _LONGEST_TABLE:
        return ""
    stream.seek(start)
    table = stream.read(length)
    n_packets, *n_samples = struct.unpack(">qqii", table[:24]) if len(table) >= 24 else (0, 0)
    if sum(n_samples) != n_packets * block:
        return f"its header says {sum(n_samples)} samples and {n_packets} packets of {block}"
    # Seven bits of each byte count, and the eighth says that more follow.
    n_bytes = number = 0
    for byte in table[24:]:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            n_bytes, number = n_bytes + number, 0
    in_data = header.data[1] - 4
    if not is_known(header.data[1]) or n_bytes == in_data:
        return ""
    return f"its header says packets of {n_bytes} bytes together, the size of its data makes {in_data}"


# The chunk that says what the samples are, and what judges it.
_JUDGES: dict[bytes, tuple[bytes, Callable[[Header, BinaryIO], str]]] = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff"), (b"fmt ", _of_wav)),
    b"FORM": (b"COMM", _of_aiff),
    b"caff": (b"desc", _of_caf),
}
