"""One run of a study: its options, its protocols, its folder, and what every study does with them."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Generic

import numpy as np
import pandas as pd

from mgc_keras.audio.containers import open_clip
from mgc_keras.checks import checked_choice
from mgc_keras.cluster import Cluster, open_cluster
from mgc_keras.corpus import TASKS, corpus_table, write_corpus
from mgc_keras.datasets.manifest import Manifest, check_some_there, check_source_manifest, read_manifest
from mgc_keras.datasets.tasks import StudyTask, tasks_of
from mgc_keras.errors import AudioError, ManifestError, OptionError
from mgc_keras.files import locked, sweep
from mgc_keras.progress import progress_bar
from mgc_keras.protocols import CORRECTED, Protocol, protocols_of
from mgc_keras.runs.rows import TaskRow
from mgc_keras.runs.summary import ComparisonRow, Pairs, ScoreRow, compare_features, score_row
from mgc_keras.runs.writer import RunWriter, check_file_part
from mgc_keras.studies.common.options import Options, RunOptions, flat
from mgc_keras.studies.common.study import Study
from mgc_keras.training.strategies import Workers, open_workers
from mgc_keras.work import FailedClip, read_failed_clips

_HOME = "correct the paths, or name the folder that they start from with --data-home"


@dataclass
class Run(Generic[Options]):
    """What a study's steps are given, and where they leave what they found.

    The folder is taken when it is first needed: options that turn out wrong before do not stand in its way.

    Parameters
    ----------
    options : Options
        Resolved; `options.run` holds what all studies share.
    rows : list of ScoreRow
        Of ``scores.csv``, those that earlier commands left included.
    results : list of (str, Path)
        What is printed at the end: a label, and where it lies.
    """

    study: Study[Options]
    options: Options
    rows: list[ScoreRow] = field(default_factory=list)
    results: list[tuple[str, Path]] = field(default_factory=list)
    exit_code: int = 0  # 1 if clips could not be used
    cluster: Cluster | None = None  # that of ``--cluster``, once `connect` has been called
    only_trains: bool = False  # a worker that is not the chief: it writes nothing, and leaves after the training
    _held: ExitStack = field(default_factory=ExitStack)
    _left_out: list[FailedClip] = field(default_factory=list)

    def __enter__(self) -> "Run[Options]":
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.close()

    @property
    def shared(self) -> RunOptions:
        """The options that all studies share."""
        return self.options.run

    @property
    def seed(self) -> int:
        """The seed of everything random."""
        return self.shared.seed

    @property
    def jobs(self) -> int:
        """How many processes and threads work at once."""
        return self.shared.n_jobs

    @cached_property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols to run, published first."""
        return protocols_of(self.study.repairs, self.shared.protocol, self.shared.without)

    @property
    def headline(self) -> Protocol:
        """The protocol to quote: corrected, or the first of those that are run."""
        return next((protocol for protocol in self.protocols if protocol.name == CORRECTED), self.protocols[0])

    def connect(self) -> None:
        """Connect to the cluster that ``--cluster`` names, until the run is left. Raises as `open_cluster` does."""
        self.cluster = self._held.enter_context(open_cluster(flat(self.options).get("cluster")))

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.writer.folder

    @property
    def place(self) -> Path:
        """Where the run folder lies; it is not taken."""
        return self.shared.out or Path("runs") / self.study.key

    def open_workers(self, strategy: str | None, batch_size: int) -> Workers:
        """Make the strategy of the run's training, before anything is computed; see `mgc_keras.training.strategies`.

        Raises
        ------
        OptionError
            Workers have other options, or are more than the clips of a batch.
        """
        with open_workers(strategy) as workers:
            workers.check_batch(batch_size)
            locked_options = flat(self.options, locks=True)
            workers.check_same({f"--{name.replace('_', '-')}": value for name, value in locked_options.items()})
        self.only_trains = not workers.is_chief
        return workers

    @cached_property
    def writer(self) -> RunWriter:
        """The run folder's writer; the first use takes the folder and writes its configuration.

        Until the run is left, no other process may write there. Raises `OptionError` where the folder holds a run with
        other options, `MgcKerasError` where another process runs in it.
        """
        writer = RunWriter(self.place)
        self._held.enter_context(locked(writer.folder / "config.json"))
        for folder, _, _ in os.walk(writer.folder):
            sweep(Path(folder))
        writer.lock({name: str(value) for name, value in flat(self.options, locks=True).items()})
        values = flat(self.options)
        # Weights are named by a path, or by what is fetched.
        named = [Path(value) for value in _texts(values.values())]
        files = [*self.options_inputs(), *(path for path in named if path.is_file())]
        manifests = [] if self.shared.is_built_in else [path for path in _manifest_paths(self.shared) if path.is_file()]
        values |= {"out": writer.folder, "jobs": self.jobs}
        writer.config(self.study.key, values, [*files, *manifests])
        return writer

    def options_inputs(self) -> list[Path]:
        """The files that the options stand for, where a study's name a folder."""
        inputs = getattr(self.options, "inputs", None)
        return [path for path in inputs() if path.is_file()] if inputs else []

    def manifests(
        self, built_in: Sequence[str], rendered: Callable[[str], Manifest], *, classified: bool = False
    ) -> list[Manifest]:
        """Read the manifests that are named, or render tasks of the built-in corpus.

        Parameters
        ----------
        built_in : sequence of str
            The tasks to take where none is named.
        rendered : callable
            Renders a task of the built-in corpus.
        classified : bool
            Refuse manifests without a column of classes. Those that name one class are always refused.

        Raises
        ------
        OptionError, ManifestError
            There is no manifest or built-in task of a name; a manifest breaks the schema, or names too few classes.
        """
        if self.shared.is_built_in:
            names = self.shared.tasks or built_in
            # All names before any clip is rendered.
            for name in names:
                checked_choice("--tasks", name, TASKS)
            manifests = [rendered(name) for name in names]
        else:
            paths = _manifest_paths(self.shared)
            if not paths:
                cure = "name one with --tasks"
                raise OptionError("holds no manifest", path=self.shared.data_home, field="--data-home", cure=cure)
            manifests = [read_manifest(path, self.shared.data_home) for path in paths]
            for manifest in manifests:
                check_some_there(manifest)
        for manifest in manifests:
            # Before hours of work: the run's files bear these names.
            for name in (manifest.name, *manifest.label_columns):
                check_file_part("--tasks", name)
            if len(manifest.class_names) < 2 and (classified or "label" in manifest.table):
                cure = "add a label column with two classes or more"
                raise ManifestError("names fewer than two classes", path=manifest.name, field="label", cure=cure)
        return manifests

    def check_tasks(
        self, manifests: Iterable[Manifest], draw: Callable[[StudyTask, Protocol], object], *, classified: bool = True
    ) -> None:
        """Draw the folds of every task from the clips that can be opened, before anything is computed.

        Parameters
        ----------
        manifests : iterable of Manifest
        draw : callable
            Draws folds of a task as a protocol sees it, as the study will.
        classified : bool
            The study has one task a manifest, to tell its classes; else all that `tasks_of` names.

        Raises
        ------
        ManifestError
            No clip of a manifest can be opened, or too few for the folds.
        """
        for manifest in manifests:
            # What was rendered is there.
            there = np.ones(len(manifest), bool) if self.shared.is_built_in else _can_be_opened(manifest)
            for task, protocol in product(tasks_of(manifest)[: 1 if classified else None], self.protocols):
                seen = task.subset(there).with_split(protocol.mends("fault-filtered-split"))
                try:
                    draw(seen, protocol)
                except OptionError as error:
                    left_out = f" ({(~there).sum()} of {len(there)} clips cannot be opened)" if not there.all() else ""
                    problem = error.problem + left_out
                    raise ManifestError(problem, path=manifest.name, field=error.field, cure=error.cure) from error

    def check_source_clips(self, n_clips: int | None) -> None:
        """Refuse, before any is rendered, so few clips of the built-in tagging task that no epoch can be chosen."""
        try:
            check_source_manifest(Manifest("tagging", corpus_table("tagging", n_clips, self.seed), self.place))
        except ManifestError as error:
            problem = f"{n_clips} clips are too few: {error.problem}"
            raise OptionError(problem, field="--source-clips", cure="give more") from error

    def rendered(
        self, name: str, sampling_rate: int, n_clips: int | None = None, duration: float | None = None
    ) -> Manifest:
        """Render a task of the built-in corpus into the run folder, where what is there is kept.

        The sampling rate is in Hz, the clips' duration in seconds; None: the number and duration of the task's own.
        """
        folder = self.folder / "corpus" / name
        path = write_corpus(
            name, folder, n_clips, self.seed, sampling_rate=sampling_rate, duration=duration, jobs=self.jobs
        )
        return read_manifest(path)

    def note_task(self, task: StudyTask, protocol: Protocol, tests: Sequence[np.ndarray]) -> None:
        """Note in ``tasks.csv`` what is tested of a task as a protocol sees it; `tests`: the positions in each fold."""
        n_tested = len(set(np.concatenate(tests).tolist()))
        known = ["no" if missing else "yes" for missing in (task.groups is None, not task.fault_filtered)]
        self.writer.add_task(TaskRow(task.name, protocol.name, len(task), n_tested, task.told_folds(tests), *known))

    def score(
        self,
        task: str,
        feature: str,
        protocol: Protocol,
        predictions: pd.DataFrame,
        *,
        grouped: bool | None = None,
    ) -> ScoreRow:
        """Save predictions, and add their accuracy with its interval to ``scores.csv``.

        Parameters
        ----------
        predictions : pd.DataFrame
            Columns clip_id, fold, truth, prediction and, where known, group.
        grouped : bool, optional
            Groups are the independent evidence; default: where the protocol keeps artists together.
        """
        self.writer.predictions(task, feature, protocol.name, predictions)
        row = score_row(
            self.study.key,
            task,
            feature,
            protocol.name,
            "accuracy",
            predictions,
            grouped=protocol.keeps_artists_together if grouped is None else grouped,
            published=self.study.paper.printed(task).get(feature) if self.study.paper else None,
        )
        self.add_scores([row])
        return row

    def add_scores(self, rows: Iterable[ScoreRow]) -> None:
        """Add rows to ``scores.csv``, in the place of earlier ones of the same task, feature and protocol."""
        self.rows = self.writer.add_scores(rows)

    def compare(
        self,
        pairs: Pairs | Callable[[Iterable[str]], Pairs],
        *,
        weighting: Callable[[Protocol], str] = lambda protocol: "pooled",
    ) -> list[ComparisonRow]:
        """Test pairs of features on the same clips, and write ``comparisons.csv``.

        Parameters
        ----------
        pairs : iterable of (str, str), or function of features to such
            Fixed before scores are seen; see `compare_features`.
        weighting : function of Protocol to {"pooled", "size", "equal"}
            Of folds.
        """
        scored = [row for row in self.rows if row.metric in ("accuracy", "r2")]
        protocols = [self.study.protocol(name) for name in dict.fromkeys(row.protocol for row in scored)]
        found = compare_features(
            self.folder,
            scored,
            pairs,
            weighting={protocol.name: weighting(protocol) for protocol in protocols},
            grouped={protocol.name: protocol.keeps_artists_together for protocol in protocols},
            seed=self.seed,
        )
        self.writer.comparisons(found)
        return found

    def leave_out(self, clips: Iterable[FailedClip]) -> None:
        """Note clips that cannot be used, for ``errors.csv``."""
        self._left_out += clips
        # At once, for runs that such clips end.
        self.writer.errors(self._left_out)

    def write_errors(self) -> None:
        """Write ``errors.csv``: clips that were noted, and those that any export lists; say how many there are."""
        failed = {clip.clip_id: clip for clip in reversed(self._left_out)}
        for path in sorted(self.folder.rglob("*errors.csv")):
            if path.parent != self.folder:
                for clip in read_failed_clips(path):
                    failed.setdefault(clip.clip_id, clip)
        self.writer.errors(failed.values())
        if failed:
            self.exit_code = 1
            print(f"{len(failed)} clips could not be used and are left out: {self.folder / 'errors.csv'}")


