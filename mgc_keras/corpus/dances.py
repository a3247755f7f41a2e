"""Thirteen ballroom dances, each with its tempo, metre and rhythm."""

from collections.abc import Mapping

from mgc_keras.corpus.styles import Names, Range, Style

_MAJOR = ("I vi ii7 V7", "I IV V7 I", "I V I IV ii7 V7 I I", "I I IV V7")
_MINOR = ("i iv V7 i", "i bVII bVI V7", "i V7 i iv")
_SONG_MAJOR = ("I V vi IV", "I vi IV V", *_MAJOR)
_BAND = ("brass", "saxophone", "clarinet", "strings")


def _dance(
    tempo: Range,
    grooves: Names,
    bass_lines: Names,
    comp_patterns: Names,
    *,
    comps: Names,
    leads: Names = _BAND,
    beats_per_bar: int = 4,
    swing: Range = (0.5, 0.52),
    minor_share: float = 0.35,
    major: Names = _MAJOR,
    kits: Names = ("acoustic", "brushes", "dub"),
    basses: Names = ("upright_bass", "electric_bass"),
    voice: float = 0.3,
) -> Style:
    return Style(
        tempo=tempo, grooves=grooves, kits=kits, basses=basses, bass_lines=bass_lines, comps=comps,
        comp_patterns=comp_patterns, leads=leads, major=major, minor=_MINOR, beats_per_bar=beats_per_bar, swing=swing,
        lead=0.7, voice=voice, minor_share=minor_share, pad=0.35, scales=("major", "harmonic_minor"),
        loudness=(0.15, 0.6),
    )  # fmt: skip


_LATIN = ("piano", "acoustic_guitar", "brass")
_BALLROOM = ("piano", "strings", "accordion", "acoustic_guitar")
_SWING_BAND = ("piano", "electric_guitar", "acoustic_guitar", "organ")

DANCES: Mapping[str, Style] = {
    "Chacha": _dance((112.0, 130.0), ("chacha",), ("tumbao", "syncopated"), ("montuno", "offbeat", "stabs"),
                     comps=_LATIN),
    "Foxtrot": _dance((108.0, 122.0), ("foxtrot", "jazz_brushes"), ("swing_two", "walking"), ("quarters", "charleston"),
                      comps=_SWING_BAND, swing=(0.58, 0.67)),
    "Jive": _dance((160.0, 180.0), ("jive", "shuffle"), ("walking", "boogie"), ("quarters", "boogie", "charleston"),
                   comps=_SWING_BAND, swing=(0.58, 0.67), minor_share=0.2),
    "Pasodoble": _dance((112.0, 126.0), ("paso", "march"), ("march", "eighths"), ("quarters", "pulse"),
                        comps=("brass", "strings", "acoustic_guitar"), minor_share=0.8),
    "Quickstep": _dance((196.0, 210.0), ("quickstep", "foxtrot"), ("swing_two", "march"), ("boom_chick", "quarters"),
                        comps=_SWING_BAND, swing=(0.56, 0.66)),
    "Rumba": _dance((96.0, 112.0), ("rumba",), ("tumbao", "halves"), ("arpeggio", "stabs", "halves"), comps=_LATIN,
                    major=_SONG_MAJOR),
    "Salsa": _dance((170.0, 208.0), ("salsa",), ("tumbao",), ("montuno",), comps=_LATIN, minor_share=0.5),
    "Samba": _dance((96.0, 108.0), ("samba",), ("samba", "syncopated"), ("strum_sixteen", "funk"),
                    comps=("acoustic_guitar", "piano", "synth_pluck")),
    "Slowwaltz": _dance((66.0, 80.0), ("slow_waltz", "waltz"), ("waltz_whole", "waltz"),
                        ("waltz_sustained", "waltz_arpeggio"), comps=_BALLROOM,
                        leads=("violin", "flute", "strings", "piano"), beats_per_bar=3),
    "Tango": _dance((120.0, 132.0), ("tango",), ("tango", "march"), ("tango", "quarters"),
                    comps=("accordion", "piano", "strings"), leads=("violin", "accordion", "strings"),
                    minor_share=0.85),
    "Viennesewaltz": _dance((168.0, 184.0), ("viennese", "waltz"), ("waltz",), ("waltz",), comps=_BALLROOM,
                            leads=("violin", "strings", "clarinet"), beats_per_bar=3),
    "Waltz": _dance((84.0, 98.0), ("waltz", "slow_waltz", "jazz_waltz"), ("waltz", "waltz_walk"),
                    ("waltz", "waltz_arpeggio"), comps=_BALLROOM, leads=("violin", "flute", "strings", "piano"),
                    beats_per_bar=3),
    "Wcswing": _dance((92.0, 118.0), ("wcswing", "shuffle", "pop_syncopated"), ("syncopated", "kick_follow", "walking"),
                      ("strum", "charleston", "stabs"), comps=("electric_guitar", "piano", "electric_piano"),
                      leads=("electric_guitar", "saxophone", "synth_lead"), swing=(0.52, 0.64), major=_SONG_MAJOR,
                      kits=("acoustic", "machine", "rock"), basses=("electric_bass", "synth_bass"), voice=0.6),
}  # fmt: skip
