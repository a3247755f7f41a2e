"""The networks of the Choi 2017 study: trained or given, and random; each as published and corrected."""

import argparse
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import Manifest, read_manifest
from mgc_keras.evaluation.intervals import bootstrap_macro_auc
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.networks.load import load_model
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.choi2017.calibration import batch_independent
from mgc_keras.studies.choi2017.network import EXCERPT_FRAMES, SAMPLING_RATE, convnet
from mgc_keras.studies.choi2017.source import train_source
from mgc_keras.studies.choi2017.variants import options_of
from mgc_keras.studies.common.manifests import rendered_manifest
from mgc_keras.training.tagger import TaggerSettings

# The built-in corpus' multi-label task.
SOURCE_TASK = "tagging"


@dataclass
class Source:
    """The source network of a run: the models, the clips it was trained on, its row of scores.csv.

    Parameters
    ----------
    published, corrected : str or Path
        Weight files; equal where the file was given.
    manifest : Manifest or None
        The training clips, to calibrate by; None where the network was given.
    rows : list of dict
    """

    published: Any
    corrected: Any
    manifest: Manifest | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)


def check_source(options: argparse.Namespace) -> None:
    """Refuse a wrong weight file, manifest or training option before any clip is rendered or read."""
    _settings(options)
    if options.source_weights:
        load_model(options.source_weights)
    elif options.source_manifest:
        read_manifest(options.source_manifest, options.data_home)


def _settings(options: argparse.Namespace) -> TaggerSettings:
    return TaggerSettings(
        options.epochs,
        options.batch_size,
        options.learning_rate,
        excerpt_frames=0 if options.whole_clips else EXCERPT_FRAMES,
        seed=options.seed,
    )


def source_network(options: argparse.Namespace, writer: RunWriter) -> Source:
    """Train the source tagger, or take the weights that were given."""
    if options.source_weights:
        return Source(options.source_weights, options.source_weights)
    if options.source_manifest:
        manifest = read_manifest(options.source_manifest, options.data_home)
    else:
        manifest = rendered_manifest(
            SOURCE_TASK, options, writer, sampling_rate=SAMPLING_RATE, n_clips=options.source_clips
        )
    network = train_source(
        manifest,
        writer.folder / "training",
        score=lambda truth, scores: macro_auc(truth, scores).score,
        settings=_settings(options),
        jobs=options.jobs,
    )
    row = _auc_row(pd.read_csv(network.validation), options.seed)
    return Source(network.published, network.corrected, manifest, [row])


def extractors(source: Source, options: argparse.Namespace) -> dict[tuple[str, str], Any]:
    """Return the extractor of each (protocol, kind): trained convnet, random convnet, MFCC."""
    trained_published = load_model(source.published, output="features")
    random_published = convnet(seed=options.seed + 1)
    if source.manifest is None:
        corrected = {"convnet": _independent(source.corrected), "random": _one_by_one(random_published)}
    else:
        model = load_model(source.corrected, output="features")
        training_clips = source.manifest.select((source.manifest.table["split"] == "train").to_numpy())
        random = batch_independent(random_published, training_clips, jobs=options.jobs)
        corrected = {
            "convnet": NetworkExtractor(model, weights_file=source.corrected),
            "random": NetworkExtractor(random),
        }
    published = {"convnet": NetworkExtractor(trained_published), "random": NetworkExtractor(random_published)}
    protocols = {"published": published, "corrected": corrected}
    mfcc = MfccExtractor()
    chosen = [name for name in protocols if options.protocol in (name, "both")]
    return {
        (name, kind): extractor for name in chosen for kind, extractor in (protocols[name] | {"mfcc": mfcc}).items()
    }


def _independent(weights: Any) -> NetworkExtractor:
    """Make given weights independent of batches: they bring population statistics, or clips run one by one."""
    model = load_model(weights, output="features", decibel_reference="clip")
    return _one_by_one(model) if options_of(model).normalization == "batch" else NetworkExtractor(model)


def _one_by_one(model: keras.Model) -> NetworkExtractor:
    # A batch of one normalises a clip by its own statistics. Those of the task's clips together would let test clips
    # shape the features of training clips, and there are no source clips to take population statistics from.
    return NetworkExtractor(model, batch_order="single")


def _auc_row(validation: pd.DataFrame, seed: int) -> dict[str, Any]:
    truth = validation.filter(regex="^truth_").to_numpy()
    scores = validation.filter(regex="^score_").to_numpy()
    interval = bootstrap_macro_auc(truth, scores, seed=seed)
    return {
        "study": "choi2017",
        "task": "source",
        "feature": "tags",
        "protocol": "corrected",
        "metric": "auc",
        "score": interval.score,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "published": np.nan,
        "n_clips": len(truth),
    }
