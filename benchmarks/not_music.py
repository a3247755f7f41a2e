"""Does it tell speech, noise and clicks from music, and what does that cost? Confusions with exact 95 % intervals.

Bounds were set on talk and music of the built-in corpus (seed 5) and on drum loops (seeds 0 to 29). Held out are: other
talk and music of the corpus (seed 77), other drum loops, noise of four colours as it is and from an mp3, and all real
recordings: speech (four times ten speakers, a second of each one behind the other, since a second alone is too short;
three readers), music (Emotify, librosa's examples, pieces of pyAudioAnalysis as the speakers). The time is that of one
excerpt of 29.12 s beside the published network's.

Run: python benchmarks/not_music.py
Target: no music called speech, noise or clicks; real speech found.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
from scipy.stats import binomtest

import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
from mgc_keras.audio.files import find_clips, read_waveform
from mgc_keras.audio.not_music import CLICKS, NOISE, SPEECH, sound_figures
from mgc_keras.corpus.tasks import corpus_table, render_clip
from mgc_keras.features.network import compiled
from mgc_keras.studies.jimenez2017.network import N_SAMPLES, SAMPLING_RATE, music_tagger_crnn

DATA = Path(__file__).parents[2] / "shared" / "data"
RATE, SECONDS = 12000, 29.12
Sounds = Iterator[np.ndarray]


def main() -> None:
    """Print a line for each kind of sound, and the time."""
    print("sound, of each so many; called speech, noise, clicks (share that is called any, 95 % interval)")
    for name, sounds in groups():
        kinds = Counter(sound_figures(sound.astype(np.float32), RATE).kind() for sound in sounds)
        n, called = kinds.total(), kinds[SPEECH] + kinds[NOISE] + kinds[CLICKS]
        if not n:
            continue
        low, high = binomtest(called, n).proportion_ci(method="exact")
        counts = f"speech {kinds[SPEECH]:3d}  noise {kinds[NOISE]:3d}  clicks {kinds[CLICKS]:3d}"
        print(f"{name:45s} {n:4d}  {counts}  {called / n:.3f} [{low:.3f}, {high:.3f}]", flush=True)
    cost()


def groups() -> Iterator[tuple[str, Sounds]]:
    """Yield each kind of sound and its excerpts."""
    for what, seed in (("bounds set on", 5), ("held out", 77)):
        for label in ("speech", "music"):
            yield f"{what}: corpus, {label}", corpus(label, seed)
    for what, first in (("bounds set on", 0), ("held out", 30)):
        yield f"{what}: drum loops", (drum_loop(seed) for seed in range(first, first + 30))
    yield "held out: noise, four colours, and as mp3", noises()
    yield "held out: clicks, one to four a second", (clicks(seed) for seed in range(30))
    if not DATA.is_dir():
        return
    audio = DATA / "audio"
    for kind in ("speech", "music"):
        yield f"held out: real {kind}, ten of a second each", joined(audio / "speech_music" / kind)
    misc = find_clips(audio / "misc")
    yield "held out: real speech, readers", excerpts(path for path in misc if "speech" in path.name)
    yield (
        "held out: real music, librosa's and others",
        excerpts([*(path for path in misc if "speech" not in path.name), *find_clips(DATA / "taggers")]),
    )
    yield "held out: real music, Emotify", excerpts(find_clips(audio / "emotify"))


def corpus(label: str, seed: int) -> Sounds:
    """Render clips of the task speech_music."""
    table = corpus_table("speech_music", 60, seed)
    for _, row in table[table["label"] == label].iterrows():
        yield render_clip(row, RATE, SECONDS)


def drum_loop(seed: int) -> np.ndarray:
    """A bar of sixteen steps that comes back: low, dull and bright strokes, with silence between."""
    random, time_of = np.random.default_rng(seed), np.arange(RATE) / RATE
    step = int(RATE * 15 / random.uniform(60, 180))
    strokes = [
        np.sin(2 * np.pi * 60 * time_of * np.exp(-3 * time_of)) * np.exp(-time_of / random.uniform(0.03, 0.15)),
        0.6 * random.standard_normal(RATE) * np.exp(-time_of / random.uniform(0.03, 0.12)),
        0.2 * np.diff(random.standard_normal(RATE + 1)) * np.exp(-time_of / random.uniform(0.01, 0.05)),
    ]
    pattern = random.random((3, 16)) < np.array([[0.25], [0.2], [random.choice([0, 0.3, 0.6])]])
    pattern[0, 0] = True
    waveform = np.zeros(int(SECONDS * RATE) + RATE)
    for place, start in enumerate(range(0, len(waveform) - RATE, step)):
        for stroke, hits in zip(strokes, pattern, strict=True):
            if hits[place % 16] or random.random() < 0.03:
                waveform[start : start + RATE] += random.uniform(0.7, 1) * stroke
    return waveform / np.abs(waveform).max()


def clicks(seed: int) -> np.ndarray:
    """A metronome: short decaying tones, or lone samples, at equal times."""
    random, n_samples = np.random.default_rng(seed), int(SECONDS * RATE)
    length = int(random.choice([1, random.uniform(0.001, 0.02) * RATE]))
    time_of = np.arange(length) / RATE
    click = np.cos(2 * np.pi * random.uniform(500, 3000) * time_of) * np.exp(-4 * time_of * RATE / length)
    waveform = np.zeros(n_samples)
    for start in range(0, n_samples - length, int(RATE / random.uniform(1, 4))):
        waveform[start : start + length] += 0.5 * click
    return waveform


def noises() -> Sounds:
    """Gaussian noise whose amplitude falls with frequency to the power of 0, 0.5, 1 and 1.25."""
    n_samples = int(SECONDS * RATE)
    with tempfile.TemporaryDirectory() as folder:
        for slope in (0.0, 0.5, 1.0, 1.25):
            spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(n_samples))
            noise = np.fft.irfft(spectrum / np.maximum(np.fft.rfftfreq(n_samples), 20 / RATE) ** slope, n_samples)
            noise *= 0.3 / np.abs(noise).max()
            yield noise
            soundfile.write(Path(folder, "noise.mp3"), noise, RATE)
            yield read_waveform(Path(folder, "noise.mp3"), RATE)


def joined(folder: Path) -> Sounds:
    """Join clips of a second, ten of different origin, each as loud as the others."""
    clips = [read_waveform(path, RATE) for path in find_clips(folder)]
    clips = [clip / np.sqrt(np.mean(clip**2) + 1e-12) for clip in clips]
    for start in range(4):
        yield np.concatenate(clips[start::4])


def excerpts(paths: Iterator[Path] | list[Path]) -> Sounds:
    """Cut files into excerpts of 29.12 s; a shorter file is one."""
    length = int(SECONDS * RATE)
    for path in paths:
        waveform = read_waveform(path, RATE)
        for start in range(0, max(len(waveform) - length, 0) + 1, length):
            yield waveform[start : start + length]


def cost() -> None:
    """Time the figures of an excerpt beside the network's scores of it, in turns."""
    model = music_tagger_crnn(10, output="genres")
    network, sound = compiled(model, (1, N_SAMPLES)), drum_loop(0)[:N_SAMPLES].astype(np.float32)
    import tensorflow as tf

    batch = tf.constant(np.resize(sound, (1, N_SAMPLES)))
    ways = {"figures": lambda: sound_figures(sound, SAMPLING_RATE), "network": lambda: network(batch)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(11):
        for name, way in ways.items():
            start = time.process_time()
            way()
            times[name].append(time.process_time() - start)
    figures, scores = (median(times[name]) for name in ("figures", "network"))
    print(
        f"an excerpt of 29.12 s takes {1e3 * figures:.0f} ms of processor time, its scores {1e3 * scores:.0f} ms (CPU)"
    )


if __name__ == "__main__":
    main()
