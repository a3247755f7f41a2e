"""ImageNet networks, from whichever weights are asked for and no others.

Those of Asgharivaskasi et al. (2019), VGG16 and ResNets, and that of Ouyang (2023), InceptionV3.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from mgc_keras.errors import MgcKerasError, OptionError, WeightsError
from mgc_keras.layers.melspectrogram import checked_choice
from mgc_keras.models.resnet34 import SMALLEST_SIDE, he_normal, resnet34
from mgc_keras.models.variants import set_tensors, tensors_of
from mgc_keras.weights.safetensors_file import check_same_names, read_torch_resnet
from mgc_keras.weights.tensors import read_tensor, text


@dataclass(frozen=True)
class Backbone:
    """What is known of one network.

    Parameters
    ----------
    preprocessing : {"caffe", "torch", "tf"}
        See `ImagePreprocessing`.
    smallest_side : int
        Least height and width of a picture, in pixels: that of `keras.applications`; for ResNet34, which halves its
        maps five times, not stated and chosen alike.
    application : str, optional
        The function in `keras.applications`; None: built here.
    is_counted : bool
        Whether `keras.applications` leaves the names of layers to a counter of the process ("conv2d_17"). Here they
        are counted anew within the network, from 01 in the order in which the layers are made.
    """

    preprocessing: str
    smallest_side: int
    application: str | None = None
    is_counted: bool = False


BACKBONES = {
    "vgg16": Backbone("caffe", 32, "VGG16"),
    "resnet34": Backbone("torch", SMALLEST_SIDE),
    "resnet50": Backbone("caffe", 32, "ResNet50"),
    "inceptionv3": Backbone("tf", 75, "InceptionV3", is_counted=True),
}
# What a tensor is by its name in old files: ".../kernel:0", or "block1_conv1_W_1:0" of Keras 1.
_WEIGHT = re.compile(r"(?:^|_)(kernel|W|bias|b|gamma|beta|moving_mean|moving_variance)(?:_\d+)?(?::0)?$")
_COUNTED = re.compile(
    r"^(conv2d|batch_normalization|activation|max_pooling2d|average_pooling2d|concatenate)(?:_(\d+))?$"
)
_KERAS1_NAMES = {"W": "kernel", "b": "bias"}
_NOT_FETCHED = "give a weight file instead, or 'none' for a random start"


def build_backbone(
    name: str, input_shape: tuple[int, int, int], weights: str | Path = "imagenet", *, seed: int = 0
) -> keras.Model:
    """Build a network up to its global average, from ImageNet, from a file, or at random; never silently at random.

    The paper does not say how the maps of a backbone become the vector that its dense layers see; the global average
    is chosen because ResNets are trained with it, and because it takes clips of any length.

    Parameters
    ----------
    name : {"vgg16", "resnet34", "resnet50", "inceptionv3"}
    input_shape : tuple of int
        Height, width, 3.
    weights : str or Path
        "imagenet": those of `keras.applications`, downloaded once (not for ResNet34, which is not in it). "none": He
        normal kernels, biases 0. Else a file. For ResNet34, torchvision's or timm's ``.safetensors``; for the others
        the ``_notop.h5`` of `keras.applications`. For all of them, what ``save_weights`` of such a network writes
        (``.weights.h5``). Every tensor is checked.
    seed : int
        Of the random start.

    Returns
    -------
    keras.Model
        (batch, height, width, 3) float32, preprocessed, to (batch, n_channels) float32; all layers trainable.

    Raises
    ------
    OptionError
        An unknown `name`, no three colours, or a picture smaller than the network's least.
    WeightsError
        The file is missing, damaged, or of another network; the first tensor that does not fit is named.
    MgcKerasError
        The ImageNet weights cannot be fetched.

    Example
    -------
    >>> build_backbone("resnet34", (128, 64, 3), "none").output_shape
    (None, 512)
    """
    backbone = BACKBONES[checked_choice("backbone", name, tuple(BACKBONES))]
    if len(input_shape) != 3 or input_shape[2] != 3:
        raise OptionError(
            f"{tuple(input_shape)} is no picture", field="input_shape", cure="give height, width and 3 for the colours"
        )
    if min(input_shape[:2]) < backbone.smallest_side:
        raise OptionError(
            f"a picture of {input_shape[0]} x {input_shape[1]} is below the {backbone.smallest_side} x "
            f"{backbone.smallest_side} pixels that {name} needs",
            field="size",
            cure="take longer clips, or enlarge the picture with image_size",
        )
    if weights == "imagenet":
        return _from_imagenet(name, input_shape)
    if weights == "none":
        return _at_random(name, input_shape, seed)
    return _from_file(name, input_shape, Path(weights))


def read_keras_weights(path: str | Path, model: keras.Model) -> dict[str, np.ndarray]:
    """Read every tensor of `model` from an HDF5 file of weights: as Keras 1 and 2 wrote it, or a ``.weights.h5``.

    Parameters
    ----------
    path : str or Path
        The file. Its layers must have the names that they have in `model`. A ``.weights.h5`` that
        lacks layers' names is refused.
    model : keras.Model
        The network that the tensors are for; it is left alone.

    Returns
    -------
    dict
        ``{"<layer>/<weight>": array}``, float32, as `mgc_keras.models.variants.tensors_of` names them.

    Raises
    ------
    WeightsError
        The file is damaged, or a tensor is missing, one too many, of another shape, or not finite.
    """
    path, shapes = Path(path), {name: tensor.shape for name, tensor in tensors_of(model).items()}
    cure = f"take a file of {model.name} without its top (_notop.h5)"
    try:
        with h5py.File(path, "r") as file:
            places = _places_by_layer_names(file) if "layer_names" in file.attrs else _places_of_keras3(file, model)
            if model.name in BACKBONES and BACKBONES[model.name].is_counted:
                layers = counted_names({place.split("/", 1)[0] for place in places})
                places = {f"{layers[place.split('/', 1)[0]]}/{place.split('/', 1)[1]}": at for place, at in places.items()}
            if not places:
                raise WeightsError("holds no weights of layers", path=path, cure=cure)
            check_same_names(places, shapes, path, cure)
            return {name: read_tensor(*places[name], shape, path) for name, shape in shapes.items()}
    except (OSError, KeyError) as error:
        raise WeightsError(f"is damaged: {error}", path=path, cure="take another copy") from error


def counted_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name for every layer that does not depend on what a process built before.

    Parameters
    ----------
    names : iterable of str
        Of all layers of one network.

    Example
    -------
    >>> counted_names(["conv2d_7", "mixed0", "conv2d_12"])
    {'conv2d_7': 'conv2d_01', 'mixed0': 'mixed0', 'conv2d_12': 'conv2d_02'}
    """
    names = list(names)
    kinds: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        counted = _COUNTED.match(name)
        if counted:
            kinds.setdefault(counted[1], []).append((int(counted[2] or 0), name))
    ranks = {name: f"{kind}_{rank:02d}" for kind, found in kinds.items() for rank, (_, name) in enumerate(sorted(found), 1)}
    return {name: ranks.get(name, name) for name in names}


