"""MagnaTagATune: 188 tags for excerpts of about 29 s, in sixteen folders named 0 to f.

`split` follows the folders: 0 to b train, c valid, d to f test. Row order and label names are those of
``annotations_final.csv`` (``label_no voice`` has a blank, as there). Where ``clip_info_final.csv`` is there, `artist`
comes from it.
"""

from pathlib import Path

from mgc_keras.datasets.builders._common import Built, find_root, prefix_of, read_list, split_off_missing
from mgc_keras.errors import ManifestError

NAME = "magnatagatune"
ANNOTATIONS, CLIP_INFO = "annotations_final.csv", "clip_info_final.csv"
SPLIT_OF_FOLDER = {digit: "train" for digit in "0123456789ab"} | {"c": "valid"} | {digit: "test" for digit in "def"}


def build(folder: Path) -> Built:
    """Build from ``annotations_final.csv`` (tab-separated) and ``<0…f>/*.mp3`` beside it; see `build_manifest`."""
    root = find_root(NAME, folder, (ANNOTATIONS,))
    path = root / ANNOTATIONS
    annotations = read_list(path, ("clip_id", "mp3_path"), separator="\t")
    split = annotations["mp3_path"].str[0].map(SPLIT_OF_FOLDER)
    if split.isna().any():
        wrong = annotations.loc[split.isna(), "mp3_path"].iloc[0]
        problem = f"{wrong!r} lies in no folder from 0 to f"
        raise ManifestError(problem, path=path, field="mp3_path", cure="fetch it again")
    table = annotations.rename(columns=lambda name: name if name in ("clip_id", "mp3_path") else f"label_{name}")
    table.insert(1, "filepath", prefix_of(root, folder) + table.pop("mp3_path"))
    table["split"] = split
    if (root / CLIP_INFO).exists():
        info = read_list(root / CLIP_INFO, ("clip_id", "artist"), separator="\t")
        table["artist"] = table["clip_id"].map(dict(zip(info["clip_id"], info["artist"]))).fillna("")
    return split_off_missing(table, folder)
