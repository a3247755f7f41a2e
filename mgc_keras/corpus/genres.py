"""The ten genres, as overlapping distributions: they share tempi, instruments and patterns."""

from collections.abc import Mapping
from typing import Any

from mgc_keras.corpus.styles import Style

_ROCK_MAJOR = ("I bVII IV I", "I IV V IV", "I V IV IV", "vi IV I V")
_ROCK_MINOR = ("i bVI bVII i", "i bVII bVI bVII", "i iv bVII i")
_POP_MAJOR = ("I V vi IV", "vi IV I V", "I vi IV V", "IV I V vi")
_POP_MINOR = ("i bVI bIII bVII", "i bVII bVI v", "i iv bVI bVII")
# name: tempo, swing, density, loudness, reverb; chances of drums, held chords, a melody, a singer, a minor key
_NUMBERS: Mapping[str, tuple] = {
    "blues": ((66.0, 132.0), (0.57, 0.67), (0.35, 0.65), (0.15, 0.6), (0.03, 0.25), 1.0, 0.2, 0.6, 0.4, 0.25),
    "classical": ((58.0, 150.0), (0.5, 0.52), (0.4, 0.85), (0.0, 0.35), (0.12, 0.4), 0.25, 0.45, 0.8, 0.15, 0.45),
    "country": ((84.0, 150.0), (0.5, 0.6), (0.35, 0.65), (0.15, 0.65), (0.03, 0.25), 1.0, 0.15, 0.55, 0.55, 0.12),
    "disco": ((108.0, 130.0), (0.5, 0.52), (0.35, 0.65), (0.3, 0.8), (0.03, 0.25), 1.0, 0.55, 0.5, 0.5, 0.55),
    "hiphop": ((76.0, 108.0), (0.5, 0.6), (0.5, 0.85), (0.35, 0.9), (0.0, 0.15), 1.0, 0.3, 0.35, 0.45, 0.75),
    "jazz": ((84.0, 190.0), (0.55, 0.67), (0.5, 0.9), (0.05, 0.45), (0.05, 0.25), 0.9, 0.1, 0.8, 0.2, 0.4),
    "metal": ((96.0, 180.0), (0.5, 0.52), (0.5, 0.9), (0.5, 1.0), (0.0, 0.15), 1.0, 0.15, 0.4, 0.35, 0.85),
    "pop": ((88.0, 132.0), (0.5, 0.52), (0.35, 0.65), (0.3, 0.85), (0.03, 0.25), 1.0, 0.6, 0.35, 0.7, 0.35),
    "reggae": ((66.0, 100.0), (0.5, 0.6), (0.35, 0.65), (0.2, 0.7), (0.05, 0.35), 1.0, 0.25, 0.4, 0.5, 0.5),
    "rock": ((88.0, 160.0), (0.5, 0.52), (0.35, 0.65), (0.35, 0.95), (0.03, 0.25), 1.0, 0.25, 0.45, 0.5, 0.4),
}


def _numbers(genre: str) -> dict[str, Any]:
    fields = ("tempo", "swing", "density", "loudness", "reverb", "drums", "pad", "lead", "voice", "minor_share")
    return dict(zip(fields, _NUMBERS[genre], strict=True))