def _at_random(name: str, input_shape: tuple[int, int, int], seed: int) -> keras.Model:
    if BACKBONES[name].application is None:
        return resnet34(input_shape, seed=seed)
    model = _application(name, input_shape, weights=None)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(he_normal(seed, layer.name)(layer.kernel.shape))
    return model


def _from_file(name: str, input_shape: tuple[int, int, int], path: Path) -> keras.Model:
    if not path.is_file():
        problem = "is a folder, not a file" if path.is_dir() else "there is no such file"
        raise WeightsError(problem, path=path, cure="give a weight file, 'imagenet' or 'none'")
    in_keras, is_hdf5 = BACKBONES[name].application is not None, h5py.is_hdf5(path)
    if in_keras and not is_hdf5:
        cure = f"take the file of keras.applications for {name} that ends in _notop.h5"
        raise WeightsError("is no whole HDF5 file", path=path, cure=cure)
    model = _application(name, input_shape, weights=None) if in_keras else resnet34(input_shape)
    if is_hdf5:
        tensors = read_keras_weights(path, model)
    else:
        tensors = read_torch_resnet(path, {key: tensor.shape for key, tensor in tensors_of(model).items()})
    set_tensors(model, tensors)
    return model


def _application(name: str, input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
    build: Callable[..., keras.Model] = getattr(keras.applications, BACKBONES[name].application)
    image = keras.Input(input_shape, dtype="float32", name="image")
    network = build(include_top=False, weights=weights, input_tensor=image, input_shape=input_shape)
    maps = network.output
    if BACKBONES[name].is_counted:
        names = counted_names({layer.name for layer in network.layers})
        for layer in network.layers:
            layer.name = names[layer.name]
    vector = keras.layers.GlobalAveragePooling2D(dtype="float32", name="avgpool")(maps)
    return keras.Model(image, vector, name=name)


def _from_imagenet(name: str, input_shape: tuple[int, int, int]) -> keras.Model:
    if BACKBONES[name].application is None:
        raise MgcKerasError(
            "keras.applications has no ImageNet weights of resnet34 to download",
            field="weights",
            cure="give the safetensors file of torchvision's or timm's resnet34, or 'none' for a random start",
        )
    try:
        return _application(name, input_shape, weights="imagenet")
    except Exception as error:
        # For a failed download Keras raises a plain Exception, for a damaged one a ValueError.
        if type(error) is not Exception and not isinstance(error, (OSError, ValueError)):
            raise
        raise MgcKerasError(
            f"the ImageNet weights of {name} could not be fetched", field="weights", cure=_NOT_FETCHED
        ) from error


def _places_by_layer_names(file: h5py.File) -> dict[str, tuple[h5py.Group, str]]:
    """Find every tensor of a file as Keras 1 and 2 wrote it: its group, and its name there."""
    places = {}
    for layer in (text(name) for name in file.attrs["layer_names"]):
        for stored in (text(name) for name in file[layer].attrs["weight_names"]):
            kind = _WEIGHT.search(stored.rsplit("/", 1)[-1])
            weight = _KERAS1_NAMES.get(kind[1], kind[1]) if kind else stored
            places[f"{layer}/{weight}"] = (file[layer], stored)
    return places


def _places_of_keras3(file: h5py.File, model: keras.Model) -> dict[str, tuple[h5py.Group, str]]:
    """Find every tensor of a ``.weights.h5``, which has layers' names as attributes and numbers their tensors."""
    weights = {layer.name: [variable.name for variable in layer.weights] for layer in model.layers}
    places = {}
    layers = file.get("layers")
    for group in layers.values() if isinstance(layers, h5py.Group) else ():
        tensors = group.get("vars", ()) if isinstance(group, h5py.Group) else ()
        for number in tensors:
            layer = text(tensors.attrs.get("name", group.name))
            names = weights.get(layer, [])
            known = number.isdigit() and int(number) < len(names)
            places[f"{layer}/{names[int(number)] if known else number}"] = (tensors, number)
    return places
