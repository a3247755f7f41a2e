"""Do 95 % intervals hold the true score 95 times of 100? Simulated predictions whose true score is known.

Clips of an artist succeed and fail together (a beta-binomial accuracy, errors with a shared part for r2); artists have
equal or very unequal numbers of clips. Printed for each metric and number of artists: the coverage of the worst and of
the average cell of the grid, for `score_interval` and `compare` and for the percentile bootstrap on the same draws; the
mean width beside the bootstrap's; intervals of no width; differences whose interval contradicts their test.

Run: python benchmarks/intervals.py [--simulations 500] [--jobs 2] [--seed 0]
Target: no cell below 0.93 but for chance (the bound printed last), no interval without width, no contradiction.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import delayed
from scipy.stats import binom, norm

from mgc_keras.evaluation.intervals import bootstrap_interval, macro_auc_interval, score_interval
from mgc_keras.evaluation.paired import compare
from mgc_keras.processes import in_processes
from mgc_keras.progress import progress_bar


@dataclass(frozen=True)
class Cell:
    """One combination of the grid; 0 artists: every clip for itself."""

    metric: str
    n_clips: int
    n_artists: int
    unequal: bool
    correlation: float
    true: float
    other: float = 0.0  # of the second system; the tags' share of positive clips for AUC


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500, help="of each cell (default: 500)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cells = list(grid())
    draws = (delayed(simulated)(cell, options.simulations, [options.seed, number]) for number, cell in enumerate(cells))
    runs = in_processes(draws, options.jobs)
    rows = list(progress_bar(runs, description="simulating", total=len(cells), unit="cell"))
    table = pd.DataFrame([vars(cell) | row for cell, row in zip(cells, rows)])
    worst = table.groupby(["metric", "n_artists"]).agg(
        cells=("ours", "size"),
        ours_worst=("ours", "min"),
        ours_mean=("ours", "mean"),
        bootstrap_worst=("bootstrap", "min"),
        bootstrap_mean=("bootstrap", "mean"),
        width_ratio=("width_ratio", "median"),
        no_width=("no_width", "sum"),
        contradictions=("contradictions", "sum"),
    )
    print(worst.round(3).to_string())
    low = table.sort_values("ours").head(8).drop(columns=["no_width", "contradictions"])
    print("\nThe lowest cells:\n" + low.round(3).to_string(index=False))
    level = table.loc[table["other"] == table["true"], "rejected"].max()
    print(f"\npaired test where nothing differs: rejects at most {level:.3f} of a cell's draws at 0.05")
    bound = binom.ppf(0.05 / len(cells), options.simulations, 0.93) / options.simulations
    n_low = int((table["ours"] < 0.93).sum())
    print(f"{len(cells)} cells, {options.simulations} draws each: {n_low} cells below 0.93,")
    print(f"{int((table['ours'] < bound).sum())} below {bound:.3f}, where chance puts no cell (p 0.05) that has 0.93")


def grid() -> Iterator[Cell]:
    """Yield the combinations."""
    for n_clips, n_artists, unequal in itertools.product((60, 300, 1000), (0, 6, 12, 20, 50, 200), (False, True)):
        if n_artists * 2 > n_clips or (unequal and not n_artists):
            continue
        for correlation in (0.0, 0.1, 0.3, 0.6, 1.0) if n_artists else (0.0,):
            place = (n_clips, n_artists, unequal, correlation)
            for true in (0.5, 0.7, 0.9, 0.97, 1.0):
                yield Cell("accuracy", *place, true)
            if n_clips == 1000:
                continue  # the others are slow to draw, and no different there
            for true in (-0.3, 0.0, 0.5, 0.9):
                yield Cell("r2", *place, true)
            for pair in ((0.5, 0.5), (0.75, 0.6), (0.9, 0.9), (0.97, 0.9)):
                yield Cell("difference of accuracies", *place, *pair)
            for pair in ((0.3, 0.3), (0.6, 0.0), (0.9, 0.85)):
                yield Cell("difference of r2", *place, *pair)
    for n_clips, true, prevalence in itertools.product((60, 300), (0.5, 0.7, 0.9, 0.98, 1.0), (0.1, 0.5)):
        yield Cell("macro AUC", n_clips, 0, False, 0.0, true, prevalence)


def simulated(cell: Cell, n_draws: int, seed: list[int]) -> dict[str, float]:
    """Return the shares of draws whose intervals hold the true score."""
    generator = np.random.default_rng(seed)
    draw = DRAWS[cell.metric]
    rows = [draw(cell, generator) for _ in range(n_draws)]
    ours, peer, extra = (np.array(column, float) for column in zip(*rows))
    true = cell.true - cell.other if cell.metric.startswith("difference") else cell.true

    def held(ends: np.ndarray) -> float:
        return float(np.mean((ends[:, 0] <= true + 1e-9) & (ends[:, 1] >= true - 1e-9)))

    widths = [float(np.mean(ends[:, 1] - ends[:, 0])) for ends in (ours, peer)]
    return {
        "ours": held(ours),
        "bootstrap": held(peer) if np.isfinite(peer).all() else np.nan,
        "width_ratio": widths[0] / widths[1] if widths[1] else np.nan,
        "no_width": int(np.sum(ours[:, 1] <= ours[:, 0])),
        "contradictions": int(np.sum(extra[:, 0])),
        "rejected": float(np.mean(extra[:, 1])),
    }


Row = tuple[tuple[float, float], tuple[float, float], tuple[bool, bool]]


def artists_of(cell: Cell) -> np.ndarray | None:
    """Return each clip's artist: equal numbers, or falling as those of a popularity curve do."""
    if not cell.n_artists:
        return None
    shares = 1 / np.arange(1, cell.n_artists + 1) ** (0.7 if cell.unequal else 0)
    sizes = np.maximum(1, np.floor(shares / shares.sum() * cell.n_clips).astype(int))
    sizes[0] += cell.n_clips - sizes.sum()
    return np.repeat(np.arange(cell.n_artists), sizes)


