"""The networks of the study, trained or given, and random; and the extractors of their features."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import Manifest, check_source_manifest, read_manifest
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.intervals import macro_auc_interval
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.melspectrogram_cache import SourceClips, share_clips, source_clips
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.network import NetworkExtractor, find_weights
from mgc_keras.files import whole_file
from mgc_keras.networks.load import load_model
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.runs.rows import ScoreRow
from mgc_keras.studies.choi2017.calibration import N_CALIBRATION_CLIPS, calibrate, independent_extractor
from mgc_keras.studies.choi2017.network import (
    EXCERPT_FRAMES,
    N_SAMPLES,
    SAMPLING_RATE,
    convnet,
    excerpt_tagger,
    melspectrogram_layer,
    with_variant,
)
from mgc_keras.studies.choi2017.study import Options
from mgc_keras.studies.common.run import Run
from mgc_keras.training.stepping import Scorer
from mgc_keras.training.strategies import Workers
from mgc_keras.training.tagger import TaggerSettings, train_tagger, write_tag_scores
from mgc_keras.work import FailedClip

# Each clip's own maximum is 0 dB: a reference taken from the batch would change with every shuffle.
_clip_tagger = partial(convnet, output="tags", decibel_reference="clip", input="melspectrogram")


@dataclass(frozen=True)
class Source:
    """The source network of a run.

    Parameters
    ----------
    published : str or Path
        Weight file of the network that normalises by the batch at hand, as the original.
    corrected : str or Path
        Of the one with population statistics: a clip's features do not depend on others. A given file is both.
    calibration : Clips, Manifest or None
        Clips that no task tests, to calibrate networks without statistics on: those of the training where there was
        one, else those that were given.
    """

    published: str | Path
    corrected: str | Path
    calibration: Clips | Manifest | None = None


def check_source(run: Run[Options]) -> None:
    """Refuse a wrong weight file, manifest, folder or training option before any clip is rendered or read."""
    options = run.options
    _settings(options)
    if options.data.calibrate_on:
        list_clips(options.data.calibrate_on)
    if options.data.source_weights:
        load_model(options.data.source_weights)
    elif options.data.source_manifest:
        check_source_manifest(read_manifest(options.data.source_manifest, options.run.data_home))
    else:
        run.check_source_clips(options.training.source_clips)


def _settings(options: Options) -> TaggerSettings:
    training = options.training
    return TaggerSettings(
        training.epochs,
        training.batch_size,
        training.learning_rate,
        excerpt_frames=0 if training.whole_clips else EXCERPT_FRAMES,
        seed=options.run.seed,
    )


def source_network(run: Run[Options], workers: Workers) -> Source:
    """Train the source tagger in ``training/`` and add its AUC to the scores, or take the weights that were given.

    A finished training is not repeated. It leaves ``source_tagger_batch_statistics.h5`` and ``source_tagger.h5``, the
    published and the corrected network; ``history.csv``, one row an epoch; ``validation.csv`` with clip_id,
    truth_<tag> and score_<tag> of the corrected network; and, while it lasts, the mel-spectrograms (0.26 MB a clip).

    Raises
    ------
    ManifestError
        There are no columns `label_<tag>`, or no `split` into "train" and "valid".
    """
    data = run.options.data
    if data.source_weights:
        weights = find_weights(data.source_weights)
        return Source(weights, weights, list_clips(data.calibrate_on) if data.calibrate_on else None)
    if data.source_manifest:
        manifest = read_manifest(data.source_manifest, run.shared.data_home)
    else:
        manifest = run.rendered("tagging", SAMPLING_RATE, run.options.training.source_clips)
    folder = run.folder / "training"
    source = Source(folder / "source_tagger_batch_statistics.h5", folder / "source_tagger.h5")
    validation_csv = folder / "validation.csv"
    with workers:
        if validation_csv.exists():
            share_clips(None, workers)
        else:
            _train(manifest, source, validation_csv, _settings(run.options), run.jobs, workers)
    validation = pd.read_csv(validation_csv)
    truth, scores = (validation.filter(regex=f"^{kind}_").to_numpy() for kind in ("truth", "score"))
    found = macro_auc_interval(truth, scores)
    ends = (found.score, found.low, found.high)
    run.add_scores([ScoreRow(run.study.key, "source", "tags", "corrected", "auc", *ends, np.nan, len(truth))])
    return replace(source, calibration=manifest.select((manifest.table["split"] == "train").to_numpy()))


def refuse_tested_clips(source: Source, manifests: Iterable[Manifest]) -> None:
    """Raise `OptionError` where clips to calibrate on are clips of a task, some of which are always tested."""
    if not isinstance(source.calibration, Clips):
        return
    calibrating = {path.resolve() for path in source.calibration.paths}
    for manifest in manifests:
        if shared := [path for path in manifest.filepaths if Path(path).resolve() in calibrating]:
            problem = f"holds {len(shared)} clips of {manifest.name}, such as {shared[0]}, which are tested"
            raise OptionError(problem, field="--calibrate-on", cure="give other clips")


def train_with_the_chief(run: Run[Options], workers: Workers) -> None:
    """Take part in the training of the source tagger, if the chief has not finished it yet."""
    with workers:
        if clips := share_clips(None, workers):
            _tagger(clips, run.place / "training", _settings(run.options), workers)


def _tagger(clips: SourceClips, folder: Path, settings: TaggerSettings, workers: Workers) -> keras.Model:
    return train_tagger(
        partial(_untrained, len(clips.tags), settings),
        clips.examples,
        clips.validation,
        folder=folder,
        score=lambda truth, scores: macro_auc(truth, scores).score,
        settings=settings,
        workers=workers,
    ).model


def _train(
    manifest: Manifest, source: Source, validation_csv: Path, settings: TaggerSettings, jobs: int, workers: Workers
) -> None:
    folder = validation_csv.parent
    with source_clips(manifest, folder, melspectrogram_layer(), N_SAMPLES, jobs=jobs) as clips:
        share_clips(clips, workers)
        examples, validation, n_tags = clips.examples, clips.validation, len(clips.tags)
        model = _tagger(clips, folder, settings, workers)
        whole_clip_tagger = set_tensors(_clip_tagger(n_tags=n_tags, normalization="batch"), tensors_of(model))
        drawn = np.random.default_rng(settings.seed).permutation(examples.rows[~validation])[:N_CALIBRATION_CLIPS]
        tagger = calibrate(whole_clip_tagger, examples.values[np.sort(drawn)].astype(np.float32))
        published = with_variant(tagger, normalization="batch", decibel_reference="batch", input="waveform")
        _save(published, source.published)
        _save(with_variant(tagger, input="waveform"), source.corrected)
        held_out = np.flatnonzero(validation)
        write_tag_scores(
            validation_csv,
            np.asarray(manifest.clip_ids)[examples.rows[held_out]],
            clips.tags,
            examples.targets[held_out],
            Scorer(tagger).scores(examples, held_out, batch_size=16),
        )


def _untrained(n_tags: int, settings: TaggerSettings) -> keras.Model:
    if settings.excerpt_frames:
        return excerpt_tagger(n_tags, seed=settings.seed)
    return _clip_tagger(n_tags=n_tags, normalization="population", seed=settings.seed)


def _save(model: keras.Model, path: str | Path) -> None:
    with whole_file(path) as temporary:
        model.save(temporary)


def extractors(source: Source, run: Run[Options]) -> dict[tuple[str, str], Extractor]:
    """Return the extractor of each (protocol, kind): trained convnet, random convnet, MFCC.

    Protocols that see the same features share their extractors. Clips to calibrate on that cannot be read go into the
    run's ``errors.csv``.
    """
    random, mfcc = convnet(seed=run.seed + 1), MfccExtractor()
    networks: dict[bool, dict[str, Extractor]] = {}
    failed: dict[str, FailedClip] = {}
    for independent in {protocol.mends("batch-features") for protocol in run.protocols}:
        if independent:
            trained = load_model(source.corrected, output="features")
            pair = (
                independent_extractor(trained, source.calibration, jobs=run.jobs, weights_file=source.corrected),
                independent_extractor(random, source.calibration, jobs=run.jobs),
            )
        else:
            pair = NetworkExtractor(load_model(source.published, output="features")), NetworkExtractor(random)
        for extractor in pair:
            failed |= {clip["clip_id"]: FailedClip(**clip) for clip in (extractor.calibration or {}).get("failed", ())}
        networks[independent] = dict(zip(("convnet", "random"), pair)) | {"mfcc": mfcc}
    if failed:
        run.leave_out(failed.values())
    return {
        (protocol.name, kind): extractor
        for protocol in run.protocols
        for kind, extractor in networks[protocol.mends("batch-features")].items()
    }


def export_table(manifest: Manifest, name: str, extractor: Extractor, run: Run[Options]) -> Path:
    """Export ``features/<manifest>_<name>.csv`` of a run, and beside it the clips that failed."""
    stem = run.folder / "features" / f"{manifest.name}_{name}"
    data = run.options.data
    return export_features(
        manifest,
        f"{stem}.csv",
        extractor,
        jobs=run.jobs,
        window=data.window,
        hop=data.hop,
        errors_csv=f"{stem}_errors.csv",
    )
