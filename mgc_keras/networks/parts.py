"""A part of a network, as a network of its own with the same weights."""

from collections.abc import Mapping

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError


def has_layers(model: keras.Model, *names: str) -> bool:
    """Tell whether a model has layers of all these names. Names survive saving in any format: they tell networks."""
    return set(names) <= {layer.name for layer in model.layers}


def between(model: keras.Model, start: str, end: str, aliases: Mapping[str, str] | None = None) -> keras.Model:
    """Return the layers above one layer of a chain, up to another, as a model that shares their weights.

    What stays as it is can so be computed once for every clip, and only the rest is trained.

    Parameters
    ----------
    model : keras.Model
        A chain: every layer takes the output of the one before.
    start, end : str
        The layer whose output goes in, and the one further up whose output comes out: the part is named
        ``<start>_to_<end>``.
    aliases : mapping of str to str, optional
        Other names of layers, which `start` and `end` may be.

    Raises
    ------
    OptionError
        There is no such layer, or `end` is not above `start`.

    Example
    -------
    >>> inputs = keras.Input((3,), name="vector")
    >>> outputs = keras.layers.Dense(2, name="genres")(keras.layers.Dense(5, name="dense")(inputs))
    >>> between(keras.Model(inputs, outputs), "dense", "genres").input_shape
    (None, 5)
    """
    places = {layer.name: place for place, layer in enumerate(model.layers)}
    places |= {alias: places[name] for alias, name in (aliases or {}).items()}
    first, last = (
        places[checked_choice(field, name, tuple(places))] for field, name in (("start", start), ("end", end))
    )
    if first >= last:
        raise OptionError(f"{end} is not above {start}", field="end", cure="take a layer further up")
    inputs = values = keras.Input(model.layers[first].output.shape[1:], dtype="float32", name=f"{start}_input")
    for layer in model.layers[first + 1 : last + 1]:
        values = layer(values)
    return keras.Model(inputs, values, name=f"{start}_to_{end}")
