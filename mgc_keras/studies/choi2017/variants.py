"""From one variant of the convnet to another: features or tags, waveform or mel-spectrogram, batch or population."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import keras

from mgc_keras.errors import OptionError
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.normalization import BatchStatisticsNormalization, ClipStandardization
from mgc_keras.networks.parts import has_layers
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.studies.choi2017.network import LAYERS, convnet


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
