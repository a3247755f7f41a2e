"""The steps of the Ouyang 2023 study, in the order in which `ouyang2023.py` takes them."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.evaluation.overfitting import QUANTITIES, overfitting_over_seeds
from mgc_keras.features.sequences import Sequences
from mgc_keras.networks.image_network import SAMPLING_RATE
from mgc_keras.networks.load import load_model
from mgc_keras.progress import progress_bar
from mgc_keras.runs.summary import compare_features, score_row
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.studies.ouyang2023.data import CleanFold, clean_clips, draw_genres, features_of, protocols
from mgc_keras.studies.ouyang2023.paper import PAPER
from mgc_keras.studies.ouyang2023.trainer import CLASSES, MODEL, Trainer, settings_of

# Fixed before any score was seen: the paper has the network from scratch ahead.
PAIRS = (("cnn", "inceptionv3"),)
# What a seed's training leaves, beside the over-fitting that the other studies compare.
OVER_SEEDS = ("test_accuracy", *QUANTITIES)
Faults = list[dict[str, str]]


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that make no sense before any clip is rendered or read."""
    for name in ("seeds", "clips", "batch_size", "head_units", "dense_units", "patience"):
        if getattr(options, name) < 1:
            raise OptionError("must be 1 or more", field=f"--{name.replace('_', '-')}")
    if options.corrected_folds is not None:
        raise OptionError("has no part in this study of one split", field="--corrected-folds", cure="use --seeds")
    if not options.seconds > 0:
        raise OptionError("must be above 0", field="--seconds")
    if min(options.parts) <= 0:
        raise OptionError("must be three numbers above 0", field="--parts")
    for network in options.networks:
        settings_of(network, options, options.seed)


def run_all(
    study: str, manifests: list[Manifest], options: argparse.Namespace, writer: RunWriter
) -> tuple[list[dict[str, Any]], Faults, list[tuple[str, Path, CleanFold, Manifest]]]:
    """Train every network on every manifest under every protocol.

    Returns
    -------
    rows : list of dict
        Of ``scores.csv``, which is written after each network; rows of a network that an earlier command left stay.
    faults : list of dict
        Clips that the check left out.
    trained : list of (network, folder, fold, manifest)
        The networks that are saved.
    """
    rows: list[dict[str, Any]] = []
    faults: Faults = []
    trained = []
    for manifest in manifests:
        clean = clean_clips(manifest, options, writer)
        faults += clean.faults
        for network in options.networks:
            sequences = features_of(network, clean, options, writer)
            for protocol in protocols(options):
                n_seeds = options.seeds if protocol == "corrected" else 1
                seeds = range(options.seed, options.seed + n_seeds)
                folds = {seed: clean.fold(sequences, protocol, seed, options.parts) for seed in seeds}
                if network == options.networks[0]:
                    clean.write_counts(folds[options.seed], protocol, writer)
                run = _Run(study, manifest.name, network, protocol, sequences, options, writer)
                row, folder = run.train(folds)
                rows = writer.add_scores([row])
                if protocol == protocols(options)[-1]:
                    trained.append((network, folder, folds[options.seed], manifest))
        # After the networks: what is wrong with them is told at once.
        draw_genres(clean, options, writer)
    return rows, faults, trained


def compare(rows: list[dict[str, Any]], options: argparse.Namespace, writer: RunWriter) -> None:
    """Write the paired test on the test clips, and intervals over seeds where there are several."""
    writer.comparisons(compare_features(writer.folder, rows, PAIRS, grouped={"corrected": True}, seed=options.seed))
    tables = [pd.read_csv(path) for path in sorted((writer.folder / "seeds").glob("*.csv"))]
    seeds = pd.concat(tables, ignore_index=True)
    write_table(seeds, writer.folder / "seeds.csv")
    write_table(overfitting_over_seeds(seeds, *PAIRS[0], quantities=OVER_SEEDS), writer.folder / "seed_intervals.csv")


