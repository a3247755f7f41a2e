"""The mel-spectrogram cache: what training reads is what the layer computes, also after a kill and with a bad clip."""

import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.audio.files import read_waveform, write_waveform
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import ManifestError, MgcKerasError
from mgc_keras.features import melspectrogram_cache as melspectrograms
from mgc_keras.features.melspectrogram_cache import cache_melspectrograms, source_clips
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.studies.choi2017.network import N_SAMPLES, melspectrogram_layer


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    home = tmp_path_factory.mktemp("clips")
    random = np.random.default_rng(0)
    ids = [f"clip{number}" for number in range(5)]
    for clip_id in ids[:4]:
        write_waveform(home / f"{clip_id}.wav", random.uniform(-0.5, 0.5, 12000).astype(np.float32), 12000)
    (home / "clip4.wav").write_text("no audio")
    return Manifest("toy", pd.DataFrame({"clip_id": ids, "filepath": [f"{name}.wav" for name in ids]}), home)


def test_the_cache_holds_what_the_layer_computes(manifest: Manifest, tmp_path: Path) -> None:
    from mgc_keras.audio.files import fit_waveform, read_waveform

    values, _ = cache_melspectrograms(manifest, tmp_path / "mel.npy", melspectrogram_layer(), N_SAMPLES)
    waveform = fit_waveform(read_waveform(manifest.filepaths[2]), N_SAMPLES, "repeat")
    expected = MelSpectrogram(decibel_reference="clip")(waveform[None]).numpy()[0, ..., 0]
    np.testing.assert_allclose(values[2].astype(np.float32), expected, atol=0.04)  # float16 at 80 dB: 0.03


def test_a_bad_clip_is_named_and_does_not_end_the_work(manifest: Manifest, tmp_path: Path) -> None:
    _, problems = cache_melspectrograms(manifest, tmp_path / "mel.npy", melspectrogram_layer(), N_SAMPLES)
    assert list(problems) == [4] and "clip4.wav" in str(problems[4])
    _, again = cache_melspectrograms(manifest, tmp_path / "mel.npy", melspectrogram_layer(), N_SAMPLES)
    assert list(again) == [4]


def test_a_killed_run_goes_on(manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = cache_melspectrograms(manifest, tmp_path / "whole.npy", melspectrogram_layer(), N_SAMPLES)
    monkeypatch.setattr(melspectrograms._MelSpectrograms, "batch_size", 2)
    read = []
    original = melspectrograms.clip_features

    def interrupted(clips, extractor, batches, **options):
        for results in original(clips, extractor, batches, **options):
            if read:
                raise KeyboardInterrupt
            read.append(results)
            yield results

    monkeypatch.setattr(melspectrograms, "clip_features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache_melspectrograms(manifest, tmp_path / "cut.npy", melspectrogram_layer(), N_SAMPLES)
    asked = []

    def noted(clips, extractor, batches, **options):
        asked.extend(position for batch in batches for position in batch.tolist())
        return original(clips, extractor, batches, **options)

    monkeypatch.setattr(melspectrograms, "clip_features", noted)
    resumed, _ = cache_melspectrograms(manifest, tmp_path / "cut.npy", melspectrogram_layer(), N_SAMPLES)
    assert asked == [2, 3, 4]
    np.testing.assert_allclose(resumed.astype(np.float32), whole.astype(np.float32), atol=0.04)


def test_a_tagger_gets_the_readable_clips_of_both_parts(manifest: Manifest, tmp_path: Path) -> None:
    columns = {"label_a": [1, 0, 1, 0, 1], "label_b": 0, "split": ["valid", "test", "train", "train", "train"]}
    source = Manifest("toy", manifest.table.assign(**columns), manifest.data_home)
    with pytest.raises(ZeroDivisionError), source_clips(source, tmp_path, melspectrogram_layer(), N_SAMPLES):
        raise ZeroDivisionError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["melspectrograms.npy", "melspectrograms.npy.journal"]
    with source_clips(source, tmp_path, melspectrogram_layer(), N_SAMPLES) as clips:
        assert clips.examples.rows.tolist() == [0, 2, 3] and clips.validation.tolist() == [True, False, False]
        assert clips.tags == ("a", "b") and clips.examples.targets.tolist() == [[1, 0], [1, 0], [0, 0]]
    assert not list(tmp_path.iterdir())
    without = Manifest("toy", manifest.table, manifest.data_home)
    with pytest.raises(ManifestError), source_clips(without, tmp_path, melspectrogram_layer(), N_SAMPLES):
        pass


def test_too_little_disk_is_said_before_anything_is_written(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(melspectrograms.os, "posix_fallocate", full)
        with pytest.raises(MgcKerasError, match="mel.npy: the disk is full"):
            cache_melspectrograms(manifest, tmp_path / "mel.npy", melspectrogram_layer(), N_SAMPLES)
    assert not (tmp_path / "mel.npy").exists()
    melspectrograms._make(tmp_path / "mel.npy", (5, 96, 1360))
    # A hole would have no blocks.
    status = (tmp_path / "mel.npy").stat()
    assert status.st_blocks * 512 >= status.st_size > 5 * 96 * 1360 * 2


def test_clips_that_the_disk_lost_for_a_while_are_tried_again(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: Path, *arguments: int, **options: float) -> np.ndarray:
        if path.name == "clip1.wav":
            raise OSError(errno.EIO, "Input/output error")
        return read_waveform(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr("mgc_keras.features.pipeline.read_waveform", failing)
        values, problems = cache_melspectrograms(manifest, tmp_path / "mel.npy", melspectrogram_layer(), N_SAMPLES)
        assert list(problems) == [1, 4] and values[1].max() == -80
    values, problems = cache_melspectrograms(manifest, tmp_path / "mel.npy", melspectrogram_layer(), N_SAMPLES)
    assert list(problems) == [4] and values[1].max() == 0
    (tmp_path / "mel.npy").write_bytes(b"torn")
    again, _ = cache_melspectrograms(manifest, tmp_path / "mel.npy", melspectrogram_layer(), N_SAMPLES)
    np.testing.assert_allclose(again.astype(np.float32), values.astype(np.float32), atol=0.04)
