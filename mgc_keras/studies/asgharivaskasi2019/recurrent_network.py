"""The recurrent networks of Asgharivaskasi et al. (2019): a GRU or a skip-GRU with two dense layers.

They take MFCC sequences, or raw audio as steps of one second. Not stated in the paper, chosen here and options: the
size of the state and of the dense layers, their activation (ReLU), how far back the skip reaches and how it is added,
dropout (none). The soft-max over genres is counted as a layer of its own, as in the study's dense head of its image
networks, which is given as 256-128-64 for ten genres; ``dense_units=(64,)`` is the other reading.
"""

from collections.abc import Sequence

import keras

from mgc_keras.checks import check_dropout, check_sizes, checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.skip_gru import COMBINATIONS, SkipGRU
from mgc_keras.layers.standardization import PathStandardization

KINDS = ("gru", "skip_gru")
N_SECONDS = 30
UNITS, DENSE_UNITS, SKIP = 128, (128, 64), 4
STANDARDIZATION = "standardization"


def recurrent_network(
    input_shape: Sequence[int | None],
    n_genres: int = 10,
    *,
    kind: str = "gru",
    sampling_rate: int | None = None,
    units: int = UNITS,
    dense_units: Sequence[int] = DENSE_UNITS,
    k: int = SKIP,
    combination: str = "mean",
    dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build the network with random weights.

    Parameters
    ----------
    input_shape : sequence of int
        (n_frames, n_coefficients) of an MFCC sequence, n_frames may be None; or (n_samples,) of a waveform.
    n_genres : int
        Outputs.
    kind : {"gru", "skip_gru"}
        The recurrent layer.
    sampling_rate : int, optional
        Of waveforms, in Hz: samples a step. They last `N_SECONDS` (30) seconds.
    units : int
        Size of the recurrent state.
    dense_units : sequence of int
        Sizes of the dense layers before the soft-max.
    k, combination
        Of the skip, see `mgc_keras.layers.skip_gru`. "mean", because sums overflow on MFCC sequences of usual length.
        Without effect where `kind` is "gru".
    dropout : float
        Share of units that are zeroed after the recurrent layer and after each dense one, in training.
    seed : int
        Of the weights and of dropout.

    Returns
    -------
    keras.Model
        (batch, …) float32 to (batch, n_genres) probabilities. Layers: for MFCC ``standardization`` (it passes its input
        through until its statistics are set, see `mgc_keras.layers.standardization.path_statistics`), for waveforms
        ``seconds``; then ``recurrent``, ``dense1`` …, ``genres``.

    Raises
    ------
    OptionError
        An option has a value that makes no sense, `k` is not below the number of steps, or waveforms do not last 30 s.

    Example
    -------
    >>> recurrent_network((1292, 13), kind="skip_gru").output_shape
    (None, 10)
    >>> recurrent_network((30 * 8000,), sampling_rate=8000).get_layer("seconds").output.shape
    (None, 30, 8000)
    """
    check_sizes(units=units, n_genres=n_genres)
    for size in dense_units:
        check_sizes(dense_units=size)
    check_dropout(dropout)
    skip = k if checked_choice("kind", kind, KINDS) == "skip_gru" else 0
    checked_choice("combination", combination, COMBINATIONS)
    inputs = keras.Input(tuple(input_shape), dtype="float32", name="waveform" if len(input_shape) == 1 else "mfcc")
    values = SkipGRU(
        units,
        skip,
        combination,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed),
        name="recurrent",
    )(_sequence(inputs, sampling_rate))
    outputs = _head(values, dense_units, n_genres, dropout, seed)
    return keras.Model(inputs, outputs, name=f"asgharivaskasi2019_{kind}")


def _sequence(inputs: keras.KerasTensor, sampling_rate: int | None) -> keras.KerasTensor:
    """Give the steps that the recurrent layer sees."""
    if len(inputs.shape) == 3:
        return PathStandardization(name=STANDARDIZATION)(inputs)
    if len(inputs.shape) != 2:
        raise OptionError(
            f"{inputs.shape[1:]} is no sequence", field="input_shape", cure="give (frames, coefficients) or (samples,)"
        )
    if sampling_rate is None or sampling_rate < 1:
        raise OptionError("waveforms need one, in Hz", field="sampling_rate", cure="give it as 22050")
    n_samples = inputs.shape[1]
    if n_samples != N_SECONDS * sampling_rate:
        raise OptionError(
            f"waveforms have {n_samples} samples, {N_SECONDS} s at {sampling_rate} Hz are {N_SECONDS * sampling_rate}",
            field="input_shape",
            cure="fit them with mgc_keras.fit_waveform",
        )
    return keras.layers.Reshape((N_SECONDS, sampling_rate), name="seconds")(inputs)


def _head(
    values: keras.KerasTensor, dense_units: Sequence[int], n_genres: int, dropout: float, seed: int
) -> keras.KerasTensor:
    start, last = keras.initializers.GlorotUniform, len(dense_units) + 1
    for number, size in enumerate(dense_units, 1):
        values = _dropped(values, dropout, seed, number)
        values = keras.layers.Dense(
            size, activation="relu", kernel_initializer=start(seed=seed + number), name=f"dense{number}"
        )(values)
    values = _dropped(values, dropout, seed, last)
    return keras.layers.Dense(
        n_genres, activation="softmax", kernel_initializer=start(seed=seed + last), dtype="float32", name="genres"
    )(values)


def _dropped(values: keras.KerasTensor, rate: float, seed: int, number: int) -> keras.KerasTensor:
    if not rate:
        return values
    return keras.layers.Dropout(rate, seed=seed + number, name=f"dropout{number}")(values)
