"""The networks of the Choi 2017 study: trained or given, and random; each as published and corrected."""

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
from mgc_keras.runs.rows import ScoreRow
from mgc_keras.studies.choi2017.calibration import batch_independent
from mgc_keras.studies.choi2017.network import EXCERPT_FRAMES, SAMPLING_RATE, convnet
from mgc_keras.studies.choi2017.source import train_source
from mgc_keras.studies.choi2017.study import Options
from mgc_keras.studies.choi2017.variants import options_of
from mgc_keras.studies.common.run import Run
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
    rows : list of ScoreRow
    """

    published: Any
    corrected: Any
    manifest: Manifest | None = None
    rows: list[ScoreRow] = field(default_factory=list)


def check_source(options: Options) -> None:
    """Refuse a wrong weight file, manifest or training option before any clip is rendered or read."""
    _settings(options)
    if options.data.source_weights:
        load_model(options.data.source_weights)
    elif options.data.source_manifest:
        read_manifest(options.data.source_manifest, options.run.data_home)


def _settings(options: Options) -> TaggerSettings:
    training = options.training
    return TaggerSettings(
        training.epochs,
        training.batch_size,
        training.learning_rate,
        excerpt_frames=0 if training.whole_clips else EXCERPT_FRAMES,
        seed=options.run.seed,
    )


def source_network(run: Run[Options]) -> Source:
    """Train the source tagger, or take the weights that were given."""
    data = run.options.data
    if data.source_weights:
        return Source(data.source_weights, data.source_weights)
    if data.source_manifest:
        manifest = read_manifest(data.source_manifest, run.shared.data_home)
    else:
        manifest = run.rendered(SOURCE_TASK, SAMPLING_RATE, run.options.training.source_clips)
    network = train_source(
        manifest,
        run.folder / "training",
        score=lambda truth, scores: macro_auc(truth, scores).score,
        settings=_settings(run.options),
        jobs=run.jobs,
    )
    row = _auc_row(pd.read_csv(network.validation), run)
    return Source(network.published, network.corrected, manifest, [row])


def extractors(source: Source, run: Run[Options]) -> dict[tuple[str, str], Any]:
    """Return the extractor of each (protocol, kind): trained convnet, random convnet, MFCC.

    Protocols that see the same features share their extractors.
    """
    random_published = convnet(seed=run.seed + 1)
    wanted = {protocol.mends("batch-features") for protocol in run.protocols}
    networks: dict[bool, dict[str, Any]] = {}
    if False in wanted:
        trained = load_model(source.published, output="features")
        networks[False] = {"convnet": NetworkExtractor(trained), "random": NetworkExtractor(random_published)}
    if True in wanted:
        if source.manifest is None:
            networks[True] = {"convnet": _independent(source.corrected), "random": _one_by_one(random_published)}
        else:
            model = load_model(source.corrected, output="features")
            training_clips = source.manifest.select((source.manifest.table["split"] == "train").to_numpy())
            random = batch_independent(random_published, training_clips, jobs=run.jobs)
            networks[True] = {
                "convnet": NetworkExtractor(model, weights_file=source.corrected),
                "random": NetworkExtractor(random),
            }
    mfcc = MfccExtractor()
    return {
        (protocol.name, kind): extractor
        for protocol in run.protocols
        for kind, extractor in (networks[protocol.mends("batch-features")] | {"mfcc": mfcc}).items()
    }


def _independent(weights: Any) -> NetworkExtractor:
    """Make given weights independent of batches: they bring population statistics, or clips run one by one."""
    model = load_model(weights, output="features", decibel_reference="clip")
    return _one_by_one(model) if options_of(model).normalization == "batch" else NetworkExtractor(model)


def _one_by_one(model: keras.Model) -> NetworkExtractor:
    # A batch of one normalises a clip by its own statistics. Those of the task's clips together would let test clips
    # shape the features of training clips, and there are no source clips to take population statistics from.
    return NetworkExtractor(model, batch_order="single")


def _auc_row(validation: pd.DataFrame, run: Run[Options]) -> ScoreRow:
    truth = validation.filter(regex="^truth_").to_numpy()
    scores = validation.filter(regex="^score_").to_numpy()
    interval = bootstrap_macro_auc(truth, scores, seed=run.seed)
    ends = (interval.score, interval.low, interval.high)
    return ScoreRow(run.study.key, "source", "tags", "corrected", "auc", *ends, np.nan, len(truth))
