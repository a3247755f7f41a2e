"""``classify --write``, ``--playlists`` and ``undo`` as a user runs them."""

import csv
import io
import sys
from pathlib import Path

import pytest
import soundfile
from two_genres import RATE, song, two_genres

import mgc_keras
from mgc_keras.answers.playlists import playlist_files
from mgc_keras.cli.main import main

mutagen = pytest.importorskip("mutagen", reason="needs mutagen (pip install 'mgc_keras[library]')")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_genres(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "music").mkdir()
    for name, levels in {"#one": (0.9, 0.8), "two": (-0.6, -0.4), "unsure": (0.99, -0.05, -0.05)}.items():
        soundfile.write(tmp_path / "music" / f"{name}.flac", song(*levels), RATE)
    return tmp_path / "music"


def genres(folder: Path) -> dict[str, list[str]]:
    return {path.stem: mutagen.File(path).get("genre", []) for path in sorted(folder.glob("*.flac"))}


def run(capsys: pytest.CaptureFixture, *words: object) -> tuple[int, str, str]:
    code = main([*map(str, words)])
    return code, *capsys.readouterr()


def test_write_shows_then_writes_then_undoes(model: Path, music: Path, capsys: pytest.CaptureFixture) -> None:
    command = ("classify", music, "--weights", model, "--write", "genre")
    nothing = {"#one": [], "two": [], "unsure": []}
    code, out, _ = run(capsys, *command)
    assert code == 0 and f"{music / '#one.flac'}: genre would be high" in out and "Add --yes" in out
    assert "unsure.flac: genre" not in out and genres(music) == nothing and not list(Path().glob("*.jsonl"))
    code, out, _ = run(capsys, *command, "--threshold", "0.82")
    assert "#one.flac: genre would be" in out and "two.flac: genre would be" not in out
    code, out, _ = run(capsys, *command, "--yes", "--undo-file", "undo.jsonl")
    assert code == 0 and "mgc-keras classify: 2 files were written" in out and "mgc-keras undo undo.jsonl" in out
    assert genres(music) == {"#one": ["high"], "two": ["low"], "unsure": []}
    code, out, _ = run(capsys, *command, "--yes", "--undo-file", "undo.jsonl")
    assert code == 2
    code, out, error = run(capsys, *command, "--csv")
    assert code == 0 and "holds this genre already" in error
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [*rows[0]][-4:] == ["verdict", "genre_set", "reasons", "genre"] and rows[-1]["verdict"] == ""
    assert [row["genre"] for row in rows if row["part"] == "song"] == ["high", "low", ""]
    assert not any(row["genre"] for row in rows if row["part"] != "song")
    assert [row["verdict"] for row in rows if row["part"] == "song"] == ["genre", "genre", "not sure"]
    code, out, _ = run(capsys, "undo", "undo.jsonl")
    assert code == 0 and "would be removed, was low" in out and genres(music)["two"] == ["low"]
    code, out, _ = run(capsys, "undo", "undo.jsonl", "--yes")
    assert code == 0 and genres(music) == nothing


def test_playlists(model: Path, music: Path, capsys: pytest.CaptureFixture) -> None:
    command = ("classify", music, "--weights", model, "--playlists", "lists")
    code, out, _ = run(capsys, *command)
    lists = {path.name: path.read_text("utf-8").splitlines()[1:] for path in Path("lists").iterdir()}
    one, two, unsure = (f"../music/{name}.flac" for name in ("#one", "two", "unsure"))
    assert code == 0 and lists == {"high.m3u8": [one], "low.m3u8": [two], "not sure.m3u8": [unsure]}
    assert all((Path("lists") / path).is_file() for paths in lists.values() for path in paths)
    assert out.splitlines()[-3:] == ["lists/high.m3u8", "lists/low.m3u8", "lists/not sure.m3u8"]
    (music / "two.flac").unlink()
    run(capsys, *command)
    assert Path("lists/low.m3u8").read_text() == "#EXTM3U\n"
    run(capsys, *command[:-1], "music")
    assert (music / "high.m3u8").read_text().splitlines() == ["#EXTM3U", "./#one.flac"]
    Path("lists/low.m3u8").write_text("mine")
    code, _, error = run(capsys, *command)
    assert code == 2 and "is no playlist" in error and Path("lists/low.m3u8").read_text() == "mine"


