"""The networks of musicnn: Pons and Serra, musicnn: pre-trained convolutional neural networks for music audio tagging.

ISMIR 2019, late-breaking/demo. The architecture of `musicnn` is that of Pons et al., End-to-end learning for music
audio tagging at scale (ISMIR 2018). Sizes, paddings and orders are those of the authors' program, musicnn 0.1.0.
"""

from collections.abc import Sequence

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.layers.log_melspectrogram import LogMelSpectrogram
from mgc_keras.layers.named_outputs import NamedOutputs
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.kinds import INPUTS
from mgc_keras.networks.parts import has_layers

SAMPLING_RATE, N_DFT, HOP_LENGTH, N_MELS = 16000, 512, 256, 96
# A patch: what the authors call 3 s.
N_FRAMES = 187
N_SAMPLES = (N_FRAMES - 1) * HOP_LENGTH + N_DFT
OUTPUTS = ("tags", "features")
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


def musicnn(
    n_tags: int = 50,
    *,
    output: str = "tags",
    names: Sequence[str] | None = None,
    input: str = "waveform",
) -> keras.Model:
    inputs, maps = _inputs(input)
    maps = _norm("input_norm")(maps)
    padded = keras.layers.ZeroPadding2D((3, 0), name="timbral_padding")(maps)
    branches = [_branch(padded, *part, padding="valid") for part in TIMBRAL]
    branches += [_branch(maps, *part, padding="same") for part in TEMPORAL]
    stages = [keras.layers.Concatenate(name="front")(branches)]
    for name in MIDEND:
        values = keras.layers.Conv1D(MIDEND_FILTERS, 7, padding="same", activation="relu", name=name)(stages[-1])
        values = _norm(f"{name}_norm")(values)
        stages.append(values if len(stages) == 1 else keras.layers.Add(name=f"{name}_sum")([values, stages[-1]]))
    values = keras.layers.Concatenate(name="stages")(stages)
    shaped = keras.layers.Reshape((N_FRAMES, N_POOLED, 1), name="stages_map")(values)
    highest = MaxPooling2D((N_FRAMES, 1), name="highest")(shaped)
    highest = keras.layers.Reshape((N_POOLED, 1), name="max_pool")(highest)
    mean = keras.layers.Reshape((N_POOLED, 1), name="mean_pool")(keras.layers.GlobalAveragePooling1D(name="mean")(values))
    # The authors' order: highest and mean of the first map, then of the second, …
    pooled = keras.layers.Flatten(name="pooled")(keras.layers.Concatenate(name="pools")([highest, mean]))
    pooled = keras.layers.Dropout(0.5, name="pooled_dropout")(_norm("pooled_norm")(pooled))
    values = keras.layers.Dense(N_PENULTIMATE, activation="relu", name="dense")(pooled)
    values = _norm("penultimate")(values)
    if output == "features":
        flat = keras.layers.Flatten(name="max_pool_flat")(highest)
        outputs = keras.layers.Concatenate(name="features")([values, flat])
    else:
        outputs = _head(keras.layers.Dropout(0.5, name="penultimate_dropout")(values), n_tags, names)
    return keras.Model(inputs, outputs, name="musicnn")


def vgg(n_tags=50, *, output="tags", names=None, input="waveform"):
    inputs, maps = _inputs(input)
    maps = _norm("input_norm")(maps)
    for name, (window, stride) in zip(VGG_BLOCKS, VGG_POOLS, strict=True):
        maps = keras.layers.Conv2D(VGG_FILTERS, 3, padding="same", activation="relu", name=f"{name}_conv")(maps)
        maps = MaxPooling2D(window, strides=stride, name=f"{name}_pool")(_norm(f"{name}_norm")(maps))
        if name != VGG_BLOCKS[-1]:
            maps = keras.layers.Dropout(0.25, name=f"{name}_dropout")(maps)
    values = keras.layers.Flatten(name="pool5")(maps)
    if output == "tags":
        values = _head(keras.layers.Dropout(0.5, name="pool5_dropout")(values), n_tags, names)
    return keras.Model(inputs, values, name="musicnn_vgg")


def _inputs(input):
    checked_choice("input", input, INPUTS)
    if input == "melspectrogram":
        inputs = keras.Input((N_FRAMES, N_MELS, 1), dtype="float32", name="melspectrogram_input")
        return inputs, inputs
    inputs = keras.Input((N_SAMPLES,), dtype="float32", name="waveform")
    return inputs, LogMelSpectrogram(SAMPLING_RATE, N_DFT, HOP_LENGTH, N_MELS, name="melspectrogram")(inputs)


def _norm(name):
    return keras.layers.BatchNormalization(epsilon=1e-3, name=name)


def _branch(maps, name, kernel, filters, padding):
    maps = keras.layers.Conv2D(filters, kernel, padding=padding, activation="relu", name=name)(maps)
    maps = _norm(f"{name}_norm")(maps)
    maps = MaxPooling2D((1, maps.shape[2]), name=f"{name}_pool")(maps)
    return keras.layers.Reshape((N_FRAMES, filters), name=f"{name}_map")(maps)


def _head(values, n_tags, names):
    scores = keras.layers.Dense(n_tags, activation="sigmoid", dtype="float32", name="tags")(values)
    return NamedOutputs(names, name="names")(scores) if names else scores
