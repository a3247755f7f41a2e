"""The steps of the Asgharivaskasi 2019 study, in the order in which `asgharivaskasi2019.py` takes them."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.datasets.holdout import holdout_fold
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.overfitting import overfitting_over_seeds
from mgc_keras.evaluation.voting import majority_vote
from mgc_keras.features.segments import PieceExtractor
from mgc_keras.features.sequences import Sequences
from mgc_keras.runs.summary import compare_features, score_row
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.studies.asgharivaskasi2019.baselines import BASELINES, fit_and_predict
from mgc_keras.studies.asgharivaskasi2019.data import features_of, sub_runs_on
from mgc_keras.studies.asgharivaskasi2019.networks import Networks
from mgc_keras.studies.asgharivaskasi2019.paper import PAPER
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SUFFIXES, SubRun
from mgc_keras.studies.asgharivaskasi2019.trainer import Trainer, policy_of
from mgc_keras.studies.common.exports import task_of

# Fixed before any score was seen. Those on whole clips are repeated on pieces where `--segment` asks for them.
ALIKE = (("resnet34", "vgg16"), ("skip-rnn", "rnn"), ("vgg16", "svm"))
PAIRS = (*ALIKE, ("vgg16-3s", "vgg16"), ("vgg16-segmented", "vgg16"), ("svm-3s", "svm"))


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that make no sense before any clip is rendered or read."""
    for name in ("seeds", "clips", "songs", "units", "batch_size", "epochs", "audio_rate"):
        if getattr(options, name) < 1:
            raise OptionError("must be 1 or more", field=f"--{name.replace('_', '-')}")
    if options.corrected_folds is not None:
        raise OptionError("has no part in this study of one split", field="--corrected-folds", cure="use --share")
    if not 0 < options.share < 1:
        raise OptionError("must lie between 0 and 1", field="--share")
    for name in ("seconds", "song_seconds"):
        if getattr(options, name) is not None and getattr(options, name) <= 0:
            raise OptionError("must be above 0", field=f"--{name.replace('_', '-')}")
    if options.recurrent_input == "audio" and options.segment == "3s":
        if any(sub_run.kind == "recurrent" for sub_run in options.sub_runs.values()):
            cure = "use --recurrent-input mfcc, or another --segment"
            raise OptionError("3 s hold no 30 steps of one second of raw audio", field="--segment", cure=cure)
    policy_of(options, 1, options.learning_rate)


def run_all(
    study: str,
    manifests: list[Manifest],
    extractors: dict[tuple[SubRun, str], PieceExtractor],
    options: argparse.Namespace,
    writer: RunWriter,
) -> list[dict[str, Any]]:
    """Run every sub-run under every protocol; return the rows of ``scores.csv``, which is written after each.

    Rows of sub-runs that earlier commands left in the folder stay.
    """
    rows: list[dict[str, Any]] = []
    networks = Networks(options)
    for manifest in manifests:
        for name, sub_run in sub_runs_on(manifest, options).items():
            for pieces in sub_run.pieces:
                sequences = features_of(manifest, extractors[sub_run, pieces], options, writer)
                for protocol in ("published", "corrected") if options.protocol == "both" else (options.protocol,):
                    task, kept = task_of(manifest, sequences, protocol)
                    fold = holdout_fold(task, protocol, share=options.share, seed=options.seed)
                    run = _Run(study, task, kept, fold, protocol, sequences, options, writer)
                    new = run.baselines(pieces) if sub_run.kind == "baseline" else run.network(name, sub_run, networks)
                    rows = writer.add_scores(new)
    return rows


def compare(rows: list[dict[str, Any]], options: argparse.Namespace, writer: RunWriter) -> None:
    """Write the paired tests on the test clips, and those over seeds where there are several."""
    grouped = {"corrected": True}
    suffix = SUFFIXES.get(options.segment, "")
    pairs = [*PAIRS, *((a + suffix, b + suffix) for a, b in ALIKE if suffix)]
    writer.comparisons(compare_features(writer.folder, rows, pairs, grouped=grouped, seed=options.seed))
    tables = [pd.read_csv(path) for path in sorted((writer.folder / "seeds").glob("*.csv"))]
    if tables:
        seeds = pd.concat(tables, ignore_index=True)
        write_table(seeds, writer.folder / "seeds.csv")
        write_table(
            overfitting_over_seeds(seeds, f"skip-rnn{suffix}", f"rnn{suffix}"), writer.folder / "seed_intervals.csv"
        )


