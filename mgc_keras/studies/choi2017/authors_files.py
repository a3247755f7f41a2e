"""Read the features, labels and folds that Choi et al. 2017 published, in the layout of their repository.

`data_csv/<dataset>.csv` lists the clips. `data_feats/<dataset>_layer_<0-4>.npy` holds layers 1 to 5 (the files count
from 0, the paper from 1), `data_feats/<dataset>_mfcc.npy` the MFCC baseline. `published_scores.csv` lists the recorded
scores.

Two of the files are not those of the recorded run: layer 5 of Jamendo and of UrbanSound8K, the tasks with clips shorter
than 29 s. Every recorded score of these tasks without layer 5 follows from the files to the last digit; those with it
do not: layer 5 alone gives 0.951 and 0.591, where 0.878 and 0.525 are recorded.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.cards import card_names, read_card
from mgc_keras.datasets.gtzan import committed
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import ManifestError
from mgc_keras.protocols import Protocol
from mgc_keras.studies.choi2017.features import Blocks, StudyData
from mgc_keras.studies.choi2017.paper import TASK_NAMES
from mgc_keras.studies.common.paper import GTZAN

_SCORE_COLUMNS = ["task", "feature", "estimator", "score"]
_FRESH = "get the authors' files afresh"


@dataclass(frozen=True)
class _Source:
    dataset: str
    label: str = "label"
    kind: str = "classification"
    group_of: Callable[[str], str] | None = None


_SOURCES = {
    "ballroom_extended": _Source("ballroom_extended"),
    "emoMusic_a": _Source("emoMusic", "label_arousal", "regression"),
    "emoMusic_v": _Source("emoMusic", "label_valence", "regression"),
    "gtzan_genre": _Source("gtzan_genre"),
    "gtzan_speechmusic": _Source("gtzan_speechmusic"),
    # Segments are named '<song>_<number>'.
    "jamendo_vd": _Source("jamendo_vd", group_of=lambda clip: clip.rpartition("_")[0]),
    # Excerpts are named '<recording>-<class>-<occurrence>-<slice>'.
    "urbansound": _Source("urbansound", group_of=lambda clip: clip.partition("-")[0]),
}
PUBLISHED_TASKS = tuple(_SOURCES)


def files_of(folder: Path, tasks: Iterable[str] | None = None) -> list[Path]:
    """Return the files that some tasks, by default all, are read from."""
    datasets = [_SOURCES[name].dataset for name in tasks or PUBLISHED_TASKS if name in _SOURCES]
    lists = [folder / "data_csv" / f"{name}.csv" for name in datasets]
    layers = [folder / "data_feats" / f"{name}_layer_{layer}.npy" for name in datasets for layer in range(5)]
    mfccs = [folder / "data_feats" / f"{name}_mfcc.npy" for name in datasets]
    return list(dict.fromkeys([folder / "published_scores.csv", *lists, *layers, *mfccs]))


def published_data(folder: str | Path, name: str, protocols: Iterable[Protocol]) -> StudyData:
    """Read one task with its recorded scores; all protocols see the same features, which came out of batches.

    `folder`, `name` and what is raised: as for `read_published_task`.
    """
    task, blocks = read_published_task(folder, name)
    scores, split = read_published_scores(folder), task.split
    # Of the authors' own files, which are named so.
    is_gtzan = name == GTZAN
    if is_gtzan:
        split = committed().table.set_index("clip_id")["split"].loc[task.clip_ids].to_numpy(str)
    # The classes behind the authors' numbers, where the dataset's card names them.
    dataset = next((dataset for dataset, known in TASK_NAMES.items() if known == name), name)
    classes = read_card(dataset).classes if dataset in card_names() else None
    published = dict(scores[scores["task"] == name].set_index("feature")["score"])
    names = dict(enumerate(classes or ()))
    task = replace(task, split=split, fault_filtered=is_gtzan, published=published, class_names=names)
    return StudyData(task, {protocol.name: blocks for protocol in protocols})


def read_published_task(folder: str | Path, name: str) -> tuple[StudyTask, Blocks]:
    """Read one task and its features, rows in the order of the authors' list.

    Parameters
    ----------
    folder : str or Path
        Holds `data_csv` and `data_feats`.
    name : str
        One of `PUBLISHED_TASKS`.

    Returns
    -------
    task : StudyTask
        clip_ids: the authors' `id` where it is unique, else the file's name without suffix. target: class numbers
        (int), or values in 0…1 (float64). fold: predefined for UrbanSound8K. split: 'train', 'valid', 'test' for
        Jamendo. groups: clips cut from one song (Jamendo) or one recording (UrbanSound8K), as far as names tell.
    blocks : dict of str to np.ndarray [shape=(n_clips, n_columns)]
        '1' … '5' (32 columns each, float32) and, where the file exists, 'mfcc' (120 columns, float64).

    Raises
    ------
    ManifestError
        An unknown task, a missing file or column, an array of another shape, values that are not finite.
    """
    folder = Path(folder)
    if name not in _SOURCES:
        raise ManifestError(f"{name!r} is unknown", field="tasks", cure=f"choose one of {', '.join(PUBLISHED_TASKS)}")
    source = _SOURCES[name]
    path = folder / "data_csv" / f"{source.dataset}.csv"
    table = _read_table(path, ["id", "filepath", source.label])
    target = table[source.label].to_numpy()
    if target.dtype.kind not in ("iu" if source.kind == "classification" else "f") or pd.isna(target).any():
        raise ManifestError("a label is missing or of the wrong kind", path=path, field=source.label, cure=_FRESH)
    features = folder / "data_feats"
    blocks = {
        str(layer): _read_features(features / f"{source.dataset}_layer_{layer - 1}.npy", (len(table), 32))
        for layer in range(1, 6)
    }
    # The authors' repository lacks one of these: UrbanSound8K's.
    if (mfcc := features / f"{source.dataset}_mfcc.npy").is_file():
        blocks["mfcc"] = _read_features(mfcc, (len(table), 120))
    ids = table["id"] if table["id"].is_unique else table["filepath"].map(lambda filepath: Path(filepath).stem)
    task = StudyTask(
        name,
        source.kind,
        ids.tolist(),
        target,
        groups=np.array([source.group_of(clip) for clip in ids]) if source.group_of else None,
        fold=table["fold"].to_numpy() if "fold" in table else None,
        split=table["category"].to_numpy(dtype=str) if "category" in table else None,
    )
    return task, blocks


def read_published_scores(folder: str | Path) -> pd.DataFrame:
    """Read the scores that the authors' run recorded: columns task, feature, estimator, score.

    Raises
    ------
    ManifestError
        The file or a column is missing.
    """
    return _read_table(Path(folder) / "published_scores.csv", _SCORE_COLUMNS)[_SCORE_COLUMNS]


def _read_table(path: Path, columns: list[str]) -> pd.DataFrame:
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


def _read_features(path: Path, shape: tuple[int, int]) -> np.ndarray:
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
