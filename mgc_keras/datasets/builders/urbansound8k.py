"""UrbanSound8K: ten predefined folds, named in its metadata file.

Row order: by file name, as the authors of Choi et al. 2017 have it. The folds are the owner's; slices of one
recording share a fold.
"""

from pathlib import Path

import pandas as pd

from mgc_keras.datasets.builders._common import Built, find_root, prefix_of, read_list, split_off_missing

NAME = "urbansound8k"
METADATA = "metadata/UrbanSound8K.csv"


def build(folder: Path) -> Built:
    """Build from ``metadata/UrbanSound8K.csv`` and ``audio/fold<n>/*.wav``; see `build_manifest`."""
    root = find_root(NAME, folder, (METADATA,))
    slices = read_list(root / METADATA, ("slice_file_name", "fold", "class")).sort_values("slice_file_name")
    table = pd.DataFrame(
        {
            "clip_id": slices["slice_file_name"].str.removesuffix(".wav"),
            "filepath": prefix_of(root, folder) + "audio/fold" + slices["fold"] + "/" + slices["slice_file_name"],
            "label": slices["class"],
            "fold": slices["fold"],
        }
    )
    return split_off_missing(table, folder)
