"""The clips of the Asgharivaskasi 2019 study: manifests, features, and what the options default to."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from asgharivaskasi2019_networks import build_image_network, named_as_options
from asgharivaskasi2019_runs import SUB_RUNS, SubRun, chosen, on_clips, on_songs

from mgc_keras.cli.study_data import check_built_in, given_manifests, is_built_in, rendered_manifest
from mgc_keras.data.manifest import Manifest
from mgc_keras.data.tasks import StudyTask, tasks_of
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.evaluation.run_folder import RunWriter
from mgc_keras.features.mfcc_sequences import mfcc_sequences
from mgc_keras.features.pieces import PieceExtractor, mfcc_statistics, waveform_pieces
from mgc_keras.features.sequences import Sequences, export_sequences, read_sequences
from mgc_keras.features.vectors import backbone_vectors, melspectrogram_pieces
from mgc_keras.models.recurrent import N_SECONDS

TASK, SONGS = "genre", "songs"
BACKBONES = ("vgg16", "resnet34")


def resolve_defaults(options: argparse.Namespace) -> None:
    """Fill in the options whose default depends on others, and take those apart that say something of each backbone."""
    unknown = [name for name in options.sub_runs if name not in SUB_RUNS]
    if unknown:
        raise OptionError(f"there is no sub-run {unknown[0]!r}", field="SUB_RUN", cure=f"choose of {', '.join(SUB_RUNS)}")
    names = [name for name in SUB_RUNS if name in (options.sub_runs or SUB_RUNS)]
    options.sub_runs = chosen(names, options.segment)
    needed = sorted({run.network for run in options.sub_runs.values() if run.kind == "image"})
    given = options.backbone_weights or ["none" if is_built_in(options) else "imagenet"]
    options.backbone_weights = _by_backbone(given, "--backbone-weights", "WEIGHTS")
    for name in needed:
        if name not in options.backbone_weights:
            raise OptionError(f"says nothing of {name}", field="--backbone-weights", cure=f"add {name}=WEIGHTS")
    options.trainable_from = _by_backbone(options.trainable_from or (), "--trainable-from", "LAYER")


def _by_backbone(given: Sequence[str], field: str, value_name: str) -> dict[str, str]:
    """Return the value of each backbone, from one value for all or from ``name=value``."""
    if len(given) == 1 and "=" not in given[0]:
        return dict.fromkeys(BACKBONES, given[0])
    values = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or name not in BACKBONES:
            cure = f"give one value for all, or vgg16={value_name} and resnet34={value_name}"
            raise OptionError(f"{one!r} names no backbone", field=field, cure=cure)
        values[name] = value
    return values


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
        sub_runs = options.sub_runs.values()
        clips = [TASK] if any(on_clips(sub_run) for sub_run in sub_runs) else []
        names = options.tasks or [*clips, *([SONGS] if not all(on_clips(sub_run) for sub_run in sub_runs) else [])]
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


def sub_runs_on(manifest: Manifest, options: argparse.Namespace) -> dict[str, SubRun]:
    """Return the sub-runs for a manifest: all that were asked for, but for the built-in corpus' songs and clips."""
    if not is_built_in(options) or options.tasks:
        return options.sub_runs
    of_songs = manifest.name == SONGS
    return {name: run for name, run in options.sub_runs.items() if (on_songs(name, run) if of_songs else on_clips(run))}


def extractors_of(options: argparse.Namespace) -> dict[tuple[SubRun, str], PieceExtractor]:
    """Return what computes the features of every sub-run, by its pieces.

    Raises
    ------
    MgcKerasError
        Weights cannot be had or do not fit, pieces are too short for a backbone, or it has no such layer.
    """
    with named_as_options():
        return {
            (sub_run, pieces): _extractor(sub_run, pieces, options)
            for sub_run in options.sub_runs.values()
            for pieces in sub_run.pieces
        }


def features_of(manifest: Manifest, extractor: PieceExtractor, options: argparse.Namespace, writer: RunWriter) -> Sequences:
    """Export what a sub-run's classifiers see, one matrix a clip, once for all protocols and seeds.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    stem = writer.folder / "features" / f"{manifest.name}_{extractor.name}_{extractor.pieces}"
    errors_csv = Path(f"{stem}_errors.csv")
    path = export_sequences(manifest, Path(f"{stem}.npz"), extractor, jobs=options.jobs, errors_csv=errors_csv)
    sequences = read_sequences(path)
    if not sequences.clip_ids:
        raise ManifestError("no clip could be read", path=manifest.name, field="filepath", cure=f"see {errors_csv}")
    return sequences


def task_of(manifest: Manifest, sequences: Sequences, protocol: str) -> tuple[StudyTask, np.ndarray]:
    """Return the task of the clips that could be read, as a protocol sees it, and their rows in `sequences`."""
    kept = np.isin(manifest.clip_ids, sequences.clip_ids)
    task = tasks_of(manifest)[0].subset(kept).under(protocol)
    place = {clip_id: row for row, clip_id in enumerate(sequences.clip_ids)}
    return task, np.array([place[clip_id] for clip_id in task.clip_ids])


def write_errors(writer: RunWriter) -> None:
    """Gather every clip that could not be read into the run's ``errors.csv``, and say how many there are."""
    rows: dict[str, dict[str, str]] = {}
    for path in sorted((writer.folder / "features").glob("*_errors.csv")):
        for row in pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"):
            rows.setdefault(row["clip_id"], {"clip_id": row["clip_id"], "cause": row["cause"], "cure": row["what_to_do"]})
    writer.errors(rows.values())
    if rows:
        print(f"{len(rows)} clips could not be read and are left out: {writer.folder / 'errors.csv'}")


def _rendered(name: str, options: argparse.Namespace, writer: RunWriter) -> Manifest:
    n_clips = {TASK: options.clips, SONGS: options.songs}.get(name)
    duration = options.song_seconds if name == SONGS else None if options.seconds >= 29 else options.seconds
    return rendered_manifest(name, options, writer, sampling_rate=22050, n_clips=n_clips, duration=duration)


def _extractor(sub_run: SubRun, pieces: str, options: argparse.Namespace) -> PieceExtractor:
    if sub_run.kind == "baseline":
        return mfcc_statistics(pieces, options.seconds)
    if sub_run.kind == "recurrent":
        if options.recurrent_input == "audio":
            return waveform_pieces(pieces, N_SECONDS, options.audio_rate)
        return mfcc_sequences(pieces, options.seconds)
    if options.trainable_from.get(sub_run.network) is not None:
        # A wrong layer, wrong weights or short pieces are told before any clip is read.
        build_image_network(sub_run, 2, options)
        return melspectrogram_pieces(pieces, options.seconds)
    weights = options.backbone_weights[sub_run.network]
    return backbone_vectors(
        sub_run.network, pieces=pieces, seconds=options.seconds, weights=weights, seed=options.seed
    )
