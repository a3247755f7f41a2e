"""The recurrent network of Song, Wang, Han and Ding: Transfer learning for music genre classification (2017).

Scattering coefficients frame by frame, five GRU layers of 512 with dropout between them, one output a clip.
"""

from typing import Any

import keras

from mgc_keras.checks import check_sizes, checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.sampled_at import SampledAt
from mgc_keras.layers.scattering import Scattering
from mgc_keras.layers.standardization import PathStandardization
from mgc_keras.networks.parts import has_layers
from mgc_keras.networks.tensors import set_tensors, tensors_of

WIDTH, DEPTH = 512, 5
N_TAGS = 188
DROPOUT = 0.7
DROPOUT_MEANINGS = ("dropped", "kept")
HEADS = {"tags": "sigmoid", "genres": "softmax"}
CLIP_OUTPUTS = ("last", "mean")
STANDARDIZATION = "standardization"


def gru_network(
    n_paths: int,
    n_outputs: int = N_TAGS,
    *,
    head: str = "tags",
    width: int = WIDTH,
    depth: int = DEPTH,
    dropout: float = DROPOUT,
    dropout_meaning: str = "kept",
    clip_output: str = "last",
    reset_after: bool = False,
    n_frames: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """Build the network with random weights.

    Parameters
    ----------
    n_paths, n_outputs : int
        Scattering paths a frame; tags or genres.
    head : {"tags", "genres"}
        Sigmoids, each tag for itself; or one soft-max over all genres.
    width, depth : int
        Units a GRU layer, and the number of layers. The paper: 512 and 5.
    dropout : float
        The paper prints 0.7, between layers.
    dropout_meaning : {"kept", "dropped"}
        Whether `dropout` is the share of units that stay or that are zeroed. The paper does not say. "kept" by default:
        it is what TensorFlow's `keep_prob` of the time meant by such a number, and on the built-in corpus (five seeds,
        95 % intervals, measured before trainings went through XLA) the other reading is no better: tag AUC 0.757 for
        0.753 (+0.004 +- 0.023), genre accuracy after pre-training 0.357 for 0.352 (+0.005 +- 0.075), from random
        weights 0.361 for 0.402 (-0.041 +- 0.031).
    clip_output : {"last", "mean"}
        What the head sees of the top layer: its state after the last frame, or the mean of its states over time.
    reset_after : bool
        False: the paper's equation (4), h~ = tanh(W x + U (r * h)), the reset before the product. True: h~ = tanh(W x +
        r * (U h)), another network with one more bias a layer, which cuDNN can run on a GPU.
    n_frames : int, optional
        A fixed number of frames; by default any number.
    seed : int
        Of the weights and of dropout.

    Returns
    -------
    keras.Model
        (batch, n_frames, n_paths) float32 to (batch, n_outputs) probabilities. Layers: ``standardization``, ``gru1``,
        ``dropout1``, ``gru2``, …, the head ``tags`` or ``genres``.

    Raises
    ------
    OptionError
        An option has an unknown value.

    Notes
    -----
    Keras mixes old state and candidate as z * h + (1 - z) * h~; exchanging z and 1 - z gives the other convention.

    Example
    -------
    >>> gru_network(30, width=8, depth=2, n_frames=7).output_shape
    (None, 188)
    """
    check_sizes(n_paths=n_paths, n_outputs=n_outputs, width=width, depth=depth)
    checked_choice("head", head, tuple(HEADS))
    checked_choice("clip_output", clip_output, CLIP_OUTPUTS)
    rate = dropped_share(dropout, dropout_meaning)
    inputs = keras.Input((n_frames, n_paths), dtype="float32", name="scattering")
    states = PathStandardization(name=STANDARDIZATION)(inputs)
    for layer in range(1, depth + 1):
        states = keras.layers.GRU(
            width,
            reset_after=reset_after,
            return_sequences=layer < depth or clip_output == "mean",
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed + layer),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seed + layer),
            name=f"gru{layer}",
        )(states)
        if layer < depth:
            states = keras.layers.Dropout(rate, seed=seed + layer, name=f"dropout{layer}")(states)
    if clip_output == "mean":
        states = keras.layers.GlobalAveragePooling1D(name="mean")(states)
    start = keras.initializers.GlorotUniform(seed=seed)
    outputs = keras.layers.Dense(
        n_outputs, activation=HEADS[head], kernel_initializer=start, dtype="float32", name=head
    )(states)
    return keras.Model(inputs, outputs, name="song2017_gru")


