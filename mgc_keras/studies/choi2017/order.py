"""The order and the names in which features are shown."""

from itertools import combinations

import pandas as pd

RANDOM = "random_"
LAYER_SETS = tuple("".join(chosen) for size in range(1, 6) for chosen in combinations("12345", size))


def feature_order(features: list[str]) -> list[str]:
    """Sort features as the paper draws them: layer sets by size, then MFCCs, then MFCCs with layers, then others.

    Example
    -------
    >>> feature_order(["mfcc+12345", "mfcc", "12", "5", "random_12"])
    ['5', '12', 'mfcc', 'mfcc+12345', 'random_12']
    """

    def rank(feature: str) -> tuple[int, int, str]:
        bare = feature.removeprefix(RANDOM)
        if bare in LAYER_SETS:
            kind = 0
        else:
            kind = {"mfcc": 1}.get(bare, 2 if bare.startswith("mfcc+") else 3)
        return kind + 10 * feature.startswith(RANDOM), len(bare), bare

    return sorted(features, key=rank)


def is_random(feature: str) -> bool:
    """Tell whether a feature comes from a convnet with random weights, alone or beside MFCCs."""
    return RANDOM in feature


def best_layer_set(scores: pd.DataFrame) -> pd.Series | None:
    """Return the row of the trained convnet's layer set with the highest score, the smallest among equals, or None."""
    rows = scores[scores["feature"].isin(LAYER_SETS)]
    if rows.empty:
        return None
    ordered = rows.set_index("feature").loc[feature_order(list(rows["feature"]))].reset_index()
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
