"""Read the features, labels and folds that Choi et al. 2017 published, in the layout of their repository.

`data_csv/<dataset>.csv` lists the clips. `data_feats/<dataset>_layer_<0-4>.npy` holds layers 1 to 5 (the files count
from 0, the paper from 1), `data_feats/<dataset>_mfcc.npy` the MFCC baseline. `published_scores.csv` lists the recorded
scores.

Two of the files are not those of the recorded run: layer 5 of Jamendo and of UrbanSound8K, the tasks with clips shorter
than 29 s. Every recorded score of these tasks without layer 5 follows from the files to the last digit; those with it
do not: layer 5 alone gives 0.951 and 0.591, where 0.878 and 0.525 are recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError

N_LAYERS, N_CHANNELS, N_MFCC = 5, 32, 120
_SCORE_COLUMNS = ("task", "feature", "estimator", "score")


@dataclass(frozen=True)
class PublishedTask:
    """One task of the study.

    Attributes
    ----------
    name : str
        As in `PUBLISHED_TASKS`.
    estimator : {"SVC", "SVR"}
    clip_ids : list of str
        The authors' `id` where it is unique, else the file's name without suffix.
    target : np.ndarray [shape=(n_clips,)]
        Class numbers (int), or values in 0…1 (float64).
    blocks : dict of str to np.ndarray [shape=(n_clips, n_columns)]
        '1' … '5' (32 columns each, float32) and, where the file exists, 'mfcc' (120 columns, float64).
    fold_column : np.ndarray [shape=(n_clips,), dtype=int] or None
        Predefined folds (UrbanSound8K).
    split_column : np.ndarray [shape=(n_clips,), dtype=str] or None
        'train', 'valid', 'test' (Jamendo).
    groups : np.ndarray [shape=(n_clips,), dtype=str] or None
        Clips cut from one song (Jamendo) or one recording (UrbanSound8K), as far as their names tell.
    """

    name: str
    estimator: str
    clip_ids: list[str]
    target: np.ndarray
    blocks: dict[str, np.ndarray]
    fold_column: np.ndarray | None = None
    split_column: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def n_clips(self) -> int:
        """Count the clips."""
        return len(self.clip_ids)


@dataclass(frozen=True)
class _Source:
    dataset: str
    label: str = "label"
    estimator: str = "SVC"
    group_of: Callable[[str], str] | None = None


_SOURCES = {
    "ballroom_extended": _Source("ballroom_extended"),
    "emoMusic_a": _Source("emoMusic", "label_arousal", "SVR"),
    "emoMusic_v": _Source("emoMusic", "label_valence", "SVR"),
    "gtzan_genre": _Source("gtzan_genre"),
    "gtzan_speechmusic": _Source("gtzan_speechmusic"),
    # Segments are named '<song>_<number>'.
    "jamendo_vd": _Source("jamendo_vd", group_of=lambda clip: clip.rpartition("_")[0]),
    # Excerpts are named '<recording>-<class>-<occurrence>-<slice>'.
    "urbansound": _Source("urbansound", group_of=lambda clip: clip.partition("-")[0]),
}
PUBLISHED_TASKS = tuple(_SOURCES)


def read_published_task(folder: str | Path, task: str) -> PublishedTask:
    """Read one task.

    Parameters
    ----------
    folder : str or Path
        Holds `data_csv` and `data_feats`.
    task : str
        One of `PUBLISHED_TASKS`.

    Returns
    -------
    PublishedTask
        Rows in the order of the authors' list.

    Raises
    ------
    ManifestError
        An unknown task, a missing file or column, an array of another shape, values that are not finite.
    """
    folder = Path(folder)
    if task not in _SOURCES:
        raise ManifestError(f"unknown task {task!r}", field="tasks", cure=f"use {', '.join(PUBLISHED_TASKS)}")
    source = _SOURCES[task]
    path = folder / "data_csv" / f"{source.dataset}.csv"
    table = _read_table(path, ("id", "filepath", source.label))
    target = table[source.label].to_numpy()
    if target.dtype.kind not in ("iu" if source.estimator == "SVC" else "f") or pd.isna(target).any():
        raise ManifestError("a label is missing or of the wrong kind", path=path, field=source.label, cure=_FRESH)
    blocks = {
        str(layer): _read_features(folder, f"{source.dataset}_layer_{layer - 1}.npy", (len(table), N_CHANNELS))
        for layer in range(1, N_LAYERS + 1)
    }
    # The authors' repository lacks one of these: UrbanSound8K's.
    if (folder / "data_feats" / f"{source.dataset}_mfcc.npy").is_file():
        blocks["mfcc"] = _read_features(folder, f"{source.dataset}_mfcc.npy", (len(table), N_MFCC))
    clip_ids = _clip_ids(table)
    return PublishedTask(
        task,
        source.estimator,
        clip_ids,
        target,
        blocks,
        table["fold"].to_numpy() if "fold" in table else None,
        table["category"].to_numpy(dtype=str) if "category" in table else None,
        np.array([source.group_of(clip) for clip in clip_ids]) if source.group_of else None,
    )


def read_published_scores(folder: str | Path) -> pd.DataFrame:
    """Read the scores that the authors' run recorded: columns task, feature, estimator, score.

    Raises
    ------
    ManifestError
        The file or a column is missing.
    """
    table = _read_table(Path(folder) / "published_scores.csv", _SCORE_COLUMNS)
    return table.loc[:, list(_SCORE_COLUMNS)]


_FRESH = "get the authors' files afresh"


def _read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        raise ManifestError("no such file", path=path, cure="name the folder that holds data_csv and data_feats")
    try:
        table = pd.read_csv(path, dtype={"id": str, "feature": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ManifestError("is not a table of comma-separated values", path=path, cure=_FRESH) from error
    for column in columns:
        if column not in table:
            raise ManifestError("the column is missing", path=path, field=column, cure=_FRESH)
    if table.empty:
        raise ManifestError("has no rows", path=path, cure=_FRESH)
    return table


def _read_features(folder: Path, name: str, shape: tuple[int, int]) -> np.ndarray:
    path = folder / "data_feats" / name
    if not path.is_file():
        raise ManifestError("no such file", path=path, cure=_FRESH)
    try:
        features = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ManifestError("is not a plain NumPy array", path=path, cure=_FRESH) from error
    if features.shape != shape or features.dtype.kind != "f":
        raise ManifestError(
            f"has the shape {features.shape} and type {features.dtype}, not {shape} and float", path=path, cure=_FRESH
        )
    if not np.isfinite(features).all():
        raise ManifestError("holds values that are not finite", path=path, cure=_FRESH)
    return features


def _clip_ids(table: pd.DataFrame) -> list[str]:
    if table["id"].is_unique:
        return table["id"].tolist()
    return [Path(filepath).stem for filepath in table["filepath"]]
