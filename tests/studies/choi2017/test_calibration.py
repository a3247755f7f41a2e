"""Calibration: both models agree on the calibration set, and features stop depending on the batch."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from broken_clips import tune, write

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import OptionError
from mgc_keras.features.clips import list_clips
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.protocols import Protocol
from mgc_keras.studies.choi2017.calibration import calibrate, independent_extractor
from mgc_keras.studies.choi2017.extractors import Source, extractors, refuse_tested_clips
from mgc_keras.studies.choi2017.network import convnet, options_of, with_variant
from mgc_keras.work import FailedClip

SHORTEST = 327425
CORRECTED = Protocol("corrected", {"batch-features": True})


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


def test_corrected_features_depend_on_no_other_clip(tmp_path: Path) -> None:
    clips, model = waveforms(2), convnet(SHORTEST)
    for name, clip in zip("ab", clips):
        soundfile.write(tmp_path / f"{name}.wav", clip[:24000], 12000, subtype="FLOAT")
    alone = independent_extractor(model)
    assert (alone.batch_order, alone.batch_size, alone.describe()["normalization"]) == ("single", 1, "batch")
    # What the network gives a clip that shares its batch with none.
    np.testing.assert_allclose(alone(clips[:1]), model(clips[:1]), rtol=0, atol=2e-5)
    stored = independent_extractor(model, tmp_path)
    assert stored.batch_order == "file" and not stored.depends_on_batch
    # A network that holds statistics keeps them, whatever clips there are.
    again = independent_extractor(stored.model, tmp_path / "a.wav")
    assert again.model is stored.model and again.batch_order == "file"


def test_clips_to_calibrate_on_are_none_that_are_tested(tmp_path: Path) -> None:
    for name in ("tested", "other"):
        (tmp_path / f"{name}.wav").write_bytes(b"RIFF")
    table = pd.DataFrame({"clip_id": ["t"], "filepath": ["tested.wav"], "label": ["x"]})
    manifest = Manifest("toy", table, tmp_path)
    refuse_tested_clips(Source("w", "w"), [manifest])
    refuse_tested_clips(Source("w", "w", list_clips(tmp_path / "other.wav")), [manifest])
    with pytest.raises(
        OptionError, match="--calibrate-on: holds 1 clips of toy, such as .*tested.wav, which are tested"
    ):
        refuse_tested_clips(Source("w", "w", list_clips(tmp_path)), [manifest])


def test_refuses_what_is_calibrated():
    with pytest.raises(OptionError, match="population statistics already"):
        calibrate(convnet(SHORTEST, normalization="population"), waveforms(1))


def test_refuses_statistics_that_are_not_finite():
    clips = waveforms(2)
    # Finite itself, but its power is not: one such clip would be in the statistics of all.
    clips[1, 1000] = 3e38
    with pytest.raises(OptionError, match="layer 1: the statistics of the clips are not finite"):
        calibrate(convnet(SHORTEST), clips)


def test_clips_to_calibrate_on_that_fail_stand_in_the_errors_of_the_run(tmp_path: Path) -> None:
    model, weights = convnet(), tmp_path / "w.keras"
    model.save(weights)
    write(tmp_path / "music" / "good.wav", tune(1.0, 12000), 12000)
    (tmp_path / "music" / "bad.wav").write_bytes(b"")
    left_out: list[FailedClip] = []
    run = SimpleNamespace(seed=0, jobs=1, protocols=[CORRECTED], leave_out=left_out.extend)
    extractors(Source(weights, weights, list_clips(tmp_path / "music")), run)
    assert [(clip.clip_id, clip.cause) for clip in left_out] == [("bad", "is empty (zero bytes)")]
