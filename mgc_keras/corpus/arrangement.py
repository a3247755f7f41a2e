"""Arranging: a style, an artist's habits and a clip's seed become a full list of decisions, before any sample."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mgc_keras.corpus.dances import DANCES
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.harmony import Chord, parse_chords
from mgc_keras.corpus.rows import Row
from mgc_keras.corpus.seeds import generator, pick
from mgc_keras.corpus.styles import Style
from mgc_keras.corpus.voice import Singer, draw_singer

STYLES = {**GENRES, **DANCES}
# Centres in Hz of the bands that engineers turn up and down, by decibels that differ between artists and between clips.
EQUALISER = tuple(np.round(np.geomspace(60.0, 6000.0, 12), 1).tolist())
ARTISTS_DECIBELS, CLIPS_DECIBELS = 2.2, 1.8
PATTERN_HABIT, INSTRUMENT_HABIT = 0.8, 0.65  # chances that a clip keeps to its artist's habit
POOL = 0.2  # chance that an instrument comes from all music, not from the style


@dataclass(frozen=True)
class Mix:
    """How a clip is mixed and mastered."""

    tilt: float = 0.0  # decibels per octave around 800 Hz; negative is darker
    curve: tuple[float, ...] = (0.0,) * len(EQUALISER)  # decibels at the frequencies of `EQUALISER`
    ceiling: float = 20000.0  # highest frequency in Hz that the recording keeps
    reverb: float = 0.1  # share of the room
    reverb_time: float = 0.8  # seconds until it has fallen by 60 dB
    drive: float = 0.3  # compression of the sum, 0 (none) to 1 (hard)
    peak: float = 0.7  # largest sample of the finished clip
    noise: float = -65.0  # decibels of the noise floor below the peak
    noise_curve: tuple[float, ...] = (0.0,) * len(EQUALISER)  # its colour: decibels at the frequencies of `EQUALISER`
    balance: tuple[tuple[str, float], ...] = ()  # decibels by which the artist turns each role up or down


@dataclass(frozen=True)
class Arrangement:
    """All decisions about one clip of music, from which tags and samples follow; roles that are None are silent."""

    style: str
    artist_seed: int
    seed: int
    tempo: float
    beats_per_bar: int
    swing: float
    tonic: int
    cents: float
    minor: bool
    scale: str
    progression: tuple[Chord, ...]
    groove: str | None
    kit: str
    bass: str | None
    bass_line: str
    comp: str | None
    comp_pattern: str
    second: str | None
    second_pattern: str
    pad: str | None
    lead: str | None
    density: float
    singer: Singer | None
    looseness: float
    mix: Mix = field(default_factory=Mix)

    @property
    def own_style(self) -> Style:
        """The distributions that the decisions were drawn from."""
        return STYLES[self.style]

    @property
    def seconds_per_bar(self) -> float:
        """Length of a bar in seconds."""
        return 60.0 / self.tempo * self.beats_per_bar

    @property
    def steps_per_bar(self) -> int:
        """Sixteenth notes in a bar."""
        return 4 * self.beats_per_bar


def _likely_first(rng: np.random.Generator, options: tuple, steepness: float) -> object:
    """Pick with weights 1, 1/2, 1/3, … to the power of `steepness`."""
    weights = np.arange(1.0, len(options) + 1) ** -steepness
    return options[int(rng.choice(len(options), p=weights / weights.sum()))]


_PATTERNS = {
    "groove": "grooves", "bass_line": "bass_lines", "comp_pattern": "comp_patterns", "second_pattern": "comp_patterns",
}  # fmt: skip
_INSTRUMENTS = {"kit": "kits", "bass": "basses", "comp": "comps", "second": "comps", "pad": "pads", "lead": "leads"}
_KEYBOARDS = ("piano", "organ", "electric_piano", "acoustic_guitar", "electric_guitar", "synth_pluck", "strings")
_POOLS = {
    "kit": ("acoustic", "rock", "disco", "machine", "dub"), "bass": ("electric_bass", "upright_bass", "synth_bass"),
    "comp": _KEYBOARDS, "second": _KEYBOARDS, "pad": ("strings", "organ", "synth_pad"),
    "lead": ("piano", "electric_guitar", "saxophone", "flute", "synth_lead", "brass", "strings"),
}  # fmt: skip


def _choices(style: Style, artist: np.random.Generator, clip: np.random.Generator) -> dict[str, str]:
    """What an artist mostly takes, now and then replaced by another choice; patterns stay within the style."""
    chosen = {}
    for name, options in {**_PATTERNS, **_INSTRUMENTS}.items():
        own, pool = getattr(style, options), _POOLS.get(name)
        # Rhythms and figures are what makes a style; instruments are what many styles share.
        steepness = 1.0 if pool else 1.7
        habit = pick(artist, pool) if artist.random() < POOL and pool else _likely_first(artist, own, steepness)
        other = pick(clip, pool) if clip.random() < POOL and pool else _likely_first(clip, own, steepness)
        keep = clip.random() < (INSTRUMENT_HABIT if pool else PATTERN_HABIT)
        chosen[name] = str(habit if keep else other)
    return chosen


def draw_curve(artist: np.random.Generator, clip: np.random.Generator) -> tuple[float, ...]:
    """Draw an equaliser: the artist's usual setting, and the clip's deviation."""
    bands = len(EQUALISER)
    curve = artist.normal(0.0, ARTISTS_DECIBELS, bands) + clip.normal(0.0, CLIPS_DECIBELS, bands)
    return tuple(np.round(curve, 2).tolist())


def draw_mix(style: Style, artist: np.random.Generator, clip: np.random.Generator) -> Mix:
    """Draw the artist's studio, then the clip's own deviation from it."""
    low, high = style.loudness
    loudness = float(np.clip(artist.uniform(low, high) + clip.normal(0.0, 0.12), 0.0, 1.0))
    narrow = artist.random() < 0.35
    roles = ("drums", "bass", "comp", "second", "pad", "lead", "voice")
    gains = artist.normal(0.0, 2.0, len(roles)) + clip.normal(0.0, 1.5, len(roles))
    return Mix(
        tilt=float(np.clip(artist.normal(0.0, 1.4) + clip.normal(0.0, 1.0), -4.5, 4.5)),
        curve=draw_curve(artist, clip),
        ceiling=float(artist.uniform(2800.0, 5500.0)) if narrow else 20000.0,
        reverb=float(np.clip(artist.uniform(*style.reverb) + clip.normal(0.0, 0.03), 0.0, 0.5)),
        reverb_time=float(artist.uniform(0.3, 1.8)),
        drive=loudness,
        peak=float(clip.uniform(0.2, 0.92)),
        noise=float(np.clip(artist.uniform(-72.0, -38.0) + clip.normal(0.0, 4.0), -80.0, -34.0)),
        noise_curve=tuple(np.round(artist.normal(0.0, 5.0, len(EQUALISER)), 2).tolist()),
        balance=tuple((role, round(float(gain), 2)) for role, gain in zip(roles, gains, strict=True)),
    )


def _near(tempo: float, limits: tuple[float, float], clip: np.random.Generator) -> float:
    """A tempo near the habit; deviations beyond the style's limits go the other way."""
    factor = float(np.exp(clip.normal(0.0, 0.06)))
    other = tempo * factor if limits[0] <= tempo * factor <= limits[1] else tempo / factor
    return round(float(np.clip(other, *limits)), 2)


