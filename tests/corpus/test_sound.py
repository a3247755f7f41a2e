"""The built-in corpus by ear: does each clip sound like what its row claims? Measured from the samples."""

import json

import librosa
import numpy as np
import pytest
from scipy.stats import spearmanr

from mgc_keras.corpus import corpus_table, render_clip
from mgc_keras.corpus.arrangement import Mix, arranged, without
from mgc_keras.corpus.dances import DANCES
from mgc_keras.corpus.instruments import TIMBRES, render_note
from mgc_keras.corpus.mixing import master, play
from mgc_keras.corpus.music import emotion_arrangement
from mgc_keras.corpus.speech import talk
from mgc_keras.corpus.voice import BANDWIDTHS, VOWELS, Singer, Syllable, vocalise

RATE = 12000


def onset_rhythm(waveform: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """How strongly onsets recur at each frequency in Hz: the magnitude of the onset strength's Fourier transform."""
    strength = librosa.onset.onset_strength(y=waveform, sr=RATE, hop_length=128)
    strength = strength - strength.mean()
    times = np.arange(strength.size) * 128 / RATE
    return np.abs(np.exp(-2j * np.pi * np.outer(frequencies, times)) @ strength)


@pytest.mark.parametrize("genre", ["rock", "disco", "hiphop", "reggae", "jazz", "metal"])
def test_onsets_recur_at_the_tempo_claimed(genre: str) -> None:
    table = corpus_table("genre", n_clips=30)
    for row in table[table["label"] == genre].to_dict("records"):
        arrangement = arranged(row)
        if arrangement.groove is None:
            continue
        tempo = arrangement.tempo / 60.0
        factors = np.linspace(0.8, 1.25, 91)
        for multiple in (1, 2):  # beats, eighths: the stronger of the two tells the tempo
            rhythm = onset_rhythm(render_clip(row, RATE, 20.0), multiple * tempo * factors)
            if abs(factors[rhythm.argmax()] - 1.0) < 0.015:
                break
        else:
            pytest.fail(f"{row['clip_id']}: onsets do not recur {arrangement.tempo} times a minute")


@pytest.mark.parametrize("dance", DANCES)
def test_waltzes_count_three_and_other_dances_four(dance: str) -> None:
    table = corpus_table("dance", n_clips=26)
    row = table[table["label"] == dance].to_dict("records")[1]
    arrangement = without(arranged(row), "singer", "lead")
    waveform = play(arrangement, 20.0, RATE)
    beat = arrangement.tempo / 60.0
    third, half, quarter = onset_rhythm(waveform, beat / np.array([3.0, 2.0, 4.0]))
    assert (third > max(half, quarter)) == ("waltz" in dance.lower())


def vowel_peaks(vowel: str, scale: float) -> list[float]:
    """The two lowest resonances of a steady vowel, from linear prediction."""
    speaker = Singer(False, scale, 0.0, 5.0, 0.05, 1.0, 44)
    wave = vocalise([Syllable(0.0, 0.9, 43.0, 43.0, vowel, "")], speaker, 9600, 8000, np.random.default_rng(0))
    emphasised = np.diff(wave[2000:6000])
    roots = np.roots(librosa.lpc(emphasised.astype(np.float64), order=12))
    frequencies = np.angle(roots) * 8000 / (2 * np.pi)
    bandwidths = -np.log(np.abs(roots)) * 8000 / np.pi
    return sorted(frequencies[(frequencies > 150) & (bandwidths < 400)])


@pytest.mark.parametrize("vowel", VOWELS)
@pytest.mark.parametrize("scale", [1.0, 1.15])
def test_formants_lie_where_the_vowel_has_them(vowel: str, scale: float) -> None:
    peaks = vowel_peaks(vowel, scale)
    for formant in VOWELS[vowel][:2]:
        assert min(abs(peak - scale * formant) for peak in peaks) < 60.0 + 0.05 * formant
    assert len(BANDWIDTHS) == 4


def test_sung_notes_have_their_pitch_and_vibrato() -> None:
    singer = Singer(True, 1.16, 0.5, 5.5, 0.03, 1.0, 57)
    wave = vocalise([Syllable(0.0, 2.0, 69.0, 69.0, "a", "")], singer, 2 * RATE, RATE, np.random.default_rng(0))
    pitch = librosa.yin(wave, fmin=300, fmax=600, sr=RATE, frame_length=512, hop_length=64)[100:300]
    cents = 1200 * np.log2(pitch / 440.0)
    assert abs(np.median(cents)) < 15 and 30 < np.abs(cents).max() < 75
    spectrum = np.abs(np.fft.rfft((cents - cents.mean()) * np.hanning(cents.size), 4096))
    assert abs(np.fft.rfftfreq(4096, 64 / RATE)[spectrum.argmax()] - 5.5) < 0.6


@pytest.mark.parametrize("instrument", [name for name, timbre in TIMBRES.items() if not timbre.ratios])
def test_instruments_are_in_tune(instrument: str) -> None:
    low = instrument in ("upright_bass", "electric_bass", "synth_bass", "sub_bass", "cello_bass", "tuba")
    pitch = 45 if low else 69
    note = render_note(TIMBRES[instrument], pitch, 1.0, RATE, np.random.default_rng(0))
    wanted = 440.0 * 2 ** ((pitch - 69) / 12)
    found = np.median(librosa.yin(note[1500:9000], fmin=0.7 * wanted, fmax=1.6 * wanted, sr=RATE))
    assert abs(1200 * np.log2(found / wanted)) < 20


def test_speech_pauses_and_declines() -> None:
    for seed in range(4):
        wave = talk(speaker_seed=seed + 10, seed=seed, seconds=12.0, sampling_rate=RATE)
        level = librosa.feature.rms(y=wave, frame_length=1024, hop_length=256)[0]
        loud = level > 0.15 * np.percentile(level, 95)
        assert 0.05 < 1 - loud.mean() < 0.65  # pauses
        flips = np.count_nonzero(np.diff(loud.astype(int)) == 1) / 12.0
        assert 0.4 < flips < 7.0  # phrases and syllables a second


def third_above(waveform: np.ndarray, tonic: int) -> float:
    """Energy of the major third over that of the minor third above `tonic`, in decibels."""
    chroma = librosa.feature.chroma_stft(y=waveform, sr=RATE, n_fft=4096, hop_length=2048, tuning=0.0).sum(axis=1)
    return 10 * np.log10(chroma[(tonic + 4) % 12] / chroma[(tonic + 3) % 12])


def test_thirds_tell_the_mode_claimed() -> None:
    table, right = corpus_table("emotion"), []
    for row in table.iloc[:24].to_dict("records"):
        arrangement = emotion_arrangement(row)
        if arrangement.scale in ("blues", "minor_pentatonic", "mixolydian"):
            continue  # blue notes mix both thirds
        third = third_above(play(without(arrangement, "groove"), 12.0, RATE), arrangement.tonic)
        right.append((third < 0) == arrangement.minor)
    assert len(right) >= 10 and np.mean(right) >= 0.8


def test_loudness_and_brightness_rise_with_arousal() -> None:
    table = corpus_table("emotion", n_clips=40)
    clips = [render_clip(row, RATE, 8.0) for row in table.to_dict("records")]
    loudness = [float(np.sqrt(np.mean(clip**2))) for clip in clips]
    brightness = [float(librosa.feature.spectral_centroid(y=clip, sr=RATE).mean()) for clip in clips]
    tempo = [emotion_arrangement(row).tempo for row in table.to_dict("records")]
    minor = np.array([emotion_arrangement(row).minor for row in table.to_dict("records")])
    for measured in (loudness, brightness, tempo):
        assert spearmanr(measured, table["label_arousal"]).statistic > 0.3
    valence = table["label_valence"].to_numpy()
    assert valence[~minor].mean() > valence[minor].mean() + 0.15
    assert ((table.filter(like="label_") >= 0) & (table.filter(like="label_") <= 1)).all(axis=None)


def test_sections_change_where_they_claim_to() -> None:
    ratios = []
    for row in corpus_table("songs", n_clips=6).to_dict("records"):
        sections = json.loads(row["sections"])
        assert sections[0][0] == 0.0 and abs(sections[-1][1] - row["seconds"]) < 1e-3 and len(sections) >= 4
        assert all(a[1] == pytest.approx(b[0]) and a[2] for a, b in zip(sections, sections[1:], strict=False))
        waveform = render_clip(row, RATE)
        assert len(waveform) == round(row["seconds"] * RATE)
        features = librosa.feature.mfcc(y=waveform, sr=RATE, n_mfcc=13, hop_length=512)

        def change(seconds: float, features: np.ndarray = features) -> float:
            middle, span = int(seconds * RATE / 512), int(3.0 * RATE / 512)
            before, after = features[:, middle - span : middle], features[:, middle : middle + span]
            return float(np.linalg.norm(before.mean(axis=1) - after.mean(axis=1)))

        borders = [change(b) for (_, b, this), (_, _, following) in zip(sections, sections[1:]) if this != following]
        inner = [change((a + b) / 2) for a, b, _ in sections if b - a > 8]
        ratios.append(np.mean(borders) / np.mean(inner))
    assert np.median(ratios) > 1.5


def test_each_artist_has_a_sound_of_its_own() -> None:
    from mgc_keras.corpus.drums import KITS, render_hit
    from mgc_keras.corpus.mixing import Studio

    rows = corpus_table("genre").query("label == 'rock'").to_dict("records")
    first, other = rows[0], rows[1]
    again = next(row for row in rows[1:] if row["artist"] == first["artist"])
    studios = [Studio(arranged(row), RATE) for row in (first, again, other)]
    assert studios[0].timbre("piano") == studios[1].timbre("piano") != studios[2].timbre("piano")
    assert studios[0].arrangement.cents == studios[1].arrangement.cents != studios[2].arrangement.cents
    assert render_hit("kick", KITS["rock"], RATE, np.random.default_rng(0)).max() <= 1.0


def event(name: str, number: int = 0) -> np.ndarray:
    table = corpus_table("events")
    return render_clip(table[table["label"] == name].iloc[number], RATE)


def test_events_sound_like_their_names() -> None:
    for number in range(3):
        flatness = librosa.feature.spectral_flatness(y=event("air_conditioner", number)).mean()
        assert flatness > 3 * librosa.feature.spectral_flatness(y=event("siren", number)).mean()
        shots, wind = event("gun_shot", number), event("air_conditioner", number)
        crest = [np.abs(clip).max() / np.sqrt(np.mean(clip**2)) for clip in (shots, wind)]
        assert crest[0] > 1.2 * crest[1]
        # Ten-millisecond frames tell blows apart; the spectra of single seconds do not mind that no blow is punctual.
        level = librosa.feature.rms(y=event("jackhammer", number), frame_length=128, hop_length=60)[0]
        seconds = np.log(level[:800] + 1e-3).reshape(4, 200)
        spectrum = np.abs(np.fft.rfft((seconds - seconds.mean(axis=1, keepdims=True)) * np.hanning(200))).sum(axis=0)
        assert 10 <= 8 + spectrum[8:40].argmax() <= 27
    table = corpus_table("events")
    assert sorted(table["fold"].unique()) == list(range(1, 11))
    assert (table.groupby("artist")["fold"].nunique() == 1).all()


def test_master_sets_the_peak_and_removes_the_offset() -> None:
    rng = np.random.default_rng(0)
    out = master((rng.standard_normal(RATE) + 3.0).astype(np.float32), Mix(peak=0.5), RATE, seed=1)
    assert np.abs(out).max() == pytest.approx(0.5, rel=1e-5) and abs(out.mean()) < 1e-3
