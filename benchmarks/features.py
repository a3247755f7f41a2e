"""How fast are features? Against the plain way, and against the sum of the parts.

The plain way, clip by clip: ``librosa.load``, ``librosa.feature.melspectrogram``, ``model.predict``. The parts, each
alone on all cores: decoding with resampling, the front end, the network. Nothing that has to do all three can take
less than their sum when each already keeps all cores busy. Every way runs once to warm up, then all take turns;
medians are compared. The targets mean the wall clock on an idle machine; processor time, which other work on the
machine moves less, is printed beside it. MFCCs are computed with BLAS on one thread and, as before, on one a core; and
the convnet with each clip as a batch of its own, and with stored statistics in batches of 16.

Run: python benchmarks/features.py [--clips FOLDER] [--repeats 5]
Targets: mp3 at least 3 times, wav at least 6 times as fast as the plain way; at least 0.85 of the limit.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

# As the package and its commands set them; the plain way gains as well.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
import joblib
import keras
import librosa
import numpy as np
import soundfile
import tensorflow as tf

from mgc_keras.audio.files import find_clips, fit_waveform, read_waveform
from mgc_keras.features.export import export_features
from mgc_keras.features.mfcc import mfcc_features
from mgc_keras.features.network import NetworkExtractor, compiled
from mgc_keras.studies.choi2017.network import N_SAMPLES, SAMPLING_RATE, convnet, with_variant

REAL_CLIPS = Path(__file__).parents[2] / "shared" / "data" / "audio" / "emotify"
N_CLIPS, BATCH_SIZE = 60, 16
TARGETS = {".mp3": 3.0, ".wav": 6.0}


def main() -> None:
    """Measure both formats and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=REAL_CLIPS, help="folder of mp3 files; where absent, noise")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    # The authors' network made batch-independent; random weights cost the same.
    model = convnet(normalization="population", decibel_reference="clip")
    with tempfile.TemporaryDirectory() as folder:
        mp3s = find_clips(arguments.clips)[:N_CLIPS] if arguments.clips.is_dir() else make_clips(Path(folder, "mp3"))
        wavs = [as_wav(path, Path(folder, "wav", f"{index:03d}.wav")) for index, path in enumerate(mp3s)]
        for paths in (mp3s, wavs):
            measure(paths, model, Path(folder), arguments.repeats)
        compare(wavs, arguments.repeats)


def compare(paths: list[Path], repeats: int) -> None:
    """Print the ratios of MFCCs on one thread and on many, and of batches of one and of 16, without decoding."""
    waveforms = np.stack([read(path) for path in paths[:BATCH_SIZE]])
    alone = NetworkExtractor(convnet(), batch_order="single")
    stored = NetworkExtractor(convnet(normalization="population", decibel_reference="clip"), batch_size=BATCH_SIZE)
    many_threads = mfcc_features.__wrapped__
    ways = {
        "MFCC, BLAS on one thread": lambda: [mfcc_features(waveform) for waveform in waveforms],
        "MFCC, BLAS on all cores": lambda: [many_threads(waveform) for waveform in waveforms],
        "convnet, each clip a batch": lambda: [alone(waveform[None]) for waveform in waveforms],
        "convnet, stored statistics": lambda: stored(waveforms),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if number:
                times[name].append((time.perf_counter() - start) / len(waveforms) * 1000)
    here = {name: median(values) for name, values in times.items()}
    names = list(ways)
    for first, second in zip(names[::2], names[1::2]):
        ratio = here[second] / here[first]
        print(f"{first} {here[first]:.1f} ms a clip, {second.partition(', ')[2]} {here[second]:.1f}: {ratio:.2f} x")


def measure(paths: list[Path], model, folder: Path, repeats: int) -> None:
    """Time all ways in turns on the same clips and print the ratios of the medians."""
    suffix = paths[0].suffix
    extractor = NetworkExtractor(model, batch_size=BATCH_SIZE)
    ways = {
        "plain": plain_way(paths, model),
        "mgc_keras": lambda: export_features(paths, folder / "features.csv", extractor, resume=False),
        **parts(paths, model),
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
                times[clock, name].append((now() - starts[clock]) / len(paths) * 1000)
        load.append(os.getloadavg()[0])
    machine = f"{joblib.cpu_count()} cores, load average {median(load):.1f}"
    print(f"{suffix}: {len(paths)} clips, {repeats} repeats, {machine}")
    for clock in clocks:
        here = {name: median(times[clock, name]) for name in ways}
        limit = here["decoding"] + here["front end"] + here["network"]
        print(f"   {clock}, ms a clip: " + ", ".join(f"{name} {value:.1f}" for name, value in here.items()))
        print(f"      against the plain way: {here['plain'] / here['mgc_keras']:.2f} x (target {TARGETS[suffix]:.0f})")
        print(f"      of the sum of parts ({limit:.1f}): {limit / here['mgc_keras']:.2f} (target 0.85)", flush=True)


def plain_way(paths: list[Path], model) -> Callable[[], None]:
    """What a careful user would write with librosa and Keras."""
    network = with_variant(model, input="melspectrogram")

    def run() -> None:
        for path in paths:
            waveform, _ = librosa.load(path, sr=SAMPLING_RATE, mono=True, duration=29.0)
            waveform = librosa.util.fix_length(waveform, size=N_SAMPLES)
            power = librosa.feature.melspectrogram(y=waveform, sr=SAMPLING_RATE, n_fft=512, hop_length=256, n_mels=96)
            network.predict(librosa.power_to_db(power, ref=np.max)[None, :, :1360, None], verbose=0)

    return run


def parts(paths: list[Path], model) -> dict[str, Callable[[], None]]:
    """Each step of the work alone, on all cores."""
    pool = ThreadPoolExecutor(joblib.cpu_count())
    front_end = keras.Model(model.input, model.get_layer("melspectrogram").output)
    waveforms = np.stack([read(path) for path in paths[:BATCH_SIZE]])
    front_end_graph = compiled(front_end, waveforms.shape)
    spectrograms = front_end_graph(tf.constant(waveforms)).numpy()
    network_graph = compiled(with_variant(model, input="melspectrogram"), spectrograms.shape)
    # The last batch is filled up, in the parts as in the whole.
    n_batches = -(-len(paths) // BATCH_SIZE)
    return {
        "decoding": lambda: list(pool.map(read, paths)) and None,
        "front end": lambda: [front_end_graph(tf.constant(waveforms)).numpy() for _ in range(n_batches)] and None,
        "network": lambda: [network_graph(tf.constant(spectrograms)).numpy() for _ in range(n_batches)] and None,
    }


def read(path: Path) -> np.ndarray:
    """Decode, resample and fit one clip."""
    return fit_waveform(read_waveform(path, SAMPLING_RATE, duration=29.0), N_SAMPLES)


def make_clips(folder: Path) -> list[Path]:
    """Write minute-long stereo mp3 files of noise."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    paths = [folder / f"{index:03d}.mp3" for index in range(N_CLIPS)]
    for path in paths:
        soundfile.write(path, generator.normal(0, 0.1, (60 * 44100, 2)), 44100)
    return paths


def as_wav(path: Path, copy: Path) -> Path:
    """Decode a clip into a wav file at its own rate."""
    copy.parent.mkdir(exist_ok=True)
    samples, rate = soundfile.read(path, dtype="float32")
    soundfile.write(copy, samples, rate, subtype="PCM_16")
    return copy


if __name__ == "__main__":
    main()
