"""The loop of every training: epochs, the best of them, early stopping, and going on after a kill."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from mgc_keras.checks import check_positive, checked_choice
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.execution import ExecutionPolicy
from mgc_keras.files import write_text
from mgc_keras.progress import progress_bar
from mgc_keras.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from mgc_keras.training.examples import Examples, Judge
from mgc_keras.training.stepping import NotANumber, Stepper, check_head

CHECKPOINT, BEST = "checkpoint.npz", "best.npz"


@dataclass(frozen=True)
class FitSettings:
    """What fixes the numbers of a training, apart from the network, its optimizer and the clips.

    Parameters
    ----------
    epochs, batch_size : int
        At most this many passes over the training clips; clips a step.
    seed : tuple of int
        Of the order of clips, of random excerpts and of dropout.
    best_by : {"accuracy", "loss", "auc", "last"}
        Which epoch is the best: see `best_epoch`.
    ties : {"earlier", "later"}
        Which of equal epochs is the best.
    patience, patience_for, least_gain : int, {"loss", "accuracy", "auc"}, float
        Stop once so many epochs made this figure of the validation clips better by no more than the least gain: see
        `has_stopped`. By default never.
    scored_at_once : int
        Clips in a batch of validation. It can move the last digits of a score.
    dropout_seed : {"epoch", "running"}
        "epoch": dropout is seeded anew in every epoch, from `seed`. "running": it starts from the layers' own seeds
        and runs on from epoch to epoch, as in ``keras.Model.fit``.
    loss_dtype : {"float64", "float32"}
        In which the mean training loss of an epoch is computed. ``keras.Model.fit`` takes float32.

    Raises
    ------
    OptionError
        A number that is not positive, or an unknown word.
    """

    epochs: int
    batch_size: int
    seed: tuple[int, ...] = (0,)
    best_by: str = "accuracy"
    ties: str = "earlier"
    patience: int | None = None
    patience_for: str = "loss"
    least_gain: float = 0.0
    scored_at_once: int = 64
    dropout_seed: str = "epoch"
    loss_dtype: str = "float64"

    def __post_init__(self) -> None:
        check_positive(self, "epochs", "batch_size", "patience", "scored_at_once")
        choices = {
            "best_by": ("accuracy", "loss", "auc", "last"),
            "ties": ("earlier", "later"),
            "patience_for": ("loss", "accuracy", "auc"),
            "dropout_seed": ("epoch", "running"),
            "loss_dtype": ("float64", "float32"),
        }
        for field, known in choices.items():
            checked_choice(field, getattr(self, field), known)


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves.

    Parameters
    ----------
    model : keras.Model
        The network, with the weights of the best epoch where these were kept in a file, else of the last.
    curve : pd.DataFrame
        One row an epoch.
    best_epoch : int
        Counted from 1.
    weights : Path or None
        The file with the best epoch's weights, for `mgc_keras.training.checkpoint.load_weights`.
    predictions : list of np.ndarray [shape=(n_clips,), dtype=int32]
        One array an epoch: the classes that were predicted for the clips that `fit` was asked to predict.
    """

    model: keras.Model
    curve: pd.DataFrame
    best_epoch: int
    weights: Path | None
    predictions: list[np.ndarray]


