"""Tables on disk: exact, in order, whole, and the same however often the work was interrupted."""

import errno
import itertools
import json
import logging
import os
import re
import threading
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from broken_clips import tune, write, write_unusable
from toy_extractor import ToyExtractor, write_clips

from mgc_keras import work
from mgc_keras.audio.files import fit_waveform, read_waveform, waveform_blocks
from mgc_keras.errors import AudioError, ManifestError, MgcKerasError, OptionError
from mgc_keras.features import pipeline
from mgc_keras.features.clips import list_clips
from mgc_keras.features.export import export_features
from mgc_keras.features.mfcc import MfccExtractor, mfcc_features
from mgc_keras.features.table import read_features
from mgc_keras.files import locked


@pytest.fixture
def clips(tmp_path):
    return write_clips(tmp_path / "clips", 10)


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def expected_rows(paths):
    return np.concatenate([ToyExtractor()([read_waveform(path, 8000) for path in paths[k : k + 4]]) for k in (0, 4, 8)])


def test_one_row_a_clip_with_exactly_the_numbers_computed(tmp_path, clips):
    table = export_features(clips, tmp_path / "out" / "toy.csv", ToyExtractor())
    features = read_features(table)
    assert list(features.index) == [path.stem for path in clips]
    assert features.columns.tolist() == ["peak", "energy", "batch_energy"]
    assert set(features.dtypes) == {np.dtype("float32")}
    assert (features.to_numpy() == expected_rows(clips)).all()
    header, first = table.read_text().splitlines()[:2]
    assert header == "clip_id,filepath,peak,energy,batch_energy"
    assert first.startswith(f"clip000,{clips[0].as_posix()},0.")
    assert sorted(files_in(tmp_path / "out")) == ["toy.csv", "toy.json", "toy_errors.csv"]
    assert (tmp_path / "out" / "toy_errors.csv").read_text() == "clip_id,filepath,cause,cure\n"


def test_the_json_tells_what_made_the_numbers(tmp_path, clips):
    table = export_features(clips, tmp_path / "toy.csv", ToyExtractor())
    about = json.loads(table.with_suffix(".json").read_text())
    assert about["extractor"] == {"name": "toy", "n_samples": 4000}
    assert (about["n_rows"], about["n_failed"], about["n_features"]) == (10, 0, 3)
    assert about["source"]["n_clips"] == 10 and len(about["source"]["sha256"]) == 64
    assert {"python", "mgc_keras", "numpy", "tensorflow", "librosa"} <= set(about["versions"])


def test_mfcc_keep_their_double_precision(tmp_path, clips):
    features = read_features(export_features(clips[:2], tmp_path / "mfcc.csv", MfccExtractor()))
    expected = [mfcc_features(read_waveform(path, 12000)) for path in clips[:2]]
    assert (features.to_numpy() == np.stack(expected)).all()


def test_the_number_of_threads_changes_nothing(tmp_path, clips):
    tables = [export_features(clips, tmp_path / f"{jobs}.csv", ToyExtractor(), jobs=jobs) for jobs in (1, 5)]
    assert tables[0].read_bytes() == tables[1].read_bytes()


@pytest.mark.parametrize("order", ["file", "shuffled", "single", "sorted"])
def test_rows_keep_the_manifests_order_whoever_shares_a_batch(tmp_path, clips, order):
    labels = list("abababcacb")
    rows = {"clip_id": range(10), "filepath": [path.name for path in clips], "label": labels}
    pd.DataFrame(rows).to_csv(tmp_path / "clips" / "set.csv", index=False)
    extractor = ToyExtractor(batch_order=order, seed=3)
    table = export_features(tmp_path / "clips" / "set.csv", tmp_path / "toy.csv", extractor)
    features = read_features(table).to_numpy()
    assert (features[:, :2] == expected_rows(clips)[:, :2]).all()
    groups = [set(np.flatnonzero(features[:, 2] == value)) for value in dict.fromkeys(features[:, 2])]
    assert extractor.sizes == ([1] * 10 if order == "single" else [4, 4, 2])
    assert sorted(map(len, groups)) == sorted(extractor.sizes)
    if order == "file":
        assert groups == [{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}]
    if order == "sorted":
        assert {0, 2, 4, 7} in groups and {1, 3, 5, 9} in groups


