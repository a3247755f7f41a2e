"""Every layer and every model keeps the contract."""

import numpy as np
import pytest
from contracts import check_contract, check_reload

from mgc_keras.layers.melspectrogram import MelSpectrogram, PrecomputedMelSpectrogram
from mgc_keras.layers.named_outputs import NamedOutputs
from mgc_keras.layers.normalization import BatchStatisticsNormalization, ClipStandardization
from mgc_keras.layers.skip_gru import SkipGRU
from mgc_keras.studies.asgharivaskasi2019.recurrent_network import recurrent_network
from mgc_keras.studies.choi2017.network import convnet
from mgc_keras.studies.jimenez2017.network import N_SAMPLES, music_tagger_crnn

SHORTEST = 327425


def waveforms(n_samples: int) -> np.ndarray:
    """Three clips of noise, each quieter than the one before."""
    noise = np.random.default_rng(0).standard_normal((3, n_samples))
    return (noise * np.array([[0.3], [0.03], [0.003]])).astype(np.float32)


def maps(*shape: int) -> np.ndarray:
    """Three clips of (frequency, time, channels), each at another level."""
    noise = np.random.default_rng(0).standard_normal((3, *shape))
    return (noise + np.arange(3).reshape(3, 1, 1, 1)).astype(np.float32)


# name: (make, inputs, whether a clip's output is promised not to depend on the others)
LAYERS = {
    "mel_batch": (lambda: MelSpectrogram(), lambda: waveforms(4000), False),
    "mel_clip": (
        lambda: MelSpectrogram(framing="tensorflow", decibel_reference="clip", n_mels=40, fmax=5000.0),
        lambda: waveforms(4000),
        True,
    ),
    "mel_reflect": (
        lambda: MelSpectrogram(framing="reflect", decibel_reference="unit", mel_exponent=2.0),
        lambda: waveforms(4000),
        True,
    ),
    "named_outputs": (lambda: NamedOutputs(["jazz", "rock"]), lambda: maps(1, 1, 2)[:, 0, 0], True),
    "batch_statistics": (lambda: BatchStatisticsNormalization(epsilon=1e-2), lambda: maps(6, 5, 4), False),
    "clip_standardization": (lambda: ClipStandardization(epsilon=1e-6), lambda: maps(6, 5, 4), True),
    "precomputed": (lambda: PrecomputedMelSpectrogram(1000, "tensorflow", "clip"), lambda: maps(6, 4, 1), True),
}
INDEPENDENT = {"normalization": "population", "decibel_reference": "clip"}
MODELS = {
    "features": (lambda: convnet(SHORTEST), lambda: waveforms(SHORTEST), False),
    "independent_features": (
        lambda: convnet(SHORTEST, framing="tensorflow", **INDEPENDENT),
        lambda: waveforms(SHORTEST),
        True,
    ),
    "independent_tags": (
        lambda: convnet(SHORTEST, output="tags", n_tags=4, standardize_clips=True, **INDEPENDENT),
        lambda: waveforms(SHORTEST),
        True,
    ),
    "tagger": (
        lambda: convnet(SHORTEST, output="tags", n_tags=4, input="melspectrogram"),
        lambda: maps(96, 1280, 1),
        False,
    ),
    "crnn": (lambda: music_tagger_crnn(3, output="genres", names=list("abc")), lambda: waveforms(N_SAMPLES), True),
}
CASES = LAYERS | MODELS
# Held to the rest of the contract in tests of their own.
RECURRENT = {
    "skip_gru": (lambda: SkipGRU(3, 2, "add", return_sequences=True), lambda: waveforms(36).reshape(3, 9, 4)),
    "mfcc_to_genres": (
        lambda: recurrent_network((11, 7), 4, kind="skip_gru", k=3, units=5, dense_units=(4,)),
        lambda: waveforms(77).reshape(3, 11, 7),
    ),
    "audio_to_genres": (
        lambda: recurrent_network((30 * 20,), 4, sampling_rate=20, units=5, dense_units=(4,)),
        lambda: waveforms(30 * 20),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_contract(name):
    make, inputs, batch_independent = CASES[name]
    check_contract(make(), inputs(), batch_independent=batch_independent)


def test_reload_in_a_fresh_process(tmp_path):
    cases = {name: case[:2] for name, case in CASES.items()} | RECURRENT
    check_reload({name: (make(), inputs()) for name, (make, inputs) in cases.items()}, tmp_path)
