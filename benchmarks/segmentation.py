"""Segmentation by spectral error: how fast its matrix is, and how well it finds the sections of the built-in songs.

    python benchmarks/segmentation.py               # the matrix of a 120-s song against a plain double loop, same run
    python benchmarks/segmentation.py --accuracy    # 20 built-in songs, against chance and librosa's agglomerative
    python benchmarks/segmentation.py --accuracy --window-seconds 2

Speed: 120 windows of 1 s at 22 050 Hz; the double loop fits the same models, filters every window with every model by
`scipy.signal.lfilter` and takes direct autocorrelations. Target: at least 20 times as fast, results within 1e-6.

Accuracy: the adjusted Rand index between a window's label and the name of the section at its middle, averaged over
songs, with a 95 % bootstrap interval over songs. Chance is our segments in shuffled order.
`librosa.segment.agglomerative`, on the means of 20 MFCCs over the same windows, cannot name a section that comes back:
it is scored with as many segments as there are section names, and with as many as there are sections.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy.signal import lfilter
from sklearn.metrics import adjusted_rand_score

from mgc_keras.audio.files import read_waveform
from mgc_keras.corpus import corpus_table, render_clip
from mgc_keras.evaluation.intervals import percentiles
from mgc_keras.evaluation.resampling import bootstrap_counts
from mgc_keras.progress import progress_bar
from mgc_keras.segmentation.autoregression import METHODS, ar_coefficients
from mgc_keras.segmentation.segments import segment_waveform
from mgc_keras.segmentation.settings import SegmentationSettings
from mgc_keras.segmentation.spectral_error import spectral_error_matrix

RATE = 22050
EMOTIFY = Path(__file__).parents[2] / "shared" / "data" / "audio" / "emotify"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accuracy", action="store_true", help="score segments instead of timing the matrix")
    parser.add_argument("--songs", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the songs (default: %(default)s)")
    parser.add_argument("--window-seconds", type=float, default=1.0, help="default: %(default)s")
    parser.add_argument("--order", type=int, default=40, help="default: %(default)s")
    options = parser.parse_args()
    if options.accuracy:
        compare_accuracy(options)
    else:
        compare_speed(options.order)


def compare_speed(order: int) -> None:
    """Time both ways on the same windows; print ratios and the largest relative difference."""
    windows = long_song().reshape(120, RATE)
    for method in METHODS:
        slow, expected = timed(partial(double_loop, windows, order, method))
        runs = [timed(partial(spectral_error_matrix, windows, order, method)) for _ in range(5)]
        quick, errors = np.min([seconds for seconds, _ in runs], axis=0), runs[0][1]
        difference = np.max(np.abs(errors - expected) / expected)
        print(f"{method}, order {order}:")
        for clock, theirs, ours in zip(("wall clock", "processor time"), slow, quick, strict=True):
            print(f"  {theirs / ours:.0f} times as fast by {clock} ({theirs:.1f} s, {1000 * ours:.0f} ms)")
        print(f"  largest relative difference {difference:.1e}")
        print(f"  a window with itself {np.diag(errors).mean():.3f} (mean), median of all {np.median(errors):.3f}")
    print("target: 20 times, 1e-6")


def long_song() -> np.ndarray:
    """Return 120 s of real music (two clips), or of a built-in song's beginning, repeated, where there is none."""
    clips = sorted(EMOTIFY.glob("pop/*.mp3"))[:2]
    if len(clips) == 2:
        return np.concatenate([read_waveform(clip, RATE)[: 60 * RATE] for clip in clips])
    print(f"no clips in {EMOTIFY}: a built-in song instead")
    return np.tile(render_clip(corpus_table("songs", 1).iloc[0], RATE, 60.0), 2)


