"""Chords, scales, bass lines, accompaniment figures and melodies, in MIDI pitches and sixteenth notes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

QUALITIES: Mapping[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "9": (0, 4, 10, 14),
    "m9": (0, 3, 10, 14),
    "6": (0, 4, 7, 9),
    "5": (0, 7, 12),
    "dim": (0, 3, 6),
    "sus4": (0, 5, 7),
}
SCALES: Mapping[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "major_pentatonic": (0, 2, 4, 7, 9),
    "minor_pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
_NUMERALS = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}


@dataclass(frozen=True)
class Chord:
    """A chord: `root` in semitones above the tonic, `intervals` in semitones above the root."""

    root: int
    intervals: tuple[int, ...]


@cache
def parse_chords(text: str) -> tuple[Chord, ...]:
    """Read Roman numerals: capitals major, small letters minor, b lowers the root; 7, maj7, 9, 6, 5, dim, sus4.

    Example
    -------
    >>> parse_chords("ii7 bVII")
    (Chord(root=2, intervals=(0, 3, 7, 10)), Chord(root=10, intervals=(0, 4, 7)))
    """
    chords = []
    for word in text.split():
        numeral = word.lstrip("b")
        flat = len(word) - len(numeral)
        body = numeral.rstrip("0123456789adjmsu") if not numeral.endswith("dim") else numeral[:-3]
        suffix = numeral[len(body) :]
        minor = body.islower() and suffix in ("", "7", "9")
        chords.append(Chord((_NUMERALS[body.lower()] - flat) % 12, QUALITIES[("m" if minor else "") + suffix]))
    return tuple(chords)


def voicing(chord: Chord, tonic: int, low: int) -> tuple[int, ...]:
    """Return the chord's tones folded into the octave above `low`, sorted: neighbouring chords then move little.

    Power chords (root, fifth, octave) keep their order above the root instead.
    """
    root = low + (tonic + chord.root - low) % 12
    if chord.intervals == QUALITIES["5"]:
        return tuple(root + interval for interval in chord.intervals)
    return tuple(sorted(low + (root + interval - low) % 12 for interval in chord.intervals))


# Accompaniment: one character a sixteenth; X and x strike the chord, = holds it, . is silent, digits strike one tone.
COMPS: Mapping[str, str] = {
    "sustained": "X===============",
    "halves": "X=======x=======",
    "quarters": "x==.x==.x==.x==.",
    "eighths": "X=x=x=x=X=x=x=x=",
    "offbeat": "..X...X...X...X.",
    "skank": "....X.......X...",
    "double_skank": "..Xx..Xx..Xx..Xx",
    "charleston": "X==...x==.......",
    "comping": "..x=....x=....x=",
    "boom_chick": "....x==.....x==.",
    "strum": "X===x=x=..x=x=x=",
    "strum_sixteen": "X=x=x=xx.xx=x=xx",
    "stabs": "X.....X.....X...",
    "funk": "x..x..xx..x..x.x",
    "chug": "Xxx.xxx.Xxx.xxxx",
    "gallop": "X.xxX.xxX.xxX.xx",
    "sixteenths": "xxxxxxxxxxxxxxxx",
    "boogie": "x=x=x=x=x=x=x=x=",
    "arpeggio": "0=1=2=1=0=1=2=1=",
    "arpeggio_sixteen": "0121012101210121",
    "alberti": "0=2=1=2=0=2=1=2=",
    "rolling": "0=1=2=0=1=2=0=1=",
    "montuno": "x.xx.xx.x.xx.xx.",
    "tango": "X=..x=..x=..x=x=",
    "pulse": "X...x...X...x...",
    "waltz": "....x==.x==.",
    "waltz_sustained": "X===========",
    "waltz_arpeggio": "0=1=2=1=2=1=",
}
# Bass: digits are tones of the chord (0 root, 1 third, 2 fifth, 3 seventh or sixth), 8 the octave, w a step of a walk.
BASSES: Mapping[str, str] = {
    "whole": "0===============",
    "halves": "0=======0=======",
    "quarters": "0===0===0===0===",
    "eighths": "0=0=0=0=0=0=0=0=",
    "octaves": "0=8=0=8=0=8=0=8=",
    "octave_sixteen": "0.8.0.88.08.0.8.",
    "walking": "0===w===w===w===",
    "alternating": "0=====..2=====..",
    "boogie": "0=0=1=1=2=2=3=2=",
    "reggae": "0=====0=2=..1=..",
    "reggae_drop": "....0=0=..2=0=..",
    "kick_follow": "0=====0=..0=====",
    "slide_808": "0=======..0===..",
    "syncopated": "0==0==2...0=2=8.",
    "funk": "0..0..8.0..2.08.",
    "gallop": "0.000.000.000.00",
    "sixteenths": "0000000000000000",
    "tumbao": "......2=....8===",
    "samba": "0=====2=2=====0=",
    "tango": "0===....2===....",
    "march": "0=..2=..0=..2=..",
    "swing_two": "0======.2======.",
    "waltz": "0===........",
    "waltz_walk": "0===w===w===",
    "waltz_whole": "0===========",
}
Note = tuple[float, float, int, float]  # start and length in sixteenths, MIDI pitch, strength 0 to 1


def _runs(pattern: str) -> list[tuple[int, int, str]]:
    """Return (start, length, character) of every note of a pattern; `=` lengthens the note before it."""
    return [(run.start(), len(run[0]), run[1]) for run in re.finditer("([^.=])=*", pattern)]


def comp_notes(pattern: str, chord: Chord, tonic: int, low: int) -> list[Note]:
    """Return one bar of accompaniment."""
    tones = voicing(chord, tonic, low)
    notes: list[Note] = []
    for start, length, character in _runs(pattern):
        if character.isdigit():
            notes.append((start, max(length, 2), tones[int(character) % len(tones)], 0.9))
        else:
            force = 1.0 if character == "X" else 0.75
            notes.extend((start, length, tone, force) for tone in tones)
    return notes


def bass_notes(pattern: str, chord: Chord, following: Chord, tonic: int, low: int) -> list[Note]:
    """Return one bar of bass; a walk goes by steps from this chord's root to the next chord's."""
    root = low + (tonic + chord.root - low) % 12
    goal = low + (tonic + following.root - low) % 12
    runs = _runs(pattern)
    notes: list[Note] = []
    for number, (start, length, character) in enumerate(runs):
        if character == "w":
            # A leading tone under the goal ends the walk, chord tones fill it.
            last = number == len(runs) - 1
            pitch = goal - 1 if last else root + chord.intervals[number % len(chord.intervals)] % 12
        elif character == "8":
            pitch = root + 12
        else:
            pitch = root + (*chord.intervals, 9)[min(int(character), len(chord.intervals))] % 12
        notes.append((start, length, pitch, 1.0 if start == 0 else 0.85))
    return notes


def melody_bars(
    rng: np.random.Generator,
    chords: Sequence[Chord],
    steps_per_bar: int,
    density: float,
    scale: str,
    tonic: int,
    low: int,
) -> list[list[Note]]:
    """Compose a melody, one list of notes for each bar's chord, from a two-bar motif that returns and varies.

    `density` is the chance of a note at an eighth that is not accented, `low` the lowest MIDI pitch of the melody's
    octave and a half.
    """
    pitches = [low + k for k in range(20) if (low + k - tonic) % 12 in SCALES[scale]]
    motifs = [_motif(rng, steps_per_bar, density) for _ in range(3)]
    position = len(pitches) // 2
    bars: list[list[Note]] = []
    for number, chord in enumerate(chords):
        motif = motifs[(0, 1, 0, 2)[number % 4]]
        bar: list[Note] = []
        for start, length, leap in motif:
            slip = int(rng.integers(-1, 2)) if rng.random() < 0.15 else 0
            position = int(np.clip(position + leap + slip, 0, len(pitches) - 1))
            pitch = pitches[position]
            if start % 8 == 0:
                tones = {(tonic + chord.root + interval) % 12 for interval in chord.intervals}
                pitch = min(pitches, key=lambda p: (p % 12 not in tones, abs(p - pitch)))
                position = pitches.index(pitch)
            bar.append((start, length, pitch, 1.0 if start % 4 == 0 else 0.8))
        bars.append(bar)
    return bars


def _motif(rng: np.random.Generator, steps_per_bar: int, density: float) -> list[tuple[int, int, int]]:
    starts = [
        step
        for step in range(steps_per_bar)
        if rng.random() < (0.85 if step % 8 == 0 else density if step % 2 == 0 else 0.35 * density - 0.1)
    ] or [0]
    ends = [*starts[1:], steps_per_bar]
    leaps = rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3], len(starts))
    return [(s, min(e - s, 8), int(leap)) for s, e, leap in zip(starts, ends, leaps, strict=True)]
