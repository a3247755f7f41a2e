"""Headers that contradict themselves, their file or their samples: each is told; no file that a program wrote is."""

import hashlib
import io
import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile
from broken_clips import RATE, cut, tune, write

from mgc_keras.audio.check import check_folder
from mgc_keras.audio.containers import SUFFIXES_OF_FORMAT, contradiction, missing_end, open_clip
from mgc_keras.audio.files import read_waveform
from mgc_keras.audio.probe import probe_clip
from mgc_keras.errors import AudioError

# Formats that `contradiction` and `missing_end` judge.
JUDGED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC")


def encoded(format_name, subtype, seconds=0.3, rate=RATE, channels=2):
    buffer = io.BytesIO()
    soundfile.write(buffer, tune(seconds, rate, channels, 3), rate, subtype, format=format_name)
    return buffer.getvalue()


def said(path):
    probe = probe_clip(path)
    return probe.missing, probe.contradiction


def put(path, content, place, kind, *numbers):
    """Write a file with other numbers, packed as `struct` names them, at a place."""
    width = struct.calcsize(kind)
    path.write_bytes(content[:place] + struct.pack(kind, *numbers) + content[place + width :])
    return path


def test_what_libsndfile_writes_agrees_with_itself(tmp_path):
    n_files = 0
    for format_name in set(soundfile.available_formats()) & set(SUFFIXES_OF_FORMAT):
        for subtype in soundfile.available_subtypes(format_name):
            # Odd numbers of bytes need padding; 8 kHz suits the codecs of telephones.
            for rate, channels, n in ((22050, 1, 5001), (22050, 2, 5001), (8000, 1, 4000)):
                path = tmp_path / f"{subtype}_{rate}_{channels}{SUFFIXES_OF_FORMAT[format_name][0]}"
                try:
                    soundfile.write(path, tune(1, rate, channels)[:n], rate, subtype, format=format_name)
                except (soundfile.LibsndfileError, ValueError):
                    continue
                assert said(path) == ("", ""), (format_name, subtype, rate, channels)
                n_files += 1
    assert n_files > 250


def test_real_clips_agree_with_themselves(shared_data):
    found = {}
    paths = [path for path in sorted((shared_data / "audio").rglob("*.*")) if path.suffix != ".csv"]
    for path in [*paths, *(shared_data / "quirks" / "audio").glob("*.*")]:
        try:
            with open_clip(path) as clip:
                found[path] = contradiction(path, clip.format)
        except AudioError as error:
            assert "its header says" not in error.problem
    assert len(found) > 150 and not any(found.values())


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg on the PATH")
def test_what_ffmpeg_writes_agrees_with_itself(tmp_path):
    source = write(tmp_path / "source.wav", tune(0.5))
    codecs = {
        "wav": "pcm_u8 pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le pcm_alaw pcm_mulaw adpcm_ima_wav adpcm_ms "
        "libmp3lame",
        "w64": "pcm_u8 pcm_s16le pcm_s24le pcm_f32le pcm_alaw",
        "aiff": "pcm_s8 pcm_s16be pcm_s24be pcm_f32be pcm_f64be pcm_alaw pcm_mulaw pcm_s16le adpcm_ima_qt",
        "au": "pcm_s8 pcm_s16be pcm_s24be pcm_f32be pcm_mulaw",
        "caf": "pcm_s8 pcm_s16le pcm_s16be pcm_s24le pcm_f32be pcm_alaw",
        "flac": "flac",
    }
    title = ["-metadata", "title=odd", "-write_id3v2", "1"]
    for suffix, names in codecs.items():
        for name in names.split():
            options = [*title, "-rf64", "always"] if name == "pcm_s32le" else title if suffix == "aiff" else title[:2]
            path = tmp_path / f"{name}.{suffix}"
            subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-c:a", name, *options, path], check=True)
            assert said(path) == ("", ""), path
    for suffix in ("wav", "w64", "au", "aiff"):
        content = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", source, "-f", suffix, "-"], check=True, capture_output=True
        ).stdout
        path = tmp_path / f"pipe.{suffix}"
        path.write_bytes(content)
        assert said(path) == ("", ""), path
        np.testing.assert_array_equal(read_waveform(path, None), read_waveform(source, None))


