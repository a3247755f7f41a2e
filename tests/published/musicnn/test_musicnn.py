"""musicnn: its networks against the original program's outputs, its files against each other, and bad ones by name."""

import hashlib
import json
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

from mgc_keras.audio.files import read_waveform
from mgc_keras.cli.main import main
from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.table import read_features
from mgc_keras.layers.log_melspectrogram import LogMelSpectrogram
from mgc_keras.networks import registry
from mgc_keras.networks.kinds import kind_of
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.load import load_model
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.networks.wheels import Wheel, WheelFile
from mgc_keras.published.musicnn import network
from mgc_keras.published.musicnn.extractor import PatchMeans, patches_of
from mgc_keras.published.musicnn.weight_files import FILES

LAYERS = {"musicnn": network.MUSICNN_LAYERS, "vgg": network.VGG_LAYERS}


@pytest.fixture(scope="module", params=["musicnn", "vgg"])
def trained(request):
    """One of the networks, with weights of seed 0 that are no two the same; and its name."""
    name = request.param
    model = getattr(network, name)(7, input="melspectrogram")
    generator = np.random.default_rng(0)
    tensors = {key: generator.uniform(0.01, 0.1, value.shape) for key, value in tensors_of(model).items()}
    return name, set_tensors(model, {key: value.astype(np.float32) for key, value in tensors.items()})


def stored_names(name, model):
    """The tensors of a network under the names that the authors' program gives them, in shapes of two dimensions."""
    found, kinds = {}, {"conv2d": "convolutions", "batch_normalization": "normalizations", "dense": "dense"}
    for kind, field in kinds.items():
        for number, layer in enumerate(getattr(LAYERS[name], field)):
            stem = f"{kind}_{number}" if number else kind
            if name == "vgg" and kind == "conv2d":
                stem = f"{number + 1}CNN"
            for key, value in tensors_of(model).items():
                if key.rpartition("/")[0] == layer:
                    values = value[:, :, None] if value.ndim == 3 else value
                    found[f"{stem}/{key.rpartition('/')[2]}"] = values
    return found


def write_checkpoint(prefix, tensors):
    """Write tensors as TensorFlow 1 does."""
    import tensorflow as tf

    names, values = zip(*tensors.items())
    slices = [""] * len(names)
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=names, shape_and_slices=slices, tensors=list(values))
    return prefix.with_name(prefix.name + ".index")


def test_a_checkpoint_gives_the_network_that_was_written(trained, tmp_path):
    name, model = trained
    # Those of optimisers and counters are passed over.
    tensors = stored_names(name, model) | {"beta1_power": np.float32(0.9), "dense/bias/Adam": np.zeros(3, np.float32)}
    path = write_checkpoint(tmp_path / "own", tensors)
    same = load_model(path, input="melspectrogram")
    levels = np.random.default_rng(1).uniform(0, 4, (1, 187, 96, 1)).astype(np.float32)
    np.testing.assert_array_equal(same(levels), model(levels))
    assert load_model(path).input_shape == (None, 48128)
    assert load_model(path, output="features").output_shape == (None, {"musicnn": 953, "vgg": 256}[name])


def test_bad_checkpoints_are_named(trained, tmp_path):
    name, model = trained
    tensors = stored_names(name, model)
    first = "conv2d_3/kernel" if name == "musicnn" else "3CNN/kernel"
    for changed, words in (
        ({key: value for key, value in tensors.items() if key != first}, f"{first}: this tensor is missing"),
        (tensors | {first: tensors[first][1:]}, f"{first}: has shape"),
        (tensors | {first: tensors[first].astype(np.float64)}, f"{first}: holds float64"),
        (tensors | {first: np.full_like(tensors[first], np.nan)}, f"{first}: holds NaN"),
        ({"v": np.zeros(3, np.float32)}, "v: is a TensorFlow checkpoint of no published network"),
    ):
        path = write_checkpoint(tmp_path / "bad", changed)
        with pytest.raises(WeightsError, match=words) as caught:
            load_model(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    path = write_checkpoint(tmp_path / "good", tensors)
    data = tmp_path / "good.data-00000-of-00001"
    content, index = data.read_bytes(), path.read_bytes()
    data.write_bytes(content[:1000] + b"????" + content[1004:])
    with pytest.raises(WeightsError, match=r"good.index: .*is damaged"):
        load_model(path)
    data.write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match=r"good.index: "):
        load_model(path)
    data.write_bytes(content)
    for place in range(0, len(index) - 60, 397):
        path.write_bytes(index[:place] + bytes([index[place] ^ 255]) + index[place + 1 :])
        with pytest.raises(WeightsError):
            load_model(path)
    path.write_bytes(index)
    data.unlink()
    with pytest.raises(WeightsError, match=r"there is no good.data-00000-of-00001 beside it"):
        load_model(path)


