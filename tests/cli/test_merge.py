"""``--part`` and ``mgc-keras merge`` as a user runs them: array jobs on several machines, then one table."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from broken_clips import tune, write

from mgc_keras.cli.main import main
from mgc_keras.features.table import read_features

# Ends the process when the journal of a part has so many entries: the description, and a batch of eight clips.
DYING = """
import os, signal, sys
from mgc_keras.work import Journal
append = Journal.append
def append_and_die(self, entries):
    append(self, entries)
    if len(self) == 9:
        os.kill(os.getpid(), signal.SIGKILL)
Journal.append = append_and_die
from mgc_keras.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
SMALL = ("--seconds", "0.5", "--sampling-rate", "8000", "--J", "7", "--Q", "4")


def run(*words: object) -> int:
    return main([str(word) for word in words])


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for index in range(10, 36):
        write(folder / f"{index}.wav", tune(0.5, 8000, 1, seed=index), 8000)
    (folder / "20.wav").write_text("no audio")
    return folder


def test_an_array_job_of_four_tasks_and_merge_are_one_machine(
    tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture
) -> None:
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    work = f"{sys.executable} -m mgc_keras scattering {clips} -o {parts}/x.npz {' '.join(SMALL)} --jobs 1"
    job = ["sh", "-c", f"{work} --part $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"]
    queue = {**os.environ, "SLURM_ARRAY_TASK_COUNT": "4"}
    running = [
        subprocess.Popen(job, env=queue | {"SLURM_ARRAY_TASK_ID": str(number)}, stdout=subprocess.PIPE, text=True)
        for number in range(1, 5)
    ]
    printed = [task.communicate()[0].splitlines() for task in running]
    # Batches of eight; one clip of the second cannot be read.
    assert [task.returncode for task in running] == [0, 1, 0, 0]
    assert printed[0] == ["scattering: part 1 of 4: 8 of 8 clips", f"{parts}/x.npz.part-1-of-4"]
    words = f"1 of 8 clips failed: {parts}/x_errors.csv says why, once all parts are merged"
    assert printed[1] == ["scattering: part 2 of 4: 7 of 8 clips", words, f"{parts}/x.npz.part-2-of-4"]
    assert printed[3][0] == "scattering: part 4 of 4: 2 of 2 clips"
    assert run("scattering", clips, "-o", whole / "x.npz", *SMALL) == 1
    capsys.readouterr()
    assert run("merge", parts / "x.npz") == 1
    expected = ["merge: 25 of 26 clips", f"1 of 26 clips failed: {parts / 'x_errors.csv'} says why"]
    expected += [str(parts / name) for name in ("x_errors.csv", "x.json", "x.npz")]
    assert capsys.readouterr().out.splitlines() == expected
    assert files_in(parts) == files_in(whole)
    # Again, it has nothing to do and says the same.
    assert run("merge", parts / "x.npz") == 1 and capsys.readouterr().out.splitlines() == expected


def test_a_killed_part_goes_on(tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture) -> None:
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    work = ("scattering", clips, "-o", parts / "x.npz", *SMALL)
    done = subprocess.run([sys.executable, "-c", DYING, *map(str, work), "--part", "1/2"], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert run(*work, "--part", "2/2") == 0
    capsys.readouterr()
    assert run("merge", parts / "x.npz") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "x.npz.part-1-of-2 is unfinished (run again --part 1/2)" in error
    assert run(*work, "--part", "1/2") == 1
    assert run("merge", parts / "x.npz") == 1
    assert run("scattering", clips, "-o", whole / "x.npz", *SMALL) == 1
    assert files_in(parts) == files_in(whole)


def test_parts_of_which_all_clips_failed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_text("no audio")
    work = ("features", tmp_path / "a.wav", tmp_path / "b.wav", "--batch-size", 1, "-o", tmp_path / "x.csv")
    assert [run(*work, "--part", f"{number}/3") for number in (1, 2, 3)] == [0, 2, 2]
    assert "mfcc: part 1 of 3: 0 of 0 clips" in capsys.readouterr().out
    assert run("merge", tmp_path / "x.csv") == 2
    assert (tmp_path / "x_errors.csv").read_text().count("\n") == 3


@pytest.mark.parametrize(("command", "part"), [("features", "0/4"), ("scattering", "5/4"), ("features", "a/b")])
def test_what_is_no_part_is_one_line(
    tmp_path: Path, clips: Path, command: str, part: str, capsys: pytest.CaptureFixture
) -> None:
    output = tmp_path / ("x.csv" if command == "features" else "x.npz")
    assert run(command, clips, "-o", output, "--part", part) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"part: '{part}' is no part (" in error and "give " in error
    assert not list(tmp_path.iterdir())


def test_parts_are_computed_with_a_network_that_was_calibrated_before(
    tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture
) -> None:
    out, model = tmp_path / "x.csv", tmp_path / "few.calibrated.keras"
    network = ("--features", "random", "--calibrate-on", clips / "11.wav")
    assert run("features", clips, *network, "-o", out, "--part", "1/2") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "--calibrate-on: parts cannot be calibrated each by itself (" in error
    assert "calibrate first" in error and "then --weights FILE.calibrated.keras" in error and not out.exists()
    few = [clips / f"{number}.wav" for number in (11, 12)]
    assert run("features", *few, *network, "-o", tmp_path / "few.csv") == 0
    for number in (1, 2):
        assert run("features", *few, "--batch-size", 1, "--weights", model, "-o", out, "--part", f"{number}/2") == 0
    assert run("features", *few, "--batch-size", 1, "--weights", model, "-o", tmp_path / "whole" / "x.csv") == 0
    assert run("merge", out) == 0
    # Tests leave TensorFlow as it is: not every bit of two runs in this process is the same.
    found, whole = (read_features(folder / "x.csv") for folder in (tmp_path, tmp_path / "whole"))
    np.testing.assert_allclose(found.to_numpy(), whole.to_numpy(), rtol=0, atol=2e-5)
    assert found.index.tolist() == whole.index.tolist() == ["11", "12"]
    # A model that the new table is not made with would stand beside it as if it were its own.
    capsys.readouterr()
    assert run("features", *few, "--features", "random", "--seed", 3, "-o", tmp_path / "few.csv", "--part", "1/2") == 2
    assert "few.calibrated.keras: --part: belongs to the table that the parts will replace" in capsys.readouterr().err
    assert model.exists()


def test_an_output_of_which_there_are_no_parts(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name, words in (("gone/x.csv", "there are no parts of it"), ("x.txt", "is neither a table nor sequences")):
        assert run("merge", tmp_path / name) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and words in error
    assert not list(tmp_path.iterdir())


def test_help_teaches(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["merge", "--help"])
    text = capsys.readouterr().out
    assert "#SBATCH --array" in text and "--part $SLURM_ARRAY_TASK_ID/" in text and "exit codes" in text
