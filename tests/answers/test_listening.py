"""What of a song is judged: silence, short, quiet and damaged songs, with a network whose answers are known."""

import csv
import io
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from broken_clips import write
from two_genres import LENGTH, RATE, share_of_high, song, two_genres

import mgc_keras
from mgc_keras.answers.answer import SongAnswer
from mgc_keras.cli.main import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_genres(tmp_path_factory.mktemp("model") / "model.keras")


def asked(model: Path, folder: Path, waveform: np.ndarray, **options: object) -> SongAnswer:
    (answer,) = mgc_keras.classify([write(folder / "song.wav", waveform, RATE)], model, **options)
    return answer


def test_silent_excerpts_have_no_scores_and_no_vote(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    # Of the fourth, a third sounds.
    third = np.where(np.arange(LENGTH) < LENGTH // 3, song(0.8, rest=0), 0)
    waveform = np.concatenate([song(0.9, rest=0), np.zeros(LENGTH), song(-0.4, rest=0), third])
    answer = asked(model, tmp_path, waveform, why=True)
    of_two = np.mean(share_of_high(np.array([0.9, -0.4])))
    assert answer.scores[0] == pytest.approx(of_two, abs=1e-4)
    assert np.isnan(answer.excerpts).all(axis=1).tolist() == [False, True, False, True]
    assert answer.agreeing.tolist() == [True, False, False, False]
    assert answer.sounds == ("", "silence", "", "mostly silence")
    assert "0:00-0:00 is silent: no scores and no vote" in answer.reasons
    # The same as of the song from which the silence was cut.
    whole = asked(model, tmp_path, song(0.9, -0.4, rest=0), why=True)
    np.testing.assert_allclose(answer.scores, whole.scores, atol=1e-6)
    assert answer.why.at_levels == whole.why.at_levels and answer.why.at_parts["last"] == whole.why.at_parts["last"]
    path, plot = write(tmp_path / "song.wav", waveform, RATE), tmp_path / "song.png"
    command = ["classify", str(path), "--weights", str(model)]
    assert main([*command, "--plot", str(plot)]) == 0 and plot.is_file()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1].strip() for line in (lines[2], lines[4])] == ["is silent", "is mostly silent"]
    assert main([*command, "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert [part["scores"]["high"] is None for part in entry["excerpts"]] == [False, True, False, True]
    assert main([*command, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["best"] for row in rows] == ["high", "high", "", "low", ""]
    assert [row["high"] == row["low"] == "" for row in rows] == [False, False, True, False, True]
    kept = [float(row["high"]) for row in rows[1:] if row["high"]]
    assert float(rows[0]["high"]) == pytest.approx(np.mean(kept), abs=1e-6)


def test_a_song_that_sounds_for_too_little_is_not_sure(model: Path, tmp_path: Path) -> None:
    third = np.where(np.arange(LENGTH) < LENGTH // 3, song(0.8, rest=0), 0)
    answer = asked(model, tmp_path, np.concatenate([third, np.zeros(LENGTH)]))
    assert answer.verdict == "not sure" and np.isnan(answer.excerpts[1]).all() and answer.best == "high"
    assert asked(model, tmp_path, np.concatenate([third, np.zeros(LENGTH)]), sure=0.0).verdict == "genre"
    # What sounds fills no excerpt.
    answer = asked(model, tmp_path, np.concatenate([np.zeros(2 * LENGTH), song(0.9)[: LENGTH // 2]]))
    assert answer.verdict == "no answer" and "silent in all its excerpts" in answer.reasons[0]


def test_silence_among_tags_has_no_say(tmp_path: Path) -> None:
    inputs = keras.Input((LENGTH,))
    network = keras.Model(inputs, keras.layers.Dense(50, "sigmoid", name="tags")(inputs))
    path = write(tmp_path / "gap.wav", np.concatenate([song(0.9, rest=0), np.zeros(LENGTH)]), RATE)
    (answer,) = mgc_keras.tag([path], network)
    np.testing.assert_array_equal(answer.scores, answer.excerpts[0])
    assert answer.verdict == "tags" and np.isnan(answer.excerpts[1]).all()


@pytest.mark.parametrize("decibels", [-38.0, -39.8, -40.2, -60.0])
def test_very_quiet_songs_are_not_sure(model: Path, tmp_path: Path, decibels: float) -> None:
    # The root of the mean square of 1.3 and 0.7 around their mean is this many times it.
    level = 10 ** (decibels / 20) / np.sqrt(1.09)
    answer = asked(model, tmp_path, np.concatenate([np.resize([1.3 * level, 0.7 * level], LENGTH), np.zeros(100)]))
    quiet = [reason for reason in answer.reasons if "very quiet" in reason]
    assert (answer.verdict, len(quiet)) == (("not sure", 1) if decibels < -40 else ("genre", 0))
    assert all(f"{decibels:.0f} dB" in reason and "normalize its volume" in reason for reason in quiet)


def test_short_songs_are_not_sure_and_say_what_is_filled_up(model: Path, tmp_path: Path) -> None:
    for n_samples, verdict in ((LENGTH // 2 - 60, "not sure"), (LENGTH - 120, "genre")):
        answer = asked(model, tmp_path, song(0.9, rest=0)[:n_samples])
        assert answer.verdict == verdict
        assert [reason for reason in answer.reasons if reason.endswith("filled up with repeats of it")]


def test_a_long_rest_and_damage_are_told_and_change_nothing(model: Path, tmp_path: Path) -> None:
    answer = asked(model, tmp_path, song(0.9, rest=0))
    assert answer.verdict == "genre" and not answer.reasons
    for n_samples, is_told in ((LENGTH // 4, False), (LENGTH // 2, True)):
        rest = asked(model, tmp_path, song(0.9, -0.9, rest=0)[: LENGTH + n_samples])
        told = [reason for reason in rest.reasons if "are not heard" in reason]
        assert (rest.verdict, bool(told)) == ("genre", is_told)
    path = write(tmp_path / "cut.wav", song(0.9, 0.8, 0.7, rest=0), RATE)
    path.write_bytes(path.read_bytes()[:-200])
    (cut,) = mgc_keras.classify([path], model)
    assert cut.verdict == "genre" and any(reason.startswith("the file looks damaged: it ") for reason in cut.reasons)