def test_windows_have_time_stamps(tmp_path):
    path = write_clips(tmp_path / "clips", 2, seconds=1.0)[1]
    short = write(tmp_path / "clips" / "short.wav", tune(0.1, 8000, 1), 8000)
    extractor = ToyExtractor(batch_size=2)
    features = read_features(export_features([path, short], tmp_path / "toy.csv", extractor, window=0.5, hop=0.25))
    assert features[["start_s", "end_s"]].to_numpy().tolist() == [[0, 0.5], [0.25, 0.75], [0.5, 1], [0, 0.1]]
    assert features.index.tolist() == ["clip001"] * 3 + ["short"] and extractor.sizes == [2, 2]
    waveform = read_waveform(path, 8000)
    windows = [waveform[start : start + 4000] for start in (0, 2000, 4000)]
    windows.append(fit_waveform(read_waveform(short, 8000), 4000, "zero_pad"))
    assert (features[["peak", "energy"]].to_numpy() == ToyExtractor()(windows)[:, :2]).all()


def test_windows_of_long_clips_are_decoded_one_by_one(tmp_path, clips, monkeypatch):
    long = write(tmp_path / "clips" / "long.ogg", tune(20.0))
    tables = {}
    for held in (1 << 24, 30_000):
        monkeypatch.setattr(pipeline, "_HELD_SAMPLES", held)
        monkeypatch.setattr(pipeline, "_BLOCK_SAMPLES", 1 << 22 if held > 30_000 else 5_000)
        source = [clips[0], long, clips[1]]
        tables[held] = export_features(source, tmp_path / f"{held}.csv", ToyExtractor(), window=0.5, hop=0.3)
    assert tables[30_000].read_bytes() == tables[1 << 24].read_bytes()
    waveform = read_waveform(long, 8000)
    sliced = pipeline.LongWaveform(lambda: waveform_blocks(long, 8000, block_samples=3_000), len(waveform))
    for start, stop in [(100_000, 104_000), (0, 4000), (2000, 30_000), (29_000, 29_001), (159_000, 170_000), (5, 5)]:
        np.testing.assert_array_equal(sliced[start:stop], waveform[start:stop])


