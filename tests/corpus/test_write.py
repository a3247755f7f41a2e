"""Writing the corpus: whole files, resumable, the same bytes with any number of processes."""

from pathlib import Path

import pytest
import soundfile

from mgc_keras.corpus import corpus_table, render_clip, write_corpus
from mgc_keras.corpus import write as writing
from mgc_keras.datasets.manifest import read_manifest
from mgc_keras.errors import OptionError

SMALL = {"n_clips": 4, "sampling_rate": 8000, "duration": 0.5}


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.wav")}


@pytest.mark.parametrize("task", ["genre", "tagging", "events", "emotion", "songs"])
def test_manifest_and_clips(task: str, tmp_path: Path) -> None:
    manifest = read_manifest(write_corpus(task, tmp_path, **SMALL))
    assert manifest.name == task and len(manifest) == 4
    for path, (_, row) in zip(manifest.filepaths, manifest.table.iterrows(), strict=True):
        information = soundfile.info(path)
        assert (information.samplerate, information.channels, information.frames) == (8000, 1, 4000)
        # The manifest read back is enough to render the clip again.
        assert abs(soundfile.read(path)[0] - render_clip(row, 8000)).max() < 1e-4
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [f"{task}.csv"]
    if task == "songs":
        assert '[[0.0,0.5,"' in manifest.table["sections"][0]


def test_resumes_and_keeps_what_is_the_same(tmp_path: Path) -> None:
    manifest = write_corpus("genre", tmp_path, **SMALL)
    first, text = stamps(tmp_path), manifest.read_bytes()
    assert write_corpus("genre", tmp_path, **SMALL) == manifest
    assert stamps(tmp_path) == first
    read_manifest(manifest).filepaths[1].unlink()
    write_corpus("genre", tmp_path, **SMALL)
    second = stamps(tmp_path)
    assert sum(second[name] != first[name] for name in first) == 1 and manifest.read_bytes() == text
    write_corpus("genre", tmp_path, **{**SMALL, "n_clips": 6})
    third = stamps(tmp_path)
    assert len(third) == 6 and all(third[name] == second[name] for name in second)
    write_corpus("genre", tmp_path, **{**SMALL, "duration": 0.7})
    assert all(stamps(tmp_path)[name] != second[name] for name in second)
    assert soundfile.info(read_manifest(manifest).filepaths[0]).frames == 5600


def test_interrupted_run_leaves_no_manifest_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def interrupted(row: dict, sampling_rate: int) -> object:
        calls.append(row["clip_id"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return render_clip(row, sampling_rate)

    monkeypatch.setattr(writing, "render_clip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_corpus("genre", tmp_path, **SMALL)
    assert not (tmp_path / "genre.csv").exists() and len(stamps(tmp_path)) == 2
    before = stamps(tmp_path)
    monkeypatch.setattr(writing, "render_clip", render_clip)
    assert len(read_manifest(write_corpus("genre", tmp_path, **SMALL))) == 4
    assert all(stamps(tmp_path)[name] == before[name] for name in before)


def test_an_older_renderers_clips_are_rendered_again(tmp_path: Path) -> None:
    manifest = write_corpus("genre", tmp_path, **SMALL)
    first = stamps(tmp_path)
    lines = manifest.read_text().splitlines()
    column = lines[0].split(",").index("renderer")
    cells = lines[1].split(",")
    cells[column] = "0"
    manifest.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    write_corpus("genre", tmp_path, **SMALL)
    assert sum(stamps(tmp_path)[name] != first[name] for name in first) == 1


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    one = read_manifest(write_corpus("speech_music", tmp_path / "one", **SMALL, jobs=1))
    two = read_manifest(write_corpus("speech_music", tmp_path / "two", **SMALL, jobs=2))
    assert [p.read_bytes() for p in one.filepaths] == [p.read_bytes() for p in two.filepaths]


def test_a_damaged_manifest_is_replaced(tmp_path: Path) -> None:
    write_corpus("genre", tmp_path, **SMALL).write_bytes(b"\xff\xfe\x00nonsense")
    assert len(read_manifest(write_corpus("genre", tmp_path, **SMALL))) == 4


@pytest.mark.parametrize(
    ("options", "field"),
    [({"jobs": 0}, "jobs"), ({"duration": -1.0}, "duration"), ({"sampling_rate": 10}, "sampling_rate"),
     ({"n_clips": 0}, "n_clips"), ({"seed": -1}, "seed")],
)  # fmt: skip
def test_bad_options_write_nothing(options: dict, field: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=field):
        write_corpus("genre", tmp_path / "new", **{**SMALL, **options})
    assert not (tmp_path / "new").exists()


def test_unknown_task(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="genre"):
        write_corpus("polka", tmp_path)
    assert len(corpus_table("genre", 1)) == 1
