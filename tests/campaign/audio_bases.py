"""Short clips in every format that libsndfile writes, whole, and how each may be damaged."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile

from tests.broken_clips import tune
from tests.campaign.damage import BYTES, EXTREMES, Generator, damaged, empty, pick, set_number

SUFFIX = {"WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav", "AU": ".au", "FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3"}
OTHER_SUFFIX = {"AIFF": ".aiff", "CAF": ".caf", "W64": ".w64"}
# Formats of bare samples, of no frames, or of two files, which a name alone can tell.
_LEFT_OUT = ("RAW", "SD2", "VOX")
# libsndfile's fields at fixed places: place, width, byte order.
FIELDS = {
    "WAV": {"riff size": (4, 4), "fmt size": (16, 4), "format tag": (20, 2), "channels": (22, 2), "rate": (24, 4),
            "byte rate": (28, 4), "block align": (32, 2), "bits": (34, 2)},
    "AU": {"offset": (4, 4), "data size": (8, 4), "encoding": (12, 4), "rate": (16, 4), "channels": (20, 4)},
    "W64": {"riff size": (16, 8), "fmt size": (56, 8), "format tag": (64, 2), "channels": (66, 2), "rate": (68, 4),
            "byte rate": (72, 4), "block align": (76, 2), "bits": (78, 2)},
    "AIFF": {"form size": (4, 4)},
    "CAF": {"bytes a packet": (36, 4), "samples a packet": (40, 4), "channels": (44, 4), "bits": (48, 4)},
    "FLAC": {"block sizes": (8, 4), "frame sizes": (12, 4), "rate, channels, bits": (18, 3), "samples": (21, 5)},
}  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """A whole clip, and what it is."""

    format: str
    subtype: str
    content: bytes
    n_samples: int  # a channel
    rate: int

    @property
    def suffix(self) -> str:
        return (SUFFIX | OTHER_SUFFIX).get(self.format, "." + self.format.lower())

    @property
    def name(self) -> str:
        return f"{self.format} {self.subtype}, {self.rate} Hz"


@dataclass(frozen=True)
class Damaged:
    """A damaged clip. `whole` is how many samples must still be read, where the damage took none; else 0.

    `absurd` says that samples were put in that no sound has.
    """

    clip: Clip
    content: bytes
    suffix: str
    note: str
    whole: int = 0
    absurd: bool = False


def clips() -> tuple[list[Clip], list[Clip]]:
    """Return whole clips of the formats that the package names, and of the others that libsndfile writes."""
    usual, others = [], []
    for number, (name, subtype) in enumerate(_formats()):
        clip = _written(name, subtype, seconds=3.0 if name == "MP3" else 1.0, seed=number)
        if clip is not None:
            (usual if name in SUFFIX else others).append(clip)
    for number, mode in enumerate(("VARIABLE", "AVERAGE", "CONSTANT")):
        clip = _written("MP3", "MPEG_LAYER_III", seconds=4.0, seed=200 + number, bitrate_mode=mode)
        usual += [clip] * 2 if clip is not None else []
    return usual, others


def _formats() -> Iterator[tuple[str, str]]:
    for name in sorted(set(soundfile.available_formats()) - set(_LEFT_OUT)):
        for subtype in sorted(soundfile.available_subtypes(name)):
            yield name, subtype


def _written(name: str, subtype: str, seconds: float, seed: int, **options: str) -> Clip | None:
    """Encode a tune; None where libsndfile cannot write this pair, or read it back."""
    for rate, channels in ((22050, 1 + seed % 2), (44100, 1), (8000, 1)):
        buffer = io.BytesIO()
        try:
            soundfile.write(buffer, tune(seconds, rate, channels, seed), rate, subtype, format=name, **options)
            with soundfile.SoundFile(io.BytesIO(buffer.getvalue())) as sound:
                return Clip(name, subtype, buffer.getvalue(), len(sound.read()), rate)
        except (soundfile.LibsndfileError, ValueError, TypeError):
            continue
    return None


def damage_clip(clip: Clip, other: Clip, generator: Generator) -> Damaged:
    """Damage a clip in one way of those that its format has; `other` is a whole clip to be mixed up with it."""
    special = _special(clip, other, generator)
    if special and generator.random() < 0.45:
        return pick(generator, special)
    content, note = damaged(clip.content, generator, [*BYTES, empty] if generator.random() < 0.1 else BYTES)
    return Damaged(clip, content, clip.suffix, note)


def _special(clip: Clip, other: Clip, generator: Generator) -> list[Damaged]:
    """Damages that need to know the format, one of each."""
    found = []

    def add(content: bytes, note: str, suffix: str = clip.suffix, **what: object) -> None:
        found.append(Damaged(clip, content, suffix, note, **what))  # type: ignore[arg-type]

    for name in ("WAV" if clip.format in ("WAV", "WAVEX") else clip.format,):
        fields = dict(FIELDS.get(name, {}))
        if name in ("WAV", "W64", "CAF") and (place := clip.content.find(b"data")) > 0:
            fields["data size"] = {"WAV": (place + 4, 4), "W64": (place + 16, 8), "CAF": (place + 4, 8)}[name]
        if name == "AIFF":
            place, data = clip.content.index(b"COMM"), clip.content.index(b"SSND")
            fields |= {"channels": (place + 8, 2), "frames": (place + 10, 4), "bits": (place + 14, 2)}
            fields["data size"] = (data + 4, 4)
        order = "little" if name in ("WAV", "W64") else "big"
        for _ in range(4 if fields else 0):
            field = pick(generator, list(fields))
            place, width = fields[field]
            old = int.from_bytes(clip.content[place : place + width], order)
            number = pick(generator, (*EXTREMES, old + 1, old - 1, old * 2, old // 2, old // 2, old * 2))
            content, note = set_number(clip.content, generator, place, width, order, number)
            if content != clip.content:
                add(content, f"{field}, which was {old}: {note}")
    if clip.content[:4] in (b"RIFF", b"FORM", b"RF64"):
        add(*_mixed_chunks(clip.content, generator))
    if clip.subtype in ("FLOAT", "DOUBLE") and clip.format in ("WAV", "AU", "AIFF", "CAF", "W64", "WAVEX", "RF64"):
        for _ in range(3):
            found.append(_extreme_samples(clip, generator))
    if clip.format == "MP3":
        whole = clip.n_samples
        tag = b"ID3\x04\0\0" + bytes([0, 0, 8, 0]) + bytes(1024)
        zeros = bytes(pick(generator, (100, 5000, 70_000)))
        add(tag + zeros + clip.content, f"an ID3 tag and {len(zeros)} zero bytes in front", whole=whole)
        if other.format == "MP3" and other.rate == clip.rate:
            add(clip.content + other.content, "another mp3 follows", whole=whole + other.n_samples)
        add(clip.content + clip.content, "the same mp3 follows", whole=2 * whole)
        mark = max(clip.content.find(b"Xing", 0, 400), clip.content.find(b"Info", 0, 400))
        if mark > 0:
            second = clip.content.find(clip.content[:2], mark + 100)
            add(clip.content[second:], "the frame with the Xing header is missing", whole=whole - 1152)
            frames = int.from_bytes(clip.content[mark + 8 : mark + 12], "big")
            number = pick(generator, (frames // 2, frames * 2, 1, 0xFFFFFFF))
            content, note = set_number(clip.content, generator, mark + 8, 4, "big", number)
            add(content, f"frames of the Xing header, which were {frames}: {note}", whole=whole)
    if clip.format == "OGG":
        add(clip.content + clip.content, "the same stream follows", whole=2 * clip.n_samples)
    add(clip.content, "another suffix", suffix=pick(generator, sorted({*SUFFIX.values()} - {clip.suffix})))
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    add(pick(generator, (text, b"<html>" * 100, b"PK\x03\x04" + bytes(300), bytes(5000))), "no audio")
    return found


def _mixed_chunks(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Exchange, double or drop chunks of a RIFF or AIFF file; sizes stay as they are."""
    order = "big" if content[:4] == b"FORM" else "little"
    chunks, place = [], 12
    while place + 8 <= len(content):
        length = int.from_bytes(content[place + 4 : place + 8], order)
        end = min(len(content), place + 8 + length + length % 2)
        chunks.append(content[place:end])
        place = end
    first, second = (int(number) for number in generator.integers(len(chunks), size=2))
    what = pick(generator, ("exchanged", "doubled", "dropped"))
    if what == "doubled":
        chunks.insert(second, chunks[first])
    elif what == "dropped":
        del chunks[first]
    else:
        chunks[first], chunks[second] = chunks[second], chunks[first]
    return content[:12] + b"".join(chunks), f"chunks {first} and {second}: {what}"


def _extreme_samples(clip: Clip, generator: Generator) -> Damaged:
    """Write the clip again with a few samples that no sound has."""
    samples, rate = soundfile.read(io.BytesIO(clip.content), dtype="float64", always_2d=True)
    values = (1e10, 1e19, -1e25, 3e38, np.nan, np.inf, -np.inf, *([1e300] if clip.subtype == "DOUBLE" else []))
    value, count = pick(generator, values), int(generator.integers(1, 100))
    start = int(generator.integers(len(samples) - count))
    samples[start : start + count] = value
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, clip.subtype, format=clip.format)
    return Damaged(clip, buffer.getvalue(), clip.suffix, f"{count} samples from {start} on are {value}", absurd=True)
