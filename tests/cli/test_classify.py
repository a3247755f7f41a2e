"""``mgc-keras classify`` and ``mgc-keras tag`` as a user runs them, with a network whose answers are known."""

import csv
import io
import json
import re
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from broken_clips import write
from scipy.stats import binomtest

from mgc_keras import __version__
from mgc_keras.cli.classify import _RIGHT_OF_SURE, _SURE_OF_OTHERS
from mgc_keras.cli.main import main
from mgc_keras.layers.named_outputs import with_output_names
from mgc_keras.networks import registry

RATE, LENGTH = 12000, 1200
TUNED = "upc/crnn_net_gru_adam_ours_epoch_40.h5"


def song(*levels: float, rest: int = 300) -> np.ndarray:
    """A tenth of a second at each level, and a rest that fills no excerpt."""
    # A constant would be silence: each is as much above its level as below it.
    sway = np.resize([1.01, 0.99], LENGTH)
    return np.concatenate([*(level * sway for level in levels), np.zeros(rest)])


def share_of_high(level: float) -> float:
    return 1 / (1 + np.exp(-2 * level))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two genres: the soft-max of a waveform's mean and of minus that."""
    inputs = keras.Input((LENGTH,))
    genres = keras.layers.Dense(2, activation="softmax", name="genres")
    network = keras.Model(inputs, genres(inputs))
    genres.set_weights([np.tile([[1.0, -1.0]], (LENGTH, 1)) / LENGTH, np.zeros(2)])
    path = tmp_path_factory.mktemp("model") / "model.keras"
    with_output_names(network, ["high", "low"]).save(path)
    network.save(path.with_name("unnamed.h5"))
    return path


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    write(folder / "rock" / "one.wav", song(0.9, 0.8, -0.5), RATE)
    write(folder / "pop" / "two.wav", song(-0.4, -0.6), RATE)
    return folder


def run(capsys: pytest.CaptureFixture, command: str, *arguments: object) -> tuple[int, str, str]:
    code = main([command, *map(str, arguments)])
    return code, *capsys.readouterr()


def test_text_and_figures(model: Path, songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "classify", songs, "--weights", model, "--plot", tmp_path / "plots" / "my.png")
    mean = 100 * np.mean([share_of_high(level) for level in (0.9, 0.8, -0.5)])
    lines = out.splitlines()
    assert code == 0 and lines[0].startswith("pop/two.wav: low ")
    assert lines[3] == f"rock/one.wav: high {mean:.1f} %, low {100 - mean:.1f} %"
    assert lines[4].split() == [
        "0:00",
        "-",
        "0:00",
        *f"high {100 * share_of_high(0.9):.1f} %, low {100 * share_of_high(-0.9):.1f} %".split(),
    ]
    drawn = [tmp_path / "plots" / name for name in ("pop/my_two.png", "rock/my_one.png")]
    assert lines[-2:] == [str(path) for path in drawn]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in drawn)


@pytest.mark.parametrize("average", ["mean", "geometric"])
def test_json_holds_every_number(model: Path, songs: Path, capsys: pytest.CaptureFixture, average: str) -> None:
    code, out, _ = run(capsys, "classify", songs, "--weights", model, "--json", "--average", average)
    found = {entry["clip_id"]: entry for entry in json.loads(out)}
    excerpts = np.array([share_of_high(level) for level in (0.9, 0.8, -0.5)])
    both = np.stack([excerpts, 1 - excerpts])
    of_song = both.mean(axis=1) if average == "mean" else np.exp(np.log(both).mean(axis=1))
    one = found["rock/one"]
    assert code == 0 and one["best"] == "high" and found["pop/two"]["best"] == "low"
    assert one["scores"]["high"] == pytest.approx((of_song / of_song.sum())[0], abs=1e-3)
    assert [part["scores"]["high"] for part in one["excerpts"]] == pytest.approx(excerpts.tolist(), abs=1e-3)
    assert [part["start_s"] for part in one["excerpts"]] == [0.0, 0.1, 0.2]


