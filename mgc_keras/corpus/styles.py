"""What a kind of music is: ranges and choices from which artists draw their habits and clips their decisions."""

from dataclasses import dataclass

Range = tuple[float, float]
Names = tuple[str, ...]


@dataclass(frozen=True)
class Style:
    """One genre or dance, as distributions; of names, those early in the tuple are likelier."""

    tempo: Range  # beats per minute between which artists have their habit
    grooves: Names  # keys of `GROOVES`
    kits: Names  # keys of `KITS`
    basses: Names  # instruments, here and below: keys of `TIMBRES`
    bass_lines: Names  # keys of `BASSES`
    comps: Names  # instruments of the accompaniment
    comp_patterns: Names  # keys of `COMPS`
    leads: Names  # instruments of the melody
    major: Names  # chord progressions, one chord a bar (see `parse_chords`)
    minor: Names
    scales: tuple[str, str] = ("major", "minor")  # keys of `SCALES` for the melody in major and in minor
    pads: Names = ("strings", "organ", "synth_pad")  # instruments of held chords
    beats_per_bar: int = 4
    swing: Range = (0.5, 0.52)  # where the second eighth lies in the beat: 0.5 straight, 0.67 triplets
    drums: float = 1.0  # chances that a clip has drums, held chords, an instrumental melody, a singer, a minor key
    pad: float = 0.3
    lead: float = 0.5
    voice: float = 0.4
    minor_share: float = 0.4
    density: Range = (0.35, 0.65)  # how busy melodies are
    loudness: Range = (0.2, 0.8)  # compression, 0 to 1
    reverb: Range = (0.03, 0.25)  # share of the room
