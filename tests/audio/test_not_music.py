"""Speech, noise and music told apart: on sounds whose kind is known by how they were made, and on real recordings."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mgc_keras.audio.files import read_waveform
from mgc_keras.audio.not_music import CLICKS, LEAST_SECONDS, NOISE, SPEECH, SoundFigures, sound_figures
from mgc_keras.corpus.speech import talk

RATE = 12000
N = 15 * RATE


def noise(slope: float, seed: int = 0) -> np.ndarray:
    """Gaussian noise whose amplitude falls with frequency to the power of `slope`."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(N))
    frequency = np.maximum(np.fft.rfftfreq(N), 20 / RATE)
    waveform = np.fft.irfft(spectrum / frequency**slope, N)
    return (0.3 * waveform / np.abs(waveform).max()).astype(np.float32)


def chords(seed: int = 0) -> np.ndarray:
    random, time = np.random.default_rng(seed), np.arange(N) / RATE
    bars = [sum(np.sin(2 * np.pi * tone * time) for tone in random.uniform(110, 880, 3)) for _ in range(4)]
    return (0.1 * np.choose((time // 0.5).astype(int) % 4, bars)).astype(np.float32)


def drums(seed: int) -> np.ndarray:
    """A bar of sixteen steps that comes back: decaying noise and low tones, with silence between."""
    random = np.random.default_rng(seed)
    step, time = int(RATE * random.uniform(0.08, 0.25)), np.arange(RATE // 4) / RATE
    waveform = np.zeros(N + RATE)
    pattern = random.random((2, 16)) < 0.3
    pattern[:, 0] = True
    for place, start in enumerate(range(0, N, step)):
        low = np.sin(2 * np.pi * 70 * time) * np.exp(-time / 0.08)
        high = random.standard_normal(len(time)) * np.exp(-time / 0.05)
        for hit, sound in zip(pattern[:, place % 16], (low, high), strict=True):
            waveform[start : start + len(time)] += hit * sound
    return (0.5 * waveform[:N] / np.abs(waveform).max()).astype(np.float32)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_steady_noise(slope: float) -> None:
    assert sound_figures(noise(slope), RATE).kind() == NOISE


@pytest.mark.parametrize("seed", [11, 17])
def test_invented_talk(seed: int) -> None:
    """Not every voice of the corpus is called speech; these two are, so that a change shows."""
    assert sound_figures(talk(seed, seed, 15.0, RATE), RATE).kind() == SPEECH


@pytest.mark.parametrize("length", [1, 40, 240])
@pytest.mark.parametrize("pace", [1, 2, 3.5])
def test_clicks_of_a_metronome(length: int, pace: float) -> None:
    """Decaying tones, or lone samples; and three short chords of a song, which are no clicks."""
    waveform = np.zeros(N, np.float32)
    for start in range(0, N - length, int(RATE / pace)):
        waveform[start : start + length] = 0.5 * np.exp(-4 * np.arange(length) / length)
    found = sound_figures(waveform, RATE)
    assert found.kind() == CLICKS
    # A frame of 32 ms holds a click of a few samples in two or three steps of 16 ms.
    assert pace * 0.016 < found.heard < pace * (0.032 + 0.016 + length / RATE) and found.longest < 0.1
    rests = chords() * (np.arange(N) // (RATE // 2) % 10 == 0)
    assert sound_figures(rests.astype(np.float32), RATE).kind() != CLICKS


@pytest.mark.parametrize("seed", range(6))
def test_drums_and_chords_are_music(seed: int) -> None:
    assert sound_figures(drums(seed), RATE).kind() == ""
    assert sound_figures(chords(seed), RATE).kind() == ""
    # A steady tone, or two, is no noise.
    assert sound_figures(np.sin(np.arange(N) * (0.1 + seed / 10)).astype(np.float32), RATE).kind() == ""


def test_level_does_not_matter_and_rate_hardly() -> None:
    waveform = talk(11, 11, 15.0, 16000)
    found = sound_figures(waveform, 16000)
    softer = sound_figures(waveform * np.float32(0.01), 16000)
    assert np.allclose([*vars(found).values()], [*vars(softer).values()], atol=1e-3)
    half = sound_figures(talk(11, 11, 15.0, 8000), 8000)
    assert half.kind() == found.kind() and abs(half.modulation - found.modulation) < 0.05


def test_what_is_too_short_or_silent_or_of_a_low_rate_is_not_judged() -> None:
    short = noise(0.0)[: int((LEAST_SECONDS - 0.1) * RATE)]
    filled = np.concatenate([short, np.zeros(N, np.float32)])
    for waveform in (short, filled, np.zeros(N, np.float32), np.zeros(0, np.float32)):
        figures = sound_figures(waveform, RATE)
        assert figures == SoundFigures(figures.seconds) and figures.kind() == ""
        assert figures.seconds < LEAST_SECONDS
    assert sound_figures(noise(0.0), 4000).kind() == ""
    assert sound_figures(np.full(N, 0.5, np.float32), RATE).kind() == ""


def test_noise_from_an_mp3(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "noise.mp3", noise(0.5), RATE * 2)
    assert sound_figures(read_waveform(tmp_path / "noise.mp3", RATE), RATE).kind() in (NOISE, "")


def test_real_speech_and_real_music(shared_data: Path) -> None:
    folder = shared_data / "audio"
    for path in sorted((folder / "misc").glob("*.*")):
        waveform = read_waveform(path, RATE, duration=29.0)
        assert sound_figures(waveform, RATE).kind() == (SPEECH if "speech" in path.name else ""), path
    for kind in ("speech", "music"):
        # A second is too short: ten of other speakers, or pieces, one behind the other, each as loud.
        clips = [read_waveform(path, RATE) for path in sorted((folder / "speech_music" / kind).glob("*.wav"))]
        clips = [clip / np.sqrt(np.mean(clip**2) + 1e-12) for clip in clips]
        for start in range(4):
            figures = sound_figures(np.concatenate(clips[start::4]).astype(np.float32), RATE)
            assert figures.kind() == (SPEECH if kind == "speech" else ""), (kind, start)