def alike(cell: Cell, artists: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
    """Return a standard normal number a clip, correlated within artists."""
    own = generator.standard_normal(cell.n_clips)
    if artists is None:
        return own
    shared = generator.standard_normal(cell.n_artists)[artists]
    return np.sqrt(1 - cell.correlation) * own + np.sqrt(cell.correlation) * shared


def ends(interval: object) -> tuple[float, float]:
    """Return both ends of an interval."""
    return interval.low, interval.high


def accuracy(cell: Cell, generator: np.random.Generator) -> Row:
    """Beta-binomial: the correlation within artists is exact."""
    artists, chance = artists_of(cell), np.full(cell.n_clips, cell.true)
    if artists is not None and cell.correlation == 1:
        chance = (generator.random(cell.n_artists) < cell.true)[artists]
    elif artists is not None and cell.correlation and cell.true < 1:
        spread = (1 - cell.correlation) / cell.correlation
        chance = generator.beta(cell.true * spread, (1 - cell.true) * spread, cell.n_artists)[artists]
    right = (generator.random(cell.n_clips) < chance).astype(int)
    truth = np.ones(cell.n_clips, int)
    peer = bootstrap_interval(truth, right, groups=artists, n_resamples=500)
    return ends(score_interval(truth, right, groups=artists)), ends(peer), (False, False)


def r2(cell: Cell, generator: np.random.Generator) -> Row:
    """Normal truth and errors, both correlated within artists."""
    artists = artists_of(cell)
    truth = alike(cell, artists, generator)
    predicted = truth + alike(cell, artists, generator) * np.sqrt(1 - cell.true)
    peer = bootstrap_interval(truth, predicted, "r2", groups=artists, n_resamples=500)
    return ends(score_interval(truth, predicted, "r2", groups=artists)), ends(peer), (False, False)


def difference(cell: Cell, generator: np.random.Generator) -> Row:
    """Two systems that find half of the clips equally hard."""
    artists = artists_of(cell)
    shared = alike(cell, artists, generator)
    if cell.metric == "difference of accuracies":
        metric, truth = "accuracy", np.ones(cell.n_clips, int)
        hard = [(shared + alike(cell, artists, generator)) / np.sqrt(2) for _ in range(2)]
        predicted = [(value < norm.ppf(share)).astype(int) for value, share in zip(hard, (cell.true, cell.other))]
    else:
        metric, truth = "r2", alike(cell, artists, generator)
        errors = [(shared + alike(cell, artists, generator)) / np.sqrt(2) for _ in range(2)]
        predicted = [truth + error * np.sqrt(1 - value) for error, value in zip(errors, (cell.true, cell.other))]
    found = compare(truth, *predicted, metric, groups=artists)
    contradicts = (found.low <= 0 <= found.high) != (found.p_value > 0.05)
    return ends(found), (np.nan, np.nan), (contradicts, found.p_value <= 0.05)


def macro_auc(cell: Cell, generator: np.random.Generator) -> Row:
    """Five tags with normal scores."""
    truth = (generator.random((cell.n_clips, 5)) < cell.other).astype(int)
    truth[:2], truth[2:4] = 0, 1
    distance = np.sqrt(2) * norm.ppf(min(cell.true, 1 - 1e-12))
    scores = truth * distance + generator.standard_normal(truth.shape)
    return ends(macro_auc_interval(truth, scores)), (np.nan, np.nan), (False, False)


DRAWS: dict[str, Callable[[Cell, np.random.Generator], Row]] = {
    "accuracy": accuracy,
    "r2": r2,
    "difference of accuracies": difference,
    "difference of r2": difference,
    "macro AUC": macro_auc,
}

if __name__ == "__main__":
    main()
