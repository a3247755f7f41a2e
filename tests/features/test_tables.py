"""Parquet holds what the CSV holds, with its types; whatever the form, features are read as one kind of frame."""

import json
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from broken_clips import tune, write
from toy_extractor import ToyExtractor, write_clips

import mgc_keras
from mgc_keras.cli.main import main
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.features import parquet_table
from mgc_keras.features.export import export_features
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.pipeline import ClipFeatures
from mgc_keras.features.sequences import read_sequences
from mgc_keras.features.table import read_features


@pytest.fixture
def clips(tmp_path):
    return write_clips(tmp_path / "clips", 10)


@pytest.fixture
def without_pyarrow(monkeypatch):
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)


class Noise(ToyExtractor):
    """Matrices of a few numbers."""

    def __call__(self, waveforms):
        return super().__call__(waveforms)[:, None] * np.arange(1, 5, dtype=np.float32)[:, None]


class Odd(ToyExtractor):
    """Numbers that text takes no shorter way with."""

    columns, dtype = ("a, b", 'the "c"', "ü"), "float64"

    def __call__(self, waveforms):
        return np.tile([-0.0, 5e-324, 1 / 3], (len(waveforms), 1))


def both(source, folder, extractor, **options):
    """Export a source in both forms; return the CSV, which is the reference, and the Parquet."""
    return [export_features(source, folder / f"{form}.{form}", extractor(), **options) for form in ("csv", "parquet")]


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def assert_same(csv, parquet):
    expected, found = read_features(csv), read_features(parquet)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert found.to_numpy().tobytes() == expected.to_numpy().tobytes()
    assert found.index.name == "clip_id" and found.index.dtype == expected.index.dtype


@pytest.mark.parametrize("extractor", [ToyExtractor, MfccExtractor, Odd])
@pytest.mark.parametrize("windows", [{}, {"window": 0.2, "hop": 0.1}])
def test_the_frame_is_that_of_the_csv(tmp_path, clips, extractor, windows):
    write(tmp_path / "clips" / "longer.wav", tune(1.0, 8000, 1), 8000)
    (tmp_path / "clips" / "clip003.wav").write_text("no audio")
    csv, parquet = both(tmp_path / "clips", tmp_path, extractor, **windows)
    assert_same(csv, parquet)
    assert (tmp_path / "csv_errors.csv").read_bytes() == (tmp_path / "parquet_errors.csv").read_bytes()
    records = [json.loads(path.with_suffix(".json").read_text()) for path in (csv, parquet)]
    for record, form in zip(records, ("csv", "parquet")):
        del record[f"{form}_sha256"], record["record_sha256"]
    assert records[0] == records[1] and records[0]["n_failed"] == 1


def test_other_readers_see_columns_types_and_what_made_the_numbers(tmp_path, clips, monkeypatch):
    monkeypatch.setattr(parquet_table, "_GROUP_BYTES", 3 * 3 * 4)
    csv, parquet = both(clips, tmp_path, ToyExtractor, window=0.3, hop=0.2)
    file = pq.ParquetFile(parquet)
    names = ["clip_id", "filepath", "start_s", "end_s", "peak", "energy", "batch_energy"]
    numbers = [pa.float64()] * 2 + [pa.float32()] * 3
    types = [pa.string(), pa.string(), *numbers]
    assert file.schema_arrow == pa.schema([pa.field(*column, nullable=False) for column in zip(names, types)])
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert sizes == [3] * 6 + [2] and sum(sizes) == 20
    # As any reader of CSV and of Parquet sees them.
    plain = pd.read_csv(csv, float_precision="round_trip", dtype={name: "float32" for name in names[4:]})
    pd.testing.assert_frame_equal(pd.read_parquet(parquet), plain, check_dtype=False, check_exact=True)
    inside = json.loads(file.metadata.metadata[b"mgc_keras"])
    beside = json.loads(parquet.with_suffix(".json").read_text())
    assert inside.items() <= beside.items()
    assert {"extractor", "dtype", "source", "versions", "fingerprint", "window_s", "n_rows"} <= set(inside)


