"""The networks of musicnn: Pons and Serra, musicnn: pre-trained convolutional neural networks for music audio tagging.

ISMIR 2019, late-breaking/demo. The architecture of `musicnn` is that of Pons et al., End-to-end learning for music
audio tagging at scale (ISMIR 2018). Sizes, paddings and orders are those of the authors' program, musicnn 0.1.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.log_melspectrogram import LogMelSpectrogram
from mgc_keras.layers.named_outputs import NamedOutputs, output_names
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.kinds import INPUTS
from mgc_keras.networks.parts import has_layers
from mgc_keras.networks.tensors import set_tensors, tensors_of

SAMPLING_RATE, N_DFT, HOP_LENGTH, N_MELS = 16000, 512, 256, 96
# A patch: what the authors call 3 s.
N_FRAMES = 187
N_SAMPLES = (N_FRAMES - 1) * HOP_LENGTH + N_DFT
OUTPUTS = ("features", "tags")
# (name, frames and mel bands of the kernel, filters)
TIMBRAL = (("timbral38", (7, 38), 204), ("timbral67", (7, 67), 204))
TEMPORAL = (("temporal128", (128, 1), 51), ("temporal64", (64, 1), 51), ("temporal32", (32, 1), 51))
MIDEND, MIDEND_FILTERS = ("midend1", "midend2", "midend3"), 64
N_PENULTIMATE, N_POOLED = 200, 753
VGG_BLOCKS, VGG_FILTERS, N_POOL5 = ("block1", "block2", "block3", "block4", "block5"), 128, 256
# Window and stride of each block's pooling; what does not fill a window is dropped.
VGG_POOLS = (((4, 1), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((4, 4), (4, 4)))
# In the order of the MTT sigmoids. Those of MSD are `mgc_keras.networks.lastfm.TAGS`.
MTT_TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano", "ambient",
    "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing", "vocals", "no vocals",
    "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man",
    "classic", "choir", "voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip


@dataclass(frozen=True)
class WeightLayers:
    """Layers with weights, in the order in which the authors' program made those of each type: its files count them."""

    convolutions: tuple[str, ...]
    normalizations: tuple[str, ...]
    dense: tuple[str, ...]


_BRANCHES = tuple(name for name, _, _ in TIMBRAL + TEMPORAL)
MUSICNN_LAYERS = WeightLayers(
    (*_BRANCHES, *MIDEND),
    ("input_norm", *(f"{name}_norm" for name in (*_BRANCHES, *MIDEND)), "pooled_norm", "penultimate"),
    ("dense", "tags"),
)
VGG_LAYERS = WeightLayers(
    tuple(f"{name}_conv" for name in VGG_BLOCKS),
    ("input_norm", *(f"{name}_norm" for name in VGG_BLOCKS)),
    ("tags",),
)


def musicnn(
    n_tags: int = 50, *, output: str = "tags", names: Sequence[str] | None = None, input: str = "waveform"
) -> keras.Model:
    """Build the musically motivated network with random weights.

    Timbral filters see 38 or 67 of 96 mel bands, temporal ones 128, 64 or 32 of 187 frames; the highest value over the
    bands goes on. Three residual convolutions along time; highest value and mean over time; two dense layers.

    Parameters
    ----------
    n_tags : int
    output : {"tags", "features"}
        (batch, n_tags) sigmoids; or (batch, 953): the penultimate layer (200), then the highest value over time (753).
    names : sequence of str, optional
        Of the tags, kept in the model's files.
    input : {"waveform", "melspectrogram"}
        (batch, 48128) float32, 3.008 s at 16 kHz; or (batch, 187, 96, 1) as `LogMelSpectrogram` gives.

    Returns
    -------
    keras.Model
        Layers with weights: `MUSICNN_LAYERS`.

    Raises
    ------
    OptionError
        An unknown value, or names that do not fit.

    Example
    -------
    >>> musicnn(output="features", input="melspectrogram").output_shape
    (None, 953)
    """
    checked_choice("output", output, OUTPUTS)
    inputs, maps = _inputs(input)
    maps = _norm("input_norm", maps)
    padded = keras.layers.ZeroPadding2D((3, 0), name="timbral_padding")(maps)
    branches = [_branch(padded, *part, padding="valid") for part in TIMBRAL]
    branches += [_branch(maps, *part, padding="same") for part in TEMPORAL]
    stages = [keras.layers.Concatenate(name="front")(branches)]
    for name in MIDEND:
        # One column wide in the original: along time alone it is the same.
        values = keras.layers.Conv1D(MIDEND_FILTERS, 7, padding="same", activation="relu", name=name)(stages[-1])
        values = _norm(f"{name}_norm", values)
        stages.append(values if len(stages) == 1 else keras.layers.Add(name=f"{name}_sum")([values, stages[-1]]))
    values = keras.layers.Concatenate(name="stages")(stages)
    column = keras.layers.Reshape((N_FRAMES, N_POOLED, 1), name="stages_column")(values)
    highest = keras.layers.Reshape((N_POOLED, 1), name="max_pool")(MaxPooling2D((N_FRAMES, 1), name="max")(column))
    mean = keras.layers.GlobalAveragePooling1D(name="mean")(values)
    mean = keras.layers.Reshape((N_POOLED, 1), name="mean_pool")(mean)
    # The authors' order: highest value and mean of the first map, then of the second, …
    pooled = keras.layers.Flatten(name="pooled")(keras.layers.Concatenate(name="pools")([highest, mean]))
    pooled = keras.layers.Dropout(0.5, name="pooled_dropout")(_norm("pooled_norm", pooled))
    values = keras.layers.Dense(N_PENULTIMATE, activation="relu", name="dense")(pooled)
    values = _norm("penultimate", values)
    if output == "features":
        flat = keras.layers.Flatten(name="max_pool_flat")(highest)
        outputs = keras.layers.Concatenate(name="features", dtype="float32")([values, flat])
    else:
        outputs = _head(keras.layers.Dropout(0.5, name="penultimate_dropout")(values), n_tags, names)
    return keras.Model(inputs, outputs, name="musicnn")