class _Run:
    """One task under one protocol, with what a sub-run's classifiers see of it."""

    def __init__(
        self,
        study: str,
        task: StudyTask,
        kept: np.ndarray,
        fold: Fold,
        protocol: str,
        sequences: Sequences,
        options: argparse.Namespace,
        writer: RunWriter,
    ) -> None:
        self.study, self.task, self.kept, self.fold, self.protocol = study, task, kept, fold, protocol
        self.sequences, self.options, self.writer = sequences, options, writer

    def baselines(self, pieces: str) -> list[dict[str, Any]]:
        """Train the classic classifiers on pieces, let the pieces of a clip vote, and score the clips."""
        training, test = np.sort(np.concatenate([self.fold.training, self.fold.validation])), self.fold.test
        n_pieces = self.sequences.values.shape[1]
        of_training, of_test = np.repeat(training, n_pieces), np.repeat(np.arange(len(test)), n_pieces)
        units = self.task.clip_ids if self.task.groups is None else self.task.groups
        rows = []
        for name in BASELINES:
            answers = fit_and_predict(
                name,
                self._pieces(training),
                self.task.target[of_training],
                self._pieces(test),
                choose=self.protocol == "corrected",
                groups=np.asarray(units)[of_training],
                seed=self.options.seed,
            )
            voted = majority_vote(of_test, answers.prediction, classes=answers.classes, scores=answers.scores)
            rows.append(self._score(f"{name}{SUFFIXES[pieces]}", voted))
        return rows

    def network(self, name: str, sub_run: SubRun, networks: Networks) -> list[dict[str, Any]]:
        """Train a network, with several seeds where they were asked for, and score the first seed's clips."""
        n_seeds = self.options.seeds if sub_run.kind == "recurrent" else 1
        rows, tried = [], []
        for seed in range(self.options.seed, self.options.seed + n_seeds):
            trainer = Trainer(sub_run, networks, self.task, self.kept, self.fold, self.sequences, seed, self.options)
            folder = self._folder(name, seed)
            trained = trainer.train(folder)
            if seed == self.options.seed:
                rows.append(self._score(name, trainer.clip_predictions(self.fold.test)))
                # One network a sub-run, the one to quote: a VGG16 takes 60 MB.
                if self.protocol == self.options.protocol or self.protocol == "corrected":
                    trainer.save(folder)
            best = trained.curve.iloc[trained.best_epoch - 1]
            keys = {"task": self.task.name, "protocol": self.protocol, "network": name, "seed": seed}
            tried.append(
                {**keys, **best[["training_accuracy", "validation_accuracy"]], "best_epoch": trained.best_epoch}
            )
        write_table(
            pd.DataFrame(tried), self.writer.folder / "seeds" / f"{self.task.name}__{name}__{self.protocol}.csv"
        )
        return rows

    def _folder(self, name: str, seed: int) -> Path:
        return self.writer.folder / "training" / f"{self.task.name}__{name}__{self.protocol}__seed{seed}"

    def _pieces(self, clips: np.ndarray) -> np.ndarray:
        values = self.sequences.values[self.kept[clips]]
        return values.reshape(-1, values.shape[2])

    def _score(self, feature: str, prediction: np.ndarray) -> dict[str, Any]:
        test, task = self.fold.test, self.task
        table = pd.DataFrame(
            {
                "clip_id": np.asarray(task.clip_ids)[test],
                "fold": 0,
                "truth": task.target[test],
                "prediction": prediction,
            }
        )
        if task.groups is not None:
            table["group"] = task.groups[test]
        self.writer.predictions(task.name, feature, self.protocol, table)
        return score_row(
            self.study,
            task.name,
            feature,
            self.protocol,
            "accuracy",
            table,
            grouped=self.protocol == "corrected",
            published=PAPER.printed(task.name).get(feature),
            seed=self.options.seed,
        )
