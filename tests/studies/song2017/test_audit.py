"""The relation of scattering and mel-spectrogram, against closed forms and energies computed another way."""

import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.studies.song2017.audit import band_amplitudes, melspectrogram_relation

N_SAMPLES, RATE, J, Q = 40000, 8000, 9, 8


@pytest.fixture(scope="module")
def plan() -> ScatteringPlan:
    return ScatteringPlan(ScatteringOptions(N_SAMPLES, J, (Q, 1), 2**J, 1))


@pytest.mark.parametrize("band", [3, 20, 35])
def test_a_tone_of_amplitude_a_gives_half_of_it_in_its_band(plan: ScatteringPlan, band: int) -> None:
    tone = 0.3 * np.sin(2 * np.pi * plan.paths[1 + band].frequencies[0] * np.arange(N_SAMPLES))
    inside = band_amplitudes(tone, plan)[10:-10]
    # The window's own spectrum reaches a little down the triangle's sides.
    np.testing.assert_allclose(inside[:, band], 0.15, rtol=0.03)
    assert inside[:, band + 10].max() < 1e-3


def test_noise_has_the_energy_of_its_density(plan: ScatteringPlan) -> None:
    noise = np.random.default_rng(0).standard_normal(N_SAMPLES)
    energy = (band_amplitudes(noise, plan) ** 2).mean(axis=0)
    # White noise of variance one has a density of one, and a triangle the area of half its base times its height.
    expected = np.array(plan.widths) * 2 * np.sqrt(np.log(2))
    wide = slice(0, 20)
    np.testing.assert_allclose(energy[wide], expected[wide], rtol=0.15)


def test_noise_that_comes_and_goes_is_followed_in_every_band() -> None:
    rng = np.random.default_rng(1)
    loudness = np.repeat(rng.uniform(0.01, 1, (4, 10)), N_SAMPLES // 10, axis=1)
    clips = (loudness * rng.standard_normal((4, N_SAMPLES))).astype(np.float32)
    result = melspectrogram_relation(clips, RATE, J, Q)
    table = result.table
    assert table["frequency_hz"].is_monotonic_decreasing
    assert table.loc[table["frequency_hz"] > 500, "correlation_log"].min() > 0.95
    assert f"{table['correlation_log'].median():.3f}" in result.conclusion


def test_silence_and_no_clips() -> None:
    silent = melspectrogram_relation(np.zeros((2, N_SAMPLES), np.float32), RATE, J, Q)
    assert silent.table["correlation"].isna().all() and "silent in every band" in silent.conclusion
    with pytest.raises(OptionError, match="no clips"):
        melspectrogram_relation(np.zeros((0, N_SAMPLES), np.float32), RATE, J, Q)