def double_loop(windows: np.ndarray, order: int, method: str) -> np.ndarray:
    """Compute the spectral errors residual by residual."""
    filters = ar_coefficients(windows, order, method)
    extended = np.pad(windows.astype(np.float64), ((0, 0), (0, order)))
    errors = np.empty((len(windows), len(windows)))
    for i, coefficients in enumerate(filters):
        own = np.sum(lfilter(coefficients, 1.0, extended[i]) ** 2)
        for j, window in enumerate(extended):
            residual = lfilter(coefficients, 1.0, window)
            power = residual @ residual
            correlated = np.array([residual[lag:] @ residual[:-lag] for lag in range(1, order + 1)])
            errors[i, j] = (own / power - 1) ** 2 + 2 * np.sum((correlated / power) ** 2)
    return errors


def timed(work: Callable[[], np.ndarray]) -> tuple[tuple[float, float], np.ndarray]:
    """Return how long one call takes by the wall clock and in processor time, and its result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return (time.perf_counter() - wall, time.process_time() - processor), result


def compare_accuracy(options: argparse.Namespace) -> None:
    """Score every way of labelling on the same songs; print means and intervals."""
    settings = SegmentationSettings(window_seconds=options.window_seconds, order=options.order)
    rows = [song_scores(*song, settings) for song in songs(options.songs, options.seed)]
    scores = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    print(f"{options.songs} songs, windows of {options.window_seconds:g} s, order {options.order}; mean ARI [95 %]")
    for name, values in scores.items():
        print(f"  {name:44}{interval_text(values)}")
    differences = scores["ours, k known"] - scores["agglomerative, k segments"]
    print(f"  {'ours, k known, less agglomerative':44}{interval_text(differences)}")


def songs(n_songs: int, seed: int) -> Iterator[tuple[np.ndarray, list]]:
    """Yield each built-in song's waveform and its sections, [start, end, name]."""
    rows = corpus_table("songs", n_songs, seed).to_dict("records")
    for row in progress_bar(rows, description="songs", unit="song"):
        yield render_clip(row, RATE), json.loads(row["sections"])


def song_scores(waveform: np.ndarray, sections: list, settings: SegmentationSettings) -> dict[str, float]:
    """Return the adjusted Rand index of every way of labelling one song."""
    found = segment_waveform(waveform, RATE, settings)
    middles = (found.boundaries[:-1] + found.boundaries[1:]) / 2
    starts, names = [start for start, _, _ in sections], [name for _, _, name in sections]
    truth = np.array(names)[np.searchsorted(starts, middles, side="right") - 1]
    n_names = len(np.unique(truth))
    known = segment_waveform(waveform, RATE, settings, n_segments=n_names).labels
    random = np.random.default_rng(0)
    labellings = {
        "ours, k known": [known],
        "ours, k from the gap": [found.labels],
        "chance: ours, k known, segments shuffled": [shuffled(known, random) for _ in range(100)],
        "agglomerative, k segments": [agglomerative(waveform, found.edges, n_names)],
        "agglomerative, as many segments as sections": [agglomerative(waveform, found.edges, len(sections))],
    }
    return {name: np.mean([adjusted_rand_score(truth, one) for one in many]) for name, many in labellings.items()}


def shuffled(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the same segments in another order."""
    segments = np.split(labels, np.flatnonzero(np.diff(labels)) + 1)
    return np.concatenate([segments[place] for place in random.permutation(len(segments))])


def agglomerative(waveform: np.ndarray, edges: np.ndarray, n_segments: int) -> np.ndarray:
    """Number the windows by librosa's contiguous segments of their mean MFCCs."""
    import librosa

    mfcc = librosa.feature.mfcc(y=waveform, sr=RATE, n_mfcc=20)
    frames = np.clip(librosa.samples_to_frames(edges), 0, mfcc.shape[1])
    means = librosa.util.sync(mfcc, frames[1:-1])
    starts = librosa.segment.agglomerative(means, n_segments)
    return np.searchsorted(starts, np.arange(means.shape[1]), side="right")


def interval_text(values: np.ndarray) -> str:
    """Return mean and 95 % bootstrap interval over songs."""
    means = np.concatenate([counts @ values / len(values) for counts in bootstrap_counts(len(values), 10000, 0)])
    low, high = percentiles(means)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
