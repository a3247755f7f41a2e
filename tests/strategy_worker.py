"""Trainings of small networks that tests run in several processes: one worker's process is this script.

``strategy_worker.py WHAT FOLDER`` trains under the strategy of ``TF_CONFIG``; a worker that is not the chief is given a
folder of its own, which must stay empty.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from mgc_keras.errors import MgcKerasError
from mgc_keras.execution import set_precision
from mgc_keras.features.melspectrogram_cache import SourceClips
from mgc_keras.studies.song2017.network import gru_network
from mgc_keras.studies.song2017.pretraining import pretrain
from mgc_keras.studies.song2017.study import TrainingOptions
from mgc_keras.terminal import guarded
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import Trained
from mgc_keras.training.strategies import Workers, open_workers
from mgc_keras.training.tagger import TaggerSettings, train_tagger

# 21 to learn from: five batches of 4, and one of a single clip, of which most workers get nothing.
N_CLIPS, N_TRAINING, BATCH_SIZE, EPOCHS = 31, 21, 4, 4
VALIDATION = np.arange(N_CLIPS) >= N_TRAINING
Score = Callable[[np.ndarray, np.ndarray], float]


class WatchedArray:
    """An array that notes which of its rows are read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.read, self.shape, self.dtype = array, [], array.shape, array.dtype

    def __getitem__(self, rows: int | np.ndarray) -> np.ndarray:
        self.read += np.ravel(rows).tolist()
        return self.array[rows]


def toy() -> Examples:
    """Mel-spectrograms whose loud half says which tag applies."""
    random = np.random.default_rng(0)
    targets = np.zeros((N_CLIPS, 2))
    targets[np.arange(N_CLIPS), np.arange(N_CLIPS) % 2] = 1
    values = random.normal(-40, 5, (N_CLIPS, 8, 12))
    values[::2, :4] += 5
    values[1::2, 4:] += 5
    return Examples(WatchedArray(values.astype(np.float16)[..., None]), np.arange(N_CLIPS), targets)


def convnet(dropout: float = 0.0) -> keras.Model:
    """Two convolutions, normalised, one of them before the pool, as in the networks of the studies."""
    start = partial(keras.initializers.GlorotUniform, seed=1)
    inputs = maps = keras.Input((8, 6, 1))
    for n_channels in (4, 1):
        maps = keras.layers.Conv2D(n_channels, 3, padding="same", kernel_initializer=start())(maps)
        maps = keras.layers.ELU()(keras.layers.BatchNormalization()(maps))
    maps = keras.layers.Dropout(dropout, seed=5)(keras.layers.Flatten()(maps))
    return keras.Model(inputs, keras.layers.Dense(2, "sigmoid", kernel_initializer=start())(maps))


def train_convnet(
    folder: Path,
    workers: Workers | None,
    *,
    examples: Examples | None = None,
    dropout: float = 0.0,
    score: Score = roc_auc_score,
) -> Trained:
    """Train on random excerpts of 6 of 12 frames."""
    settings = TaggerSettings(EPOCHS, BATCH_SIZE, 3e-3, excerpt_frames=6, seed=3)
    build = partial(convnet, dropout)
    examples = examples or toy()
    return train_tagger(build, examples, VALIDATION, folder=folder, score=score, settings=settings, workers=workers)


def train_recurrent(folder: Path, workers: Workers | None) -> Trained:
    """Pre-train the network of Song 2017, small, of one layer and so without dropout."""
    examples = toy()
    sequences = Examples(examples.values.array[..., 0].astype(np.float32), examples.rows, examples.targets)
    training = TrainingOptions(source_epochs=2, batch_size=BATCH_SIZE, source_learning_rate=3e-3)
    model = gru_network(12, 2, width=5, depth=1, seed=1)
    clips = SourceClips(sequences, VALIDATION, ("a", "b"))
    return pretrain(model, clips, folder=folder, training=training, score=roc_auc_score, workers=workers)


def ends_in_epoch(epoch: int) -> Score:
    """Return a score at which this process dies, as by the system, in an epoch counted from 0."""
    done = iter(range(EPOCHS))

    def score(truth: np.ndarray, scores: np.ndarray) -> float:
        if next(done) == epoch:
            os.kill(os.getpid(), signal.SIGKILL)
        return float(roc_auc_score(truth, scores))

    return score


def report(folder: Path, workers: Workers, names: list[str]) -> None:
    """Train some networks, and print what the tests want to know."""
    found, examples = {}, toy()
    with workers:
        try:
            workers.check_same({"epochs": 4 + workers.worker})
        except MgcKerasError as error:
            print(error, file=sys.stderr)
        for name in names:
            more = {"examples": examples} if name == "convnet" else {}
            found[name] = TRAININGS[name](folder / name, workers, **more).curve.to_dict("list")
    print("FOUND" + json.dumps(found | {"read": examples.values.read}))


TRAININGS: dict[str, Callable[..., Trained]] = {
    "convnet": train_convnet,
    "recurrent": train_recurrent,
    "dropout": partial(train_convnet, dropout=0.5),
}


def work(what: str, folder: Path) -> int:
    """Do what the command line says; return the exit code."""
    set_precision()
    if what.startswith("mirrored"):
        n_devices = int(what.removeprefix("mirrored"))
        parts = [tf.config.LogicalDeviceConfiguration()] * n_devices
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
        report(folder, open_workers("mirrored"), ["convnet"])
        return 0
    workers = open_workers("multiworker")
    if what == "all":
        report(folder, workers, list(TRAININGS))
        return 0
    score = ends_in_epoch(2) if what == "killed" and workers.worker == 1 else roc_auc_score
    with workers:
        train_convnet(folder / "dropout", workers, dropout=0.5, score=score)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(lambda: work(sys.argv[1], Path(sys.argv[2])), "train", at_exit=True))
