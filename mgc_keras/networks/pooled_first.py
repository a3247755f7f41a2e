"""The same network with its normalisations behind max pooling: fewer passes over the largest maps."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.layers.normalization import BatchStatisticsNormalization, channel_moments
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.highest_convolution import HighestConvolution
from mgc_keras.networks.pooled_convolution import PooledConvolution


@dataclass(frozen=True)
class _Chain:
    """Three layers of which each but the last feeds the next alone."""

    convolution: keras.layers.Conv2D
    norm: keras.Layer
    pool: keras.layers.MaxPooling2D

    @property
    def one_loop(self) -> type[PooledConvolution | HighestConvolution] | None:
        """The layer that computes convolution and pooling together, if there is one."""
        kinds: tuple[type[PooledConvolution | HighestConvolution], ...] = (PooledConvolution, HighestConvolution)
        if isinstance(self.norm, BatchStatisticsNormalization):
            kinds = tuple(kind for kind in kinds if kind.gives_moments)
        return next((kind for kind in kinds if kind.fits(self.convolution, self.pool)), None)

    @property
    def signs(self) -> np.ndarray:
        """-1 for channels that the normalisation turns round, (channels,)."""
        gamma = getattr(self.norm, "gamma", None)
        if gamma is None:
            return np.ones(self.convolution.filters, np.float32)
        return np.where(keras.ops.convert_to_numpy(gamma) < 0, -1, 1).astype(np.float32)


def pooled_first(model: keras.Model) -> keras.Model:
    """Return a network that gives the same at inference, each channel pooled before it is normalised.

    Where convolution, normalisation and max pooling follow each other: the highest of scaled values is the scaled
    highest value, and the lowest one where the scale is negative. The filters of such channels change their sign, so
    that the highest value is what is wanted of all. By a batch's own statistics, the numbers are the same to the last
    bit; by stored ones, which TensorFlow else folds into the filters, to float32's rounding. So they are where one
    loop computes convolution and pooling: `PooledConvolution`, `HighestConvolution`.

    Parameters
    ----------
    model : keras.Model
        Left alone. Its weights are copied.

    Returns
    -------
    keras.Model
        For inference; `model` itself where it has no such layers.
    """
    chains = _chains(model)
    if not chains:
        return model
    convolutions, norms, pools = (
        {getattr(chain, part).name: chain for chain in chains} for part in ("convolution", "norm", "pool")
    )
    copies: dict[str, keras.Layer] = {}
    whole: dict[str, keras.KerasTensor] = {}

    def copy(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        linear = {"activation": "linear"} if layer.name in convolutions else {}
        copies[layer.name] = type(layer).from_config(config | linear)
        return copies[layer.name]

    def call(layer: keras.Layer, *arguments: Any, **options: Any) -> Any:
        if layer.name in norms:
            whole[layer.name] = arguments[0]
            return arguments[0]
        if layer.name in convolutions and convolutions[layer.name].one_loop:
            return arguments[0]
        chain = pools.get(layer.name)
        moments: list[keras.KerasTensor] = []
        if chain and chain.one_loop:
            outputs, *moments = chain.one_loop(copies[chain.convolution.name], layer)(*arguments)
        else:
            outputs = layer(*arguments, **options)
        if not chain:
            return outputs
        norm = copies[chain.norm.name]
        if isinstance(norm, BatchStatisticsNormalization):
            return ByStatistics(norm)([outputs, *(moments or ChannelMoments()(whole[norm.name]))])
        if (activation := chain.convolution.activation) is not keras.activations.linear:
            return norm(keras.layers.Activation(activation)(keras.layers.Rescaling(chain.signs.tolist())(outputs)))
        return norm(outputs)

    twin = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for name, layer in copies.items():
        weights = [keras.ops.convert_to_numpy(weight) for weight in model.get_layer(name).weights]
        if name in convolutions:
            weights = [weight * convolutions[name].signs for weight in weights]
        if name in norms and norms[name].convolution.activation is keras.activations.linear:
            # A channel that was turned round has the opposite mean, and is not turned again.
            turned = {"gamma": norms[name].signs, "moving_mean": norms[name].signs}
            named = zip(weights, model.get_layer(name).weights, strict=True)
            weights = [weight * turned.get(variable.name, 1) for weight, variable in named]
        layer.set_weights(weights)
    return twin


class ChannelMoments(keras.layers.Layer):
    """Return mean and variance of the channels of maps, (channels,) each: see `channel_moments`."""

    def call(self, inputs: tf.Tensor) -> list[tf.Tensor]:
        """Return mean and variance."""
        return [*channel_moments(tf.cast(inputs, tf.float32))]


class ByStatistics(keras.layers.Layer):
    """Normalise pooled maps by the mean and variance of the whole ones."""

    def __init__(self, norm: BatchStatisticsNormalization, **options: Any) -> None:
        super().__init__(**options)
        self.norm = norm

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        """Create gamma and beta."""
        self.norm.build(input_shape[0])

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Return the maps, normalised."""
        return self.norm.normalized(*inputs)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the pooled maps."""
        return input_shape[0]


def _chains(model: keras.Model) -> list[_Chain]:
    """Find convolutions whose maps are normalised and pooled, and used for nothing else."""
    operations: list[Any] = getattr(model, "operations", [])
    try:
        producers: dict[int, Any] = {id(operation.output): operation for operation in operations}
        inputs = [keras.tree.flatten(operation.input) for operation in operations]
    except (AttributeError, ValueError):
        # A layer that is called several times has no single input.
        return []
    used = [id(tensor) for tensors in (*inputs, getattr(model, "outputs", [])) for tensor in tensors]

    def before(layer: Any, kinds: tuple[type, ...]) -> Any:
        producer = producers.get(id(layer.input))
        feeds_it_alone = producer is not None and used.count(id(producer.output)) == 1
        # No subclasses: who knows what else they do.
        return producer if feeds_it_alone and type(producer) in kinds else None

    chains = []
    for pool in operations:
        if type(pool) in (keras.layers.MaxPooling2D, MaxPooling2D):
            norm = before(pool, (keras.layers.BatchNormalization, BatchStatisticsNormalization))
            convolution = norm and before(norm, (keras.layers.Conv2D,))
            if convolution and _commutes(convolution, norm, pool):
                chains.append(_Chain(convolution, norm, pool))
    return chains


def _commutes(convolution: keras.layers.Conv2D, norm: keras.Layer, pool: keras.layers.MaxPooling2D) -> bool:
    by_channel = getattr(norm, "axis", -1) in (-1, 3)
    # Functions that never decrease; by a batch's statistics, those are of what the function gives.
    stored = isinstance(norm, keras.layers.BatchNormalization)
    rising = (keras.activations.linear, keras.activations.relu, keras.activations.elu) if stored else ()
    last = convolution.data_format == pool.data_format == "channels_last"
    activation = convolution.activation
    return by_channel and last and (activation in rising or activation is keras.activations.linear)
