"""``mgc-keras features`` as a user runs it: in a process of its own."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from broken_clips import tune, write, write_unusable
from forked import Forked

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.cli.main import main
from mgc_keras.features.clips import list_clips
from mgc_keras.features.table import read_features
from mgc_keras.studies.choi2017.network import convnet

# Ends the process at the moment when so many batches are in the journal.
DYING = """
import os, signal, sys
from mgc_keras.work import Journal
append = Journal.append
def append_and_die(self, records):
    append(self, records)
    if len(self) == 4:  # two batches of two clips
        os.kill(os.getpid(), signal.{signal})
Journal.append = append_and_die
from mgc_keras.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def features(*arguments):
    """Run the command in this process; an exception would end the test."""
    return main(["features", *map(str, arguments)])


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".json", ".partial")}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for index in range(7):
        write(folder / f"{index}.wav", tune(1.0, 12000, seed=index) * (0.3 + 0.1 * index), 12000)
    return folder


def test_mfcc_of_a_folder_and_where_they_are(tmp_path, clips, capsys):
    assert features(clips, "-o", tmp_path / "mfcc.csv") == 0
    expected = ["mfcc: 7 rows of 120 features from 7 of 7 clips"]
    expected += [str(tmp_path / name) for name in ("mfcc_errors.csv", "mfcc.json", "mfcc.csv")]
    assert capsys.readouterr().out.splitlines() == expected
    assert read_features(tmp_path / "mfcc.csv").shape == (7, 120)


@pytest.mark.parametrize("kind", ["SIGKILL", "SIGINT"])
def test_a_killed_run_goes_on_and_ends_the_same_to_the_byte(tmp_path, clips, kind):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    # Batch statistics: features that depend on the batch show any change of its members.
    network = ("--features", "random", "--protocol", "published") if kind == "SIGKILL" else ()
    work = (clips, "--batch-size", 2, *network)
    dying = Forked("-c", DYING.format(signal=kind), "features", *work, "-o", killed / "x.csv")
    assert "Traceback" not in dying.communicate()[1]
    assert dying.returncode == (-signal.SIGKILL if kind == "SIGKILL" else 130)
    partial = killed / "x.csv.partial"
    assert list(files_in(killed)) == [partial.name]
    os.truncate(partial, partial.stat().st_size - 7)
    assert features(*work, "-o", killed / "x.csv") == 0
    assert features(*work, "-o", whole / "x.csv") == 0
    assert files_in(killed) == files_in(whole)


def test_a_corrected_row_stays_whatever_clips_stand_beside_it(tmp_path, clips):
    for name, source in {"all": clips, "one": clips / "3.wav"}.items():
        assert features(source, "--features", "random", "-o", tmp_path / f"{name}.csv") == 0
    together, alone = (read_features(tmp_path / f"{name}.csv") for name in ("all", "one"))
    assert (together.loc["3"] == alone.loc["3"]).all() and not list(tmp_path.glob("*.keras"))
    # What a user gets who loads the file and gives it one clip.
    waveform = fit_waveform(read_waveform(clips / "3.wav", 12000, duration=29.0), 348000)
    np.testing.assert_allclose(together.loc["3"], convnet()(waveform[None])[0], rtol=0, atol=2e-5)
    # A window is a batch of its own, too.
    windows = ("--window", 0.4, "--batch-size", 8)
    assert features(clips / "3.wav", "--features", "random", *windows, "-o", tmp_path / "windows.csv") == 0
    found = read_features(tmp_path / "windows.csv")
    waveform = fit_waveform(read_waveform(clips / "3.wav", 12000)[4800:9600], 348000)
    np.testing.assert_allclose(found.iloc[1, 2:].astype(float), convnet()(waveform[None])[0], rtol=0, atol=2e-5)


def test_calibrated_features_come_with_their_model(tmp_path, clips, capsys):
    assert features(clips, "--features", "random", "--calibrate-on", clips, "-o", tmp_path / "a.csv") == 0
    model = tmp_path / "a.calibrated.keras"
    assert str(model) in capsys.readouterr().out
    assert features(clips / "3.wav", "--weights", model, "-o", tmp_path / "b.csv") == 0
    a, b = read_features(tmp_path / "a.csv"), read_features(tmp_path / "b.csv")
    np.testing.assert_allclose(b.loc["3"], a.loc["3"], atol=1e-4)
    about = [json.loads((tmp_path / name).read_text())["extractor"] for name in ("a.json", "b.json")]
    # The model of a finished table keeps its bytes; others of the same network make no other work.
    saved = model.read_bytes()
    assert (
        features(clips, "--features", "random", "--calibrate-on", clips, "-o", tmp_path / "a.csv") == 0
        and model.read_bytes() == saved
    )
    model.write_bytes(b"damaged")
    assert (
        features(clips, "--features", "random", "--calibrate-on", clips, "-o", tmp_path / "a.csv") == 0
        and model.read_bytes() != saved
    )
    finished = (tmp_path / "b.csv").stat().st_mtime_ns
    assert features(clips / "3.wav", "--weights", model, "-o", tmp_path / "b.csv") == 0
    assert (tmp_path / "b.csv").stat().st_mtime_ns == finished
    assert about[0]["weights_sha256"] == about[1]["weights_sha256"] and not about[0]["depends_on_batch"]
    idle = {("--weights", model): "holds statistics", ("--features", "random", "--protocol", "published"): "published"}
    for options, why in idle.items():
        assert features(clips, *options, "--calibrate-on", clips, "-o", tmp_path / "c.csv") == 2
        assert (
            f"--calibrate-on: has no use with {'the' if why == 'published' else 'a network that'} {why}"
            in capsys.readouterr().err
        )


