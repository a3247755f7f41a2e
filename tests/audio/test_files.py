"""Reading, fitting, writing and finding clips, against librosa, closed forms and brute force."""

import errno
import itertools
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from broken_clips import RATE, cut, promise_more, tune, write, write_unusable

from mgc_keras.audio import files
from mgc_keras.audio.files import find_clips, fit_waveform, read_waveform, waveform_blocks, write_waveform
from mgc_keras.errors import AudioError, MgcKerasError, OptionError

SECTIONS = [(12000, 0.0, 29.0), (22050, 0.37, 0.5), (None, 0.1, None), (44100, 0.0, 0.75), (16000, 0.25, 5.1)]


def assert_as_librosa(path, sampling_rate, offset, duration):
    expected, _ = librosa.load(path, sr=sampling_rate, mono=True, offset=offset, duration=duration)
    waveform = read_waveform(path, sampling_rate=sampling_rate, offset=offset, duration=duration)
    assert waveform.dtype == np.float32
    assert waveform.shape == expected.shape
    np.testing.assert_allclose(waveform, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("folder, pattern", [("misc", "*"), ("speech_music", "**/*.wav"), ("emotify", "*/*.mp3")])
def test_real_clips_are_read_as_librosa_reads_them(shared_data, folder, pattern, section):
    paths = sorted(path for path in (shared_data / "audio" / folder).glob(pattern) if path.is_file())
    assert paths
    for path in paths[::15] if folder == "emotify" else paths[:10]:
        assert_as_librosa(path, *section)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("suffix", [".wav", ".au", ".flac", ".ogg", ".mp3"])
def test_every_format_is_read_as_librosa_reads_it(tmp_path, suffix, section):
    assert_as_librosa(write(tmp_path / f"clip{suffix}", tune()), *section)


@pytest.mark.parametrize("sampling_rate", [4000, 8000, 11025, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_rates_and_channels(tmp_path, sampling_rate, channels):
    path = write(tmp_path / "clip.wav", tune(0.5, sampling_rate, channels), sampling_rate)
    assert_as_librosa(path, 12000, 0.0, None)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 10, 100, RATE // 10])
@pytest.mark.parametrize("sampling_rate", [12000, 44100, None])
def test_very_short_clips(tmp_path, n_samples, sampling_rate):
    path = write(tmp_path / "clip.wav", tune(1.0)[:n_samples])
    assert_as_librosa(path, sampling_rate, 0.0, None)
    expected = math.ceil(n_samples * (sampling_rate or RATE) / RATE)
    assert read_waveform(path, sampling_rate).shape == (expected,)


def test_a_resampled_tone_is_that_tone(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    soundfile.write(tmp_path / "tone.wav", tone, 48000, subtype="FLOAT")
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(12000) / 12000)
    np.testing.assert_allclose(read_waveform(tmp_path / "tone.wav")[500:-500], expected[500:-500], rtol=0, atol=1e-4)


def test_mono_is_the_mean_of_the_channels(tmp_path):
    samples = tune(0.2, channels=8)
    path = write(tmp_path / "clip.wav", samples)
    np.testing.assert_allclose(read_waveform(path, None), samples.astype(float).mean(axis=1), rtol=0, atol=1e-7)


def test_only_the_seconds_asked_for_are_read(tmp_path):
    path = cut(tmp_path / "cut.flac", write(tmp_path / "whole.flac", tune(10.0)), 0.5)
    # Decoding fails at the break: the first second can only come out if nothing behind it is touched.
    assert len(read_waveform(path, None, duration=1.0)) == RATE
    with pytest.raises(AudioError, match="damaged"):
        read_waveform(path)


@pytest.mark.parametrize("suffix", [".wav", ".au", ".ogg", ".mp3"])
def test_a_truncated_clip_gives_what_decodes(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}", tune(8.0))
    path = cut(tmp_path / f"cut{suffix}", whole)
    complete, waveform = read_waveform(whole, None), read_waveform(path, None)
    assert 0.2 * len(complete) < len(waveform) < 0.8 * len(complete)
    n = len(waveform) - 1152
    np.testing.assert_allclose(waveform[:n], complete[:n], rtol=0, atol=1e-6)
    assert_as_librosa(path, 12000, 0.0, None)


def test_a_truncated_real_mp3_gives_what_decodes(tmp_path, shared_data):
    source = sorted((shared_data / "audio" / "emotify").glob("*/*.mp3"))[0]
    path = cut(tmp_path / "cut.mp3", source)
    assert_as_librosa(path, 12000, 0.0, None)
    assert_as_librosa(path, 12000, 0.0, 29.0)
    assert 30 * 12000 < len(read_waveform(path)) < 40 * 12000


@pytest.mark.parametrize("suffix", [".wav", ".au"])
def test_a_header_that_promises_too_much_gives_what_is_there(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}", tune())
    path = promise_more(tmp_path / f"more{suffix}", whole)
    np.testing.assert_array_equal(read_waveform(path), read_waveform(whole))


def test_an_mp3_header_that_promises_years_costs_no_memory(tmp_path):
    whole = write(tmp_path / "whole.mp3", tune())
    content = bytearray(whole.read_bytes())
    place = content.index(b"Xing") + 8 if b"Xing" in content else content.index(b"Info") + 8
    content[place : place + 4] = b"\x7f\xff\xff\xff"
    (tmp_path / "years.mp3").write_bytes(content)
    n = len(read_waveform(whole, None))
    assert n <= len(read_waveform(tmp_path / "years.mp3", None)) < n + 5000


def test_unusable_files_are_named_with_a_cure(tmp_path):
    for name, words in write_unusable(tmp_path / "bad").items():
        path = tmp_path / "bad" / name
        with pytest.raises(AudioError, match=words) as caught:
            read_waveform(path)
        assert str(path) in str(caught.value) and caught.value.cure and "\n" not in str(caught.value)


def test_a_file_without_read_permission(tmp_path):
    path = write(tmp_path / "clip.wav", tune())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(AudioError, match="may not be read"):
        read_waveform(path)


def test_sections_without_samples(tmp_path):
    path = write(tmp_path / "clip.wav", tune(1.0))
    with pytest.raises(AudioError, match="ends before 1.0 s"):
        read_waveform(path, offset=1.0)
    with pytest.raises(AudioError, match="no samples in the seconds"):
        read_waveform(path, duration=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"sampling_rate": 0},
        {"sampling_rate": -8000},
        {"offset": -1.0},
        {"offset": math.nan},
        {"offset": math.inf},
        {"duration": 0.0},
        {"duration": -1.0},
        {"duration": math.nan},
    ],
)
def test_senseless_options_are_named(tmp_path, options):
    path = write(tmp_path / "clip.wav", tune(0.1))
    with pytest.raises(OptionError, match=next(iter(options))):
        read_waveform(path, **options)


@pytest.mark.parametrize(
    "level, words", [(1e7, "1.0e\\+07 times full scale"), (3e38, "3.0e\\+38"), (np.inf, "infinite")]
)
@pytest.mark.parametrize("place", [0, 40_000])
def test_samples_that_are_no_sound_are_refused(tmp_path, level, words, place):
    samples = tune(2.0, channels=1)
    samples[place] = level
    with pytest.raises(AudioError, match=words) as caught:
        read_waveform(write(tmp_path / "clip.wav", samples, subtype="FLOAT"))
    assert "clip.wav" in str(caught.value) and caught.value.cure
    # Numbers of 16 bits that were stored as they are can be heard, but are told.
    write(tmp_path / "loud.wav", 32768 * tune(), subtype="FLOAT")
    usual, remarks = read_waveform(write(tmp_path / "16.wav", tune()), None), []
    np.testing.assert_array_equal(read_waveform(tmp_path / "loud.wav", None, remarks=remarks), 32768 * usual)
    assert remarks == [f"reaches {32768 * np.abs(usual).max():.3g} times full scale"]


@pytest.mark.parametrize("rate, is_read", [(1, False), (99, False), (100, True), (768_000, True), (768_001, False)])
def test_rates_that_no_clip_has_are_refused(tmp_path, rate, is_read):
    path = write(tmp_path / "clip.wav", tune(0.1), rate)
    if is_read:
        assert len(read_waveform(path)) == math.ceil(2205 * 12000 / rate)
    else:
        with pytest.raises(AudioError, match=f"has {rate} Hz"):
            read_waveform(path)


def test_one_channel(tmp_path):
    left, right, third = (tune(1.0, channels=1, seed=seed)[:, 0] for seed in range(3))
    path = write(tmp_path / "three.wav", np.stack([left, right, third], axis=1))
    for channel, samples in {"left": left, "right": right}.items():
        write(tmp_path / f"{channel}.wav", samples)
        np.testing.assert_array_equal(read_waveform(path, channel=channel), read_waveform(tmp_path / f"{channel}.wav"))
        # A mono file has one channel for all.
        np.testing.assert_array_equal(read_waveform(tmp_path / "left.wav", None, channel=channel), left)
    write(tmp_path / "cancels.wav", np.stack([left, -left], axis=1))
    assert not read_waveform(tmp_path / "cancels.wav").any()
    np.testing.assert_array_equal(read_waveform(tmp_path / "cancels.wav", None, channel="right"), -left)
    with pytest.raises(OptionError, match="channel.*mix, left, right"):
        read_waveform(path, channel="centre")


@pytest.mark.parametrize("sampling_rate", [12000, 22050, 44100, 96000])
def test_blocks_are_the_waveform(tmp_path, sampling_rate):
    path = write(tmp_path / "clip.wav", tune(1.0, 44100), 44100)
    whole = read_waveform(path, sampling_rate)
    reference = librosa.load(path, sr=sampling_rate)[0]
    np.testing.assert_allclose(whole, reference, rtol=0, atol=1e-6)
    for block_samples in (1000, 7777, 88_199, 88_200):
        blocks = list(waveform_blocks(path, sampling_rate, block_samples=block_samples))
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_a_waveform_that_does_not_fit_into_memory_is_an_error_of_its_clip(tmp_path, monkeypatch):
    path = write(tmp_path / "clip.wav", tune(2.0))
    monkeypatch.setattr(files, "MOST_SAMPLES", 23_999)
    with pytest.raises(AudioError, match="longer than a waveform may be"):
        read_waveform(path, 12000)
    assert len(read_waveform(path, 11025)) == 22050

    def no_memory(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(files, "mix_to_mono", no_memory)
    with pytest.raises(AudioError, match="clip.wav: needs more memory"):
        read_waveform(path)


def test_threads_read_what_one_thread_reads(tmp_path):
    suffixes = [".wav", ".au", ".flac", ".ogg", ".mp3"]
    paths = [write(tmp_path / f"{k}{suffix}", tune(2.0, seed=k)) for k, suffix in itertools.product(range(4), suffixes)]
    bad = tmp_path / "text.wav"
    bad.write_text("no music")

    def read(path: Path) -> bytes:
        try:
            return read_waveform(path).tobytes()
        except AudioError as error:
            return str(error).encode()

    jobs = (paths + [bad]) * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, jobs)) == [read(path) for path in jobs]


