"""Training a classifier of one array input: any network, resumable, the best epoch kept.

Asgharivaskasi et al. (2019) keep the best model by validation. Not stated: by which figure; chosen here: accuracy, of
equal epochs the one with the lower validation loss, then the earlier. Ouyang (2023) goes by the loss. Batch size and epochs are options. Early stopping
watches the validation loss, which moves in every epoch where the accuracy of a small set stands still.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mgc_keras.checks import checked_choice
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import write_text
from mgc_keras.progress import progress_bar
from mgc_keras.training.best_epoch import BEST_BY, best_epoch, has_stopped, load_weights, save_weights
from mgc_keras.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, with_place
from mgc_keras.training.examples import Examples
from mgc_keras.training.judging import judge
from mgc_keras.training.learning_rates import ConstantRate, Policy, policy_config
from mgc_keras.training.optimizers import OPTIMIZERS, make_optimizer
from mgc_keras.training.stepping import Stepper, check_head

CURVE_COLUMNS = ("epoch", "loss", "training_accuracy", "validation_loss", "validation_accuracy", "learning_rate")
CHECKPOINT, BEST, CURVE = "checkpoint.npz", "best.npz", "curve.csv"


@dataclass(frozen=True)
class ClassifierSettings:
    """How to train a classifier.

    Parameters
    ----------
    epochs : int
        At most this many passes over the training clips.
    batch_size : int
        Clips a step, and clips that are scored at a time.
    optimizer : {"adam", "sgd"}
        See `mgc_keras.training.optimizers.make_optimizer`.
    policy : Policy
        Rate and momentum of every step.
    patience : int, optional
        Stop once so many epochs brought no lower validation loss than the lowest before them; by default never.
    seed : int
        Of the order of clips and of dropout.
    best_by : {"accuracy", "loss"}
        Of the validation clips, which makes an epoch the best: see `mgc_keras.training.best_epoch.best_epoch`.

    Raises
    ------
    OptionError
        A number that is not positive, an unknown optimizer, or another `best_by`.
    """

    epochs: int = 30
    batch_size: int = 16
    optimizer: str = "adam"
    policy: Policy = field(default_factory=ConstantRate)
    patience: int | None = None
    seed: int = 0
    best_by: str = "accuracy"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise OptionError(f"must be above 0, not {value}", field=name)
        checked_choice("optimizer", self.optimizer, OPTIMIZERS)
        checked_choice("best_by", self.best_by, BEST_BY)

    def config(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        plain = {**asdict(self), "policy": policy_config(self.policy)}
        # Trainings that were begun before there was a choice go on.
        if self.best_by == "accuracy":
            del plain["best_by"]
        return plain


@dataclass(frozen=True, eq=False)
class TrainedClassifier:
    """What `train_classifier` leaves.

    Parameters
    ----------
    model : keras.Model
        The network, with the weights of the best epoch.
    curve : pd.DataFrame
        One row an epoch, `CURVE_COLUMNS`.
    best_epoch : int
        Counted from 1.
    weights : Path
        The file with the best epoch's weights, for `mgc_keras.training.best_epoch.load_weights`.
    """

    model: keras.Model
    curve: pd.DataFrame
    best_epoch: int
    weights: Path


def train_classifier(
    model: keras.Model,
    training: Examples,
    validation: Examples,
    *,
    folder: str | Path,
    settings: ClassifierSettings = ClassifierSettings(),
    provenance: Mapping[str, Any] | None = None,
    stepper: Stepper | None = None,
) -> TrainedClassifier:
    """Train a classifier with categorical cross-entropy, or go on where an interrupted training in `folder` stopped.

    ``curve.csv`` has one row an epoch: mean cross-entropy (nats a clip) and accuracy (share of clips) of the training
    clips, in the epoch's own steps with dropout at work, and of the validation clips after it; the rate of its last
    step. ``best.npz`` is the best epoch so far, ``checkpoint.npz`` the last one with the optimizer's state. A
    killed training loses at most one epoch, and then ends with the same three files as an unbroken one, to the last
    byte, where the machine computes the same twice (``tf.config.experimental.enable_op_determinism``). A finished one
    is not repeated.

    Parameters
    ----------
    model : keras.Model
        (batch, …) float32 to (batch, n_classes), a soft-max. It is trained in place; what is frozen stays as it is.
    training, validation : Examples
        With class numbers.
    folder : str or Path
        For the three files.
    settings : ClassifierSettings
    provenance : mapping, optional
        What else fixes the numbers (a hash of the clips or of the first weights, …), as plain JSON values: a folder
        made of other things is refused.
    stepper : Stepper, optional
        The compiled steps of `model`, where several trainings share them: its optimizer is that of `settings`, at its
        beginning (`Stepper.restart`).

    Returns
    -------
    TrainedClassifier
        With the weights of the best epoch, by `ClassifierSettings.best_by`.

    Raises
    ------
    OptionError
        No clip for training or validation, a network that does not fit the examples, or `folder` holds another
        training.
    MgcKerasError
        The loss is no longer a number (the last good epoch stays in the checkpoint), or a file in `folder` is damaged.

    Example
    -------
    >>> import tempfile
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    >>> examples = Examples(np.eye(3)[[0, 1, 0, 1]], np.arange(4), np.array([0, 1, 0, 1]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trained = train_classifier(model, examples, examples, folder=folder, settings=ClassifierSettings(epochs=2))
    >>> len(trained.curve)
    2
    """
    folder = Path(folder)
    _check(model, training, validation)
    record = {
        **settings.config(),
        "training": _fingerprint(training),
        "validation": _fingerprint(validation),
        "provenance": dict(provenance or {}),
    }
    stepper = stepper or Stepper(model, make_optimizer(settings.optimizer), multi_label=False)
    stepper.policy = settings.policy
    checkpoint = load_checkpoint(folder / CHECKPOINT, stepper.variables, record)
    _train(stepper, training, validation, checkpoint, folder, settings, record)
    load_weights(model, folder / BEST)
    return TrainedClassifier(
        model, _curve(checkpoint), best_epoch(checkpoint.rows, settings.best_by) + 1, folder / BEST
    )


def _train(
    stepper: Stepper,
    training: Examples,
    validation: Examples,
    checkpoint: Checkpoint,
    folder: Path,
    settings: ClassifierSettings,
    record: dict[str, Any],
) -> None:
    """Train the epochs that are left, and write the three files after each."""
    rows, n_batches = checkpoint.rows, -(-len(training) // settings.batch_size)
    bar = {"total": settings.epochs * n_batches, "initial": len(rows) * n_batches}
    with progress_bar(description="training", unit="batch", **bar) as progress:
        while len(rows) < settings.epochs and not has_stopped(rows, settings.patience):
            try:
                rows.append(_epoch(stepper, training, validation, len(rows), settings, progress.update))
            except MgcKerasError as error:
                raise with_place(error, len(rows), folder / CHECKPOINT) from error
            progress.set_postfix(validation_accuracy=f"{rows[-1]['validation_accuracy']:.3f}", refresh=False)
            # The checkpoint last: of whatever epochs are in it, the curve and the best weights are on disk.
            if best_epoch(rows, settings.best_by) == len(rows) - 1:
                save_weights(stepper.model, folder / BEST)
            write_text(folder / CURVE, _curve(checkpoint).to_csv(index=False, lineterminator="\n"))
            save_checkpoint(folder / CHECKPOINT, checkpoint, stepper.variables, record)


def _curve(checkpoint: Checkpoint) -> pd.DataFrame:
    return pd.DataFrame(checkpoint.rows, columns=list(CURVE_COLUMNS))


def _epoch(
    stepper: Stepper,
    training: Examples,
    validation: Examples,
    epoch: int,
    settings: ClassifierSettings,
    after_batch: Callable,
) -> dict[str, float]:
    seed = (settings.seed, epoch)
    order = np.random.default_rng(seed).permutation(len(training))
    loss, said = stepper.epoch(training, order, settings.batch_size, seed, after_batch)
    scores = stepper.scores(validation, np.arange(len(validation)), settings.batch_size)
    judged = {f"validation_{name}": value for name, value in judge(scores, validation.targets).items()}
    if not np.isfinite(judged["validation_loss"]):
        # The last step of the epoch spoilt the weights: they must not reach the checkpoint.
        raise MgcKerasError(
            f"the validation loss is {judged['validation_loss']} at the end",
            field="learning_rate",
            cure="try a tenth of it",
        )
    return {
        "epoch": epoch + 1,
        "loss": loss,
        "training_accuracy": float(np.mean(said.argmax(1) == training.targets[order])),
        **judged,
        "learning_rate": settings.policy.rate((epoch + 1) * -(-len(training) // settings.batch_size) - 1),
    }


def _check(model: keras.Model, training: Examples, validation: Examples) -> None:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise OptionError("must have one input and one output", field=model.name, cure="take another network")
    for part, examples in (("training", training), ("validation", validation)):
        if not len(examples):
            raise OptionError("holds no clips", field=part, cure="split the clips in another way")
        if examples.targets.ndim != 1 or np.min(examples.targets) < 0:
            raise OptionError("the targets are no class numbers", field=part, cure="count the classes from 0")
        check_head(model, examples)


def _fingerprint(examples: Examples) -> str:
    """Return a hash of which clips and targets these are; their values may be too large to read."""
    digest = hashlib.sha256()
    for array in (examples.rows, examples.targets):
        digest.update(np.ascontiguousarray(array, np.int64).tobytes())
    return f"{len(examples)} clips, {digest.hexdigest()[:16]}"
