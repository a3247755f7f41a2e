"""The clips of the Asgharivaskasi 2019 study: manifests, features, and what the options default to."""

import argparse
from functools import partial
from pathlib import Path

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.features.backbone import backbone_vectors, melspectrogram_segments
from mgc_keras.features.export import export_features
from mgc_keras.features.segments import SegmentExtractor
from mgc_keras.features.sequences import Sequences, read_sequences
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.asgharivaskasi2019.features import mfcc_sequences, mfcc_statistics, waveform_segments
from mgc_keras.studies.asgharivaskasi2019.networks import build_image_network, named_as_options
from mgc_keras.studies.asgharivaskasi2019.recurrent_network import N_SECONDS
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SUB_RUNS, SubRun, chosen, on_clips, on_songs
from mgc_keras.studies.common.manifests import check_two_classes, is_built_in, rendered_manifest, study_manifests
from mgc_keras.studies.common.options import named_values

TASK, SONGS = "genre", "songs"
BACKBONES = ("vgg16", "resnet34")


def resolve_defaults(options: argparse.Namespace) -> None:
    """Fill in the options whose default depends on others, and take those apart that say something of each backbone."""
    unknown = [name for name in options.sub_runs if name not in SUB_RUNS]
    if unknown:
        raise OptionError(
            f"there is no sub-run {unknown[0]!r}", field="SUB_RUN", cure=f"choose of {', '.join(SUB_RUNS)}"
        )
    names = [name for name in SUB_RUNS if name in (options.sub_runs or SUB_RUNS)]
    options.sub_runs = chosen(names, options.segment)
    needed = sorted({run.network for run in options.sub_runs.values() if run.kind == "image"})
    given = options.backbone_weights or ["none" if is_built_in(options) else "imagenet"]
    by_backbone = partial(named_values, names=BACKBONES, what="backbone")
    options.backbone_weights = by_backbone(given, field="--backbone-weights", needed=needed, metavar="WEIGHTS")
    options.trainable_from = by_backbone(
        options.trainable_from or (), field="--trainable-from", needed=(), metavar="LAYER"
    )


def genre_manifests(options: argparse.Namespace, writer: RunWriter) -> list[Manifest]:
    """Read the manifests, or render the built-in corpus' genres and songs, as sub-runs need them.

    Raises
    ------
    OptionError
        There is no manifest, or no such built-in task.
    ManifestError
        A manifest breaks the schema, or has fewer than two classes.
    """
    sub_runs = options.sub_runs.values()
    clips = [TASK] if any(on_clips(sub_run) for sub_run in sub_runs) else []
    songs = [SONGS] if not all(on_clips(sub_run) for sub_run in sub_runs) else []
    manifests = study_manifests(options, clips + songs, lambda name: _rendered(name, options, writer))
    for manifest in manifests:
        check_two_classes(manifest)
    return manifests


def sub_runs_on(manifest: Manifest, options: argparse.Namespace) -> dict[str, SubRun]:
    """Return the sub-runs for a manifest: all that were asked for, but for the built-in corpus' songs and clips."""
    if not is_built_in(options) or options.tasks:
        return options.sub_runs
    of_songs = manifest.name == SONGS
    return {name: run for name, run in options.sub_runs.items() if (on_songs(name, run) if of_songs else on_clips(run))}


def extractors_of(options: argparse.Namespace) -> dict[tuple[SubRun, str], SegmentExtractor]:
    """Return what computes the features of every sub-run, by its segments.

    Raises
    ------
    MgcKerasError
        Weights cannot be had or do not fit, segments are too short for a backbone, or it has no such layer.
    """
    with named_as_options():
        return {
            (sub_run, segments): _extractor(sub_run, segments, options)
            for sub_run in options.sub_runs.values()
            for segments in sub_run.segments
        }


def features_of(
    manifest: Manifest, extractor: SegmentExtractor, options: argparse.Namespace, writer: RunWriter
) -> Sequences:
    """Export what a sub-run's classifiers see, one matrix a clip, once for all protocols and seeds.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    stem = writer.folder / "features" / f"{manifest.name}_{extractor.name}_{extractor.segments}"
    errors_csv = Path(f"{stem}_errors.csv")
    path = export_features(manifest, Path(f"{stem}.npz"), extractor, jobs=options.jobs, errors_csv=errors_csv)
    sequences = read_sequences(path)
    if not sequences.clip_ids:
        raise ManifestError("no clip could be read", path=manifest.name, field="filepath", cure=f"see {errors_csv}")
    return sequences


def _rendered(name: str, options: argparse.Namespace, writer: RunWriter) -> Manifest:
    n_clips = {TASK: options.clips, SONGS: options.songs}.get(name)
    duration = options.song_seconds if name == SONGS else None if options.seconds >= 29 else options.seconds
    return rendered_manifest(name, options, writer, sampling_rate=22050, n_clips=n_clips, duration=duration)


def _extractor(sub_run: SubRun, segments: str, options: argparse.Namespace) -> SegmentExtractor:
    if sub_run.kind == "baseline":
        return mfcc_statistics(segments, options.seconds)
    if sub_run.kind == "recurrent":
        if options.recurrent_input == "audio":
            return waveform_segments(segments, N_SECONDS, options.audio_rate)
        return mfcc_sequences(segments, options.seconds)
    if options.trainable_from.get(sub_run.network) is not None:
        # A wrong layer, wrong weights or short segments are told before any clip is read.
        build_image_network(sub_run, 2, options)
        return melspectrogram_segments(segments, options.seconds)
    weights = options.backbone_weights[sub_run.network]
    return backbone_vectors(
        sub_run.network, segments=segments, seconds=options.seconds, weights=weights, seed=options.seed
    )