def test_windows_of_long_clips_take_little_memory(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "long.flac", np.zeros(200 * 8000), 8000)
    monkeypatch.setattr(pipeline, "_HELD_SAMPLES", 100_000)
    monkeypatch.setattr(pipeline, "_BLOCK_SAMPLES", 50_000)
    tracemalloc.start()
    table = export_features(tmp_path / "long.flac", tmp_path / "toy.csv", ToyExtractor(), window=0.5, hop=10.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The whole clip takes 6.4 MB.
    assert len(read_features(table)) == 20 and peak < 3e6


@pytest.mark.parametrize("error", [AudioError("is too odd", cure="leave it out"), MemoryError()])
def test_a_clip_that_an_extractor_cannot_take_costs_no_other_clip(tmp_path, clips, error):
    class Choosy(ToyExtractor):
        def __call__(self, waveforms):
            if any(0.45 < np.abs(waveform).max() < 0.55 for waveform in waveforms):
                raise error
            return super().__call__(waveforms)

    features = read_features(export_features(clips, tmp_path / "toy.csv", Choosy(n_samples=None)))
    assert features.index.tolist() == [path.stem for path in clips if path.stem != "clip004"]
    assert (features[["peak", "energy"]].to_numpy() == np.delete(expected_rows(clips), 4, axis=0)[:, :2]).all()
    errors = pd.read_csv(next(tmp_path.glob("*_errors.csv")))
    assert errors["clip_id"].tolist() == ["clip004"] and errors["cure"].notna().all()
    assert errors["cause"][0] in ("is too odd", "needs more memory than there is")


def test_the_channel_is_recorded_where_it_is_not_the_mix(tmp_path):
    left, right = tune(0.5, 8000, 1, seed=1), tune(0.5, 8000, 1, seed=2)
    write(tmp_path / "clips" / "clip.wav", np.concatenate([left, right], axis=1), 8000)
    write(tmp_path / "left" / "clip.wav", left, 8000)
    table = export_features(tmp_path / "left", tmp_path / "left.csv", ToyExtractor())
    assert "channel" not in json.loads(table.with_suffix(".json").read_text())
    clips = list_clips(tmp_path / "clips", channel="left")
    mixed = export_features(tmp_path / "clips", tmp_path / "toy.csv", ToyExtractor()).read_bytes()
    # Another channel is other work: the table of the mix is not taken for finished.
    read = export_features(clips, tmp_path / "toy.csv", ToyExtractor())
    assert read.read_bytes() == table.read_bytes() != mixed
    assert json.loads(read.with_suffix(".json").read_text())["channel"] == "left"
    with pytest.raises(OptionError, match="channel"):
        list_clips(tmp_path / "clips", channel="middle")


def test_bad_clips_are_named_and_the_others_computed(tmp_path):
    words = write_unusable(tmp_path / "bad")
    del words["cut.flac"]  # its first half second is whole
    good = {
        "silence.wav": np.zeros((8000, 2)),
        "one_sample.wav": np.full((1, 1), 0.5),
        "short.wav": tune(0.1),
        "eight_channels.wav": tune(1.0, channels=8),
    }
    for name, samples in good.items():
        write(tmp_path / "bad" / name, samples)
    write(tmp_path / "bad" / "fast.wav", tune(1.0, 192000), 192000)
    names = [*good, *words, "fast.wav"]
    pd.DataFrame({"clip_id": names, "filepath": names, "label": "x"}).to_csv(tmp_path / "bad" / "set.csv", index=False)
    for extractor in (ToyExtractor(), MfccExtractor()):
        table = export_features(tmp_path / "bad" / "set.csv", tmp_path / "out" / f"{extractor.name}.csv", extractor)
        features = read_features(table)
        assert features.index.tolist() == [*good, "fast.wav"]
        assert np.isfinite(features.to_numpy()).all()
        errors = pd.read_csv(tmp_path / "out" / f"{extractor.name}_errors.csv", index_col="clip_id")
        assert errors.index.tolist() == list(words)
        assert all(word in errors.cause[name] for name, word in words.items()) and errors.cure.notna().all()


def test_features_that_are_not_finite_are_an_error_of_their_clip(tmp_path, clips):
    class Overflowing(ToyExtractor):
        def __call__(self, waveforms):
            rows = super().__call__(waveforms)
            rows[-1, 0] = np.inf
            return rows

    table = export_features(clips, tmp_path / "toy.csv", Overflowing())
    assert len(read_features(table)) == 7
    assert pd.read_csv(tmp_path / "toy_errors.csv").clip_id.tolist() == ["clip003", "clip007", "clip009"]


@pytest.mark.parametrize("order", ["file", "shuffled"])
@pytest.mark.parametrize("torn", [0, 1, 30])
def test_a_stopped_run_goes_on_and_ends_the_same_to_the_byte(tmp_path, clips, order, torn):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    (tmp_path / "clips" / "clip005.wav").write_bytes(b"")
    export_features(clips, whole / "toy.csv", ToyExtractor(batch_order=order))
    extractor = ToyExtractor(batch_order=order)
    extractor.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, stopped / "toy.csv", extractor)
    partial = stopped / "toy.csv.partial"
    assert list(files_in(stopped)) == [partial.name]
    os.truncate(partial, partial.stat().st_size - torn)
    again = ToyExtractor(batch_order=order)
    export_features(clips, stopped / "toy.csv", again)
    assert files_in(stopped) == files_in(whole)
    assert len(again.sizes) == (1 if torn == 0 else 2)


@pytest.mark.parametrize("rubbish", [b'{"clip": 4, "lines"\n', b"\0\0\0\n", b"[]\n", b"\xff\xfe\n"])
def test_a_partial_file_that_ends_in_rubbish_is_cut(tmp_path, clips, rubbish):
    extractor = ToyExtractor()
    extractor.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, tmp_path / "toy.csv", extractor)
    with open(tmp_path / "toy.csv.partial", "ab") as stream:
        stream.write(rubbish * 4)
    features = read_features(export_features(clips, tmp_path / "toy.csv", ToyExtractor()))
    assert (features.to_numpy() == expected_rows(clips)).all()


def test_a_partial_file_of_other_work_is_discarded_with_a_notice(tmp_path, clips, caplog):
    extractor = ToyExtractor(n_samples=2000)
    extractor.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, tmp_path / "toy.csv", extractor)
    with caplog.at_level(logging.WARNING):
        features = read_features(export_features(clips, tmp_path / "toy.csv", ToyExtractor()))
    assert "starting afresh" in caplog.text
    assert (features.to_numpy() == expected_rows(clips)).all()


