"""Pre-training the recurrent network of the Song 2017 study on tags: until validation AUC is stable, resumable.

Song et al. train on MagnaTagATune with Adam at a rate of 1e-5 and stop when the ROC-AUC is stable. Not stated: batch
size, and what stable means; chosen here: no epoch of the last `patience` was better than the best before by more than
`least_gain`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import whole_file, write_text
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.progress import progress_bar
from mgc_keras.studies.song2017.network import STANDARDIZATION
from mgc_keras.training.checkpoint import load_checkpoint, save_checkpoint, with_place
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper, check_head

PAPER_LEARNING_RATE = 1e-5
CHECKPOINT, BEST, HISTORY = "checkpoint.npz", "best.keras", "history.csv"


@dataclass(frozen=True)
class PretrainingSettings:
    """How to pre-train.

    Parameters
    ----------
    epochs : int
        At most this many passes over the training clips.
    batch_size : int
        Clips a step.
    learning_rate : float
        Adam's. The paper: 1e-5, far too slow for the few steps that the built-in corpus' few hundred clips give.
    patience : int
        Epochs without gain after which the AUC counts as stable.
    least_gain : float
        What an epoch must add to the best AUC so far to count as gain.
    seed : int
        Of the order of clips and of dropout.
    """

    epochs: int = 60
    batch_size: int = 16
    learning_rate: float = 1e-3
    patience: int = 8
    least_gain: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for field in ("epochs", "batch_size", "learning_rate", "patience"):
            if getattr(self, field) <= 0:
                raise OptionError(f"must be above 0, not {getattr(self, field)}", field=field)


def pretrain(
    model: keras.Model,
    examples: Examples,
    validation: np.ndarray,
    *,
    folder: str | Path,
    score: Callable[[np.ndarray, np.ndarray], float],
    settings: PretrainingSettings = PretrainingSettings(),
) -> tuple[keras.Model, pd.DataFrame]:
    """Train a tagger, or go on where an interrupted training in `folder` stopped.

    The network's standardisation is fitted on the training clips first. Every epoch ends with a whole ``checkpoint.npz``;
    a killed training loses at most one epoch, and then ends as an uninterrupted one, number for number.

    Parameters
    ----------
    model : keras.Model
        A `mgc_keras.studies.song2017.network.gru_network` with sigmoids, untrained. It is trained in place.
    examples : Examples
        With 0 or 1 for every tag.
    validation : np.ndarray [shape=(n_clips,), dtype=bool]
        Which clips are held out.
    folder : str or Path
        For ``checkpoint.npz``, ``best.keras`` and ``history.csv`` (epoch, loss, validation_loss, validation_auc).
    score : callable
        (truth, scores) of the validation clips to macro AUC-ROC; NaN if no tag can be scored.
    settings : PretrainingSettings
        See there.

    Returns
    -------
    model : keras.Model
        The network of the epoch with the best validation AUC.
    history : pd.DataFrame
        One row an epoch.

    Raises
    ------
    OptionError
        No clip for training or validation, a head of another size, or `folder` holds another training.
    MgcKerasError
        The loss is no longer a number (the last good epoch stays in ``checkpoint.npz``), or no tag can be scored.
    """
    folder = Path(folder)
    training, held_out = np.flatnonzero(~validation), np.flatnonzero(validation)
    if not len(training) or not len(held_out):
        raise OptionError("the source task needs clips for training and for validation", field="split")
    check_head(model, examples)
    model.get_layer(STANDARDIZATION).set_weights(path_statistics(examples.values, examples.rows[training]))
    stepper = Stepper(model, settings.learning_rate, multi_label=True, compiled_for=settings.batch_size)
    record = {
        **asdict(settings),
        "n_training": len(training),
        "n_validation": len(held_out),
        "n_tags": examples.n_outputs,
    }
    checkpoint = load_checkpoint(folder / CHECKPOINT, stepper.variables, record)
    n_batches = -(-len(training) // settings.batch_size)
    bar = {"total": settings.epochs * n_batches, "initial": checkpoint.n_epochs * n_batches}
    with progress_bar(description="pre-training", unit="batch", **bar) as progress:
        while checkpoint.n_epochs < settings.epochs and not _is_stable(checkpoint.rows, settings):
            row = _epoch(
                stepper, examples, training, held_out, checkpoint.n_epochs, score, settings, folder, progress.update
            )
            checkpoint.rows.append(row)
            progress.set_postfix(validation_auc=f"{row['validation_auc']:.3f}", refresh=False)
            # The best model first: whatever is in the checkpoint, its best epoch is on disk.
            if row["validation_auc"] >= max(one["validation_auc"] for one in checkpoint.rows):
                with whole_file(folder / BEST) as temporary:
                    model.save(temporary)
            save_checkpoint(folder / CHECKPOINT, checkpoint, stepper.variables, record)
            write_text(folder / HISTORY, pd.DataFrame(checkpoint.rows).to_csv(index=False, lineterminator="\n"))
    return keras.saving.load_model(folder / BEST, compile=False), pd.DataFrame(checkpoint.rows)


def _epoch(
    stepper: Stepper,
    examples: Examples,
    training: np.ndarray,
    held_out: np.ndarray,
    epoch: int,
    score: Callable[[np.ndarray, np.ndarray], float],
    settings: PretrainingSettings,
    folder: Path,
    after_batch: Callable,
) -> dict[str, float]:
    order = np.random.default_rng((settings.seed, epoch)).permutation(training)
    try:
        loss, _ = stepper.epoch(examples, order, settings.batch_size, (settings.seed, epoch), after_batch)
    except MgcKerasError as error:
        raise with_place(error, epoch, folder / CHECKPOINT) from error
    truth, scores = examples.targets[held_out], stepper.scores(examples, held_out)
    auc = float(score(truth, scores))
    if not np.isfinite(auc):
        raise MgcKerasError(
            "no tag has both positive and negative validation clips", field="split", cure="hold more clips out"
        )
    validation_loss = float(np.mean(keras.losses.binary_crossentropy(truth.astype(np.float32), scores)))
    return {"epoch": epoch + 1, "loss": loss, "validation_loss": validation_loss, "validation_auc": auc}


def _is_stable(rows: list[dict[str, float]], settings: PretrainingSettings) -> bool:
    """Tell whether the last `patience` epochs brought no gain over the best epoch before them."""
    areas = [row["validation_auc"] for row in rows]
    if len(areas) <= settings.patience:
        return False
    return max(areas[-settings.patience :]) <= max(areas[: -settings.patience]) + settings.least_gain
