"""From a waveform to segments and back to time."""

import numpy as np
import pytest
from scipy.signal import lfilter
from sklearn.metrics import adjusted_rand_score

from mgc_keras.errors import AudioError, OptionError
from mgc_keras.segmentation.autoregression import METHODS
from mgc_keras.segmentation.segments import (
    Segmentation,
    largest_cluster_waveform,
    segment_waveform,
)
from mgc_keras.segmentation.settings import SegmentationSettings

RATE = 4000
PROCESSES = ([1.0, -1.3, 0.8], [1.0, 0.4, 0.6])


def alternating(seconds: tuple[int, ...] = (5, 4, 6, 3), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two processes in turn, at one level; and which of them plays in each second."""
    random, parts = np.random.default_rng(seed), []
    for turn, length in enumerate(seconds):
        part = lfilter([1.0], PROCESSES[turn % 2], random.standard_normal(length * RATE))
        parts.append(part / part.std())
    return np.concatenate(parts).astype(np.float32), np.repeat(np.arange(len(seconds)) % 2, seconds)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [2, None])
@pytest.mark.parametrize("with_power", [True, False])
def test_two_alternating_processes_are_recovered(method, k, with_power):
    for seed in range(3):
        waveform, truth = alternating(seed=seed)
        found = segment_waveform(waveform, RATE, method=method, n_segments=k, order=10, with_power=with_power)
        assert adjusted_rand_score(truth, found.labels) >= 0.95
        table = found.segments()
        assert table.to_numpy().tolist() == [[0, 5, 0, 5], [5, 9, 1, 4], [9, 15, 0, 6], [15, 18, 1, 3]]
        assert table.columns.tolist() == ["start_s", "end_s", "label", "duration_s"]


def test_the_defaults_recover_them_too():
    waveform, truth = alternating()
    assert adjusted_rand_score(truth, segment_waveform(waveform, RATE).labels) >= 0.95


def test_what_is_kept_belongs_together():
    waveform, _ = alternating()
    found = segment_waveform(waveform, RATE, scale=2.0)
    np.testing.assert_array_equal(found.distances, (found.errors + found.errors.T) / 2)
    expected = np.exp(-((found.distances / 2) ** 2)) * (1 - np.eye(18))
    np.testing.assert_allclose(found.graph, expected)
    assert found.eigenvalues[0] == pytest.approx(1) and len(found.eigenvalues) == 11
    assert found.n_segments == 2 and found.boundaries.tolist() == list(range(19))
    again = segment_waveform(waveform, RATE, SegmentationSettings(scale=2.0))
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.errors, found.errors)


def test_the_rest_of_a_song_belongs_to_its_last_window():
    waveform, _ = alternating()
    found = segment_waveform(waveform[: int(17.7 * RATE)], RATE, n_segments=2)
    assert len(found.labels) == 17 and found.boundaries[-1] == pytest.approx(17.7)
    assert found.segments()["end_s"].iloc[-1] == pytest.approx(17.7)


def test_overlapping_windows_meet_halfway():
    waveform, _ = alternating()
    found = segment_waveform(waveform, RATE, hop_seconds=0.5, n_segments=2)
    # Window 1 spans 0.5 s to 1.5 s, so it stands for 0.75 s to 1.25 s.
    assert found.boundaries[:4].tolist() == [0, 0.75, 1.25, 1.75] and found.boundaries[-2:].tolist() == [17.25, 18]
    assert (np.abs(found.segments()["start_s"].to_numpy()[1:] - [5, 9, 15]) <= 0.25).all()


def test_the_largest_cluster_is_its_windows_in_time_order():
    waveform, truth = alternating((3, 5, 2))
    found = segment_waveform(waveform, RATE, n_segments=2)
    # Five windows each: the one that comes first.
    np.testing.assert_array_equal(largest_cluster_waveform(waveform, found), waveform[np.repeat(truth == 0, RATE)])
    longer, truth = alternating((2, 5, 2))
    found = segment_waveform(longer, RATE, n_segments=2)
    audio = largest_cluster_waveform(longer, found)
    np.testing.assert_array_equal(audio, longer[2 * RATE : 7 * RATE])
    assert audio.dtype == np.float32
    with pytest.raises(OptionError, match="waveform: has 40000 samples"):
        largest_cluster_waveform(waveform, found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signal", [np.zeros(8 * RATE), np.full(8 * RATE, 0.25), np.full(8 * RATE, 1e-30)])
def test_silence_and_constants_are_one_segment(signal, method):
    found = segment_waveform(signal.astype(np.float32), RATE, method=method)
    assert found.segments().to_numpy().tolist() == [[0, 8, 0, 8]]
    assert all(np.isfinite(part).all() for part in (found.errors, found.distances, found.graph, found.eigenvalues))
    np.testing.assert_array_equal(largest_cluster_waveform(signal, found), signal)


def test_one_noise_is_one_segment():
    noise = np.random.default_rng(0).standard_normal(30 * 22050).astype(np.float32)
    assert segment_waveform(noise, 22050).n_segments == 1


@pytest.mark.parametrize("level", [1e-4, 0.0])
def test_silence_within_music_is_a_segment_of_its_own(level):
    waveform, _ = alternating((8, 4))
    waveform[8 * RATE :] *= level
    found = segment_waveform(waveform, RATE, n_segments=2)
    assert found.segments()["start_s"].tolist() == [0, 8]
    assert np.isfinite(found.distances).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_seconds": 4.0}, "7.00 s of sound are fewer than two windows of 4 s"),
        ({"n_segments": 8}, "n_segments: 8 are more than the 7 windows"),
        ({"n_segments": 0}, "n_segments: 0 is no number"),
        ({"order": 4000}, "order: windows of 4000 samples"),
        ({"order": 0}, "order: windows have no models of order 0"),
        ({"method": "yule"}, "method: 'yule' is unknown"),
        ({"window_seconds": 0.0}, "window_seconds: 0.0 s is no length"),
        ({"window_seconds": float("nan")}, "window_seconds: nan s is no length"),
        ({"hop_seconds": 1.5}, "hop_seconds: 1.5 s would leave gaps"),
        ({"hop_seconds": 0.0}, "hop_seconds: 0.0 s"),
        ({"n_lags": 0}, "n_lags: 0 is no number"),
        ({"scale": 0.0}, "scale: 0.0 is no distance"),
        ({"scale": -1.0}, "scale: -1.0 is no distance"),
        ({"scale": float("nan")}, "scale: nan is no distance"),
        ({"scale": float("inf")}, "scale: inf is no distance"),
        ({"most_segments": 0}, "most_segments: 0 is no number"),
        ({"seed": -1}, "seed: -1 is no seed"),
    ],
)
def test_wrong_options_are_one_clear_error(options, message):
    waveform, _ = alternating((4, 3))
    with pytest.raises(OptionError, match=message):
        segment_waveform(waveform, RATE, **options)


def test_unusable_waveforms():
    waveform, _ = alternating((4, 3))
    waveform[100] = np.nan
    for unusable in (waveform, np.full(20000, np.inf), np.zeros((2, 20000))):
        with pytest.raises(AudioError, match="only one-dimensional, finite waveforms"):
            segment_waveform(unusable, RATE)


def test_as_many_kinds_as_windows():
    waveform, _ = alternating((4, 3))
    found = segment_waveform(waveform, RATE, n_segments=7)
    assert isinstance(found, Segmentation) and found.labels.tolist() == list(range(7))