@pytest.mark.parametrize("order", ["file", "shuffled"])
@pytest.mark.parametrize("windows", [{}, {"window": 0.3, "hop": 0.2}])
def test_a_stopped_run_goes_on_and_ends_the_same_to_the_byte(tmp_path, clips, monkeypatch, order, windows):
    monkeypatch.setattr(parquet_table, "_GROUP_BYTES", 4 * 3 * 4)
    clips[5].write_bytes(b"")
    extractor = ToyExtractor(batch_order=order)
    export_features(clips, tmp_path / "whole" / "toy.parquet", extractor, **windows)
    extractor.sizes, extractor.stop_after = [], 2
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, tmp_path / "stopped" / "toy.parquet", extractor, **windows)
    assert list(files_in(tmp_path / "stopped")) == ["toy.parquet.partial"]
    os.truncate(
        tmp_path / "stopped" / "toy.parquet.partial", os.path.getsize(tmp_path / "stopped/toy.parquet.partial") - 1
    )
    extractor.sizes, extractor.stop_after = [], None
    export_features(clips, tmp_path / "stopped" / "toy.parquet", extractor, **windows)
    assert files_in(tmp_path / "stopped") == files_in(tmp_path / "whole")
    # It is finished now, and only that.
    extractor.sizes = []
    export_features(clips, tmp_path / "stopped" / "toy.parquet", extractor, **windows)
    assert not extractor.sizes
    with open(tmp_path / "stopped" / "toy.parquet", "ab") as stream:
        stream.write(b"x")
    export_features(clips, tmp_path / "stopped" / "toy.parquet", extractor, **windows)
    assert extractor.sizes and files_in(tmp_path / "stopped") == files_in(tmp_path / "whole")


def test_names_of_every_kind(tmp_path, clips):
    ids = ["a,b", 'say "x"', "naïve ☃", "日本", "line\nbreak", "007", "NA", "=1+1", "tab\t", " spaced "]
    rows = {"clip_id": ids, "filepath": [f"clips/{path.name}" for path in clips], "label": "x"}
    clips[1].rename(clips[1].with_name('ü, "1".wav'))
    rows["filepath"][1] = 'clips/ü, "1".wav'
    pd.DataFrame(rows).to_csv(tmp_path / "set.csv", index=False)
    assert_same(*both(tmp_path / "set.csv", tmp_path, ToyExtractor))
    table = pq.read_table(tmp_path / "parquet.parquet", columns=["clip_id", "filepath"])
    assert table.to_pydict() == {name: rows[name] for name in ("clip_id", "filepath")}


def test_without_a_clip_that_can_be_read_the_table_is_empty(tmp_path, clips):
    for path in clips:
        path.write_text("no audio")
    csv, parquet = both(clips, tmp_path, ToyExtractor)
    assert_same(csv, parquet)
    assert read_features(parquet).shape == (0, 3) and pq.read_metadata(parquet).num_rows == 0


def test_the_table_is_never_held_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_table, "_GROUP_BYTES", 1 << 17)
    extractor = ToyExtractor()
    extractor.columns = [f"c{number}" for number in range(64)]
    writer = parquet_table.ParquetWriter(extractor, None)
    values = np.random.default_rng(0).standard_normal((40_000, 64)).astype(np.float32)
    entries = (writer.entry(ClipFeatures(number, [row]), "", f"{number}.wav") for number, row in enumerate(values))
    names = [str(number) for number in range(len(values))]
    writer.write(tmp_path / "warm.parquet", ["a"], [writer.entry(ClipFeatures(0, [values[0]]), "a", "a.wav")], {})
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    writer.write(tmp_path / "x.parquet", names, entries, {"n": 1})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The numbers take 10 MB; Arrow's own memory is not among what is traced.
    assert peak < 3e6 and pa.total_allocated_bytes() - before < 1e6
    assert pq.ParquetFile(tmp_path / "x.parquet").num_row_groups == 79
    assert (read_features(tmp_path / "x.parquet").to_numpy() == values).all()


def test_a_table_and_its_like_in_another_form_do_not_share_a_description(tmp_path, clips):
    export_features(clips, tmp_path / "toy.csv", ToyExtractor())
    before = files_in(tmp_path)
    with pytest.raises(OptionError, match="toy.json: is there already"):
        export_features(clips, tmp_path / "toy.parquet", ToyExtractor())
    with pytest.raises(OptionError, match=r"a matrix of numbers \(end the name in \.npz\)"):
        export_features(clips, tmp_path / "sequences.parquet", Noise())
    (tmp_path / "sequences.parquet.partial").unlink()
    assert files_in(tmp_path) == before


def test_without_pyarrow_parquet_is_refused_before_any_work(tmp_path, clips, without_pyarrow, capsys):
    words = r"toy.parquet: Parquet needs pyarrow, which is not installed \(pip install 'mgc_keras\[cluster\]'"
    extractor = ToyExtractor()
    with pytest.raises(OptionError, match=words):
        export_features(tmp_path / "no_such_folder", tmp_path / "toy.parquet", extractor)
    assert main(["features", str(tmp_path / "no_such_folder"), "-o", str(tmp_path / "toy.parquet")]) == 2
    said = capsys.readouterr().err
    assert "pip install 'mgc_keras[cluster]'" in said and said.count("\n") == 1
    assert not files_in(tmp_path) and not extractor.sizes
    (tmp_path / "toy.parquet").write_bytes(b"PAR1")
    with pytest.raises(OptionError, match=words):
        read_features(tmp_path / "toy.parquet")


