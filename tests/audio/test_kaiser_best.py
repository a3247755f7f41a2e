"""The resampler of librosa before 0.10, against resampy's definition written out, one output after the other."""

import math

import numpy as np
import pytest

from mgc_keras.audio.kaiser_best import kaiser_best_blocks


def written_out(waveform: np.ndarray, native_rate: int, sampling_rate: int) -> np.ndarray:
    """Add up the products for each output, at positions that are added up, too."""
    ratio = sampling_rate / native_rate
    scale, zeros, places, roll_off = min(1.0, ratio), 64, 512, 0.9475937167399596
    n_table = zeros * places + 1
    table = np.sinc(np.linspace(0, zeros, n_table) * roll_off) * roll_off * scale
    table *= np.kaiser(2 * n_table - 1, 14.769656459379492)[n_table - 1 :]
    step = int(scale * places)

    def wing(samples: np.ndarray, fraction: float) -> float:
        offset = int(fraction * places)
        taps = offset + step * np.arange(min(len(samples), (n_table - offset) // step))
        following = table[np.minimum(taps + 1, n_table - 1)]
        weights = table[taps] + (fraction * places - offset) * (following - table[taps])
        return float(weights @ samples[: len(taps)])

    outputs, position = [], 0.0
    for _ in range(int(len(waveform) * ratio)):
        whole = int(position)
        fraction = scale * (position - whole)
        outputs.append(wing(waveform[whole::-1], fraction) + wing(waveform[whole + 1 :], scale - fraction))
        position += 1 / ratio
    return np.pad(outputs, (0, math.ceil(len(waveform) * ratio) - len(outputs)))


@pytest.mark.parametrize(
    ("native_rate", "sampling_rate"), [(44100, 16000), (22050, 16000), (8000, 16000), (48000, 16000)]
)
@pytest.mark.parametrize("n_blocks", [1, 3])
def test_equals_the_definition(native_rate: int, sampling_rate: int, n_blocks: int) -> None:
    waveform = np.random.default_rng(0).uniform(-1, 1, 30001).astype(np.float32)
    blocks = kaiser_best_blocks(iter(np.array_split(waveform, n_blocks)), native_rate, sampling_rate)
    expected = written_out(waveform.astype(np.float64), native_rate, sampling_rate)
    result = np.concatenate(list(blocks))
    assert result.shape == expected.shape and result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=2e-6)
