"""The five-layer convnet of Choi, Fazekas, Sandler and Cho: Transfer learning for music classification (ISMIR 2017)."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.melspectrogram import MelSpectrogram, PrecomputedMelSpectrogram
from mgc_keras.layers.normalization import BatchStatisticsNormalization, ClipStandardization
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.kinds import INPUTS
from mgc_keras.networks.parts import has_layers
from mgc_keras.networks.tensors import set_tensors, tensors_of

SAMPLING_RATE = 12000
N_SAMPLES = 29 * SAMPLING_RATE
N_MELS = 96
HOP_LENGTH = 256
N_CHANNELS = 32
BN_EPSILON = 1e-3
# Frequency x time. The paper's text prints (4, 4) and (4, 5) for the second and third; the weights need these.
POOLS = ((2, 4), (3, 4), (2, 5), (2, 4), (4, 4))
LAYERS = tuple(range(1, len(POOLS) + 1))
FEATURE_COLUMNS = tuple(f"layer{layer}_{channel:02d}" for layer in LAYERS for channel in range(N_CHANNELS))
# The shortest mel-spectrogram that the first four pools bring to one frame.
EXCERPT_FRAMES = math.prod(time for _, time in POOLS[:-1])
OUTPUTS = ("features", "tags")
NORMALIZATIONS = ("batch", "population")


def convnet(
    n_samples: int = N_SAMPLES,
    *,
    output: str = "features",
    n_tags: int = 50,
    normalization: str = "batch",
    framing: str = "theano",
    decibel_reference: str = "batch",
    input: str = "waveform",
    standardize_clips: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Build the convnet with He-normal random weights.

    Five times: 3 x 3 convolution with 32 channels, normalisation, max-pooling (`POOLS`), ELU. No dropout, as in the
    authors' released network.

    Parameters
    ----------
    n_samples : int
        Length of the waveforms at 12 kHz; at least 327425 (27.3 s), so that something is left after the five pools.
    output : {"features", "tags"}
        (batch, 160) float32, the global averages of the five layers' pooled maps (`FEATURE_COLUMNS`); or
        (batch, n_tags) float32 sigmoids on the fifth layer.
    n_tags : int
        Number of tags. `TAGS` names the published 50.
    normalization : {"batch", "population"}
        The batch's own statistics even at inference, as published; or stored ones (`keras.layers.BatchNormalization`).
    framing, decibel_reference
        See `MelSpectrogram`. Only with "population" and "clip" do a clip's features not depend on its batch.
    input : {"waveform", "melspectrogram"}
        (batch, n_samples) float32; or (batch, 96, n_frames, 1), what a `MelSpectrogram` with this `framing` and
        `decibel_reference` gives; the model remembers both.
    standardize_clips : bool
        Standardise each mel-spectrogram (`ClipStandardization`), as the batch-independent successor network does.
    seed : int
        Of the random weights.

    Returns
    -------
    keras.Model
        Its layers are named ``conv1``, ``bn1``, ``pool1``, ``elu1``, ``tap1``, …

    Raises
    ------
    OptionError
        An option with an unknown value, or clips that are too short.

    Example
    -------
    >>> convnet(output="tags").output_shape
    (None, 50)
    """
    checked_choice("output", output, OUTPUTS)
    checked_choice("normalization", normalization, NORMALIZATIONS)
    checked_choice("input", input, INPUTS)
    least = math.prod(time for _, time in POOLS)
    if math.ceil(n_samples / HOP_LENGTH) < least:
        cure = f"take at least {(least - 1) * HOP_LENGTH + 1}; repeat or zero-pad shorter clips"
        raise OptionError(f"{n_samples} samples are too few for five pools", field="n_samples", cure=cure)
    inputs, maps = _front_end(n_samples, input, framing, decibel_reference)
    if standardize_clips:
        maps = ClipStandardization(name="standardization")(maps)
    taps = []
    for layer in LAYERS:
        maps = _block(maps, layer, normalization, seed)
        if output == "features":
            taps.append(keras.layers.GlobalAveragePooling2D(dtype="float32", name=f"tap{layer}")(maps))
    if output == "tags":
        outputs = _tagging_head(maps, n_tags, seed)
    else:
        outputs = keras.layers.Concatenate(dtype="float32", name="features")(taps)
    return keras.Model(inputs, outputs, name="choi2017_convnet")


def melspectrogram_layer() -> MelSpectrogram:
    """Return the network's front end as its trainings see it: each clip's maximum at 0 dB."""
    return MelSpectrogram(decibel_reference="clip", name="melspectrogram")


def excerpt_tagger(n_tags: int, *, seed: int = 0) -> keras.Model:
    """Build the tagging convnet for excerpts of 6.8 s, a quarter of the work of whole clips.

    The layers and weights are those of ``convnet(output="tags")``, to which `set_tensors` moves them; only the last
    pool does not pool along time, so that 320 frames end where 1360 do. The paper trains on whole clips of 29 s. Not
    in the paper; chosen because random excerpts teach the same filters from little data in minutes.

    Returns
    -------
    keras.Model
        (batch, 96, `EXCERPT_FRAMES`, 1) decibels, each clip's maximum at 0, to (batch, n_tags) sigmoids; population
        statistics; He-normal random weights as in `convnet`.
    """
    inputs, maps = _front_end(EXCERPT_FRAMES * HOP_LENGTH, "melspectrogram", "theano", "clip")
    for layer in LAYERS:
        maps = _block(maps, layer, "population", seed, pool=(POOLS[layer - 1][0], 1) if layer == LAYERS[-1] else None)
    return keras.Model(inputs, _tagging_head(maps, n_tags, seed), name="choi2017_excerpt_tagger")


