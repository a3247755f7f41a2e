"""What is hearing a whole song worth? Features of its first seconds against those of windows all over it.

The 60 clips of Emotify that tests use (one minute, four genres) are classified by a support vector machine whose
settings are chosen inside the training folds (nested), folds grouped by artist, several seeds. Compared are sets of
features: by their accuracy over all seeds, and by the difference to the convnet's first 29 s with a 95 % interval that
draws artists anew; and by the time that a clip takes, in the same run. The statistics of the convnet's normalisation
are those of the music that tests hold beside Emotify (40 clips of speech_music), or each clip's, or window's, own.

Sixty clips decide little: an accuracy is known to 0.1 or so.

Run: python benchmarks/whole_song.py [--weights weights_layer4_theano.hdf5] [--calibrate-on DIR] [--seeds 10]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
import joblib
import numpy as np
import pandas as pd

from mgc_keras.datasets.splits import grouped_stratified_folds
from mgc_keras.evaluation.resampling import bootstrap_counts
from mgc_keras.execution import device_name, set_precision
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.sets import FeatureOptions, feature_sets
from mgc_keras.features.table import read_features
from mgc_keras.features.whole_song import WholeSong
from mgc_keras.search import CORRECTED, search

DATA = Path(__file__).parents[2] / "shared" / "data"
EMOTIFY = DATA / "audio" / "emotify"
WEIGHTS = DATA / "choi2017" / "weights" / "weights_layer4_theano.hdf5"
N_FOLDS = 5


def extractors(weights: Path, music: Path) -> dict[str, Extractor]:
    """Return what is compared; the first is what the others are compared with."""
    build = feature_sets()["convnet"].build
    of_music = build(FeatureOptions(weights=str(weights), calibrate_on=music), None).extractor
    own = build(FeatureOptions(weights=str(weights)), None).extractor
    return {
        "convnet": of_music,
        "convnet, own statistics": own,
        "song": WholeSong(of_music),
        "song, own statistics": WholeSong(own),
        "song, half a window's hop": WholeSong(of_music, hop=14.5),
        "song, mean and std": WholeSong(of_music, summary="mean,std"),
        "mfcc": MfccExtractor(),
        "mfcc over song": WholeSong(MfccExtractor()),
    }


def main() -> None:
    """Compute, search, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--calibrate-on", type=Path, default=DATA / "audio" / "speech_music" / "music", metavar="DIR")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    set_precision()
    manifest = pd.read_csv(EMOTIFY / "emotify.csv")
    print(f"{device_name()}, {os.cpu_count()} cores; {len(manifest)} clips of a minute, {options.seeds} seeds")
    clips = [EMOTIFY / filepath for filepath in manifest["filepath"]]
    tables, seconds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, extractor in extractors(options.weights, options.calibrate_on).items():
            few = Path(folder, "few.csv")
            export_features(clips[:1], few, extractor, resume=False)  # compiles
            start = time.perf_counter()
            table = export_features(clips, Path(folder, "table.csv"), extractor, resume=False)
            seconds[name] = time.perf_counter() - start
            assert pd.read_csv(table)["filepath"].tolist() == [str(clip) for clip in clips]
            tables[name] = read_features(table).to_numpy(float)
    labels, artists = manifest["label"].to_numpy(), pd.factorize(manifest["artist"])[0]
    right = {name: correct_share(table, labels, artists, options.seeds) for name, table in tables.items()}
    reference = next(iter(right))
    for name, shares in right.items():
        low, high = artist_interval(shares - right[reference], artists)
        times = seconds[name] / seconds[reference]
        beside = f"{shares.mean() - right[reference].mean():+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"{name:28}accuracy {shares.mean():.3f}   {beside} to {reference}; {times:.2f} times its time")


def correct_share(table: np.ndarray, labels: np.ndarray, artists: np.ndarray, n_seeds: int) -> np.ndarray:
    """Return for each clip the share of seeds in which it was classified rightly, (n_clips,)."""
    right = []
    for seed in range(n_seeds):
        folds = grouped_stratified_folds(labels, artists, N_FOLDS, seed)
        found = search({"1": table}, labels, folds, settings=CORRECTED, groups=artists, jobs=joblib.cpu_count())
        tested = found.predictions.sort_values("clip")
        right.append((tested["truth"] == tested["prediction"]).to_numpy())
    return np.mean(right, axis=0)


def artist_interval(differences: np.ndarray, artists: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a mean over clips, artists drawn anew."""
    sums, sizes = np.bincount(artists, differences), np.bincount(artists)
    counts = np.concatenate(list(bootstrap_counts(len(sums), 10_000, 0)))
    low, high = np.quantile(counts @ sums / (counts @ sizes), [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
