"""Million Song Dataset with the 50 most used last.fm tags: audio, tag list and split are the user's.

``tags.csv`` has one row a tag given (columns `track_id`, `tag`, spelled as on last.fm, capitals too); ``split.csv``
one row a track (columns `track_id`, `split`: train, valid or test). Row order: that of ``split.csv``. Tracks without
any of the 50 tags are left out.
"""

from pathlib import Path

import pandas as pd

from mgc_keras.datasets.builders._common import Built, find_root, paths_by_stem, read_list
from mgc_keras.datasets.cards import read_card
from mgc_keras.errors import ManifestError

NAME = "msd_lastfm50"
SPLITS = ("train", "valid", "test")


def build(folder: Path) -> Built:
    """Build from ``tags.csv``, ``split.csv`` and clips ``<track_id>.<suffix>`` at any depth; see `build_manifest`."""
    root = find_root(NAME, folder, ("split.csv",))
    tags = read_list(root / "tags.csv", ("track_id", "tag"))
    tracks = read_list(root / "split.csv", ("track_id", "split"))
    unknown = tracks.loc[~tracks["split"].isin(SPLITS), "split"]
    if len(unknown):
        cure = f"use {', '.join(SPLITS)}"
        raise ManifestError(f"unknown split {unknown.iloc[0]!r}", path=root / "split.csv", field="split", cure=cure)
    names = read_card(NAME).label_columns
    known = tags[tags["tag"].isin(names)]
    given = pd.crosstab(known["track_id"], known["tag"]).clip(upper=1)
    given = given.reindex(index=tracks["track_id"], columns=names, fill_value=0).reset_index(drop=True)
    given = given.add_prefix("label_")
    paths = tracks["track_id"].map(paths_by_stem(folder))
    table = pd.concat([tracks["track_id"].rename("clip_id"), paths.rename("filepath"), given, tracks["split"]], axis=1)
    tagged, there = given.any(axis=1), paths.notna()
    remarks = [f"{int((~tagged).sum())} track(s) without any of the 50 tags were left out"] if not tagged.all() else []
    missing = tracks.loc[tagged & ~there, "track_id"].tolist()
    return Built(table[tagged & there].reset_index(drop=True), missing, remarks)
