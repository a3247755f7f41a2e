"""Features on disk, whatever their form, as one kind of table."""

from pathlib import Path

import pandas as pd

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.features.csv_table import KEY_COLUMNS, MAKE_IT, read_csv
from mgc_keras.features.parquet_table import check_pyarrow, read_parquet
from mgc_keras.features.sequences import read_sequences
from mgc_keras.files import why_no_file


def read_features(path: str | Path) -> pd.DataFrame:
    """Read features that `export_features` wrote, whatever their form: a table, or sequences.

    Parameters
    ----------
    path : str or Path
        A ``.csv``, ``.parquet`` or ``.npz``. The JSON beside a CSV tells its precision; without it the numbers are read
        as float64. Parquet needs pyarrow, and knows its precision.

    Returns
    -------
    pd.DataFrame
        Of a table: indexed by `clip_id`, in the order of the file: the feature columns, float32 for a network's and
        float64 for MFCCs, with exactly the values that were computed; of CSV and Parquet the same. Tables of sliding
        windows have `start_s` and `end_s` (float64) first.

        Of sequences: a row a clip and frame, (n_clips * n_frames, n_columns) float32, indexed by `clip_id` and `frame`
        (from 0). The file is read once for its checksums, and then mapped, not held; the index takes 6 to 12 bytes a
        row. `mgc_keras.features.sequences.read_sequences` gives the array without an index.

    Raises
    ------
    ManifestError
        The file is missing, damaged, no features of this form, or holds cells that are not numbers.
    OptionError
        A Parquet, and pyarrow is not installed.

    Example
    -------
    >>> read_features("mfcc.parquet").loc["blues.00000"]                # doctest: +SKIP
    """
    path = Path(path)
    if not path.is_file():
        raise ManifestError(why_no_file(path), path=path, cure=MAKE_IT)
    read = {".parquet": read_parquet, ".npz": _read_frames}
    return read.get(path.suffix.lower(), read_csv)(path)


def read_filepaths(path: str | Path) -> dict[str, str]:
    """Return where each clip of a table (.csv or .parquet) lies, by clip_id, as the table has it.

    Raises
    ------
    ManifestError
        The file is missing, damaged, or no feature table.
    """
    path = Path(path)
    if not path.is_file():
        raise ManifestError(why_no_file(path), path=path, cure=MAKE_IT)
    names = list(KEY_COLUMNS)
    try:
        if path.suffix.lower() == ".parquet":
            check_pyarrow(path)
            table = pd.read_parquet(path, columns=names)
        else:
            table = pd.read_csv(path, usecols=names, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise ManifestError(f"is no feature table: {error}", path=path, cure=MAKE_IT) from error
    return dict(zip(*(table[name] for name in names), strict=True))


def _read_frames(path: Path) -> pd.DataFrame:
    try:
        sequences = read_sequences(path)
    except OptionError as error:
        raise ManifestError(error.problem, path=error.path, cure=error.cure) from error
    n_clips, n_frames, n_columns = sequences.values.shape
    index = pd.MultiIndex.from_product([sequences.clip_ids, range(n_frames)], names=["clip_id", "frame"])
    # A view of the mapped file.
    return pd.DataFrame(sequences.values.reshape(-1, n_columns), index, sequences.columns, copy=False)
