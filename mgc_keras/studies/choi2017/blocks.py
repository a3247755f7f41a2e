"""Feature tables cut into the blocks that the search adds up: one block a convnet layer, one for MFCCs."""

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError
from mgc_keras.studies.choi2017.network import LAYERS


def layer_blocks(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Cut a convnet's feature table into its layers.

    Parameters
    ----------
    table : pd.DataFrame
        Columns ``layer1_00`` … ``layer5_31``, one row a clip.

    Returns
    -------
    dict
        "1" … "5" to (n_clips, 32) float64.

    Raises
    ------
    ManifestError
        A layer's columns are missing.
    """
    return {str(layer): _block(table, f"layer{layer}_") for layer in LAYERS}


def mfcc_block(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return an MFCC table as the one block "mfcc", (n_clips, 120) float64; errors as `layer_blocks`."""
    return {"mfcc": _block(table, "mfcc_")}


def _block(table: pd.DataFrame, prefix: str) -> np.ndarray:
    columns = [column for column in table.columns if column.startswith(prefix)]
    if not columns:
        raise ManifestError(
            "the feature table lacks these columns", field=f"{prefix}*", cure="export the features again"
        )
    return table[columns].to_numpy(np.float64)
