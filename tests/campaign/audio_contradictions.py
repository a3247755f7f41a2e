"""What a header says against itself or against the size of its file: so much can be known without any checksum."""

from typing import Literal

Order = Literal["little", "big"]
# Of writers into pipes, which cannot know the length.
_UNKNOWN = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFF00)


def contradiction(content: bytes) -> str:
    """Name what does not agree in a RIFF, W64, AIFF, CAF or au header, in a few words; "" where nothing is found."""
    if content[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return _of_wav(content)
    if content[:4] in (b"riff", b"caff"):
        return _of_long_chunks(content)
    if content[:4] == b"FORM" and content[8:12] in (b"AIFF", b"AIFC"):
        return _of_aiff(content)
    if content[:4] in (b".snd", b"dns."):
        order: Order = "big" if content[:4] == b".snd" else "little"
        offset, size = (int.from_bytes(content[place : place + 4], order) for place in (4, 8))
        return "" if size in _UNKNOWN or size == len(content) - offset else "data size"
    return ""


def _chunks(content: bytes, order: Order) -> tuple[dict[bytes, tuple[int, int]], bool]:
    """The first chunk of each name: where its content starts, and its length. And whether all chunks fit the file."""
    found: dict[bytes, tuple[int, int]] = {}
    place = 12
    while place + 8 <= len(content):
        name, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], order)
        found.setdefault(name, (place + 8, length))
        place += 8 + length + length % 2
    return found, place in (len(content), len(content) + 1)


def _of_wav(content: bytes) -> str:
    order: Order = "big" if content[:4] == b"RIFX" else "little"
    chunks, fit = _chunks(content, order)
    if b"fmt " not in chunks or b"data" not in chunks:
        return "chunks"
    if words := _of_fmt(content, chunks[b"fmt "][0], order):
        return words
    riff_size = int.from_bytes(content[4:8], order)
    if content[:4] == b"RF64":
        place = content.find(b"ds64")
        sizes = [int.from_bytes(content[place + at : place + at + 8], "little") for at in (8, 16)]
        return "" if sizes[0] + 8 == len(content) and sizes[1] <= len(content) - chunks[b"data"][0] else "sizes"
    if not fit and chunks[b"data"][1] not in _UNKNOWN:
        return "sizes of chunks"
    return "" if riff_size in _UNKNOWN or riff_size + 8 in (len(content), len(content) - 1) else "riff size"


def _of_fmt(content: bytes, start: int, order: Order) -> str:
    tag, channels = (int.from_bytes(content[start + at : start + at + 2], order) for at in (0, 2))
    rate, byte_rate = (int.from_bytes(content[start + at : start + at + 4], order) for at in (4, 8))
    align, bits = (int.from_bytes(content[start + at : start + at + 2], order) for at in (12, 14))
    if tag in (1, 3, 6, 7, 0xFFFE) and align != channels * -(-bits // 8):
        return "block align"
    return "byte rate" if tag in (1, 3, 6, 7, 0xFFFE) and byte_rate != rate * align else ""


def _of_long_chunks(content: bytes) -> str:
    """W64 and CAF, whose sizes have eight bytes; those of W64 count the head of a chunk, too."""
    is_w64 = content[:4] == b"riff"
    data = content.find(b"data")
    if data < 0 or content.find(b"fmt " if is_w64 else b"desc") < 0:
        return "chunks"
    if is_w64:
        end = data + int.from_bytes(content[data + 16 : data + 24], "little")
        words = _of_fmt(content, content.find(b"fmt ") + 24, "little")
    else:
        size = int.from_bytes(content[data + 4 : data + 12], "big", signed=True)
        end = len(content) if size == -1 else data + 12 + size
        n_bytes, n_samples, channels, bits = (
            int.from_bytes(content[place : place + 4], "big") for place in range(36, 52, 4)
        )
        words = "block align" if bits and n_bytes != n_samples * channels * -(-bits // 8) else ""
    # W64 pads to eight bytes, CAF as libsndfile writes it to two.
    return words or ("" if end <= len(content) < end + 8 else "sizes of chunks")


def _of_aiff(content: bytes) -> str:
    chunks, fit = _chunks(content, "big")
    if b"COMM" not in chunks or b"SSND" not in chunks:
        return "chunks"
    start, _ = chunks[b"COMM"]
    channels, frames, bits = (
        int.from_bytes(content[start + at : start + at + width], "big") for at, width in ((0, 2), (2, 4), (6, 2))
    )
    kind = content[start + 18 : start + 22] if content[8:12] == b"AIFC" else b"NONE"
    known = kind in (b"NONE", b"sowt", b"fl32", b"fl64", b"FL32", b"FL64", b"raw ")
    if known and frames * channels * -(-bits // 8) + 8 != chunks[b"SSND"][1]:
        return "number of frames"
    if not fit:
        return "sizes of chunks"
    return "" if int.from_bytes(content[4:8], "big") + 8 == len(content) else "form size"
