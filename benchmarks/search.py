"""How fast is the search? Against scikit-learn's GridSearchCV over the authors' 64 candidates, on GTZAN's 12345.

The authors' grid holds 32 candidates twice (their switch for standardisation is never read), on the features as they
are: that is what GridSearchCV gets, with the same folds and number of jobs. Both run in turn; medians are compared. The
target means the wall clock; processor time, which other work on the machine moves less, is printed beside it.

Run: python benchmarks/search.py [--published-features DIR] [--jobs 2] [--repeats 3]
Target: at least 10 times as fast, with the identical best score.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from mgc_keras.datasets.splits import published_stratified_folds
from mgc_keras.search import search
from mgc_keras.studies.choi2017.authors_files import read_published_task

PUBLISHED_FEATURES = Path(__file__).parents[2] / "shared" / "data" / "choi2017"
COSTS, GAMMAS = [0.1, 2.0, 8.0, 32.0], [2.0**-exponent for exponent in (3, 5, 7, 9, 11, 13)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published-features", type=Path, default=PUBLISHED_FEATURES, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    blocks, labels = features_and_labels(options.published_features)
    folds = published_stratified_folds(labels)
    search(blocks, labels, folds, grid="reduced", jobs=options.jobs)
    ways = {
        "GridSearchCV": lambda: grid_search(blocks, labels, folds, options.jobs),
        "search": lambda: search(blocks, labels, folds, jobs=options.jobs).score,
    }
    figures = {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, way in ways.items():
            figures[name].append(timed(way, options.jobs))
            wall, processor, score = figures[name][-1]
            print(f"{name:14}{wall:8.1f} s wall{processor:8.1f} s processor   best score {score:.6f}", flush=True)
    for column, clock in enumerate(("wall clock", "processor time")):
        theirs, ours = (median(figure[column] for figure in figures[name]) for name in ways)
        print(f"{options.jobs} jobs, {len(labels)} clips: {theirs / ours:.1f} times as fast by {clock}")
    same = len({round(figure[2], 9) for runs in figures.values() for figure in runs}) == 1
    print(f"best scores {'identical' if same else 'DIFFERENT'}; target: 10 times, identical")


def features_and_labels(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the five layers and labels of GTZAN, or random ones of the same size where the files are absent."""
    if folder.is_dir():
        task, blocks = read_published_task(folder, "gtzan_genre")
        return {layer: blocks[layer] for layer in "12345"}, task.target
    print(f"no folder {folder}: random features instead")
    random, labels = np.random.default_rng(0), np.repeat(np.arange(10), 100)
    centres = random.normal(scale=0.35, size=(5, 10, 32))
    layers = (centre[labels] + random.normal(scale=0.5, size=(1000, 32)) for centre in centres)
    return {str(layer): features.astype(np.float32) for layer, features in enumerate(layers, 1)}, labels


def grid_search(blocks: dict[str, np.ndarray], labels: np.ndarray, folds: np.ndarray, jobs: int) -> float:
    """Search the authors' way; return the best score."""
    joined = np.concatenate(list(blocks.values()), axis=1)
    once = [
        {"kernel": ["linear"], "C": COSTS},
        {"kernel": ["rbf"], "C": COSTS, "gamma": [*GAMMAS, 1 / joined.shape[1]]},
    ]
    splits = [(np.flatnonzero(folds != number), np.flatnonzero(folds == number)) for number in range(folds.max() + 1)]
    authors = GridSearchCV(SVC(), [*once, *once], cv=splits, n_jobs=jobs, refit=False)
    return float(authors.fit(joined, labels).best_score_)


def timed(way: Callable[[], float], jobs: int) -> tuple[float, float, float]:
    """Return seconds by the wall clock, seconds of processor time, and the way's result."""
    start_up = processor_seconds()
    start_processes(jobs)
    get_reusable_executor().shutdown(wait=True)  # a child's time counts once it has ended
    used = processor_seconds()
    start_up = used - start_up
    start_processes(jobs)
    started = time.perf_counter()
    score = way()
    wall = time.perf_counter() - started
    get_reusable_executor().shutdown(wait=True)
    return wall, processor_seconds() - used - start_up, score


def start_processes(jobs: int) -> None:
    """Start the processes that GridSearchCV uses, so that it need not."""
    Parallel(n_jobs=jobs)(delayed(SVC)() for _ in range(4 * jobs))


def processor_seconds() -> float:
    """Return the processor time of this process and of its finished children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
