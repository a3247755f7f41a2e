"""The steps of the Ouyang 2023 study: check, train and score both networks, and name the genre of new clips."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import AudioError
from mgc_keras.evaluation.fold_tests import QUANTITIES, overfitting_over_seeds
from mgc_keras.features.sequences import Sequences
from mgc_keras.networks.image_network import SAMPLING_RATE
from mgc_keras.networks.load import load_model
from mgc_keras.progress import progress_bar
from mgc_keras.protocols import Protocol
from mgc_keras.runs.writer import read_table, write_table
from mgc_keras.studies.common.run import Run
from mgc_keras.studies.ouyang2023.data import (
    CleanFold,
    clean_clips,
    draw_genres,
    features_of,
    genre_manifests,
    split_clips,
    write_counts,
)
from mgc_keras.studies.ouyang2023.study import Options
from mgc_keras.studies.ouyang2023.trainer import CLASSES, MODEL, Trainer
from mgc_keras.work import FailedClip

# Fixed before any score was seen: the paper has the network from scratch ahead.
PAIRS = (("cnn", "inceptionv3"),)
# What a seed's training leaves, beside the over-fitting that the other studies compare.
OVER_SEEDS = ("test_accuracy", *QUANTITIES)


@dataclass(frozen=True, eq=False)
class Saved:
    """A network that was trained on a fold of a manifest; `folder` holds it and the names of its outputs."""

    network: str
    folder: Path
    fold: CleanFold
    manifest: Manifest


def run(run: Run[Options]) -> None:
    """Train every network on every manifest under every protocol, compare them, and let them name new clips."""
    if "inceptionv3" in run.options.choice.networks and run.options.network.backbone_weights == "none":
        print("InceptionV3 starts from random weights: its scores say nothing of ImageNet transfer.")
    saved = [network for manifest in genre_manifests(run) for network in _train_all(manifest, run)]
    run.compare(PAIRS)
    tables = [read_table(path, dtype={"task": str}) for path in sorted((run.folder / "seeds").glob("*.csv"))]
    seeds = pd.concat(tables, ignore_index=True)
    write_table(seeds, run.folder / "seeds.csv")
    write_table(overfitting_over_seeds(seeds, *PAIRS[0], quantities=OVER_SEEDS), run.folder / "seed_intervals.csv")
    predict_clips(saved, run)
    for name in ("seeds.csv", "new_clips.csv"):
        run.results.append((name.removesuffix(".csv").replace("_", " "), run.folder / name))


def _train_all(manifest: Manifest, run: Run[Options]) -> list[Saved]:
    """Train every network on a manifest under every protocol; return the last protocol's."""
    saved, clean = [], clean_clips(manifest, run)
    for network in run.options.choice.networks:
        sequences = features_of(network, clean, run)
        for protocol in run.protocols:
            n_seeds = run.options.training.seeds if protocol.mends("several-seeds") else 1
            seeds = range(run.seed, run.seed + n_seeds)
            folds = {seed: split_clips(clean, sequences, protocol, seed, run.options.data.parts) for seed in seeds}
            if network == run.options.choice.networks[0]:
                write_counts(clean, folds[run.seed], protocol, run)
                run.note_task(folds[run.seed].task, protocol, [folds[run.seed].fold.test])
            folder = _train(network, protocol, sequences, folds, run)
            if protocol == run.headline:
                saved.append(Saved(network, folder, folds[run.seed], manifest))
    # After the networks: what is wrong with them is told at once.
    draw_genres(clean, run)
    return saved


def predict_clips(saved: list[Saved], run: Run[Options]) -> None:
    """Print and write what the saved networks make of new clips (Figure 12)."""
    first, named = saved[0], run.options.data.predict
    clips = [(Path(path).name, Path(path)) for path in named or ()]
    if not named:
        test_clip = min(first.fold.task.clip_ids[place] for place in first.fold.fold.test)
        clips = [(test_clip, first.manifest.filepaths[first.manifest.clip_ids.index(test_clip)])]
    models = [load_model(network.folder / MODEL) for network in saved]
    rows, seconds = [], run.options.data.seconds
    for name, path in progress_bar(clips, description="new clips"):
        try:
            waveform = read_waveform(path, SAMPLING_RATE, duration=seconds)
        except (AudioError, OSError) as error:
            cause = error.problem if isinstance(error, AudioError) else str(error)
            run.leave_out([FailedClip(name, str(path), cause, "name a clip that can be read after --predict")])
            continue
        waveform = fit_waveform(waveform, round(seconds * SAMPLING_RATE))
        for network, model in zip(saved, models, strict=True):
            # A call: compiling the network would take longer than a single clip.
            probabilities = np.asarray(model(waveform[None], training=False))[0]
            genres = read_table(network.folder / CLASSES, dtype=str)["class"]
            keys = {"clip": name, "task": network.manifest.name, "network": network.network, "is_new": int(bool(named))}
            rows += [{**keys, "genre": genre, "probability": float(p)} for genre, p in zip(genres, probabilities)]
    table = pd.DataFrame(rows, columns=["clip", "task", "network", "is_new", "genre", "probability"])
    write_table(table, run.folder / "new_clips.csv")
    for (clip, task, network), part in table.groupby(["clip", "task", "network"], sort=False):
        ranked = part.sort_values("probability", ascending=False, kind="stable")
        shown = ", ".join(f"{row.genre} {row.probability:.1%}" for row in ranked.itertuples())
        print(f"{clip}{'' if named else ' (a test clip)'}, {network} trained on {task}: {shown}")


def _train(
    network: str, protocol: Protocol, sequences: Sequences, folds: dict[int, CleanFold], run: Run[Options]
) -> Path:
    """Train a network with every seed and score the test clips of all; return the first seed's folder."""
    task = folds[run.seed].task.name
    name = f"{task}__{network}__{protocol.name}"
    tables, tried = [], []
    for seed, clean in folds.items():
        folder = run.folder / "training" / f"{name}__seed{seed}"
        trainer = Trainer(network, clean, sequences, seed, run.options)
        trained = trainer.train(folder)
        tables.append(_predictions(trainer, clean, seed))
        accuracies = {f"{part}_accuracy": trainer.accuracy(clips) for part, clips in clean.parts.items()}
        keys = {"task": task, "protocol": protocol.name, "network": network, "seed": seed}
        tried.append({**keys, **accuracies, "best_epoch": trained.best_epoch, "epochs": len(trained.curve)})
        if seed == run.seed:
            trainer.save(folder)
    write_table(pd.DataFrame(tried), run.folder / "seeds" / f"{name}.csv")
    run.score(task, network, protocol, pd.concat(tables, ignore_index=True))
    return run.folder / "training" / f"{name}__seed{run.seed}"


def _predictions(trainer: Trainer, clean: CleanFold, seed: int) -> pd.DataFrame:
    """Return what a network predicts of its test clips; the seed stands for the fold."""
    test, task = clean.fold.test, clean.task
    clip_ids = np.array(task.clip_ids)[test]
    predicted = trainer.classes[trainer.probabilities(test).argmax(axis=1)]
    table = pd.DataFrame({"clip_id": clip_ids, "fold": seed, "truth": task.target[test], "prediction": predicted})
    # Several seeds may test one clip: it then counts as a unit, as an artist's clips do.
    table["group"] = clip_ids if task.groups is None else task.groups[test]
    return table
