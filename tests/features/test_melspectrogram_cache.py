"""The mel-spectrogram cache: what training reads is what the layer computes, also after a kill and with a bad clip."""

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.audio.files import read_waveform, write_waveform
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import ManifestError
from mgc_keras.features import melspectrogram_cache as melspectrograms
from mgc_keras.features.melspectrogram_cache import cache_melspectrograms, source_clips
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.studies.choi2017.network import N_SAMPLES, melspectrogram_layer
from mgc_keras.training.shards import Shards

CLIP_BYTES = 96 * 1360 * 2


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

    values, _ = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
    waveform = fit_waveform(read_waveform(manifest.filepaths[2]), N_SAMPLES, "repeat")
    expected = MelSpectrogram(decibel_reference="clip")(waveform[None]).numpy()[0, ..., 0]
    np.testing.assert_allclose(values[2][..., 0].astype(np.float32), expected, atol=0.04)  # float16 at 80 dB: 0.03


def test_a_bad_clip_is_named_and_does_not_end_the_work(manifest: Manifest, tmp_path: Path) -> None:
    _, problems = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
    assert list(problems) == [4] and "clip4.wav" in str(problems[4])
    _, again = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
    assert list(again) == [4]


def assert_same(values: Shards, others: Shards) -> None:
    """Assert that two caches hold the same, but for the rounding of other batches."""
    every = np.arange(5)
    np.testing.assert_allclose(values[every].astype(np.float32), others[every].astype(np.float32), atol=0.04)


@pytest.mark.parametrize("n_in_shard", [5, 3, 1])
def test_a_killed_run_goes_on(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_in_shard: int
) -> None:
    whole, _ = cache_melspectrograms(manifest, tmp_path / "whole", melspectrogram_layer(), N_SAMPLES)
    monkeypatch.setattr(melspectrograms, "_SHARD_BYTES", n_in_shard * CLIP_BYTES)
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
        cache_melspectrograms(manifest, tmp_path / "cut", melspectrogram_layer(), N_SAMPLES)
    asked = []

    def noted(clips, extractor, batches, **options):
        asked.extend(position for batch in batches for position in batch.tolist())
        return original(clips, extractor, batches, **options)

    monkeypatch.setattr(melspectrograms, "clip_features", noted)
    resumed, _ = cache_melspectrograms(manifest, tmp_path / "cut", melspectrogram_layer(), N_SAMPLES)
    assert asked == [2, 3, 4]
    assert_same(resumed, whole)


def test_a_tagger_gets_the_readable_clips_of_both_parts(manifest: Manifest, tmp_path: Path) -> None:
    columns = {"label_a": [1, 0, 1, 0, 1], "label_b": 0, "split": ["valid", "test", "train", "valid", "train"]}
    source = Manifest("toy", manifest.table.assign(**columns), manifest.data_home)
    with pytest.raises(ZeroDivisionError), source_clips(source, tmp_path, melspectrogram_layer(), N_SAMPLES):
        raise ZeroDivisionError
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["journal", "melspectrograms", "shard-00000.npy"]
    with source_clips(source, tmp_path, melspectrogram_layer(), N_SAMPLES) as clips:
        assert clips.examples.rows.tolist() == [0, 2, 3] and clips.validation.tolist() == [True, False, True]
        assert clips.tags == ("a", "b") and clips.examples.targets.tolist() == [[1, 0], [1, 0], [0, 0]]
    assert not list(tmp_path.iterdir())
    without = Manifest("toy", manifest.table, manifest.data_home)
    with pytest.raises(ManifestError), source_clips(without, tmp_path, melspectrogram_layer(), N_SAMPLES):
        pass


def test_what_an_earlier_version_left_is_begun_anew(
    manifest: Manifest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    columns = {"label_a": [1, 0, 1, 0, 1], "split": ["train"] * 3 + ["valid"] * 2}
    source = Manifest("toy", manifest.table.assign(**columns), manifest.data_home)
    np.save(tmp_path / "melspectrograms.npy", np.full((5, 96, 1360), -7, np.float16))
    (tmp_path / "melspectrograms.npy.journal").write_text("{}")
    with source_clips(source, tmp_path, melspectrogram_layer(), N_SAMPLES) as clips:
        assert not list(tmp_path.glob("*.npy*"))
        assert caplog.text.count("left by an earlier version") == 2
        assert clips.examples.batch(np.arange(4))[0].max(axis=(1, 2, 3)).tolist() == [0] * 4


@pytest.mark.parametrize("damage", ["cut", "other size of files"])
def test_files_that_are_not_whole_are_made_anew(
    manifest: Manifest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    monkeypatch.setattr(melspectrograms, "_SHARD_BYTES", 2 * CLIP_BYTES)
    values, _ = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
    paths = sorted((tmp_path / "mel").glob("*.npy"))
    assert [len(np.load(path, mmap_mode="r")) for path in paths] == [2, 2, 1]
    before = values[np.arange(5)]
    if damage == "cut":
        os.truncate(paths[1], 2 * CLIP_BYTES)
    else:
        monkeypatch.setattr(melspectrograms, "_SHARD_BYTES", 4 * CLIP_BYTES)
    again, _ = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
    np.testing.assert_array_equal(again[np.arange(5)], before)


def test_clips_that_the_disk_lost_for_a_while_are_tried_again(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: Path, *arguments: int, **options: float) -> np.ndarray:
        if path.name == "clip1.wav":
            raise OSError(errno.EIO, "Input/output error")
        return read_waveform(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr("mgc_keras.features.pipeline.read_waveform", failing)
        values, problems = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
        assert list(problems) == [1, 4] and values[1].max() == -80
    values, problems = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
    assert list(problems) == [4] and values[1].max() == 0
    (tmp_path / "mel" / "shard-00000.npy").write_bytes(b"torn")
    again, _ = cache_melspectrograms(manifest, tmp_path / "mel", melspectrogram_layer(), N_SAMPLES)
    assert_same(again, values)
