"""Training the networks of the Asgharivaskasi 2019 study on what was exported for them."""

from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.evaluation.voting import majority_vote
from mgc_keras.features.sequences import Sequences
from mgc_keras.files import whole_file
from mgc_keras.layers.named_outputs import with_output_names
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.networks.image_network import part_of, standardize_vectors
from mgc_keras.progress import progress_bar
from mgc_keras.studies.asgharivaskasi2019.networks import Networks
from mgc_keras.studies.asgharivaskasi2019.recurrent_network import STANDARDIZATION
from mgc_keras.studies.asgharivaskasi2019.study import TrainingOptions
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SubRun
from mgc_keras.training.classifier import ClassifierSettings, train_classifier
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import ConstantRate, CyclicalRate, OneCycle, Policy
from mgc_keras.training.loop import CHECKPOINT, Trained
from mgc_keras.training.rate_finder import RateSearchSettings, find_rate

MODEL, RATES = "model.h5", "rates.csv"


def policy_of(options: TrainingOptions, n_steps: int, rate: float) -> Policy:
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

    `networks` gives the network, which the next training of the same architecture takes over; `kept` (n_clips,) is each
    clip's row in `sequences`. Without validation clips in `fold`, those of the test choose the epoch: the published
    protocol.
    """

    def __init__(
        self,
        sub_run: SubRun,
        networks: Networks,
        task: StudyTask,
        kept: np.ndarray,
        fold: Fold,
        sequences: Sequences,
        seed: int,
    ) -> None:
        self.sub_run, self.kept, self.fold, self.options, self.seed = sub_run, kept, fold, networks.options, seed
        self.classes, self.targets = np.unique(task.target, return_inverse=True)
        # Every segment is an example of its own.
        self.n_segments = sequences.about["extractor"]["n_segments"]
        self.values = _examples_of(sequences, self.n_segments)
        network = networks.get(sub_run, len(self.classes), self.values.shape[1:], seed)
        self.whole, self.stepper = network.whole, network.stepper

    def train(self, folder: Path) -> Trained:
        """Train, or go on where a training in `folder` stopped; the network then has the weights of its best epoch."""
        training = self._examples(self.fold.training)
        validation = self._examples(self.fold.validation if len(self.fold.validation) else self.fold.test)
        if not (folder / CHECKPOINT).exists():
            self._standardize()
        options = self.options.training
        n_batches = -(-len(training) // options.batch_size)
        settings = ClassifierSettings(
            epochs=options.epochs,
            batch_size=options.batch_size,
            optimizer=options.optimizer,
            policy=policy_of(options, options.epochs * n_batches, self._rate(training, folder)),
            patience=options.patience,
            seed=self.seed,
        )
        model = self.stepper.model
        return train_classifier(model, training, validation, folder=folder, settings=settings, stepper=self.stepper)

    def clip_predictions(self, clips: np.ndarray) -> np.ndarray:
        """Return the class of each clip, by vote of its segments."""
        examples = self._examples(clips)
        scores = self.stepper.scores(examples, np.arange(len(examples)), self.options.training.batch_size)
        clip, predicted = np.repeat(np.arange(len(clips)), self.n_segments), self.classes[scores.argmax(axis=1)]
        return majority_vote(clip, predicted, classes=self.classes, scores=scores)

    def save(self, folder: Path) -> None:
        """Save the network with its genres' names. It takes waveforms, or what `--recurrent-input` says."""
        with whole_file(folder / MODEL) as temporary:
            with_output_names(self.whole, [str(name) for name in self.classes]).save(temporary)

    def _rate(self, training: Examples, folder: Path) -> float:
        """Return the rate of the options, or with `--find-rate` the one that a search suggests; its table is kept."""
        options = self.options.training
        if not options.find_rate:
            return options.learning_rate
        if not (folder / RATES).exists():
            settings = RateSearchSettings(batch_size=options.batch_size, seed=self.seed)
            find_rate(self.stepper, training, settings).write(folder / RATES)
        suggested = pd.read_csv(folder / RATES).query("suggested == 1")["rate"]
        # Where the loss falls nowhere there is no suggestion.
        return float(suggested.iloc[0]) if len(suggested) else options.learning_rate

    def _standardize(self) -> None:
        """Set the statistics of the training segments, which no training moves and which are in every checkpoint."""
        rows = self._rows(self.fold.training)
        if self.sub_run.kind == "recurrent":
            if self.values.ndim == 3:
                self.whole.get_layer(STANDARDIZATION).set_weights(list(path_statistics(self.values, rows)))
        elif self.options.network.backbone_weights[self.sub_run.network] == "none":
            standardize_vectors(self.whole, self._vectors(rows))

    def _vectors(self, rows: np.ndarray) -> np.ndarray:
        """Return what the backbone says of segments before any training."""
        if self.values.ndim == 2:
            return self.values[rows]
        backbone, size = part_of(self.whole, "melspectrogram", "vector"), self.options.training.batch_size
        batches = (self.values[rows[start : start + size]] for start in range(0, len(rows), size))
        bar = progress_bar(batches, description="vectors before training", unit="batch", total=-(-len(rows) // size))
        return np.concatenate([np.asarray(backbone(batch, training=False)) for batch in bar])

    def _rows(self, clips: np.ndarray) -> np.ndarray:
        """Return the rows of the clips' segments in `values`."""
        return (self.kept[clips][:, None] * self.n_segments + np.arange(self.n_segments)).ravel()

    def _examples(self, clips: np.ndarray) -> Examples:
        return Examples(self.values, self._rows(clips), np.repeat(self.targets[clips], self.n_segments))


def _examples_of(sequences: Sequences, n_segments: int) -> np.ndarray:
    """Return what was exported as networks take it, a view (n_clips * n_segments, …) of the file.

    A vector (n_columns,), a mel-spectrogram (n_mels, n_frames, 1), a waveform (n_samples,), or an MFCC sequence.
    """
    n_clips, n_rows, n_columns = sequences.values.shape
    n_rows //= n_segments
    shapes = {"melspectrogram": (n_rows, n_columns, 1), "mfcc_sequence": (n_rows, n_columns)}
    shape = shapes.get(sequences.about["extractor"]["name"], (n_rows * n_columns,))
    return sequences.values.reshape(n_clips * n_segments, *shape)
