"""The feature sets of the study: how each is built, how a search names what it joins, how tables order and name it."""

from collections.abc import Iterable
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mgc_keras.errors import OptionError
from mgc_keras.features.sets import BuiltFeatures, FeatureOptions, FeatureSet

if TYPE_CHECKING:
    import pandas as pd

LAYERS = "12345"
# Stands before a layer set of the convnet with random weights.
RANDOM = "random_"
# Clips that the authors' convnet normalised together.
BATCH_SIZE = 256
NEVER_PUBLISHED = ("1235", "1245", "1345")


def layer_sets(which: str = "all") -> list[str]:
    """Name sets of convnet layers in the paper's numbering, as ``--layer-sets`` asks for them.

    Parameters
    ----------
    which : str
        "all": the 31 non-empty sets, by number of layers, then by name; "published": the 28 that the authors ran
        (without 1235, 1245 and 1345); or sets with commas between them, their layers in rising order.

    Raises
    ------
    OptionError
        A name that is none of the 31 sets.

    Example
    -------
    >>> len(layer_sets()), len(layer_sets("published")), layer_sets("1,12,12345")
    (31, 28, ['1', '12', '12345'])
    """
    known = ["".join(layers) for size in range(1, 6) for layers in combinations(LAYERS, size)]
    if which in ("all", "published"):
        return [name for name in known if which == "all" or name not in NEVER_PUBLISHED]
    named = list(dict.fromkeys(which.split(",")))
    for name in named:
        if name not in known:
            cure = "name layers from 1 to 5 in rising order, such as 1,12,12345; or all, or published"
            raise OptionError(f"{name!r} is unknown", field="--layer-sets", cure=cure)
    return named


LAYER_SETS = tuple(layer_sets())


def feature_blocks(feature: str) -> tuple[str, ...]:
    """Name the blocks of columns that a feature set joins.

    Parameters
    ----------
    feature : str
        Parts joined by '+'. A part of digits, with or without a prefix that ends in '_', is a set of layers; any
        other part is a block of its own.

    Raises
    ------
    OptionError
        A block named twice, or none.

    Example
    -------
    >>> feature_blocks("mfcc+135")
    ('mfcc', '1', '3', '5')
    >>> feature_blocks("random_12")
    ('random_1', 'random_2')
    """
    blocks: list[str] = []
    for part in feature.split("+"):
        prefix, separator, layers = part.rpartition("_")
        is_set = layers and set(layers) <= set(LAYERS)
        blocks += [prefix + separator + layer for layer in layers] if is_set else [part]
    if len(set(blocks)) < len(blocks) or "" in blocks:
        raise OptionError(f"feature set {feature!r} names a block twice or none", field="feature", cure="such as 125")
    return tuple(blocks)


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


def best_layer_set(scores: "pd.DataFrame") -> "pd.Series | None":
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


def _mfcc(options: FeatureOptions, jobs: int | None) -> BuiltFeatures:
    from mgc_keras.features.mfcc import MfccExtractor

    return BuiltFeatures(
        MfccExtractor() if options.batch_size is None else MfccExtractor(batch_size=options.batch_size)
    )


def _network(options: FeatureOptions, jobs: int | None, *, name: str) -> BuiltFeatures:
    from mgc_keras.features.network import NetworkExtractor, find_weights
    from mgc_keras.layers.sampled_at import heard_at
    from mgc_keras.networks.load import load_model
    from mgc_keras.studies.choi2017.calibration import has_batch_statistics, independent_extractor
    from mgc_keras.studies.choi2017.network import convnet

    weights = find_weights(options.weights) if options.weights else None
    if weights:
        given = load_model(weights, output=options.output or "features", input="waveform")
    else:
        given = convnet(seed=options.seed or 0)
    given = heard_at(given, options.sampling_rate)
    taken: dict[str, Any] = {
        "weights_file": weights,
        "batch_size": options.batch_size,
        "fit": options.fit or "repeat",
        "name": name,
    }
    if options.calibrate_on is not None and (options.protocol == "published" or not has_batch_statistics(given)):
        why = "the published protocol" if options.protocol == "published" else "a network that holds statistics"
        raise OptionError(f"has no use with {why}", field="--calibrate-on", cure="leave it out")
    if options.protocol == "published":
        return BuiltFeatures(NetworkExtractor(given, **taken))
    extractor = independent_extractor(given, options.calibrate_on, jobs=jobs, **taken)
    return BuiltFeatures(extractor, None if options.calibrate_on is None else extractor.model)


_OF_CONVNET = ("weights", "output", "protocol", "calibrate_on", "batch_size", "fit", "precision", "sampling_rate")

FEATURE_SETS = (
    FeatureSet(
        "mfcc",
        "120 numbers: mean and standard deviation of 20 MFCCs and their differences. Needs no weights.",
        _mfcc,
        takes=("batch_size",),
        blocks={"mfcc": "mfcc_"},
    ),
    FeatureSet(
        "convnet",
        "160 numbers: five layers of the convnet of Choi et al. (2017), layer1_00 ... layer5_31. Needs --weights.",
        partial(_network, name="convnet"),
        takes=_OF_CONVNET,
        needs_weights="choi2017_theano",
        blocks={layer: f"layer{layer}_" for layer in LAYERS},
    ),
    FeatureSet(
        "song",
        "the convnet's 160 numbers, averaged over windows of the whole song: --features convnet --over song.",
        partial(_network, name="song"),
        takes=_OF_CONVNET,
        needs_weights="choi2017_theano",
        blocks={layer: f"layer{layer}_" for layer in LAYERS},
        over="song",
    ),
    FeatureSet(
        "random",
        "the same network with random weights: what the architecture alone is worth.",
        partial(_network, name="random"),
        takes=("protocol", "calibrate_on", "batch_size", "fit", "seed", "precision"),
        blocks={RANDOM + layer: f"layer{layer}_" for layer in LAYERS},
    ),
)
