"""The clips of the Asgharivaskasi 2019 study: manifests, features, and what the options default to."""

import argparse
from pathlib import Path

from asgharivaskasi2019_runs import ON_SONGS, SUB_RUNS, SubRun

from mgc_keras.cli.named_values import named_values
from mgc_keras.cli.study_data import check_built_in, given_manifests, is_built_in, rendered_manifest
from mgc_keras.data.manifest import Manifest
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.evaluation.run_folder import RunWriter
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.mfcc_sequences import MfccSequences
from mgc_keras.features.pieces import mfcc_statistics
from mgc_keras.features.sequences import Sequences, export_sequences, read_sequences
from mgc_keras.features.vectors import backbone_vectors

TASK, SONGS = "genre", "songs"
BACKBONES = ("vgg16", "resnet34")


def resolve_defaults(options: argparse.Namespace) -> None:
    """Fill in the options whose default depends on others, and take `--backbone-weights` apart."""
    unknown = [name for name in options.sub_runs if name not in SUB_RUNS]
    if unknown:
        raise OptionError(f"there is no sub-run {unknown[0]!r}", field="SUB_RUN", cure=f"choose of {', '.join(SUB_RUNS)}")
    options.sub_runs = [name for name in SUB_RUNS if name in (options.sub_runs or SUB_RUNS)]
    given = options.backbone_weights or ["none" if is_built_in(options) else "imagenet"]
    needed = {SUB_RUNS[name].network for name in options.sub_runs if SUB_RUNS[name].kind == "image"}
    weights = named_values(given, BACKBONES, "--backbone-weights", needed=needed, metavar="WEIGHTS", what="backbone")
    options.backbone_weights = weights


def study_manifests(options: argparse.Namespace, writer: RunWriter) -> list[Manifest]:
    """Read the manifests, or render the built-in corpus' genres.

    Raises
    ------
    OptionError
        There is no manifest, or no such built-in task.
    ManifestError
        A manifest breaks the schema, or has fewer than two classes.
    """
    if is_built_in(options):
        songs = [SONGS] if "vgg16-segmented" in options.sub_runs else []
        names = options.tasks or [*([TASK] if options.sub_runs != ["vgg16-segmented"] else []), *songs]
        for name in names:
            check_built_in(name)
        manifests = [_rendered(name, options, writer) for name in names]
    else:
        manifests = given_manifests(options)
    for manifest in manifests:
        if len(manifest.class_names) < 2:
            cure = "add a label column"
            raise ManifestError("names fewer than two classes", path=manifest.name, field="label", cure=cure)
    return manifests


def sub_runs_on(manifest: Manifest, options: argparse.Namespace) -> list[str]:
    """Name the sub-runs for a manifest: all that were asked for, but for the built-in corpus' songs and clips."""
    if not is_built_in(options) or options.tasks:
        return options.sub_runs
    if manifest.name == SONGS:
        return [name for name in ON_SONGS if name in options.sub_runs]
    return [name for name in options.sub_runs if name != "vgg16-segmented"]


def features_of(
    sub_run: SubRun, pieces: str, manifest: Manifest, options: argparse.Namespace, writer: RunWriter
) -> Sequences:
    """Export what a sub-run's classifiers see, one matrix a clip, once for all protocols and seeds.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    extractor = _extractor(sub_run, pieces, options)
    stem = writer.folder / "features" / f"{manifest.name}_{extractor.name}_{pieces}"
    errors_csv = Path(f"{stem}_errors.csv")
    path = export_sequences(manifest, Path(f"{stem}.npz"), extractor, jobs=options.jobs, errors_csv=errors_csv)
    sequences = read_sequences(path)
    if not sequences.clip_ids:
        raise ManifestError("no clip could be read", path=manifest.name, field="filepath", cure=f"see {errors_csv}")
    return sequences


def _rendered(name: str, options: argparse.Namespace, writer: RunWriter) -> Manifest:
    n_clips = {TASK: options.clips, SONGS: options.songs}.get(name)
    duration = options.song_seconds if name == SONGS else None if options.seconds >= 29 else options.seconds
    return rendered_manifest(name, options, writer, sampling_rate=22050, n_clips=n_clips, duration=duration)


def _extractor(sub_run: SubRun, pieces: str, options: argparse.Namespace) -> Extractor:
    if sub_run.kind == "baseline":
        return mfcc_statistics(pieces, options.seconds)
    if sub_run.kind == "recurrent":
        return MfccSequences(options.seconds)
    weights = options.backbone_weights[sub_run.network]
    return backbone_vectors(
        sub_run.network, pieces=pieces, seconds=options.seconds, weights=weights, seed=options.seed
    )
