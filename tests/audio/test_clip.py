"""Files that go on where the decoding library believes that they end: the right samples are those of their parts."""

import numpy as np
import pytest
import soundfile
from broken_clips import RATE, tune, write

from mgc_keras.audio.check import check_folder
from mgc_keras.audio.clip import Pieces
from mgc_keras.audio.containers import open_clip
from mgc_keras.audio.files import read_waveform
from mgc_keras.audio.mpeg import frame_length, walk_frames
from mgc_keras.audio.probe import probe_clip
from mgc_keras.errors import AudioError

# A tag that itself looks like frames.
TAG = b"ID3\x04\x00\x00" + bytes([0, 6, 13, 32]) + bytes.fromhex("fffb9064") * 25000


def swelling(seconds, sampling_rate=RATE, channels=1, seed=0):
    """Near silence, then noise: what a decoder takes the first frames of a VBR file for is far from the whole."""
    samples = tune(seconds, sampling_rate, channels, seed)
    samples += np.random.default_rng(seed).normal(0, 0.2, samples.shape).astype(np.float32)
    samples[: len(samples) // 4] *= 1e-3
    return samples


def mp3(path, samples, sampling_rate=RATE):
    """Write a VBR mp3; return its bytes and the length of its first frame, which names the number of frames."""
    soundfile.write(path, samples, sampling_rate, bitrate_mode="VARIABLE", compression_level=0.3)
    content = path.read_bytes()
    assert b"Xing" in content[:64] or b"Info" in content[:64]
    return content, frame_length(content[:4])


def behind_delay(waveform, trimmed):
    """What follows the encoder's delay, which was left out of `trimmed`."""
    return waveform[next(n for n in range(3000) if np.array_equal(waveform[n : n + 50], trimmed[:50])) :]


def assert_blocks_agree(path):
    """Reading in small blocks, and from the middle on, gives what reading at once gives."""
    whole = read_waveform(path, None)
    with open_clip(path) as clip:
        blocks = []
        while len(block := clip.read(7001)):
            blocks.append(block)
    together = np.concatenate(blocks)
    np.testing.assert_array_equal(together if together.ndim == 1 else together.mean(axis=1), whole)
    seconds = len(whole) * 0.8 / clip.samplerate
    rest = read_waveform(path, None, offset=seconds)
    np.testing.assert_allclose(rest, whole[int(seconds * clip.samplerate) :], rtol=0, atol=2e-3)
    return whole


@pytest.mark.parametrize("sampling_rate", [44100, 16000])
def test_a_vbr_mp3_without_its_first_frame_is_read_whole(tmp_path, sampling_rate):
    content, first = mp3(tmp_path / "whole.mp3", swelling(8.0, sampling_rate), sampling_rate)
    path = tmp_path / "clip.mp3"
    path.write_bytes(content[first:])
    n_frames, in_frame = walk_frames(path).n_frames, 1152 if sampling_rate == 44100 else 576
    with soundfile.SoundFile(path) as sound:
        assert sound.frames < 0.9 * n_frames * in_frame
    waveform, trimmed = assert_blocks_agree(path), read_waveform(tmp_path / "whole.mp3", None)
    assert len(waveform) == n_frames * in_frame
    # The first frame also said how many samples at the beginning are the encoder's delay.
    np.testing.assert_allclose(behind_delay(waveform, trimmed)[: len(trimmed)], trimmed, rtol=0, atol=1e-6)
    assert check_folder(tmp_path).findings == ()


@pytest.mark.parametrize("between", [b"", TAG, bytes(70_000)], ids=["nothing", "tag", "zeros"])
def test_joined_mp3s_are_read_one_after_the_other(tmp_path, between):
    parts = [mp3(tmp_path / f"{k}.mp3", swelling(1.0 + k, seed=k))[0] for k in range(3)]
    path = tmp_path / "joined.mp3"
    path.write_bytes(between + between.join(parts))
    expected = np.concatenate([read_waveform(tmp_path / f"{k}.mp3", None) for k in range(3)])
    assert len(expected) == 6 * RATE
    np.testing.assert_allclose(assert_blocks_agree(path), expected, rtol=0, atol=1e-6)
    path.write_bytes((between + between.join(parts))[:-3000])
    assert {finding.clip: finding.kind for finding in check_folder(tmp_path).findings} == {"joined.mp3": "truncated"}


@pytest.mark.parametrize("channels, first", [((1, 2), 0), ((2, 1), 0), ((1, 2), 1)])
def test_an_mp3_whose_channels_change(tmp_path, channels, first):
    whole, parts = [], []
    for k, number in enumerate(channels):
        content, length = mp3(tmp_path / f"{k}.mp3", swelling(2.0, channels=number, seed=k))
        # Without first frames, too: then the decoder knows of no delay to leave out.
        (tmp_path / f"{k}.mp3").write_bytes(content[length * first :])
        parts.append(content[length * first :])
        whole.append(read_waveform(tmp_path / f"{k}.mp3", None))
    path = tmp_path / "joined.mp3"
    path.write_bytes(b"".join(parts))
    np.testing.assert_allclose(assert_blocks_agree(path), np.concatenate(whole), rtol=0, atol=1e-6)


def test_an_mp3_whose_rate_changes(tmp_path):
    content = mp3(tmp_path / "0.mp3", swelling(2.0))[0] + mp3(tmp_path / "1.mp3", swelling(3.0, 44100), 44100)[0]
    (tmp_path / "joined.mp3").write_bytes(content)
    waveform = read_waveform(tmp_path / "joined.mp3", None)
    assert len(waveform) == 5 * RATE
    np.testing.assert_allclose(waveform[2 * RATE :], read_waveform(tmp_path / "1.mp3", RATE), rtol=0, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.5, 2.0])
