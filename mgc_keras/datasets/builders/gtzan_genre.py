"""GTZAN genre: ten folders of a hundred clips, as ``.au`` (its owner's archive) or ``.wav`` (later copies).

Row order: by class, then by number; the authors of Choi et al. 2017 use the same. The column `split` is the
fault-filtered one of the committed manifest ``data_manifests/gtzan_genre.csv``, which ``derive_gtzan_split.py``
beside it writes.
"""

from pathlib import Path

from mgc_keras.datasets.builders._common import Built, class_table, find_root
from mgc_keras.datasets.cards import read_card
from mgc_keras.datasets.gtzan import NAME, committed


def build(folder: Path) -> Built:
    """Build from ``[genres/]<genre>/<genre>.<number>.au`` or ``….wav``; see `build_manifest`."""
    genres = read_card(NAME).classes or []
    root = find_root(NAME, folder, genres)
    table = class_table(folder, {genre: root / genre for genre in genres})
    split = dict(zip(committed().clip_ids, committed().table["split"]))
    table["split"] = table["clip_id"].map(split).fillna("")
    found = set(table["clip_id"])
    return Built(table, [clip_id for clip_id in split if clip_id not in found])
