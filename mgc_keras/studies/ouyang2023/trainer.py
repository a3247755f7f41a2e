"""Training the two networks of the Ouyang 2023 study on what was exported for them."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.features.sequences import Sequences
from mgc_keras.files import whole_file
from mgc_keras.networks.image_network import (
    SAMPLING_RATE,
    head_network,
    image_network,
    set_head,
    standardize_vectors,
)
from mgc_keras.networks.parts import between
from mgc_keras.runs.writer import write_table
from mgc_keras.studies.ouyang2023.data import CleanFold
from mgc_keras.studies.ouyang2023.networks import custom_cnn
from mgc_keras.studies.ouyang2023.study import Options
from mgc_keras.training.classifier import ClassifierSettings, train_classifier
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import ConstantRate
from mgc_keras.training.loop import BEST, Trained

MODEL, CLASSES = "model.h5", "classes.csv"


class Trainer:
    """One network and the clips that it learns from: `sequences` are vectors (inceptionv3) or pictures (cnn)."""

    def __init__(self, network: str, clean: CleanFold, sequences: Sequences, seed: int, options: Options) -> None:
        self.network, self.clean, self.seed, self.options = network, clean, seed, options
        self.classes, self.targets = np.unique(clean.task.target, return_inverse=True)
        self.values = sequences.values[..., None] if network == "cnn" else sequences.values[:, 0]
        self.learning = self._learning()

    def train(self, folder: Path) -> Trained:
        """Train, or go on where a training in `folder` stopped; the epoch of the lowest validation loss is kept."""
        fold, options = self.clean.fold, self.options.training
        settings = ClassifierSettings(
            epochs=options.epochs[self.network],
            batch_size=options.batch_size,
            optimizer="sgd",
            policy=ConstantRate(options.learning_rate[self.network]),
            patience=options.patience,
            seed=self.seed,
            best_by="loss",
        )
        training, validation = self._examples(fold.training), self._examples(fold.validation)
        return train_classifier(self.learning, training, validation, folder=folder, settings=settings)

    def probabilities(self, clips: np.ndarray) -> np.ndarray:
        """Return the probability of every class for some clips, (n_clips, n_classes)."""
        examples, size = self._examples(clips), self.options.training.batch_size
        blocks = (np.arange(begin, min(begin + size, len(clips))) for begin in range(0, len(clips), size))
        return np.concatenate([np.asarray(self.learning(examples.batch(block)[0], training=False)) for block in blocks])

    def accuracy(self, clips: np.ndarray) -> float:
        """Return the share of some clips that the network names rightly, without dropout."""
        return float((self.probabilities(clips).argmax(axis=1) == self.targets[clips]).mean())

    def save(self, folder: Path) -> None:
        """Save the network, which takes waveforms, as ``model.h5``, and what its outputs mean as ``classes.csv``.

        What was saved after the training ended is left as it is.
        """
        write_table(pd.DataFrame({"output": range(len(self.classes)), "class": self.classes}), folder / CLASSES)
        saved, best = folder / MODEL, folder / BEST
        if not saved.exists() or saved.stat().st_mtime_ns < best.stat().st_mtime_ns:
            with whole_file(saved) as temporary:
                self._whole().save(temporary)

    def _learning(self) -> keras.Model:
        """Return the part of the network that learns from what was exported."""
        if self.network == "cnn":
            return between(self._cnn(), "image", "genres")
        n_channels, units = self.values.shape[1], [self.options.network.head_units]
        head = head_network(n_channels, len(self.classes), head_units=units, seed=self.seed)
        if self.options.network.backbone_weights == "none":
            standardize_vectors(head, self.values[self.clean.rows[self.clean.fold.training]])
        return head

    def _whole(self) -> keras.Model:
        """Return the network from waveforms on, with the weights that were learnt."""
        if self.network == "cnn":
            whole = self._cnn()
            between(whole, "image", "genres").set_weights(self.learning.get_weights())
            return whole
        options = self.options.network
        whole = image_network(
            "inceptionv3",
            len(self.classes),
            self._n_samples,
            weights=options.backbone_weights,
            image_size=options.image_size,
            antialias=True,
            head_units=[options.head_units],
            # That of the weights that made the vectors, whatever the seed of the training.
            seed=self.options.run.seed,
        )
        set_head(whole, self.learning)
        return whole

    def _cnn(self) -> keras.Model:
        options = self.options.network
        return custom_cnn(
            len(self.classes),
            self._n_samples,
            image_size=options.image_size,
            channels=options.channels,
            dense_units=options.dense_units,
            dropout=options.dropout,
            seed=self.seed,
        )

    @property
    def _n_samples(self) -> int:
        return round(self.options.data.seconds * SAMPLING_RATE)

    def _examples(self, clips: np.ndarray) -> Examples:
        return Examples(self.values, self.clean.rows[clips], self.targets[clips])