GENRES: Mapping[str, Style] = {
    "blues": Style(
        **_numbers("blues"),
        grooves=("shuffle", "slow_blues", "blues_ride", "rock_straight"),
        kits=("acoustic", "brushes", "rock"),
        basses=("electric_bass", "upright_bass"),
        bass_lines=("boogie", "quarters", "walking", "alternating"),
        comps=("electric_guitar", "piano", "organ", "acoustic_guitar"),
        comp_patterns=("boogie", "charleston", "quarters", "rolling"),
        leads=("electric_guitar", "harmonica", "saxophone", "piano"),
        major=("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7"),
        minor=("i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 i7",),
        scales=("blues", "blues"),
    ),
    "classical": Style(
        **_numbers("classical"),
        grooves=("timpani",),
        kits=("acoustic",),
        basses=("cello_bass",),
        bass_lines=("halves", "whole", "march", "quarters"),
        comps=("piano", "strings", "harpsichord", "acoustic_guitar"),
        comp_patterns=("alberti", "arpeggio", "sustained", "quarters", "rolling", "halves"),
        leads=("violin", "flute", "clarinet", "piano", "strings"),
        major=("I IV V7 I", "I V I IV ii V7 I I", "I vi ii7 V7", "I V vi iii IV I IV V"),
        minor=("i iv V7 i", "i bVI iv V7", "i bVII bVI V7", "i V7 i iv"),
        scales=("major", "harmonic_minor"),
        pads=("strings", "brass"),
    ),
    "country": Style(
        **_numbers("country"),
        grooves=("country_two", "train", "country_backbeat", "shuffle"),
        kits=("acoustic", "brushes", "rock"),
        basses=("electric_bass", "upright_bass"),
        bass_lines=("alternating", "alternating", "quarters", "walking"),
        comps=("acoustic_guitar", "banjo", "electric_guitar", "piano"),
        comp_patterns=("boom_chick", "strum", "rolling", "arpeggio_sixteen"),
        leads=("violin", "steel_guitar", "electric_guitar", "banjo", "harmonica"),
        major=("I IV I V", "I I IV I I V I I", "I V IV I", "I vi IV V"),
        minor=("i bVII i V", "i iv i V7"),
        scales=("major_pentatonic", "minor_pentatonic"),
    ),
    "disco": Style(
        **_numbers("disco"),
        grooves=("disco_four", "disco_sixteen", "pop_four", "funk"),
        kits=("disco", "acoustic", "dance_machine"),
        basses=("electric_bass", "synth_bass"),
        bass_lines=("octaves", "octave_sixteen", "syncopated", "funk"),
        comps=("electric_guitar", "electric_piano", "strings", "synth_pluck"),
        comp_patterns=("funk", "strum_sixteen", "offbeat", "stabs"),
        leads=("strings", "brass", "synth_lead", "flute"),
        major=("I vi ii7 V", "Imaj7 IVmaj7", "I IV ii7 V7", "I V vi IV"),
        minor=("i7 iv7", "i7 bVII bVI V7", "i bVI iv7 v7", "i7 i7 iv7 iv7"),
        pads=("strings", "synth_pad"),
    ),
    "hiphop": Style(
        **_numbers("hiphop"),
        grooves=("boom_bap", "boom_bap_busy", "trap", "funk"),
        kits=("machine", "acoustic", "dance_machine"),
        basses=("sub_bass", "synth_bass", "electric_bass"),
        bass_lines=("slide_808", "kick_follow", "syncopated", "whole"),
        comps=("electric_piano", "piano", "synth_pluck", "strings"),
        comp_patterns=("stabs", "pulse", "arpeggio", "charleston"),
        leads=("synth_lead", "flute", "vibraphone", "brass"),
        major=("Imaj7 IVmaj7", "ii7 V7 Imaj7 vi7", "I vi"),
        minor=("i7 iv7", "i bVI", "i7 bVII bVI v7", "i7 i7 bVI bVI"),
        scales=("major_pentatonic", "minor_pentatonic"),
    ),
    "jazz": Style(
        **_numbers("jazz"),
        grooves=("jazz_ride", "jazz_brushes", "bossa", "shuffle"),
        kits=("brushes", "acoustic"),
        basses=("upright_bass", "upright_bass", "electric_bass"),
        bass_lines=("walking", "walking", "swing_two", "tumbao"),
        comps=("piano", "electric_guitar", "electric_piano", "organ"),
        comp_patterns=("charleston", "comping", "quarters", "stabs"),
        leads=("saxophone", "brass", "piano", "vibraphone", "clarinet", "flute"),
        major=("ii7 V7 Imaj7 vi7", "Imaj7 vi7 ii7 V7", "Imaj7 IV7 iii7 VI7 ii7 V7 I6 V7"),
        minor=("i7 iv7 bVII7 bIIImaj7", "ii7 V7 i7 i7", "i7 bVI7 V7 i7"),
        scales=("mixolydian", "dorian"),
    ),
    "metal": Style(
        **_numbers("metal"),
        grooves=("double_kick", "thrash", "breakdown", "rock_drive", "rock_half"),
        kits=("metal", "rock"),
        basses=("electric_bass",),
        bass_lines=("gallop", "sixteenths", "eighths", "quarters"),
        comps=("distorted_guitar", "distorted_guitar", "distorted_guitar", "electric_guitar"),
        comp_patterns=("chug", "gallop", "sixteenths", "eighths", "sustained"),
        leads=("distorted_guitar", "electric_guitar", "synth_lead"),
        major=("I5 bVII5 bVI5 I5", "I5 IV5 bVII5 I5"),
        minor=("i5 bVI5 bVII5 i5", "i5 bII5 i5 bVII5", "i5 i5 bVI5 bV5"),
        scales=("mixolydian", "phrygian"),
    ),
    "pop": Style(
        **_numbers("pop"),
        grooves=("pop_plain", "pop_syncopated", "pop_four", "boom_bap", "rock_straight"),
        kits=("acoustic", "dance_machine", "disco", "machine"),
        basses=("electric_bass", "synth_bass"),
        bass_lines=("eighths", "kick_follow", "halves", "octaves"),
        comps=("piano", "acoustic_guitar", "synth_pluck", "electric_guitar"),
        comp_patterns=("strum", "arpeggio", "halves", "pulse", "eighths"),
        leads=("synth_lead", "piano", "electric_guitar", "strings"),
        major=_POP_MAJOR,
        minor=_POP_MINOR,
    ),
    "reggae": Style(
        **_numbers("reggae"),
        grooves=("one_drop", "rockers", "steppers", "boom_bap"),
        kits=("dub", "acoustic", "machine"),
        basses=("electric_bass", "sub_bass"),
        bass_lines=("reggae", "reggae_drop", "syncopated", "kick_follow"),
        comps=("electric_guitar", "organ", "piano"),
        comp_patterns=("skank", "offbeat", "double_skank"),
        leads=("brass", "organ", "saxophone", "flute"),
        major=("I IV", "I V vi IV", "I ii7 I ii7", "I IV V IV"),
        minor=("i iv", "i bVII", "i7 iv7 i7 v7"),
    ),
    "rock": Style(
        **_numbers("rock"),
        grooves=("rock_straight", "rock_drive", "rock_tom", "rock_half", "pop_plain"),
        kits=("rock", "acoustic", "metal"),
        basses=("electric_bass",),
        bass_lines=("eighths", "quarters", "kick_follow", "alternating"),
        comps=("distorted_guitar", "electric_guitar", "electric_guitar", "acoustic_guitar", "organ"),
        comp_patterns=("eighths", "strum", "sustained", "strum_sixteen", "boogie"),
        leads=("electric_guitar", "distorted_guitar", "organ", "piano"),
        major=_ROCK_MAJOR,
        minor=_ROCK_MINOR,
        scales=("mixolydian", "minor_pentatonic"),
    ),
}
