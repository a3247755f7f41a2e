"""Training the networks of the Asgharivaskasi 2019 study on what was exported for them."""

import argparse
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from asgharivaskasi2019_runs import SUB_RUNS

from mgc_keras.data.repeated_folds import Fold
from mgc_keras.data.tasks import StudyTask
from mgc_keras.evaluation.voting import majority_vote
from mgc_keras.features.pieces import SEGMENT_SECONDS
from mgc_keras.features.sequences import Sequences
from mgc_keras.files import whole_file
from mgc_keras.layers.named_outputs import with_output_names
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.models.image_network import SAMPLING_RATE, image_network, part_of, standardize_vectors
from mgc_keras.models.recurrent import STANDARDIZATION, recurrent_network
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import ConstantRate, CyclicalRate, OneCycle, Policy
from mgc_keras.training.optimizers import make_optimizer
from mgc_keras.training.rate_finder import RateSearchSettings, find_rate
from mgc_keras.training.stepping import Stepper
from mgc_keras.training.supervised import ClassifierSettings, TrainedClassifier, train_classifier

MODEL, RATES = "model.h5", "rates.csv"


def policy_of(options: argparse.Namespace, n_steps: int, rate: float) -> Policy:
    """Return the policy of the learning rate for a training of so many steps.

    Cycles, whose length is not stated, last a third of the training and begin at a tenth of the rate.
    """
    if options.policy == "constant":
        return ConstantRate(rate)
    if options.policy == "one-cycle":
        return OneCycle(n_steps, rate)
    return CyclicalRate(rate / 10, rate, step_size=max(1, n_steps // 6), mode=options.policy.replace("-", "_"))


class Trainer:
    """One network, the clips it learns from, and those that choose its best epoch.

    Parameters
    ----------
    name : str
        Of the sub-run.
    task : StudyTask
    kept : np.ndarray [shape=(n_clips,), dtype=int]
        Each clip's row in `sequences`.
    fold : Fold
        Without validation clips, those of the test choose the epoch: the published protocol.
    sequences : Sequences
    seed : int
    options : argparse.Namespace
    """

    def __init__(
        self,
        name: str,
        task: StudyTask,
        kept: np.ndarray,
        fold: Fold,
        sequences: Sequences,
        seed: int,
        options: argparse.Namespace,
    ) -> None:
        self.sub_run, self.name, self.kept, self.fold, self.options, self.seed = SUB_RUNS[name], name, kept, fold, options, seed
        self.values, self.n_pieces = sequences.values, 1
        self.classes, self.targets = np.unique(task.target, return_inverse=True)
        if self.sub_run.kind == "image":
            # Every piece is an example of its own.
            self.n_pieces = self.values.shape[1]
            self.values = self.values.reshape(-1, self.values.shape[2])
        self.whole, self.learning = self._networks()

    def train(self, folder: Path) -> TrainedClassifier:
        """Train, or go on where a training in `folder` stopped; the network then has the weights of its best epoch."""
        training = self._examples(self.fold.training)
        validation = self._examples(self.fold.validation if len(self.fold.validation) else self.fold.test)
        n_batches = -(-len(training) // self.options.batch_size)
        settings = ClassifierSettings(
            epochs=self.options.epochs,
            batch_size=self.options.batch_size,
            optimizer=self.options.optimizer,
            policy=policy_of(self.options, self.options.epochs * n_batches, self._rate(training, folder)),
            patience=self.options.patience,
            seed=self.seed,
        )
        return train_classifier(self.learning, training, validation, folder=folder, settings=settings)

    def clip_predictions(self, clips: np.ndarray) -> np.ndarray:
        """Return the class of each clip, by vote of its pieces."""
        examples = self._examples(clips)
        scores = np.concatenate(
            [
                self.learning.predict_on_batch(examples.batch(np.arange(begin, min(begin + 64, len(examples))))[0])
                for begin in range(0, len(examples), 64)
            ]
        )
        clip = np.repeat(np.arange(len(clips)), self.n_pieces)
        numbers = np.arange(len(self.classes))
        return self.classes[majority_vote(clip, scores.argmax(axis=1), classes=numbers, scores=scores)]

    def save(self, folder: Path) -> Path:
        """Save the network and the names of its genres, ``model.h5``: image networks take waveforms, others MFCCs."""
        with whole_file(folder / MODEL) as temporary:
            with_output_names(self.whole, [str(name) for name in self.classes]).save(temporary)
        return folder / MODEL

    def _rate(self, training: Examples, folder: Path) -> float:
        """Return the rate of the options, or with `--find-rate` the one that a search suggests; its table is kept."""
        if not self.options.find_rate:
            return self.options.learning_rate
        if not (folder / RATES).exists():
            stepper = Stepper(self.learning, make_optimizer(self.options.optimizer), multi_label=False)
            settings = RateSearchSettings(batch_size=self.options.batch_size, seed=self.seed)
            find_rate(stepper, training, settings).write(folder / RATES)
        suggested = pd.read_csv(folder / RATES).query("suggested == 1")["rate"]
        # Where the loss falls nowhere there is no suggestion.
        return float(suggested.iloc[0]) if len(suggested) else self.options.learning_rate

    def _networks(self) -> tuple[keras.Model, keras.Model]:
        """Return the whole network, and the part of it that learns from what was exported."""
        options, training = self.options, self.kept[self.fold.training]
        if self.sub_run.kind == "recurrent":
            network = recurrent_network(
                self.values.shape[1:],
                len(self.classes),
                kind=self.sub_run.network,
                units=options.units,
                k=options.skip,
                combination=options.combination,
                seed=self.seed,
            )
            network.get_layer(STANDARDIZATION).set_weights(list(path_statistics(self.values, training)))
            return network, network
        seconds = min(SEGMENT_SECONDS, options.seconds) if "3s" in self.sub_run.pieces else options.seconds
        weights = options.backbone_weights[self.sub_run.network]
        n_samples = round(seconds * SAMPLING_RATE)
        network = image_network(self.sub_run.network, len(self.classes), n_samples, weights=weights, seed=options.seed)
        if weights == "none":
            standardize_vectors(network, self.values[self._rows(self.fold.training)])
        return network, part_of(network, "vector", "genres")

    def _rows(self, clips: np.ndarray) -> np.ndarray:
        """Return the rows of the clips' pieces in `values`."""
        return (self.kept[clips][:, None] * self.n_pieces + np.arange(self.n_pieces)).ravel()

    def _examples(self, clips: np.ndarray) -> Examples:
        return Examples(self.values, self._rows(clips), np.repeat(self.targets[clips], self.n_pieces))
