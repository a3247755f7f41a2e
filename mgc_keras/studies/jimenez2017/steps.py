"""The steps of the Jiménez and José 2017 study: excerpts, both ways of training, songs judged in every way."""

from functools import partial

import keras
import numpy as np
import pandas as pd

from mgc_keras.answers.votes import Neighbours, chosen_genres, song_votes
from mgc_keras.audio.spans import Excerpts
from mgc_keras.checks import checked_choice
from mgc_keras.datasets.holdout import holdout_fold, stratified_holdout
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import INNER_FOLDS, Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.features.clips import list_clips
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.songs import BATCH_SIZE
from mgc_keras.protocols import Protocol
from mgc_keras.studies.common.run import Run, task_of
from mgc_keras.studies.jimenez2017.excerpts import SongExcerpts, export_song_excerpts
from mgc_keras.studies.jimenez2017.network import EXCERPT_SECONDS, SAMPLING_RATE
from mgc_keras.studies.jimenez2017.study import SUB_RUNS, Options
from mgc_keras.studies.jimenez2017.trainer import Trainer, start_network
from mgc_keras.studies.jimenez2017.variants import TRAINABLE_FROM, split_at, with_head
from mgc_keras.studies.jimenez2017.votes import AVERAGES, CENTRE, EXCERPTS

# Fixed before any score was seen; those of sub-runs that are not there are left out.
PAIRS = (
    *((f"{sub_run}-{average}", f"{sub_run}-{CENTRE}") for sub_run in SUB_RUNS for average in AVERAGES),
    ("finetune-mean", "extractor-mean"),
)


def run(run: Run[Options]) -> None:
    """Run every sub-run under every protocol, and test several excerpts against one, and fine-tuning against none."""
    from_layer = run.options.network.from_layer
    checked_choice("--from-layer", from_layer, TRAINABLE_FROM)
    # Wrong manifests and weights are refused before anything is trained.
    if not run.options.network.weights:
        run.check_source_clips(run.options.network.source_clips)
    manifests = song_manifests(run)
    run.check_tasks(manifests, lambda task, protocol: folds_of(task, protocol, run))
    network = start_network(run)
    # Whatever head the network has or takes, the layers below are the same.
    below = split_at(with_head(network, ("one", "other")), from_layer)[0]
    several = False
    for manifest in manifests:
        excerpts = excerpts_of(manifest, below, run)
        _run_task(manifest, network, excerpts, run)
        if not excerpts.n_several:
            print(f"{manifest.name}: every song has one excerpt, which tells nothing of several excerpts against one")
        several |= excerpts.n_several > 0
    run.compare(pairs_of(several))


def pairs_of(several: bool) -> tuple[tuple[str, str], ...]:
    """Return the pairs to test; where no song has `several` excerpts, none that holds them against the centre's.

    These two differ by where the one excerpt begins, and by nothing that the paper speaks of.
    """
    return tuple(pair for pair in PAIRS if several or not pair[1].endswith(f"-{CENTRE}"))


def song_manifests(run: Run[Options]) -> list[Manifest]:
    """Read the manifests, or render whole songs of the built-in corpus; see `Run.manifests` for the errors."""
    songs = run.options.songs
    rendered = partial(run.rendered, sampling_rate=SAMPLING_RATE, n_clips=songs.songs, duration=songs.song_seconds)
    return run.manifests(["songs"], rendered, classified=True)


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


def _run_task(manifest: Manifest, network: keras.Model, excerpts: SongExcerpts, run: Run[Options]) -> None:
    tasks = {
        protocol: task_of(manifest, excerpts.clip_ids, protocol.mends("fault-filtered-split"))
        for protocol in run.protocols
    }
    # All of them at once: songs that cannot be split are told before anything is trained.
    folds = {protocol.name: folds_of(task, protocol, run) for protocol, (task, _) in tasks.items()}
    for protocol, (task, _) in tasks.items():
        run.note_task(task, protocol, [fold.test for fold in folds[protocol.name]])
    for sub_run in run.options.choice.sub_runs:
        for protocol, (task, kept) in tasks.items():
            tables: dict[str, list[pd.DataFrame]] = {}
            for fold in folds[protocol.name]:
                trainer = Trainer(sub_run, network, task, kept, excerpts, protocol, run.options)
                name = f"{task.name}__{sub_run}__{protocol.name}__fold{fold.number}"
                trainer.train(fold, run.folder / "training" / name)
                neighbours = trainer.neighbours(fold)
                for feature, table in _predictions(trainer, neighbours, task, fold, run.options.songs.k).items():
                    tables.setdefault(f"{sub_run}-{feature}", []).append(table)
                # One network a sub-run: the corrected protocol's first, where it is run.
                if fold.number == 0 and protocol == run.headline:
                    calibration = trainer.calibration(fold, neighbours)
                    path = trainer.save(run.folder / f"{task.name}__{sub_run}.h5", neighbours, calibration)
                    run.results.append((f"model for mgc-keras classify --weights, {sub_run} on {task.name}", path))
            for feature, parts in tables.items():
                # Excerpts of one song are drawn together under every protocol.
                grouped = True if feature.endswith(EXCERPTS) else None
                run.score(task.name, feature, protocol, pd.concat(parts, ignore_index=True), grouped=grouped)


def _predictions(
    trainer: Trainer, neighbours: Neighbours, task: StudyTask, fold: Fold, k: int
) -> dict[str, pd.DataFrame]:
    """Return the predictions of a fold's test songs in every way, and those of their excerpts."""
    song, scores = trainer.scores(fold.test)
    names = np.asarray(trainer.names)
    means = song_votes(song, scores, "mean", names=trainer.names)
    chosen = {CENTRE: trainer.scores(fold.test, centre=True)[1].argmax(axis=1)}
    for average in AVERAGES:
        votes = song_votes(song, scores, average, names=trainer.names, neighbours=neighbours, k=k)
        chosen[average] = chosen_genres(votes, means)
    tables = {name: _table(task, fold, fold.test, names[columns]) for name, columns in chosen.items()}
    excerpts = _table(task, fold, fold.test[song], names[scores.argmax(axis=1)])
    # Excerpts of one song are no independent witnesses: each is of its song's group, or of its song.
    excerpts["group"] = excerpts.get("group", excerpts["clip_id"])
    number = excerpts.groupby("clip_id").cumcount().astype(str)
    return tables | {EXCERPTS: excerpts.assign(clip_id=excerpts["clip_id"] + "#" + number)}


def _table(task: StudyTask, fold: Fold, songs: np.ndarray, prediction: np.ndarray) -> pd.DataFrame:
    columns = {"clip_id": np.asarray(task.clip_ids)[songs], "fold": fold.number, "truth": task.target[songs]}
    groups = {} if task.groups is None else {"group": task.groups[songs]}
    return pd.DataFrame({**columns, "prediction": prediction, **groups})
