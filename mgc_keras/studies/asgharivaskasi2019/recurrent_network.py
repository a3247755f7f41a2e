"""The recurrent networks of Asgharivaskasi et al. (2019): a GRU or a skip-GRU with two dense layers.

They take MFCC sequences, or raw audio as steps of one second. Not stated in the paper and chosen here: the size of the
state and of the dense layers, their activation (ReLU), how far back the skip reaches and how it is added, dropout
(none). The soft-max over genres is counted as a layer of its own, as in the study's dense head of its image networks,
which is given as 256-128-64 for ten genres; ``dense_units=(64,)`` is the other reading.
"""

from collections.abc import Sequence

import keras

from mgc_keras.checks import check_sizes, checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.sampled_at import SampledAt
from mgc_keras.layers.skip_gru import SkipGRU
from mgc_keras.layers.standardization import PathStandardization

N_SECONDS = 30
STANDARDIZATION = "standardization"


def recurrent_network(
    input_shape: Sequence[int | None],
    n_genres: int = 10,
    *,
    kind: str = "gru",
    sampling_rate: int | None = None,
    units: int = 128,
    dense_units: Sequence[int] = (128, 64),
    k: int = 4,
    combination: str = "mean",
    seed: int = 0,
) -> keras.Model:
    """Build the network with random weights.

    Parameters
    ----------
    input_shape : sequence of int
        (n_frames, n_coefficients) of an MFCC sequence, n_frames may be None; or (n_samples,) of a waveform.
    n_genres : int
    kind : {"gru", "skip_gru"}
        The recurrent layer.
    sampling_rate : int, optional
        Of waveforms, in Hz: samples a step. They last `N_SECONDS` (30) seconds.
    units, dense_units : int, sequence of int
        Sizes of the recurrent state, and of the dense layers before the soft-max.
    k, combination
        Of the skip, see `mgc_keras.layers.skip_gru`. "mean", because sums overflow on MFCC sequences of usual length.
        Without effect where `kind` is "gru".
    seed : int
        Of the weights.

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
    check_sizes(units=units, n_genres=n_genres, dense_units=dense_units)
    skip = k if checked_choice("kind", kind, ("gru", "skip_gru")) == "skip_gru" else 0
    glorot = keras.initializers.GlorotUniform
    inputs = keras.Input(tuple(input_shape), dtype="float32", name="waveform" if len(input_shape) == 1 else "mfcc")
    values = SkipGRU(
        units,
        skip,
        combination,
        kernel_initializer=glorot(seed=seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed),
        name="recurrent",
    )(_sequence(inputs, sampling_rate))
    for number, size in enumerate(dense_units, 1):
        start = glorot(seed=seed + number)
        values = keras.layers.Dense(size, "relu", kernel_initializer=start, name=f"dense{number}")(values)
    start = glorot(seed=seed + len(dense_units) + 1)
    genres = keras.layers.Dense(n_genres, "softmax", kernel_initializer=start, dtype="float32", name="genres")(values)
    return keras.Model(inputs, genres, name=f"asgharivaskasi2019_{kind}")


def _sequence(inputs: keras.KerasTensor, sampling_rate: int | None) -> keras.KerasTensor:
    """Give the steps that the recurrent layer sees."""
    if len(inputs.shape) == 3:
        return PathStandardization(name=STANDARDIZATION)(inputs)
    if len(inputs.shape) != 2:
        cure = "give (frames, coefficients) or (samples,)"
        raise OptionError(f"{inputs.shape[1:]} is no sequence", field="input_shape", cure=cure)
    if sampling_rate is None or sampling_rate < 1:
        raise OptionError("waveforms need one, in Hz", field="sampling_rate", cure="give it as 22050")
    n_samples, wanted = inputs.shape[1], N_SECONDS * sampling_rate
    if n_samples != wanted:
        problem = f"waveforms have {n_samples} samples, {N_SECONDS} s at {sampling_rate} Hz are {wanted}"
        raise OptionError(problem, field="input_shape", cure="fit them with mgc_keras.fit_waveform")
    return keras.layers.Reshape((N_SECONDS, sampling_rate), name="seconds")(
        SampledAt(sampling_rate, name="sampled_at")(inputs)
    )