def test_the_music_to_calibrate_on_is_told_and_so_are_its_unreadable_clips(tmp_path, clips, capsys):
    (tmp_path / "music").mkdir()
    for number in (0, 1):
        (tmp_path / "music" / f"{number}.wav").write_bytes((clips / f"{number}.wav").read_bytes())
    out, model = tmp_path / "a.csv", tmp_path / "a.calibrated.keras"
    work = (clips / "3.wav", "--features", "random", "-o", out)
    assert features(*work, "--calibrate-on", tmp_path / "music") == 0
    good = {"name": "music", "n_clips": 2, "sha256": list_clips(tmp_path / "music").sha256(), "n_used": 2, "failed": []}
    assert json.loads(out.with_suffix(".json").read_text())["extractor"]["calibration"] == good
    row = out.read_text()
    bad = tune(1.0, 12000)
    bad[50] = np.nan
    write(tmp_path / "music" / "bad.wav", bad, 12000, subtype="FLOAT")
    for _ in range(2):  # a finished table says it, too
        capsys.readouterr()
        assert features(*work, "--calibrate-on", tmp_path / "music") == 1
        error = capsys.readouterr().err
        assert "1 of 3 clips to calibrate on could not be read: bad.wav: contains NaN or infinite samples (" in error
    found = json.loads(out.with_suffix(".json").read_text())["extractor"]["calibration"]
    assert (found["n_clips"], found["n_used"]) == (3, 2) and found["failed"][0]["filepath"] == "bad.wav"
    assert out.read_text() == row
    # The model goes with its table, and another's is not touched.
    assert features(*work) == 0 and not model.exists() and out.read_text() != row
    model.write_bytes(b"something else")
    capsys.readouterr()
    assert features(*work, "--seed", 1) == 2 and model.read_bytes() == b"something else"
    assert "a.calibrated.keras: --out: stands beside the table" in capsys.readouterr().err


def test_tags_of_the_published_network(tmp_path, shared_data):
    golden = np.load(shared_data / "golden/choi_keras2.npz", allow_pickle=False)
    songs = [next((shared_data / "taggers").rglob(os.path.basename(name))) for name in golden["clips"]]
    weights = shared_data / "choi2017/weights/model_best.hdf5"
    options = ("--weights", weights, "--output", "tags", "--fit", "zero_pad", "--batch-size", 4)
    assert features(*songs, *options, "-o", tmp_path / "tags.csv") == 0
    tags = read_features(tmp_path / "tags.csv")
    assert tags.columns.tolist() == golden["tags"].tolist()
    np.testing.assert_allclose(tags.to_numpy(), golden["tag_scores"], atol=1e-4)


