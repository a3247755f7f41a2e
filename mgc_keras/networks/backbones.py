"""ImageNet networks, from whichever weights are asked for and no others.

Those of Asgharivaskasi et al. (2019), VGG16 and ResNets, and that of Ouyang (2023), InceptionV3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.networks.imagenet import fetch_imagenet_weights
from mgc_keras.networks.keras_weights import counted_names, read_keras_weights
from mgc_keras.networks.resnet34 import SMALLEST_SIDE, he_normal, resnet34
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.networks.torch_weights import read_torch_resnet


@dataclass(frozen=True)
class Backbone:
    """What is known of one network.

    Parameters
    ----------
    preprocessing : {"caffe", "torch", "tf"}
        See `ImagePreprocessing`.
    smallest_side : int
        Least height and width of an image, in pixels: that of `keras.applications`; for ResNet34, which halves its
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
        An unknown `name`, no three colours, or an image smaller than the network's least.
    WeightsError
        The file is missing, damaged, or of another network; the first tensor that does not fit is named. Or the
        ImageNet weights cannot be fetched.

    Example
    -------
    >>> build_backbone("resnet34", (128, 64, 3), "none").output_shape
    (None, 512)
    """
    backbone = BACKBONES[checked_choice("backbone", name, tuple(BACKBONES))]
    if len(input_shape) != 3 or input_shape[2] != 3:
        raise OptionError(
            f"{tuple(input_shape)} is no image", field="input_shape", cure="give height, width and 3 for the colours"
        )
    if min(input_shape[:2]) < backbone.smallest_side:
        raise OptionError(
            f"an image of {input_shape[0]} x {input_shape[1]} is below the {backbone.smallest_side} x "
            f"{backbone.smallest_side} pixels that {name} needs",
            field="size",
            cure="take longer clips, or enlarge the image with image_size",
        )
    if weights == "imagenet":
        return _from_imagenet(name, input_shape)
    if weights == "none":
        return _at_random(name, input_shape, seed)
    return _from_file(name, input_shape, Path(weights))


def _at_random(name: str, input_shape: tuple[int, int, int], seed: int) -> keras.Model:
    application = BACKBONES[name].application
    if application is None:
        return resnet34(input_shape, seed=seed)
    model = _of_keras(application, name, input_shape)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(he_normal(seed, layer.name)(layer.kernel.shape))
    return model


def _from_file(name: str, input_shape: tuple[int, int, int], path: Path) -> keras.Model:
    if not path.is_file():
        problem = "is a folder, not a file" if path.is_dir() else "there is no such file"
        raise WeightsError(problem, path=path, cure="give a weight file, 'imagenet' or 'none'")
    application, is_hdf5 = BACKBONES[name].application, h5py.is_hdf5(path)
    if application and not is_hdf5:
        cure = f"take the file of keras.applications for {name} that ends in _notop.h5"
        raise WeightsError("is no whole HDF5 file", path=path, cure=cure)
    model = _of_keras(application, name, input_shape) if application else resnet34(input_shape)
    shapes = {key: tensor.shape for key, tensor in tensors_of(model).items()}
    renamed = counted_names if BACKBONES[name].is_counted else None
    read = partial(read_keras_weights, network=name, renamed=renamed) if is_hdf5 else read_torch_resnet
    set_tensors(model, read(path, shapes))
    return model


def _of_keras(application: str, name: str, input_shape: tuple[int, int, int]) -> keras.Model:
    build: Callable[..., keras.Model] = getattr(keras.applications, application)
    image = keras.Input(input_shape, dtype="float32", name="image")
    network = build(include_top=False, weights=None, input_tensor=image, input_shape=input_shape)
    maps = network.output
    if BACKBONES[name].is_counted:
        names = counted_names(layer.name for layer in network.layers)
        for layer in network.layers:
            layer.name = names[layer.name]
    vector = keras.layers.GlobalAveragePooling2D(dtype="float32", name="avgpool")(maps)
    return keras.Model(image, vector, name=name)


def _from_imagenet(name: str, input_shape: tuple[int, int, int]) -> keras.Model:
    if BACKBONES[name].application is None:
        raise WeightsError(
            "keras.applications has no ImageNet weights of resnet34 to download",
            field="weights",
            cure="give the safetensors file of torchvision's or timm's resnet34, or 'none' for a random start",
        )
    return _from_file(name, input_shape, fetch_imagenet_weights(name))
