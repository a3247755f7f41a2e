"""The steps of the Jiménez and José 2017 study, in the order in which `jimenez2017.py` takes them."""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mgc_keras.audio.windows import Excerpts
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import OptionError
from mgc_keras.runs.summary import compare_features, score_row
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.exports import task_of
from mgc_keras.studies.jimenez2017.data import excerpts_of, folds_of
from mgc_keras.studies.jimenez2017.network import EXCERPT_SECONDS
from mgc_keras.studies.jimenez2017.network_parts import TRAINABLE_FROM, split_at, with_genre_head
from mgc_keras.studies.jimenez2017.paper import PAPER
from mgc_keras.studies.jimenez2017.trainer import Trainer
from mgc_keras.studies.jimenez2017.votes import AVERAGES, CENTRE, EXCERPTS, Neighbours, chosen_genres, song_votes

Rows = list[dict[str, Any]]
Tables = dict[str, list[pd.DataFrame]]


def check_options(options: argparse.Namespace, known: tuple[str, ...]) -> None:
    """Refuse options that make no sense before any song is rendered or read; fill in the sub-runs."""
    unknown = [name for name in options.sub_runs if name not in known]
    if unknown:
        raise OptionError(f"there is no sub-run {unknown[0]!r}", field="SUB_RUN", cure=f"choose of {', '.join(known)}")
    options.sub_runs = [name for name in known if name in (options.sub_runs or known)]
    if options.from_layer not in TRAINABLE_FROM:
        cure = f"choose one of {', '.join(TRAINABLE_FROM)}"
        raise OptionError(f"there is no layer {options.from_layer!r}", field="--from-layer", cure=cure)
    for name in ("songs", "k", "source_clips", "epochs", "batch_size", "source_epochs"):
        if getattr(options, name) < 1:
            raise OptionError("must be 1 or more", field=f"--{name.replace('_', '-')}")
    if not 0 < options.share < 1:
        raise OptionError("must lie between 0 and 1", field="--share")
    if options.song_seconds is not None and options.song_seconds <= 0:
        raise OptionError("must be above 0", field="--song-seconds")
    if options.learning_rate <= 0:
        raise OptionError("must be above 0", field="--learning-rate")
    Excerpts(EXCERPT_SECONDS, options.drop)


def run_all(
    study: str, manifests: list[Manifest], network: keras.Model, options: argparse.Namespace, writer: RunWriter
) -> tuple[Rows, list[Path]]:
    """Run every sub-run under every protocol; return the rows of ``scores.csv`` and the models saved.

    Rows of a sub-run that an earlier command left in the folder stay.
    """
    rows: Rows = []
    models = []
    # Whatever head the network has or takes, the layers below are the same.
    below = split_at(with_genre_head(network, ("one", "other")), options.from_layer)[0]
    for manifest in manifests:
        excerpts = excerpts_of(manifest, below, options, writer)
        protocols = ("published", "corrected") if options.protocol == "both" else (options.protocol,)
        tasks = {protocol: task_of(manifest, excerpts, protocol) for protocol in protocols}
        # All of them at once: songs that cannot be split are told before anything is trained.
        folds = {protocol: folds_of(task, protocol, options) for protocol, (task, _) in tasks.items()}
        for sub_run in options.sub_runs:
            for protocol, (task, kept) in tasks.items():
                tables: Tables = {}
                for fold in folds[protocol]:
                    trainer = Trainer(sub_run, network, task, kept, excerpts, protocol, options)
                    trainer.train(
                        fold, writer.folder / "training" / f"{task.name}__{sub_run}__{protocol}__fold{fold.number}"
                    )
                    neighbours = trainer.neighbours(fold)
                    for name, table in _predictions(trainer, neighbours, task, fold, options).items():
                        tables.setdefault(f"{sub_run}-{name}", []).append(table)
                    # One network a sub-run: the corrected protocol's first, where it is run.
                    if fold.number == 0 and protocol in ("corrected", options.protocol):
                        models.append(trainer.save(writer.folder / f"{task.name}__{sub_run}.h5", neighbours))
                rows = writer.add_scores(_scored(study, task, protocol, tables, options, writer))
    return rows, models


def compare(rows: Rows, sub_runs: tuple[str, ...], options: argparse.Namespace, writer: RunWriter) -> None:
    """Write the paired tests, on the same songs: several excerpts against the centre, and fine-tuning against none."""
    # Fixed before any score was seen; those of sub-runs that are not there are left out.
    pairs = [(f"{sub_run}-{average}", f"{sub_run}-{CENTRE}") for sub_run in sub_runs for average in AVERAGES]
    pairs.append(("finetune-mean", "extractor-mean"))
    grouped = {"corrected": True}
    writer.comparisons(compare_features(writer.folder, rows, pairs, grouped=grouped, seed=options.seed))


def _predictions(
    trainer: Trainer, neighbours: Neighbours, task: StudyTask, fold: Fold, options: argparse.Namespace
) -> dict[str, pd.DataFrame]:
    """Return the predictions of a fold's test songs in every way, and those of their excerpts."""
    song, scores = trainer.scores(fold.test)
    names = np.asarray(trainer.names)
    means = song_votes(song, scores, "mean", names=trainer.names)
    said = {CENTRE: trainer.scores(fold.test, centre=True)[1].argmax(axis=1)}
    for average in AVERAGES:
        votes = song_votes(song, scores, average, names=trainer.names, neighbours=neighbours, k=options.k)
        said[average] = chosen_genres(votes, means)
    tables = {name: _table(task, fold, fold.test, names[columns]) for name, columns in said.items()}
    excerpts = _table(task, fold, fold.test[song], names[scores.argmax(axis=1)])
    # Excerpts of one song are no independent witnesses: each is of its song's group, or of its song.
    excerpts["group"] = excerpts.get("group", excerpts["clip_id"])
    number = excerpts.groupby("clip_id").cumcount().astype(str)
    return tables | {EXCERPTS: excerpts.assign(clip_id=excerpts["clip_id"] + "#" + number)}


def _table(task: StudyTask, fold: Fold, songs: np.ndarray, prediction: np.ndarray) -> pd.DataFrame:
    columns = {"clip_id": np.asarray(task.clip_ids)[songs], "fold": fold.number, "truth": task.target[songs]}
    groups = {} if task.groups is None else {"group": task.groups[songs]}
    return pd.DataFrame({**columns, "prediction": prediction, **groups})


def _scored(
    study: str, task: StudyTask, protocol: str, tables: Tables, options: argparse.Namespace, writer: RunWriter
) -> Rows:
    rows = []
    for feature, parts in tables.items():
        table = pd.concat(parts, ignore_index=True)
        writer.predictions(task.name, feature, protocol, table)
        rows.append(
            score_row(
                study,
                task.name,
                feature,
                protocol,
                "accuracy",
                table,
                grouped=protocol == "corrected" or feature.endswith(EXCERPTS),
                published=PAPER.printed(task.name).get(feature),
                seed=options.seed,
            )
        )
    return rows
