"""The audits of the Choi 2017 study: what each of the original's faults is worth, measured on the run's own data."""

import argparse
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.features.export import export_features
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.table import read_features
from mgc_keras.networks.load import load_model
from mgc_keras.runs.writer import RunWriter, prediction_file, read_predictions
from mgc_keras.studies.choi2017.audits.batch_border import batch_border, batch_number
from mgc_keras.studies.choi2017.audits.batch_order import batch_order
from mgc_keras.studies.choi2017.audits.fold_weighting import fold_weighting
from mgc_keras.studies.choi2017.audits.replicas import replicas
from mgc_keras.studies.choi2017.audits.scaling import scaling
from mgc_keras.studies.choi2017.extractors import Source
from mgc_keras.studies.choi2017.features import StudyData
from mgc_keras.studies.choi2017.steps import scaled_rows

BATCH_SIZE = 256


def run_audits(
    studies: list[StudyData],
    rows: list[dict[str, Any]],
    source: Source | None,
    options: argparse.Namespace,
    writer: RunWriter,
) -> None:
    """Run every audit that the data allow, on the first classification task (GTZAN where it is among them).

    `source` is the network of a run that has audio; the batch-order experiment needs it.
    """
    classified = [data for data in studies if data.task.kind == "classification" and "published" in data.blocks]
    if not classified or options.protocol == "corrected":
        return
    data = next((data for data in classified if data.task.name == "gtzan_genre"), classified[0])
    writer.audit(_weighting(rows, writer))
    writer.audit(_scaling(data, rows, options, writer))
    writer.audit(_replicas(data))
    convnet, labels = _convnet(data, "published"), data.task.target
    if _cut_classes(labels):
        features = {"convnet": convnet, "mfcc": data.blocks["published"].get("mfcc")}
        writer.audit(batch_border({name: block for name, block in features.items() if block is not None}, labels))
        if "mfcc" in data.blocks["published"]:
            writer.audit(batch_number(data.blocks["published"]["mfcc"], labels))
    if source is not None:
        writer.audit(_batch_order(data, source, options, writer))


def _convnet(data: StudyData, protocol: str) -> np.ndarray:
    return np.hstack([data.blocks[protocol][layer] for layer in "12345"])


def _cut_classes(labels: np.ndarray, least: int = 10) -> bool:
    """Tell whether some border between batches leaves enough clips of one class on both sides."""
    borders = range(BATCH_SIZE, len(labels), BATCH_SIZE)
    return any(
        min((labels[:row] == labels[row]).sum(), (labels[row:] == labels[row]).sum()) >= least for row in borders
    )


def _weighting(rows: list[dict[str, Any]], writer: RunWriter) -> Any:
    scored = [
        row for row in rows if row["protocol"] == "published" and row["feature"] in ("12345", "mfcc", "mfcc+12345")
    ]
    folder = writer.folder / "predictions"
    tables = {
        (row["task"], row["feature"]): read_predictions(
            folder / prediction_file(row["task"], row["feature"], "published")
        )
        for row in scored
    }
    return fold_weighting(tables, {row["task"]: row["metric"] for row in scored})


def _scaling(data: StudyData, rows: list[dict[str, Any]], options: argparse.Namespace, writer: RunWriter) -> Any:
    unscaled = [row for row in rows if row["protocol"] == "published" and row["task"] == data.task.name]
    return scaling(pd.DataFrame(unscaled), pd.DataFrame(scaled_rows(data, options, writer)))


def _replicas(data: StudyData) -> Any:
    blocks = data.blocks["published"]
    features = {"convnet": _convnet(data, "published")} | ({"mfcc": blocks["mfcc"]} if "mfcc" in blocks else {})
    task = data.task.under("published")
    return replicas(
        features, list(task.clip_ids), labels=task.target, folds=task.folds("published"), batch_size=BATCH_SIZE
    )


def _batch_order(data: StudyData, source: Source, options: argparse.Namespace, writer: RunWriter) -> Any:
    """Extract the same clips with the same weights in differently composed batches, and score them alike."""
    manifest, model = data.manifest, load_model(source.published, output="features")
    # A batch as large as a class, so that class-sorted batches hold one class each.
    batch_size = max(2, len(data.task) // len(set(data.task.target)))
    features = {}
    orders = {"class-sorted batches": "sorted", "shuffled batches": "shuffled", "one by one": "single"}
    for name, order in orders.items():
        extractor = NetworkExtractor(model, batch_size=batch_size, batch_order=order, seed=options.seed, name=name)
        path = writer.folder / "features" / f"{manifest.name}_batch_order_{order}.csv"
        errors_csv = path.with_name(f"{path.stem}_errors.csv")
        export_features(manifest, path, extractor, jobs=options.jobs, errors_csv=errors_csv)
        features[name] = read_features(path).loc[list(data.task.clip_ids)].to_numpy(np.float64)
    if "corrected" in data.blocks and source.manifest is not None:
        features["calibrated"] = _convnet(data, "corrected")
    features["mfcc"] = data.blocks["published"]["mfcc"]
    task = data.task.under("corrected")
    return batch_order(
        features, task.target, task.folds("corrected", options.seed), groups=task.groups, seed=options.seed
    )
