"""How exactly, and compiled how: what a GPU does with its policy is shown on the CPU, under that policy."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import keras
import numpy as np
import pytest
import tensorflow as tf
from broken_clips import tune, write
from forked import Forked
from toy_extractor import ToyExtractor, write_clips

from mgc_keras import execution
from mgc_keras.cli.main import main
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.execution import PRECISIONS, ExecutionPolicy, device_name, full_float32, policy, set_precision
from mgc_keras.features.export import export_features
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.studies.choi2017.network import convnet
from mgc_keras.studies.jimenez2017.network import music_tagger_crnn
from mgc_keras.studies.song2017.network import gru_network
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper

N_SAMPLES = 327425  # the shortest that the convnet's five pools allow
EXACT, FAST = ExecutionPolicy("GPU", "exact"), ExecutionPolicy("GPU", "fast")


def tf32() -> bool:
    return tf.config.experimental.tensor_float_32_execution_enabled()


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give every test the settings of a fresh process, and take them back."""
    monkeypatch.setattr(execution, "_precision", "exact")
    before = tf32()
    tf.config.experimental.enable_tensor_float_32_execution(True)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(before)


@pytest.mark.parametrize("setting", [True, False])
def test_a_programs_own_setting_comes_back(setting: bool) -> None:
    tf.config.experimental.enable_tensor_float_32_execution(setting)
    with full_float32():
        assert not tf32()
        with full_float32():
            assert not tf32()
        assert not tf32()
    assert tf32() == setting
    with pytest.raises(KeyError), full_float32():
        raise KeyError
    assert tf32() == setting


