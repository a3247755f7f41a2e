"""Names of feature sets, and the blocks of columns they are made of."""

from itertools import combinations

from mgc_keras.errors import OptionError

LAYERS = "12345"
NEVER_PUBLISHED = ("1235", "1245", "1345")


def layer_sets(which: str = "all") -> list[str]:
    """Name the sets of convnet layers, in the paper's numbering.

    Parameters
    ----------
    which : {"all", "published"}
        All 31 non-empty sets, or the 28 that the authors ran (without 1235, 1245 and 1345).

    Returns
    -------
    list of str
        Such as '1', '12', '12345': by number of layers, then by name.

    Raises
    ------
    OptionError
        Another value of `which`.

    Example
    -------
    >>> len(layer_sets()), len(layer_sets("published")), layer_sets()[5:8]
    (31, 28, ['12', '13', '14'])
    """
    if which not in ("all", "published"):
        raise OptionError(f"unknown layer sets {which!r}", field="layer_sets", cure="use all or published")
    names = ["".join(layers) for size in range(1, 6) for layers in combinations(LAYERS, size)]
    return [name for name in names if which == "all" or name not in NEVER_PUBLISHED]


def feature_names(which: str = "all", mfcc: bool = True, prefix: str = "") -> list[str]:
    """Name the feature sets of a study: layer sets, MFCC, and MFCC with all layers (paper, section 4).

    Parameters
    ----------
    which : {"all", "published"}
        As in `layer_sets`.
    mfcc : bool
        Whether 'mfcc' and 'mfcc+12345' are among them.
    prefix : str
        Put before every layer set, as in 'random_' for the convnet with random weights.

    Returns
    -------
    list of str
        The largest sets come last.
    """
    names = [prefix + name for name in layer_sets(which)]
    return names + (["mfcc", f"mfcc+{prefix}{LAYERS}"] if mfcc else [])


def feature_blocks(feature: str) -> tuple[str, ...]:
    """Name the blocks of columns that a feature set joins.

    Parameters
    ----------
    feature : str
        Parts joined by '+'. A part of digits, with or without a prefix that ends in '_', is a set of layers; any
        other part is a block of its own.

    Returns
    -------
    tuple of str

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
        if layers and set(layers) <= set(LAYERS):
            blocks += [prefix + separator + layer for layer in layers]
        else:
            blocks.append(part)
    if len(set(blocks)) < len(blocks) or "" in blocks:
        raise OptionError(f"feature set {feature!r} names a block twice or none", field="feature", cure="such as 125")
    return tuple(blocks)
