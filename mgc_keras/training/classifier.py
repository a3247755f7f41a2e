"""Training a classifier of one array input: any network, resumable, the best epoch kept.

Asgharivaskasi et al. (2019) keep the best model by validation. Not stated: by which figure; chosen here: accuracy, of
equal epochs the one with the lower validation loss, then the earlier. Ouyang (2023) goes by the loss. Batch size and
epochs are options. Early stopping watches the validation loss, which moves in every epoch where the accuracy of a small
set stands still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mgc_keras.checks import check_positive, checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.training.examples import Examples, judge_classes
from mgc_keras.training.learning_rates import ConstantRate, Policy
from mgc_keras.training.loop import CHECKPOINT, FitSettings, Trained, fit
from mgc_keras.training.optimizers import OPTIMIZERS, make_optimizer
from mgc_keras.training.stepping import Stepper, check_head

CURVE = "curve.csv"
CURVE_COLUMNS = ("epoch", "loss", "training_accuracy", "validation_loss", "validation_accuracy", "learning_rate")


@dataclass(frozen=True)
class ClassifierSettings:
    """How to train a classifier.

    Parameters
    ----------
    epochs, batch_size : int
        At most this many passes over the training clips; clips a step, and clips that are scored at a time.
    optimizer : {"adam", "sgd"}
        See `mgc_keras.training.optimizers.OPTIMIZERS`.
    policy : Policy
        Rate and momentum of every step.
    patience : int, optional
        Stop once so many epochs brought no lower validation loss than the lowest before them; by default never.
    seed : int
        Of the order of clips and of dropout.
    best_by : {"accuracy", "loss", "last"}
        Which epoch's weights are kept: see `mgc_keras.training.loop.best_epoch`.

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
        check_positive(self, "epochs", "batch_size", "patience")
        checked_choice("optimizer", self.optimizer, tuple(OPTIMIZERS))
        checked_choice("best_by", self.best_by, ("accuracy", "loss", "last"))


def train_classifier(
    model: keras.Model,
    training: Examples,
    validation: Examples,
    *,
    folder: str | Path,
    settings: ClassifierSettings = ClassifierSettings(),
    provenance: Mapping[str, Any] | None = None,
    stepper: Stepper | None = None,
) -> Trained:
    """Train a classifier with categorical cross-entropy, or go on where an interrupted training in `folder` stopped.

    ``curve.csv`` has one row an epoch: mean cross-entropy (nats a clip) and accuracy (share of clips) of the training
    clips, in the epoch's own steps with dropout at work, and of the validation clips after it; the rate of its last
    step. ``best.npz`` is the best epoch so far, ``checkpoint.npz`` the last one with the optimizer's state. After a
    kill it goes on as `mgc_keras.training.loop.fit` does.

    Parameters
    ----------
    model : keras.Model
        (batch, …) float32 to (batch, n_classes), a soft-max. It is trained in place; what is frozen stays as it is.
    training, validation : Examples
        With class numbers.
    folder : str or Path
        For the three files.
    provenance : mapping, optional
        What else fixes the numbers (a hash of the clips or of the first weights, …), as plain JSON values: a folder
        made of other things is refused.
    stepper : Stepper, optional
        The compiled steps of `model`, where several trainings share them: its optimizer is that of `settings`, at its
        beginning (`Stepper.restart`).

    Returns
    -------
    Trained
        With the weights of the best epoch, by `ClassifierSettings.best_by`. Its curve has `CURVE_COLUMNS`.

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
    _check(model, training, validation)
    stepper = stepper or Stepper(model, make_optimizer(settings.optimizer), multi_label=False)
    stepper.policy = settings.policy
    return fit(
        stepper,
        training,
        {"validation": validation},
        judge=judge_classes,
        checkpoint_file=Path(folder) / CHECKPOINT,
        curve_file=Path(folder) / CURVE,
        settings=FitSettings(
            settings.epochs,
            settings.batch_size,
            (settings.seed,),
            best_by=settings.best_by,
            patience=settings.patience,
            scored_at_once=settings.batch_size,
        ),
        provenance={
            "optimizer": settings.optimizer,
            "policy": settings.policy.config(),
            "given": dict(provenance or {}),
        },
    )


def _check(model: keras.Model, training: Examples, validation: Examples) -> None:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise OptionError("must have one input and one output", field=model.name, cure="take another network")
    for part, examples in (("training", training), ("validation", validation)):
        if not len(examples):
            raise OptionError("holds no clips", field=part, cure="split the clips in another way")
        if examples.is_multi_label or np.min(examples.targets) < 0:
            raise OptionError("the targets are no class numbers", field=part, cure="count the classes from 0")
        check_head(model, examples)