@pytest.mark.parametrize("n, n_samples", itertools.product([1, 2, 5, 6, 7, 20], [1, 4, 5, 6, 13]))
def test_fit_against_a_loop(n, n_samples):
    waveform = np.arange(1, n + 1, dtype=np.float32)
    repeated = [waveform[k % n] for k in range(n_samples)]
    padded = [waveform[k] if k < n else 0 for k in range(n_samples)]
    start = (n - n_samples) // 2 if n > n_samples else 0
    cropped = [waveform[start + k] if start + k < n else 0 for k in range(n_samples)]
    for fit, expected in {"repeat": repeated, "zero_pad": padded, "crop": cropped}.items():
        fitted = fit_waveform(waveform, n_samples, fit)
        assert fitted.dtype == np.float32
        np.testing.assert_array_equal(fitted, expected)
    assert waveform.tolist() == list(range(1, n + 1))


def test_fit_refuses_what_makes_no_sense():
    with pytest.raises(OptionError, match="fit.*repeat, zero_pad, crop"):
        fit_waveform(np.ones(3, np.float32), 5, "stretch")
    with pytest.raises(OptionError, match="n_samples"):
        fit_waveform(np.ones(3, np.float32), 0)
    with pytest.raises(AudioError):
        fit_waveform(np.zeros(0, np.float32), 5)


