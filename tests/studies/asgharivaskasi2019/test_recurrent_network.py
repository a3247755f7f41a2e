"""The recurrent networks of the 2019 study: what they are made of, what they take, what they refuse."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts import check_contract

from mgc_keras.errors import OptionError
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.studies.asgharivaskasi2019.recurrent_network import recurrent_network

RATE = 20
KINDS = ("gru", "skip_gru")
SMALL = {"units": 5, "dense_units": (4, 3), "n_genres": 6}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_contract_and_reload_from_mfcc_and_from_waveforms(kind: str, tmp_path: Path) -> None:
    for shape, options in (((11, 7), {}), ((30 * RATE,), {"sampling_rate": RATE})):
        model = recurrent_network(shape, kind=kind, **SMALL, **options)
        check_contract(model, noise(*shape), batch_independent=True)
        np.testing.assert_allclose(np.asarray(model(noise(*shape))).sum(axis=1), 1, rtol=1e-5)
        for name in ("model.h5", "model.keras"):
            model.save(tmp_path / name)
            again = keras.saving.load_model(tmp_path / name, compile=False)
            np.testing.assert_array_equal(again(noise(*shape)), model(noise(*shape)))


def test_a_waveform_is_read_second_by_second() -> None:
    model = recurrent_network((30 * RATE,), sampling_rate=RATE, **SMALL)
    waveforms = noise(30 * RATE)
    seconds = keras.Model(model.input, model.get_layer("seconds").output)(waveforms)
    for second in range(30):
        np.testing.assert_array_equal(seconds[:, second], waveforms[:, second * RATE : (second + 1) * RATE])
    # kernel, recurrent kernel and two biases of three gates; then dense layers with theirs
    expected = 3 * 5 * (RATE + 5 + 2) + 4 * (5 + 1) + 3 * (4 + 1) + 6 * (3 + 1)
    assert model.count_params() == expected


def test_kinds_differ_in_the_skip_alone() -> None:
    inputs = noise(11, 7)
    plain, skipping = (recurrent_network((None, 7), kind=kind, k=2, **SMALL) for kind in KINDS)
    for weight, other in zip(plain.get_weights(), skipping.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    assert np.abs(np.asarray(plain(inputs)) - np.asarray(skipping(inputs))).max() > 1e-3
    cell = skipping.get_layer("recurrent").cell
    assert (cell.k, cell.combination) == (2, "mean")
    assert type(plain.get_layer("recurrent")) is keras.layers.GRU


def test_statistics_of_the_training_clips_are_part_of_the_network() -> None:
    inputs = 40 * noise(11, 7) - 300
    model, twin = (recurrent_network((11, 7), **SMALL) for _ in range(2))
    mean, deviation = path_statistics(inputs, np.arange(2))
    model.get_layer("standardization").set_weights([mean, deviation])
    np.testing.assert_allclose(model(inputs), twin((inputs - mean) / deviation), rtol=1e-4, atol=1e-6)


def test_long_mfcc_sequences_stay_finite_by_default() -> None:
    model = recurrent_network((1292, 7), kind="skip_gru", **SMALL)
    assert np.isfinite(model.predict(100 * noise(1292, 7), verbose=0)).all()


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((30 * RATE - 1,), {"sampling_rate": RATE}, "waveforms have 599 samples, 30 s at 20 Hz are 600"),
        ((30 * RATE + 1,), {"sampling_rate": RATE}, "waveforms have 601 samples"),
        ((None,), {"sampling_rate": RATE}, "waveforms have None samples"),
        ((30 * RATE,), {}, "sampling_rate: waveforms need one"),
        ((8, 8, 3), {}, "is no sequence"),
        ((11, 7), {"kind": "lstm"}, "kind: 'lstm' is unknown"),
        ((11, 7), {"combination": "sum"}, "combination: 'sum' is unknown"),
        ((11, 7), {"kind": "skip_gru", "k": 11}, "k: 11 steps back lie before the first of 11 steps"),
        ((30 * RATE,), {"kind": "skip_gru", "k": 30, "sampling_rate": RATE}, "k: 30 steps back"),
        ((11, 7), {"kind": "skip_gru", "k": -2}, "k: must be a whole number"),
        ((11, 7), {"units": 0}, "units: must be a whole number above 0"),
        ((11, 7), {"dense_units": (8, 0)}, r"dense_units\[1\]: must be a whole number above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(shape: tuple, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        recurrent_network(shape, **options)