def fit(
    stepper: Stepper,
    training: Examples,
    held_out: Mapping[str, Examples],
    *,
    judge: Judge,
    checkpoint_file: Path,
    curve_file: Path | None = None,
    settings: FitSettings,
    provenance: Mapping[str, Any] | None = None,
    predict: str | None = None,
    bar: tqdm | None = None,
) -> Trained:
    """Train a network, or go on where an interrupted training stopped.

    An epoch's row has ``epoch``, counted from 1; ``loss``, the mean over the training clips in the epoch's own steps,
    with dropout at work; with class numbers also ``training_accuracy``, of the same steps; the figures of `judge` for
    each of the held-out parts, such as ``validation_loss``; and ``learning_rate``, of its last step, where the stepper
    follows a policy.

    A killed training loses at most one epoch, and then ends with the same files as an unbroken one, to the last byte,
    where the machine computes the same twice (`mgc_keras.execution.set_precision`). A finished one is not
    repeated.

    Parameters
    ----------
    stepper : Stepper
        At its beginning. Its network is trained in place; what is frozen stays as it is.
    training : Examples
        Clips to learn from.
    held_out : mapping of str to Examples
        Clips to score after every epoch, by the name of their part. Those of "validation" choose the best epoch and
        when to stop.
    judge : callable
        (scores, truth) of a part's clips to figures by name: `mgc_keras.training.examples.judge_classes`, or what
        `mgc_keras.training.examples.judge_tags` returns.
    checkpoint_file : Path
        Ends in ``.npz``: the last finished epoch, with the optimizer's state. A killed training goes on from it.
    curve_file : Path, optional
        Ends in ``.csv``: one row an epoch. Only beside it the best epoch's weights are kept, as ``best.npz``.
    settings : FitSettings
    provenance : mapping, optional
        What else fixes the numbers (a hash of the clips or of the first weights, …), as plain JSON values.
    predict : str, optional
        The part of `held_out` of which the predicted classes are kept.
    bar : tqdm, optional
        A progress bar that counts batches, where several trainings share one.

    Raises
    ------
    OptionError
        No clip to learn from, a network that does not fit the examples, or a checkpoint of another training.
    MgcKerasError
        The loss is no longer a number (the last good epoch stays in the checkpoint), or a file is damaged.

    Example
    -------
    >>> import tempfile
    >>> from mgc_keras.training.examples import judge_classes
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    >>> examples = Examples(np.eye(3)[[0, 1, 0, 1]], np.arange(4), np.array([0, 1, 0, 1]))
    >>> stepper, held_out = Stepper(model, 1e-3, multi_label=False), {"validation": examples}
    >>> settings = FitSettings(epochs=2, batch_size=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "checkpoint.npz")
    ...     trained = fit(stepper, examples, held_out, judge=judge_classes, checkpoint_file=file, settings=settings)
    >>> list(trained.curve)
    ['epoch', 'loss', 'training_accuracy', 'validation_loss', 'validation_accuracy']
    """
    if not len(training):
        raise OptionError("holds no clips", field="training", cure="split the clips in another way")
    parts = {"training": training, **held_out}
    for examples in parts.values():
        if len(examples):
            check_head(stepper.model, examples)
    record = {
        **asdict(settings),
        "clips": {part: _fingerprint(examples) for part, examples in parts.items()},
        "provenance": dict(provenance or {}),
    }
    if stepper.execution != ExecutionPolicy("CPU", "exact"):
        record["execution"] = asdict(stepper.execution)
    best_file = None if curve_file is None else curve_file.with_name(BEST)
    stepper.check_same(record)
    checkpoint = load_checkpoint(checkpoint_file, stepper.variables, record) if stepper.keeps_files else Checkpoint()
    checkpoint = stepper.share(checkpoint)
    rows, n_batches = checkpoint.rows, -(-len(training) // settings.batch_size)
    total = settings.epochs * n_batches
    own = progress_bar(description="training", unit="batch", total=total) if bar is None else nullcontext(bar)
    with own as counter:
        counter.update(len(rows) * n_batches)
        while len(rows) < settings.epochs and not has_stopped(rows, settings):
            try:
                row, scores = _epoch(stepper, training, held_out, judge, settings, len(rows), counter.update)
            except NotANumber as error:
                kept = f"epoch {len(rows)} is kept in {checkpoint_file}" if rows else "no epoch was finished"
                problem = f"{error.problem} of epoch {len(rows) + 1}; {kept}"
                raise MgcKerasError(problem, field="learning_rate", cure="try a tenth of it") from error
            rows.append(stepper.agreed(row))
            if predict is not None:
                checkpoint.predictions.append(scores[predict].argmax(1).astype(np.int32))
            if bar is None:
                counter.set_postfix({key: f"{row[key]:.3f}" for key in row if key.startswith("valid")}, refresh=False)
            if not stepper.keeps_files:
                continue
            # The checkpoint last: of whatever epochs are in it, the curve and the best weights are on disk.
            if best_file is not None and best_epoch(rows, settings.best_by, settings.ties) == len(rows) - 1:
                save_weights(stepper.model, best_file)
            if curve_file is not None:
                write_text(curve_file, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
            save_checkpoint(checkpoint_file, checkpoint, stepper.variables, record)
    if best_file is not None and stepper.keeps_files:
        load_weights(stepper.model, best_file)
    best = best_epoch(rows, settings.best_by, settings.ties) + 1
    return Trained(stepper.finished(), pd.DataFrame(rows), best, best_file, checkpoint.predictions)


def best_epoch(rows: Sequence[Mapping[str, float]], by: str = "accuracy", ties: str = "earlier") -> int:
    """Return where the best epoch stands among `rows`, one an epoch, with the figures of the validation clips.

    Parameters
    ----------
    by : {"accuracy", "loss", "auc", "last"}
        "accuracy": the highest ``validation_accuracy``; of equals, the lowest ``validation_loss``. "loss": the lowest
        ``validation_loss``. "auc": the highest ``validation_auc``. "last": the last one, whatever the clips say.
    ties : {"earlier", "later"}
        Which epoch is taken of those that are equal in all of that.

    Example
    -------
    >>> rows = [{"validation_accuracy": 0.5, "validation_loss": loss} for loss in (1.5, 1.2, 1.2)]
    >>> best_epoch(rows), best_epoch(rows, "loss", ties="later")
    (1, 2)
    """
    figures = {"accuracy": ("accuracy", "loss"), "loss": ("loss",), "auc": ("auc",), "last": ()}[by]
    late = 1 if ties == "later" or by == "last" else -1
    return max(range(len(rows)), key=lambda i: (*(_merit(rows[i], figure) for figure in figures), late * i))


def has_stopped(rows: Sequence[Mapping[str, float]], settings: FitSettings) -> bool:
    """Tell whether the last `patience` epochs brought no gain of more than `least_gain` over the best before them.

    Example
    -------
    >>> settings = FitSettings(epochs=9, batch_size=1, patience=2)
    >>> [has_stopped([{"validation_loss": loss} for loss in losses], settings) for losses in ((3, 2, 2), (3, 2, 2, 2))]
    [False, True]
    """
    if settings.patience is None or len(rows) <= settings.patience:
        return False
    merits = [_merit(row, settings.patience_for) for row in rows]
    return max(merits[-settings.patience :]) <= max(merits[: -settings.patience]) + settings.least_gain


def _epoch(
    stepper: Stepper,
    training: Examples,
    held_out: Mapping[str, Examples],
    judge: Judge,
    settings: FitSettings,
    epoch: int,
    after_batch: Callable[[], Any],
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Train one epoch; return its row, and the scores of every held-out part."""
    seed = (*settings.seed, epoch)
    random = np.random.default_rng(seed)
    order = random.permutation(len(training))
    drawn = training.drawn(order, random)
    dropout_seed = seed if settings.dropout_seed == "epoch" else None
    loss, scores = stepper.epoch(drawn, order, settings.batch_size, dropout_seed, after_batch, settings.loss_dtype)
    row = {"epoch": epoch + 1, "loss": loss}
    if not training.is_multi_label:
        row["training_accuracy"] = float(np.mean(scores.argmax(1) == training.targets[order]))
    scores_of = {}
    for part, examples in held_out.items():
        scores_of[part] = stepper.scores(examples, np.arange(len(examples)), settings.scored_at_once)
        figures = judge(scores_of[part], examples.targets)
        if len(examples) and not np.isfinite(figures["loss"]):
            # The last step of the epoch spoilt the weights: they must not reach the checkpoint.
            raise NotANumber(f"the {part} loss is {figures['loss']} at the end")
        row |= {f"{part}_{name}": value for name, value in figures.items()}
    if stepper.policy is not None:
        row["learning_rate"] = stepper.policy.rate((epoch + 1) * -(-len(training) // settings.batch_size) - 1)
    return row, scores_of


def _merit(row: Mapping[str, float], figure: str) -> float:
    """Return a figure of the validation clips, turned so that more is better."""
    return -row["validation_loss"] if figure == "loss" else row[f"validation_{figure}"]


def _fingerprint(examples: Examples) -> str:
    """Return a hash of which clips and targets these are; their values may be too large to read."""
    content = b"".join(np.asarray(array, np.int64).tobytes() for array in (examples.rows, examples.targets))
    return f"{len(examples)} clips of {examples.shape}, {hashlib.sha256(content).hexdigest()[:16]}"
