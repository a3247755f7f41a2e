"""The resampler of librosa before 0.10, against resampy's definition written out: no period, every product in turn."""

import math
from itertools import accumulate, repeat

import numpy as np
import pytest

from mgc_keras.audio.kaiser_best import kaiser_best_blocks


def written_out(waveform: np.ndarray, native_rate: int, sampling_rate: int) -> np.ndarray:
    """Add up the products of all outputs, one at a time and rounded to float32, at positions that are added up, too."""
    ratio = sampling_rate / native_rate
    scale, zeros, places, roll_off = min(1.0, ratio), 64, 512, 0.9475937167399596
    n_table = zeros * places + 1
    table = np.sinc(np.linspace(0, zeros, n_table) * roll_off) * roll_off
    table = table * np.kaiser(2 * n_table - 1, 14.769656459379492)[n_table - 1 :] * scale
    step = int(scale * places)
    n_outputs = int(len(waveform) * ratio)
    positions = np.array(list(accumulate(repeat(1 / ratio, n_outputs), initial=0.0)))[:n_outputs]
    whole = positions.astype(int)
    sums = np.zeros(n_outputs, np.float32)
    distance = scale * (positions - whole)
    for fraction, nearest, direction in ((distance, whole, -1), (scale - distance, whole + 1, 1)):
        offset = (fraction * places).astype(int)
        for tap in range(n_table // step + 1):
            place, sample = offset + tap * step, nearest + direction * tap
            at = np.flatnonzero((tap < (n_table - offset) // step) & (0 <= sample) & (sample < len(waveform)))
            following = table[np.minimum(place[at] + 1, n_table - 1)]
            weights = table[place[at]] + (fraction * places - offset)[at] * (following - table[place[at]])
            sums[at] = sums[at] + weights * waveform[sample[at]]
    return np.pad(sums, (0, math.ceil(len(waveform) * ratio) - n_outputs))


@pytest.mark.parametrize(
    ("native_rate", "sampling_rate", "within"),
    [(44100, 16000, 0), (22050, 16000, 0), (8000, 16000, 0), (48000, 16000, 0), (11025, 16000, 1e-6)],
)
@pytest.mark.parametrize("n_blocks", [1, 3])
def test_equals_the_definition(native_rate: int, sampling_rate: int, within: float, n_blocks: int) -> None:
    waveform = np.random.default_rng(0).uniform(-1, 1, 100_001).astype(np.float32)
    blocks = kaiser_best_blocks(iter(np.array_split(waveform, n_blocks)), native_rate, sampling_rate)
    expected = written_out(waveform, native_rate, sampling_rate)
    result = np.concatenate(list(blocks))
    assert result.shape == expected.shape and result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=0, atol=within)


@pytest.mark.parametrize("n_samples", [1, 2, 500])
def test_short_waveforms(n_samples: int) -> None:
    waveform = np.random.default_rng(1).uniform(-1, 1, n_samples).astype(np.float32)
    result = np.concatenate(list(kaiser_best_blocks(iter([waveform]), 44100, 16000)))
    np.testing.assert_array_equal(result, written_out(waveform, 44100, 16000))
