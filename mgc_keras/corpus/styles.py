"""What a kind of music is: ranges and choices from which artists draw their habits and clips their decisions."""

from dataclasses import dataclass

Range = tuple[float, float]
Names = tuple[str, ...]


@dataclass(frozen=True)
class Style:
    """One genre or dance, as distributions.

    Attributes
    ----------
    tempo : (float, float)
        Beats per minute between which artists have their habit.
    grooves, kits : tuple of str
        Keys of `GROOVES` and `KITS`; those early in the tuple are likelier.
    basses, bass_lines : tuple of str
        Keys of `TIMBRES` and `BASSES`.
    comps, comp_patterns : tuple of str
        Instruments of the accompaniment and keys of `COMPS`.
    leads : tuple of str
        Instruments of the melody.
    major, minor : tuple of str
        Chord progressions, one chord a bar (see `parse_chords`).
    scales : (str, str)
        Keys of `SCALES` for the melody in major and in minor.
    pads : tuple of str
        Instruments of held chords.
    beats_per_bar : int
    swing : (float, float)
        Where the second eighth lies in the beat: 0.5 straight, 0.67 triplets.
    drums, pad, lead, voice, minor_share : float
        Chances that a clip has drums, held chords, an instrumental melody, a singer, a minor key.
    density : (float, float)
        How busy melodies are.
    loudness, reverb : (float, float)
        Compression 0 to 1; share of the room.
    """

    tempo: Range
    grooves: Names
    kits: Names
    basses: Names
    bass_lines: Names
    comps: Names
    comp_patterns: Names
    leads: Names
    major: Names
    minor: Names
    scales: tuple[str, str] = ("major", "minor")
    pads: Names = ("strings", "organ", "synth_pad")
    beats_per_bar: int = 4
    swing: Range = (0.5, 0.52)
    drums: float = 1.0
    pad: float = 0.3
    lead: float = 0.5
    voice: float = 0.4
    minor_share: float = 0.4
    density: Range = (0.35, 0.65)
    loudness: Range = (0.2, 0.8)
    reverb: Range = (0.03, 0.25)
