"""Parts of an export, and their merging: the bytes of one machine, or a refusal by name before anything is written."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken_clips import tune, write
from toy_extractor import ToyExtractor, write_clips

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.features.entries import ClipEntries, finish_export
from mgc_keras.features.export import compute_batches, export_features
from mgc_keras.features.merging import merge_parts
from mgc_keras.features.parts import Part
from mgc_keras.features.plan import plan_export
from mgc_keras.files import locked
from mgc_keras.work import Journal


class Matrices(ToyExtractor):
    columns = ("a", "b", "c")

    def __call__(self, waveforms):
        return super().__call__(waveforms)[:, None] * np.arange(1, 5, dtype=np.float32)[:, None]


def export_forms(clips: Path, folder: Path, part: str | None = None) -> None:
    """Export each form of output with features that tell who shared a batch."""
    for order in ("file", "shuffled", "single"):
        export_features(clips, folder / f"{order}.csv", ToyExtractor(3, batch_order=order, seed=3), part=part)
    export_features(clips, folder / "windows.csv", ToyExtractor(3), window=0.2, hop=0.1, part=part)
    export_features(clips, folder / "matrices.npz", Matrices(3, batch_order="shuffled"), part=part)


FORMS = ("file.csv", "shuffled.csv", "single.csv", "windows.csv", "matrices.npz")


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    paths = write_clips(tmp_path / "clips", 13)
    paths[5].write_text("no audio")
    # Read, but it looks damaged.
    write(paths[7], np.zeros((4000, 1)), 8000)
    return paths


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def export_parts(clips: list[Path], output: Path, *numbers: int, n_parts: int = 3, **options: object) -> None:
    for number in numbers or range(1, n_parts + 1):
        export_features(clips, output, ToyExtractor(2), part=f"{number}/{n_parts}", **options)


def test_four_processes_and_merge_write_what_one_machine_does(tmp_path: Path, clips: list[Path]) -> None:
    places = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path)])}
    words = (sys.executable, __file__, tmp_path / "clips", tmp_path / "parts")
    running = [subprocess.Popen([*words, f"{number}/4"], env=places) for number in range(1, 5)]
    export_forms(tmp_path / "clips", tmp_path / "whole")
    assert [process.wait() for process in running] == [0] * 4
    assert len(list((tmp_path / "parts").iterdir())) == 4 * len(FORMS)
    # Neither clips nor TensorFlow are needed to merge.
    (tmp_path / "clips").rename(tmp_path / "gone")
    for form in FORMS:
        assert merge_parts(tmp_path / "parts" / form) == tmp_path / "parts" / form
    assert files_in(tmp_path / "parts") == files_in(tmp_path / "whole")
    about = json.loads((tmp_path / "parts" / "file.json").read_text())
    assert list(about["remarks"]) == ["clip007.wav"] and about["n_failed"] == 1


def test_merging_needs_no_tensorflow(tmp_path: Path, clips: list[Path]) -> None:
    export_parts(clips, tmp_path / "out" / "toy.csv")
    blocked = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
    work = "from mgc_keras.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", blocked + work, "merge", tmp_path / "out" / "toy.csv"])
    assert done.returncode == 1  # a clip could not be read


@pytest.mark.parametrize("n_parts", [1, 2, 7, 12])
def test_however_many_parts_there_are(tmp_path: Path, clips: list[Path], n_parts: int) -> None:
    export_features(clips, tmp_path / "whole" / "toy.csv", ToyExtractor(2))
    export_parts(clips, tmp_path / "parts" / "toy.csv", n_parts=n_parts)
    merge_parts(tmp_path / "parts" / "toy.csv")
    assert files_in(tmp_path / "parts") == files_in(tmp_path / "whole")


@pytest.mark.parametrize(("n_batches", "n_parts"), [(0, 3), (1, 1), (7, 3), (10, 10), (3, 8), (15625, 10)])
def test_each_batch_is_of_one_part_and_parts_are_even(n_batches: int, n_parts: int) -> None:
    batches = list(range(n_batches))
    parts = [Part(number, n_parts).of(batches) for number in range(1, n_parts + 1)]
    assert list(itertools.chain(*parts)) == batches
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    "text", ["0/4", "5/4", "a/b", "3", "", "1/0", "-1/4", "1/4/2", " 1/4", "1.0/4", "³/4", "1/10001"]
)
def test_what_is_no_part_is_refused(tmp_path: Path, clips: list[Path], text: str) -> None:
    with pytest.raises(OptionError, match=r"^part: .* is no part \(.+\)$"):
        export_features(clips, tmp_path / "out" / "toy.csv", ToyExtractor(), part=text)
    assert not (tmp_path / "out").exists()


def test_a_stopped_part_goes_on_and_a_finished_one_has_nothing_to_do(
    tmp_path: Path, clips: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    export_features(clips, tmp_path / "whole" / "toy.csv", ToyExtractor(2))
    output, shard = tmp_path / "parts" / "toy.csv", tmp_path / "parts" / "toy.csv.part-2-of-3"
    export_parts(clips, output, 1, 3)
    stopping = ToyExtractor(2)
    stopping.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, output, stopping, part="2/3")
    with pytest.raises(OptionError, match=r"toy.csv: toy.csv.part-2-of-3 is unfinished \(run again --part 2/3\)"):
        merge_parts(output)
    os.truncate(shard, shard.stat().st_size - 5)
    with pytest.raises(OptionError, match="toy.csv.part-2-of-3 is damaged, or stopped in the midst"):
        merge_parts(output)
    again = ToyExtractor(2)
    assert export_features(clips, output, again, part="2/3") == shard
    # Clip 5 cannot be read.
    assert again.sizes == [1, 2] and "nothing to do" not in caplog.text
    kept = shard.read_bytes()
    idle = ToyExtractor(2)
    assert export_features(clips, output, idle, part="2/3") == shard
    assert not idle.sizes and shard.read_bytes() == kept
    assert f"{shard}: is finished already, nothing to do" in caplog.text
    merge_parts(output)
    assert files_in(output.parent) == files_in(tmp_path / "whole")
    # Where the whole is finished, no part of it is computed.
    assert export_features(clips, output, idle, part="2/3") == output and not idle.sizes and not shard.exists()
    assert merge_parts(output) == output


def test_two_processes_do_not_write_one_shard_nor_merge_what_is_written(tmp_path: Path, clips: list[Path]) -> None:
    output = tmp_path / "out" / "toy.csv"
    export_parts(clips, output)
    for held, do in itertools.product(("toy.csv", "toy.csv.part-2-of-3"), ("part", "merge")):
        if (held, do) == ("toy.csv", "part"):
            continue
        before = files_in(output.parent)
        with locked(output.with_name(held)):
            with pytest.raises(MgcKerasError, match=f"{held}: is being written by process {os.getpid()}"):
                merge_parts(output) if do == "merge" else export_parts(clips, output, 2)
        assert files_in(output.parent) == before


def _rename(folder: Path, name: str, new: str) -> None:
    (folder / name).rename(folder / new)


def _flip(folder: Path, name: str, place: int) -> None:
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 1
    (folder / name).write_bytes(content)


def _without_a_step(folder: Path, name: str) -> None:
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    # The third and fourth are the first batch.
    (folder / name).write_bytes(b"".join(lines[:2] + lines[4:]))


TWO, ONE = "toy.csv.part-2-of-3", "toy.csv.part-1-of-3"
REFUSED = {
    "missing": (lambda at: (at / TWO).unlink(), f"toy.csv: {TWO} is missing (run again --part 2/3)"),
    "two missing": (
        lambda at: ((at / TWO).unlink(), (at / ONE).unlink()),
        f"{ONE} and 1 more parts are missing (run parts 1-2 of 3 again, the first by --part 1/3)",
    ),
    "copied": (
        lambda at: shutil.copy(at / TWO, at / f"{TWO}.copy"),
        f"{TWO}.copy: holds part 2 of 3, which {TWO} holds, too (move one of them away)",
    ),
    "copied over another": (
        lambda at: shutil.copy(at / ONE, at / TWO),
        f"{TWO}: holds part 1 of 3, which {ONE} holds, too (move one of them away)",
    ),
    "renamed": (lambda at: _rename(at, TWO, "toy.csv.part-x"), f"part-x: holds part 2 of 3 (name it {TWO})"),
    "no part": (lambda at: (at / "toy.csv.part-9").write_text("mine"), "toy.csv.part-9: is no part of an export"),
    "another's journal": (
        lambda at: Journal(at / "toy.csv.part-4-of-4", "x").append([{"position": 0}]),
        "toy.csv.part-4-of-4: is no part of an export",
    ),
    "a folder": (lambda at: (at / "toy.csv.part-9").mkdir(), "toy.csv.part-9: has the name of a part and is a folder"),
    "a pipe": (lambda at: os.mkfifo(at / "toy.csv.part-9"), "toy.csv.part-9: has the name of a part and is no regular"),
    "empty": (lambda at: (at / TWO).write_bytes(b""), f"{TWO} is unfinished (run again --part 2/3)"),
    "damaged head": (lambda at: _flip(at, TWO, 3), f"{TWO}: is no part of an export, whatever its name says"),
    "damaged description": (lambda at: _flip(at, TWO, 500), f"{TWO} is damaged, or stopped in the midst"),
    "damaged end": (lambda at: _flip(at, TWO, -30), f"{TWO} is damaged, or stopped in the midst"),
    "more behind its end": (
        lambda at: (at / TWO).open("ab").write(b"x"),
        f"{TWO} is damaged, or stopped in the midst of writing (run again --part 2/3)",
    ),
    "a batch cut out": (
        lambda at: _without_a_step(at, TWO),
        f"{TWO}: is damaged: it has other clips than it says (remove it, and run again --part 2/3)",
    ),
    "another form": (
        lambda at: [_rename(at, f"toy.csv.part-{n}-of-3", f"toy.npz.part-{n}-of-3") for n in (1, 2, 3)],
        "toy.npz.part-1-of-3: is a part of a .csv, not of a .npz (name an output in .csv)",
    ),
    "my table": (lambda at: (at / "toy.csv").write_text("a,b\n"), "toy.csv: is there already and is no file of an"),
    "my notes": (lambda at: (at / "toy.json").write_text("{}"), "toy.json: is there already and is no file of an"),
    "my list": (lambda at: (at / "toy_errors.csv").write_text("a\n"), "toy_errors.csv: is there already and is no"),
    "a part for the output": (lambda at: os.link(at / TWO, at / "toy.csv"), "toy.csv: is read here and would be over"),
}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    export_parts(write_clips(folder / "clips", 13), folder / "out" / "toy.csv")
    return folder / "out"


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_merged_is_refused_by_name_before_anything_is_written(
    tmp_path: Path, shards: Path, case: str
) -> None:
    folder = shutil.copytree(shards, tmp_path / "out")
    spoil, words = REFUSED[case]
    spoil(folder)
    before = {path.name: path.is_file() and path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OptionError) as caught:
        merge_parts(folder / ("toy.npz" if case == "another form" else "toy.csv"))
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert {path.name: path.is_file() and path.read_bytes() for path in folder.iterdir()} == before


def test_parts_of_other_work_are_refused_and_what_differs_is_named(
    tmp_path: Path, clips: list[Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out" / "toy.csv"
    export_parts(clips, output, 1, 3)

    def refused(words: str, extractor: ToyExtractor, source: list[Path] = clips, **options: object) -> None:
        caplog.clear()
        export_features(source, output, extractor, part="2/3", **options)
        assert "of other settings, clips or versions; run that part again" in caplog.text
        with pytest.raises(OptionError) as caught:
            merge_parts(output)
        assert f"toy.csv.part-2-of-3: {words} than toy.csv.part-1-of-3" in str(caught.value)
        assert sorted(path.name for path in output.parent.iterdir()) == [f"toy.csv.part-{n}-of-3" for n in (1, 2, 3)]

    refused("has another extractor.n_samples", ToyExtractor(2, n_samples=3000))
    refused("has another window_s", ToyExtractor(2), window=0.2)
    refused("has other clips in a batch", ToyExtractor(3))
    refused("has another source.n_clips", ToyExtractor(2), clips[:-1])
    with monkeypatch.context() as patch:
        patch.setattr("mgc_keras.features.plan.versions", lambda: {"numpy": "0.9"})
        refused("has another versions.numpy", ToyExtractor(2))
    os.utime(clips[3])
    refused("has other times of change of the clips, or rights to them", ToyExtractor(2))
    write(clips[3], tune(0.3, 8000, 1), 8000)
    refused("has other names or sizes of the clips", ToyExtractor(2))
    # The odd one is named, whichever it is.
    export_parts(clips, output, 3)
    with pytest.raises(OptionError, match=r"toy.csv.part-1-of-3: has other .* than toy.csv.part-2-of-3"):
        merge_parts(output)
    export_parts(clips, output, 1)
    merge_parts(output)
    assert len(pd.read_csv(output)) == 12


def test_parts_of_two_divisions_do_not_go_together(tmp_path: Path, clips: list[Path]) -> None:
    output = tmp_path / "out" / "toy.csv"
    export_parts(clips, output)
    with pytest.raises(OptionError, match=r"part-1-of-3: part: is one of 3 parts, and this is one of 2 \(keep to 3"):
        export_parts(clips, output, 1, n_parts=2)
    export_parts(clips, tmp_path / "other" / "toy.csv", 1, n_parts=2)
    shutil.copy(tmp_path / "other" / "toy.csv.part-1-of-2", output.parent)
    with pytest.raises(OptionError, match=r"part-1-of-2: is one of 2 parts, and others are of 3 \(move those of one"):
        merge_parts(output)
    assert not output.exists()


def test_a_part_takes_the_place_of_nothing_else(tmp_path: Path, clips: list[Path]) -> None:
    output = tmp_path / "out" / "toy.csv"
    export_parts(clips, output, 1)
    shutil.copy(output.with_name(ONE), output.with_name(TWO))
    with pytest.raises(OptionError, match=f"{TWO}: part: holds part 1 of 3, not part 2"):
        export_parts(clips, output, 2)
    output.with_name(TWO).write_text("mine")
    with pytest.raises(OptionError, match=f"{TWO}: part: is there already and is no part of an export"):
        export_parts(clips, output, 2)
    output.write_text("mine,too\n")
    with pytest.raises(OptionError, match="toy.csv: is there already and is no file of an earlier export"):
        export_parts(clips, output, 1)


# Merges copies of a folder, each killed at another moment, and merges them again.
KILLED = """
import itertools, os, shutil, signal, sys
from pathlib import Path
from mgc_keras.features.merging import merge_parts
from mgc_keras.work import Journal