def task_of(manifest: Manifest, clip_ids: Sequence[str], fault_filtered: bool) -> tuple[StudyTask, np.ndarray]:
    """Return the task of the clips that were exported, as a protocol sees it, and their numbers among the exported.

    `clip_ids` are those of the clips that could be read, in the order of what was computed; for `fault_filtered` see
    `StudyTask.with_split`.
    """
    kept = np.isin(manifest.clip_ids, clip_ids)
    task = tasks_of(manifest)[0].subset(kept).with_split(fault_filtered)
    place = {clip_id: row for row, clip_id in enumerate(clip_ids)}
    return task, np.array([place[clip_id] for clip_id in task.clip_ids])


def _can_be_opened(manifest: Manifest) -> np.ndarray:
    """Tell which clips open as audio, a mask (n_clips,). Raises `ManifestError` where none does."""
    there, why = np.zeros(len(manifest), bool), ""
    for row, path in enumerate(progress_bar(manifest.filepaths, description=f"opening {manifest.name}")):
        try:
            open_clip(path, seconds=1.0).close()
            there[row] = True
        except (AudioError, OSError) as error:
            why = why or f"{path}: {error.problem if isinstance(error, AudioError) else error}"
    if not there.any():
        problem = f"no clip can be opened; the first: {why}"
        raise ManifestError(problem, path=manifest.name, field="filepath", cure=_HOME)
    return there


def _texts(values: Iterable[object]) -> Iterable[str]:
    for value in values:
        if isinstance(value, dict):
            yield from _texts(value.values())
        elif isinstance(value, str | Path):
            yield str(value)


def _manifest_paths(options: RunOptions) -> list[Path]:
    """Where the manifests lie that `--tasks` names, or all of `--data-home`; a manifest that is not here lies there."""
    home = options.data_home
    names = options.tasks or [path.name for path in sorted(home.glob("*.csv") if home else ())]
    given = [Path(name) for name in names]
    return [path if home is None or path.exists() else home / f"{path.stem}.csv" for path in given]
