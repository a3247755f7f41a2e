"""Which clips are copies of each other, and how many such pairs lie on both sides of a train-test border."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.studies.choi2017.audits.batch_border import clip_rows

EXACT = 1e-6


def replicas(
    features: Mapping[str, np.ndarray],
    clip_ids: list[str],
    *,
    labels: np.ndarray | None = None,
    folds: np.ndarray | None = None,
    batch_size: int | None = None,
    near: float = 0.1,
) -> AuditResult:
    """List the pairs of clips whose features are identical or nearly so.

    Parameters
    ----------
    features : mapping of str to np.ndarray [shape=(n_clips, n_features)]
        A pair is listed if it is close in any of these.
    clip_ids : list of str
    labels : np.ndarray [shape=(n_clips,)], optional
        Tells whether a pair's labels agree.
    folds : np.ndarray of int [shape=(n_clips,)], optional
        Tells whether a pair straddles folds: one clip is then tested by a model that was trained on the other.
    batch_size : int, optional
        If rows are in the order of extraction: tells whether both clips shared a batch. Copies that did not, and
        differ, show that the features depend on the batch.
    near : float
        Largest distance to list: the root mean square difference of standardised columns, where two clips
        chosen at random lie about 1.3 apart. Copies recorded at another level or with other noise reach about 0.05.

    Returns
    -------
    AuditResult
        Columns clip_a, clip_b, kind ("exact" up to 1e-6, else "near"), one ``distance_<name>`` a table, and where
        known same_label, straddles_folds, same_batch. Closest pairs first.

    Raises
    ------
    OptionError
        Tables of different lengths, or with values that are not finite.

    References
    ----------
    Sturm, B. L.: An analysis of the GTZAN music genre dataset, MIRUM 2012 (50 exact replicas by audio fingerprint).

    Notes
    -----
    Measured on the published GTZAN features: 27 pairs within 0.1 in MFCCs or convnet, of which 14 identical in MFCCs.
    Only 12 of these are identical in the convnet's features: the other two do not share a batch.
    """
    if not features:
        raise OptionError("no features to compare", field="features", cure="give at least one table")
    scaled = {}
    for name, table in features.items():
        table = clip_rows(name, table, len(clip_ids))
        spread = table.std(axis=0)
        scaled[name] = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    pairs = sorted({pair for table in scaled.values() for pair in _close_pairs(table, near)})
    first, second = np.array(pairs, int).reshape(-1, 2).T
    distances = {
        f"distance_{name}": np.sqrt(np.mean((table[first] - table[second]) ** 2, axis=1))
        for name, table in scaled.items()
    }
    least = np.min(list(distances.values()), axis=0)
    ids, kind = np.asarray(clip_ids, dtype=object), np.where(least <= EXACT, "exact", "near")
    table = pd.DataFrame({"clip_a": ids[first], "clip_b": ids[second], "kind": kind, **distances})
    for column, values, want_same in (("same_label", labels, True), ("straddles_folds", folds, False)):
        if values is not None:
            values = np.asarray(values)
            table[column] = (values[first] == values[second]) == want_same
    if batch_size is not None:
        table["same_batch"] = first // batch_size == second // batch_size
    table = table.iloc[np.argsort(least, kind="stable")].reset_index(drop=True)
    return AuditResult("replicas", table, _conclusion(table, len(clip_ids)))


def _close_pairs(table: np.ndarray, near: float) -> set[tuple[int, int]]:
    """Return pairs (a, b), a < b, whose root mean square difference is at most `near`."""
    radius = near * np.sqrt(table.shape[1])
    neighbours = NearestNeighbors(radius=radius).fit(table).radius_neighbors(return_distance=False)
    return {(a, int(b)) for a, others in enumerate(neighbours) for b in others if a < b}


def _conclusion(table: pd.DataFrame, n_clips: int) -> str:
    exact = int((table["kind"] == "exact").sum())
    text = f"Among {n_clips} clips {exact} pairs have identical features and {len(table) - exact} nearly identical ones"
    if "straddles_folds" in table:
        n_straddling = int(table["straddles_folds"].sum())
        text += f"; {n_straddling} pairs straddle folds: one clip is tested after training on its copy"
    apart = table[(table["kind"] == "exact") & ~table.get("same_batch", pd.Series(True, table.index))]
    for column in [name for name in table if name.startswith("distance_") and (apart[name] > EXACT).any()]:
        text += (
            f"; {len(apart)} identical pairs that did not share a batch lie {apart[column].min():.2f} to "
            f"{apart[column].max():.2f} apart in {column.removeprefix('distance_')}, the work of the batch alone"
        )
    if "same_label" in table and not table["same_label"].all():
        text += f"; different labels: {int((~table['same_label']).sum())} of the pairs"
    return text + "."
