"""Fine-tuning on genres by repeated cross-validation, from several starts on the same folds; resumable.

Song et al. (2017) replace the head of a network trained on tags, train it on GTZAN, and do the same from random
weights: ten repetitions of shuffled 10-fold cross-validation. Not stated: batch size, rate, epochs; options here.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.progress import progress_bar
from mgc_keras.runs.writer import write_table
from mgc_keras.studies.song2017.pretraining import check_sequences
from mgc_keras.studies.song2017.study import TrainingOptions
from mgc_keras.training.examples import Examples, judge_classes
from mgc_keras.training.loop import FitSettings, fit
from mgc_keras.training.stepping import Stepper
from mgc_keras.work import keep_settings

# A start gives the weights from which a fold is trained: it sees the fold and the seed, never the test clips' labels.
Start = Callable[[Fold, int], list[np.ndarray]]


def cross_validate(
    model: keras.Model,
    examples: Examples,
    folds: Sequence[Fold],
    starts: Mapping[str, Start],
    *,
    folder: Path,
    clip_ids: Sequence[str],
    class_names: Sequence[str],
    training: TrainingOptions,
    seed: int,
    provenance: Mapping[str, Any],
) -> None:
    """Train every fold from every start, and leave two tables for each; what is finished is not repeated.

    ``<folder>/<start>/<fold>_curve.csv`` has one row an epoch: epoch, loss, training_accuracy, validation_loss,
    validation_accuracy, test_loss, test_accuracy (in share of clips, missing where a fold has no validation clips). The
    training accuracy is that of the epoch's own steps, with dropout at work. ``<fold>_predictions.csv`` has one row a
    test clip: clip_id, truth, then ``epoch_1`` … with the class that each epoch's network named, so that any rule for
    choosing an epoch can be applied later.

    A killed run goes on at the last finished epoch of its last fold, from ``<fold>_checkpoint.npz``, and ends with the
    same tables to the last byte.

    Parameters
    ----------
    model : keras.Model
        The network with the head for these classes; its weights are overwritten.
    examples : Examples
        With class numbers, of which `class_names` are the names.
    folds : sequence of Fold
    starts : mapping of str to callable
        Name, and (fold, seed) to the weights of `model` from which that fold is trained.
    folder : Path
    clip_ids, class_names : sequence of str
    training : TrainingOptions
        Epochs are the same for every start, so that their curves can be laid over each other.
    seed : int
        Of the order of clips and of dropout; with a fold, of whatever is random in its start.
    provenance : mapping
        What else fixes the numbers (a hash of the pre-trained weights, …), as plain JSON values: a folder made of
        other things is refused.

    Raises
    ------
    OptionError
        The head has fewer outputs than there are classes, or `folder` holds a training with other settings.
    MgcKerasError
        The loss is no longer a number (the last good epoch stays in the checkpoint).
    """
    check_sequences(model, examples)
    epochs, batch_size, rate = training.epochs, training.batch_size, training.learning_rate
    numbers = {"epochs": epochs, "batch_size": batch_size, "learning_rate": rate, "seed": seed}
    record = {**numbers, "clips": list(clip_ids), "classes": list(class_names), **provenance}
    keep_settings(folder / "settings.json", record)
    stepper = Stepper(model, rate, multi_label=False, compiled_for=batch_size)
    ids, names = np.asarray(clip_ids, dtype=str), np.asarray(class_names, dtype=str)
    n_steps = {fold.name: epochs * -(-len(fold.training) // batch_size) for fold in folds}
    total = len(starts) * sum(n_steps.values())
    with progress_bar(description="fine-tuning", unit="batch", total=total) as bar:
        for fold in folds:
            for name, start in starts.items():
                bar.set_postfix_str(f"{name}, repetition {fold.repetition + 1}, fold {fold.number + 1}", refresh=False)
                curve = folder / name / f"{fold.name}_curve.csv"
                predictions = folder / name / f"{fold.name}_predictions.csv"
                # The curve is written after the predictions.
                if curve.exists() and predictions.exists():
                    bar.update(n_steps[fold.name])
                    continue
                checkpoint = folder / name / f"{fold.name}_checkpoint.npz"
                # The seed is the same for every start, so that they differ in nothing else.
                seeds = (seed, fold.repetition, fold.number)
                stepper.restart(start(fold, int(np.random.SeedSequence(seeds).generate_state(1)[0] >> 1)))
                trained = fit(
                    stepper,
                    examples.select(fold.training),
                    {"validation": examples.select(fold.validation), "test": examples.select(fold.test)},
                    judge=judge_classes,
                    checkpoint_file=checkpoint,
                    settings=FitSettings(epochs, batch_size, seeds, best_by="last"),
                    provenance={**record, "start": name},
                    predict="test",
                    bar=bar,
                )
                columns = {"clip_id": ids[fold.test], "truth": names[examples.targets[fold.test]]}
                columns |= {f"epoch_{i}": names[classes] for i, classes in enumerate(trained.predictions, 1)}
                write_table(pd.DataFrame(columns), predictions)
                write_table(trained.curve, curve)
                checkpoint.unlink(missing_ok=True)
