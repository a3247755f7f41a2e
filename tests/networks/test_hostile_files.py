"""Weight files that lie: each is refused in one line, before memory is taken, or read for what it says itself."""

import io
import json
import zipfile
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mgc_keras.errors import WeightsError
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.networks import saved
from mgc_keras.networks.keras_weights import read_keras_weights
from mgc_keras.networks.load import load_model

WEIGHT = {"h5": "model_weights/dense/small/dense/kernel", "keras": "layers/dense/vars/0"}


def small_model(units: int = 3) -> keras.Model:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, name="dense")], name="small")


def save(path: Path, **options: int) -> Path:
    small_model(**options).save(path)
    return path


def change_zip(path: Path, change: Callable[[dict[str, bytes]], None], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def change_hdf5(path: Path, change: Callable[[h5py.File, str], None]) -> Path:
    """Change the HDF5 file at `path`, or the one within the .keras file there; `change` is given the kernel's name."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            change(file, WEIGHT["h5"])
        return path

    def within(members: dict[str, bytes]) -> None:
        stream = io.BytesIO(members["model.weights.h5"])
        with h5py.File(stream, "r+") as file:
            change(file, WEIGHT["keras"])
        members["model.weights.h5"] = stream.getvalue()

    change_zip(path, within)
    return path


def replaced(make: Callable[[h5py.Group, str], None]) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, name: str) -> None:
        group, last = file[name].parent, name.rsplit("/", 1)[-1]
        del group[last]
        make(group, last)

    return change


def external(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (2, 3), "f4", external=[("/etc/passwd", 0, 24)])


def linked(group: h5py.Group, name: str) -> None:
    group[name] = h5py.ExternalLink("other.h5", "/numbers")


def soft(group: h5py.Group, name: str) -> None:
    group["twin"] = np.ones((2, 3), "f4")
    group[name] = h5py.SoftLink(f"{group.name}/twin")


def virtual(group: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "numbers", (2, 3))
    group.create_virtual_dataset(name, layout)


def filled(value: float) -> Callable[[h5py.Group, str], None]:
    return lambda group, name: group.create_dataset(name, data=np.full((2, 3), value, "f4"))


def huge(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (2, 2**31), "f4", chunks=(2, 2**10), compression="gzip")[:, 0] = 1


def odd_floats(group: h5py.Group, name: str) -> None:
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_ebias(100)
    space = h5py.h5s.create_simple((2, 3))
    h5py.h5d.create(group.id, name.encode(), kind, space).write(space, space, np.ones((2, 3), "f4"))


DATASETS = {
    "external": (external, "lies in another file"),
    "external link": (linked, "is a link"),
    "soft link": (soft, "is a link"),
    "virtual": (virtual, "lies in another file"),
    "NaN": (filled(np.nan), "NaN or infinite"),
    "infinite": (filled(np.inf), "NaN or infinite"),
    "integers": (lambda group, name: group.create_dataset(name, data=np.ones((2, 3), "i4")), "holds int32"),
    "text": (lambda group, name: group.create_dataset(name, data=b"abc"), "not common floating-point"),
    "odd floats": (odd_floats, "not common floating-point"),
    "unwritten": (lambda group, name: group.create_dataset(name, (2, 3), "f4"), "was never written"),
    "huge": (huge, "asks for more memory"),
    "group": (lambda group, name: group.create_group(name), ""),
    "type": (lambda group, name: group.__setitem__(name, np.dtype("f4")), "is no tensor"),
}


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("kind", DATASETS)
def test_tensors_that_are_none(tmp_path: Path, suffix: str, kind: str) -> None:
    make, words = DATASETS[kind]
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["numbers"] = np.full((2, 3), 7, "f4")
    path = change_hdf5(save(tmp_path / f"model.{suffix}"), replaced(make))
    with pytest.raises(WeightsError, match=f"model.{suffix}: .*{words}") as caught:
        load_model(path)
    assert "\n" not in str(caught.value) and (
        "kernel" in str(caught.value) or "vars/0" in str(caught.value) or not words
    )


@pytest.mark.parametrize("kind", [kind for kind in DATASETS if kind != "group"])
def test_tensors_of_old_files_that_are_none(tmp_path: Path, kind: str) -> None:
    """Published files, and those of `keras.applications`, go through the same door."""
    make, words = DATASETS[kind]
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"], group = [b"dense"], file.create_group("dense")
        group.attrs["weight_names"] = [b"dense/kernel:0"]
        file["dense/dense/kernel:0"] = np.arange(6, dtype="f4").reshape(2, 3)
    tensors = read_keras_weights(path, {"dense/kernel": (2, 3)}, "small")
    np.testing.assert_array_equal(tensors["dense/kernel"], [[0, 1, 2], [3, 4, 5]])
    with h5py.File(path, "r+") as file:
        replaced(make)(file, "dense/dense/kernel:0")
    with pytest.raises(WeightsError, match=f"old.h5: dense/dense/kernel:0: .*{words}"):
        read_keras_weights(path, {"dense/kernel": (2, 3)}, "small")


def test_names_cannot_steer_a_terminal(tmp_path: Path) -> None:
    path = change_hdf5(save(tmp_path / "model.h5"), lambda file, name: file.create_dataset("a\nb\x1b[2J", data=b"x"))
    with pytest.raises(WeightsError, match=r"model.h5: a\\nb\\x1b\[2J: holds") as caught:
        load_model(path)
    assert str(caught.value).isprintable()


def test_a_zip_behind_an_hdf5_file_is_not_read(tmp_path: Path) -> None:
    """Each file is what it begins as: the network behind it has five units, that of the file itself has three."""
    path, other = save(tmp_path / "model.h5"), save(tmp_path / "other.keras", units=5)
    with h5py.File(path) as file:
        kernel = file[WEIGHT["h5"]][()]
    path.write_bytes(path.read_bytes() + other.read_bytes())
    assert zipfile.is_zipfile(path)
    np.testing.assert_array_equal(load_model(path).get_weights()[0], kernel)
    with pytest.raises(WeightsError, match="both.keras: is a model in an HDF5 file"):
        load_model(path.rename(tmp_path / "both.keras"))
    other.rename(tmp_path / "zip.h5")
    with pytest.raises(WeightsError, match="zip.h5: is no whole .keras file: it is a zip archive of another name"):
        load_model(tmp_path / "zip.h5")


def test_an_hdf5_file_further_inside_is_none(tmp_path: Path) -> None:
    path = save(tmp_path / "model.h5")
    path.write_bytes(bytes(512) + path.read_bytes())
    assert h5py.is_hdf5(path)
    with pytest.raises(WeightsError, match="neither a whole HDF5"):
        load_model(path)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other, load = save(tmp_path / "model.keras"), save(tmp_path / "other.keras"), keras.saving.load_model

    def exchanged(*arguments, **options):
        other.replace(path)
        return load(*arguments, **options)

    monkeypatch.setattr(keras.saving, "load_model", exchanged)
    with pytest.raises(WeightsError, match="changed while it was read"):
        load_model(path)


def nested(members: dict[str, bytes]) -> None:
    members["config.json"] = b'{"class_name": "Dense", "config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def too_long(members: dict[str, bytes]) -> None:
    members["config.json"] = members["config.json"].replace(b"[null, 2]", b"[null, 1099511627776]")


def too_many_units(members: dict[str, bytes]) -> None:
    members["config.json"] = members["config.json"].replace(b'"units": 3', b'"units": 68719476736')


ARCHIVES = {
    "deep": (nested, zipfile.ZIP_STORED, "is no whole .keras file: it is nested too deeply"),
    "a list": (lambda members: members.update({"config.json": b"[1]"}), zipfile.ZIP_STORED, "config.json"),
    "long": (
        lambda members: members.update({"config.json": b" " * 17 * 2**20}),
        zipfile.ZIP_DEFLATED,
        "config.json: unpacks to 17825792 bytes",
    ),
    "bomb": (
        lambda members: members.update({"assets/words": bytes(80 * 2**20)}),
        zipfile.ZIP_DEFLATED,
        "assets/words: unpacks to 83886080 bytes, from a file of",
    ),
    "bzip2": (lambda members: None, zipfile.ZIP_BZIP2, "packed in a way"),
    "units": (too_many_units, zipfile.ZIP_STORED, "dense/kernel: asks for more memory"),
    "length": (too_long, zipfile.ZIP_STORED, "batch_shape is 1099511627776"),
    "no weights": (lambda members: members.pop("model.weights.h5"), zipfile.ZIP_STORED, "model.weights.h5"),
    "other weights": (
        lambda members: members.update({"model.weights.h5": b"abc"}),
        zipfile.ZIP_STORED,
        "holds no whole HDF5 file",
    ),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives(tmp_path: Path, kind: str) -> None:
    change, compression, words = ARCHIVES[kind]
    path = save(tmp_path / "model.keras")
    change_zip(path, change, compression)
    with pytest.raises(WeightsError, match=f"model.keras: .*{words}") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("n_dft", 2**24, "mel: n_dft is 16777216, and no network has more"),
        ("n_mels", 2**31, "mel: n_mels is 2147483648, and no network has more"),
        ("framing", "moon", "does not fit its own network: framing: 'moon' is unknown"),
        ("hop_length", 0, "does not fit its own network: .*division by zero"),
    ],
)
def test_layers_that_compute_tables(tmp_path: Path, option: str, value: object, words: str) -> None:
    model = keras.Sequential([keras.Input((4000,)), MelSpectrogram(n_dft=256, n_mels=8, fmax=4000.0, name="mel")])
    model.save(path := tmp_path / "model.keras")

    def change(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        config["config"]["layers"][1]["config"][option] = value
        members["config.json"] = json.dumps(config).encode()

    change_zip(path, change)
    with pytest.raises(WeightsError, match=f"model.keras: {words}") as caught:
        load_model(path)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[" * 30_000, "is damaged"),
        ('{"class_name": "Dense", "config": ' + "[" * 30_000 + "]" * 30_000 + "}", "it is nested too deeply"),
        ('{"class_name": "Sequential", "config": {"layers": [7]}}', "does not fit its own network"),
        ("[1]", "model_config: is damaged"),
    ],
)
def test_configurations_of_hdf5_files(tmp_path: Path, config: str, words: str) -> None:
    path = save(tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = config
    with pytest.raises(WeightsError, match=f"model.h5: .*{words}") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_compressed_models_load(tmp_path: Path) -> None:
    """A .keras file packed again by another program, all zeros in it, and float16 and bfloat16, are no faults."""
    path = save(tmp_path / "model.keras")
    expected = load_model(path).get_weights()
    change_zip(path, lambda members: None, zipfile.ZIP_DEFLATED)
    np.testing.assert_array_equal(load_model(path).get_weights()[0], expected[0])
    for policy in ("float16", "bfloat16", "mixed_float16"):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, dtype=policy), keras.layers.Dropout(0.5)])
        for suffix in ("keras", "h5") if policy != "bfloat16" else ("keras",):
            model.save(tmp_path / f"half.{suffix}")
            found = load_model(tmp_path / f"half.{suffix}")
            np.testing.assert_array_equal(np.array(found.get_weights()[0]), np.array(model.get_weights()[0]))
    norm = keras.Sequential([keras.Input((2,)), keras.layers.Normalization()])
    norm.layers[0].adapt(np.random.default_rng(0).normal(3, 2, (50, 2)))
    for suffix in ("keras", "h5"):
        norm.save(tmp_path / f"norm.{suffix}")
        np.testing.assert_array_equal(load_model(tmp_path / f"norm.{suffix}")(np.ones((1, 2))), norm(np.ones((1, 2))))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("deep.keras", "nested too deeply"),
        ("deep0.h5", "nested too deeply"),
        ("ext_raw3.h5", "bn1/beta: lies in another file"),
        ("units.h5", "s/d/kernel: asks for more memory"),
        ("units.keras", "s/d/kernel: asks for more memory"),
        ("w0040.keras", "no whole .keras file"),
        ("w0051.h5", "is damaged"),
        ("w0052.hdf5", "is damaged"),
        ("w0061.h5", "conv2/bias: holds NaN"),
        ("w0071.h5", "is damaged"),
        ("w0098.hdf5", "is damaged"),
    ],
)
def test_files_that_went_wrong(shared_data: Path, name: str, words: str) -> None:
    with pytest.raises(WeightsError, match=f"{name}: .*{words}") as caught:
        load_model(shared_data / "quirks" / "weights" / name)
    assert "\n" not in str(caught.value)


def test_the_least_keras_is_the_one_whose_safe_mode_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = ConfigParser()
    setup.read(Path(__file__).parents[2] / "setup.cfg")
    lines = setup["options"]["install_requires"].splitlines()
    floor = next(line for line in lines if line.startswith("keras>=")).removeprefix("keras>=").split(",")[0]
    assert tuple(map(int, floor.split("."))) == saved.SAFE_KERAS >= (3, 13, 2)
    assert tuple(map(int, keras.__version__.split("."))) >= saved.SAFE_KERAS
    path = save(tmp_path / "model.keras")
    monkeypatch.setattr(keras, "__version__", "3.12.4")
    with pytest.raises(WeightsError, match="Keras 3.12.4 may run code from files .install Keras 3.13.2"):
        load_model(path)
