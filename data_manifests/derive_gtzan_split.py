#!/usr/bin/env python
"""Write data_manifests/gtzan_genre.csv: GTZAN's thousand clips with the fault-filtered split as column `split`.

The split (Kereliuk, Sturm and Larsen 2015: no replicas, distorted clips or artists on two sides) is listed in the
GTZAN module of torchaudio. That module is read as text here, by its syntax tree: it is neither imported nor run.
Names and labels follow GTZAN's rule.

    python data_manifests/derive_gtzan_split.py                     # finds an installed torchaudio
    python data_manifests/derive_gtzan_split.py path/to/gtzan.py
"""

import argparse
import ast
import importlib.util
import sys
from pathlib import Path

import pandas as pd

from mgc_keras.datasets.cards import manifest_folder, read_card
from mgc_keras.datasets.manifest import write_manifest
from mgc_keras.errors import ManifestError
from mgc_keras.files import sha256_of

NAME = "gtzan_genre"
LISTS = {"train": "filtered_train", "valid": "filtered_valid", "test": "filtered_test"}


def read_member_lists(module: Path) -> dict[str, list[str]]:
    """Return the clip ids of each split, from the literal lists assigned in the source file `module`."""
    assigned = {
        node.targets[0].id: node.value
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    absent = [name for name in LISTS.values() if name not in assigned]
    if absent:
        raise ManifestError(
            "the list is missing", path=module, field=", ".join(absent), cure="take torchaudio 0.13 or later"
        )
    return {split: ast.literal_eval(assigned[name]) for split, name in LISTS.items()}


def derived_table(members: dict[str, list[str]]) -> pd.DataFrame:
    """Return the manifest's table, paths as in GTZAN's own archive.

    Raises `ManifestError` if the members contradict GTZAN's rule or the card.
    """
    card = read_card(NAME)
    clip_ids = [f"{genre}.{number:05d}" for genre in card.classes for number in range(card.counts[genre])]
    split_of = {clip_id: split for split, ids in members.items() for clip_id in ids}
    strangers = sorted(set(split_of) - set(clip_ids))
    sizes = {split: len(ids) for split, ids in members.items()}
    if strangers or len(split_of) != sum(sizes.values()) or sizes != card.splits:
        problem = f"sizes {sizes}, expected {card.splits}; {len(split_of)} different ids; unknown ids {strangers[:3]}"
        raise ManifestError(problem, field="split", cure="take the lists of an unchanged torchaudio")
    genres = [clip_id.split(".")[0] for clip_id in clip_ids]
    filepaths = [f"genres/{genre}/{clip_id}.au" for genre, clip_id in zip(genres, clip_ids)]
    split = [split_of.get(clip_id, "") for clip_id in clip_ids]
    return pd.DataFrame({"clip_id": clip_ids, "filepath": filepaths, "label": genres, "split": split})


def installed_module() -> Path:
    """Return the path of an installed torchaudio's GTZAN module, without importing torchaudio."""
    package = importlib.util.find_spec("torchaudio")
    if package is None or not package.submodule_search_locations:
        raise ManifestError(
            "torchaudio is not installed", cure="pip install --no-deps torchaudio, or give the file's path"
        )
    return Path(package.submodule_search_locations[0]) / "datasets" / "gtzan.py"


def main() -> int:
    """Write the manifest and print what it was made from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", nargs="?", type=Path, help="torchaudio's datasets/gtzan.py")
    parser.add_argument("-o", "--output", type=Path, default=manifest_folder() / f"{NAME}.csv")
    arguments = parser.parse_args()
    try:
        module = arguments.module or installed_module()
        table = derived_table(read_member_lists(module))
        write_manifest(table, arguments.output)
    except (ManifestError, OSError) as error:
        print(f"derive_gtzan_split: {error}", file=sys.stderr)
        return 2
    print(f"read {module} (SHA-256 {sha256_of(module)}): {table['split'].value_counts().drop('').to_dict()}")
    print(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
