"""Clean data (Ouyang 2023): faulty clips out, every class as large as the smallest, each class in three parts.

The paper takes GTZAN without its broken clip, 99 clips of every genre, and splits each genre 80:9:10 into training,
validation and test. Which clips of the larger classes go is not stated; chosen: a seeded draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mgc_keras.audio.check import KINDS, MINIMUM_DURATION, Finding, check_clips
from mgc_keras.datasets.holdout import holdout_fold
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import ManifestError
from mgc_keras.protocols import Protocol
from mgc_keras.work import FailedClip

# Training, validation and test clips of a class.
PARTS = (80, 9, 10)
# A misnamed file and a copy can be heard; what these name cannot, or not as it was meant.
UNUSABLE = tuple(kind for kind in KINDS if kind not in ("wrong_extension", "duplicate"))


@dataclass(frozen=True, eq=False)
class CleanClips:
    """A manifest whose clips were checked.

    Attributes
    ----------
    manifest : Manifest
        All clips.
    findings : tuple of Finding
        Those of the kinds `UNUSABLE`; `Finding.clip` is the clip's id.
    usable : np.ndarray [shape=(n_clips,), dtype=bool]
        False for every clip with such a finding.
    copies : np.ndarray [shape=(n_clips,), dtype=bool]
        True for clips to leave out so that no two sound alike: all but the first of clips with equal audio and label,
        and every one where the labels contradict each other, since it cannot be told which is right.
    """

    manifest: Manifest
    findings: tuple[Finding, ...]
    usable: np.ndarray
    copies: np.ndarray

    @property
    def faults(self) -> list[FailedClip]:
        """Rows of ``errors.csv``."""
        files = dict(zip(self.manifest.clip_ids, self.manifest.table["filepath"]))
        return [
            FailedClip(found.clip, files[found.clip], f"{found.kind.replace('_', ' ')}: {found.detail}", found.cure)
            for found in self.findings
        ]

    def kept(self, protocol: Protocol) -> np.ndarray:
        """Return which clips a protocol uses: those that are whole, and no copies where it leaves them out."""
        return self.usable & ~self.copies if protocol.mends("copies-out") else self.usable


def check_manifest(
    manifest: Manifest, minimum_duration: float = MINIMUM_DURATION, jobs: int | None = None
) -> CleanClips:
    """Decode every clip of a manifest with a label column and say which can be used; see `check_clips`.

    Example
    -------
    >>> clean = check_manifest(read_manifest("gtzan_genre.csv", "gtzan"))      # doctest: +SKIP
    >>> [clip.clip_id for clip in clean.faults]                                # doctest: +SKIP
    ['jazz.00054']
    """
    found, groups = check_clips(manifest.filepaths, manifest.clip_ids, minimum_duration, jobs)
    faulty = tuple(finding for finding in found if finding.kind in UNUSABLE)
    labels = dict(zip(manifest.clip_ids, manifest.table["label"]))
    copies: list[str] = []
    for group in groups:
        contradict = len({labels[name] for name in group}) > 1
        copies += group if contradict else group[1:]
    ids = manifest.clip_ids
    return CleanClips(manifest, faulty, ~np.isin(ids, [finding.clip for finding in faulty]), np.isin(ids, copies))


def balanced(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Choose as many clips of every class as the smallest one has, at random.

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=bool]
        True where a clip is kept.

    Example
    -------
    >>> balanced(np.array(["a", "a", "a", "b", "b"])).tolist().count(True)
    4
    """
    names, counts = np.unique(labels, return_counts=True)
    random = np.random.default_rng((seed, 2))
    kept = np.zeros(len(labels), dtype=bool)
    for name in names:
        kept[random.permutation(np.flatnonzero(labels == name))[: counts.min()]] = True
    return kept


def check_classes(manifest: Manifest, usable: np.ndarray, n_parts: int = len(PARTS)) -> None:
    """Raise `ManifestError` unless there are two classes or more, each with a `usable` clip for every part."""
    place = {"path": manifest.name, "field": "label"}
    names = manifest.class_names
    if len(names) < 2:
        problem = f"names {'one class' if names else 'no class'}, and a classifier tells classes apart"
        raise ManifestError(problem, cure="give clips of two or more in the label column", **place)
    labels = manifest.table["label"].to_numpy(str)
    for name in names:
        n_all, n_usable = int((labels == name).sum()), int((labels[usable] == name).sum())
        if not n_usable:
            problem = f"class {name!r} is empty after the check: all {n_all} clips are faulty or copies"
            raise ManifestError(problem, cure="replace its clips, or leave the class out of the manifest", **place)
        if n_usable < n_parts:
            problem = f"class {name!r} has {n_usable} usable {'clip' if n_usable == 1 else 'clips'} of {n_all}, and"
            problem += f" {n_parts} are needed: one each to train, to validate and to test"
            raise ManifestError(problem, cure="give it more clips, or leave the class out", **place)


def three_part_fold(task: StudyTask, *, grouped: bool = True, parts: Sequence[float] = PARTS, seed: int = 0) -> Fold:
    """Split every class into training, validation and test clips.

    Parameters
    ----------
    grouped : bool
        Take the dataset's own train, valid and test clips where it marks them (GTZAN's fault-filtered split), else keep
        artists on one side where they are known. As published, a seeded draw from every class, whoever plays.
    parts : sequence of float
        Shares of the three, in any unit, all above 0.

    Raises
    ------
    OptionError
        Too few clips (or artists) of a class.
    ManifestError
        The dataset's own split marks no clips "test", or all.

    Example
    -------
    >>> task = StudyTask("two", "classification", list(range(198)), np.repeat(["a", "b"], 99))
    >>> fold = three_part_fold(task, grouped=False)
    >>> len(fold.training), len(fold.validation), len(fold.test)
    (160, 18, 20)
    """
    training, validation, test = parts
    validation_share = validation / (training + validation)
    return holdout_fold(task, grouped=grouped, seed=seed, share=test / sum(parts), validation_share=validation_share)


def class_counts(labels: np.ndarray, **kept: np.ndarray) -> pd.DataFrame:
    """Count the clips of every class in several selections, each a mask or positions: a column each, a row a class.

    Example
    -------
    >>> class_counts(np.array(["b", "a", "b"]), all=np.arange(3), checked=np.array([1])).values.tolist()
    [['a', 1, 1], ['b', 2, 0]]
    """
    names = sorted(set(labels.tolist()))
    counted = {name: [int((labels[rows] == label).sum()) for label in names] for name, rows in kept.items()}
    return pd.DataFrame({"class": names, **counted})