def test_bad_clips_are_listed_and_the_exit_code_is_1(tmp_path):
    unusable = write_unusable(tmp_path / "bad")
    unusual = {"silence": np.zeros((8000, 1)), "one_sample": np.ones((1, 1)), "eight": tune(0.1, channels=8)}
    for name, samples in unusual.items():
        write(tmp_path / "bad" / f"{name}.wav", samples)
    write(tmp_path / "bad" / "fast.wav", tune(0.5, 192000), 192000)
    names = [*unusable, "silence.wav", "one_sample.wav", "eight.wav", "fast.wav"]
    pd.DataFrame({"clip_id": names, "filepath": names, "label": "x"}).to_csv(tmp_path / "bad" / "set.csv", index=False)
    words = ("features", tmp_path / "bad" / "set.csv", "-o", tmp_path / "out.csv", "--features", "random")
    done = subprocess.run([sys.executable, "-m", "mgc_keras", *words], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == 1 and f"{len(unusable)} of {len(names)} clips failed" in done.stdout
    # The decoders' own remarks on broken files, and TensorFlow's on the machine, are kept away.
    *lines, last = [line for line in done.stderr.replace("\r", "\n").split("\n") if line]
    which = "silence.wav is below -80 dB throughout; one_sample.wav is constant (DC offset)"
    assert f"2 of {len(names)} clips were read but look damaged: {which} (" in last
    assert all(line.startswith(("random: ", "calibrating: ")) for line in lines)
    assert pd.read_csv(tmp_path / "out_errors.csv").clip_id.tolist() == list(unusable)
    table = read_features(tmp_path / "out.csv")
    assert table.index.tolist() == names[-4:] and np.isfinite(table.to_numpy()).all()


def test_a_full_disk_is_one_line_and_costs_nothing_that_was_done(tmp_path, clips, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mount.stderr.strip()}")
    work = (clips, "--window", 0.2, "--batch-size", 2)
    try:
        assert features(*work, "-o", disk / "mfcc.csv") == 2
        # Progress bars go to the terminal by carriage returns.
        error = capsys.readouterr().err.replace("\r", "\n").strip().split("\n")[-1]
        assert error.startswith("mgc-keras features: ") and "disk is full" in error
        assert list(files_in(disk)) == ["mfcc.csv.partial"]
        subprocess.run(["mount", "-o", "remount,size=10M", disk], check=True)
        assert features(*work, "-o", disk / "mfcc.csv") == 0
        assert features(*work, "-o", tmp_path / "mfcc.csv") == 0
        assert files_in(disk) == files_in(tmp_path)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--features", "convnet"], "needs weights"),
        (["--weights", "nowhere.h5"], "no such file"),
        (["--features", "mfcc", "--weights", "x.h5"], "--weights"),
        (["--output", "tags"], "--output"),
        (["--hop", "1"], "hop"),
        (["--features", "mfcc", "--protocol", "published"], "--protocol"),
        (["--jobs", "0"], "jobs"),
    ],
)
def test_options_that_make_no_sense_are_one_line_and_code_2(tmp_path, clips, arguments, words, capsys):
    assert main(["features", str(clips), "-o", str(tmp_path / "x.csv"), *arguments]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and words in error
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_a_weight_file_that_is_none_are_one_line(tmp_path, clips, capsys):
    assert main(["features", str(tmp_path / "gone"), "-o", str(tmp_path / "x.csv")]) == 2
    (tmp_path / "w.h5").write_text("none")
    assert main(["features", str(clips), "-o", str(tmp_path / "x.csv"), "--weights", str(tmp_path / "w.h5")]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 2 and "gone" in error and "w.h5" in error


def test_each_table_keeps_its_errors_and_names_may_be_escaped(tmp_path, clips, capsys):
    names = ["=cmd|' calc'!A1", "+1", "-2", "@SUM(A1)", "a=b"]
    for name in names[:4]:
        write(tmp_path / "in" / f"{name}.wav", tune(0.2, 12000), 12000)
    (tmp_path / "in" / "a=b.wav").write_text("no sound")
    assert features(tmp_path / "in", "-o", tmp_path / "mfcc.csv") == 1
    assert features(clips / "3.wav", "-o", tmp_path / "other.csv") == 0
    capsys.readouterr()
    assert features(tmp_path / "in", "-o", tmp_path / "mfcc.csv") == 1
    assert str(tmp_path / "mfcc_errors.csv") in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "mfcc_errors.csv")["clip_id"].tolist() == ["a=b"]
    assert features(tmp_path / "in", "-o", tmp_path / "escaped.csv", "--escape-formulas") == 1
    plain, escaped = (pd.read_csv(tmp_path / f"{name}.csv", dtype=str) for name in ("mfcc", "escaped"))
    assert set(plain["clip_id"]) == set(names[:4])
    for column in ("clip_id", "filepath"):
        assert escaped[column].tolist() == ["'" + name for name in plain[column]]
    pd.testing.assert_frame_equal(escaped.iloc[:, 2:], plain.iloc[:, 2:])


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["features", "--help"])
    text = capsys.readouterr().out
    assert "examples:" in text and "exit code" in text and "errors.csv" in text


def test_one_channel(tmp_path, capsys):
    samples = tune(1.0, 12000)
    write(tmp_path / "stereo" / "clip.wav", samples, 12000)
    write(tmp_path / "left" / "clip.wav", samples[:, :1], 12000)
    assert features(tmp_path / "stereo", "-o", tmp_path / "one.csv", "--channel", "left") == 0
    assert features(tmp_path / "left", "-o", tmp_path / "alone.csv") == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
    about = [json.loads((tmp_path / name).read_text()) for name in ("one.json", "alone.json")]
    assert about[0]["channel"] == "left" and "channel" not in about[1]


def test_one_clip_of_samples_that_are_no_sound_costs_no_other_clip(tmp_path, clips, capsys):
    for number in range(3):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"{number}.wav").write_bytes((clips / f"{number}.wav").read_bytes())
    huge = tune(1.0, 12000, 1)
    huge[500:540] = 3e38
    write(tmp_path / "set" / "1a.wav", huge, 12000, subtype="FLOAT")
    assert features(tmp_path / "set", "-o", tmp_path / "mfcc.csv") == 1
    assert (
        features(*(tmp_path / "set" / f"{number}.wav" for number in range(3)), "-o", tmp_path / "good" / "mfcc.csv")
        == 0
    )
    found, good = (read_features(tmp_path / name) for name in ("mfcc.csv", "good/mfcc.csv"))
    pd.testing.assert_frame_equal(found, good)
    assert pd.read_csv(tmp_path / "mfcc_errors.csv", dtype=str)["clip_id"].tolist() == ["1a"]
