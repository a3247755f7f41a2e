"""The audits of the Choi 2017 study: what each of the original's faults is worth, measured on the run's own data."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.gtzan import COUNTS_OF_COPIES
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.networks.load import load_model
from mgc_keras.protocols import CORRECTED, PUBLISHED, Protocol
from mgc_keras.runs.writer import RunWriter, prediction_file, read_predictions
from mgc_keras.studies.choi2017.audits.batch_border import batch_border, batch_number
from mgc_keras.studies.choi2017.audits.batch_order import batch_order
from mgc_keras.studies.choi2017.audits.replicas import replicas
from mgc_keras.studies.choi2017.audits.score_changes import fold_weighting, scaling
from mgc_keras.studies.choi2017.extractors import Source, export_table
from mgc_keras.studies.choi2017.feature_sets import BATCH_SIZE, LAYERS, feature_blocks
from mgc_keras.studies.choi2017.features import Blocks, StudyData, clip_features
from mgc_keras.studies.choi2017.scored_search import search_and_score
from mgc_keras.studies.choi2017.study import Options
from mgc_keras.studies.common.run import Run

WEIGHTED_FEATURES = ("12345", "mfcc", "mfcc+12345")
SCALED_FEATURES = ("1", *WEIGHTED_FEATURES)


def run_audits(searched: list[StudyData], source: Source | None, run: Run[Options]) -> None:
    """Run every audit that the data allow, on the first classification task (GTZAN where it is among them).

    The batch-order experiment needs the network (`source`) of a run that has audio, and one that looks at its batch.
    """
    classified = [data for data in searched if data.task.kind == "classification" and PUBLISHED in data.blocks]
    if not classified:
        return
    data = next((data for data in classified if data.task.fault_filtered), classified[0])
    writer = run.writer
    writer.audit(_weighting(run))
    writer.audit(_scaling(data, run))
    writer.audit(_replicas(data, run.study.protocol(PUBLISHED)))
    features, labels = _convnet_and_mfcc(data.blocks[PUBLISHED]), data.task.target
    if _cut_classes(labels):
        writer.audit(batch_border(features, labels))
        if "mfcc" in features:
            writer.audit(batch_number(features["mfcc"], labels))
    if source is not None and data.manifest is not None:
        model = load_model(source.published, output="features")
        if NetworkExtractor(model).depends_on_batch:
            writer.audit(_batch_order(data, data.manifest, source, model, run))


def _convnet_and_mfcc(blocks: Blocks) -> dict[str, np.ndarray]:
    convnet = {"convnet": np.hstack([blocks[layer] for layer in LAYERS])}
    return convnet | {name: block for name, block in blocks.items() if name == "mfcc"}


def _cut_classes(labels: np.ndarray) -> bool:
    """Tell whether some border between batches leaves ten clips of one class, or more, on both sides."""
    borders = range(BATCH_SIZE, len(labels), BATCH_SIZE)
    parts = [(labels[:row] == labels[row], labels[row:] == labels[row]) for row in borders]
    return any(min(before.sum(), after.sum()) >= 10 for before, after in parts)


def _weighting(run: Run[Options]) -> AuditResult:
    scored = [row for row in run.rows if row.protocol == PUBLISHED and row.feature in WEIGHTED_FEATURES]
    folder = run.folder / "predictions"
    tables = {(row.task, row.feature): read_predictions(folder / prediction_file(*row.cell)) for row in scored}
    return fold_weighting(tables, {row.task: row.metric for row in scored})


def _scaling(data: StudyData, run: Run[Options]) -> AuditResult:
    """Search some feature sets as published but for a scaler that scales."""
    published = run.study.protocol(PUBLISHED)
    protocol = Protocol(PUBLISHED, {**published.mended, "scaling": True})
    features = [name for name in SCALED_FEATURES if set(feature_blocks(name)) <= set(data.blocks[PUBLISHED])]
    writer = RunWriter(run.folder / "audit" / "scaled")
    scaled = search_and_score(data, protocol, features, run, writer=writer)
    unscaled = [row for row in run.rows if row.protocol == PUBLISHED and row.task == data.task.name]
    return scaling(pd.DataFrame(map(vars, unscaled)), pd.DataFrame(map(vars, scaled)))


def _replicas(data: StudyData, published: Protocol) -> AuditResult:
    task, blocks = data.under(published)
    # Where the split leaves clips out, rows no longer tell who shared a batch.
    batch_size = BATCH_SIZE if len(task) == len(data.task) else None
    folds = task.folds(grouped=False)
    features = _convnet_and_mfcc(blocks)
    found = replicas(features, list(task.clip_ids), labels=task.target, folds=folds, batch_size=batch_size)
    # Elsewhere other numbers of GTZAN's copies are told.
    return replace(found, conclusion=f"{found.conclusion} {COUNTS_OF_COPIES}") if task.fault_filtered else found


def _batch_order(
    data: StudyData, manifest: Manifest, source: Source, model: keras.Model, run: Run[Options]
) -> AuditResult:
    """Extract the same clips with the same weights in differently composed batches, and score them alike."""
    task = data.task.with_split(fault_filtered=True)
    rows = data.rows_of(task)
    # A batch as large as a class, so that class-sorted batches hold one class each.
    batch_size = max(2, len(data.task) // len(set(data.task.target)))
    features = {}
    orders = {"class-sorted batches": "sorted", "shuffled batches": "shuffled", "one by one": "single"}
    for name, order in orders.items():
        extractor = NetworkExtractor(model, batch_size=batch_size, batch_order=order, seed=run.seed, name=name)
        path = export_table(manifest, f"batch_order_{order}", extractor, run)
        features[name] = clip_features(path).loc[list(task.clip_ids)].to_numpy(np.float64)
    if CORRECTED in data.blocks and source.calibration is not None:
        features["calibrated"] = _convnet_and_mfcc(data.blocks[CORRECTED])["convnet"][rows]
    features["mfcc"] = data.blocks[PUBLISHED]["mfcc"][rows]
    folds = task.folds(grouped=True, seed=run.seed)
    return batch_order(features, task.target, folds, groups=task.groups, seed=run.seed)