def test_a_finished_table_is_left_alone_until_something_changes(tmp_path, clips):
    def sizes(**options):
        extractor = ToyExtractor()
        export_features(clips, tmp_path / "toy.csv", extractor, **options)
        return extractor.sizes

    assert sizes() == [4, 4, 2]
    assert sizes() == []
    assert sizes(resume=False) == [4, 4, 2]
    (tmp_path / "toy.json").write_text("{")
    assert sizes() == [4, 4, 2]
    write(clips[0], tune(0.5, 8000, 1, seed=9), 8000)
    assert sizes() == [4, 4, 2]


def test_a_table_that_was_changed_by_hand_is_left_as_it_is(tmp_path, clips):
    table = export_features(clips, tmp_path / "toy.csv", ToyExtractor())
    mended = table.read_text().replace("0", "1", 1)
    table.write_text(mended)
    for resume in (True, False):
        with pytest.raises(OptionError, match="toy.csv: was changed after it was written; it was left as it is"):
            export_features(clips, table, ToyExtractor(), resume=resume)
    assert table.read_text() == mended
    table.rename(tmp_path / "mine.csv")
    assert (read_features(export_features(clips, table, ToyExtractor())).to_numpy() == expected_rows(clips)).all()


@pytest.mark.parametrize("order", ["file", "shuffled"])
def test_clips_that_the_disk_lost_for_a_while_are_tried_again(tmp_path, clips, caplog, monkeypatch, order):
    export_features(clips, tmp_path / "whole" / "toy.csv", ToyExtractor(batch_order=order))
    gone, begun = threading.Event(), itertools.count()

    class Losing(ToyExtractor):
        def __call__(self, waveforms):
            if not self.sizes:
                (tmp_path / "clips").rename(tmp_path / "gone")
                gone.set()
            return super().__call__(waveforms)

    def waiting(*arguments, **options):
        # The thread reads ahead: without this it may have read all clips before the first batch is computed.
        if next(begun) >= 4:
            assert gone.wait(60)
        return read_waveform(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr("mgc_keras.features.pipeline.read_waveform", waiting)
        export_features(clips, tmp_path / "out" / "toy.csv", Losing(batch_order=order), jobs=1)
    lost = pd.read_csv(tmp_path / "out" / "toy_errors.csv")
    assert 0 < len(lost) < 10 and set(lost.cause) == {"there is no such file"} and "tries them again" in caplog.text
    (tmp_path / "gone").rename(tmp_path / "clips")
    again = ToyExtractor(batch_order=order)
    export_features(clips, tmp_path / "out" / "toy.csv", again)
    assert 0 < len(again.sizes) < 3 and files_in(tmp_path / "out") == files_in(tmp_path / "whole")
    # A clip that was never there is one of the clips' states.
    clips[4].unlink()
    for sizes in ([4, 3, 2] if order == "file" else None, []):
        again = ToyExtractor(batch_order=order)
        export_features(clips, tmp_path / "out" / "toy.csv", again)
        assert sizes is None or again.sizes == sizes
    assert not (tmp_path / "out" / "toy.csv.partial").exists()
    # Without its own list of failed clips a table is not finished.
    listed = (tmp_path / "out" / "toy_errors.csv").read_bytes()
    (tmp_path / "out" / "toy_errors.csv").write_bytes(listed[:-5])
    export_features(clips, tmp_path / "out" / "toy.csv", ToyExtractor(batch_order=order))
    assert (tmp_path / "out" / "toy_errors.csv").read_bytes() == listed


def test_what_the_disk_does_not_give_is_told_from_what_is_damaged(tmp_path, clips, monkeypatch):
    def failing(path, *arguments, **options):
        if path == clips[1]:
            raise OSError(errno.EIO, "Input/output error")
        return read_waveform(path, *arguments, **options)

    clips[2].write_text("no audio")
    with monkeypatch.context() as patch:
        patch.setattr("mgc_keras.features.pipeline.read_waveform", failing)
        export_features(clips, tmp_path / "toy.csv", ToyExtractor())
    assert pd.read_csv(tmp_path / "toy_errors.csv").clip_id.tolist() == ["clip001", "clip002"]
    assert (tmp_path / "toy.csv.partial").exists()
    again = ToyExtractor()
    export_features(clips, tmp_path / "toy.csv", again)
    assert again.sizes == [3] and pd.read_csv(tmp_path / "toy_errors.csv").clip_id.tolist() == ["clip002"]
    assert not (tmp_path / "toy.csv.partial").exists()


def test_two_runs_do_not_write_one_output(tmp_path, clips):
    with locked(tmp_path / "toy.csv"), pytest.raises(MgcKerasError, match=f"is being written by process {os.getpid()}"):
        export_features(clips, tmp_path / "toy.csv", ToyExtractor())
    assert not files_in(tmp_path)


@pytest.mark.parametrize("writes_before", [0, 2])
def test_a_full_disk_is_told_in_one_line_and_keeps_what_is_done(tmp_path, clips, monkeypatch, writes_before):
    export_features(clips, tmp_path / "whole" / "toy.csv", ToyExtractor())
    n_writes = 0

    def write_until_full(self, block):
        nonlocal n_writes
        n_writes += 1
        if n_writes > writes_before:
            self._file.write(block[: len(block) // 2])
            raise MgcKerasError("the disk is full") from OSError(errno.ENOSPC, "No space left on device")
        plain(self, block)

    plain = work.Journal._write
    with monkeypatch.context() as patch:
        patch.setattr(work.Journal, "_write", write_until_full)
        with pytest.raises(MgcKerasError, match="disk is full"):
            export_features(clips, tmp_path / "out" / "toy.csv", ToyExtractor())
    assert list(files_in(tmp_path / "out")) == ["toy.csv.partial"]
    export_features(clips, tmp_path / "out" / "toy.csv", ToyExtractor())
    assert files_in(tmp_path / "out") == files_in(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"output_csv": "toy.txt"}, "toy.txt"),
        ({"errors_csv": "toy.csv"}, "one file"),
        ({"output_csv": "clips.csv"}, "is a folder"),
        ({"jobs": 0}, "jobs"),
        ({"window": 1.0}, "window"),
        ({"hop": 1.0}, "hop"),
    ],
)
def test_options_that_make_no_sense_stop_at_once(tmp_path, clips, changes, field):
    (tmp_path / "clips.csv").mkdir()
    options = {"output_csv": "toy.csv"} | changes
    options |= {name: tmp_path / value for name, value in options.items() if name == "errors_csv"}
    with pytest.raises(OptionError, match=re.escape(field)):
        export_features(clips, tmp_path / options.pop("output_csv"), ToyExtractor(), **options)
    assert not files_in(tmp_path)


