"""The tags of a clip: fifty yes-or-no facts that follow from its arrangement."""

from mgc_keras.corpus.arrangement import Arrangement
from mgc_keras.corpus.drums import KITS
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.grooves import GROOVES, has_backbeat, is_four_on_the_floor
from mgc_keras.corpus.instruments import TIMBRES

SLOW, FAST = 85.0, 125.0  # beats per minute
_INSTRUMENTS = {
    "piano": ("piano",), "electric_piano": ("electric_piano",), "organ": ("organ",),
    "acoustic_guitar": ("acoustic_guitar", "banjo"), "electric_guitar": ("electric_guitar", "distorted_guitar"),
    "strings": ("strings", "violin", "cello_bass"), "brass": ("brass",), "saxophone": ("saxophone",),
    "flute": ("flute",), "synthesizer": ("synth_lead", "synth_pad", "synth_pluck"), "upright_bass": ("upright_bass",),
    "electric_bass": ("electric_bass",), "synth_bass": ("synth_bass", "sub_bass"),
}  # fmt: skip
TAGS = (
    *GENRES, *_INSTRUMENTS, "male_vocals", "female_vocals", "instrumental", "drums", "drum_machine",
    "four_on_the_floor", "backbeat", "slow", "fast", "swing", "major", "minor", "loud", "quiet", "distorted", "bright",
    "dark", "reverberant", "dry", "acoustic", "electronic", "offbeat", "arpeggio", "walking_bass", "seventh_chords",
    "dense", "sparse",
)  # fmt: skip


def instruments_of(arrangement: Arrangement) -> set[str]:
    """Return the pitched instruments that sound, as keys of `TIMBRES`."""
    roles = (arrangement.bass, arrangement.comp, arrangement.second, arrangement.pad, arrangement.lead)
    return {instrument for instrument in roles if instrument}


def tags_of(arrangement: Arrangement) -> dict[str, bool]:
    """Return every tag of `TAGS` with whether it applies.

    Example
    -------
    >>> from mgc_keras.corpus.arrangement import arrange
    >>> tags_of(arrange("disco", artist_seed=1, seed=2))["disco"]
    True
    """
    sounding = instruments_of(arrangement)
    facts = {genre: genre == arrangement.style for genre in GENRES}
    facts |= {tag: bool(sounding & set(names)) for tag, names in _INSTRUMENTS.items()}
    facts |= _voice_and_drums(arrangement) | _harmony(arrangement) | _sound(arrangement, sounding)
    n_roles = len(sounding) + bool(arrangement.groove) + bool(arrangement.singer)
    facts |= {
        "slow": arrangement.tempo < SLOW, "fast": arrangement.tempo > FAST, "swing": arrangement.swing > 0.56,
        "dense": n_roles >= 5, "sparse": n_roles <= 3,
    }  # fmt: skip
    return {tag: bool(facts[tag]) for tag in TAGS}


def _voice_and_drums(arrangement: Arrangement) -> dict[str, bool]:
    singer, groove = arrangement.singer, GROOVES[arrangement.groove] if arrangement.groove else {}
    return {
        "male_vocals": singer is not None and not singer.female, "female_vocals": singer is not None and singer.female,
        "instrumental": singer is None, "drums": bool(groove),
        "drum_machine": bool(groove) and KITS[arrangement.kit].electronic,
        "four_on_the_floor": is_four_on_the_floor(groove), "backbeat": has_backbeat(groove),
    }  # fmt: skip


def _harmony(arrangement: Arrangement) -> dict[str, bool]:
    figures = {arrangement.comp_pattern} if arrangement.comp else set()
    figures |= {arrangement.second_pattern} if arrangement.second else set()
    return {
        "major": not arrangement.minor, "minor": arrangement.minor,
        "offbeat": bool(figures & {"offbeat", "skank", "double_skank"}),
        "arpeggio": bool(figures & {"arpeggio", "arpeggio_sixteen", "alberti", "rolling", "waltz_arpeggio"}),
        "walking_bass": arrangement.bass is not None and arrangement.bass_line in ("walking", "waltz_walk"),
        "seventh_chords": sum(len(chord.intervals) > 3 for chord in arrangement.progression)
        >= 0.5 * len(arrangement.progression),
    }  # fmt: skip


def _sound(arrangement: Arrangement, sounding: set[str]) -> dict[str, bool]:
    mix = arrangement.mix
    electronic = any(TIMBRES[name].electronic for name in sounding)
    machine = arrangement.groove is not None and KITS[arrangement.kit].electronic
    amplified = bool(sounding & {"electric_guitar", "distorted_guitar", "electric_piano"})
    return {
        "loud": mix.drive > 0.6, "quiet": mix.drive < 0.2, "distorted": "distorted_guitar" in sounding,
        "bright": mix.tilt > 1.2, "dark": mix.tilt < -1.2, "reverberant": mix.reverb > 0.22, "dry": mix.reverb < 0.06,
        "electronic": electronic or machine, "acoustic": not (electronic or machine or amplified),
    }  # fmt: skip
