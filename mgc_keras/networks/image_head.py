"""The head of an image network: from a backbone's vectors to genres."""

from collections.abc import Sequence

import keras

from mgc_keras.checks import check_dropout, check_sizes
from mgc_keras.layers.standardization import PathStandardization
from mgc_keras.networks.resnet34 import he_normal

HEAD_UNITS = (256, 128, 64)
STANDARDIZATION = "standardization"


def head_network(
    n_channels: int,
    n_classes: int,
    *,
    head_units: Sequence[int] = HEAD_UNITS,
    dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build the head of an `image_network` alone, with the weights that it starts from there.

    To train many heads on vectors that were computed once, without building the backbone every time;
    `mgc_keras.networks.image_network.set_head` then puts one into a whole network.

    Parameters
    ----------
    n_channels : int
        Of the vectors.
    n_classes, head_units, dropout, seed
        As of `image_network`.

    Returns
    -------
    keras.Model
        (batch, n_channels) float32 to (batch, n_classes) float32 soft-max: ``part_of(model, "vector", "genres")``.

    Raises
    ------
    OptionError
        A number that makes no sense.

    Example
    -------
    >>> head_network(512, 10, head_units=[16]).output_shape
    (None, 10)
    """
    check_sizes(n_classes=n_classes, n_channels=n_channels, head_units=head_units)
    check_dropout(dropout)
    vectors = keras.Input((n_channels,), dtype="float32", name="vector_input")
    return keras.Model(vectors, head_layers(vectors, n_classes, head_units, dropout, seed), name="vector_to_genres")


def head_layers(
    values: keras.KerasTensor, n_classes: int, units: Sequence[int], dropout: float, seed: int
) -> keras.KerasTensor:
    """Return genres from the vectors of a backbone, through the layers of an image network's head."""
    values = PathStandardization(name=STANDARDIZATION, dtype="float32")(values)
    for number, width in enumerate(units, 1):
        start = he_normal(seed, f"dense{number}")
        values = keras.layers.Dense(width, "relu", kernel_initializer=start, name=f"dense{number}")(values)
        values = keras.layers.Dropout(dropout, seed=seed + number, name=f"dropout{number}")(values)
    start = he_normal(seed, "genres")
    return keras.layers.Dense(n_classes, "softmax", kernel_initializer=start, dtype="float32", name="genres")(values)
