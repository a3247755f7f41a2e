"""The order and the names in which features are shown."""

from collections.abc import Iterable

import pandas as pd

from mgc_keras.studies.choi2017.feature_sets import LAYERS, RANDOM, layer_sets

LAYER_SETS = tuple(layer_sets())


def feature_order(features: Iterable[str]) -> list[str]:
    """Sort features as the paper draws them: layer sets by size, then MFCCs, then MFCCs with layers, then others.

    Example
    -------
    >>> feature_order(["mfcc+12345", "mfcc", "12", "5", "random_12"])
    ['5', '12', 'mfcc', 'mfcc+12345', 'random_12']
    """

    def rank(feature: str) -> tuple[bool, int, int, str]:
        bare = feature.removeprefix(RANDOM)
        kinds = (bare in LAYER_SETS, bare == "mfcc", bare.startswith("mfcc+"), True)
        return feature.startswith(RANDOM), kinds.index(True), len(bare), bare

    return sorted(features, key=rank)


def best_layer_set(scores: pd.DataFrame) -> pd.Series | None:
    """Return the row of the trained convnet's layer set with the highest score, the smallest among equals, or None."""
    rows = scores[scores["feature"].isin(LAYER_SETS)]
    if rows.empty:
        return None
    ordered = rows.set_index("feature").loc[feature_order(rows["feature"])].reset_index()
    return ordered.loc[ordered["score"].idxmax()]


def feature_name(feature: str) -> str:
    """Return a feature's name as tables show it.

    Example
    -------
    >>> feature_name("random_12345"), feature_name("mfcc+12345")
    ('random weights 12345', 'MFCC + 12345')
    """
    return feature.replace(RANDOM, "random weights ").replace("mfcc", "MFCC").replace("+", " + ")


def describe(feature: str) -> str:
    """Return what a feature is, in words.

    Example
    -------
    >>> describe("random_12345")
    'the same convnet with random weights'
    """
    layers = feature.removeprefix(RANDOM).removeprefix("mfcc+")
    if layers not in LAYER_SETS and layers != "mfcc":
        return feature  # a network or classifier that goes by its own name
    part = f" (layers {', '.join(layers)})" if layers in LAYER_SETS and layers != "12345" else ""
    if feature.startswith(RANDOM):
        return f"the same convnet with random weights{part}"
    if feature.startswith("mfcc+"):
        return f"MFCC and convnet together{part}"
    return "MFCC" if feature == "mfcc" else f"the trained convnet{part}"


def planned_pairs(features: Iterable[str]) -> list[tuple[str, str]]:
    """Return the comparisons to make among these features, fixed before any score is seen.

    All layers against the same layers untrained and against MFCCs; MFCCs added to all layers against either alone.
    Where all five layers were not run, the largest set stands for them (the last of these in numbering).

    Example
    -------
    >>> planned_pairs(["1", "12345", "random_12345", "mfcc"])
    [('12345', 'random_12345'), ('12345', 'mfcc')]
    """
    features = list(features)
    sets = [name for name in features if name and set(name) <= set(LAYERS)]
    if not sets:
        return []
    whole = max(sets, key=lambda name: (len(name), name))
    both = f"mfcc+{whole}"
    pairs = [(whole, RANDOM + whole), (whole, "mfcc"), (both, whole), (both, "mfcc")]
    return [pair for pair in pairs if set(pair) <= set(features)]
