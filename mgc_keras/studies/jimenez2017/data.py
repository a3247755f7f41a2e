"""The songs of the Jiménez and José 2017 study: manifests, excerpts, and how protocols split them."""

import argparse

import keras
import numpy as np

from mgc_keras.audio.spans import Excerpts
from mgc_keras.datasets.holdout import holdout_fold, stratified_holdout
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import INNER_FOLDS, Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.features.clips import list_clips
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.songs import BATCH_SIZE
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.manifests import check_two_classes, rendered_manifest, study_manifests
from mgc_keras.studies.jimenez2017.excerpts import SongExcerpts, export_song_excerpts
from mgc_keras.studies.jimenez2017.network import EXCERPT_SECONDS, SAMPLING_RATE

TASK = "songs"
# Of the corrected protocol: 20 songs of 30 to learn from, as in the study.
N_FOLDS = 3


def song_manifests(options: argparse.Namespace, writer: RunWriter) -> list[Manifest]:
    """Read the manifests, or render whole songs of the built-in corpus.

    Raises
    ------
    OptionError
        There is no manifest, or no such built-in task.
    ManifestError
        A manifest breaks the schema, or has fewer than two classes.
    """

    def rendered(name: str) -> Manifest:
        rate, length = SAMPLING_RATE, options.song_seconds
        return rendered_manifest(name, options, writer, sampling_rate=rate, n_clips=options.songs, duration=length)

    manifests = study_manifests(options, [TASK], rendered)
    for manifest in manifests:
        check_two_classes(manifest)
    return manifests


def excerpts_of(manifest: Manifest, below: keras.Model, options: argparse.Namespace, writer: RunWriter) -> SongExcerpts:
    """Compute what the frozen layers say of every excerpt, once for all protocols and sub-runs; say what fell back."""
    extractor = NetworkExtractor(
        below, fit="zero_pad", columns=(), batch_size=BATCH_SIZE, fill_batches=False, name=below.name
    )
    folder = writer.folder / "excerpts" / manifest.name
    excerpts = Excerpts(EXCERPT_SECONDS, options.drop)
    found = export_song_excerpts(list_clips(manifest), folder, extractor, excerpts, jobs=options.jobs)
    for clip_id, note in list(found.notes.items())[:5]:
        print(f"{clip_id}: {note}")
    if len(found.notes) > 5:
        print(f"… and so for {len(found.notes) - 5} more of the {len(found.clip_ids)} songs of {manifest.name}")
    return found


def folds_of(task: StudyTask, protocol: str, options: argparse.Namespace) -> list[Fold]:
    """Return the one split of the published protocol, or the folds of the corrected one.

    Raises
    ------
    OptionError
        There are too few songs, or artists, of a class.
    """
    if protocol == "published":
        return [holdout_fold(task, protocol, share=options.share, seed=options.seed)]
    number_of = task.folds(protocol, options.seed, options.corrected_folds or N_FOLDS)
    folds = []
    for number in np.unique(number_of[number_of >= 0]):
        rest = np.flatnonzero(number_of != number)
        groups = None if task.groups is None else task.groups[rest]
        chooses = stratified_holdout(task.target[rest], groups, share=1 / INNER_FOLDS, seed=(options.seed, int(number)))
        folds.append(Fold(0, int(number), rest[~chooses], rest[chooses], np.flatnonzero(number_of == number)))
    return folds
