"""Thirteen ballroom dances, each with its tempo, metre and rhythm."""

from collections.abc import Mapping
from functools import partial

from mgc_keras.corpus.styles import Style

_MAJOR = ("I vi ii7 V7", "I IV V7 I", "I V I IV ii7 V7 I I", "I I IV V7")
_MINOR = ("i iv V7 i", "i bVII bVI V7", "i V7 i iv")
_SONG_MAJOR = ("I V vi IV", "I vi IV V", *_MAJOR)
_BAND = ("brass", "saxophone", "clarinet", "strings")
_LATIN = ("piano", "acoustic_guitar", "brass")
_BALLROOM = ("piano", "strings", "accordion", "acoustic_guitar")
_SWING_BAND = ("piano", "electric_guitar", "acoustic_guitar", "organ")
_dance = partial(
    Style, kits=("acoustic", "brushes", "dub"), basses=("upright_bass", "electric_bass"), leads=_BAND, major=_MAJOR,
    minor=_MINOR, scales=("major", "harmonic_minor"), lead=0.7, voice=0.3, minor_share=0.35, pad=0.35,
    loudness=(0.15, 0.6),
)  # fmt: skip

DANCES: Mapping[str, Style] = {
    "Chacha": _dance((112.0, 130.0), ("chacha",), bass_lines=("tumbao", "syncopated"),
                     comp_patterns=("montuno", "offbeat", "stabs"), comps=_LATIN),
    "Foxtrot": _dance((108.0, 122.0), ("foxtrot", "jazz_brushes"), bass_lines=("swing_two", "walking"),
                      comp_patterns=("quarters", "charleston"), comps=_SWING_BAND, swing=(0.58, 0.67)),
    "Jive": _dance((160.0, 180.0), ("jive", "shuffle"), bass_lines=("walking", "boogie"),
                   comp_patterns=("quarters", "boogie", "charleston"), comps=_SWING_BAND, swing=(0.58, 0.67),
                   minor_share=0.2),
    "Pasodoble": _dance((112.0, 126.0), ("paso", "march"), bass_lines=("march", "eighths"),
                        comp_patterns=("quarters", "pulse"), comps=("brass", "strings", "acoustic_guitar"),
                        minor_share=0.8),
    "Quickstep": _dance((196.0, 210.0), ("quickstep", "foxtrot"), bass_lines=("swing_two", "march"),
                        comp_patterns=("boom_chick", "quarters"), comps=_SWING_BAND, swing=(0.56, 0.66)),
    "Rumba": _dance((96.0, 112.0), ("rumba",), bass_lines=("tumbao", "halves"),
                    comp_patterns=("arpeggio", "stabs", "halves"), comps=_LATIN, major=_SONG_MAJOR),
    "Salsa": _dance((170.0, 208.0), ("salsa",), bass_lines=("tumbao",), comp_patterns=("montuno",), comps=_LATIN,
                    minor_share=0.5),
    "Samba": _dance((96.0, 108.0), ("samba",), bass_lines=("samba", "syncopated"),
                    comp_patterns=("strum_sixteen", "funk"), comps=("acoustic_guitar", "piano", "synth_pluck")),
    "Slowwaltz": _dance((66.0, 80.0), ("slow_waltz", "waltz"), bass_lines=("waltz_whole", "waltz"),
                        comp_patterns=("waltz_sustained", "waltz_arpeggio"), comps=_BALLROOM,
                        leads=("violin", "flute", "strings", "piano"), beats_per_bar=3),
    "Tango": _dance((120.0, 132.0), ("tango",), bass_lines=("tango", "march"), comp_patterns=("tango", "quarters"),
                    comps=("accordion", "piano", "strings"), leads=("violin", "accordion", "strings"),
                    minor_share=0.85),
    "Viennesewaltz": _dance((168.0, 184.0), ("viennese", "waltz"), bass_lines=("waltz",), comp_patterns=("waltz",),
                            comps=_BALLROOM, leads=("violin", "strings", "clarinet"), beats_per_bar=3),
    "Waltz": _dance((84.0, 98.0), ("waltz", "slow_waltz", "jazz_waltz"), bass_lines=("waltz", "waltz_walk"),
                    comp_patterns=("waltz", "waltz_arpeggio"), comps=_BALLROOM,
                    leads=("violin", "flute", "strings", "piano"), beats_per_bar=3),
    "Wcswing": _dance((92.0, 118.0), ("wcswing", "shuffle", "pop_syncopated"),
                      bass_lines=("syncopated", "kick_follow", "walking"),
                      comp_patterns=("strum", "charleston", "stabs"),
                      comps=("electric_guitar", "piano", "electric_piano"),
                      leads=("electric_guitar", "saxophone", "synth_lead"), swing=(0.52, 0.64), major=_SONG_MAJOR,
                      kits=("acoustic", "machine", "rock"), basses=("electric_bass", "synth_bass"), voice=0.6),
}  # fmt: skip
