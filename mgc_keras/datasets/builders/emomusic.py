"""emoMusic (1000 songs for emotional analysis of music): mean arousal and valence of 744 songs, annotated from 1 to 9.

`label_arousal` and `label_valence` are the mean annotation divided by 9, as in Choi et al. 2017. Row order: by song
number, as theirs. Where ``songs_info.csv`` is there, `artist` and `split` (development: train, evaluation: test) come
from it.
"""

from pathlib import Path

import pandas as pd

from mgc_keras.datasets.builders._common import Built, find_root, numbers, paths_by_stem, read_list
from mgc_keras.errors import ManifestError

NAME = "emomusic"
ANNOTATIONS = "static_annotations.csv"
SCALE = 9.0
SPLITS = {"development": "train", "evaluation": "test"}


def build(folder: Path) -> Built:
    """Build from ``annotations/static_annotations.csv`` and ``clips_45seconds/<song>.mp3``; see `build_manifest`."""
    path = find_root(NAME, folder, (ANNOTATIONS,)) / ANNOTATIONS
    songs = read_list(path, ("song_id", "mean_arousal", "mean_valence"))
    songs = songs.assign(number=numbers(songs, "song_id", path).astype(int)).sort_values("number")
    table = pd.DataFrame(
        {
            "clip_id": songs["song_id"],
            "filepath": songs["song_id"].map(paths_by_stem(folder)),
            "label_arousal": numbers(songs, "mean_arousal", path) / SCALE,
            "label_valence": numbers(songs, "mean_valence", path) / SCALE,
        }
    )
    table = _with_songs_info(table, path.parent / "songs_info.csv")
    there = table["filepath"].notna()
    missing = [f"{song}.mp3" for song in table.loc[~there, "clip_id"]]
    return Built(table[there].reset_index(drop=True), missing)


def _with_songs_info(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    if not path.exists():
        return table
    info = read_list(path, ("song_id", "Artist", "Mediaeval 2013 set")).set_index("song_id")
    unknown = sorted(set(info["Mediaeval 2013 set"]) - set(SPLITS))
    if unknown:
        cure = f"expected {' or '.join(SPLITS)}"
        raise ManifestError(f"unknown set {unknown[0]!r}", path=path, field="Mediaeval 2013 set", cure=cure)
    ids = table["clip_id"]
    split = ids.map(info["Mediaeval 2013 set"].map(SPLITS)).fillna("")
    return table.assign(split=split, artist=ids.map(info["Artist"]).fillna(""))
