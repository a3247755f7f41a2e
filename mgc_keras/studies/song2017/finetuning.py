"""Fine-tuning on genres by repeated cross-validation, from several starts on the same folds; resumable.

Song et al. (2017) replace the head of a network trained on tags, train it on GTZAN, and do the same from random
weights: ten repetitions of shuffled 10-fold cross-validation. Not stated: batch size, rate, epochs; options here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mgc_keras.checks import check_positive
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.files import write_text
from mgc_keras.progress import progress_bar
from mgc_keras.studies.song2017.pretraining import check_sequences
from mgc_keras.training.checkpoint import keep_settings
from mgc_keras.training.examples import Examples, judge_classes
from mgc_keras.training.loop import FitSettings, Trained, fit
from mgc_keras.training.stepping import Stepper

CURVE_COLUMNS = (
    "epoch", "loss", "training_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy",
)  # fmt: skip
# A start gives the weights from which a fold is trained: it sees the fold and the seed, never the test clips' labels.
Start = Callable[[Fold, int], list[np.ndarray]]


@dataclass(frozen=True)
class FinetuningSettings:
    """How to train on genres.

    Parameters
    ----------
    epochs : int
        Passes over the training clips, the same for every start, so that their curves can be laid over each other.
    batch_size : int
        Clips a step.
    learning_rate : float
        Adam's.
    seed : int
        Of the order of clips and of dropout; with a fold, of whatever is random in its start.

    Raises
    ------
    OptionError
        Epochs, batch size or rate are not positive.
    """

    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive(self, "epochs", "batch_size", "learning_rate")


def cross_validate(
    model: keras.Model,
    examples: Examples,
    folds: Sequence[Fold],
    starts: Mapping[str, Start],
    *,
    folder: str | Path,
    clip_ids: Sequence[str],
    class_names: Sequence[str],
    settings: FinetuningSettings = FinetuningSettings(),
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Train every fold from every start, and leave two tables for each; what is finished is not repeated.

    ``<folder>/<start>/<fold>_curve.csv`` has one row an epoch (`CURVE_COLUMNS`; accuracies in share of clips, missing
    where a fold has no validation clips). The training accuracy is that of the epoch's own steps, with dropout at work.
    ``<folder>/<start>/<fold>_predictions.csv`` has one row a test clip: clip_id, truth, then ``epoch_1`` … with the
    class that each epoch's network named, so that any rule for choosing an epoch can be applied later.

    A killed run goes on at the last finished epoch of its last fold, from ``<fold>_checkpoint.npz``, and ends with the
    same tables to the last byte.

    Parameters
    ----------
    model : keras.Model
        The network with the head for these classes; its weights are overwritten.
    examples : Examples
        With class numbers.
    folds : sequence of Fold
    starts : mapping of str to callable
        Name, and (fold, seed) to the weights of `model` from which that fold is trained.
    folder : str or Path
    clip_ids : sequence of str
        Of the clips in `examples`.
    class_names : sequence of str
        Names of the class numbers.
    settings : FinetuningSettings
    provenance : mapping, optional
        What else fixes the numbers (a hash of the pre-trained weights, …), as plain JSON values: a folder made of
        other things is refused.

    Raises
    ------
    OptionError
        The head has fewer outputs than there are classes, or `folder` holds a training with other settings.
    MgcKerasError
        The loss is no longer a number (the last good epoch stays in the checkpoint).
    """
    folder = Path(folder)
    check_sequences(model, examples)
    record = {**asdict(settings), "clips": list(clip_ids), "classes": list(class_names), **(provenance or {})}
    keep_settings(folder / "settings.json", record)
    stepper = Stepper(model, settings.learning_rate, multi_label=False, compiled_for=settings.batch_size)
    n_steps = {fold.name: settings.epochs * -(-len(fold.training) // settings.batch_size) for fold in folds}
    total = len(starts) * sum(n_steps.values())
    with progress_bar(description="fine-tuning", unit="batch", total=total) as bar:
        for fold in folds:
            for name, start in starts.items():
                bar.set_postfix_str(f"{name}, repetition {fold.repetition + 1}, fold {fold.number + 1}", refresh=False)
                curve, predictions = curve_file(folder / name, fold), predictions_file(folder / name, fold)
                # The curve is written after the predictions.
                if curve.exists() and predictions.exists():
                    bar.update(n_steps[fold.name])
                    continue
                checkpoint = folder / name / f"{fold.name}_checkpoint.npz"
                seed = (settings.seed, fold.repetition, fold.number)
                stepper.restart(start(fold, int(np.random.SeedSequence(seed).generate_state(1)[0] >> 1)))
                trained = fit(
                    stepper,
                    examples.select(fold.training),
                    {"validation": examples.select(fold.validation), "test": examples.select(fold.test)},
                    judge=judge_classes,
                    checkpoint_file=checkpoint,
                    # The seed is the same for every start, so that they differ in nothing else.
                    settings=FitSettings(settings.epochs, settings.batch_size, seed, best_by="last"),
                    provenance={**record, "start": name},
                    predict="test",
                    bar=bar,
                )
                _write_predictions(predictions, trained, examples, fold, clip_ids, class_names)
                write_text(curve, trained.curve.to_csv(index=False, lineterminator="\n"))
                checkpoint.unlink(missing_ok=True)


def curve_file(folder: Path, fold: Fold) -> Path:
    """Return where a fold's curve is kept."""
    return folder / f"{fold.name}_curve.csv"


def predictions_file(folder: Path, fold: Fold) -> Path:
    """Return where a fold's predictions of every epoch are kept."""
    return folder / f"{fold.name}_predictions.csv"


def _write_predictions(
    path: Path, trained: Trained, examples: Examples, fold: Fold, clip_ids: Sequence[str], class_names: Sequence[str]
) -> None:
    names = np.asarray(class_names, dtype=str)
    columns = {"clip_id": np.asarray(clip_ids, dtype=str)[fold.test], "truth": names[examples.targets[fold.test]]}
    columns |= {f"epoch_{i + 1}": names[classes] for i, classes in enumerate(trained.predictions)}
    write_text(path, pd.DataFrame(columns).to_csv(index=False, lineterminator="\n"))
