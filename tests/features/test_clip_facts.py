"""Length, level and silence of clips, in a table: by themselves, joined, and of what real folders have."""

import numpy as np
import pytest
import soundfile
from broken_clips import write

from mgc_keras.cli.main import main
from mgc_keras.features.table import read_features


def test_of_a_sine_and_of_silence(tmp_path):
    times = np.arange(44100 * 2) / 44100
    sine = (0.5 * np.sin(2 * np.pi * 441 * times)).astype(np.float32)
    clips = {"a": sine, "b": np.concatenate([sine, np.zeros(3 * len(sine), np.float32)]), "c": np.zeros(22050)}
    for name, samples in clips.items():
        write(tmp_path / f"{name}.wav", samples, 44100)
    assert main(["features", str(tmp_path), "--features", "clip", "-o", str(tmp_path / "facts.csv")]) == 0
    found = read_features(tmp_path / "facts.csv")
    # A sine's root mean square is its height over the root of two; three quarters of the second clip add nothing.
    half = 20 * np.log10(0.5)
    expected = [[2, half, half - 10 * np.log10(2), 0], [8, half, half - 10 * np.log10(8), 0.75], [0.5, -120, -120, 1]]
    np.testing.assert_allclose(found[["clip_seconds", "clip_peak_db", "clip_rms_db", "clip_silent_share"]], expected,
                               atol=0.05)  # fmt: skip


def test_beside_other_features(shared_data, tmp_path):
    songs = sorted((shared_data / "audio" / "misc").glob("*.ogg"))[:2]
    words = ["features", *map(str, songs), "--features", "mfcc+clip", "-o", str(tmp_path / "both.csv")]
    assert main(words) == 0
    found = read_features(tmp_path / "both.csv")
    assert found["clip_seconds"].tolist() == pytest.approx([soundfile.info(song).duration for song in songs], abs=1e-3)
    assert found.filter(like="mfcc_").shape == (2, 120)
