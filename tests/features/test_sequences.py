"""Scattering sequences: the Keras layer's numbers, resumable, and one bad clip never ends them."""

import json

import numpy as np
import pytest
import soundfile
from toy_extractor import ToyExtractor, write_clips

from mgc_keras.errors import OptionError
from mgc_keras.features.export import export_features
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.features.sequences import read_sequences
from mgc_keras.layers.scattering import Scattering

N = 8000


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "clips"
    home.mkdir()
    for number in range(5):
        noise = 0.1 * np.random.default_rng(number).standard_normal(N if number < 4 else N // 2)
        soundfile.write(home / f"{number}.wav", noise, 16000, subtype="FLOAT")
    (home / "broken.wav").write_text("no audio")
    return home


def extractor():
    return ScatteringExtractor(N, J=7, Q=4, batch_size=2, jobs=1)


def test_equals_the_layer(folder, tmp_path):
    sequences = read_sequences(export_features(folder, tmp_path / "out.npz", extractor(), jobs=1))
    assert len(sequences.clip_ids) == 5 and "broken" not in " ".join(sequences.clip_ids)
    assert len(set(sequences.columns)) == sequences.values.shape[2]
    waveform, _ = soundfile.read(folder / "0.wav", dtype="float32")
    row = [number for number, name in enumerate(sequences.clip_ids) if name.startswith("0")][0]
    expected = Scattering(J=7, Q=4, logarithm=True)(waveform[None]).numpy()[0].T
    np.testing.assert_allclose(sequences.values[row], expected, atol=2e-4)
    with np.load(tmp_path / "out.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["values"], sequences.values)
    assert "broken" in (tmp_path / "out_errors.csv").read_text()


def test_a_stopped_run_goes_on_to_the_same_bytes(folder, tmp_path):
    whole = export_features(folder, tmp_path / "whole" / "out.npz", extractor(), jobs=1)

    class Stopping(ScatteringExtractor):
        calls = 0

        def __call__(self, waveforms):
            Stopping.calls += 1
            if Stopping.calls == 2:
                raise KeyboardInterrupt
            return super().__call__(waveforms)

    target = tmp_path / "stopped" / "out.npz"
    with pytest.raises(KeyboardInterrupt):
        export_features(folder, target, Stopping(N, J=7, Q=4, batch_size=2, jobs=1), jobs=1)
    assert not target.exists()
    export_features(folder, target, extractor(), jobs=1)
    assert target.read_bytes() == whole.read_bytes()
    assert not list(target.parent.glob("*.partial"))


class Noise(ToyExtractor):
    """Matrices of a few numbers, quickly."""

    columns = ("a", "b", "c")

    def __call__(self, waveforms):
        return super().__call__(waveforms)[:, None] * np.arange(1, 5, dtype=np.float32)[:, None]


def test_a_damaged_file_is_no_finished_one_and_is_not_read(tmp_path):
    clips = write_clips(tmp_path / "clips", 5)
    path = export_features(clips, tmp_path / "out.npz", Noise())
    whole, right = path.read_bytes(), np.array(read_sequences(path).values)
    draw = np.random.default_rng(0)
    for length in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:length])
        with pytest.raises(OptionError, match="damaged"):
            read_sequences(path)
    for place in draw.integers(len(whole), size=150).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << int(draw.integers(8))]) + whole[place + 1 :])
        try:
            found = read_sequences(path)
        except OptionError:
            continue
        assert (found.values == right).all() and found.clip_ids == [clip.stem for clip in clips]
    assert export_features(clips, path, Noise()).read_bytes() == whole
    record = json.loads((tmp_path / "out.json").read_text())
    # As earlier versions left it: without a hash.
    (tmp_path / "out.json").write_text(json.dumps({name: record[name] for name in record if name != "npz_sha256"}))
    again = Noise()
    export_features(clips, path, again)
    assert again.sizes and json.loads((tmp_path / "out.json").read_text()) == record
    for text in ("", "[1]", "{", "7", "null", "[" * 100000):
        (tmp_path / "out.json").write_text(text)
        with pytest.raises(OptionError, match="out.json: is damaged"):
            read_sequences(path)


def test_wrong_files_are_refused(folder, tmp_path):
    with pytest.raises(OptionError, match=r"\.npz"):
        export_features(folder, tmp_path / "out.csv", extractor())
    with pytest.raises(OptionError, match="missing"):
        read_sequences(tmp_path / "none.npz")


def test_matrices_of_different_shapes_are_refused(folder, tmp_path):
    class Growing(ScatteringExtractor):
        def __call__(self, waveforms):
            return super().__call__(waveforms)[:, : 1 + len(waveforms)]

    with pytest.raises(OptionError, match="4: gives a matrix"):
        export_features(folder, tmp_path / "out.npz", Growing(N, J=7, Q=4, batch_size=2, jobs=1))
    assert not (tmp_path / "out.npz").exists()
