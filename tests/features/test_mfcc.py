"""The MFCC baseline against librosa, against a computation from the definition, and against the authors' numbers."""

import librosa
import numpy as np
import pytest
from scipy.fft import dct
from scipy.signal import get_window
from threadpoolctl import threadpool_limits

from mgc_keras.audio.files import read_waveform
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.features.mfcc import MFCC_COLUMNS, MfccExtractor, mfcc_features


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, n_samples).astype(np.float32)


def summary_of(mfcc):
    delta = mfcc[:, 1:] - mfcc[:, :-1]
    second = delta[:, 1:] - delta[:, :-1]
    return np.concatenate([f(values, axis=1) for values in (mfcc, delta, second) for f in (np.mean, np.std)])


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("n_samples", [1, 700, 1024, 5000, 60000])
def test_equals_librosa(n_samples):
    waveform = noise(n_samples)
    padded = np.pad(waveform, (0, max(0, 1024 - n_samples)))
    # As many threads as ours: in float32 the order of a sum shows.
    with threadpool_limits(1):
        expected = summary_of(librosa.feature.mfcc(y=padded, sr=12000, n_mfcc=20).astype(np.float64))
    np.testing.assert_allclose(mfcc_features(waveform), expected, rtol=0, atol=1e-9)


def test_equals_the_definition_frame_by_frame():
    waveform = noise(12000)
    padded = np.pad(waveform.astype(np.float64), 1024)
    window = get_window("hann", 2048, fftbins=True)
    frames = [padded[start : start + 2048] * window for start in range(0, len(padded) - 2047, 512)]
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    mel = power @ librosa.filters.mel(sr=12000, n_fft=2048, n_mels=128).T
    decibels = 10 * np.log10(np.maximum(mel, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    mfcc = dct(decibels, type=2, norm="ortho", axis=1)[:, :20].T
    np.testing.assert_allclose(mfcc_features(waveform), summary_of(mfcc), atol=2e-4)


def test_only_29_seconds_count():
    waveform = noise(30 * 12000)
    assert (mfcc_features(waveform) == mfcc_features(waveform[:348000])).all()


def test_columns_name_the_blocks_in_the_authors_order():
    names = [f"mfcc_{block}" for block in ("mean", "std", "mean_d", "std_d", "mean_dd", "std_dd")]
    assert list(MFCC_COLUMNS) == [f"{name}_{index:02d}" for name in names for index in range(20)]


def test_silence_gives_finite_numbers():
    assert np.isfinite(mfcc_features(np.zeros(12000, np.float32))).all()


def test_near_the_published_features_of_a_gtzan_clip(shared_data):
    # The authors' librosa resampled otherwise near 6 kHz: that moves the means of all coefficients by up to 1.4, and
    # little else.
    table = np.load(shared_data / "choi2017/data_feats/gtzan_genre_mfcc.npy", allow_pickle=False)
    published = table[200].reshape(6, 20)
    waveform = read_waveform(shared_data / "audio/misc/gtzan-country.00000.wav", 12000, duration=29.0)
    reflected = mfcc_features(waveform, padding="reflect").reshape(6, 20)
    assert np.abs(reflected - published)[1:].max() < 0.04
    assert np.abs(reflected - published)[0].max() < 1.5
    # Zeros beyond the ends, as librosa pads today, are farther off.
    assert np.abs(mfcc_features(waveform).reshape(6, 20) - published)[1:].max() < 0.15


def test_refuses_nothing_and_nonsense():
    with pytest.raises(AudioError, match="without samples"):
        mfcc_features(np.zeros(0, np.float32))
    with pytest.raises(OptionError, match="padding"):
        mfcc_features(noise(2000), padding="edge")
    with pytest.raises(OptionError, match="padding"):
        MfccExtractor(padding="edge")


def test_the_extractor_takes_clips_of_any_length():
    clips = [noise(1), noise(40000)]
    assert (MfccExtractor()(clips) == [mfcc_features(clip) for clip in clips]).all()
