"""What does it save that penalties share machines? `fit_predict` for all penalties at once against one by one.

A penalty C does nothing but hold coefficients back: a machine none of whose coefficients ever came to C on the way
serves every larger C, pair of classes by pair. Both ways fit the same kernel matrices (scikit-learn's, made before) on
the same folds, in turns; processor time of one thread is compared, the least of each, and predictions must be equal to
the last. Much is saved where features are unscaled (MFCCs: coefficients stay small), nothing where C holds nearly every
coefficient back.

Run: python benchmarks/penalties.py [--published-features DIR] [--sets mfcc 12345 …] [--repeats 2]
Target: predictions identical; never more than 1.1 times the time of one by one.
"""

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel

from mgc_keras.datasets.splits import published_stratified_folds
from mgc_keras.progress import progress_bar
from mgc_keras.search.fits import fit_predict
from mgc_keras.studies.choi2017.authors_files import read_published_task
from mgc_keras.studies.choi2017.feature_sets import feature_blocks

PUBLISHED_FEATURES = Path(__file__).parents[2] / "shared" / "data" / "choi2017"
COSTS, GAMMAS = [0.1, 2.0, 8.0, 32.0], [2.0**-exponent for exponent in (3, 5, 7, 9, 11, 13)]
Answers = list[tuple[np.ndarray, bool]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published-features", type=Path, default=PUBLISHED_FEATURES, metavar="DIR")
    parser.add_argument("--sets", nargs="+", default=["mfcc", "mfcc+12345", "12345", "345", "25", "1", "3"])
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    task, blocks = read_published_task(options.published_features, "gtzan_genre")
    order = np.argsort(task.target, kind="stable")
    classes, labels = np.unique(np.asarray(task.target)[order], return_inverse=True)
    folds = published_stratified_folds(np.asarray(task.target))[order]
    for name in options.sets:
        features = np.concatenate([blocks[block] for block in feature_blocks(name)], axis=1)[order].astype(np.float64)
        together, apart, same = compared(features, labels, folds, options.repeats, name)
        print(
            f"GTZAN, {name:11} together {together:7.1f} s of processor, one by one {apart:7.1f} s: "
            f"{together / apart:.2f} times as long; predictions {'identical' if same else 'DIFFERENT'}",
            flush=True,
        )
    print("target: identical, and at most 1.1")


def compared(
    features: np.ndarray, labels: np.ndarray, folds: np.ndarray, repeats: int, name: str
) -> tuple[float, float, bool]:
    """Return the seconds of both ways, summed over kernels and folds, and whether they predict the same."""
    totals, same = np.zeros(2), True
    gammas = [None, *GAMMAS, 1 / features.shape[1]]
    for gamma in progress_bar(gammas, description=name, unit="kernel"):
        kernel = linear_kernel(features) if gamma is None else rbf_kernel(features, gamma=gamma)
        kernel = np.ascontiguousarray((kernel + kernel.T) / 2)
        for number in range(folds.max() + 1):
            split = kernel, labels, folds != number, np.flatnonzero(folds == number)
            fit_predict("SVC", *split, COSTS[:1])  # compiles, and reads the matrix once
            timed = [[clocked(way, split) for way in (together, one_by_one)] for _ in range(repeats)]
            totals += np.min([[seconds for seconds, _ in turn] for turn in timed], axis=0)
            ours, theirs = (answers for _, answers in timed[0])
            same &= all((a == b).all() and cut == other for (a, cut), (b, other) in zip(ours, theirs, strict=True))
    return float(totals[0]), float(totals[1]), bool(same)


def together(split: tuple) -> Answers:
    """Fit all penalties."""
    return fit_predict("SVC", *split, COSTS)


def one_by_one(split: tuple) -> Answers:
    """Fit each penalty by itself."""
    return [answer for cost in COSTS for answer in fit_predict("SVC", *split, [cost])]


def clocked(way: object, split: tuple) -> tuple[float, Answers]:
    """Return the processor seconds of this process, and the answers."""
    started = time.process_time()
    answers = way(split)
    return time.process_time() - started, answers


if __name__ == "__main__":
    main()
