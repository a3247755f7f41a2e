"""Genres and tags for programs: the same as the commands print, with verdicts that can be worked out by hand."""

import json
import math
import pickle
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from broken_clips import write
from two_genres import LENGTH, RATE, share_of_high, song, two_genres

import mgc_keras
from mgc_keras.answers.calibration import Calibration
from mgc_keras.answers.classifier import GenreOptions
from mgc_keras.answers.labelled import labelled_clips, labelled_songs
from mgc_keras.answers.votes import Neighbours
from mgc_keras.cli.main import main
from mgc_keras.corpus.speech import talk
from mgc_keras.errors import OptionError
from mgc_keras.features.hearing import Hearing, HearingExtractor
from mgc_keras.features.songs import SongScorer

LEVELS = {"a": (0.9, 0.8, -0.5), "b": (-0.4, -0.6), "c": (0.99, -0.05, -0.05)}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_genres(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    for name, levels in LEVELS.items():
        write(tmp_path / "songs" / f"{name}.wav", song(*levels), RATE)
    return tmp_path / "songs"


def held_out(folder: Path, n_songs: int, seed: int) -> tuple[Path, np.ndarray]:
    """Songs of one excerpt with labels that the network gets wrong now and then; their levels signed by the label."""
    random = np.random.default_rng(seed)
    levels = random.uniform(-0.9, 0.9, n_songs)
    high = random.random(n_songs) < share_of_high(2 * levels)
    rows = []
    for number, level in enumerate(levels):
        write(folder / f"song{number}.wav", song(level), RATE)
        rows.append((f"song{number}", f"song{number}.wav", "high" if high[number] else "low"))
    pd.DataFrame(rows, columns=["clip_id", "filepath", "label"]).to_csv(folder / "held_out.csv", index=False)
    return folder / "held_out.csv", np.where(high, levels, -levels)


def test_programs_are_told_what_the_command_prints(model: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    (songs / "bad.mp3").write_text("This is no music.\n" * 200)
    assert main(["classify", str(songs), "--weights", str(model), "--json", "--why", "--jobs", "1"]) == 1
    printed = json.loads(capsys.readouterr().out)
    answers = mgc_keras.classify(songs, model, why=True)
    assert [answer.clip_id for answer in answers] == [entry["clip_id"] for entry in printed] == ["a", "b", "bad", "c"]
    for answer, entry in zip(answers, printed, strict=True):
        assert entry["verdict"] == answer.verdict and entry["filepath"] == answer.filepath
        if answer.problem is not None:
            assert entry["error"] == answer.problem.problem and answer.verdict == "no answer" and answer.reasons
            continue
        assert entry["best"] == answer.best and entry["reasons"] == list(answer.reasons)
        assert list(entry["scores"].values()) == pytest.approx(answer.scores.tolist(), abs=1e-6)
        spans = [[part["start_s"], part["end_s"]] for part in entry["excerpts"]]
        np.testing.assert_allclose(spans, answer.spans, atol=1e-3)
        assert entry["agreeing_excerpts"] == np.flatnonzero(answer.agreeing).tolist()


def test_an_answer_is_sure_if_song_and_excerpts_lean_to_it(model: Path, songs: Path) -> None:
    a, b, c = mgc_keras.classify(songs, model)
    assert (a.verdict, a.best, a.agreeing.tolist()) == ("genre", "high", [True, True, False])
    assert (b.verdict, b.best) == ("genre", "low")
    # Its mean is that of one loud excerpt; two of three say otherwise.
    assert (c.verdict, c.best) == ("not sure", "high") and "1 excerpt of 3 says high, fewer than half" in c.reasons
    share = 100 * np.mean(share_of_high(np.array(LEVELS["a"])))
    (strict,) = mgc_keras.classify([songs / "a.wav"], model, sure=0.7)
    assert strict.verdict == "not sure" and f"the share of high is {share:.1f} %, below 70 %" in strict.reasons
    np.testing.assert_array_equal(strict.scores, a.scores)
    assert [answer.verdict for answer in mgc_keras.classify(songs, model, sure=0.0)] == ["genre"] * 3


def test_an_answer_that_level_turns_is_not_sure(tmp_path: Path) -> None:
    """A network that says "high" above a level, and a song that is 5 dB above it: 10 dB softer it is "low"."""
    model = two_genres(tmp_path / "model.keras", threshold=0.2)
    levels = 0.2 * 10 ** (np.array([5.0, 12.0]) / 20)
    for name, level in zip(("near", "far"), levels, strict=True):
        write(tmp_path / "songs" / f"{name}.wav", song(level, level), RATE)
    far, near = mgc_keras.classify(tmp_path / "songs", model)
    assert (far.verdict, far.best, far.doubts) == ("genre", "high", ())
    assert (near.verdict, near.best) == ("not sure", "high")
    share = 100 * (1 - share_of_high(levels[0] * 10**-0.5, threshold=0.2))
    assert near.doubts == (f"the answer depends on the level (10 dB softer: low {share:.1f} %)",)
    assert near.doubts[0] in near.reasons
    # Whoever asks for a genre always gets one; a calibration promises for songs as they are, and the doubt is told.
    assert [answer.verdict for answer in mgc_keras.classify(tmp_path / "songs", model, sure=0.0)] == ["genre"] * 2


def test_what_speaks_against_a_sure_answer_is_printed(model: Path, songs: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["classify", str(songs), "--weights", str(model)]) == 0
    # The first song, its three excerpts, and nothing of what speaks for it.
    first, *excerpts, doubt, following = capsys.readouterr().out.splitlines()[:6]
    share = 100 * np.mean(share_of_high(np.array(LEVELS["a"])))
    assert first == f"a.wav: high {share:.1f} %, low {100 - share:.1f} %" and len(excerpts) == 3
    assert doubt == "  - against: low 0:00-0:00 (73.1 %)" and following.startswith("b.wav: ")


def test_sets_of_genres_are_those_of_the_definition(model: Path, songs: Path, tmp_path: Path) -> None:
    manifest, toward_truth = held_out(tmp_path / "known", 14, seed=1)
    kept = tmp_path / "calibration.json"
    for coverage in (0.5, 0.8, 0.9):
        options = {"coverage": coverage, "calibrate_on": manifest, "calibration": kept}
        answers = mgc_keras.classify(songs, model, **options)
        worst = np.sort(1 - share_of_high(toward_truth))[math.ceil(15 * coverage) - 1]
        for answer in answers:
            high = np.mean(share_of_high(np.array(LEVELS[answer.clip_id])))
            wanted = {name for name, share in (("high", high), ("low", 1 - high)) if 1 - share <= worst}
            assert set(answer.genre_set) == wanted
            assert answer.verdict == ("genre" if len(wanted) == 1 else "not sure")
            assert any(f"at {100 * coverage:g} % coverage" in reason for reason in answer.reasons)
            assert answer.probabilities.sum() == pytest.approx(1)
            assert answer.probabilities.argmax() == answer.scores.argmax()
        # The file says the same later on.
        again = mgc_keras.classify(songs, model, coverage=coverage, calibration=kept)
        assert [answer.genre_set for answer in again] == [answer.genre_set for answer in answers]
    # Fewer songs than the coverage needs: nothing can be ruled out.
    few, _ = held_out(tmp_path / "few", 8, seed=2)
    assert {answer.genre_set for answer in mgc_keras.classify(songs, model, calibrate_on=few)} == {
        ("high", "low"),
        ("low", "high"),
    }


def test_calibrations_that_do_not_fit(model: Path, songs: Path, tmp_path: Path) -> None:
    manifest, _ = held_out(tmp_path / "known", 3, seed=1)
    kept = tmp_path / "calibration.json"
    mgc_keras.classify(songs, model, calibrate_on=manifest, calibration=kept)
    cut = (
        r"is of excerpts of \S+ s, and these songs are cut into excerpts of \S+ s without 0\.01 s at each end \(--drop"
    )
    with pytest.raises(OptionError, match=cut):
        mgc_keras.classify(songs, model, calibration=kept, drop=0.01)
    with pytest.raises(OptionError, match="--calibrate-on"):
        mgc_keras.classify(songs, model, coverage=0.9)
    found = Calibration.read(kept)
    with pytest.raises(OptionError, match="another network"):
        found.check_fits("another", found.names, found.excerpts, "mean")
    with pytest.raises(OptionError, match="is of excerpts of long s, and"):
        replace(found, excerpts={"seconds": "long"}).check_fits(found.network, found.names, found.excerpts, "mean")
    with pytest.raises(OptionError, match="knows no average 'knn'"):
        found.check_fits(found.network, found.names, found.excerpts, "knn")
    texts = ("", "[]", "{}", '{"kind": "mgc_keras calibration"}', kept.read_text().replace("0.", "7."))
    for text in texts:
        kept.write_text(text)
        with pytest.raises(OptionError, match="holds no calibration"):
            Calibration.read(kept)
    table = pd.read_csv(manifest)
    scorer = SongScorer(model)
    table.assign(label="polka").to_csv(manifest, index=False)
    with pytest.raises(OptionError, match="knows no genre 'polka'.*high, low"):
        labelled_songs(
            scorer, manifest, labelled_clips(manifest, "calibrate_on"), scorer.excerpts(), "calibrate_on"
        ).of_genres(scorer.names)
    table.rename(columns={"label": "label_high"}).assign(label_high=1.0).to_csv(manifest, index=False)
    with pytest.raises(OptionError, match="column 'label'"):
        labelled_clips(manifest, "calibrate_on")
    for options in ({"coverage": 1.0}, {"sure": 1.5}, {"k": 0}, {"average": "median"}):
        with pytest.raises(OptionError):
            GenreOptions(**options)


def test_why(model: Path, songs: Path, tmp_path: Path) -> None:
    known = Neighbours(
        np.array([[0.8, 0.2], [0.7, 0.3], [0.35, 0.65], [0.1, 0.9]]),
        np.array(["high", "high", "low", "low"]),
        np.array(["one", "one", "two", "three"]),
    )
    path = known.write(tmp_path / "known.npz")
    for answer in mgc_keras.classify(songs, model, why=True, neighbours=path):
        levels = np.array(LEVELS[answer.clip_id])
        for decibels, (best, share) in answer.why.at_levels.items():
            high = np.mean(share_of_high(levels * 10 ** (decibels / 20)))
            assert best == ("high" if high > 0.5 else "low") and share == pytest.approx(max(high, 1 - high), abs=1e-4)
        for part, place in (("first", 0), ("centre", len(levels) // 2), ("last", -1)):
            if part == "centre" and len(levels) == 2:
                assert part not in answer.why.at_parts
                continue
            assert answer.why.at_parts[part][0] == ("high" if levels[place] > 0 else "low")
        mean = np.mean(share_of_high(levels))
        far = {"one": abs(0.75 - mean), "two": abs(0.35 - mean), "three": abs(0.1 - mean)}
        assert [name for name, _, _ in answer.why.neighbours] == sorted(far, key=far.get)
        np.testing.assert_allclose(
            [found for *_, found in answer.why.neighbours], np.sqrt(2) * np.sort([*far.values()]), atol=1e-3
        )
        text = "\n".join(answer.reasons)
        assert "10 dB softer" in text and "nearest songs of known genre" in text and "0:00-0:00" in text


def test_speech_and_silence_are_not_music(tmp_path: Path) -> None:
    model = two_genres(tmp_path / "model.keras", length=10 * RATE)
    talks = np.concatenate([talk(11, 11, 10.0, RATE), talk(17, 17, 10.0, RATE)])
    time = np.arange(20 * RATE) / RATE
    music = sum(np.sin(2 * np.pi * tone * time) for tone in (220, 277, 330)) / 4
    files = {
        "half": np.concatenate([talks[: 10 * RATE], music[: 10 * RATE]]),
        "music": music,
        "silence": np.zeros(20 * RATE),
        "talk": talks,
        "cancelling": np.stack([music, -music], axis=1),
    }
    for name, waveform in files.items():
        write(tmp_path / "songs" / f"{name}.wav", waveform, RATE)
    found = {answer.clip_id: answer for answer in mgc_keras.classify(tmp_path / "songs", model)}
    assert {name: answer.verdict for name, answer in found.items()} == {
        "half": "genre",
        "music": "genre",
        "silence": "not music",
        "talk": "not music",
        "cancelling": "no answer",
    }
    assert found["talk"].sounds == ("speech", "speech") and "2 excerpts of 2 sound like speech" in found["talk"].reasons
    assert (
        found["half"].sounds == ("speech", "")
        and "1 excerpt of 2 sounds like speech: 0:00-0:10" in found["half"].reasons
    )
    # Scores stay what they are.
    assert found["talk"].scores.sum() == pytest.approx(1) and found["talk"].excerpts.shape == (2, 2)
    assert found["silence"].problem is not None and found["silence"].scores.shape == (0,)


def test_hearing_moves_no_score_and_can_be_sent_to_workers(model: Path) -> None:
    scorer = SongScorer(model)
    waveforms = np.random.default_rng(0).uniform(-1, 1, (3, LENGTH)).astype(np.float32)
    hearing = Hearing((6.0,), scorer.extractor)
    rows = HearingExtractor(scorer.extractor, hearing)(waveforms)
    scores, heard = hearing.parted(rows, 2)
    np.testing.assert_array_equal(scores, scorer.extractor(waveforms))
    np.testing.assert_array_equal(heard.at_levels[6.0], scorer.extractor(waveforms * np.float32(10**0.3)))
    np.testing.assert_array_equal(heard.tags, scores)
    assert [figures.seconds for figures in heard.figures] == pytest.approx([0.1] * 3)
    copy = pickle.loads(pickle.dumps(HearingExtractor(scorer.extractor, hearing)))
    np.testing.assert_array_equal(copy(waveforms), rows)
    assert (copy.n_samples, copy.sampling_rate, copy.columns) == (LENGTH, RATE, ("high", "low"))


def test_tags_for_programs(tmp_path: Path) -> None:
    inputs = keras.Input((10 * RATE,))
    network = keras.Model(inputs, keras.layers.Dense(50, "sigmoid", name="tags")(keras.layers.Dense(1)(inputs)))
    write(tmp_path / "talk.wav", talk(11, 11, 20.0, RATE), RATE)
    write(tmp_path / "tone.wav", np.sin(np.arange(20 * RATE) / 9) / 3, RATE)
    speech, tone = mgc_keras.tag([tmp_path / "talk.wav", tmp_path / "tone.wav"], network)
    assert (speech.verdict, tone.verdict) == ("not music", "tags")
    assert speech.reasons == ("2 excerpts of 2 sound like speech",) and tone.reasons == ()
    for answer in (speech, tone):
        assert answer.names[:2] == ("rock", "pop") and answer.best == answer.names[answer.scores.argmax()]
        np.testing.assert_allclose(answer.scores, answer.excerpts.mean(axis=0), rtol=1e-6)