def test_neighbours_from_a_manifest(model: Path, songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    table = pd.DataFrame({"clip_id": ["a", "b"], "filepath": ["rock/one.wav", "pop/two.wav"], "label": ["high", "low"]})
    table.to_csv(songs / "known.csv", index=False)
    asked = write(tmp_path / "asked.wav", song(0.85, -0.5, -0.42), RATE)
    command = ["classify", asked, "--weights", model, "--average", "knn", "--k", 1]
    code, out, error = run(capsys, *command)
    assert code == 2 and "--neighbours" in error and error.count("\n") == 1
    # The nearest known excerpts: 0.8 or 0.9 of song a, -0.5 of song a too, -0.4 of song b.
    code, out, _ = run(capsys, *command, "--neighbours", songs / "known.csv", "--json")
    assert code == 0 and json.loads(out)[0]["scores"] == pytest.approx({"high": 2 / 3, "low": 1 / 3}, abs=1e-6)
    # A song that cannot be asked moves the answers: it is told.
    with open(songs / "known.csv", "a", encoding="utf-8") as known:
        known.write("c,gone.wav,high\n")
    code, out, error = run(capsys, *command, "--neighbours", songs / "known.csv", "--json")
    assert code == 1 and json.loads(out)[0]["scores"] == pytest.approx({"high": 2 / 3, "low": 1 / 3}, abs=1e-6)
    assert "--neighbours: gone.wav: there is no such file" in error


def test_csv_has_a_row_a_song_and_one_an_excerpt(model: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "classify", songs, "--weights", model, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and [row["part"] for row in rows] == ["song", "0", "1", "song", "0", "1", "2"]
    assert float(rows[3]["high"]) == pytest.approx(np.mean([float(row["high"]) for row in rows[4:]]), abs=1e-5)
    next(songs.rglob("*.wav")).rename(songs / "@SUM(A1).wav")
    code, out, _ = run(capsys, "classify", songs, "--weights", model, "--csv", "--escape-formulas")
    assert {"'@SUM(A1)"} < {row["clip_id"] for row in csv.DictReader(io.StringIO(out))}


def test_one_bad_file_does_not_stop_the_rest(model: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    (songs / "bad.mp3").write_text("This is no music.\n" * 200)
    code, out, error = run(capsys, "classify", songs, "--weights", model, "--json")
    entries = json.loads(out)
    assert code == 1 and [("error" in entry) for entry in entries] == [True, False, False]
    assert "bad.mp3" in error and "1 of 3 songs" in error
    code, out, error = run(capsys, "classify", songs / "bad.mp3", "--weights", model)
    # Those without an answer stand among the answers, too.
    assert code == 2 and out.startswith(f"{songs / 'bad.mp3'}: no answer: cannot be decoded") and "bad.mp3" in error


def test_a_song_that_is_too_short_says_so(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    short, dropped = (
        write(tmp_path / "short.wav", np.linspace(0.1, 0.3, 600), RATE),
        write(tmp_path / "dropped.wav", song(0.5, 0.7), RATE),
    )
    code, out, error = run(capsys, "classify", short, dropped, "--weights", model, "--drop", 0.08, "--json")
    assert (
        code == 0 and "short.wav: 0.1 s are shorter than an excerpt" in error and "dropped.wav: without 0.08 s" in error
    )
    assert [len(entry["excerpts"]) for entry in json.loads(out)] == [1, 1]


def test_a_model_without_names(model: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    unnamed = model.with_name("unnamed.h5")
    assert "class 1" in run(capsys, "classify", songs, "--weights", unnamed)[1]
    assert "quiet" in run(capsys, "classify", songs, "--weights", unnamed, "--labels", "loud, quiet")[1]
    code, _, error = run(capsys, "classify", songs, "--weights", unnamed, "--labels", "loud")
    assert code == 2 and "1 names for 2 genres" in error


def test_tags_of_a_network_for_ten_genres(shared_data: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(capsys, "tag", songs, "--weights", shared_data / TUNED)
    assert code == 2 and out == "" and error.count("\n") == 1
    assert "scores 10 genres, not 50 tags" in error and TUNED in error and "mgc-keras classify" in error


def test_tags_are_means_over_excerpts(shared_data: Path, capsys: pytest.CaptureFixture) -> None:
    weights = shared_data / "taggers" / "music_tagger_crnn_weights_tensorflow.h5"
    clip = shared_data / "audio" / "emotify" / "classical" / "45.mp3"
    code, out, _ = run(capsys, "tag", clip, "--weights", weights, "--json")
    one = json.loads(out)[0]
    assert code == 0 and len(one["scores"]) == 50 and len(one["excerpts"]) == 2
    means = {tag: np.mean([part["scores"][tag] for part in one["excerpts"]]) for tag in one["scores"]}
    assert one["scores"] == pytest.approx(means, abs=2e-6)
    assert one["best"] == max(means, key=means.get)


def test_wrong_input_is_one_line_that_says_what_and_where(
    model: Path, songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MGC_KERAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(registry.WeightFile, "address", lambda self, ref=None: "http://127.0.0.1:9/weights.h5")
    (tmp_path / "empty").mkdir()
    given = ("--weights", model)
    cases = (
        ((songs,), "mgc-keras weights add"),
        ((songs, "--weights", "nothing.h5"), "nothing.h5"),
        ((tmp_path / "empty", *given), "holds no audio files"),
        ((tmp_path / "none", *given), "no such file or folder"),
        (("https://example.com/a.mp3", *given), "https://example.com/a.mp3: URLs are not fetched: download it first"),
        ((songs, "--weights", "https://example.com/w.h5"), "https://example.com/w.h5: URLs are not fetched: download"),
        ((songs, *given, "--drop", "-1"), "drop"),
        ((songs, *given, "--top", "0"), "--top"),
        ((songs, *given, "--jobs", "0"), "jobs"),
        ((songs, *given, "--plot", "plot.pdf"), ".png"),
        ((songs, *given, "--neighbours", "some.csv"), "knn"),
    )  # fmt: skip
    for arguments, words in cases:
        code, out, error = run(capsys, "classify", *arguments)
        assert code == 2 and out == "" and words in error and error.count("\n") == 1, (arguments, error)


def test_one_channel_of_songs_whose_channels_cancel(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write(tmp_path / "song.wav", np.stack([song(0.9), song(-0.9)], axis=1), RATE)
    code, out, error = run(capsys, "classify", path, "--weights", model)
    assert code == 2 and "no answer: has channels that cancel out" in out and "--channel left" in error
    shares = {}
    for channel in ("left", "right"):
        code, out, _ = run(capsys, "classify", path, "--weights", model, "--json", "--channel", channel)
        (entry,) = json.loads(out)
        # What is not asked for is not spoken of.
        assert code == 0 and entry.get("channel", "mix") == channel and ("channel" in entry) == (channel != "mix")
        shares[channel] = entry["scores"]["high"]
    right = share_of_high(-0.9)
    assert shares == pytest.approx({"left": share_of_high(0.9), "right": right}, abs=1e-3)


def test_the_published_network_says_what_it_cannot(
    shared_data: Path, model: Path, songs: Path, capsys: pytest.CaptureFixture
) -> None:
    docs = Path(__file__).parents[2] / "docs" / "answers.md"
    of_docs = re.search(r"(\d+) were sure, and (\d+) of\s+these right", docs.read_text("utf-8"))
    clip, weights = shared_data / "audio" / "emotify" / "classical" / "45.mp3", shared_data / TUNED
    others = re.search(
        r"Of (\d+) of electronic music, a genre that it does not know, (\d+) were not sure", docs.read_text()
    )
    code, _, error = run(capsys, "classify", clip, "--weights", weights)
    (line,) = [line for line in error.splitlines() if "can name" in line]
    assert code == 0 and "blues, classical, country, disco, hiphop, jazz, metal, pop, reggae and rock, no other" in line
    assert f"{of_docs[2]} of {of_docs[1]} were right" in line and "no probabilities" in line and "--why" in line
    n_others, n_unsure = map(int, others.groups())
    assert f"of {n_others} songs of another genre it was sure of {n_others - n_unsure}" in line
    assert "says more" not in run(capsys, "classify", clip, "--weights", weights, "--why")[2]
    # Asked otherwise, that count says nothing.
    other = run(capsys, "classify", clip, "--weights", weights, "--sure", 0.3)[2]
    assert "can name" in other and "were right" not in other
    assert "can name" not in run(capsys, "classify", clip, "--weights", weights, "--csv")[2]
    assert "can name" not in run(capsys, "classify", songs, "--weights", model)[2]


def test_labelled_songs_that_are_not_there_are_told_first(
    songs: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    known = tmp_path / "lists" / "known.csv"
    known.parent.mkdir()
    table = pd.DataFrame({"clip_id": ["a", "b"], "filepath": ["rock/one.wav", "pop/two.wav"], "label": ["high", "low"]})
    # No network is needed to say so: there is none.
    command = ("classify", songs, "--weights", tmp_path / "none.h5", "--why")
    for option in ("--neighbours", "--calibrate-on"):
        for columns in (["filepath", "label"], ["clip_id", "label"]):
            table[columns].to_csv(known, index=False)
            code, _, error = run(capsys, *command, option, known)
            assert code == 2 and error.count("\n") == 1 and f"{known}: {option}" in error and "manifest folder" in error
            assert "the columns clip_id, filepath and label" in error
        table.to_csv(known, index=False)
        for home in (None, tmp_path):
            code, _, error = run(capsys, *command, option, known, *(["--data-home", home] if home else []))
            assert code == 2 and error.count("\n") == 1 and "none.h5" not in error
            assert all(str(tried) in error for tried in (known.parent, home or known.parent))
            assert "--data-home" in error and "manifest folder" in error
    command = ("classify", songs, "--weights", model, "--average", "knn", "--neighbours", known, "--json")
    code, out, _ = run(capsys, *command, "--data-home", songs)
    known.rename(songs / "known.csv")
    beside = run(capsys, *command[:-2], songs / "known.csv", "--json")
    assert code == 0 and json.loads(out) == json.loads(beside[1])


def test_reasons_of_a_cell_are_those_of_json(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    # Names of files stand among the reasons.
    names = ["b; c.wav", "d, e.wav"]
    for name in names:
        write(tmp_path / "known" / name, song(-0.7), RATE)
    table = pd.DataFrame({"clip_id": ["b; c", "d, e"], "filepath": names, "label": ["low", "high"]})
    table.to_csv(tmp_path / "known" / "known.csv", index=False)
    songs = [write(tmp_path / "one.wav", song(0.99, -0.05, -0.05), RATE), tmp_path / "gone.wav"]
    command = ("classify", *songs, "--weights", model, "--why", "--neighbours", tmp_path / "known" / "known.csv")
    entries = json.loads(run(capsys, *command, "--json")[1])
    rows = [row for row in csv.DictReader(io.StringIO(run(capsys, *command, "--csv")[1])) if row["verdict"]]
    for row, entry in zip(rows, entries, strict=True):
        reasons = [reason.replace("b; c", "b, c") for reason in entry["reasons"]]
        assert row["reasons"].split("; ") == reasons and row["verdict"] == entry["verdict"] and row["genre"] == ""
    assert (
        entries[0]["genre"] is None
        and len(entries[0]["reasons"]) > 3
        and any("b; c" in r for r in entries[0]["reasons"])
    )
    assert [entry["verdict"] for entry in entries] == ["not sure", "no answer"]
    text = run(capsys, *command)[1].splitlines()
    assert text[0].startswith(f"{songs[0]}: not sure: ") and text[-1].startswith(f"{songs[1]}: no answer: ")


def test_one_excerpt_is_not_counted(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write(tmp_path / "one.wav", song(0.9), RATE)
    code, out, _ = run(capsys, "classify", path, "--weights", model, "--why")
    share = 100 * share_of_high(0.9)
    assert code == 0 and f"  - heard in one excerpt only: high 0:00-0:00 ({share:.1f} %)" in out.splitlines()
    assert "excerpts" not in out


def test_labelled_songs_give_an_accuracy(model: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    write(songs / "low.wav", song(0.9, 0.9), RATE)
    write(songs / "unsure.wav", song(0.9, -0.8), RATE)
    labels = {"rock/one.wav": "high", "pop/two.wav": "low", "low.wav": "low", "unsure.wav": "high", "gone.wav": "low"}
    table = pd.DataFrame({"clip_id": list(labels), "filepath": list(labels), "label": list(labels.values())})
    table.to_csv(songs / "known.csv", index=False)
    words = ("classify", songs / "known.csv", "--weights", model)
    code, _, told = run(capsys, *words, "--sure", 0.6)
    # Three of four are right; one of the three sure ones is wrong. Wilson's bounds, a normal quantile's, are near.
    found = re.search(r"told right of the songs of known genre: 3 of 4 \(0.75 \[(\S+), (\S+)\]\), (.*)", told)
    assert code == 1 and found and found[3].startswith("2 of 3 (0.67 [") and found[3].endswith("of the sure ones")
    low, high = proportion_bounds(3, 4)
    assert float(found[1]) <= low + 0.005 and float(found[2]) >= high - 0.005
    table.assign(label="opera").to_csv(songs / "known.csv", index=False)
    assert "known genre" not in run(capsys, *words)[2]


def proportion_bounds(n_right: int, n: int) -> tuple[float, float]:
    interval = binomtest(n_right, n).proportion_ci(method="wilson")
    return interval.low, interval.high


def test_json_says_what_made_it(model: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    made_by = {}
    for name in (model.name, "unnamed.h5"):
        entries = json.loads(run(capsys, "classify", songs, "--weights", model.with_name(name), "--json")[1])
        (made_by[name],) = {json.dumps(entry["made_by"]) for entry in entries}
    known, same = map(json.loads, made_by.values())
    assert known["mgc_keras"] == __version__ and known["weights"] == str(model)
    # The same tensors in another file.
    assert known["weights_sha256"] == same["weights_sha256"] != "" and same["weights"].endswith("unnamed.h5")


# The songs whose sure answers turn within 10 dB, as benchmarks/answers.py prints them.
TURNING = "electronic/5 electronic/78 pop/19 pop/20 pop/56 pop/9 rock/15 rock/39 rock/48 rock/8"


def test_what_is_said_of_sure_answers_is_true_of_the_original_networks_scores(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    golden = np.load(shared_data / "golden" / "upc_crnn.npz", allow_pickle=False)
    clips = pd.read_csv(shared_data / "audio" / "emotify" / "emotify.csv").set_index("filepath")
    names, truth = golden["genres"], clips.loc[golden["filepath"], "label"].to_numpy(str)
    scores, excerpts = golden["song_scores"], golden["frame_scores"].reshape(len(truth), 2, len(names))
    best = scores.argmax(axis=1)
    agree = (excerpts.argmax(axis=2) == best[:, None]).mean(axis=1)
    turning = np.isin(golden["filepath"], [f"{name}.mp3" for name in TURNING.split()])
    by_shares, known = (scores.max(axis=1) >= 0.5) & (agree >= 0.5), np.isin(truth, names)
    assert by_shares[turning].all() and turning.sum() == 10
    sure = by_shares & ~turning
    assert _RIGHT_OF_SURE == ((names[best] == truth)[sure & known].sum(), (sure & known).sum())
    assert _SURE_OF_OTHERS == ((sure & ~known).sum(), (~known).sum())
    # Each turns; that no other does takes longer to see, and is the benchmark's.
    folder = shared_data / "audio" / "emotify"
    (tmp_path / "turning.m3u8").write_text("\n".join(str(folder / f"{name}.mp3") for name in TURNING.split()))
    printed = run(capsys, "classify", tmp_path / "turning.m3u8", "--weights", shared_data / TUNED, "--json")[1]
    for entry in json.loads(printed):
        assert entry["verdict"] == "not sure" and any("depends on the level" in reason for reason in entry["reasons"])


def test_a_calibration_says_how_many_songs_it_had(
    model: Path, songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    manifest = songs / "known.csv"
    names = sorted(str(path.relative_to(songs)) for path in songs.rglob("*.wav"))
    rows = [f"{name},{name},{('high', 'low')[place % 2]}" for place, name in enumerate(names)]
    manifest.write_text("clip_id,filepath,label\n" + "\n".join(rows) + "\n")
    words = ("classify", songs / names[0], "--weights", model, "--calibrate-on", manifest)
    error = run(capsys, *words)[2]
    assert f"calibrated on {len(names)} songs of {manifest}: fewer than 9 rule no genre out at 90 % coverage" in error
    kept = tmp_path / "kept.json"
    error = run(capsys, *words, "--coverage", 0.5, "--calibration", kept)[2]
    assert f"calibrated on {len(names)} songs of {manifest}, kept in {kept}\n" in error
    assert "1 of the songs asked about are among these" in error
    write(tmp_path / "other.wav", song(0.4), RATE)
    error = run(capsys, words[0], tmp_path / "other.wav", *words[2:])[2]
    assert "calibrated on" in error and "among these" not in error


def test_many_short_excerpts_are_counted(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Those of musicnn, 3 s long, would take 19 lines a minute."""
    write(tmp_path / "long.wav", song(*[0.4] * 7), RATE)
    write(tmp_path / "short.wav", song(*[0.4] * 6), RATE)
    printed = run(capsys, "classify", tmp_path / "long.wav", "--weights", model)[1].splitlines()
    assert len(printed) == 2 and printed[1] == "  the mean of 7 excerpts of 0.1 s (--why shows each)"
    assert (
        sum(
            "high 69.0 %" in line
            for line in run(capsys, "classify", tmp_path / "short.wav", "--weights", model)[1].splitlines()
        )
        == 7
    )
    assert len(run(capsys, "classify", tmp_path / "long.wav", "--weights", model, "--why")[1].splitlines()) > 9
