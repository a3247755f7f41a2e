"""The extractors of the Choi 2017 study: trained and random convnet, as published and corrected, and MFCCs."""

from functools import partial
from pathlib import Path

import keras

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.networks.load import load_model
from mgc_keras.studies.choi2017.calibration import batch_independent
from mgc_keras.studies.choi2017.network import convnet
from mgc_keras.studies.choi2017.source import Source
from mgc_keras.studies.choi2017.study import Options
from mgc_keras.studies.choi2017.variants import options_of
from mgc_keras.studies.common.run import Run


def extractors(source: Source, run: Run[Options]) -> dict[tuple[str, str], Extractor]:
    """Return the extractor of each (protocol, kind): trained convnet, random convnet, MFCC.

    Protocols that see the same features share their extractors.
    """
    random = convnet(seed=run.seed + 1)
    mfcc = MfccExtractor()
    networks: dict[bool, dict[str, Extractor]] = {}
    for independent in {protocol.mends("batch-features") for protocol in run.protocols}:
        if independent:
            pair = _independent(source, random, run.jobs)
        else:
            pair = NetworkExtractor(load_model(source.published, output="features")), NetworkExtractor(random)
        networks[independent] = dict(zip(("convnet", "random"), pair)) | {"mfcc": mfcc}
    return {
        (protocol.name, kind): extractor
        for protocol in run.protocols
        for kind, extractor in networks[protocol.mends("batch-features")].items()
    }


def _independent(source: Source, random: keras.Model, jobs: int) -> tuple[NetworkExtractor, NetworkExtractor]:
    """Extract the trained and the random convnet's features, each clip's independent of its batch."""
    # A batch of one normalises a clip by its own statistics. Those of the task's clips together would let test clips
    # shape the features of training clips, and given weights bring no source clips to take population statistics from.
    one_by_one = partial(NetworkExtractor, batch_order="single")
    if source.manifest is None:
        model = load_model(source.corrected, output="features", decibel_reference="clip")
        of_batch = options_of(model).normalization == "batch"
        return one_by_one(model) if of_batch else NetworkExtractor(model), one_by_one(random)
    model = load_model(source.corrected, output="features")
    training_clips = source.manifest.select((source.manifest.table["split"] == "train").to_numpy())
    calibrated = batch_independent(random, training_clips, jobs=jobs)
    return NetworkExtractor(model, weights_file=source.corrected), NetworkExtractor(calibrated)


def export_table(manifest: Manifest, name: str, extractor: Extractor, run: Run[Options]) -> Path:
    """Export ``features/<manifest>_<name>.csv`` of a run, and beside it the clips that failed."""
    stem = run.folder / "features" / f"{manifest.name}_{name}"
    return export_features(manifest, f"{stem}.csv", extractor, jobs=run.jobs, errors_csv=f"{stem}_errors.csv")