def test_an_mp3_header_that_names_another_number_of_frames(tmp_path, share):
    content, _ = mp3(tmp_path / "whole.mp3", swelling(4.0))
    place = (content.find(b"Xing", 0, 64) if b"Xing" in content[:64] else content.find(b"Info", 0, 64)) + 8
    n_frames = int.from_bytes(content[place : place + 4], "big")
    path = tmp_path / "clip.mp3"
    path.write_bytes(content[:place] + int(n_frames * share).to_bytes(4, "big") + content[place + 4 :])
    waveform, expected = read_waveform(path, None), read_waveform(tmp_path / "whole.mp3", None)
    if share != 0.5:
        # Unknown, or more than there is: then the decoder does not know, either, what only fills the last frame.
        waveform = behind_delay(waveform, expected)
        assert len(expected) < len(waveform) < len(expected) + 2 * 1152
    np.testing.assert_allclose(waveform[: len(expected)], expected, rtol=0, atol=1e-6)
    (tmp_path / "whole.mp3").unlink()
    assert [finding.kind for finding in check_folder(tmp_path).findings] == (["truncated"] if share == 2 else [])


def test_padding_before_and_junk_behind_the_frames(tmp_path):
    content, _ = mp3(tmp_path / "whole.mp3", swelling(2.0))
    expected = read_waveform(tmp_path / "whole.mp3", None)
    junk = bytes(np.random.default_rng(5).integers(0, 255, 100_000, dtype=np.uint8))
    for name, odd in {
        "zeros": TAG + bytes(70_000) + content,
        "junk before": junk + content,
        "junk behind": content + junk[:30_000],
    }.items():
        (tmp_path / f"{name}.mp3").write_bytes(odd)
        np.testing.assert_allclose(read_waveform(tmp_path / f"{name}.mp3", None), expected, rtol=0, atol=1e-6)


def test_what_no_decoder_can_be_told_the_length_of_is_no_whole_clip(tmp_path, monkeypatch):
    content, first = mp3(tmp_path / "whole.mp3", swelling(8.0))
    (tmp_path / "clip.mp3").write_bytes(content[first:])
    monkeypatch.setattr("mgc_keras.audio.mpeg.MpegPart.is_layer_3", False)
    with pytest.raises(AudioError, match=r"only .* s of 8\.\d s can be decoded \(convert it to wav\)"):
        read_waveform(tmp_path / "clip.mp3", None)
    assert {finding.kind for finding in check_folder(tmp_path).findings} == {"unreadable"}


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_chained_ogg_streams_are_read_one_after_the_other(tmp_path, subtype):
    rate = 48000
    parts = [write(tmp_path / f"{k}.ogg", tune(1.0 + k, rate, 1 + k % 2, k), rate, subtype=subtype) for k in range(3)]
    path = tmp_path / "chained.ogg"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    expected = np.concatenate([read_waveform(part, None) for part in parts])
    assert len(expected) == 6 * rate
    np.testing.assert_allclose(read_waveform(path, None), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(read_waveform(path, None, 3.5, 1.0), expected[int(3.5 * rate) :][:rate], atol=1e-6)
    assert check_folder(tmp_path).findings == ()


def test_a_flac_file_cut_out_of_another_decodes_in_blocks(tmp_path):
    whole = write(tmp_path / "whole.flac", tune(4.0)).read_bytes()
    # Frames of FLAC begin with these bytes; the header says nothing of where the first one belongs.
    place = whole.find(b"\xff\xf8", len(whole) // 2)
    audio = whole.find(b"\xff\xf8")
    (tmp_path / "cut.flac").write_bytes(whole[:audio] + whole[place:])
    waveform, samples = (read_waveform(tmp_path / name, None) for name in ("cut.flac", "whole.flac"))
    assert probe_clip(tmp_path / "cut.flac").n_samples == len(waveform)
    assert RATE < len(waveform) < 3 * RATE
    np.testing.assert_array_equal(waveform, samples[-len(waveform) :])


def test_the_quirks_have_their_length(shared_data):
    """Samples of each, as ffmpeg 7 decodes them, or as they were made where it adds an encoder's delay at joints."""
    expected = {
        "vbr_noxing.mp3": 1853568,
        "vbr_without_xing_30s.mp3": 662976,
        "xing_says_half_8s.mp3": 176400,
        "mono_then_stereo_16s.mp3": 355968,
        "joined.mp3": 48 * 44100,
        "id3pad.mp3": 6 * 44100,
        "riff_mp3.mp3": 6 * 44100,
        "bw64.wav": 44100,
        "pipe_zero.wav": 2 * 11025,
    }
    folder = shared_data / "quirks" / "audio"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    assert {name: len(read_waveform(folder / name, None)) for name in expected} == expected


def test_pieces_read_as_a_file(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(100)))
    pieces = Pieces(tmp_path / "file", [b"ab", range(10, 13), range(5, 5), range(90, 200)])
    expected = b"ab" + bytes([10, 11, 12]) + bytes(range(90, 100))
    assert pieces.read() == expected and pieces.seek(-108, 2) == 7 and pieces.read(3) == expected[7:10]
    pieces.close()
