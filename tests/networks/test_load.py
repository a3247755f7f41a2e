"""Files that load, and files that must not."""

import json
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.networks.kinds import network_kinds
from mgc_keras.networks.load import load_model
from mgc_keras.studies.choi2017.network import convnet, options_of

SHORTEST = 327425


@pytest.fixture
def theano_file(shared_data, tmp_path):
    """A copy of the published Theano file, to be changed."""
    path = tmp_path / "theano.hdf5"
    shutil.copyfile(shared_data / "choi2017" / "weights" / "weights_layer4_theano.hdf5", path)
    return path


@pytest.fixture
def keras2_file(shared_data, tmp_path):
    """A copy of the published Keras-2 model, to be changed."""
    path = tmp_path / "keras2.hdf5"
    shutil.copyfile(shared_data / "choi2017" / "weights" / "model_best.hdf5", path)
    return path


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_saved_tagger_gives_features_too(tmp_path, suffix):
    tagger = convnet(SHORTEST, output="tags", n_tags=3, input="melspectrogram", decibel_reference="clip")
    tagger.compile("adam", "mse")
    tagger.save(tmp_path / f"tagger.{suffix}")
    same = load_model(tmp_path / f"tagger.{suffix}")
    assert options_of(same) == options_of(tagger) and not same.compiled
    features = load_model(tmp_path / f"tagger.{suffix}", output="features", input="waveform")
    assert features.input_shape == (None, SHORTEST) and features.output_shape == (None, 160)
    assert options_of(features).decibel_reference == "clip"
    maps = np.random.default_rng(0).uniform(-80, 0, (2, 96, 1280, 1)).astype(np.float32)
    np.testing.assert_array_equal(same(maps).numpy(), tagger(maps).numpy())


def test_saved_features_have_no_tags(tmp_path):
    convnet(SHORTEST).save(tmp_path / "features.keras")
    with pytest.raises(WeightsError, match="features.keras: output: the model has no tagging head"):
        load_model(tmp_path / "features.keras", output="tags")
    with pytest.raises(WeightsError, match="calibrate"):
        load_model(tmp_path / "features.keras", normalization="population")
    with pytest.raises(OptionError, match="framing"):
        load_model(tmp_path / "features.keras", framing="torch")


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_a_lambda_layer_is_refused(tmp_path, suffix):
    path = tmp_path / f"lambda.{suffix}"
    keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1, name="sneaky")]).save(path)
    with pytest.raises(WeightsError, match=f"lambda.{suffix}: sneaky: .*code"):
        load_model(path)


def test_a_nested_lambda_layer_is_refused(tmp_path):
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x, name="sneaky")])
    keras.Sequential([keras.Input((3,)), inner]).save(tmp_path / "nested.keras")
    with pytest.raises(WeightsError, match="sneaky"):
        load_model(tmp_path / "nested.keras")


def test_a_layer_from_elsewhere_is_refused(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="odd")]).save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as old, zipfile.ZipFile(tmp_path / "bad.keras", "w") as new:
        for name in old.namelist():
            new.writestr(
                name, old.read(name).replace(b'"keras.layers", "class_name": "Dense"', b'"os", "class_name": "Dense"')
            )
    with pytest.raises(WeightsError, match="bad.keras: odd: .*'os'"):
        load_model(tmp_path / "bad.keras")


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_class_that_another_program_registered_is_named(suffix, tmp_path):
    Odd = keras.saving.register_keras_serializable("other")(type("Odd", (keras.layers.Dense,), {}))
    keras.Sequential([keras.Input((3,)), Odd(2)]).save(tmp_path / f"odd{suffix}")
    # As in a process that has not imported that program.
    del keras.saving.get_custom_objects()["other>Odd"]
    # Files of Keras 3 name the module.
    own = "odd_?.*: Odd comes from" if suffix == ".keras" else "class other>Odd, which neither Keras nor this"
    with pytest.raises(WeightsError, match=own):
        load_model(tmp_path / f"odd{suffix}")


def test_another_saved_network_loads_but_has_no_options(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="other").save(tmp_path / "other.keras")
    assert load_model(tmp_path / "other.keras").output_shape == (None, 2)
    with pytest.raises(WeightsError, match="'other' is not the Choi 2017 convnet"):
        load_model(tmp_path / "other.keras", output="features")


def write(path, content):
    path.write_bytes(content)
    return path