def test_what_may_follow_samples(tmp_path):
    path = tmp_path / "clip.wav"
    content = encoded("WAV", "PCM_U8", channels=1)[:-2]  # without the last of 6615 samples, and its padding
    content = content[:40] + struct.pack("<I", 6614) + content[44:]
    odd = content[:40] + struct.pack("<I", 6613) + content[44:-1]
    for whole in (
        content + b"LIST\x04\0\0\0abcd",
        odd + b"\0LIST\x04\0\0\0abcd",
        odd + b"LIST\x04\0\0\0abcd",  # without its padding
        content + b"TAG".ljust(128, b"x"),
        content + b"id3 \x05\0\0\0ID3",  # cut off
        content + bytes(1000),
        content + b"\x80\x81\x82",
    ):
        path.write_bytes(whole)
        assert contradiction(path, "WAV") == "" and missing_end(path, "WAV") == ""
    for more in (b"\x80" * 100, bytes(70_000), b"some samples that look like text" * 9):
        path.write_bytes(content + more)
        assert contradiction(path, "WAV") == f"{len(more)} bytes lie behind the end that its header tells"


def test_other_writers_of_aiff(tmp_path):
    content, path = encoded("AIFF", "PCM_16", channels=1), tmp_path / "clip.aiff"
    frames, data = content.index(b"COMM") + 10, content.index(b"SSND") + 4
    # SoX into a pipe: as much as it dares to promise.
    content = put(path, content, frames, ">I", 0x3F800000).read_bytes()
    put(path, content, data, ">I", 0x7F000008)
    assert contradiction(path, "AIFF") == "" and missing_end(path, "AIFF") == ""
    # Python's own aifc counts the byte that makes 6615 bytes even.
    content = encoded("AIFF", "PCM_S8", channels=1)
    put(path, content, content.index(b"COMM") + 10, ">I", 6615)
    assert contradiction(path, "AIFF") == ""
    put(path, content, content.index(b"COMM") + 10, ">I", 6614)
    assert contradiction(path, "AIFF") == "its header says 6614 samples, the size of its data makes 6616"


