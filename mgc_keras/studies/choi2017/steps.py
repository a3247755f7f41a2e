"""The steps of the Choi 2017 study, in the order in which `choi2017.py` takes them."""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.protocols import PUBLISHED, Protocol
from mgc_keras.runs.summary import compare_features
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.choi2017.authors_files import PUBLISHED_TASKS
from mgc_keras.studies.choi2017.extractors import Source, extractors
from mgc_keras.studies.choi2017.feature_sets import feature_blocks, feature_names
from mgc_keras.studies.choi2017.features import StudyData, exported_data, published_data
from mgc_keras.studies.choi2017.network import SAMPLING_RATE
from mgc_keras.studies.choi2017.scored_search import search_and_score
from mgc_keras.studies.common.exports import write_errors
from mgc_keras.studies.common.manifests import is_built_in, rendered_manifest, study_manifests

# One built-in task for each of the paper's six.
BUILT_IN_TASKS = ("genre", "dance", "speech_music", "emotion", "voice", "events")
# Where clips of the authors' features are many, nested searches take hours; these answer the paper's questions.
HEADLINE_FEATURES = ("12345", "mfcc", "mfcc+12345")
FEW_RANDOM = tuple(f"random_{layers}" for layers in ("1", "2", "3", "4", "5", "12345"))
SCALING_FEATURES = ("1", "12345", "mfcc", "mfcc+12345")
# Iterations of libsvm, for each pair of classes. The recorded scores of mfcc+12345 come from linear kernels that need up to
# 5.6 million; with MFCCs alone the winners need fewer, and losers would take all they are given.
BUDGET, BUDGET_OF_MFCC_ALONE, BUDGET_OF_OWN_SVR = 10_000_000, 3_000_000, 100_000

Rows = list[dict[str, Any]]


def data_from_authors(options: argparse.Namespace) -> list[StudyData]:
    """Read the authors' own features of all tasks, or of those named."""
    return [published_data(options.published_features, name) for name in options.tasks or PUBLISHED_TASKS]


def data_from_audio(
    manifests: list[Manifest], source: Source, options: argparse.Namespace, writer: RunWriter
) -> list[StudyData]:
    """Export the features of every task with every network, and join them."""
    networks = extractors(source, options)
    studies = []
    for manifest in manifests:
        exported: dict[int, Path] = {}
        tables = {}
        for (protocol, kind), extractor in networks.items():
            # MFCCs are the same under both protocols.
            if id(extractor) not in exported:
                exported[id(extractor)] = _export(manifest, f"{kind}_{protocol}", extractor, options, writer)
            tables[protocol, kind] = exported[id(extractor)]
        studies += exported_data(manifest, tables)
    write_errors(writer)
    return studies


def features_to_search(options: argparse.Namespace, data: StudyData, protocol: Protocol) -> list[str]:
    """Name the feature sets to search: as `--layer-sets` says, MFCCs, and the random network's where it was exported."""
    blocks = data.blocks[protocol.name]
    if options.published_features and protocol.nested and options.layer_sets == "all":
        names = list(HEADLINE_FEATURES)
    elif options.layer_sets in ("all", "published"):
        names = feature_names(options.layer_sets) + feature_names(options.layer_sets, mfcc=False, prefix="random_")
        if not options.published_features and is_built_in(options):
            # Searches cost a third of the run; the random network's single layers and all of them show what it can do.
            names = [name for name in names if not name.startswith("random_") or name in FEW_RANDOM]
    else:
        chosen = options.layer_sets.split(",")
        names = [*chosen, "mfcc", "mfcc+12345", *(f"random_{name}" for name in chosen)]
    return [name for name in names if set(feature_blocks(name)) <= set(blocks)]


def search_all(
    study: str, data: StudyData, protocol: Protocol, features: list[str], options: argparse.Namespace, writer: RunWriter
) -> Rows:
    """Search the feature sets of one task under one protocol."""
    return search_and_score(
        study,
        data,
        protocol,
        features,
        writer,
        grid=options.grid,
        max_iter=_budget(data, protocol, features, options),
        jobs=options.jobs,
    )[0]


def compare(rows: Rows, writer: RunWriter) -> None:
    """Test the planned pairs of feature sets, artists kept together where folds keep them apart."""
    scored = [row for row in rows if row["metric"] in ("accuracy", "r2")]
    if scored:
        pairs = compare_features(writer.folder, scored, weighting={"published": "size"}, grouped={"corrected": True})
        writer.comparisons(pairs)


def scaled_rows(data: StudyData, options: argparse.Namespace, writer: RunWriter) -> Rows:
    """Search some feature sets as published but for a scaler that scales."""
    protocol = replace(PUBLISHED, scaling=True, seed=options.seed)
    features = [name for name in SCALING_FEATURES if set(feature_blocks(name)) <= set(data.blocks["published"])]
    scaled = RunWriter(writer.folder / "audit" / "scaled")
    return search_and_score("choi2017", data, protocol, features, scaled, grid=options.grid, jobs=options.jobs)[0]


def _budget(
    data: StudyData, protocol: Protocol, features: list[str], options: argparse.Namespace
) -> dict[str, int] | None:
    # Only features that nothing scales let libsvm run away (a linear kernel with a large C, for an hour a candidate);
    # every candidate that is cut off is named in candidates/.
    if protocol.scaling or options.mfcc_budget == 0:
        return None
    budgets = {name: options.mfcc_budget or BUDGET for name in features if "mfcc" in name}
    if options.mfcc_budget is None:
        if data.task.estimator == "SVR" and not options.published_features:
            return dict.fromkeys(budgets, BUDGET_OF_OWN_SVR)
        if data.task.estimator == "SVC" and "mfcc" in budgets:
            budgets["mfcc"] = BUDGET_OF_MFCC_ALONE
    return budgets


def resolve_defaults(options: argparse.Namespace) -> None:
    """Fill in the options whose default depends on the data: the built-in corpus gets a study of minutes."""
    quick = not options.published_features and is_built_in(options)
    if options.grid is None:
        options.grid = "reduced" if quick else "authors"
    if options.corrected_folds is None:
        options.corrected_folds = 5 if quick else 10


def task_manifests(options: argparse.Namespace, writer: RunWriter) -> list[Manifest]:
    """Read the manifests of the run's tasks; those of the built-in corpus are rendered.

    Raises
    ------
    OptionError
        There is no manifest, or no such built-in task.
    ManifestError
        A manifest breaks the schema.
    """
    rendered = partial(rendered_manifest, options=options, writer=writer, sampling_rate=SAMPLING_RATE)
    return study_manifests(options, BUILT_IN_TASKS, rendered)


def _export(
    manifest: Manifest, name: str, extractor: Extractor, options: argparse.Namespace, writer: RunWriter
) -> Path:
    stem = writer.folder / "features" / f"{manifest.name}_{name}"
    errors_csv = Path(f"{stem}_errors.csv")
    return export_features(manifest, f"{stem}.csv", extractor, jobs=options.jobs, errors_csv=errors_csv)
