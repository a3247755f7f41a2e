"""Emotify: 400 clips of four genres with nine induced emotions.

Two layouts are read. A list with one row a clip, ``emotify.csv`` (`filepath`, `label`, `artist` and one column an
emotion), keeps its row order. The owner's ``data.csv`` has one row an annotation (`track id`, `genre`, emotions as 0
or 1): each clip gets the share of its annotators who felt the emotion; rows are ordered by genre, then by number, and
no artist is known.
"""

from pathlib import Path

import pandas as pd

from mgc_keras.datasets.builders._common import Built, find_root, numbers, prefix_of, read_list, split_off_missing
from mgc_keras.datasets.cards import read_card

NAME = "emotify"
CLIP_LIST, ANNOTATIONS = "emotify.csv", "data.csv"


def build(folder: Path) -> Built:
    """Build from ``emotify.csv`` or ``data.csv`` and ``<genre>/<number>.mp3``; see `build_manifest`."""
    emotions = read_card(NAME).label_columns or []
    root = find_root(NAME, folder, (CLIP_LIST, ANNOTATIONS))
    if (root / CLIP_LIST).exists():
        clips = read_list(root / CLIP_LIST, ("filepath", "label", "artist", *emotions))
        scores = clips[emotions].apply(lambda column: numbers(clips, column.name, root / CLIP_LIST))
    else:
        clips, scores = _clips_of_annotations(root / ANNOTATIONS, emotions)
    clip_ids = clips["filepath"].str.rsplit(".", n=1).str[0]
    table = pd.DataFrame({"clip_id": clip_ids, "filepath": prefix_of(root, folder) + clips["filepath"]})
    table = pd.concat([table, clips["label"], scores.add_prefix("label_")], axis=1)
    if "artist" in clips:
        table["artist"] = clips["artist"]
    return split_off_missing(table, folder)


def _clips_of_annotations(path: Path, emotions: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    annotations = read_list(path, ("track id", "genre", *emotions))
    annotations["track id"] = numbers(annotations, "track id", path)
    for emotion in emotions:
        annotations[emotion] = numbers(annotations, emotion, path)
    means = annotations.groupby(["genre", "track id"])[emotions].mean().reset_index()
    # Ids run through all genres, file names from 1 in each.
    number = means.groupby("genre").cumcount() + 1
    clips = pd.DataFrame({"filepath": means["genre"] + "/" + number.astype(str) + ".mp3", "label": means["genre"]})
    return clips, means[emotions]