def predict_clips(
    trained: list[tuple[str, Path, CleanFold, Manifest]], options: argparse.Namespace, writer: RunWriter
) -> Faults:
    """Say what the saved networks make of new clips (Figure 12), print and write it; return clips that do not read."""
    network, _, clean, manifest = trained[0]
    test_clip = sorted(clean.task.clip_ids[place] for place in clean.fold.test)[0]
    known = dict(zip(manifest.clip_ids, manifest.filepaths))
    clips = [(Path(path).name, Path(path)) for path in options.predict or ()] or [(test_clip, known[test_clip])]
    networks = {folder: load_model(folder / MODEL) for _, folder, _, _ in trained}
    rows, faults = [], []
    for name, path in progress_bar(clips, description="new clips"):
        try:
            waveform = read_waveform(path, SAMPLING_RATE, duration=options.seconds)
        except (AudioError, OSError) as error:
            cause = error.problem if isinstance(error, AudioError) else str(error)
            faults.append({"clip_id": name, "cause": cause, "cure": "name a clip that can be read after --predict"})
            continue
        waveform = fit_waveform(waveform, round(options.seconds * SAMPLING_RATE))
        for network, folder, _, manifest in trained:
            # A call: compiling the network would take longer than a single clip.
            said = np.asarray(networks[folder](waveform[None], training=False))[0]
            genres = pd.read_csv(folder / CLASSES, dtype=str)["class"]
            keys = {"clip": name, "task": manifest.name, "network": network, "is_new": int(bool(options.predict))}
            rows += [{**keys, "genre": genre, "probability": float(p)} for genre, p in zip(genres, said)]
    table = pd.DataFrame(rows, columns=["clip", "task", "network", "is_new", "genre", "probability"])
    write_table(table, writer.folder / "new_clips.csv")
    for (clip, task, network), part in table.groupby(["clip", "task", "network"], sort=False):
        ranked = part.sort_values("probability", ascending=False, kind="stable")
        shown = ", ".join(f"{row.genre} {row.probability:.1%}" for row in ranked.itertuples())
        print(f"{clip}{'' if options.predict else ' (a test clip)'}, {network} trained on {task}: {shown}")
    return faults


class _Run:
    """One network on one task under one protocol, over seeds."""

    def __init__(
        self,
        study: str,
        task: str,
        network: str,
        protocol: str,
        sequences: Sequences,
        options: argparse.Namespace,
        writer: RunWriter,
    ) -> None:
        self.study, self.task, self.network, self.protocol = study, task, network, protocol
        self.sequences, self.options, self.writer = sequences, options, writer

    def train(self, folds: dict[int, CleanFold]) -> tuple[dict[str, Any], Path]:
        """Train with every seed; return the row of all seeds' test clips, and the first seed's folder."""
        tables, tried = [], []
        first = (
            self.writer.folder / "training" / f"{self.task}__{self.network}__{self.protocol}__seed{self.options.seed}"
        )
        for seed, clean in folds.items():
            folder = first.with_name(f"{self.task}__{self.network}__{self.protocol}__seed{seed}")
            trainer = Trainer(self.network, clean, self.sequences, seed, self.options)
            trained = trainer.train(folder)
            tables.append(self._predictions(trainer, clean, seed))
            accuracies = {f"{name}_accuracy": trainer.accuracy(clips) for name, clips in clean.parts.items()}
            keys = {"task": self.task, "protocol": self.protocol, "network": self.network, "seed": seed}
            tried.append({**keys, **accuracies, "best_epoch": trained.best_epoch, "epochs": len(trained.curve)})
            if seed == self.options.seed:
                trainer.save(folder)
        seeds = self.writer.folder / "seeds" / f"{self.task}__{self.network}__{self.protocol}.csv"
        write_table(pd.DataFrame(tried), seeds)
        return self._score(pd.concat(tables, ignore_index=True)), first

    def _predictions(self, trainer: Trainer, clean: CleanFold, seed: int) -> pd.DataFrame:
        """Return what a network says of its test clips; the seed stands for the fold."""
        test, task = clean.fold.test, clean.task
        clip_ids = [task.clip_ids[place] for place in test]
        said = trainer.classes[trainer.probabilities(test).argmax(axis=1)]
        table = pd.DataFrame({"clip_id": clip_ids, "fold": seed, "truth": task.target[test], "prediction": said})
        # Several seeds may test one clip: it then counts as a unit, as an artist's clips do.
        table["group"] = clip_ids if task.groups is None else task.groups[test]
        return table

    def _score(self, table: pd.DataFrame) -> dict[str, Any]:
        self.writer.predictions(self.task, self.network, self.protocol, table)
        return score_row(
            self.study,
            self.task,
            self.network,
            self.protocol,
            "accuracy",
            table,
            grouped=self.protocol == "corrected",
            published=PAPER.printed(self.task).get(self.network),
            seed=self.options.seed,
        )
