"""How much sounds, and how loud: against waveforms of which both are known, and a loop over frames."""

import numpy as np
import pytest

from mgc_keras.audio.sounding import sounding

RATE = 8000


def test_of_a_sine_between_rests() -> None:
    sine = 0.2 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)
    found = sounding(np.concatenate([np.zeros(2 * RATE), sine, np.zeros(RATE)]).astype(np.float32), RATE)
    assert found.seconds == pytest.approx(3, abs=1e-6) and found.power == pytest.approx(0.02, rel=1e-3)


def test_rests_between_beats_are_no_silence() -> None:
    beats = np.where(np.arange(30 * RATE) % (RATE // 2) < 40, np.float32(0.5), np.float32(0))
    assert sounding(beats, RATE).seconds == pytest.approx(30)


@pytest.mark.parametrize("n_samples", [1, 29, 30, 12000])
def test_frame_by_frame(n_samples: int) -> None:
    random = np.random.default_rng(n_samples)
    envelope = np.repeat(random.choice([0, 1e-6, 1e-3, 0.5], n_samples // 333 + 1), 333)[:n_samples]
    waveform = (envelope * random.uniform(-1, 1, n_samples)).astype(np.float32)
    frames = [frame for frame in np.array_split(waveform, 30) if len(frame)]
    heard = [frame for frame in frames if np.ptp(frame) >= 2e-4]
    samples = np.concatenate([*heard, np.zeros(0, np.float32)]).astype(float)
    found = sounding(waveform, RATE)
    assert found.seconds == len(samples) / RATE
    assert found.power == pytest.approx(np.mean(samples**2) if len(samples) else 0.0)


@pytest.mark.parametrize("waveform", [np.zeros(0), np.zeros(RATE), np.full(RATE, 0.3), np.tile([9e-5, -9e-5], RATE)])
def test_silence(waveform: np.ndarray) -> None:
    found = sounding(waveform.astype(np.float32), RATE)
    assert (found.seconds, found.power) == (0.0, 0.0)