def test_csv_and_the_package_do_without_pyarrow(tmp_path, clips):
    code = (
        "import sys; sys.modules['pyarrow'] = None; sys.path.insert(0, sys.argv[1])\n"
        "import mgc_keras; from toy_extractor import ToyExtractor\n"
        "path = mgc_keras.export_features(sys.argv[2], sys.argv[3], ToyExtractor())\n"
        "print(mgc_keras.read_features(path).shape)\n"
    )
    tests = os.path.dirname(os.path.dirname(__file__))
    arguments = [sys.executable, "-c", code, tests, str(tmp_path / "clips"), str(tmp_path / "toy.csv")]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.stdout == "(10, 3)\n", done.stderr
    code = "import sys, mgc_keras; print('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_the_command_writes_either(tmp_path, clips, capsys):
    for form in ("csv", "parquet"):
        out = str(tmp_path / f"{form}.{form}")
        assert main(["features", str(tmp_path / "clips"), "-o", out, "--features", "mfcc"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == out
    assert_same(tmp_path / "csv.csv", tmp_path / "parquet.parquet")
    assert main(["features", str(tmp_path / "clips"), "-o", str(tmp_path / "x.txt")]) == 2
    assert "end its name in .csv" in capsys.readouterr().err


def test_sequences_are_a_row_a_clip_and_frame(tmp_path, clips):
    clips[2].write_text("no audio")
    path = export_features(clips, tmp_path / "noise.npz", Noise())
    found, sequences = mgc_keras.read_features(path), read_sequences(path)
    assert found.index.names == ["clip_id", "frame"] and found.columns.tolist() == ["peak", "energy", "batch_energy"]
    assert set(found.dtypes) == {np.dtype("float32")} and len(found) == 9 * 4
    for clip_id, matrix in zip(sequences.clip_ids, sequences.values):
        assert (found.loc[clip_id].to_numpy() == matrix).all()
        assert found.loc[clip_id].index.tolist() == [0, 1, 2, 3]
    # The file is mapped: its numbers are not in memory of this process's own.
    block = found.to_numpy(copy=False)
    while block.base is not None and not isinstance(block, np.memmap):
        block = block.base
    assert isinstance(block, np.memmap)
    (tmp_path / "noise.npz").write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ManifestError, match=r"noise.npz: holds no sequences, or damaged ones \(export"):
        read_features(path)


def test_damaged_parquet_is_refused_by_name(tmp_path, clips):
    path = export_features(clips, tmp_path / "toy.parquet", ToyExtractor())
    whole, right = path.read_bytes(), read_features(path)
    for length in (0, 3, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ManifestError, match=r"toy.parquet: is no Parquet, or a damaged one.*mgc-keras features"):
            read_features(path)
    draw, n_found = np.random.default_rng(0), 0
    for place in draw.integers(len(whole), size=200).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << int(draw.integers(8))]) + whole[place + 1 :])
        try:
            found = read_features(path)
        except ManifestError as error:
            assert "toy.parquet" in str(error) and "\n" not in str(error)
            n_found += 1
        else:
            # What says nothing of the numbers: statistics, notes, names of columns.
            assert found.to_numpy().tobytes() == right.to_numpy().tobytes() and list(found.index) == list(right.index)
    assert n_found > 20


KEYS = {"clip_id": ["a", "b"], "filepath": ["a.wav", "b.wav"]}


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"x": [1.0, 2.0]}, r"other.parquet: clip_id, filepath: is no feature table.*found: x"),
        ({"clip_id": ["a", "b"], "x": [1.0, 2.0]}, "other.parquet: clip_id, filepath: is no feature table"),
        ({"filepath": KEYS["filepath"], "clip_id": KEYS["clip_id"]}, "clip_id, filepath: is no feature table"),
        (KEYS | {"x": [[1.0], [2.0]]}, "other.parquet: x: holds list<.*>, where a feature table has float32 or"),
        (KEYS | {"x": [{"y": 1.0}] * 2}, "other.parquet: x: holds struct<.*mgc-keras features"),
        (KEYS | {"x": ["1", "2"]}, "other.parquet: x: holds string"),
        (KEYS | {"x": [1, 2]}, "other.parquet: x: holds int64"),
        (KEYS | {"x": [1.0, None]}, r"other.parquet: x: 1 cell\(s\) are empty \(fill them"),
        (KEYS | {"clip_id": [1, 2]}, "other.parquet: clip_id: holds int64, where a feature table has text"),
        ({}, r"found: none"),
    ],
)
def test_foreign_parquet_is_refused_by_file_and_column(tmp_path, columns, words):
    pq.write_table(pa.table(columns), tmp_path / "other.parquet")
    with pytest.raises(ManifestError, match=words):
        read_features(tmp_path / "other.parquet")


def test_what_is_no_file_is_told(tmp_path):
    (tmp_path / "folder.parquet").mkdir()
    for name, words in {
        "gone.parquet": "no such file",
        "gone.npz": "no such file",
        "folder.parquet": "a folder",
    }.items():
        with pytest.raises(ManifestError, match=f"{name}: .*{words}"):
            read_features(tmp_path / name)
