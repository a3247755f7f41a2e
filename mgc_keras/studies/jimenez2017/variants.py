"""MusicTaggerCRNN with another head, input or length and the same weights, and in two parts."""

from typing import Any

import keras
import numpy as np

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.named_outputs import output_names
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.parts import has_layers
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.studies.jimenez2017.network import (
    N_FRAMES,
    N_MELS,
    PADDING,
    head,
    is_crnn,
    music_tagger_crnn,
    recurrent_states,
)

# Layers from which on the network can be trained anew, from the bottom up; "head" is the new classifier alone.
TRAINABLE_FROM = ("time_norm", "conv1", "conv2", "conv3", "conv4", "gru1", "gru2", "head")
HEADS = ("tags", "genres")
# The shortest segment that leaves the recurrent layers more than a few steps: four, of 8.2 s.
SHORT_FRAMES = 384


def options_of(model: keras.Model) -> dict[str, Any]:
    """Read the options of `music_tagger_crnn`, all but the seed, off a model's layers: they survive any file format.

    Raises
    ------
    OptionError
        `model` is another network.
    """
    if not is_crnn(model):
        cure = "take one that mgc_keras built or loaded"
        raise OptionError(f"{model.name!r} is no MusicTaggerCRNN", field="model", cure=cure)
    head = next((layer for layer in model.layers if layer.name in HEADS), None)
    return {
        "n_outputs": head.units if head else len(TAGS),
        "output": head.name if head else "features",
        "names": output_names(model),
        "input": "waveform" if has_layers(model, "melspectrogram") else "melspectrogram",
        "activation": head.activation.__name__ if head else "sigmoid",
    }


def with_variant(model: keras.Model, *, output: str | None = None, input: str | None = None) -> keras.Model:
    """Build the network with the same weights and another input, or without its head.

    Parameters
    ----------
    model : keras.Model
        A `music_tagger_crnn`. It is left alone.
    output : str, optional
        "features", or the kind of head that it has.
    input : {"waveform", "melspectrogram"}, optional

    Raises
    ------
    OptionError
        It has no such head, or `model` is another network.
    """
    options = options_of(model)
    before = options["output"]
    if output not in (None, before, "features"):
        raise OptionError(f"the model has no {output}", field="output", cure=f"take its {before}")
    options |= {"output": output or before, "input": input or options["input"]}
    return set_tensors(music_tagger_crnn(**options), tensors_of(model))


def with_head(model: keras.Model, names: tuple[str, ...], seed: int = 0) -> keras.Model:
    """Build the network again with a new, random soft-max over genres; every other tensor is a copy of the old one.

    Waveforms in, genres out. A soft-max, since a song has one genre. The published network has ten sigmoids; how its
    authors trained them is not stated.

    Parameters
    ----------
    model : keras.Model
        A `music_tagger_crnn`, with any head or none. It is left alone.
    names : tuple of str
        Genres, in the order of the outputs.
    seed : int
        Of the head and of dropout.

    Raises
    ------
    OptionError
        `model` is another network, or there are fewer than two genres.
    """
    options_of(model)  # says what is wrong
    twin = music_tagger_crnn(len(names), output="genres", names=names, activation="softmax", seed=seed)
    return set_tensors(twin, tensors_of(model), except_layers=HEADS)


def split_at(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Return a `music_tagger_crnn` below a layer, and from it on, as two models that share its weights.

    The one gives (batch, n) of waveforms, its maps made flat; the other takes these to scores. What stays as it is can
    so be computed once for every excerpt, and only the rest is trained.

    Parameters
    ----------
    model : keras.Model
        With a head.
    layer : str
        One of `TRAINABLE_FROM`.

    Raises
    ------
    OptionError
        There is no such layer.

    Example
    -------
    >>> below, above = split_at(music_tagger_crnn(), "gru1")
    >>> below.output_shape, above.input_shape, above.output_shape
    ((None, 1920), (None, 1920), (None, 50))
    """
    checked_choice("from_layer", layer, TRAINABLE_FROM)
    names = [part.name for part in model.layers]
    first = names.index("final_dropout" if layer == "head" else layer)
    maps = model.layers[first - 1].output
    below = keras.Model(model.inputs, keras.layers.Flatten(name="flat")(maps), name=f"below_{layer}")
    inputs = keras.Input(below.output_shape[1:], dtype="float32", name="maps")
    values = keras.layers.Reshape(tuple(maps.shape[1:]), name="shaped")(inputs)
    for part in model.layers[first:]:
        values = part(values)
    return below, keras.Model(inputs, values, name=f"from_{layer}")


def freeze_all_but_head(model: keras.Model) -> None:
    """Leave only the head trainable; frozen batch norms keep their statistics."""
    for layer in model.layers:
        layer.trainable = layer.name in HEADS


def short_crnn(n_tags: int, *, n_frames: int = SHORT_FRAMES, seed: int = 0) -> keras.Model:
    """Build the network for segments of a few seconds, a fraction of the work of 29.12 s.

    Not in any paper; chosen because random segments teach the same filters from little data in minutes.
    `from_short` moves its weights into the whole network. It takes (batch, 96, n_frames, 1) decibels, as
    `melspectrogram_layer` gives; `n_frames` is a multiple of 96.
    """
    inputs = keras.Input((N_MELS, n_frames, 1), dtype="float32", name="melspectrogram_input")
    outputs = head(recurrent_states(inputs, seed), n_tags, "tags", None, "sigmoid", seed)
    return keras.Model(inputs, outputs, name="short_crnn")


def from_short(model: keras.Model, names: tuple[str, ...]) -> keras.Model:
    """Build the whole network with the weights of a `short_crnn`.

    The time-axis normalisation has weights and statistics of every frame. Random segments have none that differ, so
    each frame of the excerpt takes their mean; the frames of padding are passed through.
    """
    tensors = tensors_of(model)
    for name, neutral in {"gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}.items():
        values = np.full(N_FRAMES + 2 * PADDING, neutral, np.float32)
        values[PADDING : PADDING + N_FRAMES] = tensors[f"time_norm/{name}"].mean()
        tensors[f"time_norm/{name}"] = values
    return set_tensors(music_tagger_crnn(len(names), names=names), tensors)
