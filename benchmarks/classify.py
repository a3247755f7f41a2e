"""How fast is ``mgc-keras classify``? Against the plain loop, and against the sum of the parts.

The plain loop, song by song and excerpt by excerpt: ``librosa.load``, ``librosa.feature.melspectrogram``,
``model.predict``. The parts, each alone on all cores: decoding with resampling, the front end, the network. Nothing
that has to do all three can take less than their sum when each already keeps all cores busy. Every way runs once to
warm up, then all take turns; medians are compared. The target means the wall clock on an idle machine; processor time,
which other work on the machine moves less, is printed beside it.

Run: python benchmarks/classify.py [--songs FOLDER] [--repeats 3]
Target: at least 0.85 of the limit; the ratio to the plain loop is printed.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

# As the package and its commands set them; the plain loop gains as well.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
import joblib
import keras
import librosa
import numpy as np
import soundfile
import tensorflow as tf

from mgc_keras.audio.files import find_clips, read_waveform
from mgc_keras.features.clips import list_clips
from mgc_keras.features.hearing import Hearing
from mgc_keras.features.network import compiled
from mgc_keras.features.songs import BATCH_SIZE, SongScorer
from mgc_keras.studies.jimenez2017.network import N_SAMPLES, SAMPLING_RATE, music_tagger_crnn
from mgc_keras.networks.tensors import set_tensors, tensors_of

REAL_SONGS = Path(__file__).parents[2] / "shared" / "data" / "audio" / "emotify"
N_SONGS, TARGET = 60, 0.85


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, default=REAL_SONGS, help="folder of mp3 files; where absent, noise")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    # Random weights cost the same as the published ones.
    model = music_tagger_crnn(10, output="genres")
    with tempfile.TemporaryDirectory() as folder:
        songs = find_clips(arguments.songs)[:N_SONGS] if arguments.songs.is_dir() else make_songs(Path(folder))
        measure(songs, model, arguments.repeats)


def measure(songs: list[Path], model: keras.Model, repeats: int) -> None:
    """Time all ways in turns on the same songs and print the ratios of the medians."""
    scorer = SongScorer(model)
    clips = list_clips(songs)
    ways = {
        "plain": plain_loop(songs, model),
        "classify": lambda: list(scorer.songs(clips, scorer.excerpts(), hearing=Hearing())) and None,
        **parts(songs, model),
    }
    for way in ways.values():
        way()
    clocks = {"wall clock": time.perf_counter, "processor": time.process_time}
    times: dict[tuple[str, str], list[float]] = {(clock, name): [] for clock in clocks for name in ways}
    load = []
    for _ in range(repeats):
        for name, way in ways.items():
            starts = {clock: now() for clock, now in clocks.items()}
            way()
            for clock, now in clocks.items():
                times[clock, name].append((now() - starts[clock]) / len(songs) * 1000)
        load.append(os.getloadavg()[0])
    print(f"{len(songs)} songs, {repeats} repeats, {joblib.cpu_count()} cores, load average {median(load):.1f}")
    for clock in clocks:
        here = {name: median(times[clock, name]) for name in ways}
        limit = here["decoding"] + here["front end"] + here["network"]
        print(f"   {clock}, ms a song: " + ", ".join(f"{name} {value:.1f}" for name, value in here.items()))
        print(f"      against the plain loop: {here['plain'] / here['classify']:.2f} x")
        print(f"      of the sum of parts ({limit:.1f}): {limit / here['classify']:.2f} (target {TARGET})", flush=True)


def plain_loop(songs: list[Path], model: keras.Model) -> Callable[[], None]:
    """What a careful user would write with librosa and Keras."""
    network = without_front_end(model)

    def run() -> None:
        for path in songs:
            waveform, _ = librosa.load(path, sr=SAMPLING_RATE, mono=True)
            for start in range(0, len(waveform) - N_SAMPLES + 1, N_SAMPLES):
                excerpt = waveform[start : start + N_SAMPLES]
                mel = librosa.feature.melspectrogram(
                    y=excerpt, sr=SAMPLING_RATE, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect"
                )
                network.predict(librosa.power_to_db(mel**2, ref=1.0)[None, :, :, None], verbose=0)

    return run


def parts(songs: list[Path], model: keras.Model) -> dict[str, Callable[[], None]]:
    """Each step of the work alone, on all cores."""
    pool = ThreadPoolExecutor(joblib.cpu_count())
    waveforms = [read_waveform(path, SAMPLING_RATE) for path in songs]
    counts = [len(waveform) // N_SAMPLES for waveform in waveforms]
    excerpts = np.stack([waveforms[0][:N_SAMPLES]] * BATCH_SIZE)
    # Batches as `classify` has them: as many as fill up, and one for what is left of each eight songs.
    sizes = []
    for first in range(0, len(songs), BATCH_SIZE):
        whole, rest = divmod(sum(counts[first : first + BATCH_SIZE]), BATCH_SIZE)
        sizes += [BATCH_SIZE] * whole + [rest] * (rest > 0)
    front_end = compiled(keras.Model(model.input, model.get_layer("melspectrogram").output), (None, N_SAMPLES))
    spectrograms = front_end(tf.constant(excerpts)).numpy()
    network = compiled(without_front_end(model), (None, *spectrograms.shape[1:]))
    return {
        "decoding": lambda: list(pool.map(lambda path: read_waveform(path, SAMPLING_RATE), songs)) and None,
        "front end": lambda: [front_end(tf.constant(excerpts[:size])).numpy() for size in sizes] and None,
        "network": lambda: [network(tf.constant(spectrograms[:size])).numpy() for size in sizes] and None,
    }


def without_front_end(model: keras.Model) -> keras.Model:
    """Return the same network for mel-spectrograms."""
    network = music_tagger_crnn(10, output="genres", input="melspectrogram")
    set_tensors(network, tensors_of(model))
    return network


def make_songs(folder: Path) -> list[Path]:
    """Write minute-long stereo mp3 files of noise."""
    generator = np.random.default_rng(0)
    paths = [folder / f"{index:03d}.mp3" for index in range(N_SONGS)]
    for path in paths:
        soundfile.write(path, generator.normal(0, 0.1, (60 * 44100, 2)), 44100)
    return paths


if __name__ == "__main__":
    main()
