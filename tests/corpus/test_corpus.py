"""The built-in corpus as data: tables, determinism, tags that follow from the notes, difficulty."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mgc_keras.corpus import TASKS, corpus_table, render_clip
from mgc_keras.corpus.arrangement import arrange
from mgc_keras.corpus.composition import compose
from mgc_keras.corpus.dances import DANCES
from mgc_keras.corpus.drums import DRUMS, KITS
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.grooves import FILLS, GROOVES
from mgc_keras.corpus.harmony import BASSES, COMPS, SCALES, Chord, parse_chords, voicing
from mgc_keras.corpus.instruments import TIMBRES
from mgc_keras.corpus.music import tagging_arrangement
from mgc_keras.corpus.tags import TAGS, tags_of
from mgc_keras.errors import OptionError

DEFAULT_CLIPS = {"genre": 200, "tagging": 400, "voice": 80, "speech_music": 60, "dance": 130, "events": 100,
                 "emotion": 100, "songs": 20}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_table(task: str) -> None:
    table = corpus_table(task)
    assert len(table) == DEFAULT_CLIPS[task] == TASKS[task].n_clips
    assert table["clip_id"].is_unique and table["filepath"].is_unique and table["seed"].is_unique
    assert list(table.columns[:2]) == ["clip_id", "filepath"]
    if "label" in table:
        assert (table.groupby("artist")["label"].nunique() == 1).all()
        assert table["label"].value_counts().nunique() == 1
    per_artist = table.groupby("artist")["artist_seed"].unique()
    assert (per_artist.map(len) == 1).all() and table["artist_seed"].nunique() == len(per_artist)
    other = corpus_table(task, seed=1)
    assert not set(other["seed"]) & set(table["seed"]) and not set(other["artist_seed"]) & set(table["artist_seed"])


@pytest.mark.parametrize("task", TASKS)
def test_a_smaller_table_holds_the_same_clips(task: str) -> None:
    small, full = corpus_table(task, n_clips=13).set_index("clip_id"), corpus_table(task).set_index("clip_id")
    assert len(small) == 13
    if task not in ("tagging", "emotion"):  # their artists depend on how many clips there are
        assert (small["artist_seed"] == full.loc[small.index, "artist_seed"]).all()
    assert (small["seed"] == full.loc[small.index, "seed"]).all()


@pytest.mark.parametrize("task", TASKS)
def test_samples_are_sound(task: str) -> None:
    table = corpus_table(task)
    for row in table.iloc[[0, len(table) // 2, len(table) - 1]].to_dict("records"):
        waveform = render_clip(row, 12000, duration=4.0)
        assert waveform.shape == (48000,) and waveform.dtype == np.float32
        assert np.isfinite(waveform).all() and 0.05 < np.abs(waveform).max() < 1.0
        assert abs(waveform.mean()) < 1e-4 and waveform.std() > 1e-3
        # Clipping leaves flat tops: many samples at the very peak.
        assert (np.abs(waveform) > 0.9999 * np.abs(waveform).max()).sum() < 4


def test_every_task_at_its_own_length_and_rate() -> None:
    lengths = {task: len(render_clip(corpus_table(task, 2).iloc[0], 8000)) / 8000 for task in TASKS}
    assert lengths.pop("events") == 4.0 and 60.0 <= lengths.pop("songs") <= 120.0
    assert set(lengths.values()) == {29.0}
    assert len(render_clip(corpus_table("genre", 1).iloc[0], 22050, duration=0.1)) == 2205


def test_same_samples_in_a_fresh_process_and_any_order() -> None:
    program = (
        "import hashlib\n"
        "from mgc_keras.corpus import TASKS, corpus_table, render_clip\n"
        "for task in reversed(list(TASKS)):\n"
        "    row = corpus_table(task).iloc[7]\n"
        "    print(task, hashlib.sha256(render_clip(row, 12000, 3.0).tobytes()).hexdigest())\n"
    )
    text = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    elsewhere = dict(line.split() for line in text.splitlines())
    for task in TASKS:
        row = corpus_table(task, TASKS[task].n_clips).to_dict("records")[7]
        assert hashlib.sha256(render_clip(row, 12000, 3.0).tobytes()).hexdigest() == elsewhere[task]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: corpus_table("opera"), "task"),
        (lambda: corpus_table("genre", n_clips=0), "n_clips"),
        (lambda: corpus_table("tagging", n_clips=-3), "n_clips"),
        (lambda: corpus_table("emotion", seed=-1), "seed"),
        (lambda: render_clip(corpus_table("genre", 1).iloc[0], sampling_rate=100), "sampling_rate"),
        (lambda: render_clip(corpus_table("genre", 1).iloc[0], duration=0.0), "duration"),
        (lambda: render_clip(corpus_table("genre", 1).iloc[0], duration=float("nan")), "duration"),
        (lambda: render_clip(corpus_table("genre", 1).iloc[0], duration=float("inf")), "duration"),
        (lambda: render_clip(corpus_table("genre", 1).iloc[0], sampling_rate=10**6), "sampling_rate"),
    ],
)
def test_bad_options(call: object, field: str) -> None:
    with pytest.raises(OptionError, match=field):
        call()


@pytest.mark.parametrize("style", [*GENRES.values(), *DANCES.values()], ids=[*GENRES, *DANCES])
def test_styles_name_what_exists(style: object) -> None:
    assert set(style.grooves) <= set(GROOVES) and set(style.kits) <= set(KITS)
    assert set(style.bass_lines) <= set(BASSES) and set(style.comp_patterns) <= set(COMPS)
    assert set(style.basses + style.comps + style.leads + style.pads) <= set(TIMBRES)
    assert set(style.scales) <= set(SCALES)
    assert all(parse_chords(text) for text in style.major + style.minor)
    steps = 4 * style.beats_per_bar
    for groove in style.grooves:
        assert all(len(pattern) % steps == 0 and set(pattern) <= set("Xxo-.") for pattern in GROOVES[groove].values())
        assert set(GROOVES[groove]) <= set(DRUMS)
    assert all(len(COMPS[name]) == steps for name in style.comp_patterns)
    assert all(len(BASSES[name]) == steps for name in style.bass_lines)


def test_fills_use_known_drums() -> None:
    assert all(set(fill) <= set(DRUMS) and {len(p) for p in fill.values()} == {8} for fill in FILLS)


def test_chords_in_closed_form() -> None:
    assert parse_chords("I iv bVII7 V5 Imaj7") == (
        Chord(0, (0, 4, 7)), Chord(5, (0, 3, 7)), Chord(10, (0, 4, 7, 10)), Chord(7, (0, 7, 12)),
        Chord(0, (0, 4, 7, 11)),
    )  # fmt: skip
    assert parse_chords("ii7 iidim IVsus4 I6") == (
        Chord(2, (0, 3, 7, 10)), Chord(2, (0, 3, 6)), Chord(5, (0, 5, 7)), Chord(0, (0, 4, 7, 9)),
    )  # fmt: skip
    # G major in C, folded into the octave above middle C: D, G, B.
    assert voicing(parse_chords("V")[0], tonic=0, low=60) == (62, 67, 71)


def test_tags_follow_from_what_is_rendered() -> None:
    table = corpus_table("tagging")
    assert [column for column in table if column.startswith("label_")] == [f"label_{tag}" for tag in TAGS]
    assert len(TAGS) == 50 and set(table["split"]) == {"train", "valid"} and (table["split"] == "valid").sum() == 80
    assert not set(table[table["split"] == "valid"]["artist"]) & set(table[table["split"] == "train"]["artist"])
    shares = table.filter(like="label_").mean()
    assert shares.min() > 0.01 and shares.max() < 0.97
    for row in table.iloc[::9].to_dict("records"):
        arrangement = tagging_arrangement(row)
        facts = {tag: bool(row[f"label_{tag}"]) for tag in TAGS}
        composition = compose(arrangement, 8)
        assert facts["drums"] == bool(composition.hits)
        assert facts["instrumental"] == ("voice" not in composition.tones)
        assert facts["male_vocals"] + facts["female_vocals"] + facts["instrumental"] == 1
        assert facts["major"] != facts["minor"] and not (facts["slow"] and facts["fast"])
        if facts["four_on_the_floor"]:
            kicks = [
                time
                for time, drum, _ in composition.hits
                if drum == "kick" and time < 2.9 * arrangement.seconds_per_bar
            ]
            beats = np.array(kicks) / arrangement.seconds_per_bar * arrangement.beats_per_bar
            assert np.abs(beats - np.round(beats)).max() < 0.1 and set(np.round(beats) % 4) == {0, 1, 2, 3}
        if facts["slow"] or facts["fast"]:
            assert facts["fast"] == (60.0 / arrangement.seconds_per_bar * arrangement.beats_per_bar > 125.0)


def test_one_change_one_tag() -> None:
    plain = arrange("pop", artist_seed=3, seed=4)
    plain = replace(plain, singer=None, tempo=100.0, comp="piano", second=None, lead=None)
    for change, tag in (
        ({"tempo": 150.0}, "fast"), ({"tempo": 70.0}, "slow"), ({"comp": "distorted_guitar"}, "distorted"),
        ({"lead": "saxophone"}, "saxophone"), ({"swing": 0.65}, "swing"), ({"pad": "organ"}, "organ"),
        ({"groove": "disco_four"}, "four_on_the_floor"), ({"comp_pattern": "skank"}, "offbeat"),
    ):  # fmt: skip
        assert tags_of(replace(plain, **change))[tag]
    assert not tags_of(replace(plain, groove=None))["drums"]


def test_genres_are_neither_trivial_nor_hopeless_for_mfccs() -> None:
    import librosa

    table = corpus_table("genre", n_clips=100)
    features = []
    for row in table.to_dict("records"):
        coefficients = librosa.feature.mfcc(y=render_clip(row, 12000, duration=10.0), sr=12000, n_mfcc=20)
        deltas = [coefficients, librosa.feature.delta(coefficients), librosa.feature.delta(coefficients, order=2)]
        features.append(np.concatenate([f(x, axis=1) for x in deltas for f in (np.mean, np.std)]))
    machine = make_pipeline(StandardScaler(), SVC(C=10.0, gamma=1 / 512))
    accuracy = cross_val_score(machine, np.array(features), table["label"], cv=StratifiedKFold(10)).mean()
    assert 0.40 < accuracy < 0.90
