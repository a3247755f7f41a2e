"""From an arrangement to notes: which instrument sounds when, for how long, how high and how hard."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mgc_keras.corpus.arrangement import Arrangement
from mgc_keras.corpus.grooves import FILLS, GROOVES, STRENGTHS
from mgc_keras.corpus.harmony import BASSES, COMPS, Note, bass_notes, comp_notes, melody_bars, voicing
from mgc_keras.corpus.seeds import generator, pick


class Hit(NamedTuple):
    """A stroke of a drum; `strength` from 0 to 1."""

    seconds: float
    drum: str
    strength: float


class Tone(NamedTuple):
    """A tone of an instrument: start and length in seconds, MIDI pitch, strength from 0 to 1."""

    start: float
    length: float
    pitch: int
    strength: float


@dataclass
class Composition:
    """All notes of some bars of music: drum hits, and tones by role: bass, comp, second, pad, lead, voice."""

    hits: list[Hit] = field(default_factory=list)
    tones: dict[str, list[Tone]] = field(default_factory=dict)

    def extend(self, other: "Composition") -> None:
        """Add the notes of another composition."""
        self.hits.extend(other.hits)
        for role, tones in other.tones.items():
            self.tones.setdefault(role, []).extend(tones)


def step_seconds(step: float, arrangement: Arrangement) -> float:
    """Return when a sixteenth (whole numbers; fractions lie between) sounds after the bar line, swing included."""
    beat, within = divmod(step / 4.0, 1.0)
    swing = arrangement.swing
    warped = within * 2.0 * swing if within < 0.5 else swing + (within - 0.5) * 2.0 * (1.0 - swing)
    return (beat + warped) * 60.0 / arrangement.tempo


def _fits(pattern: str, n_steps: int) -> str:
    """Repeat or cut a pattern to a bar of `n_steps`."""
    return (pattern * (n_steps // len(pattern) + 1))[:n_steps]


def compose(arrangement: Arrangement, n_bars: int, start: float = 0.0, section: str = "") -> Composition:
    """Write out `n_bars` bars from `start` seconds on; `section` makes the melody of a section its own."""
    rng = generator(arrangement.seed, "score", section)
    chords = [arrangement.progression[bar % len(arrangement.progression)] for bar in range(n_bars + 1)]
    bars: dict[str, list[list[Note]]] = {}
    n_steps, tonic = arrangement.steps_per_bar, arrangement.tonic
    if arrangement.bass:
        line = _fits(BASSES[arrangement.bass_line], n_steps)
        low = 28 + int(rng.integers(0, 5))
        bars["bass"] = [bass_notes(line, chords[k], chords[k + 1], tonic, low) for k in range(n_bars)]
    for role, instrument, pattern in (
        ("comp", arrangement.comp, arrangement.comp_pattern), ("second", arrangement.second, arrangement.second_pattern)
    ):  # fmt: skip
        low = (40 if instrument == "distorted_guitar" else 52) + int(rng.integers(0, 6)) + 7 * (role == "second")
        if instrument:
            figure = _fits(COMPS[pattern], n_steps)
            bars[role] = [comp_notes(figure, chords[k], tonic, low) for k in range(n_bars)]
    if arrangement.pad:
        low = 55 + int(rng.integers(0, 6))
        bars["pad"] = [[(0, n_steps, tone, 0.9) for tone in voicing(chords[k], tonic, low)] for k in range(n_bars)]
    if arrangement.lead:
        low = 62 + int(rng.integers(0, 8))
        bars["lead"] = melody_bars(rng, chords[:n_bars], n_steps, arrangement.density, arrangement.scale, tonic, low)
    if arrangement.singer:
        density = 0.75 * arrangement.density
        sung = melody_bars(rng, chords[:n_bars], n_steps, density, arrangement.scale, tonic, arrangement.singer.low)
        # Singers breathe: the end of every second bar stays free.
        bars["voice"] = [
            [note for note in bar if number % 2 == 0 or note[0] < 0.6 * n_steps] for number, bar in enumerate(sung)
        ]
    composition = Composition(tones={role: _timed(notes, arrangement, start, rng) for role, notes in bars.items()})
    if arrangement.groove:
        composition.hits = _drum_hits(arrangement, n_bars, start, rng)
    return composition


def _timed(bars: list[list[Note]], arrangement: Arrangement, start: float, rng: np.random.Generator) -> list[Tone]:
    tones = []
    for number, bar in enumerate(bars):
        bar_line = start + number * arrangement.seconds_per_bar
        late = np.abs(rng.normal(0.0, arrangement.looseness, len(bar)))
        for (step, length, pitch, force), delay in zip(bar, late, strict=True):
            begin = bar_line + step_seconds(step, arrangement)
            end = bar_line + step_seconds(step + length, arrangement)
            tones.append(Tone(begin + float(delay), 0.96 * (end - begin), pitch, force))
    return tones


def _drum_hits(arrangement: Arrangement, n_bars: int, start: float, rng: np.random.Generator) -> list[Hit]:
    groove = GROOVES[str(arrangement.groove)]
    n_steps = arrangement.steps_per_bar
    fill_every = int(pick(rng, (4, 8, 8, 16)))
    offsets = [step_seconds(step, arrangement) for step in range(n_steps)]
    hits: list[Hit] = []
    for bar in range(n_bars):
        bar_line = start + bar * arrangement.seconds_per_bar
        fill = FILLS[int(rng.integers(len(FILLS)))] if (bar + 1) % fill_every == 0 and n_steps == 16 else None
        for drum, pattern in groove.items():
            first = (bar * n_steps) % len(pattern)
            part = _fits(pattern, max(n_steps, len(pattern)))[first : first + n_steps]
            chances = rng.random(n_steps)
            for step, character in enumerate(part):
                force = STRENGTHS[character]
                if fill and step >= 8 or not force or chances[step] < (0.55 if character == "-" else 0.02):
                    continue
                late = rng.normal(0.0, 0.5 * arrangement.looseness)
                hits.append(Hit(max(0.0, bar_line + offsets[step] + late), drum, force * (0.85 + 0.15 * chances[step])))
        for drum, pattern in (fill or {}).items():
            hits.extend(Hit(bar_line + offsets[8 + k], drum, 0.9) for k, c in enumerate(pattern) if c in "Xx")
        if fill:
            hits.append(Hit(bar_line + arrangement.seconds_per_bar, "crash", 0.7))
    return hits