def test_variants_and_saved_files_keep_the_weights(trained, tmp_path):
    name, model = trained
    named = getattr(network, name)(7, names="abcdefg", input="melspectrogram")
    set_tensors(named, tensors_of(model)).save(tmp_path / "own.keras")
    tags, features = load_model(tmp_path / "own.keras"), load_model(tmp_path / "own.keras", output="features")
    assert tags.layers[-1].names == tuple("abcdefg") and kind_of(tags).name == "a network of musicnn"
    columns = kind_of(features).columns(features)
    first = {"musicnn": "penultimate_000", "vgg": "pool5_000"}[name]
    assert columns[0] == first and len(set(columns)) == features.output_shape[1]
    below = keras.Model(model.input, model.get_layer({"musicnn": "penultimate", "vgg": "pool5"}[name]).output)
    levels = np.random.default_rng(1).uniform(0, 4, (1, 187, 96, 1)).astype(np.float32)
    expected = below(levels).numpy()
    np.testing.assert_allclose(features(levels).numpy()[:, : expected.shape[1]], expected, rtol=1e-5)
    features.save(tmp_path / "features.keras")
    with pytest.raises(WeightsError, match="features.keras: output: the model has no tags"):
        load_model(tmp_path / "features.keras", output="tags")
    with pytest.raises(OptionError):
        load_model(tmp_path / "own.keras", output="scores")


def test_the_front_end_is_librosas(shared_data):
    librosa = pytest.importorskip("librosa")
    waveform = read_waveform(next((shared_data / "audio/emotify/rock").glob("*.mp3")), 16000, 10, 8)
    power = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect"
    )
    expected = np.log10(10000 * power.T.astype(np.float16).astype(np.float32) + 1)[: 2 * 187].reshape(2, 187, 96)
    ours = LogMelSpectrogram()(patches_of(waveform)).numpy()[..., 0]
    np.testing.assert_allclose(ours, expected, atol=5e-4)
    # Few values lie so near the middle between two halves that they are rounded the other way.
    assert np.mean(np.abs(ours - expected) > 2e-5) < 1e-2


def test_not_finite_and_short_clips():
    silence = np.zeros((1, 48128), np.float32)
    silence[0, 7] = np.nan
    assert np.isnan(LogMelSpectrogram()(silence)).all()
    ramp = np.arange(1000, dtype=np.float32)
    assert patches_of(ramp).shape == (1, 48128)
    np.testing.assert_array_equal(patches_of(ramp)[0, 256 : 256 + 47616], np.tile(ramp, 48)[:47616])
    # What is left at the end is not used: 2 * 187 frames need 373 hops.
    assert [len(patches_of(np.zeros(373 * 256 + extra, np.float32))) for extra in (-1, 0)] == [1, 2]


@pytest.mark.parametrize("name", ["MTT_musicnn", "MTT_vgg"])
def test_keras2_models_and_checkpoints_hold_the_same(shared_data, name, capsys):
    model = load_model(shared_data / "musicnn" / f"{name}.h5")
    assert model.layers[-1].names == network.MTT_TAGS and model.input_shape == (None, 48128)
    assert capsys.readouterr().err == ""
    if not registry.is_cached(name):
        pytest.skip(f"needs {name} in the cache: 'mgc-keras weights fetch {name}'")
    same = tensors_of(load_model(name))
    assert {key: value.tobytes() for key, value in tensors_of(model).items()} == {
        key: value.tobytes() for key, value in same.items()
    }


def test_the_original_programs_features(shared_data):
    """`max_pool` is the mean over all patches of a clip; `penultimate`, as its numbers say, that of the first patch."""
    if not registry.is_cached("MSD_musicnn"):
        pytest.skip("needs MSD_musicnn in the cache: 'mgc-keras weights fetch MSD_musicnn'")
    golden = np.load(shared_data / "golden" / "musicnn_emotify60.npz", allow_pickle=False)
    extractor = PatchMeans(NetworkExtractor(load_model("MSD_musicnn", output="features")))
    paths = [shared_data / "audio" / "emotify" / path for path in golden["filepath"]]
    first = extractor([read_waveform(path, 16000, duration=4.0, resampler="kaiser_best")[:48000] for path in paths])
    assert_within(first[:, :200], golden["penultimate"])
    whole = extractor([read_waveform(paths[position], 16000, resampler="kaiser_best") for position in (2, 35)])
    assert_within(whole[:, 200:], golden["max_pool"], [2, 35])


def assert_within(rows, golden, positions=slice(None)):
    """Within a thousandth of each column's spread; maps that no clip stirs differ by the rounding of float32 alone."""
    spread, size = golden.std(axis=0), np.abs(golden).max(axis=0)
    within = np.maximum(1e-3 * spread, 1e-6 * np.maximum(size, 1))
    assert (np.abs(rows - golden[positions]) <= within).all()


