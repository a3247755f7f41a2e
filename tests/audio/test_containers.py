"""Telling files by their content: what opens, and what lacks its end."""

import os

import numpy as np
import pytest
import soundfile
from broken_clips import RATE, cut, promise_more, tune, write

from mgc_keras.audio.containers import SUFFIXES_OF_FORMAT, missing_end, open_clip
from mgc_keras.errors import AudioError


def missing(path):
    with open_clip(path) as clip:
        return missing_end(path, clip.format)


@pytest.mark.parametrize("suffix", [".wav", ".au", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_whole_files_lack_nothing(tmp_path, suffix, channels):
    path = write(tmp_path / f"whole{suffix}", tune(3.0, channels=channels))
    assert missing(path) == ""
    with open_clip(path) as clip:
        assert suffix in SUFFIXES_OF_FORMAT[clip.format]


def test_real_clips_lack_nothing(shared_data):
    paths = [path for path in sorted((shared_data / "audio").rglob("*.*")) if path.suffix != ".csv"]
    assert len(paths) == 150
    assert {path: missing(path) for path in paths if missing(path)} == {}


@pytest.mark.parametrize("suffix", [".wav", ".au", ".ogg", ".mp3"])
@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.95])
def test_cut_files_are_found(tmp_path, suffix, fraction):
    assert missing(cut(tmp_path / f"cut{suffix}", write(tmp_path / f"whole{suffix}", tune(8.0)), fraction))


@pytest.mark.parametrize("suffix", [".wav", ".au"])
def test_the_missing_part_is_said(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}", tune(8.0))
    assert missing(cut(tmp_path / f"cut{suffix}", whole, 0.6)) == "holds 60.0 % of the audio its header promises"
    percent = 100 * (8 * RATE * 2 * 2) / 10**8
    assert missing(promise_more(tmp_path / f"more{suffix}", whole)) == (
        f"holds {percent:.1f} % of the audio its header promises"
    )


def test_a_single_missing_sample_is_found(tmp_path):
    content = write(tmp_path / "whole.wav", tune()).read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[:-2])
    assert missing(tmp_path / "cut.wav")


@pytest.mark.parametrize("promise", [0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF])
def test_a_length_that_a_pipe_left_unknown_is_no_promise(tmp_path, promise):
    content = write(tmp_path / "whole.wav", tune()).read_bytes()
    place = content.index(b"data") + 4
    (tmp_path / "pipe.wav").write_bytes(content[:place] + promise.to_bytes(4, "little") + content[place + 4 :])
    assert missing(tmp_path / "pipe.wav") == ""
    content = write(tmp_path / "whole.au", tune()).read_bytes()
    (tmp_path / "pipe.au").write_bytes(content[:8] + b"\xff" * 4 + content[12:])
    assert missing(tmp_path / "pipe.au") == ""


def test_variants_of_wav(tmp_path):
    samples = tune(0.5)
    for format_name in ("RF64", "WAVEX"):
        path = tmp_path / f"{format_name}.wav"
        soundfile.write(path, samples, RATE, format=format_name, subtype="PCM_16")
        assert missing(path) == ""
        assert "holds 60" in missing(cut(tmp_path / f"cut_{format_name}.wav", path, 0.601))
    big_endian = tmp_path / "big.wav"
    soundfile.write(big_endian, samples, RATE, format="WAV", subtype="PCM_16", endian="BIG")
    assert big_endian.read_bytes()[:4] == b"RIFX" and missing(big_endian) == ""
    assert "holds 60" in missing(cut(tmp_path / "cut_big.wav", big_endian, 0.6))
    # A chunk of odd length before the samples is followed by a byte of padding.
    content = write(tmp_path / "whole.wav", samples).read_bytes()
    place = content.index(b"data")
    (tmp_path / "chunk.wav").write_bytes(content[:place] + b"note\x03\0\0\0abc\0" + content[place:])
    assert missing(tmp_path / "chunk.wav") == ""


def test_text_named_au_is_not_taken_for_bare_samples(tmp_path):
    (tmp_path / "text.au").write_text("no music" * 1000)
    # The decoding library itself would play it.
    assert soundfile.info(tmp_path / "text.au").format == "RAW"
    with pytest.raises(AudioError, match="looks like text"):
        open_clip(tmp_path / "text.au")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"\0\0\0\x20ftypM4A " + bytes(200), "MP4 or M4A"),
        (b"PK\x03\x04" + bytes(200), "zip archive"),
        (b"\x30\x26\xb2\x75\x8e\x66" + bytes(200), "Windows Media"),
        (b"\n <html>", "web page"),
        (bytes(5000), "zeros"),
        (b"id,label\n1,jazz\n", "text"),
        (bytes(np.random.default_rng(0).integers(1, 255, 5000, dtype=np.uint8)), "decoded as audio \\("),
    ],
)
def test_what_a_file_looks_like(tmp_path, content, words, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # without ffmpeg, which has words of its own
    path = tmp_path / "clip.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=words):
        open_clip(path)


def test_bare_samples_and_pipes_are_refused(tmp_path):
    (tmp_path / "samples.raw").write_bytes(bytes(1000))
    with pytest.raises(AudioError, match="cannot be decoded"):
        open_clip(tmp_path / "samples.raw")
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError):
        open_clip(tmp_path / "pipe.wav")