def arrange(name: str, artist_seed: int, seed: int) -> Arrangement:
    """Decide everything about one clip of a style; the artist's habits depend on `artist_seed` alone."""
    style = STYLES[name]
    artist, clip = generator(artist_seed, "habits"), generator(seed, "decisions", artist_seed)
    tempo_habit = float(np.exp(artist.uniform(*np.log(style.tempo))))
    swing = float(np.clip(artist.uniform(*style.swing) + clip.normal(0.0, 0.01), 0.5, 0.68))
    chosen = _choices(style, artist, clip)
    voice_habit, lead_habit = artist.normal(0.0, 0.2, 2)
    favourite_singer = draw_singer(artist)
    cents, looseness = float(artist.normal(0.0, 18.0)), float(artist.uniform(0.002, 0.012))
    minor = bool(clip.random() < style.minor_share)
    sung = bool(clip.random() < style.voice + voice_habit)
    played = bool(clip.random() < style.lead + lead_habit)
    return Arrangement(
        style=name, artist_seed=artist_seed, seed=seed,
        tempo=_near(tempo_habit, style.tempo, clip),
        beats_per_bar=style.beats_per_bar, swing=swing, tonic=int(clip.integers(12)), cents=cents, minor=minor,
        scale=style.scales[int(minor)],
        progression=parse_chords(str(pick(clip, style.minor if minor else style.major))),
        groove=chosen["groove"] if clip.random() < style.drums else None, kit=chosen["kit"],
        bass=chosen["bass"] if clip.random() < 0.93 else None, bass_line=chosen["bass_line"],
        comp=chosen["comp"], comp_pattern=chosen["comp_pattern"],
        second=chosen["second"] if clip.random() < 0.35 and chosen["second"] != chosen["comp"] else None,
        second_pattern=chosen["second_pattern"], pad=chosen["pad"] if clip.random() < style.pad else None,
        lead=chosen["lead"] if played and not (sung and clip.random() < 0.7) else None,
        density=float(clip.uniform(*style.density)), singer=favourite_singer if sung else None, looseness=looseness,
        mix=draw_mix(style, artist, clip),
    )  # fmt: skip


def arranged(row: Row, style: str | None = None) -> Arrangement:
    """Return the decisions about the clip of a row, in the row's own style or another."""
    return arrange(str(style or row["style"]), int(row["artist_seed"]), int(row["seed"]))


def artists_genre(row: Row) -> str:
    """Return the genre that the artist of a row plays, where that is not the class."""
    return str(pick(generator(int(row["artist_seed"]), "genre"), tuple(GENRES)))


def without(arrangement: Arrangement, *roles: str) -> Arrangement:
    """Return the arrangement with some roles silent: 'groove', 'bass', 'comp', 'second', 'pad', 'lead', 'singer'."""
    silent: dict[str, Any] = dict.fromkeys(roles)
    return replace(arrangement, **silent)
