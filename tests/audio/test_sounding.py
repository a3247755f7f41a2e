"""How much sounds, and how loud: against waveforms of which both are known, and a loop over frames."""

import numpy as np
import pytest

from mgc_keras.audio.sounding import sounding

RATE = 8000


def test_of_a_sine_between_rests() -> None:
    sine = 0.2 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)
    found = sounding(np.concatenate([np.zeros(2 * RATE), sine, np.zeros(RATE)]).astype(np.float32), RATE)
    assert found.seconds == pytest.approx(3, abs=0.05) and found.power == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize("n_samples", [1, 79, 80, 81, 12345])
def test_frame_by_frame(n_samples: int) -> None:
    random = np.random.default_rng(n_samples)
    envelope = np.repeat(random.choice([0, 1e-6, 1e-3, 0.5], n_samples // 333 + 1), 333)[:n_samples]
    waveform = (envelope * random.uniform(-1, 1, n_samples)).astype(np.float32)
    frames = [waveform[start : start + RATE // 100] for start in range(0, n_samples, RATE // 100)]
    heard = [frame for frame in frames if np.ptp(frame) >= 2e-4]
    samples = np.concatenate([*heard, np.zeros(0, np.float32)]).astype(float)
    found = sounding(waveform, RATE)
    assert found.seconds == len(samples) / RATE
    assert found.power == pytest.approx(np.mean(samples**2) if len(samples) else 0.0)


@pytest.mark.parametrize("waveform", [np.zeros(0), np.zeros(RATE), np.full(RATE, 0.3), np.tile([9e-5, -9e-5], RATE)])
def test_silence(waveform: np.ndarray) -> None:
    found = sounding(waveform.astype(np.float32), RATE)
    assert (found.seconds, found.power) == (0.0, 0.0)
