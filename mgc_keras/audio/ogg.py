"""Walk the pages of an Ogg file without decoding them, to find damage and missing ends that decoders play over.

Reference
---------
RFC 3533: page header, segment table, checksum.
"""

import io
import zlib
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def _reversed_bits() -> bytes:
    """Each byte with its bits in reverse order, as a table for `bytes.translate`."""
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def page_checksum(page: bytes) -> int:
    """Return the checksum of an Ogg page whose checksum field is zero.

    Ogg runs the polynomial of zlib's CRC-32 over the bits in the other order, from 0 and without a final inversion: so
    reverse the bits of every byte and of the result, and undo zlib's two inversions.
    """
    mirrored = zlib.crc32(page.translate(_reversed_bits()), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_reversed_bits()), "big")


def missing_pages(path: str | Path) -> str:
    """Say in words what an Ogg file lacks; an empty string if every page is there, sound, and the stream is ended.

    Returns
    -------
    str
        "page 12 is damaged", "page 12 is missing" or "its end is cut off".
    """
    following: dict[bytes, int] = {}
    open_streams: set[bytes] = set()
    n_pages = 0
    with open(path, "rb") as stream:
        while header := stream.read(27):
            n_pages += 1
            if len(header) < 27 and b"OggS".startswith(header[:4]):
                return "its end is cut off"
            if not header.startswith(b"OggS"):
                # What follows a sound, ended stream is a tag that some program has left.
                return f"page {n_pages} is damaged" if open_streams or not following else ""
            table = stream.read(header[26])
            body = stream.read(sum(table))
            if len(table) < header[26] or len(body) < sum(table):
                return "its end is cut off"
            page = header[:22] + bytes(4) + header[26:] + table + body
            if page_checksum(page) != int.from_bytes(header[22:26], "little"):
                return f"page {n_pages} is damaged"
            serial, number, flags = header[14:18], int.from_bytes(header[18:22], "little"), header[5]
            if number != following.get(serial, number):
                return f"page {n_pages} is missing"
            following[serial] = number + 1
            if flags & 4:
                open_streams.discard(serial)
            else:
                open_streams.add(serial)
    return "its end is cut off" if open_streams or not following else ""


def links(path: str | Path) -> list[range]:
    """Return where the streams lie that follow each other in an Ogg file; voices that sound together are one.

    A page that begins a stream, behind one that does not, begins the next link of the chain.
    """
    starts, begins, place = [0], True, 0
    with open(path, "rb") as stream:
        while (header := stream.read(27)).startswith(b"OggS") and len(header) == 27:
            if header[5] & 2 and not begins:
                starts.append(place)
            begins = bool(header[5] & 2)
            table = stream.read(header[26])
            stream.seek(sum(table), io.SEEK_CUR)
            place = stream.tell()
        size = stream.seek(0, io.SEEK_END)
    return [range(start, stop) for start, stop in zip(starts, [*starts[1:], size])]