@dataclass(frozen=True)
class ConvnetOptions:
    """The options of `convnet` that a model was built with (all but the seed)."""

    n_samples: int
    output: str
    n_tags: int
    normalization: str
    framing: str
    decibel_reference: str
    input: str
    standardize_clips: bool


def is_convnet(model: keras.Model) -> bool:
    """Tell whether `model` is a variant of `convnet`."""
    return has_layers(model, "melspectrogram", *(f"{kind}{n}" for n in LAYERS for kind in ("conv", "bn", "pool")))


def options_of(model: keras.Model) -> ConvnetOptions:
    """Read the options of a `convnet` off its layers, so that they survive saving in any format.

    Raises
    ------
    OptionError
        `model` is another network.
    """
    if not is_convnet(model):
        cure = "take one that mgc_keras built or loaded"
        raise OptionError(f"{model.name!r} is not the Choi 2017 convnet", field="model", cure=cure)
    layers = {layer.name: layer for layer in model.layers}
    front_end = layers["melspectrogram"]
    from_waveform = isinstance(front_end, MelSpectrogram)
    return ConvnetOptions(
        n_samples=model.input_shape[1] if from_waveform else front_end.n_samples,
        output="tags" if "tags" in layers else "features",
        n_tags=layers["tags"].units if "tags" in layers else 50,
        normalization="batch" if isinstance(layers["bn1"], BatchStatisticsNormalization) else "population",
        framing=front_end.framing,
        decibel_reference=front_end.decibel_reference,
        input="waveform" if from_waveform else "melspectrogram",
        standardize_clips=any(isinstance(layer, ClipStandardization) for layer in model.layers),
    )


def with_variant(model: keras.Model, **changes: Any) -> keras.Model:
    """Build another variant of a convnet with the same weights.

    `changes` are the options of `convnet` that shall differ (all but `seed`); the others stay as they are. `model` is
    left alone.

    Raises
    ------
    OptionError
        The model lacks tensors that the variant needs: the tagging head of a model that gives features, or the
        population statistics of one with batch statistics.

    Example
    -------
    >>> tagger = convnet(output="tags", input="melspectrogram")
    >>> with_variant(tagger, output="features", input="waveform").output_shape
    (None, 160)
    """
    before = options_of(model)
    unknown = sorted(set(changes) - set(asdict(before)))
    if unknown:
        cure = f"choose one of {', '.join(asdict(before))}"
        raise OptionError("is no option of the convnet", field=unknown[0], cure=cure)
    after = replace(before, **changes)
    if (before.normalization, after.normalization) == ("batch", "population"):
        cure = "use mgc_keras.calibrate"
        raise OptionError("the model has no population statistics", field="normalization", cure=cure)
    if (before.output, after.output) == ("features", "tags"):
        raise OptionError("the model has no tagging head", field="output", cure="take its features")
    return set_tensors(convnet(**asdict(after)), tensors_of(model))


def _tagging_head(maps: keras.KerasTensor, n_tags: int, seed: int) -> keras.KerasTensor:
    # The fifth map of a 29-s clip is 1 x 1: any pooling is the original's flattening. Maximum is the successor's.
    pooled = keras.layers.GlobalMaxPooling2D(name="maximum")(maps)
    start = keras.initializers.GlorotUniform(seed=seed)
    head = keras.layers.Dense(n_tags, activation="sigmoid", kernel_initializer=start, dtype="float32", name="tags")
    return head(pooled)


def _front_end(n_samples: int, kind: str, framing: str, decibel_reference: str) -> tuple:
    if kind == "waveform":
        inputs = keras.Input((n_samples,), dtype="float32", name="waveform")
        front_end = MelSpectrogram(framing=framing, decibel_reference=decibel_reference, name="melspectrogram")
    else:
        n_frames = math.ceil(n_samples / HOP_LENGTH)
        inputs = keras.Input((N_MELS, n_frames, 1), dtype="float32", name="melspectrogram_input")
        front_end = PrecomputedMelSpectrogram(n_samples, framing, decibel_reference, name="melspectrogram")
    return inputs, front_end(inputs)


def _block(
    maps: keras.KerasTensor, layer: int, normalization: str, seed: int, pool: tuple[int, int] | None = None
) -> keras.KerasTensor:
    start = keras.initializers.HeNormal(seed=seed + layer)
    maps = keras.layers.Conv2D(N_CHANNELS, 3, padding="same", kernel_initializer=start, name=f"conv{layer}")(maps)
    kind = BatchStatisticsNormalization if normalization == "batch" else keras.layers.BatchNormalization
    maps = kind(epsilon=BN_EPSILON, name=f"bn{layer}")(maps)
    # The paper's order is ELU, pool. ELU never decreases, so pooling first gives the same numbers from fewer ELUs.
    maps = MaxPooling2D(pool or POOLS[layer - 1], name=f"pool{layer}")(maps)
    return keras.layers.ELU(name=f"elu{layer}")(maps)