def test_rows_and_matrices_have_a_form_of_output_each(tmp_path, clips):
    class Matrices(ToyExtractor):
        def __call__(self, waveforms):
            return super().__call__(waveforms)[:, None]

    with pytest.raises(OptionError, match=r"a row of numbers \(end the name in \.csv\)"):
        export_features(clips, tmp_path / "toy.npz", ToyExtractor())
    with pytest.raises(OptionError, match=r"a matrix of numbers \(end the name in \.npz\)"):
        export_features(clips, tmp_path / "toy.csv", Matrices())
    with pytest.raises(OptionError, match="window"):
        export_features(clips, tmp_path / "toy.npz", Matrices(), window=0.2)


def test_what_is_no_feature_table_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b,c\n1,2,3\n")
    (tmp_path / "words.csv").write_text("clip_id,filepath,peak\nx,y,loud\n")
    (tmp_path / "empty.csv").write_text("")
    for name, text in {"list": "[1]", "torn": '{"dtype": "flo', "type": '{"dtype": "float33"}'}.items():
        (tmp_path / f"{name}.csv").write_text("clip_id,filepath,peak\nx,y,1\n")
        (tmp_path / f"{name}.json").write_text(text)
    for name in ("gone.csv", "other.csv", "words.csv", "empty.csv", "list.csv", "torn.csv", "type.csv"):
        with pytest.raises(ManifestError, match=name):
            read_features(tmp_path / name)


def test_a_finished_table_of_other_clips_is_not_replaced_without_a_word(tmp_path, clips, caplog):
    table = export_features(clips, tmp_path / "toy.csv", ToyExtractor())
    export_features(clips, table, ToyExtractor(), resume=False)
    assert "replaces" not in caplog.text
    export_features(clips[:3], table, ToyExtractor())
    assert f"{table}: replaces a finished table of other settings or clips" in caplog.text
