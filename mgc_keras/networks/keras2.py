"""Opens layers as Keras 2 described them: without settings that are gone, and with its own hard sigmoid."""

import inspect
from typing import Any

import keras

from mgc_keras.errors import MgcKerasError, WeightsError
from mgc_keras.layers.hard_sigmoid import keras1_hard_sigmoid

# Settings that Keras 3 no longer has, with the value that stands for what it does. Any other value is refused.
_GONE: dict[str, tuple[Any, ...]] = {
    "time_major": (False,),
    "groups": (1,),
    "ragged": (False,),
    "sparse": (False,),
    "implementation": (1, 2),
    "noise_shape": (None,),
    "trainable": (True,),
}
# Of layers that have these for each of their kernels; they move no number of a trained one.
_OF_TRAINING = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
_WRAPPED = ("layer", "backward_layer", "cell")
_ACTIVATIONS = ("activation", "recurrent_activation")


def keras2_layers(config: dict[str, Any], path: Any) -> dict[str, Any]:
    """Return what stands for each class of layer that a Keras-2 configuration names, for ``custom_objects``.

    Raises
    ------
    WeightsError
        It names a layer that Keras 3 does not have: of TensorFlow's operations, or of somebody's own.
    """
    found: dict[str, Any] = {}
    _check_calls(config, path)
    models = ("Model", "Functional", "Sequential")
    for entry in _layers_of(config):
        kind, settings = entry["class_name"], entry.get("config")
        layer = getattr(keras.layers, kind, None)
        if kind in models or not isinstance(settings, (dict, list)):
            continue
        if not (isinstance(layer, type) and issubclass(layer, keras.layers.Layer)):
            name = settings.get("name", kind) if isinstance(settings, dict) else kind
            problem = f"a {kind} layer is not one of Keras 3, and graphs and classes from files are not run"
            cure = "rebuild the model with Keras's layers in its place"
            raise WeightsError(problem, path=path, field=entry.get("name", name), cure=cure)
        found[kind] = _stand_in(layer, path)
    return found


def _check_calls(config: Any, path: Any) -> None:
    """Raise a `WeightsError` for a call that Keras 3 would look for without end.

    Keras 2 counted the calls of a model inside of a model from 1 on.
    """
    if isinstance(config, list):
        for part in config:
            _check_calls(part, path)
    if not isinstance(config, dict):
        return
    layers = config.get("layers")
    if isinstance(layers, list) and all("inbound_nodes" in layer for layer in layers):
        n_calls = {layer.get("name"): max(1, len(layer["inbound_nodes"])) for layer in layers}
        for layer in layers:
            for source in (source for call in layer["inbound_nodes"] for source in call):
                if isinstance(source, list) and source[1] >= n_calls.get(source[0], 0):
                    problem = "is a model inside of the model, whose calls Keras 3 does not find"
                    cure = "load it with tf-keras, and rebuild it in Keras 3 without models inside"
                    raise WeightsError(problem, path=path, field=str(source[0]), cure=cure)
    for value in config.values():
        _check_calls(value, path)


def _layers_of(config: Any) -> list[dict[str, Any]]:
    """Return every layer of a configuration, those inside of models and wrappers, too."""
    if isinstance(config, list):
        return [layer for part in config for layer in _layers_of(part)]
    if not isinstance(config, dict):
        return []
    inner = config.get("config")
    if isinstance(inner, list):  # a Sequential model, before Keras 2.2.3
        return [layer for part in inner for layer in (part, *_layers_of(part.get("config")))]
    here = config.get("layers", []) if isinstance(config.get("layers"), list) else []
    wrapped = [config[key] for key in _WRAPPED if isinstance(config.get(key), dict)]
    parts = [*here, *wrapped]
    return [layer for part in parts for layer in (part, *_layers_of(part.get("config")))] + _layers_of(inner)


def _stand_in(layer: type[keras.layers.Layer], path: Any) -> type:
    class StandIn:
        """Makes the layer of Keras 3; none of its own is ever made."""

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> keras.layers.Layer:
            try:
                return layer.from_config(_renewed(layer, config))
            except MgcKerasError:
                raise
            except Exception as error:
                reason = " ".join(str(error).rsplit("Exception encountered: ", 1)[-1].split())[:200]
                problem = f"this {layer.__name__} layer of Keras 2 cannot be built: {reason}"
                cure = "rebuild the model in Keras 3 and load its weights"
                raise WeightsError(problem, path=path, field=config.get("name"), cure=cure) from error

    return StandIn


def _renewed(layer: type[keras.layers.Layer], config: dict[str, Any]) -> dict[str, Any]:
    """Return a layer's settings as Keras 3 takes them, those of wrapped layers, too."""
    known = set(inspect.signature(layer.__init__).parameters)
    gone = _GONE | {key: (config[key],) for key in _OF_TRAINING if key in config}
    settings = {key: value for key, value in config.items() if key in known or value not in gone.get(key, ())}
    for key in _ACTIVATIONS:
        if settings.get(key) == "hard_sigmoid":
            settings[key] = keras1_hard_sigmoid
    for key in _WRAPPED:
        inner = settings.get(key)
        if isinstance(inner, dict) and isinstance(
            kind := getattr(keras.layers, str(inner.get("class_name")), None), type
        ):
            settings[key] = {**inner, "config": _renewed(kind, inner["config"])}
    return settings
