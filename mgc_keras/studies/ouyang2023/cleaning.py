"""Clean data (Ouyang 2023): faulty clips out, every class as large as the smallest, each class in three parts.

The paper takes GTZAN without its broken clip, 99 clips of every genre, and splits each genre 80:9:10 into training,
validation and test. Which clips of the larger classes go is not stated; chosen: a seeded draw.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mgc_keras.audio.check import MINIMUM_DURATION, Finding, check_clips
from mgc_keras.datasets.holdout import holdout_fold
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.work import FailedClip

# Training, validation and test clips of a class.
PARTS = (80, 9, 10)
# A misnamed file and a copy can be heard; what these name cannot, or not as it was meant.
UNUSABLE = ("unreadable", "empty", "truncated", "silent", "too_short")


@dataclass(frozen=True, eq=False)
class ManifestCheck:
    """What a check of a manifest's clips found.

    Attributes
    ----------
    findings : tuple of Finding
        `Finding.clip` is the clip's id.
    usable : np.ndarray [shape=(n_clips,), dtype=bool]
        False for every clip with a finding of the kinds `UNUSABLE`.
    copies : np.ndarray [shape=(n_clips,), dtype=bool]
        True for clips to leave out so that no two sound alike: all but the first of clips with equal audio and label,
        and every one where the labels contradict each other, since it cannot be told which is right.
    """

    findings: tuple[Finding, ...]
    usable: np.ndarray
    copies: np.ndarray


def check_manifest(
    manifest: Manifest, minimum_duration: float = MINIMUM_DURATION, jobs: int | None = None
) -> ManifestCheck:
    """Decode every clip of a manifest and say which can be used.

    Parameters
    ----------
    manifest : Manifest
        With a label column.
    minimum_duration : float
        In seconds.
    jobs : int or None
        Threads; None takes one for each processor.

    Raises
    ------
    OptionError
        `minimum_duration` or `jobs` makes no sense.

    Example
    -------
    >>> found = check_manifest(read_manifest("gtzan_genre.csv", "gtzan"))      # doctest: +SKIP
    >>> [finding.clip for finding in found.findings if finding.kind in UNUSABLE]   # doctest: +SKIP
    ['jazz.00054']
    """
    findings, groups = check_clips(manifest.filepaths, manifest.clip_ids, minimum_duration, jobs)
    faulty = {finding.clip for finding in findings if finding.kind in UNUSABLE}
    labels = dict(zip(manifest.clip_ids, manifest.table["label"]))
    copies: set[str] = set()
    for group in groups:
        contradict = len({labels[name] for name in group}) > 1
        copies.update(group if contradict else group[1:])
    ids = np.array(manifest.clip_ids)
    return ManifestCheck(findings, ~np.isin(ids, list(faulty)), np.isin(ids, list(copies)))


def balanced(labels: Sequence[str] | np.ndarray, seed: int = 0) -> np.ndarray:
    """Choose as many clips of every class as the smallest one has, at random.

    Parameters
    ----------
    labels : sequence of str, (n_clips,)
    seed : int

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=bool]
        True where a clip is kept.

    Raises
    ------
    OptionError
        There are no clips.

    Example
    -------
    >>> balanced(["a", "a", "a", "b", "b"]).tolist().count(True)
    4
    """
    labels = np.asarray(labels)
    if not len(labels):
        raise OptionError("there are no clips to choose from", field="labels", cure="give one for each clip")
    names, counts = np.unique(labels, return_counts=True)
    random = np.random.default_rng((seed, 2))
    kept = np.zeros(len(labels), dtype=bool)
    for name in names:
        kept[random.permutation(np.flatnonzero(labels == name))[: counts.min()]] = True
    return kept


def check_classes(manifest: Manifest, usable: np.ndarray, parts: Sequence[float] = PARTS) -> None:
    """Raise `ManifestError` unless there are two classes or more, each with a usable clip for every part.

    Parameters
    ----------
    manifest : Manifest
    usable : np.ndarray [shape=(n_clips,), dtype=bool]
    parts : sequence of float
    """
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
        if n_usable < len(parts):
            problem = f"class {name!r} has {n_usable} usable {'clip' if n_usable == 1 else 'clips'} of {n_all}, and"
            problem += f" {len(parts)} are needed: one each to train, to validate and to test"
            raise ManifestError(problem, cure="give it more clips, or leave the class out", **place)


def three_part_fold(task: StudyTask, *, grouped: bool = True, parts: Sequence[float] = PARTS, seed: int = 0) -> Fold:
    """Split every class into training, validation and test clips.

    Parameters
    ----------
    task : StudyTask
    grouped : bool
        Take the dataset's own train, valid and test clips where it marks them (GTZAN's fault-filtered split), else keep
        artists on one side where they are known. As published, a seeded draw from every class, whoever plays.
    parts : sequence of float
        Shares of the three, in any unit.
    seed : int

    Raises
    ------
    OptionError
        Parts that are not three positive numbers, or too few clips (or artists) of a class.
    ManifestError
        The dataset's own split marks no clips "test", or all.

    Example
    -------
    >>> task = StudyTask("two", "classification", list(range(198)), np.repeat(["a", "b"], 99))
    >>> fold = three_part_fold(task, grouped=False)
    >>> len(fold.training), len(fold.validation), len(fold.test)
    (160, 18, 20)
    """
    parts = tuple(parts)
    if len(parts) != 3 or not all(np.isfinite(part) and part > 0 for part in parts):
        shown = ":".join(f"{part:g}" for part in parts)
        raise OptionError(f"{shown} are no three parts", field="parts", cure="give three numbers above 0, as 80 9 10")
    training, validation, test = parts
    validation_share = validation / (training + validation)
    return holdout_fold(task, grouped=grouped, seed=seed, share=test / sum(parts), validation_share=validation_share)


def class_counts(labels: np.ndarray, **kept: np.ndarray) -> pd.DataFrame:
    """Count the clips of every class in several selections.

    Parameters
    ----------
    labels : np.ndarray [shape=(n_clips,), dtype=str]
    **kept : np.ndarray [dtype=bool or int]
        A mask or positions for each column of the table.

    Returns
    -------
    pd.DataFrame
        Columns class, then those of `kept`; one row a class, sorted.

    Example
    -------
    >>> class_counts(np.array(["b", "a", "b"]), all=np.arange(3), checked=np.array([1])).values.tolist()
    [['a', 1, 1], ['b', 2, 0]]
    """
    names = sorted(set(labels.tolist()))
    counted = {name: [int((labels[rows] == label).sum()) for label in names] for name, rows in kept.items()}
    return pd.DataFrame({"class": names, **counted})


def failed_clips(findings: Iterable[Finding], manifest: Manifest) -> list[FailedClip]:
    """Return the findings that make a clip unusable as rows for ``errors.csv``."""
    files = dict(zip(manifest.clip_ids, manifest.table["filepath"]))
    return [
        FailedClip(
            finding.clip,
            files[finding.clip],
            f"{finding.kind.replace('_', ' ')}: {finding.detail}",
            finding.cure,
        )
        for finding in findings
        if finding.kind in UNUSABLE
    ]
