"""A run folder for tests, every number in it computed from simulated predictions."""

from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.runs.summary import compare_features, score_row
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.choi2017.audits.batch_border import batch_border, batch_number
from mgc_keras.studies.choi2017.audits.batch_order import batch_order
from mgc_keras.studies.choi2017.audits.replicas import replicas
from mgc_keras.studies.choi2017.audits.score_changes import fold_weighting, scaling
from mgc_keras.studies.choi2017.feature_sets import planned_pairs
from mgc_keras.work import FailedClip

LAYER_SETS = ("1", "2", "3", "4", "5", "12", "13", "45", "123", "345", "1234", "12345")
GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
WEIGHTINGS = {"published": "size", "corrected": "pooled"}
GROUPED = {"published": False, "corrected": True}


def skill_of(feature: str) -> float:
    """How well the pretended feature does: more layers help, random weights and MFCCs less."""
    if feature.startswith("random_"):
        return skill_of(feature.removeprefix("random_")) - 0.22
    if feature.startswith("mfcc"):
        return 0.55 if feature == "mfcc" else 0.83
    return 0.68 + 0.03 * len(feature) + 0.005 * int(feature[-1])


def genre_predictions(feature: str, protocol: str, n_clips: int = 300) -> pd.DataFrame:
    """Classes hit with the feature's skill; a clip that is hard is hard for every feature."""
    hard = np.random.default_rng(1).random(n_clips)
    generator = np.random.default_rng([len(feature), len(protocol), *feature.encode()])
    truth = np.array(GENRES)[np.arange(n_clips) % len(GENRES)]
    wrong = np.array(GENRES)[(np.arange(n_clips) + generator.integers(1, 10, n_clips)) % len(GENRES)]
    chance = 0.6 * hard + 0.4 * generator.random(n_clips)
    prediction = np.where(chance < skill_of(feature) - 0.08 * (protocol == "corrected"), truth, wrong)
    return _table(truth, prediction)


def arousal_predictions(feature: str, protocol: str, n_clips: int = 200) -> pd.DataFrame:
    """Arousal between 0 and 1 with noise that shrinks as the feature's skill grows."""
    truth = np.random.default_rng(2).beta(3, 3, n_clips)
    generator = np.random.default_rng([len(feature), len(protocol), *feature.encode()])
    return _table(truth, truth + generator.normal(0, 0.21 * (1.15 - skill_of(feature)), n_clips))


def _table(truth: np.ndarray, prediction: np.ndarray) -> pd.DataFrame:
    number = np.arange(len(truth))
    columns = {
        "clip_id": [f"clip.{i:05d}" for i in number],
        "fold": number % 10,
        "truth": truth,
        "prediction": prediction,
    }
    return pd.DataFrame({**columns, "group": [f"artist {i % 60}" for i in number]})


def _write_audits(writer: RunWriter, rows: list[dict]) -> None:
    generator = np.random.default_rng(3)
    labels = np.repeat(GENRES[:6], 50)
    mfcc = generator.normal(size=(300, 8)) + 0.35 * np.repeat(generator.normal(size=(6, 8)), 50, axis=0)
    convnet = mfcc + generator.normal(scale=2, size=(3, 8))[np.arange(300) // 120]
    mfcc[7] = mfcc[120] = mfcc[3]
    folds = np.arange(300) % 2
    writer.audit(batch_border({"12345": convnet, "mfcc": mfcc}, labels, batch_size=120, n_folds=5))
    writer.audit(batch_number(mfcc, labels, batch_size=120, n_folds=5))
    tables = {"class-sorted batches": convnet, "one by one": mfcc}
    writer.audit(batch_order(tables, labels, folds))
    clip_ids = [f"clip.{i:05d}" for i in range(300)]
    writer.audit(replicas({"mfcc": mfcc, "12345": convnet}, clip_ids, labels=labels, folds=folds, batch_size=120))
    scores = pd.DataFrame(rows)
    kinds = [scores[scores["protocol"] == protocol] for protocol in WEIGHTINGS]
    writer.audit(scaling(*kinds))
    saved = {("arousal", name): arousal_predictions(name, "published") for name in ("12345", "mfcc")}
    writer.audit(fold_weighting(saved, {"arousal": "r2"}))


def write_example_run(folder: Path, layer_sets: tuple[str, ...] = LAYER_SETS) -> Path:
    """Write every file that a run leaves, figures and report aside. Return the folder."""
    writer = RunWriter(folder)
    features = [*layer_sets, *(f"random_{name}" for name in layer_sets), "mfcc", "mfcc+12345"]
    tasks = {"genre <example>": ("accuracy", genre_predictions), "arousal": ("r2", arousal_predictions)}
    rows = []
    for task, (metric, simulate) in tasks.items():
        for protocol, weighting in WEIGHTINGS.items():
            for feature in features:
                table = simulate(feature, protocol)
                writer.predictions(task, feature, protocol, table)
                published = skill_of(feature) if task == "arousal" and not feature.startswith("random") else None
                cell = ("choi2017", task, feature, protocol, metric, table)
                rows.append(score_row(*cell, weighting=weighting, published=published))
    writer.scores(rows)
    writer.comparisons(compare_features(folder, rows, planned_pairs, weighting=WEIGHTINGS, grouped=GROUPED))
    epochs = np.arange(1, 21)
    writer.history(
        pd.DataFrame({
            "epoch": epochs, "loss": 0.15 + np.exp(-epochs / 4), "validation_loss": 0.2 + np.exp(-epochs / 4),
            "validation_auc": 0.85 - 0.35 * np.exp(-epochs / 3),
        })
    )  # fmt: skip
    _write_audits(writer, rows)
    writer.errors([FailedClip("broken.00001", "broken.00001.wav", "zero bytes <&>", "download it again")])
    writer.config("choi2017", {"seed": 0, "jobs": 2, "tasks": list(tasks)}, inputs=[folder / "scores.csv"])
    return folder