def test_threads_that_overlap_restore_it_once() -> None:
    def hold(seconds: float) -> None:
        with full_float32():
            time.sleep(seconds)
            seen.append(tf32())

    seen: list[bool] = []
    threads = [Thread(target=hold, args=(0.02 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [False] * 8 and tf32()


def test_a_fast_process_keeps_tensorfloat_but_where_the_exact_numbers_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deterministic: list[bool] = []
    monkeypatch.setattr(execution, "_make_deterministic", lambda: deterministic.append(True))
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a GPU"] if kind == "GPU" else [])
    set_precision("fast")
    assert policy() == FAST and tf32() and not deterministic
    with full_float32():
        assert tf32()
    with full_float32(always=True):
        assert not tf32()
    set_precision("exact")
    assert policy() == EXACT and not tf32() and deterministic
    with pytest.raises(OptionError, match="choose one of exact, fast"):
        set_precision("half")


def test_what_goes_through_xla_depends_on_device_precision_and_layers() -> None:
    tagger, recurrent = convnet(output="tags", normalization="population"), gru_network(221, width=64)
    mixed = music_tagger_crnn(output="tags")
    assert EXACT.xla("features", tagger) and not ExecutionPolicy("CPU", "fast").xla("features", tagger)
    assert FAST.xla("training", tagger) and not EXACT.xla("training", tagger)
    assert all(ExecutionPolicy(device, "exact").xla("training", recurrent) for device in ("CPU", "GPU"))
    # Its pools have no deterministic gradient there, with or without recurrent layers behind them.
    assert FAST.xla("training", mixed) and EXACT.xla("features", mixed)
    assert not any(
        how.xla("training", mixed) for how in (EXACT, *(ExecutionPolicy("CPU", name) for name in PRECISIONS))
    )
    wide = keras.Sequential([keras.Input((3, 2)), keras.layers.GRU(129)])
    assert EXACT.xla("training", wide) and not ExecutionPolicy("CPU", "exact").xla("training", wide)

    class Unknown(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_jit = False

    inner = keras.Sequential([keras.Input((3,)), Unknown()])
    assert not FAST.xla("training", keras.Sequential([keras.Input((3,)), inner, keras.layers.Dense(2)]))


def is_small(difference: float) -> bool:
    """Tell whether a difference is what a device may have: none without TensorFloat-32, else three digits."""
    return 0 < difference < 0.05 if device_name() != "CPU" else difference == 0


def steps(model: keras.Model, how: ExecutionPolicy) -> tuple[list[float], list[np.ndarray]]:
    random = np.random.default_rng(1)
    examples = Examples(random.standard_normal((8, 24, 20, 1)).astype(np.float32), np.arange(8), np.arange(8) % 3)
    stepper = Stepper(model, 1e-2, multi_label=False, compiled_for=4, execution=how)
    losses = [stepper.step(examples, np.arange(start, start + 4))[0] for start in (0, 4, 0, 4)]
    return losses, model.get_weights()


def small_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((24, 20, 1)),
            keras.layers.Conv2D(8, 3, activation="elu"),
            keras.layers.BatchNormalization(),
            keras.Sequential([keras.layers.MaxPooling2D(2), keras.layers.Conv2D(8, 3)]),
            keras.layers.Reshape((-1, 8)),
            keras.layers.GRU(5, reset_after=False),
            keras.layers.Dense(3, "softmax"),
        ]
    )


def test_a_fast_training_multiplies_in_half_precision_and_leaves_the_model_as_it_was() -> None:
    (losses, weights), model = steps(small_network(), ExecutionPolicy("CPU", "exact")), small_network()
    dtypes: list[str] = []
    convolution = model.layers[0]
    call = convolution.call

    def watched(inputs: tf.Tensor) -> tf.Tensor:
        dtypes.append(inputs.dtype.name)
        return call(inputs)

    convolution.call = watched
    fast_losses, fast_weights = steps(model, FAST)
    # Three digits: bfloat16 keeps eight bits.
    np.testing.assert_allclose(fast_losses, losses, rtol=0.03)
    assert fast_losses != losses and "bfloat16" in dtypes
    assert all(weight.dtype == np.float32 for weight in fast_weights)
    assert all(layer.dtype_policy.name == "float32" for layer in execution.layers_of(model))
    for weight, fast in zip(weights, fast_weights, strict=True):
        np.testing.assert_allclose(fast, weight, atol=0.05)


PROGRAM = """
import mgc_keras, numpy as np
from mgc_keras.execution import set_precision
from mgc_keras.studies.choi2017.network import EXCERPT_FRAMES, excerpt_tagger
from mgc_keras.studies.jimenez2017.network import music_tagger_crnn
from mgc_keras.studies.song2017.network import gru_network
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper

set_precision()
for model in (excerpt_tagger(5), music_tagger_crnn(output="tags", input="melspectrogram"), gru_network(9, 5, width=8)):
    shape = (2, *(size or 7 for size in model.input_shape[1:]))
    targets = np.eye(model.output_shape[1], dtype=int)[:2]
    examples = Examples(np.random.default_rng(0).normal(size=shape).astype("float32"), np.arange(2), targets)
    stepper = Stepper(model, 1e-3, multi_label=True, compiled_for=2)
    before = model.get_weights()
    loss, _ = stepper.step(examples, np.arange(2))
    moved = [not (new == old).all() for new, old in zip(model.get_weights(), before)]
    print(model.name, np.isfinite(loss) and any(moved), stepper._compiled_for)
"""


def test_every_studys_network_trains_under_deterministic_operations() -> None:
    # In a process of its own: they cannot be switched off again.
    training = Forked("-c", PROGRAM)
    printed, errors = training.communicate()
    assert training.returncode == 0, errors[-2000:]
    lines = [line.split()[1:] for line in printed.splitlines()]
    assert lines == [["True", "None"], ["True", "None"], ["True", "2"]]


def test_an_operation_without_a_deterministic_kernel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*batch: tf.Tensor) -> None:
        raise tf.errors.UnimplementedError(None, None, "A deterministic GPU implementation of X is not available.\n…")

    monkeypatch.setattr(tf, "function", lambda *_, **__: refused)
    with pytest.raises(MgcKerasError, match=r"GPU cannot compute a step: A deterministic .* X .*--precision fast"):
        steps(small_network(), EXACT)


@pytest.fixture(scope="module")
def waveforms() -> np.ndarray:
    return np.stack([tune(28, 12000, 1, seed=number)[:N_SAMPLES, 0] for number in range(5)]).astype(np.float32)


def test_features_through_xla_are_the_plain_ones(waveforms: np.ndarray) -> None:
    model = convnet(N_SAMPLES, normalization="population", decibel_reference="clip", seed=1)
    plain = NetworkExtractor(model, batch_size=4)(waveforms[:3])
    extractor = NetworkExtractor(model, execution=FAST)
    assert extractor.batch_size == 64 and extractor.streams > 1
    compiled = NetworkExtractor(model, batch_size=4, execution=FAST)
    np.testing.assert_allclose(compiled(waveforms[:3]), plain, atol=5e-6 * np.abs(plain).max())
    assert compiled.describe()["precision"] == "fast" and is_small(compiled.measured()["largest_difference"])


def test_batches_that_fit_a_gpus_memory_are_computed_in_one_pass(
    waveforms: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = convnet(N_SAMPLES, seed=1)
    largest_map = 96 * 1280 * 32 * 4  # bytes of the first convolution's output
    passes: list[int] = []

    rows = []
    for memory in (6 * largest_map * 5, 6 * largest_map * 5 - 1):
        monkeypatch.setattr("mgc_keras.features.network.gpu_memory", lambda memory=memory: memory)
        extractor = NetworkExtractor(model, execution=EXACT)
        compute = extractor._compute
        extractor._compute = lambda batch, compute=compute: passes.append(len(batch)) or compute(batch)
        rows.append(extractor(waveforms))
    assert passes == [5]
    np.testing.assert_allclose(rows[1], rows[0], atol=2e-5)


class SlowExtractor(ToyExtractor):
    """Batches in three streams, the earlier the slower; each looks at its waveforms when it is about to end."""

    streams = 3

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        time.sleep(max(0.05 - 0.01 * len(self.sizes), 0))
        return super().__call__(waveforms)


@pytest.mark.parametrize("windows", [{}, {"window": 0.1, "hop": 0.05}])
def test_batches_at_once_give_the_rows_of_one_after_the_other(tmp_path: Path, windows: dict[str, float]) -> None:
    clips = write_clips(tmp_path / "clips", 19)
    options = {"n_samples": 800 if windows else 4000, "batch_size": 2}
    expected = export_features(clips, tmp_path / "one.csv", ToyExtractor(**options), **windows)
    found = export_features(clips, tmp_path / "three.csv", SlowExtractor(**options), **windows)
    assert found.read_bytes() == expected.read_bytes()


def test_a_run_of_several_streams_that_is_stopped_goes_on(tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "clips", 19)
    expected = export_features(clips, tmp_path / "whole.csv", ToyExtractor(batch_size=2))
    stopped = SlowExtractor(batch_size=2)
    stopped.stop_after = 6
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, tmp_path / "features.csv", stopped)
    again = SlowExtractor(batch_size=2)
    found = export_features(clips, tmp_path / "features.csv", again)
    assert found.read_bytes() == expected.read_bytes() and 0 < len(again.sizes) < 10


def test_the_record_beside_a_table_says_how_exact_it_is(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write(tmp_path / "clip.wav", tune(2, 12000, seed=3), 12000)
    command = ["features", str(tmp_path / "clip.wav"), "--features", "random", "-o"]
    for words in ([], ["--precision", "fast"]):
        assert main([*command, str(tmp_path / f"features{len(words)}.csv"), *words]) == 0
    exact, fast = (json.loads((tmp_path / f"features{number}.json").read_text("utf-8")) for number in (0, 2))
    assert exact["extractor"]["precision"] == "exact" and "largest_difference" not in exact
    assert fast["extractor"]["precision"] == "fast" and fast["extractor"]["device"] == device_name()
    assert is_small(fast["largest_difference"])
    command[3] = "mfcc"
    assert main([*command, str(tmp_path / "mfcc.csv"), "--precision", "fast"]) == 2
    assert "--features mfcc has no such option" in capsys.readouterr().err


def test_fast_says_where_it_changes_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(execution, "_make_deterministic", lambda: None)
    monkeypatch.setattr(execution, "policy", lambda: ExecutionPolicy("CPU", execution._precision))
    execution.set_precision("exact")
    assert not caplog.messages
    execution.set_precision("fast")
    assert len(caplog.messages) == 1 and "changes nothing here" in caplog.messages[0]
    assert not tf32()
