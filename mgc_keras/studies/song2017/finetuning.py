"""Fine-tuning on genres by repeated cross-validation, from several starts on the same folds; resumable.

Song et al. (2017) replace the head of a network trained on tags, train it on GTZAN, and do the same from random
weights: ten repetitions of shuffled 10-fold cross-validation. Not stated: batch size, rate, epochs; options here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import write_text
from mgc_keras.progress import progress_bar
from mgc_keras.training.checkpoint import load_checkpoint, save_checkpoint, with_place
from mgc_keras.training.examples import Examples
from mgc_keras.training.judging import judge
from mgc_keras.training.stepping import Stepper, check_head

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
    """

    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for field in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, field) <= 0:
                raise OptionError(f"must be above 0, not {getattr(self, field)}", field=field)


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
    check_head(model, examples)
    record = {**asdict(settings), "clips": list(clip_ids), "classes": list(class_names), **(provenance or {})}
    _check_settings(folder / "settings.json", record)
    stepper = Stepper(model, settings.learning_rate, multi_label=False, compiled_for=settings.batch_size)
    with progress_bar(description="fine-tuning", unit="epoch", total=len(folds) * len(starts) * settings.epochs) as bar:
        for fold in folds:
            for name, start in starts.items():
                bar.set_postfix_str(f"{name}, repetition {fold.repetition + 1}, fold {fold.number + 1}", refresh=False)
                training = _FoldTraining(stepper, examples, fold, folder / name, {**record, "start": name}, settings)
                if training.is_finished():
                    bar.update(settings.epochs)
                else:
                    training.run(start, bar)
                    training.write(clip_ids, class_names)


def _check_settings(path: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=2, sort_keys=True) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise OptionError(
            "holds a training with other settings", path=path.parent, cure="choose another --out or remove that folder"
        )
    write_text(path, text)


class _FoldTraining:
    """One fold from one start: its files, and its epochs."""

    def __init__(
        self,
        stepper: Stepper,
        examples: Examples,
        fold: Fold,
        folder: Path,
        record: dict[str, Any],
        settings: FinetuningSettings,
    ) -> None:
        self.stepper, self.examples, self.fold, self.settings = stepper, examples, fold, settings
        parts = {name: getattr(fold, name).tolist() for name in ("training", "validation", "test")}
        self.record = {**record, **parts}
        self.curve, self.predictions = curve_file(folder, fold), predictions_file(folder, fold)
        self.checkpoint_file = folder / f"{fold.name}_checkpoint.npz"

    @property
    def seed(self) -> tuple[int, int, int]:
        """Of everything random in this fold: the same for every start, so that they differ in nothing else."""
        return self.settings.seed, self.fold.repetition, self.fold.number

    def is_finished(self) -> bool:
        # The curve is written after the predictions.
        return self.curve.exists() and self.predictions.exists()

    def run(self, start: Start, bar: Any) -> None:
        one_seed = int(np.random.SeedSequence(self.seed).generate_state(1)[0] >> 1)
        self.stepper.restart(start(self.fold, one_seed))
        self.checkpoint = load_checkpoint(self.checkpoint_file, self.stepper.variables, self.record)
        bar.update(self.checkpoint.n_epochs)
        while self.checkpoint.n_epochs < self.settings.epochs:
            self._epoch()
            save_checkpoint(self.checkpoint_file, self.checkpoint, self.stepper.variables, self.record)
            bar.update()

    def _epoch(self) -> None:
        epoch, targets = self.checkpoint.n_epochs, self.examples.targets
        seed = (*self.seed, epoch)
        order = np.random.default_rng(seed).permutation(self.fold.training)
        try:
            loss, said = self.stepper.epoch(self.examples, order, self.settings.batch_size, seed, lambda: None)
        except MgcKerasError as error:
            raise with_place(error, epoch, self.checkpoint_file) from error
        row = {"epoch": epoch + 1, "loss": loss, "training_accuracy": float(np.mean(said.argmax(1) == targets[order]))}
        for part in ("validation", "test"):
            clips = getattr(self.fold, part)
            scores = self.stepper.scores(self.examples, clips)
            row |= {f"{part}_{name}": value for name, value in judge(scores, targets[clips]).items()}
        self.checkpoint.rows.append(row)
        self.checkpoint.predictions.append(scores.argmax(1).astype(np.int32))

    def write(self, clip_ids: Sequence[str], class_names: Sequence[str]) -> None:
        names, test = np.asarray(class_names, dtype=str), self.fold.test
        columns = {"clip_id": np.asarray(clip_ids, dtype=str)[test], "truth": names[self.examples.targets[test]]}
        columns |= {f"epoch_{i + 1}": names[said] for i, said in enumerate(self.checkpoint.predictions)}
        curve = pd.DataFrame(self.checkpoint.rows, columns=list(CURVE_COLUMNS))
        write_text(self.predictions, pd.DataFrame(columns).to_csv(index=False, lineterminator="\n"))
        write_text(self.curve, curve.to_csv(index=False, lineterminator="\n"))
        self.checkpoint_file.unlink(missing_ok=True)


def curve_file(folder: Path, fold: Fold) -> Path:
    """Return where a fold's curve is kept."""
    return folder / f"{fold.name}_curve.csv"


def predictions_file(folder: Path, fold: Fold) -> Path:
    """Return where a fold's predictions of every epoch are kept."""
    return folder / f"{fold.name}_predictions.csv"
