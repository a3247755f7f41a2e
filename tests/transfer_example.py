"""A run folder of a transfer study for tests, every number in it computed from simulated folds."""

from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.repeated_folds import repeated_folds
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.runs.rows import ScoreRow
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.studies.song2017.learning_curves import STARTS
from mgc_keras.studies.song2017.scores import FineTuned, TransferScores, score_transfer
from mgc_keras.studies.song2017.study import STUDY

N_CLIPS, N_EPOCHS = 150, 6
GENRES = np.array(["blues", "jazz", "pop"])
ARTISTS = np.array([f"artist {i % 3}{i // 12}" for i in range(N_CLIPS)])
TASK = StudyTask("toy", "classification", [f"{i:03d}" for i in range(N_CLIPS)], GENRES[np.arange(N_CLIPS) % 3], ARTISTS)


def write_folds(folder: Path, protocol: str, skill: dict[str, float], seed: int = 0, n_repetitions: int = 2) -> Path:
    """Write the tables that `cross_validate` leaves: accuracy rises from chance to about the start's skill."""
    corrected = protocol == "corrected"
    folds = repeated_folds(
        TASK, grouped=corrected, validation=corrected, n_folds=5, n_repetitions=n_repetitions, seed=seed
    )
    for fold in folds:
        for start in STARTS:
            generator = np.random.default_rng((seed, fold.repetition, fold.number, STARTS.index(start)))
            truth = TASK.target[fold.test]
            columns = {"clip_id": np.array(TASK.clip_ids)[fold.test], "truth": truth}
            rows = []
            for epoch in range(1, N_EPOCHS + 1):
                hit = generator.random(len(truth)) < skill[start] * epoch / N_EPOCHS
                predicted = np.where(hit, truth, GENRES[generator.integers(3, size=len(truth))])
                columns[f"epoch_{epoch}"] = predicted
                validated = np.nan if protocol == "published" else float(epoch == 4)
                accuracies = {"training_accuracy": epoch / N_EPOCHS, "validation_accuracy": validated}
                rows.append(
                    {"epoch": epoch, **accuracies, "validation_loss": 1.0, "test_accuracy": np.mean(predicted == truth)}
                )
            write_table(pd.DataFrame(columns), folder / start / f"{fold.name}_predictions.csv")
            write_table(pd.DataFrame(rows), folder / start / f"{fold.name}_curve.csv")
    return folder


def scored(run: Path, protocol: str, skill: dict[str, float], n_seeds: int = 1) -> TransferScores:
    """Simulate and score a fine-tuning."""
    folders = {
        seed: write_folds(run / "finetuning" / protocol / f"seed{seed}", protocol, skill, seed)
        for seed in range(n_seeds)
    }
    rule = "best" if protocol == "published" else "validation"
    return score_transfer(FineTuned(TASK, STUDY.protocol(protocol), folders, rule), RunWriter(run))


def write_transfer_run(run: Path, skill: dict[str, float], n_seeds: int = 1) -> Path:
    """Write every file that a run leaves, figures and report aside. Return the folder."""
    parts = [scored(run, protocol, skill, n_seeds) for protocol in ("published", "corrected")]
    writer = RunWriter(run)
    source = ScoreRow("song2017", "source", "tags", "corrected", "auc", 0.8, 0.7, 0.9, np.nan, 30)
    writer.scores([source, *(row for part in parts for row in part.scores)])
    writer.comparisons([row for part in parts for row in part.comparisons])
    for name in parts[0].tables:
        table = pd.concat([part.tables[name] for part in parts], ignore_index=True)
        if len(table):
            write_table(table, run / f"{name}.csv")
    write_table(
        pd.DataFrame({"tag": ["a <tag>", "never"], "n_positive": [3, 0], "auc": [0.8, np.nan]}), run / "source_tags.csv"
    )
    epochs = np.arange(1, 5)
    writer.history(pd.DataFrame({"epoch": epochs, "loss": 1 / epochs, "validation_auc": 1 - 0.5 / epochs}))
    writer.config("song2017", {"seed": 0})
    return run
