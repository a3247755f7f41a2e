"""The sampling rate of a network's waveforms: kept in its files, and asked for where none tells it."""

import logging
from pathlib import Path

import keras
import numpy as np
import pytest

import mgc_keras
from mgc_keras.audio.files import write_waveform
from mgc_keras.cli.main import main
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


def test_a_rate_can_be_given_but_not_against_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = untold()
    scorer = SongScorer(model, sampling_rate=22050)
    assert (scorer.seconds, scorer.names) == (0.1, ("jazz", "rock")) and not caplog.messages
    tagger = keras.Sequential([keras.Input((2205,)), keras.layers.Dense(50, "sigmoid", name="tags")])
    # The network hears ten pieces of a second, whatever the rate of the file.
    write_waveform(tmp_path / "song.wav", np.sin(np.arange(44100) / 20), 44100)
    (answer,) = mgc_keras.classify(tmp_path / "song.wav", model, sampling_rate=22050)
    assert answer.spans[-1].tolist() == pytest.approx([0.9, 1.0])
    (answer,) = mgc_keras.tag(tmp_path / "song.wav", tagger, sampling_rate=22050)
    assert len(answer.spans) == 10
    with pytest.raises(OptionError, match="--sampling-rate: 22050 Hz, and the network's file says 16000 Hz"):
        SongScorer(with_sampling_rate(model, 16000), sampling_rate=22050)


def test_the_command_line_takes_a_rate(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    untold().save(tmp_path / "model.keras")
    write_waveform(tmp_path / "song.wav", np.sin(np.arange(22050) / 20), 22050)
    words = [str(tmp_path / "song.wav"), "--weights", str(tmp_path / "model.keras")]
    assert main(["classify", *words, "--sampling-rate", "22050", "--csv"]) == 0
    told = capsys.readouterr()
    assert "sampling rate" not in told.err and len(told.out.splitlines()) == 12
    for command in (["classify", *words], ["tag", *words], ["features", *words, "-o", str(tmp_path / "x.csv")]):
        assert main([*command, "--sampling-rate", "0"]) == 2
        assert "--sampling-rate: must be above 0" in capsys.readouterr().err
    assert main(["features", words[0], "-o", str(tmp_path / "x.csv"), "--sampling-rate", "9"]) == 2
    assert "--sampling-rate: --features mfcc has no such option" in capsys.readouterr().err


def test_a_rate_that_cannot_be() -> None:
    with pytest.raises(OptionError, match="sampling_rate: 0 Hz is no rate"):
        SampledAt(0)
