"""Segments of clips, and their features: against slices by hand and against the functions for whole clips."""

import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.features.mfcc import mfcc_features
from mgc_keras.features.segments import SegmentExtractor
from mgc_keras.segmentation.segments import largest_cluster_waveform, segment_waveform
from mgc_keras.studies.asgharivaskasi2019.data import mfcc_sequences, mfcc_statistics, waveform_segments

RATE = 1000


def extractor(segments, seconds=10.0):
    # Each row is its segment's length, first sample and sum.
    compute = lambda rows: np.stack([np.full(len(rows), rows.shape[1]), rows[:, 0], rows.sum(axis=1)], axis=1)
    return SegmentExtractor(
        "probe",
        ("length", "first", "sum"),
        compute,
        segments=segments,
        seconds=seconds,
        sampling_rate=RATE,
        settings={},
    )


def clips(n_clips=3, n_samples=10 * RATE):
    return np.random.default_rng(0).normal(size=(n_clips, n_samples)).astype(np.float32)


def test_a_whole_clip_is_one_segment():
    waveforms = clips()
    found = extractor("whole")(waveforms)
    assert found.shape == (3, 1, 3)
    np.testing.assert_allclose(found[:, 0, 2], waveforms.sum(axis=1), rtol=1e-4, atol=1e-3)


def test_segments_of_three_seconds_do_not_overlap_and_drop_the_rest():
    waveforms = clips()
    found = extractor("3s")(waveforms)
    assert found.shape == (3, 3, 3)
    assert (found[..., 0] == 3 * RATE).all()
    assert np.array_equal(found[..., 1], waveforms[:, [0, 3 * RATE, 6 * RATE]])


def test_the_largest_cluster_stands_for_a_song():
    time = np.arange(30 * RATE) / RATE
    tone = np.sin(2 * np.pi * 90 * time)
    noise = np.random.default_rng(1).normal(size=len(time))
    song = np.where((time >= 20), tone, noise).astype(np.float32)
    found = extractor("largest-cluster", 8.0)([song])
    kept = largest_cluster_waveform(song, segment_waveform(song, RATE))
    assert found[0, 0].tolist() == pytest.approx([8 * RATE, kept[0], kept[: 8 * RATE].sum()], rel=1e-4)
    assert abs(len(kept) - 20 * RATE) <= RATE  # the noise, to within a window


def test_a_song_too_short_to_segment_is_repeated():
    song = clips(1, RATE)[0]
    found = extractor("largest-cluster", 4.0)([song])
    np.testing.assert_allclose(found[0, 0], [4 * RATE, song[0], np.tile(song, 4).sum()], rtol=1e-4, atol=1e-3)


def test_wrong_options_are_refused():
    with pytest.raises(OptionError, match="largest-cluster"):
        extractor("5s")
    with pytest.raises(OptionError, match="seconds"):
        extractor("whole", 0.0)


def test_statistics_of_segments_are_those_of_each_alone():
    waveforms = clips(2, 6 * 12000)
    found = mfcc_statistics("3s", 6.0)(waveforms)
    assert found.shape == (2, 2, 120)
    np.testing.assert_allclose(found[1, 1], mfcc_features(waveforms[1, 36000:]), rtol=1e-5, atol=1e-4)


def test_mfcc_sequences_have_the_statistics_of_the_baseline_at_its_hop():
    # With the baseline's hop the mean over frames is that of the baseline's first twenty numbers.
    waveforms = clips(2, 5 * 12000)
    found = mfcc_sequences("whole", 5.0, 12000, hop_length=512)(waveforms)
    np.testing.assert_allclose(found.mean(axis=1)[0], mfcc_features(waveforms[0])[:20], rtol=1e-3, atol=1e-2)


def test_rows_of_a_clip_are_those_of_its_segments_one_after_the_other():
    waveforms = clips(2, 7 * RATE)
    extract = waveform_segments("3s", 7.0, RATE)
    found = extract(waveforms)
    assert extract.n_segments == 2 and found.shape == (2, 6 * RATE, 1)
    np.testing.assert_array_equal(found[..., 0], waveforms[:, : 6 * RATE])
    of_segments, of_clips = (mfcc_sequences(kind, 3.0, RATE, hop_length=500) for kind in ("3s", "whole"))
    np.testing.assert_array_equal(of_segments(waveforms[:, : 3 * RATE]), of_clips(waveforms[:, : 3 * RATE]))
    of_segments = mfcc_sequences("3s", 6.0, RATE, hop_length=500)(waveforms[:, : 6 * RATE])
    np.testing.assert_array_equal(of_segments[:, 7:], of_clips(waveforms[:, 3 * RATE : 6 * RATE]))
