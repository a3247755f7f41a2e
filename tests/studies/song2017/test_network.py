"""The Song 2017 network: the paper's equation (4) to 1e-5, its heads, and the contract that every model keeps."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts import check_contract, check_reload

from mgc_keras.errors import OptionError
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.layers.standardization import PathStandardization, path_statistics
from mgc_keras.networks.load import load_model
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.studies.choi2017.network import convnet
from mgc_keras.studies.song2017.network import (
    HEADS,
    dropped_share,
    gru_network,
    options_of,
    with_head,
    with_scattering,
)

N_FRAMES, N_PATHS = 5, 6
SMALL = {"width": 5, "depth": 3, "n_frames": N_FRAMES}
CASES = {
    "tags_last": lambda: gru_network(N_PATHS, 7, **SMALL),
    "genres_mean": lambda: gru_network(N_PATHS, 4, head="genres", clip_output="mean", **SMALL),
    "cudnn_variant": lambda: gru_network(N_PATHS, 4, head="genres", reset_after=True, width=5, depth=2),
    "standardization": PathStandardization,
}


def sequences(n_clips: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(1, 2, (n_clips, N_FRAMES, N_PATHS)).astype(np.float32)


def is_of_head(tensor: str) -> bool:
    """Tell whether a tensor, named as `tensors_of` names it, belongs to a head."""
    return tensor.split("/")[0] in HEADS


def randomized(model: keras.Model) -> keras.Model:
    """Give every tensor values of its own, biases and statistics included."""
    generator = np.random.default_rng(1)
    set_tensors(
        model,
        {
            name: (np.abs(noise) + 0.5 if name.endswith("deviation") else 0.5 * noise).astype(np.float32)
            for name, value in tensors_of(model).items()
            for noise in [generator.standard_normal(value.shape)]
        },
    )
    return model


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def equation_four(states: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """z, r = sigmoid(W x + U h + b); h~ = tanh(W x + U (r * h) + b); h = z * h + (1 - z) * h~. In float64."""
    w_z, w_r, w_h = np.split(kernel.astype(np.float64), 3, axis=1)
    u_z, u_r, u_h = np.split(recurrent.astype(np.float64), 3, axis=1)
    b_z, b_r, b_h = np.split(bias.astype(np.float64), 3)
    hidden, steps = np.zeros((len(states), len(u_z))), []
    for frame in range(states.shape[1]):
        x = states[:, frame]
        z = sigmoid(x @ w_z + hidden @ u_z + b_z)
        r = sigmoid(x @ w_r + hidden @ u_r + b_r)
        candidate = np.tanh(x @ w_h + (r * hidden) @ u_h + b_h)
        hidden = z * hidden + (1 - z) * candidate
        steps.append(hidden)
    return np.stack(steps, axis=1)


@pytest.mark.parametrize("clip_output", ["last", "mean"])
def test_the_network_is_the_papers_equation(clip_output: str) -> None:
    model = randomized(gru_network(N_PATHS, 4, head="genres", clip_output=clip_output, **SMALL))
    tensors = tensors_of(model)
    states = (sequences() - tensors["standardization/mean"]) / tensors["standardization/deviation"]
    for layer in (1, 2, 3):
        states = equation_four(
            states, *(tensors[f"gru{layer}/{part}"] for part in ("kernel", "recurrent_kernel", "bias"))
        )
    top = states[:, -1] if clip_output == "last" else states.mean(axis=1)
    logits = top @ tensors["genres/kernel"] + tensors["genres/bias"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(model(sequences(), training=False)), expected, atol=1e-5)


def test_the_variant_for_cudnn_is_another_network() -> None:
    tensors = tensors_of(CASES["cudnn_variant"]())
    assert tensors["gru1/bias"].shape == (2, 15)


@pytest.mark.parametrize("name", CASES)
def test_contract(name: str) -> None:
    check_contract(CASES[name](), sequences(), batch_independent=True)


def test_reload_in_a_fresh_process(tmp_path) -> None:
    check_reload({name: (make(), sequences()) for name, make in CASES.items()}, tmp_path)


def test_a_network_that_takes_waveforms_equals_the_two_steps(tmp_path: Path) -> None:
    extractor = ScatteringExtractor(2048, J=7, Q=1)
    network = randomized(gru_network(len(extractor.columns), 4, width=5, depth=2))
    model = with_scattering(network, 2048, J=7, Q=1)
    waveforms = np.random.default_rng(2).uniform(-0.5, 0.5, (3, 2048)).astype(np.float32)
    np.testing.assert_allclose(model(waveforms), network(extractor(waveforms)), atol=2e-5)
    for name in ("model.h5", "model.keras"):
        model.save(tmp_path / name)
        loaded = load_model(tmp_path / name)
        np.testing.assert_array_equal(loaded(waveforms), model(waveforms))
        # Songs are brought to this rate by whoever opens the file.
        assert NetworkExtractor(loaded).sampling_rate == 16000
    with pytest.raises(OptionError, match="J: gives .* paths"):
        with_scattering(network, 2048, J=6, Q=1)


def test_the_papers_size_has_the_papers_layers() -> None:
    model = gru_network(644)
    assert model.output_shape == (None, 188) and model.layers[-1].activation.__name__ == "sigmoid"
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.GRU)] == [512] * 5
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == pytest.approx([0.3] * 4)


def test_a_new_head_leaves_every_other_tensor_as_it_was() -> None:
    tagger = randomized(gru_network(N_PATHS, 7, clip_output="mean", **SMALL))
    before = tensors_of(tagger)
    genres = with_head(tagger, 3, seed=5)
    after = tensors_of(genres)
    assert {name for name in before if not is_of_head(name)} == {name for name in after if not is_of_head(name)}
    for name, value in after.items():
        if not is_of_head(name):
            np.testing.assert_array_equal(value, before[name], err_msg=name)
    assert after["genres/kernel"].shape == (5, 3) and not after["genres/bias"].any()
    assert options_of(genres)["clip_output"] == "mean"
    genres.get_layer("gru1").cell.kernel.assign(after["gru1/kernel"] + 1)
    np.testing.assert_array_equal(tensors_of(tagger)["gru1/kernel"], before["gru1/kernel"])


def test_the_same_seed_gives_the_same_head() -> None:
    first, second = gru_network(N_PATHS, 3, head="genres", seed=5, **SMALL), gru_network(N_PATHS, 7, seed=1, **SMALL)
    np.testing.assert_array_equal(
        tensors_of(with_head(second, 3, seed=5))["genres/kernel"], tensors_of(first)["genres/kernel"]
    )


def test_tensors_of_another_network_are_refused() -> None:
    with pytest.raises(OptionError, match="gru1/recurrent_kernel"):
        set_tensors(
            gru_network(N_PATHS, 7, width=4, depth=3),
            tensors_of(gru_network(N_PATHS, 7, **SMALL)) | {"gru1/kernel": np.zeros((N_PATHS, 12), np.float32)},
        )
    with pytest.raises(OptionError, match="not the Song 2017 network"):
        with_head(convnet(), 10)


@pytest.mark.parametrize(
    "options",
    [{"head": "moods"}, {"dropout_meaning": "lost"}, {"clip_output": "first"}, {"width": 0}, {"dropout": 1.5}],
)
def test_options_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        gru_network(N_PATHS, 7, **options)


def test_both_readings_of_the_papers_dropout() -> None:
    assert dropped_share(0.7, "dropped") == 0.7 and dropped_share(0.7, "kept") == pytest.approx(0.3)


def test_statistics_are_numpys_and_only_of_the_clips_named() -> None:
    values = sequences(200)
    values[:, :, 2] = 7.0
    rows = np.arange(0, 200, 2)
    mean, deviation = path_statistics(values, rows)
    flat = values[rows].reshape(-1, N_PATHS).astype(np.float64)
    np.testing.assert_allclose(mean, flat.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(deviation, np.where(np.arange(N_PATHS) == 2, 1, flat.std(axis=0)), rtol=1e-6)


def test_statistics_set_later_reach_a_compiled_graph() -> None:
    model = gru_network(N_PATHS, 3, head="genres", **SMALL)
    before = model.predict(sequences(), verbose=0)
    model.get_layer("standardization").set_weights(path_statistics(sequences(), np.arange(4)))
    assert np.abs(model.predict(sequences(), verbose=0) - before).max() > 1e-3