def dying(call):
    def wrapped(*arguments, **options):
        if next(begun) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return wrapped

shards, home = map(Path, sys.argv[1:])
for moment in itertools.count():
    folder = shutil.copytree(shards, home / str(moment))
    begun = itertools.count()
    child = os.fork()
    if not child:
        os.replace, os.unlink, Journal.append = map(dying, (os.replace, os.unlink, Journal.append))
        merge_parts(folder / "toy.csv")
        os._exit(0)
    lived = os.waitpid(child, 0)[1] == 0
    merge_parts(folder / "toy.csv")
    if lived:
        break
"""


def test_a_merge_that_was_killed_ends_the_same_to_the_byte(tmp_path: Path, shards: Path) -> None:
    whole = shutil.copytree(shards, tmp_path / "whole")
    merge_parts(whole / "toy.csv")
    (tmp_path / "killed").mkdir()
    subprocess.run([sys.executable, "-c", KILLED, shards, tmp_path / "killed"], check=True)
    ended = list((tmp_path / "killed").iterdir())
    # Three files get their names, one entry is written, three shards and locks are removed.
    assert len(ended) > 7
    for folder in ended:
        assert files_in(folder) == files_in(whole), folder


def test_keep_leaves_the_parts(tmp_path: Path, shards: Path) -> None:
    folder = shutil.copytree(shards, tmp_path / "out")
    merge_parts(folder / "toy.csv", keep=True)
    kept = files_in(folder)
    assert {name: kept[name] for name in files_in(shards)} == files_in(shards) and len(kept) == 6
    merge_parts(folder / "toy.csv", keep=True)
    assert files_in(folder) == kept


def test_work_that_one_machine_began_alone_is_finished_by_parts(tmp_path: Path, clips: list[Path]) -> None:
    output, stopping, idle = tmp_path / "out" / "toy.csv", ToyExtractor(2), ToyExtractor(2)
    stopping.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        export_features(clips, output, stopping)
    export_parts(clips, output)
    merge_parts(output)
    assert sorted(files_in(output.parent)) == ["toy.csv", "toy.json", "toy_errors.csv"]
    export_features(clips, output, idle)
    assert not idle.sizes


def test_a_shard_with_a_flipped_bit_is_refused_and_its_part_mends_it(tmp_path: Path, shards: Path) -> None:
    whole = shutil.copytree(shards, tmp_path / "whole")
    merge_parts(whole / "toy.csv")
    clips = sorted((shards.parent / "clips").iterdir())
    draw, content = np.random.default_rng(0), (shards / TWO).read_bytes()
    # The first line holds the fingerprint.
    for number, place in enumerate([*range(0, 100, 9), *draw.integers(len(content), size=60).tolist()]):
        folder = shutil.copytree(shards, tmp_path / str(place), dirs_exist_ok=True)
        _flip(folder, TWO, place)
        with pytest.raises(OptionError, match=TWO):
            merge_parts(folder / "toy.csv")
        assert sorted(files_in(folder)) == sorted(files_in(shards))
        if number % 10 == 9:
            export_parts(clips, folder / "toy.csv", 2)
            merge_parts(folder / "toy.csv")
            assert files_in(folder) == files_in(whole)


def test_clips_that_the_disk_lost_name_the_part_to_run_again(
    tmp_path: Path, clips: list[Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_features(clips, tmp_path / "whole" / "toy.csv", ToyExtractor(2))
    output = tmp_path / "out" / "toy.csv"
    export_parts(clips, output, 1, 3)

    def failing(path: Path, *arguments: object, **options: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("mgc_keras.features.pipeline.read_waveform", failing)
        export_parts(clips, output, 2)
    assert "the same command tries them again" in caplog.text
    caplog.clear()
    merge_parts(output)
    assert "could not be read any more, nor 3 other clips; run again --part 2/3, then merge" in caplog.text
    assert len(pd.read_csv(tmp_path / "out" / "toy_errors.csv")) == 4 and len(list(output.parent.iterdir())) == 6
    export_parts(clips, output, 2)
    merge_parts(output)
    assert files_in(output.parent) == files_in(tmp_path / "whole")


def test_what_was_measured_is_that_of_the_first_batch(tmp_path: Path, clips: list[Path]) -> None:
    class Measuring(ToyExtractor):
        first: float | None = None

        def __call__(self, waveforms):
            rows = super().__call__(waveforms)
            self.first = float(rows[0, 0]) if self.first is None else self.first
            return rows

        def measured(self):
            return {} if self.first is None else {"first": self.first}

    export_features(clips, tmp_path / "whole" / "toy.csv", Measuring(2))
    for number in (3, 1, 2):
        export_features(clips, tmp_path / "out" / "toy.csv", Measuring(2), part=f"{number}/3")
    merge_parts(tmp_path / "out" / "toy.csv")
    assert (
        files_in(tmp_path / "out") == files_in(tmp_path / "whole")
        and b'"first"' in files_in(tmp_path / "out")["toy.json"]
    )


def test_finishing_does_not_ask_in_which_order_batches_came(tmp_path: Path, clips: list[Path]) -> None:
    whole = export_features(clips, tmp_path / "whole" / "toy.csv", ToyExtractor(2, batch_order="shuffled"))
    plan = plan_export(clips, tmp_path / "out" / "toy.csv", ToyExtractor(2, batch_order="shuffled"))
    with Journal(plan.partial, plan.fingerprint) as journal:
        entries = ClipEntries(journal, len(clips))
        for batch in plan.batches[::-1]:
            compute_batches(plan, [batch], journal, entries, jobs=1)
        finish_export(plan, entries, {})
        journal.remove()
    assert files_in(tmp_path / "out") == files_in(whole.parent)


if __name__ == "__main__":
    export_forms(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
