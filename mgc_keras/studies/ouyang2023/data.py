"""The clips of the Ouyang 2023 study: manifests, the check, folds, and what both networks learn from."""

import re
from dataclasses import dataclass, replace
from typing import Any

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
from mgc_keras.networks.parts import between
from mgc_keras.progress import progress_bar
from mgc_keras.protocols import Protocol
from mgc_keras.reporting.clip_views import draw_clip
from mgc_keras.runs.writer import write_table
from mgc_keras.studies.common.run import Run, task_of
from mgc_keras.studies.ouyang2023.cleaning import (
    CleanClips,
    balanced,
    check_classes,
    check_manifest,
    class_counts,
    three_part_fold,
)
from mgc_keras.studies.ouyang2023.networks import custom_cnn
from mgc_keras.studies.ouyang2023.study import Options

TASK = "genre"


class PictureExtractor(Extractor):
    """Mel-spectrograms as grey pictures, computed once, as `custom_cnn` makes them of waveforms.

    One row a line of the picture, lowest band first.

    Parameters
    ----------
    image_size : tuple of int
        Height and width in pixels.
    seconds : float
        From the start of each clip; shorter clips are repeated.

    Raises
    ------
    OptionError
        `image_size` is too small for the network, or the clips have no length.
    """

    name, sampling_rate, batch_size = "pictures", SAMPLING_RATE, 8

    def __init__(self, image_size: tuple[int, int], seconds: float) -> None:
        self.image_size, self.duration, self.n_samples = image_size, seconds, round(seconds * SAMPLING_RATE)
        # The head is not used: two classes are the least it may have.
        self._front = between(custom_cnn(2, self.n_samples, image_size=image_size), "waveform", "image")
        self.columns = [f"column_{number:04d}" for number in range(image_size[1])]

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, as plain JSON values."""
        names = ("name", "sampling_rate", "n_samples", "fit")
        return {name: getattr(self, name) for name in names} | {"image_size": list(self.image_size)}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, height, width) float32, 0 to 255, of waveforms (batch, n_samples)."""
        return self._front.predict_on_batch(waveforms)[..., 0]


@dataclass(frozen=True, eq=False)
class CleanFold:
    """Balanced clips in three parts; `rows` (n_clips,) int is the place of each clip in the exported features."""

    task: StudyTask
    rows: np.ndarray
    fold: Fold

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The clips of each part, by position in the task."""
        return {"training": self.fold.training, "validation": self.fold.validation, "test": self.fold.test}


def genre_manifests(run: Run[Options]) -> list[Manifest]:
    """Read the manifests, or render the built-in corpus' genres; see `Run.manifests` for the errors."""
    data = run.options.data

    def rendered(name: str) -> Manifest:
        n_clips = data.clips if name == TASK else None
        return run.rendered(name, SAMPLING_RATE, n_clips, None if data.seconds >= 29 else data.seconds)

    manifests = run.manifests([TASK], rendered)
    for manifest in manifests:
        check_classes(manifest, np.ones(len(manifest), dtype=bool), n_parts=1)
    return manifests


def clean_clips(manifest: Manifest, run: Run[Options]) -> CleanClips:
    """Check a manifest's clips, and say what is left out.

    Raises
    ------
    ManifestError
        A class is empty after the check, or has too few clips left.
    """
    clean = check_manifest(manifest, run.options.data.minimum_duration, run.jobs)
    for clip in clean.faults:
        print(f"left out: {clip.clip_id}: {clip.cause}")
    run.leave_out(clean.faults)
    for protocol in run.protocols:
        check_classes(manifest, clean.kept(protocol))
    n_copies = int((clean.usable & clean.copies).sum())
    if n_copies:
        print(f"{n_copies} clips repeat others: the corrected protocol leaves them out")
    if len(manifest.class_names) == 2:
        warning = "guessing is right half of the time, and ten genres are much harder"
        print(f"{manifest.name} has two genres only: {warning}")
    return clean


def split_clips(
    clean: CleanClips, sequences: Sequences, protocol: Protocol, seed: int, parts: tuple[float, ...]
) -> CleanFold:
    """Balance the classes and split them, as a protocol and a seed have it.

    Raises
    ------
    MgcKerasError
        A class has too few clips, or too few artists.
    """
    kept = clean.kept(protocol) & np.isin(clean.manifest.clip_ids, sequences.clip_ids)
    check_classes(clean.manifest, kept)
    fault_filtered = protocol.mends("fault-filtered-split")
    task, rows = task_of(clean.manifest.select(kept), sequences.clip_ids, fault_filtered)
    # A split that comes with the dataset is taken as it is, where it is taken at all.
    grouped = protocol.mends("artists-together")
    if not grouped or task.split is None:
        drawn = balanced(task.target, seed)
        task, rows = task.subset(drawn), rows[drawn]
    try:
        fold = three_part_fold(task, grouped=grouped, parts=parts, seed=seed)
    except OptionError as error:
        raise ManifestError(error.problem, path=clean.manifest.name, field=error.field, cure=error.cure) from error
    return CleanFold(task, rows, replace(fold, repetition=seed))


def write_counts(clean: CleanClips, fold: CleanFold, protocol: Protocol, run: Run[Options]) -> None:
    """Write and print the clips a class before and after the check, balanced, and in each part (Figures 6, 7)."""
    manifest, used = clean.manifest, np.array(fold.task.clip_ids)
    selections = {"balanced": used, **{name: used[rows] for name, rows in fold.parts.items()}}
    table = class_counts(
        manifest.table["label"].to_numpy(str),
        found=np.ones(len(manifest), bool),
        checked=clean.kept(protocol),
        **{name: np.isin(manifest.clip_ids, clip_ids) for name, clip_ids in selections.items()},
    )
    write_table(table, run.folder / "clean" / f"{manifest.name}__{protocol.name}.csv")
    print(f"{manifest.name}, {protocol.name} protocol, clips a class:\n{table.to_string(index=False)}")


def draw_genres(clean: CleanClips, run: Run[Options]) -> None:
    """Draw a sheet of each genre's first usable clip (Figures 1 to 5), where it is not there yet."""
    usable = clean.manifest.select(clean.usable)
    labels = usable.table["label"].to_numpy(str)
    folder = run.folder / "figures" / "genres"
    names = {genre: re.sub(r"[^\w-]", "_", genre) for genre in usable.class_names}
    wanted = {genre: folder / f"{usable.name}__{name}.png" for genre, name in names.items()}
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
    return export_sequences(clean.manifest.select(clean.usable), stem, extractor, jobs=run.jobs)
