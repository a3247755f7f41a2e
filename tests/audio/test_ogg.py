"""The walk over Ogg pages, against the checksums that the encoder wrote and against every kind of damage."""

import pytest
from broken_clips import tune, write

from mgc_keras.audio.ogg import missing_pages, page_checksum


def checksum_bit_by_bit(page: bytes) -> int:
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x04C11DB7 if register & 0x80000000 else 0)
            register &= 0xFFFFFFFF
    return register


def pages_of(content: bytes) -> list[bytes]:
    starts = [place for place in range(len(content)) if content.startswith(b"OggS", place)] + [len(content)]
    return [content[start:end] for start, end in zip(starts, starts[1:])]


@pytest.fixture
def content(tmp_path):
    return write(tmp_path / "whole.ogg", tune(4.0)).read_bytes()


@pytest.mark.parametrize("page", [b"", b"\0", b"\x01", b"OggS", bytes(range(256)) * 3])
def test_the_checksum_is_that_of_the_definition(page):
    assert page_checksum(page) == checksum_bit_by_bit(page)


def test_whole_files_lack_nothing(tmp_path, content):
    assert missing_pages(tmp_path / "whole.ogg") == ""
    assert len(pages_of(content)) > 3
    path = tmp_path / "tagged.ogg"
    path.write_bytes(content + b"TAG" + bytes(125))
    assert missing_pages(path) == ""


def test_real_clips_lack_nothing(shared_data):
    for path in sorted((shared_data / "audio" / "misc").glob("*.ogg")):
        assert missing_pages(path) == ""


def test_every_cut_is_found(tmp_path, content):
    path = tmp_path / "cut.ogg"
    pages = pages_of(content)
    borders = {len(b"".join(pages[:k])) for k in range(len(pages))}
    for size in borders | set(range(len(content) - 40, len(content))) | set(range(100, len(content), 1777)):
        path.write_bytes(content[:size])
        assert missing_pages(path) == "its end is cut off", size


def test_every_changed_bit_is_found(tmp_path, content):
    path = tmp_path / "changed.ogg"
    for place in range(0, len(content), 997):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert missing_pages(path), place


def test_a_missing_page_is_found(tmp_path, content):
    pages = pages_of(content)
    del pages[3]
    (tmp_path / "short.ogg").write_bytes(b"".join(pages))
    assert missing_pages(tmp_path / "short.ogg") == "page 4 is missing"
