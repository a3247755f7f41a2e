"""Training the two networks of the Ouyang 2023 study on what was exported for them."""

import argparse
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from ouyang2023_data import CleanFold

from mgc_keras.evaluation.run_folder import write_table
from mgc_keras.features.sequences import Sequences
from mgc_keras.files import whole_file
from mgc_keras.models.image_network import SAMPLING_RATE, part_of, standardize_vectors
from mgc_keras.models.ouyang2023 import cnn_part, custom_cnn, frozen_inception
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import ConstantRate
from mgc_keras.training.supervised import ClassifierSettings, TrainedClassifier, train_classifier

MODEL, CLASSES = "model.h5", "classes.csv"


def settings_of(network: str, options: argparse.Namespace, seed: int) -> ClassifierSettings:
    """Return how a network is trained: SGD at a constant rate, the epoch of the lowest validation loss kept."""
    return ClassifierSettings(
        epochs=options.epochs[network],
        batch_size=options.batch_size,
        optimizer="sgd",
        policy=ConstantRate(options.learning_rate[network]),
        patience=options.patience,
        seed=seed,
        best_by="loss",
    )


class Trainer:
    """One network and the clips that it learns from.

    Parameters
    ----------
    network : {"inceptionv3", "cnn"}
    clean : CleanFold
    sequences : Sequences
        Vectors, or pictures.
    seed : int
    options : argparse.Namespace
    """

    def __init__(
        self, network: str, clean: CleanFold, sequences: Sequences, seed: int, options: argparse.Namespace
    ) -> None:
        self.network, self.clean, self.seed, self.options = network, clean, seed, options
        self.classes, self.targets = np.unique(clean.task.target, return_inverse=True)
        self.values = sequences.values[..., None] if network == "cnn" else sequences.values[:, 0]
        self.whole, self.learning = self._networks()

    def train(self, folder: Path) -> TrainedClassifier:
        """Train, or go on where a training in `folder` stopped; the network then has the weights of its best epoch."""
        fold = self.clean.fold
        settings = settings_of(self.network, self.options, self.seed)
        training, validation = self._examples(fold.training), self._examples(fold.validation)
        return train_classifier(self.learning, training, validation, folder=folder, settings=settings)

    def probabilities(self, clips: np.ndarray) -> np.ndarray:
        """Return the probability of every class for some clips, (n_clips, n_classes)."""
        examples, size = self._examples(clips), self.options.batch_size
        blocks = (np.arange(begin, min(begin + size, len(clips))) for begin in range(0, len(clips), size))
        return np.concatenate([self.learning.predict_on_batch(examples.batch(block)[0]) for block in blocks])

    def accuracy(self, clips: np.ndarray) -> float:
        """Return the share of some clips that the network names rightly, without dropout."""
        return float((self.probabilities(clips).argmax(axis=1) == self.targets[clips]).mean())

    def save(self, folder: Path) -> Path:
        """Save the network, which takes waveforms, as ``model.h5``, and what its outputs mean as ``classes.csv``."""
        write_table(pd.DataFrame({"output": range(len(self.classes)), "class": self.classes}), folder / CLASSES)
        with whole_file(folder / MODEL) as temporary:
            self.whole.save(temporary)
        return folder / MODEL

    def _networks(self) -> tuple[keras.Model, keras.Model]:
        """Return the whole network, and the part of it that learns from what was exported."""
        options, n_classes = self.options, len(self.classes)
        n_samples, size = round(options.seconds * SAMPLING_RATE), tuple(options.image_size)
        if self.network == "cnn":
            network = custom_cnn(
                n_classes,
                n_samples,
                image_size=size,
                channels=options.channels,
                dense_units=options.dense_units,
                dropout=options.dropout,
                seed=self.seed,
            )
            return network, cnn_part(network, "image", "genres")
        # The backbone's weights are those that made the vectors, whatever the seed of the training.
        weights = options.backbone_weights
        network = frozen_inception(
            n_classes, n_samples, weights=weights, image_size=size, head_units=[options.head_units], seed=options.seed
        )
        if weights == "none":
            standardize_vectors(network, self.values[self.clean.rows[self.clean.fold.training]])
        return network, part_of(network, "vector", "genres")

    def _examples(self, clips: np.ndarray) -> Examples:
        return Examples(self.values, self.clean.rows[clips], self.targets[clips])
