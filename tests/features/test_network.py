"""The convnet as an extractor: the model's numbers, the original program's numbers, the same every time."""

import numpy as np
import pandas as pd
import pytest
from broken_clips import tune, write

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.errors import OptionError
from mgc_keras.features.export import export_features
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.table import read_features
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.tensors import weights_sha256
from mgc_keras.studies.choi2017.calibration import batch_independent
from mgc_keras.studies.choi2017.network import FEATURE_COLUMNS, convnet, options_of

N_SAMPLES = 327425  # the shortest that the five pools allow


@pytest.fixture(scope="module")
def waveforms():
    generator = np.random.default_rng(0)
    tones = np.sin(2 * np.pi * np.outer(generator.uniform(100, 4000, 5), np.arange(N_SAMPLES) / 12000))
    return (tones * 0.3 + generator.normal(0, 0.01, tones.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def independent():
    return convnet(N_SAMPLES, normalization="population", decibel_reference="clip", seed=1)


def test_gives_the_models_numbers_in_any_batch(waveforms, independent):
    expected = independent(waveforms).numpy()
    scale = np.abs(expected).max()
    extractor = NetworkExtractor(independent, batch_size=4)
    assert not extractor.depends_on_batch and extractor.columns == FEATURE_COLUMNS
    # Whoever else is in the batch, and wherever a clip stands in it.
    for batch in ([0, 1, 2, 3], [1, 2, 3, 4], [4, 3, 1, 0], [2], [3, 0]):
        features = extractor(waveforms[batch])
        np.testing.assert_allclose(features, expected[batch], atol=2e-6 * scale)
        # The same batch gives the same bits: tables can be compared to the byte.
        assert (extractor(waveforms[batch]) == features).all()


def test_batch_statistics_run_on_the_batch_as_it_is(waveforms):
    model = convnet(N_SAMPLES, seed=1)
    extractor = NetworkExtractor(model)
    assert extractor.depends_on_batch and extractor.batch_size == 256
    for batch in (waveforms, waveforms[:2], waveforms[:1]):
        expected = model(batch).numpy()
        np.testing.assert_allclose(extractor(batch), expected, atol=2e-5)
    assert np.abs(extractor(waveforms[:2])[0] - extractor(waveforms[:1])[0]).max() > 0.01


def test_large_batches_give_the_same_as_whole_ones(waveforms, monkeypatch):
    extractor = NetworkExtractor(convnet(N_SAMPLES, seed=1))
    whole = extractor(waveforms)
    monkeypatch.setattr("mgc_keras.features.network._LARGEST_ON_CPU", 2)
    extractor = NetworkExtractor(convnet(N_SAMPLES, seed=1))
    np.testing.assert_allclose(extractor(waveforms), whole, atol=2e-5)


def test_tags_have_their_names():
    model = convnet(N_SAMPLES, output="tags", normalization="population", decibel_reference="clip")
    assert NetworkExtractor(model).columns == TAGS
    other = convnet(N_SAMPLES, output="tags", n_tags=3, normalization="population", decibel_reference="clip")
    assert NetworkExtractor(other).columns == ("output_000", "output_001", "output_002")


def test_the_description_holds_the_weights_hash_and_the_settings(tmp_path, independent):
    path = tmp_path / "model.keras"
    independent.save(path)
    about = NetworkExtractor(path, batch_size=2, fit="crop").describe()
    assert about["weights_sha256"] == weights_sha256(independent) != weights_sha256(convnet(N_SAMPLES, seed=2))
    assert about["weights_file"] == "model.keras" and len(about["weights_file_sha256"]) == 64
    assert about["front_end"]["decibel_reference"] == "clip" and about["front_end"]["framing"] == "theano"
    assert (about["normalization"], about["fit"], about["batch_size"]) == ("population", "crop", 2)


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_order": "x"}, {"fit": "stretch"}])
def test_refuses_what_makes_no_sense(independent, options):
    with pytest.raises(OptionError):
        NetworkExtractor(independent, **options)


def test_refuses_a_model_that_takes_no_waveforms():
    with pytest.raises(OptionError, match="waveforms"):
        NetworkExtractor(convnet(input="melspectrogram"))


def test_calibration_makes_clips_independent_and_is_repeatable(tmp_path):
    for index in range(6):
        write(tmp_path / f"{index}.wav", tune(3.0, 12000, seed=index) * (0.2 + 0.1 * index), 12000)
    (tmp_path / "broken.wav").write_bytes(b"")
    model = convnet(N_SAMPLES, seed=1)
    (one, about), (two, _) = (batch_independent(model, tmp_path, jobs=jobs) for jobs in (1, 2))
    assert (about["n_clips"], about["n_used"]) == (7, 6)
    assert [clip["filepath"] for clip in about["failed"]] == ["broken.wav"]
    assert options_of(one).normalization == "population" and options_of(one).decibel_reference == "clip"
    assert weights_sha256(one) == weights_sha256(two)
    assert batch_independent(one, tmp_path) == (one, None)
    # On the calibration set as one batch, each clip referred to its own maximum, both networks agree.
    clips = [tmp_path / f"{index}.wav" for index in range(6)]
    batch = np.stack([fit_waveform(read_waveform(path), N_SAMPLES) for path in clips])
    by_batch = convnet(N_SAMPLES, seed=1, decibel_reference="clip")(batch).numpy()
    np.testing.assert_allclose(NetworkExtractor(one, batch_size=2)(batch[:2]), by_batch[:2], atol=1e-4)
    with pytest.raises(OptionError, match="no clip can be read"):
        batch_independent(model, [tmp_path / "broken.wav"])


@pytest.mark.parametrize(("order", "key"), [("file", "batch60"), ("single", "batch1")])
def test_equals_the_original_program_from_audio_files(shared_data, tmp_path, order, key):
    golden = np.load(shared_data / "golden/choi2017_theano.npz", allow_pickle=False)
    paths = [shared_data / "audio/emotify" / filepath for filepath in golden["filepath"]]
    rows = slice(None) if order == "file" else slice(0, 12)
    weights = shared_data / "choi2017/weights/weights_layer4_theano.hdf5"
    extractor = NetworkExtractor(weights, fit="zero_pad", batch_order=order)
    features = read_features(export_features(paths[rows], tmp_path / "features.csv", extractor))
    assert len(features) == len(paths[rows])
    difference = np.abs(features.to_numpy() - golden[key][rows])
    assert difference.max() < 5e-4 and difference.mean() < 1e-5


def test_clips_in_sorted_batches_differ_from_shuffled_ones(tmp_path):
    names = []
    for index in range(4):
        names.append(write(tmp_path / f"{index}.wav", tune(3.0, 12000, seed=index) * 0.3 ** (index % 2), 12000).name)
    pd.DataFrame({"clip_id": names, "filepath": names, "label": list("abab")}).to_csv(tmp_path / "set.csv", index=False)
    model = convnet(N_SAMPLES, seed=1)
    tables = {}
    for order in ("file", "sorted", "single"):
        extractor = NetworkExtractor(model, batch_size=2, batch_order=order)
        tables[order] = read_features(export_features(tmp_path / "set.csv", tmp_path / f"{order}_out.csv", extractor))
    assert all(table.index.tolist() == names for table in tables.values())
    assert np.abs(tables["sorted"] - tables["file"]).to_numpy().max() > 0.01
    assert np.abs(tables["single"] - tables["file"]).to_numpy().max() > 0.01
