"""The clips of the Ouyang 2023 study: manifests, the check, features, and what the options default to."""

from dataclasses import dataclass, replace

import numpy as np

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import ManifestError, MgcKerasError, OptionError
from mgc_keras.features.backbone import backbone_vectors
from mgc_keras.features.clips import list_clips
from mgc_keras.features.export import export_sequences
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.pipeline import reader
from mgc_keras.features.sequences import Sequences
from mgc_keras.networks.image_network import SAMPLING_RATE
from mgc_keras.progress import progress_bar
from mgc_keras.protocols import Protocol
from mgc_keras.reporting.clip_views import draw_clip
from mgc_keras.runs.writer import write_table
from mgc_keras.studies.common.run import Run, task_of
from mgc_keras.studies.ouyang2023.cleaning import (
    ManifestCheck,
    balanced,
    check_classes,
    check_manifest,
    class_counts,
    failed_clips,
    three_part_fold,
)
from mgc_keras.studies.ouyang2023.images import PictureExtractor
from mgc_keras.studies.ouyang2023.study import Options
from mgc_keras.work import FailedClip

TASK = "genre"


def genre_manifests(run: Run[Options]) -> list[Manifest]:
    """Read the manifests, or render the built-in corpus' genres; see `Run.manifests` for the errors."""
    data = run.options.data

    def rendered(name: str) -> Manifest:
        n_clips = data.clips if name == TASK else None
        return run.rendered(name, SAMPLING_RATE, n_clips, None if data.seconds >= 29 else data.seconds)

    manifests = run.manifests([TASK], rendered)
    for manifest in manifests:
        check_classes(manifest, np.ones(len(manifest), dtype=bool), parts=(1.0,))
    return manifests


@dataclass(frozen=True, eq=False)
class CleanClips:
    """A manifest whose clips were checked.

    Attributes
    ----------
    manifest : Manifest
        All clips.
    found : ManifestCheck
    """

    manifest: Manifest
    found: ManifestCheck

    @property
    def faults(self) -> list[FailedClip]:
        """Rows of ``errors.csv``."""
        return failed_clips(self.found.findings, self.manifest)

    def kept(self, protocol: Protocol) -> np.ndarray:
        """Return which clips a protocol uses: those that are whole, and no copies where it leaves them out."""
        return self.found.usable & ~self.found.copies if protocol.mends("copies-out") else self.found.usable

    def fold(self, sequences: Sequences, protocol: Protocol, seed: int, parts: tuple[float, ...]) -> "CleanFold":
        """Balance the classes and split them, as a protocol and a seed have it.

        Raises
        ------
        MgcKerasError
            A class has too few clips, or too few artists.
        """
        kept = self.kept(protocol) & np.isin(self.manifest.clip_ids, sequences.clip_ids)
        check_classes(self.manifest, kept)
        usable = self.manifest.select(kept)
        task, rows = task_of(usable, sequences.clip_ids, protocol.mends("fault-filtered-split"))
        # A split that comes with the dataset is taken as it is, where it is taken at all.
        grouped = protocol.mends("artists-together")
        has_split = grouped and task.split is not None
        drawn = np.ones(len(task), bool) if has_split else balanced(task.target, seed)
        task, rows = task.subset(drawn), rows[drawn]
        try:
            fold = three_part_fold(task, grouped=grouped, parts=parts, seed=seed)
        except OptionError as error:
            raise ManifestError(error.problem, path=self.manifest.name, field=error.field, cure=error.cure) from error
        return CleanFold(task, rows, replace(fold, repetition=seed))

    def write_counts(self, clean: "CleanFold", protocol: Protocol, run: Run[Options]) -> None:
        """Write and print the clips a class before and after the check, balanced, and in each part (Figures 6, 7)."""
        labels = self.manifest.table["label"].to_numpy(str)
        ids = np.array(self.manifest.clip_ids)
        of_task = {name: np.isin(ids, np.array(clean.task.clip_ids)[rows]) for name, rows in clean.parts.items()}
        table = class_counts(
            labels,
            found=np.ones(len(ids), bool),
            checked=self.kept(protocol),
            balanced=np.isin(ids, clean.task.clip_ids),
            **of_task,
        )
        write_table(table, run.folder / "clean" / f"{self.manifest.name}__{protocol.name}.csv")
        print(f"{self.manifest.name}, {protocol.name} protocol, clips a class:\n{table.to_string(index=False)}")


@dataclass(frozen=True, eq=False)
class CleanFold:
    """Balanced clips in three parts.

    Attributes
    ----------
    task : StudyTask
    rows : np.ndarray [shape=(n_clips,), dtype=int]
        Of each clip in the exported features.
    fold : Fold
    """

    task: StudyTask
    rows: np.ndarray
    fold: Fold

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The clips of each part, by position in the task."""
        return {"training": self.fold.training, "validation": self.fold.validation, "test": self.fold.test}


def clean_clips(manifest: Manifest, run: Run[Options]) -> CleanClips:
    """Check a manifest's clips, and say what is left out.

    Raises
    ------
    ManifestError
        A class is empty after the check, or has too few clips left.
    """
    clean = CleanClips(manifest, check_manifest(manifest, run.options.data.minimum_duration, run.jobs))
    for clip in clean.faults:
        print(f"left out: {clip.clip_id}: {clip.cause}")
    run.leave_out(clean.faults)
    for protocol in run.protocols:
        check_classes(manifest, clean.kept(protocol))
    n_copies = int((clean.found.usable & clean.found.copies).sum())
    if n_copies:
        print(f"{n_copies} clips repeat others: the corrected protocol leaves them out")
    if len(manifest.class_names) == 2:
        print(
            f"{manifest.name} has two genres only: guessing is right half of the time, and ten genres are much harder"
        )
    return clean


def draw_genres(clean: CleanClips, run: Run[Options]) -> None:
    """Draw a sheet of each genre's first usable clip (Figures 1 to 5), where it is not there yet."""
    usable = clean.manifest.select(clean.found.usable)
    labels = usable.table["label"].to_numpy(str)
    folder = run.folder / "figures" / "genres"
    wanted = {genre: folder / f"{usable.name}__{_file_name(genre)}.png" for genre in usable.class_names}
    missing = {genre: path for genre, path in wanted.items() if not path.exists()}
    read = reader(list_clips(usable), SAMPLING_RATE, run.options.data.seconds)
    for genre, path in progress_bar(missing.items(), description="drawing", unit="genre"):
        number = int(np.flatnonzero(labels == genre)[0])
        waveform = read(number)
        if isinstance(waveform, MgcKerasError):
            continue  # it becomes a row of errors.csv where features are computed
        draw_clip(waveform, SAMPLING_RATE, path, title=f"{genre} (clip {usable.clip_ids[number]})")


def features_of(network: str, clean: CleanClips, run: Run[Options]) -> Sequences:
    """Export what a network learns from, once for all protocols and seeds: vectors of InceptionV3, or pictures.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    size, seconds = run.options.network.image_size, run.options.data.seconds
    extractor: Extractor
    if network == "cnn":
        extractor = PictureExtractor(size, seconds)
    else:
        extractor = backbone_vectors(
            network,
            segments="whole",
            seconds=seconds,
            weights=run.options.network.backbone_weights,
            seed=run.seed,
            image_size=size,
            antialias=True,
        )
    stem = run.folder / "features" / f"{clean.manifest.name}_{extractor.name}"
    return export_sequences(clean.manifest.select(clean.found.usable), stem, extractor, jobs=run.jobs)


def _file_name(genre: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in genre)