def test_a_changed_architecture_is_not_taken_for_musicnns(shared_data, tmp_path):
    """Nothing of a graph is run: with any other operation in its place a file is refused, and the layer named."""
    path = tmp_path / "changed.h5"
    shutil.copyfile(shared_data / "musicnn" / "MTT_musicnn.h5", path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        layer = next(layer for layer in config["config"]["layers"] if layer["name"] == "tf_op_layer_Max")
        layer["config"]["node_def"]["op"] = "Min"
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(WeightsError, match="changed.h5: .*TensorFlowOpLayer"):
        load_model(path)


@pytest.mark.parametrize("fault", ["shape", "missing", "nan"])
def test_bad_keras2_models_are_named(shared_data, tmp_path, fault):
    path = tmp_path / "bad.h5"
    shutil.copyfile(shared_data / "musicnn" / "MTT_musicnn.h5", path)
    with h5py.File(path, "r+") as file:
        group, name = file["model_weights/midend_conv2/midend_conv2"], "kernel:0"
        values = group[name][:]
        del group[name]
        if fault != "missing":
            values[0] = np.nan
            group[name] = values if fault == "nan" else values[1:]
    words = {"shape": "has shape", "missing": "this tensor is missing", "nan": "holds NaN"}[fault]
    with pytest.raises(WeightsError, match=f"bad.h5: .*midend_conv2/kernel:0: {words}"):
        load_model(path)


@pytest.fixture
def wheel(trained, tmp_path, monkeypatch):
    """A wheel that holds one small network, its registry entry, and an empty cache."""
    name, model = trained
    index = write_checkpoint(tmp_path / "own", stored_names(name, model))
    data = tmp_path / "own.data-00000-of-00001"
    path = tmp_path / "own-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(index, "own/net/.index")
        archive.write(data, "own/net/.data-00000-of-00001")
    sha256 = lambda file: hashlib.sha256(file.read_bytes()).hexdigest()
    published = Wheel("own==1.0", path.name, sha256(path))
    monkeypatch.setitem(FILES, "own", WheelFile("own", published, "own/net/.index", sha256(index), sha256(data)))
    monkeypatch.setenv("MGC_KERAS_CACHE", str(tmp_path / "cache"))
    return path


def test_a_wheel_is_added_and_its_networks_have_names(wheel, tmp_path, capsys):
    with pytest.raises(WeightsError, match="own.*weights add FILE"):
        load_model(wheel)
    assert not registry.is_cached("own")
    assert registry.add_weights(wheel) == ("own", registry.cached_path("own"))
    assert registry.is_cached("own") and registry.fetch_weights("own").name == "own.index"
    assert load_model("own").output_shape == (None, 7)
    (tmp_path / "cache" / "own.data-00000-of-00001").write_bytes(b"damaged")
    assert not registry.is_cached("own")
    changed = tmp_path / "changed.whl"
    changed.write_bytes(wheel.read_bytes() + b"?")
    with pytest.raises(WeightsError, match=r"changed.whl: sha256: .*no published wheel has it"):
        registry.add_weights(changed)
    with pytest.raises(WeightsError, match="own: .*wheel.*leave it out"):
        registry.fetch_weights("own", ref="master")


def test_features_and_tags_from_the_command_line(shared_data, tmp_path, capsys):
    clips = sorted((shared_data / "audio" / "emotify" / "rock").glob("*.mp3"))[:2]
    weights = shared_data / "musicnn" / "MTT_vgg.h5"
    table, options = tmp_path / "x.csv", ["--features", "musicnn", "--weights", str(weights)]
    assert main(["features", *map(str, clips), "-o", str(table), *options, "--output", "tags"]) == 0
    found = read_features(table)
    assert tuple(found.columns) == network.MTT_TAGS
    extractor = NetworkExtractor(load_model(weights))
    patches = patches_of(read_waveform(clips[1], 16000, resampler="kaiser_best"))
    np.testing.assert_allclose(found.to_numpy()[1], extractor(patches[:16]).mean(axis=0), atol=0.2)
    rows = np.concatenate([extractor(patches[:16]), extractor(patches[16:])])
    np.testing.assert_allclose(found.to_numpy()[1], rows.mean(axis=0), atol=1e-6)
    capsys.readouterr()
    assert main(["tag", str(clips[0]), "--weights", str(weights), "--top", "2"]) == 0
    song, excerpts = capsys.readouterr().out.splitlines()
    assert "guitar" in song and excerpts == "  the mean of 19 excerpts of 3.01 s (--why shows each)"
    other = tmp_path / "other.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(other)
    assert main(["features", str(clips[0]), "-o", str(table), "--features", "musicnn", "--weights", str(other)]) == 2
    assert "is no network of musicnn" in capsys.readouterr().err


def test_tags_of_msd_are_last_fms():
    assert len(set(network.MTT_TAGS)) == len(set(TAGS)) == 50 and set(network.MTT_TAGS) != set(TAGS)
