"""The sampling rate of a network's waveforms: kept in its files, and asked for where none tells it."""

import logging
from pathlib import Path

import keras
import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.songs import SongScorer
from mgc_keras.layers.named_outputs import with_output_names
from mgc_keras.layers.sampled_at import SampledAt, with_sampling_rate
from mgc_keras.networks.load import load_model


def untold() -> keras.Model:
    inputs = keras.Input((2205,))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="genres")(inputs))
    return with_output_names(model, ["jazz", "rock"])


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_file_tells_its_rate(suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = untold()
    with_sampling_rate(model, 22050).save(tmp_path / f"model{suffix}")
    waveforms = np.random.default_rng(0).normal(size=(3, 2205)).astype(np.float32)
    np.testing.assert_array_equal(load_model(tmp_path / f"model{suffix}")(waveforms), model(waveforms))
    scorer = SongScorer(tmp_path / f"model{suffix}")
    # A tenth of a second at that rate; 0.18 s at the rate that most published networks hear.
    assert (scorer.seconds, scorer.names) == (0.1, ("jazz", "rock"))
    assert not [message for message in caplog.messages if "sampling rate" in message]


def test_a_network_that_does_not_tell_is_named(caplog: pytest.LogCaptureFixture) -> None:
    model = untold()
    with caplog.at_level(logging.WARNING, "mgc_keras"):
        assert NetworkExtractor(model).sampling_rate == 12000
    assert caplog.messages[0].startswith(f"{model.name}: does not say at what sampling rate it hears; 12000 Hz are")


def test_a_rate_that_cannot_be() -> None:
    with pytest.raises(OptionError, match="sampling_rate: 0 Hz is no rate"):
        SampledAt(0)