def test_files_that_are_none(tmp_path):
    cases = [
        (tmp_path / "missing.h5", "no such file"),
        (tmp_path, "folder"),
        (write(tmp_path / "empty.h5", b""), "neither"),
        (write(tmp_path / "text.keras", b"these are no weights\n" * 100), "neither"),
    ]
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    cases.append((tmp_path / "zip.keras", "no whole .keras file"))
    with h5py.File(tmp_path / "random.h5", "w") as file:
        file["numbers"] = np.arange(5)
    cases.append((tmp_path / "random.h5", "numbers"))
    with h5py.File(tmp_path / "config.h5", "w") as file:
        file.attrs["model_config"] = "{"
    cases.append((tmp_path / "config.h5", "model_config"))
    for path, words in cases:
        with pytest.raises(WeightsError, match=words) as caught:
            load_model(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_truncated_and_incomplete_saved_models(tmp_path, suffix):
    path = tmp_path / f"model.{suffix}"
    convnet(SHORTEST).save(path)
    content = path.read_bytes()
    with pytest.raises(WeightsError, match="whole"):
        load_model(write(tmp_path / f"cut.{suffix}", content[: len(content) // 2]))


def test_a_saved_model_without_one_tensor(tmp_path):
    path = tmp_path / "model.h5"
    convnet(SHORTEST).save(path)
    with h5py.File(path, "a") as file:
        del file["model_weights/bn3/bn3/beta"]
    with pytest.raises(WeightsError, match="model.h5.*bn3"):
        load_model(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("choi2017/weights/weights_layer0_theano.hdf5", "convolution2d_2_W: holds 1 of the 5 layers"),
        ("golden/choi2017_theano.npz", "no whole .keras file"),
    ],
)
def test_files_of_other_networks(shared_data, name, words):
    with pytest.raises(WeightsError, match=words) as caught:
        load_model(shared_data / name)
    assert str(shared_data / name) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("choi2017/weights/weights_layer4_theano.hdf5", "the Choi 2017 convnet"),
        ("choi2017/weights/model_best.hdf5", "the Choi 2017 convnet"),
        ("taggers/compact_cnn_weights_layer4_tensorflow.hdf5", "the Choi 2017 convnet"),
        ("taggers/music_tagger_crnn_weights_theano.h5", "MusicTaggerCRNN"),
        ("taggers/music_tagger_crnn_weights_tensorflow.h5", "MusicTaggerCRNN"),
        ("upc/crnn_net_gru_adam_ours_epoch_40.h5", "MusicTaggerCRNN"),
    ],
)
def test_a_published_file_has_one_reader(shared_data, name, network):
    """Whichever reader is asked first."""
    with h5py.File(shared_data / name, "r") as file:
        found = [kind.name for kind in network_kinds() for reader in kind.readers if reader.recognises(file)]
    assert found == [network]


def test_what_published_files_lack(shared_data):
    with pytest.raises(WeightsError, match="dense_1.*lacks the tagging head"):
        load_model(shared_data / "taggers" / "compact_cnn_weights_layer4_tensorflow.hdf5", output="tags")
    with pytest.raises(WeightsError, match="no population statistics"):
        load_model(shared_data / "choi2017" / "weights" / "weights_layer4_theano.hdf5", normalization="population")


def _delete(name):
    return lambda file: file.__delitem__(name)


def _replace(name, values):
    def change(file):
        if name in file:
            del file[name]
        file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_delete("ConvBNEluDr/convolution2d_3_b"), "convolution2d_3_b.*missing"),
        (_delete("ConvBNEluDr/batchnormalization_5_gamma"), "batchnormalization_5_gamma.*missing"),
        (_delete("dense_1/dense_1_b"), "dense_1_b.*missing"),
        (_delete("melgram"), "melgram.*missing"),
        (_delete("melgram/param_2"), "param_2.*missing"),
        (
            _replace("ConvBNEluDr/convolution2d_2_W", np.zeros((32, 32, 5, 5))),
            r"convolution2d_2_W: has shape \(32, 32, 5, 5\)",
        ),
        (_replace("ConvBNEluDr/convolution2d_2_b", np.full(32, np.nan)), "convolution2d_2_b.*NaN"),
        (_replace("ConvBNEluDr/extra", np.zeros(3)), "extra.*no place"),
        (_replace("melgram/param_2", np.zeros((257, 96))), "param_2.*another front end"),
        (lambda file: file.attrs.__setitem__("layer_names", [b"melgram", b"lstm_1"]), "lstm_1"),
    ],
)
def test_changed_theano_files(theano_file, change, words):
    with h5py.File(theano_file, "a") as file:
        change(file)
    with pytest.raises(WeightsError, match=words):
        load_model(theano_file)


@pytest.mark.parametrize(
    ("index", "option", "value", "words"),
    [
        (0, "n_mels", 128, "melgram: n_mels is 128"),
        (5, "pool_size", [4, 4], "MP_1: pool_size"),
        (7, "epsilon", 1e-5, "batch_normalization_2: epsilon"),
    ],
)
def test_changed_keras2_models(keras2_file, index, option, value, words):
    with h5py.File(keras2_file, "a") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"][index]["config"][option] = value
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(WeightsError, match=words):
        load_model(keras2_file)


def test_incomplete_keras2_models(keras2_file):
    with h5py.File(keras2_file, "a") as file:
        del file["model_weights/conv2d_4/conv2d_4/bias:0"]
    with pytest.raises(WeightsError, match="conv2d_4/bias:0.*missing"):
        load_model(keras2_file)
    with h5py.File(keras2_file, "a") as file:
        del file["model_weights/conv2d_4"]
    with pytest.raises(WeightsError, match="conv2d_4.*missing"):
        load_model(keras2_file)
    with h5py.File(keras2_file, "a") as file:
        del file["model_weights"]
    with pytest.raises(WeightsError, match="model_weights.*missing"):
        load_model(keras2_file)


def test_truncated_published_file(theano_file):
    content = theano_file.read_bytes()
    with pytest.raises(WeightsError, match="neither a whole HDF5"):
        load_model(write(theano_file, content[:600_000]))


def test_a_model_under_the_name_of_another_kind_of_file(tmp_path):
    for suffix, other, cure in (("keras", "h5", "let its name end in .keras"), ("h5", "keras", "rename it")):
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / f"model.{suffix}")
        (tmp_path / f"model.{suffix}").rename(tmp_path / f"odd.{other}")
        with pytest.raises(WeightsError, match=f"odd.{other}: .*{cure}"):
            load_model(tmp_path / f"odd.{other}")


def test_models_without_choices_say_what_they_are_for(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "model.h5")
    with pytest.raises(WeightsError, match="model.h5: output: .*other models are for 'mgc-keras classify'"):
        load_model(tmp_path / "model.h5", output="features")
