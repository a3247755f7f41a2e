"""The songs of the Jiménez and José 2017 study: manifests, excerpts, and how protocols split them."""

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
from mgc_keras.protocols import Protocol
from mgc_keras.studies.common.run import Run
from mgc_keras.studies.jimenez2017.excerpts import SongExcerpts, export_song_excerpts
from mgc_keras.studies.jimenez2017.network import EXCERPT_SECONDS, SAMPLING_RATE
from mgc_keras.studies.jimenez2017.study import Options

TASK = "songs"


def song_manifests(run: Run[Options]) -> list[Manifest]:
    """Read the manifests, or render whole songs of the built-in corpus; see `Run.manifests` for the errors."""
    songs = run.options.songs

    def rendered(name: str) -> Manifest:
        return run.rendered(name, SAMPLING_RATE, songs.songs, songs.song_seconds)

    return run.manifests([TASK], rendered, classified=True)


def excerpts_of(manifest: Manifest, below: keras.Model, run: Run[Options]) -> SongExcerpts:
    """Compute what the frozen layers give for every excerpt, once for all sub-runs; say what fell back."""
    extractor = NetworkExtractor(
        below, fit="zero_pad", columns=(), batch_size=BATCH_SIZE, fill_batches=False, name=below.name
    )
    folder = run.folder / "excerpts" / manifest.name
    excerpts = Excerpts(EXCERPT_SECONDS, run.options.songs.drop)
    found = export_song_excerpts(list_clips(manifest), folder, extractor, excerpts, jobs=run.jobs)
    for clip_id, note in list(found.notes.items())[:5]:
        print(f"{clip_id}: {note}")
    if len(found.notes) > 5:
        print(f"… and so for {len(found.notes) - 5} more of the {len(found.clip_ids)} songs of {manifest.name}")
    return found


def folds_of(task: StudyTask, protocol: Protocol, run: Run[Options]) -> list[Fold]:
    """Return the one split of the published protocol, or the folds of the corrected one.

    Raises
    ------
    OptionError
        There are too few songs, or artists, of a class.
    """
    songs, grouped = run.options.songs, protocol.mends("artists-together")
    validation = protocol.mends("validation-songs")
    if not protocol.mends("every-song-tested"):
        return [holdout_fold(task, grouped=grouped, validation=validation, share=songs.share, seed=run.seed)]
    number_of = task.folds(grouped, run.seed, songs.corrected_folds)
    folds = []
    for number in np.unique(number_of[number_of >= 0]):
        training, chooses = np.flatnonzero(number_of != number), np.empty(0, dtype=int)
        if validation:
            groups = task.groups[training] if grouped and task.groups is not None else None
            labels, seed = task.target[training], (run.seed, int(number))
            held_out = stratified_holdout(labels, groups, share=1 / INNER_FOLDS, seed=seed)
            training, chooses = training[~held_out], training[held_out]
        folds.append(Fold(0, int(number), training, chooses, np.flatnonzero(number_of == number)))
    return folds