def vgg(
    n_tags: int = 50, *, output: str = "tags", names: Sequence[str] | None = None, input: str = "waveform"
) -> keras.Model:
    """Build the authors' VGG-like baseline with random weights: five times convolution, normalisation and pooling.

    Parameters, shapes and errors are those of `musicnn`, but features are (batch, 256), the last pooling. Layers with
    weights: `VGG_LAYERS`.

    Example
    -------
    >>> vgg(output="features", input="melspectrogram").output_shape
    (None, 256)
    """
    checked_choice("output", output, OUTPUTS)
    inputs, maps = _inputs(input)
    maps = _norm("input_norm", maps)
    for name, (window, stride) in zip(VGG_BLOCKS, VGG_POOLS, strict=True):
        maps = keras.layers.Conv2D(VGG_FILTERS, 3, padding="same", activation="relu", name=f"{name}_conv")(maps)
        maps = MaxPooling2D(window, strides=stride, name=f"{name}_pool")(_norm(f"{name}_norm", maps))
        if name != VGG_BLOCKS[-1]:
            maps = keras.layers.Dropout(0.25, name=f"{name}_dropout")(maps)
    values = keras.layers.Flatten(name="pool5", dtype="float32")(maps)
    if output == "tags":
        values = _head(keras.layers.Dropout(0.5, name="pool5_dropout")(values), n_tags, names)
    return keras.Model(inputs, values, name="musicnn_vgg")


def is_musicnn(model: keras.Model) -> bool:
    """Tell whether `model` is a `musicnn`."""
    return has_layers(model, "timbral38", "temporal32", "midend3", "pooled_norm", "penultimate")


def is_vgg(model: keras.Model) -> bool:
    """Tell whether `model` is a `vgg` of this module."""
    return has_layers(model, "input_norm", "block1_conv", "block5_norm", "pool5")


def feature_columns(model: keras.Model) -> tuple[str, ...]:
    """Return the names of the features of a network of this module; () where it gives tags."""
    if has_layers(model, "tags"):
        return ()
    blocks = {"penultimate": N_PENULTIMATE, "max_pool": N_POOLED} if is_musicnn(model) else {"pool5": N_POOL5}
    return tuple(f"{block}_{number:03d}" for block, size in blocks.items() for number in range(size))


def with_variant(model: keras.Model, *, output: str | None = None, input: str | None = None) -> keras.Model:
    """Build the network with the same weights and another input, or without its head.

    Raises
    ------
    OptionError
        It has no tags, or `model` is another network.
    """
    if not (is_musicnn(model) or is_vgg(model)):
        raise OptionError(f"{model.name!r} is no network of musicnn", field="model", cure="take one that was loaded")
    head = next((layer for layer in model.layers if layer.name == "tags"), None)
    if output == "tags" and head is None:
        raise OptionError("the model has no tags", field="output", cure="take its features")
    options: dict[str, Any] = {
        "n_tags": head.units if head else 50,
        "output": output or ("tags" if head else "features"),
        "names": output_names(model),
        "input": input or ("waveform" if has_layers(model, "melspectrogram") else "melspectrogram"),
    }
    return set_tensors((musicnn if is_musicnn(model) else vgg)(**options), tensors_of(model))


def _inputs(input: str) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    checked_choice("input", input, INPUTS)
    if input == "melspectrogram":
        inputs = keras.Input((N_FRAMES, N_MELS, 1), dtype="float32", name="melspectrogram_input")
        return inputs, inputs
    inputs = keras.Input((N_SAMPLES,), dtype="float32", name="waveform")
    return inputs, LogMelSpectrogram(SAMPLING_RATE, N_DFT, HOP_LENGTH, N_MELS, name="melspectrogram")(inputs)


def _norm(name: str, maps: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(epsilon=1e-3, name=name)(maps)


def _branch(
    maps: keras.KerasTensor, name: str, kernel: tuple[int, int], filters: int, *, padding: str
) -> keras.KerasTensor:
    maps = keras.layers.Conv2D(filters, kernel, padding=padding, activation="relu", name=name)(maps)
    maps = MaxPooling2D((1, maps.shape[2]), name=f"{name}_pool")(_norm(f"{name}_norm", maps))
    return keras.layers.Reshape((N_FRAMES, filters), name=f"{name}_map")(maps)


def _head(values: keras.KerasTensor, n_tags: int, names: Sequence[str] | None) -> keras.KerasTensor:
    scores = keras.layers.Dense(n_tags, activation="sigmoid", dtype="float32", name="tags")(values)
    return NamedOutputs(names, name="names")(scores) if names else scores