def test_written_waveforms_come_back(tmp_path):
    waveform = np.linspace(-1.5, 1.5, 5000, dtype=np.float32)
    path = write_waveform(tmp_path / "new" / "clip.wav", waveform, 8000)
    content, sampling_rate = soundfile.read(path, dtype="int16")
    assert sampling_rate == 8000 and soundfile.info(path).subtype == "PCM_16"
    # Within one step of 16 bits, and clipped instead of wrapped around.
    np.testing.assert_allclose(content / 32768, np.clip(waveform, -1, 1), rtol=0, atol=1.01 / 32768)
    np.testing.assert_allclose(read_waveform(path, None), np.clip(waveform, -1, 1), rtol=0, atol=1.01 / 32768)
    assert os.listdir(path.parent) == ["clip.wav"]


@pytest.mark.parametrize("waveform", [np.zeros((5, 2)), np.array([0.0, np.nan]), np.array([np.inf])])
def test_unusable_waveforms_are_not_written(tmp_path, waveform):
    with pytest.raises(AudioError, match="clip.wav"):
        write_waveform(tmp_path / "clip.wav", waveform, 8000)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_waveform(tmp_path / "clip.wav", np.zeros(10, np.float32), 8000)
    before = path.read_bytes()

    def write_half(self: Path, content: bytes) -> int:
        with open(self, "wb") as stream:
            stream.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(MgcKerasError, match="disk is full"):
        write_waveform(path, np.ones(5000, np.float32), 8000)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_clips_are_found_sorted_without_hidden_ones(tmp_path):
    names = ["b/2.wav", "b/10.WAV", "a/x.mp3", "top.flac", "a/deep/y.ogg", "a/z.au"]
    others = ["a/._x.mp3", "a/.hidden.wav", ".cache/1.wav", "a/notes.txt", "list.csv", "a/noext"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    expected = ["a/deep/y.ogg", "a/x.mp3", "a/z.au", "b/10.WAV", "b/2.wav", "top.flac"]
    assert [path.relative_to(tmp_path).as_posix() for path in find_clips(tmp_path)] == expected


def test_linked_folders_are_followed_but_not_in_rings(tmp_path):
    write(tmp_path / "elsewhere" / "1.wav", tune(0.1))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "class").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "ring").symlink_to(folder)
    assert find_clips(folder) == [folder / "class" / "1.wav"]


def test_a_missing_folder_and_a_file_in_its_place(tmp_path):
    with pytest.raises(AudioError, match="no such folder"):
        find_clips(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="is a file"):
        find_clips(tmp_path / "file")