@pytest.mark.parametrize("format_name", ["WAV", "AIFF", "AU"])
def test_a_tag_in_front(tmp_path, format_name):
    content = encoded(format_name, "PCM_16")
    path = tmp_path / f"clip{SUFFIXES_OF_FORMAT[format_name][0]}"
    for length in (10, 11):
        path.write_bytes(b"ID3\x04\0\0\0\0\0" + bytes([length]) + bytes(length) + content)
        assert contradiction(path, format_name) == "" and missing_end(path, format_name) == ""
        path.write_bytes(path.read_bytes()[: len(content) // 2])
        assert missing_end(path, format_name).startswith("holds ")


@pytest.mark.parametrize("format_name", ["WAV", "WAVEX", "RF64", "W64"])
def test_a_rate_that_the_bytes_a_second_contradict(tmp_path, format_name):
    for subtype in set(soundfile.available_subtypes(format_name)) - {"MPEG_LAYER_III"}:
        try:
            content = encoded(format_name, subtype)
        except soundfile.LibsndfileError:
            content = encoded(format_name, subtype, channels=1)
        place = content.index(b"fmt ") + (24 if format_name == "W64" else 8)
        for rate in (2 * RATE, RATE // 2, 44100, 65535):
            words = said(put(tmp_path / "clip.wav", content, place + 4, "<I", rate))[1]
            assert words.endswith("its rate, channels and bits make " + words.split()[-1]), (subtype, rate)
            assert "bytes a second" in words


def test_numbers_of_wav_in_words(tmp_path):
    content, path = encoded("WAV", "PCM_16"), tmp_path / "clip.wav"
    assert content[20:36] == struct.pack("<HHIIHH", 1, 2, 22050, 88200, 4, 16)
    cases = {
        (22, "<H", 1): "its header says blocks of 4 bytes, its channels and bits make 2",
        (22, "<H", 3): "its header says blocks of 4 bytes, its channels and bits make 6",
        (34, "<H", 24): "its header says blocks of 4 bytes, its channels and bits make 6",
        (24, "<I", 44100): "its header says 88200 bytes a second, its rate, channels and bits make 176400",
        (28, "<I", 88201): "its header says 88201 bytes a second, its rate, channels and bits make 88200",
        (40, "<I", 13230): "13230 bytes lie behind the end that its header tells",
        (16, "<I", 24): "the sizes in its header lead to 0 parts 'data', not to one",
    }
    for (place, kind, number), words in cases.items():
        put(path, content, place, kind, number)
        assert contradiction(path, "WAV") == words
    path.write_bytes(content + content[36:])
    assert contradiction(path, "WAV") == "the sizes in its header lead to 2 parts 'data', not to one"
    # 24 bits in four bytes: libsndfile reads three bytes a sample, and noise.
    put(path, encoded("WAV", "PCM_32"), 28, "<IHH", 176400, 8, 24)
    assert "blocks of 8 bytes, its channels and bits make 6" in contradiction(path, "WAV")


def test_numbers_of_other_headers_in_words(tmp_path):
    aiff, path = encoded("AIFF", "PCM_16"), tmp_path / "clip"
    place = aiff.index(b"COMM") + 8
    assert aiff[place : place + 8] == struct.pack(">HIH", 2, 6615, 16)
    put(path, aiff, place, ">HIH", 1, 6615, 16)
    assert contradiction(path, "AIFF") == "its header says 6615 samples, the size of its data makes 13230"
    put(path, aiff, aiff.index(b"SSND") + 4, ">I", 6615 * 2 + 8)
    assert contradiction(path, "AIFF") == "its header says 6615 samples, the size of its data makes 3307"
    put(path, encoded("AU", "PCM_16"), 8, ">I", 6615 * 2)
    assert contradiction(path, "AU") == "13230 bytes lie behind the end that its header tells"
    caf = encoded("CAF", "PCM_24")
    put(path, caf, caf.index(b"desc") + 36, ">I", 3)
    assert contradiction(path, "CAF") == "its header says blocks of 6 bytes, its channels and bits make 9"
    alac = encoded("CAF", "ALAC_24")
    place = alac.index(b"desc") + 12
    for at, kind, number, words in (
        (0, ">d", 44100.0, "its header says 44100 Hz and 22050 Hz"),
        (12, ">I", 1, "its header says 16 bits and 24 bits"),
        (20, ">I", 2048, "its header says 2048 samples a packet and 4096 samples a packet"),
        (24, ">I", 1, "its header says 1 channels and 2 channels"),
    ):
        put(path, alac, place + at, kind, number)
        assert contradiction(path, "CAF") == words
    place = alac.index(b"pakt") + 12
    n_packets, n_samples, *rest = struct.unpack(">qqii", alac[place : place + 24])
    assert (n_packets, n_samples) == (2, 6615)
    put(path, alac, place, ">qq", n_packets, n_samples - 1)
    assert contradiction(path, "CAF") == "its header says 8191 samples and 2 packets of 4096"
    put(path, alac, place + 24, "B", alac[place + 24] ^ 1)
    assert "packets of" in contradiction(path, "CAF")


@pytest.mark.parametrize("format_name", JUDGED[:-1])
def test_every_container_that_is_cut_off_is_found(tmp_path, format_name):
    suffix = SUFFIXES_OF_FORMAT[format_name][0]
    for subtype in ("PCM_16", "PCM_24", "FLOAT", "ALAW"):
        whole, path = tmp_path / "whole", tmp_path / f"cut{suffix}"
        whole.write_bytes(encoded(format_name, subtype, seconds=1.0))
        for fraction in (0.6, 0.9, 0.999):
            cut(path, whole, fraction)
            try:
                assert said(path)[0].startswith("holds "), (subtype, fraction)
            except AudioError:
                # libsndfile refuses it; ffmpeg, where it is, takes what is left for the whole.
                assert format_name == "CAF"


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_flac_is_compared_with_its_md5(tmp_path, subtype, channels):
    content, path = encoded("FLAC", subtype, channels=channels), tmp_path / "clip.flac"
    path.write_bytes(content)
    # The MD5 by its definition: whole numbers, little endian, as few bytes as hold them, channel by channel.
    n_bytes = {"PCM_S8": 1, "PCM_16": 2, "PCM_24": 3}[subtype]
    numbers = soundfile.read(path, dtype="int32")[0].reshape(-1) >> (32 - 8 * n_bytes)
    plain = b"".join(int(number).to_bytes(n_bytes, "little", signed=True) for number in numbers)
    assert content[26:42] == hashlib.md5(plain).digest()
    assert said(path) == ("", "")
    put(path, content, 26, "B", content[26] ^ 1)
    assert said(path) == ("", "its samples are not those of which its header holds the MD5")
    (finding,) = check_folder(tmp_path).findings
    assert finding.kind == "contradictory" and finding.cure
    # Without an MD5, there is nothing to compare with.
    put(path, content, 26, "16s", bytes(16))
    assert said(path) == ("", "")


def streaminfo(content, rate=RATE, channels=2, bits=16, n_samples=6615):
    return (
        content[:18] + (rate << 44 | channels - 1 << 41 | bits - 1 << 36 | n_samples).to_bytes(8, "big") + content[26:]
    )


@pytest.mark.parametrize("has_md5", [True, False])
def test_a_flac_file_that_goes_on_behind_its_length(tmp_path, has_md5):
    content, path = encoded("FLAC", "PCM_16"), tmp_path / "clip.flac"
    content = content if has_md5 else content[:26] + bytes(16) + content[42:]
    for tag in (b"", b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)):
        path.write_bytes(tag + streaminfo(content))
        assert said(path) == ("", "")
        for n_samples in (1, 3307, 6614):
            path.write_bytes(tag + streaminfo(content, n_samples=n_samples))
            words = "MD5" if has_md5 else f"goes on behind the {n_samples} samples that its header tells"
            assert words in said(path)[1]


def test_a_flac_header_that_its_first_frame_contradicts(tmp_path):
    path = tmp_path / "clip.flac"
    for rate in (RATE, 44100, 37000, 96000, 11025, 12345):
        content = encoded("FLAC", "PCM_16", rate=rate)
        path.write_bytes(streaminfo(content, rate=rate, n_samples=int(0.3 * rate)))
        assert content == path.read_bytes() and said(path) == ("", "")
        path.write_bytes(streaminfo(content, rate=48000, n_samples=int(0.3 * rate)))
        with pytest.raises(AudioError, match=f"its header says 48000 Hz, its first frame {rate} "):
            read_waveform(path)
    content = encoded("FLAC", "PCM_16")
    for options, words in (
        ({"channels": 1}, "1 channels, its first frame 2"),
        ({"bits": 24}, "24 bits, its first frame 16"),
    ):
        path.write_bytes(streaminfo(content, **options))
        with pytest.raises(AudioError, match=words):
            read_waveform(path)
    # libsndfile gives zeros behind the first frame here, and no error.
    put(path, content, 8, ">HH", 65535, 65535)
    assert not soundfile.read(path)[0][4096:].any()
    with pytest.raises(AudioError, match="65535 samples a frame, its first frame 4096"):
        read_waveform(path)
