"""Calibration: both models agree on the calibration set, and features stop depending on the batch."""

import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.studies.choi2017.calibration import calibrate
from mgc_keras.studies.choi2017.network import convnet, options_of, with_variant

SHORTEST = 327425


def waveforms(n_clips: int) -> np.ndarray:
    generator = np.random.default_rng(4)
    return (generator.standard_normal((n_clips, SHORTEST)) * generator.uniform(1e-3, 0.5, (n_clips, 1))).astype(
        np.float32
    )


@pytest.mark.parametrize("output", ["features", "tags"])
def test_agrees_on_the_calibration_set_and_is_independent_of_the_batch(output):
    model = convnet(SHORTEST, output=output)
    clips = waveforms(4)
    calibrated = calibrate(model, iter([clips[:1], clips[1:]]))
    options = options_of(calibrated)
    assert (options.normalization, options.decibel_reference, options.output) == ("population", "clip", output)
    together = calibrated(clips).numpy()
    np.testing.assert_allclose(together, with_variant(model, decibel_reference="clip")(clips), rtol=0, atol=2e-5)
    alone = np.concatenate([calibrated(clip[None]).numpy() for clip in clips])
    np.testing.assert_allclose(alone, together, rtol=0, atol=2e-5)
    assert np.abs(np.concatenate([model(clip[None]).numpy() for clip in clips]) - together).max() > 1e-3
    for name, tensor in tensors_of(model).items():
        np.testing.assert_array_equal(tensors_of(calibrated)[name], tensor)


def test_takes_melspectrograms_of_clip_reference_only():
    maps = np.random.default_rng(0).uniform(-80, 0, (3, 96, 1280, 1)).astype(np.float32)
    model = convnet(SHORTEST, input="melspectrogram", decibel_reference="clip")
    np.testing.assert_allclose(calibrate(model, maps)(maps), model(maps), rtol=0, atol=2e-5)
    with pytest.raises(OptionError, match="decibel_reference"):
        calibrate(convnet(SHORTEST, input="melspectrogram"), maps)


def test_refuses_what_is_calibrated():
    with pytest.raises(OptionError, match="population statistics already"):
        calibrate(convnet(SHORTEST, normalization="population"), waveforms(1))


def test_refuses_statistics_that_are_not_finite():
    clips = waveforms(2)
    # Finite itself, but its power is not: one such clip would be in the statistics of all.
    clips[1, 1000] = 3e38
    with pytest.raises(OptionError, match="layer 1: the statistics of the clips are not finite"):
        calibrate(convnet(SHORTEST), clips)