def test_names_of_playlists_are_safe_everywhere() -> None:
    names = ["a/b", "a\\b", "A:B", "..", "", "x" * 400, "x" * 401, "中" * 200, "tab\there", "pop"]
    paths = list(playlist_files(Path("lists"), names).values())
    assert len({path.name.casefold() for path in paths}) == len(names)
    for path in paths:
        assert path.parent == Path("lists") and len(path.name.encode()) <= 255 and not path.name.startswith(".")
        assert not set(path.name) & set('/\\:*?"<>|\t')


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--yes",), "--write genre"),
        (("--overwrite",), "--write genre"),
        (("--threshold", "0.5"), "--write genre"),
        (("--write", "genre", "--threshold", "50"), "--threshold"),
        (("--write", "genre", "--undo-file", "x.jsonl"), "add --yes"),
        (("--coverage", "0.9"), "--calibrate-on"),
        (("--calibration", "none.json"), "no such file"),
        (("--calibrate-on", "none.json"), "manifest (.csv)"),
        (("--sure", "2"), "--sure"),
    ],
)
def test_wrong_options_are_one_line(
    model: Path, music: Path, capsys: pytest.CaptureFixture, words: tuple[str, ...], message: str
) -> None:
    code, out, error = run(capsys, "classify", music, "--weights", model, *words)
    assert code == 2 and out == "" and message in error and error.count("\n") == 1


def test_undo_of_what_is_no_undo_file(music: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(capsys, "undo", music / "two.flac")
    assert code == 2 and out == "" and "is no undo file" in error and error.count("\n") == 1


def test_why_is_printed_below_the_song(model: Path, music: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "classify", music / "unsure.flac", "--weights", model)
    assert code == 0 and "unsure.flac: not sure: high " in out and "- 1 excerpt of 3 says high, fewer than half" in out
    code, out, _ = run(capsys, "classify", music / "two.flac", "--weights", model, "--why")
    assert code == 0 and "two.flac: low " in out and "the answer stays with the level (10 dB softer: low " in out


def test_a_files_own_genre_that_disagrees_is_a_reason(tmp_path: Path) -> None:
    network = two_genres(tmp_path / "model.keras")
    says = {"one": "Hip-Hop", "two": "Classic Rock", "three": "Polka", "four": ""}
    for name, genre in says.items():
        path = tmp_path / f"{name}.flac"
        soundfile.write(path, song(0.9, 0.8), RATE)
        if genre:
            file = mutagen.File(path)
            file["genre"] = genre
            file.save()

    def reasons(labels: list[str]) -> dict[str, list[str]]:
        paths = [tmp_path / f"{name}.flac" for name in says]
        found = mgc_keras.classify(paths, network, labels=labels)
        assert [answer.verdict for answer in found] == ["genre"] * 4
        return {answer.clip_id: [reason for reason in answer.reasons if "own genre" in reason] for answer in found}

    other = lambda name: [f"the file's own genre tag says {says[name]}"]
    assert reasons(["hiphop", "jazz"]) == {"one": [], "two": other("two"), "three": other("three"), "four": []}
    assert reasons(["rock", "jazz"]) == {"one": other("one"), "two": [], "three": other("three"), "four": []}
    # A model that tells other things than genres apart is not contradicted.
    assert not any(reasons(["high", "low"]).values())


def test_what_was_written_is_counted_in_words(model: Path, music: Path, capsys: pytest.CaptureFixture) -> None:
    one = ("classify", music / "#one.flac", "--weights", model, "--write", "genre", "--yes", "--undo-file")
    assert "mgc-keras classify: 1 file was written\n" in run(capsys, *one, "undo.jsonl")[1]
    out = run(capsys, *one, "other.jsonl")[1]
    assert "mgc-keras classify: nothing was written, so there is nothing to undo\n" in out
    assert not Path("other.jsonl").exists() and "writing;" not in out and "would be" not in out
    both = (*one[:1], music, *one[2:])
    assert "mgc-keras classify: 1 of 2 files was written\n" in run(capsys, *both, "both.jsonl")[1]
    assert (
        "mgc-keras undo: 1 file would be given back what it held: add --yes\n" in run(capsys, "undo", "undo.jsonl")[1]
    )
    assert "mgc-keras undo: 1 file was given back what it held\n" in run(capsys, "undo", "undo.jsonl", "--yes")[1]


def test_undo_without_mutagen_names_no_option_of_another_command(
    music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "mutagen", None)
    code, _, err = run(capsys, "undo", "some.jsonl")
    assert code == 2 and "undo: needs mutagen" in err and "--write" not in err