def dropped_share(dropout: float, meaning: str) -> float:
    """Return the share of units that are zeroed.

    Raises
    ------
    OptionError
        An unknown meaning, or a share that leaves no unit.

    Example
    -------
    >>> round(dropped_share(0.7, "kept"), 6)
    0.3
    """
    checked_choice("dropout_meaning", meaning, DROPOUT_MEANINGS)
    rate = dropout if meaning == "dropped" else 1 - dropout
    if not 0 <= rate < 1:
        raise OptionError(
            f"{dropout} ({meaning}) is no share that leaves units", field="dropout", cure="give 0 to 1, as 0.7"
        )
    return rate


def is_gru_network(model: keras.Model) -> bool:
    """Tell whether `model` is a variant of `gru_network`."""
    return has_layers(model, STANDARDIZATION, "gru1") and any(has_layers(model, head) for head in HEADS)


def options_of(model: keras.Model) -> dict[str, Any]:
    """Read the options of `gru_network`, all but the seed, off a model's layers: they survive saving in any format.

    Raises
    ------
    OptionError
        `model` is another network.
    """
    if not is_gru_network(model):
        raise OptionError(
            f"{model.name!r} is not the Song 2017 network", field="model", cure="take one that `pretrain` saved"
        )
    layers = {layer.name: layer for layer in model.layers}
    head = next(name for name in HEADS if name in layers)
    return {
        "n_paths": model.input_shape[2],
        "n_outputs": layers[head].units,
        "head": head,
        "width": layers["gru1"].units,
        "depth": sum(isinstance(layer, keras.layers.GRU) for layer in model.layers),
        "dropout": layers["dropout1"].rate if "dropout1" in layers else 0.0,
        "dropout_meaning": "dropped",
        "clip_output": "mean" if "mean" in layers else "last",
        "reset_after": layers["gru1"].reset_after,
        "n_frames": model.input_shape[1],
    }


def with_head(model: keras.Model, n_genres: int, *, seed: int = 0, dropped: float | None = None) -> keras.Model:
    """Build the network again with a new, random head for genres; every other tensor is a copy of the old one.

    Parameters
    ----------
    model : keras.Model
        A `gru_network`, usually one trained on tags. It is left alone.
    n_genres : int
    seed : int
        Of the new head and of dropout.
    dropped : float, optional
        Share of units that dropout zeroes, where it shall differ from `model`.

    Raises
    ------
    OptionError
        `model` is another network.

    Example
    -------
    >>> tagger = gru_network(30, 188, width=8, depth=2)
    >>> with_head(tagger, 10).output_shape
    (None, 10)
    """
    options = options_of(model) | {"n_outputs": n_genres, "head": "genres"}
    if dropped is not None:
        options["dropout"] = dropped
    return set_tensors(gru_network(**options, seed=seed), tensors_of(model), except_layers=HEADS)


def with_scattering(
    network: keras.Model, n_samples: int, *, J: int = 13, Q: int = 8, sampling_rate: int = 16000
) -> keras.Model:
    """Put a scattering layer in front of a network: one file that takes waveforms.

    Parameters
    ----------
    network : keras.Model
        A `gru_network` for the logarithms of scattering coefficients, as `ScatteringExtractor` exports them.
    n_samples, J, Q : int
        As for the sequences that the network was trained on.
    sampling_rate : int
        Of these sequences' waveforms, in Hz; the file tells it.

    Returns
    -------
    keras.Model
        (batch, n_samples) float32 to (batch, n_outputs); it shares the network's weights.

    Raises
    ------
    OptionError
        The scattering has another number of paths than the network, or clips are shorter than its filters reach.

    Example
    -------
    >>> scattering = Scattering(J=6, Q=2)
    >>> n_paths = scattering.compute_output_shape((None, 4096))[1]
    >>> with_scattering(gru_network(n_paths, 5, width=4, depth=1), 4096, J=6, Q=2).output_shape
    (None, 5)
    """
    expected = options_of(network)["n_paths"]
    waveforms = keras.Input((n_samples,), dtype="float32", name="waveform")
    heard = SampledAt(sampling_rate, name="sampled_at")(waveforms)
    coefficients = Scattering(J=J, Q=Q, logarithm=True, name="log_scattering")(heard)
    if coefficients.shape[1] != expected:
        raise OptionError(
            f"gives {coefficients.shape[1]} paths, and the network takes {expected}",
            field="J",
            cure="use J and Q of the sequences that it was trained on",
        )
    frames = keras.layers.Permute((2, 1), name="frames")(coefficients)
    return keras.Model(waveforms, network(frames), name="song2017_waveform")
