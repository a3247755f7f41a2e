"""The steps of the Asgharivaskasi 2019 study: every sub-run, task and protocol, and what is compared."""

import numpy as np
import pandas as pd

from mgc_keras.datasets.holdout import holdout_fold
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.evaluation.fold_tests import overfitting_over_seeds
from mgc_keras.evaluation.voting import majority_vote
from mgc_keras.features.sequences import Sequences
from mgc_keras.protocols import Protocol
from mgc_keras.runs.writer import read_table, write_table
from mgc_keras.studies.asgharivaskasi2019.baselines import BASELINES, fit_and_predict
from mgc_keras.studies.asgharivaskasi2019.data import extractors_of, features_of, genre_manifests, sub_runs_on
from mgc_keras.studies.asgharivaskasi2019.networks import Networks
from mgc_keras.studies.asgharivaskasi2019.study import Options
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SUFFIXES, SubRun
from mgc_keras.studies.asgharivaskasi2019.trainer import Trainer
from mgc_keras.studies.common.run import Run, task_of

# Fixed before any score was seen. Those on whole clips are repeated on segments where `--segment` asks for them.
ALIKE = (("resnet34", "vgg16"), ("skip-rnn", "rnn"), ("vgg16", "svm"))
PAIRS = (*ALIKE, ("vgg16-3s", "vgg16"), ("vgg16-segmented", "vgg16"), ("svm-3s", "svm"))


def run(run: Run[Options]) -> None:
    """Run every sub-run under every protocol; test the planned pairs and, with several seeds, over-fitting."""
    options = run.options
    # Options that turn out wrong are told before the run folder is taken.
    extractors, networks = extractors_of(options), Networks(options)
    run.connect()
    manifests = genre_manifests(run)
    run.check_tasks(manifests, lambda task, protocol: _fold(task, protocol, run))
    for manifest in manifests:
        for name, sub_run in sub_runs_on(manifest, options).items():
            for segments in sub_run.segments:
                sequences = features_of(manifest, extractors[sub_run, segments], run)
                for protocol in run.protocols:
                    scored = _Scored(manifest, sequences, protocol, run)
                    if sub_run.kind == "baseline":
                        scored.baselines(segments)
                    else:
                        scored.network(name, sub_run, networks)
    suffix = SUFFIXES.get(options.data.segment, "")
    run.compare([*PAIRS, *((a + suffix, b + suffix) for a, b in ALIKE if suffix)])
    tables = [read_table(path, dtype={"task": str}) for path in sorted((run.folder / "seeds").glob("*.csv"))]
    if tables:
        seeds = pd.concat(tables, ignore_index=True)
        write_table(seeds, run.folder / "seeds.csv")
        intervals = overfitting_over_seeds(seeds, f"skip-rnn{suffix}", f"rnn{suffix}")
        write_table(intervals, run.folder / "seed_intervals.csv")


def _fold(task: StudyTask, protocol: Protocol, run: Run[Options]) -> Fold:
    return holdout_fold(
        task,
        grouped=protocol.mends("artists-together"),
        validation=protocol.mends("validation-part"),
        share=run.options.data.share,
        seed=run.seed,
    )


class _Scored:
    """One task under one protocol, with what a sub-run's classifiers see of it."""

    def __init__(self, manifest: Manifest, sequences: Sequences, protocol: Protocol, run: Run[Options]) -> None:
        self.task, self.kept = task_of(manifest, sequences.clip_ids, protocol.mends("fault-filtered-split"))
        self.sequences, self.protocol, self.run = sequences, protocol, run
        self.fold = _fold(self.task, protocol, run)
        run.note_task(self.task, protocol, [self.fold.test])

    def baselines(self, segments: str) -> None:
        """Train the classic classifiers on segments, let the segments of a clip vote, and score the clips."""
        training, test = np.sort(np.concatenate([self.fold.training, self.fold.validation])), self.fold.test
        n_segments = self.sequences.values.shape[1]
        of_training, of_test = np.repeat(training, n_segments), np.repeat(np.arange(len(test)), n_segments)
        units = self.task.clip_ids if self.task.groups is None else self.task.groups
        for name in BASELINES:
            answers = fit_and_predict(
                name,
                self._segments(training),
                self.task.target[of_training],
                self._segments(test),
                choose=self.protocol.mends("chosen-settings"),
                groups=np.asarray(units)[of_training],
                seed=self.run.seed,
                cluster=self.run.cluster,
            )
            voted = majority_vote(of_test, answers.prediction, classes=answers.classes, scores=answers.scores)
            self._score(f"{name}{SUFFIXES[segments]}", voted)

    def network(self, name: str, sub_run: SubRun, networks: Networks) -> None:
        """Train a network, with several seeds where they were asked for, and score the first seed's clips."""
        run, tried = self.run, []
        cell = f"{self.task.name}__{name}__{self.protocol.name}"
        n_seeds = run.options.training.seeds if sub_run.kind == "recurrent" else 1
        for seed in range(run.seed, run.seed + n_seeds):
            trainer = Trainer(sub_run, networks, self.task, self.kept, self.fold, self.sequences, seed)
            folder = run.folder / "training" / f"{cell}__seed{seed}"
            trained = trainer.train(folder)
            if seed == run.seed:
                self._score(name, trainer.clip_predictions(self.fold.test))
                # One network a sub-run, the one to quote: a VGG16 takes 60 MB.
                if self.protocol == run.headline:
                    trainer.save(folder)
            best = trained.curve.iloc[trained.best_epoch - 1]
            keys = {"task": self.task.name, "protocol": self.protocol.name, "network": name, "seed": seed}
            accuracies = best[["training_accuracy", "validation_accuracy"]]
            tried.append({**keys, **accuracies, "best_epoch": trained.best_epoch})
        write_table(pd.DataFrame(tried), run.folder / "seeds" / f"{cell}.csv")

    def _segments(self, clips: np.ndarray) -> np.ndarray:
        values = self.sequences.values[self.kept[clips]]
        return values.reshape(-1, values.shape[2])

    def _score(self, feature: str, prediction: np.ndarray) -> None:
        test, task = self.fold.test, self.task
        clip_ids, truth = np.asarray(task.clip_ids)[test], task.target[test]
        table = pd.DataFrame({"clip_id": clip_ids, "fold": 0, "truth": truth, "prediction": prediction})
        if task.groups is not None:
            table["group"] = task.groups[test]
        self.run.score(task.name, feature, self.protocol, table)
