"""Telling files by their content: what opens, and what lacks its end."""

import os

import numpy as np
import pytest
import soundfile
from broken_clips import RATE, cut, promise_more, tune, write

from mgc_keras.audio.containers import SUFFIXES_OF_FORMAT, missing_end, open_clip
from mgc_keras.audio.files import read_waveform
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


def test_a_wav_file_from_a_pipe_that_says_nothing_is_read_to_its_end(tmp_path):
    content = write(tmp_path / "whole.wav", tune()).read_bytes()
    place = content.index(b"data") + 4
    path = tmp_path / "pipe.wav"
    for riff_size in (0, place - 4, 0xFFFFFFFF):
        path.write_bytes(
            content[:4] + riff_size.to_bytes(4, "little") + content[8:place] + bytes(4) + content[place + 4 :]
        )
        np.testing.assert_array_equal(read_waveform(path), read_waveform(tmp_path / "whole.wav"))
        assert missing(path) == ""
    # Where the sizes add up there are no samples, whatever else there is.
    note = b"LIST\x04\0\0\0abcd"
    path.write_bytes(content[:4] + (place + 8).to_bytes(4, "little") + content[8:place] + bytes(4) + note)
    with pytest.raises(AudioError, match="holds no samples"):
        read_waveform(path)


def test_bw64_is_read(tmp_path):
    soundfile.write(tmp_path / "whole.wav", tune(), RATE, format="RF64", subtype="PCM_16")
    content = (tmp_path / "whole.wav").read_bytes()
    # ITU-R BS.2088: the chunks of RF64 under another name.
    (tmp_path / "bw64.wav").write_bytes(b"BW64" + content[4:])
    np.testing.assert_array_equal(read_waveform(tmp_path / "bw64.wav"), read_waveform(tmp_path / "whole.wav"))
    assert missing(tmp_path / "bw64.wav") == ""
    assert "holds 60" in missing(cut(tmp_path / "cut.wav", tmp_path / "bw64.wav", 0.601))


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
        (b"\0\0\0\x20ftypM4A " + bytes(200), "is an MP4 or M4A file that cannot be decoded here \\(install ffmpeg"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
            "Git LFS has not fetched \\(run 'git lfs pull'",
        ),
        # FLAC of 32 bits, and G.726 in a wav file: sound, but nothing that libsndfile knows.
        (b"fLaC\0\0\0\x22" + bytes(10) + b"\x0a\xc4\x41\xf0" + bytes(200), "is a FLAC file that cannot be decoded"),
        (b"RIFF\0\1\0\0WAVEfmt \x10\0\0\0\x45\0\1\0" + bytes(200), "is a wav file that cannot be decoded here"),
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
