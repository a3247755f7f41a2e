"""MusicTaggerCRNN, in the form whose weights were published and which Jiménez and José (2017) tuned to ten genres.

The network is that of Choi, Fazekas, Sandler and Cho: Convolutional recurrent neural networks for music classification
(ICASSP 2017).
"""

from collections.abc import Sequence

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.hard_sigmoid import keras1_hard_sigmoid
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.named_outputs import NamedOutputs
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.kinds import INPUTS
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.parts import has_layers

SAMPLING_RATE = 12000
EXCERPT_SECONDS = 29.12
N_SAMPLES = 349440
N_MELS, N_FRAMES = 96, 1366
PADDING = 37
CHANNELS = (64, 128, 128, 128)
POOLS = ((2, 2), (3, 3), (4, 4), (4, 4))
BLOCKS = tuple(range(1, len(CHANNELS) + 1))
GRU_UNITS = 32
# Keras 1.0's default, which both published files were made with.
BN_EPSILON = 1e-5
BLOCK_DROPOUT, FINAL_DROPOUT = 0.1, 0.3
OUTPUTS = ("features", "tags", "genres")
# In the order of the sigmoids of the network that was tuned to GTZAN.
GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


def music_tagger_crnn(
    n_outputs: int = len(TAGS),
    *,
    output: str = "tags",
    names: Sequence[str] | None = None,
    input: str = "waveform",
    activation: str = "sigmoid",
    seed: int = 0,
) -> keras.Model:
    """Build the network with random weights.

    Mel-spectrogram, zeros on both sides, normalisation of every frame (the batch norm runs over the TIME axis, though
    the original calls it ``bn_0_freq``), four times convolution, normalisation, ELU, pooling, dropout; two GRUs; a
    head.

    Parameters
    ----------
    n_outputs : int
    output : {"tags", "genres", "features"}
        What the head is called; "features" leaves it out and gives the (batch, 32) state that it sees.
    names : sequence of str, optional
        Of the outputs, kept in the model's files (`output_names`). Default: `TAGS` for 50 tags, `GENRES` for ten
        genres.
    input : {"waveform", "melspectrogram"}
        (batch, 349440) float32, 29.12 s at 12 kHz; or (batch, 96, 1366, 1) decibels as `melspectrogram_layer` gives.
    activation : {"sigmoid", "softmax"}
        Of the head; sigmoids in both published files.
    seed : int
        Of the random weights and of dropout.

    Returns
    -------
    keras.Model
        Layers: ``melspectrogram``, ``padding``, ``time_norm``, ``conv1``, ``bn1``, ``pool1``, ``elu1``, ``dropout1``,
        …, ``sequence`` (batch, 15, 128), ``gru1``, ``gru2``, ``final_dropout``, the head ``tags`` or ``genres``,
        ``names``.

    Raises
    ------
    OptionError
        An unknown value, or names that do not fit.

    Example
    -------
    >>> music_tagger_crnn(input="melspectrogram").output_shape
    (None, 50)
    """
    checked_choice("output", output, OUTPUTS)
    checked_choice("activation", activation, ("sigmoid", "softmax"))
    if n_outputs < 2:
        raise OptionError(f"{n_outputs} outputs make no choice", field="n_outputs", cure="give 2 or more")
    checked_choice("input", input, INPUTS)
    if input == "waveform":
        inputs = keras.Input((N_SAMPLES,), dtype="float32", name="waveform")
        maps = melspectrogram_layer()(inputs)
    else:
        inputs = maps = keras.Input((N_MELS, N_FRAMES, 1), dtype="float32", name="melspectrogram_input")
    maps = keras.layers.ZeroPadding2D((0, PADDING), name="padding")(maps)
    states = recurrent_states(maps, seed)
    if output != "features":
        states = head(states, n_outputs, output, names, activation, seed)
    return keras.Model(inputs, states, name="music_tagger_crnn")


def melspectrogram_layer() -> MelSpectrogram:
    """Return the network's front end: frames centred, waveform mirrored at its ends, mel powers squared once more.

    The square is the authors'. 0 dB is a power of 1; what lies 80 dB below an excerpt's maximum is raised to that.
    """
    return MelSpectrogram(framing="reflect", decibel_reference="unit", mel_exponent=2.0, name="melspectrogram")


def is_crnn(model: keras.Model) -> bool:
    """Tell whether `model` is a `music_tagger_crnn`."""
    return has_layers(model, "time_norm", "conv4", "sequence", "gru1", "gru2")


def recurrent_states(maps: keras.KerasTensor, seed: int) -> keras.KerasTensor:
    """Return what the head sees, (batch, 32), of decibels (batch, 96, n_frames, 1); n_frames a multiple of 96."""
    maps = keras.layers.BatchNormalization(axis=2, epsilon=BN_EPSILON, name="time_norm")(maps)
    for block, channels, pool in zip(BLOCKS, CHANNELS, POOLS):
        start = keras.initializers.HeNormal(seed=seed + block)
        maps = keras.layers.Conv2D(channels, 3, padding="same", kernel_initializer=start, name=f"conv{block}")(maps)
        maps = keras.layers.BatchNormalization(epsilon=BN_EPSILON, name=f"bn{block}")(maps)
        # The original's order is ELU, pool. ELU never decreases: pooling first gives the same numbers from fewer ELUs.
        maps = MaxPooling2D(pool, name=f"pool{block}")(maps)
        maps = keras.layers.ELU(name=f"elu{block}")(maps)
        maps = keras.layers.Dropout(BLOCK_DROPOUT, seed=seed + block, name=f"dropout{block}")(maps)
    states = keras.layers.Reshape((maps.shape[2], CHANNELS[-1]), name="sequence")(maps)
    return _gru(_gru(states, 1, True, seed), 2, False, seed)


def head(
    states: keras.KerasTensor, n_outputs: int, name: str, names: Sequence[str] | None, activation: str, seed: int
) -> keras.KerasTensor:
    """Return scores, by a dense layer `name` behind dropout, with their names where they are known."""
    states = keras.layers.Dropout(FINAL_DROPOUT, seed=seed, name="final_dropout")(states)
    start = keras.initializers.GlorotUniform(seed=seed)
    dense = keras.layers.Dense(n_outputs, activation=activation, kernel_initializer=start, dtype="float32", name=name)
    names = names or {("tags", len(TAGS)): TAGS, ("genres", len(GENRES)): GENRES}.get((name, n_outputs))
    return NamedOutputs(names, name="names")(dense(states)) if names else dense(states)


def _gru(states: keras.KerasTensor, number: int, whole: bool, seed: int) -> keras.KerasTensor:
    return keras.layers.GRU(
        GRU_UNITS,
        recurrent_activation=keras1_hard_sigmoid,
        reset_after=False,
        return_sequences=whole,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed + number),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed + number),
        name=f"gru{number}",
    )(states)
