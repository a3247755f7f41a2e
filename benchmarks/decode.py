"""What does it cost that mp3s are read to their real end? The walk over their frames, against decoding and features.

libsndfile's length of an mp3 may be too short, so that `read_waveform` counts the frames where decoding has come to an
end. Of clips that last longer than what is read of them, nothing is counted. The walk is timed by itself, in turns with
what it is compared with; processor time of one thread, medians.

Then: how many clips a second do 1, 2, 4, … threads decode, and how far is that from so many times one thread's? Beside
them as many processes, which share no lock of Python's and no memory: what they, too, fall short of is the machine's
own (two threads on one core, a lower clock, memory), and no program's to mend. Processor
time tells which: where it grows with the number of threads, cores wait for memory or for each other; where it stays and
the rate falls behind, threads sleep, for Python's lock or since other programs run. 29 s of mp3 and of wav; the numbers
of threads take turns, the best of the repeats counts, since other work on the machine only ever takes.

Run: python benchmarks/decode.py [--clips FOLDER] [--repeats 7]
Targets: at most 2 % of decoding a clip whole and computing its MFCCs; threads at least 0.9 of as many processes.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import soundfile

from mgc_keras.audio.files import find_clips, read_waveform
from mgc_keras.audio.mpeg import walk_frames
from mgc_keras.features.mfcc import mfcc_features

REAL_CLIPS = Path(__file__).parents[2] / "shared" / "data" / "audio" / "emotify"
N_CLIPS = 20
TARGET = 0.02


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=REAL_CLIPS, help="folder of mp3 files")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    paths = [path for path in find_clips(arguments.clips) if path.suffix.lower() == ".mp3"][:N_CLIPS]
    waveforms = [read_waveform(path) for path in paths]
    ways: dict[str, Callable[[], object]] = {
        "walk": lambda: [walk_frames(path) for path in paths],
        "decoding, whole": lambda: [read_waveform(path) for path in paths],
        "decoding, 29 s": lambda: [read_waveform(path, duration=29.0) for path in paths],
        "MFCCs": lambda: [mfcc_features(waveform) for waveform in waveforms],
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(arguments.repeats + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if number:
                times[name].append((time.process_time() - start) / len(paths) * 1000)
    here = {name: median(values) for name, values in times.items()}
    print(f"{len(paths)} clips, ms a clip: " + ", ".join(f"{name} {value:.2f}" for name, value in here.items()))
    share = here["walk"] / (here["decoding, whole"] + here["MFCCs"])
    print(f"the walk takes {100 * share:.2f} % of decoding and features (target {100 * TARGET:.0f} %)")
    with tempfile.TemporaryDirectory() as folder:
        wavs = [Path(folder, f"{number:03d}.wav") for number in range(len(paths))]
        for path, wav in zip(paths, wavs):
            samples, rate = soundfile.read(path, dtype="float32")
            soundfile.write(wav, samples, rate, subtype="PCM_16")
        for few in (paths, wavs):
            scale(few, arguments.repeats)


def scale(paths: list[Path], repeats: int) -> None:
    """Print clips/s of more and more threads and processes, and their shares of perfect scaling."""
    n_cores = len(os.sched_getaffinity(0))
    numbers = sorted({2**power for power in range(n_cores.bit_length())} | {n_cores})
    kinds = {"threads": ThreadPoolExecutor, "processes": partial(ProcessPoolExecutor, mp_context=get_context("spawn"))}
    pools: dict[tuple[str, int], Executor] = {(kind, n): make(n) for kind, make in kinds.items() for n in numbers}
    best = dict.fromkeys(pools, 0.0)
    busy = dict.fromkeys(pools, float("inf"))
    # Each worker has work for a while, so that it counts little that the last ones end alone.
    for number in range(repeats + 1):
        for (kind, n), pool in pools.items():
            work = paths * (2 * n if number else n)
            start, processor = time.perf_counter(), time.process_time()
            list(pool.map(n_samples_of, work, chunksize=5 if kind == "processes" else 1))
            if number:
                best[kind, n] = max(best[kind, n], len(work) / (time.perf_counter() - start))
                busy[kind, n] = min(busy[kind, n], (time.process_time() - processor) / len(work) * 1000)
    for pool in pools.values():
        pool.shutdown()
    print(f"{paths[0].suffix}, 29 s; {n_cores} cores, load average {os.getloadavg()[0]:.1f}:")
    for n in numbers:
        of_perfect = {kind: best[kind, n] / n / best[kind, 1] for kind in kinds}
        each = ", ".join(f"{kind} {best[kind, n]:.0f} clips/s, {of_perfect[kind]:.2f} of perfect" for kind in kinds)
        ratio = best["threads", n] / best["processes", n]
        print(f"   {n}: {each}; ratio {ratio:.2f} (target 0.9), threads {busy['threads', n]:.2f} ms a clip", flush=True)


def n_samples_of(path: Path) -> int:
    """Decode and resample 29 s."""
    return len(read_waveform(path, duration=29.0))


if __name__ == "__main__":
    main()
