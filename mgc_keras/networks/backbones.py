"""ImageNet networks, from whichever weights are asked for and no others.

Those of Asgharivaskasi et al. (2019), VGG16 and ResNets, and that of Ouyang (2023), InceptionV3.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.networks.download import DownloadError, download
from mgc_keras.networks.hdf5 import begins_as_hdf5
from mgc_keras.networks.keras_weights import counted_names, read_keras_weights
from mgc_keras.networks.registry import say_if_changed
from mgc_keras.networks.resnet34 import he_normal, resnet34
from mgc_keras.networks.tensors import check_is_file, set_tensors, tensors_of
from mgc_keras.networks.torch_weights import read_torch_resnet

IMAGENET_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/"
# The largest of these files has 95 MB.
_MOST_BYTES, _MOST_SECONDS = 128 * 2**20, 3600.0


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
    application, imagenet_file, md5 : str, optional
        The function in `keras.applications`; its weights without the classifier, below `IMAGENET_ADDRESS`, and the MD5
        by which Keras knows them. None: built here.
    is_counted : bool
        Whether `keras.applications` leaves the names of layers to a counter of the process ("conv2d_17"). Here they
        are counted anew within the network, from 01 in the order in which the layers are made.
    """

    preprocessing: str
    smallest_side: int
    application: str | None = None
    imagenet_file: str | None = None
    md5: str | None = None
    is_counted: bool = False


BACKBONES = {
    "vgg16": Backbone(
        "caffe",
        32,
        "VGG16",
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "resnet34": Backbone("torch", 32),
    "resnet50": Backbone(
        "caffe",
        32,
        "ResNet50",
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    "inceptionv3": Backbone(
        "tf",
        75,
        "InceptionV3",
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "bcbd6486424b2319ff4ef7d526e38f63",
        is_counted=True,
    ),
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
        problem = f"{tuple(input_shape)} is no image"
        raise OptionError(problem, field="input_shape", cure="give height, width and 3 for the colours")
    (height, width, _), least = input_shape, backbone.smallest_side
    if min(height, width) < least:
        problem = f"an image of {height} x {width} is below the {least} x {least} pixels that {name} needs"
        raise OptionError(problem, field="size", cure="take longer clips, or enlarge the image with image_size")
    if weights == "imagenet":
        weights = _imagenet_weights(name)
    if weights != "none":
        return _from_file(name, input_shape, Path(weights))
    model = _network(name, input_shape, seed)
    if backbone.application:
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                layer.kernel.assign(he_normal(seed, layer.name)(layer.kernel.shape))
    return model


def _from_file(name: str, input_shape: tuple[int, int, int], path: Path) -> keras.Model:
    check_is_file(path, "give a weight file, 'imagenet' or 'none'")
    backbone, is_hdf5 = BACKBONES[name], begins_as_hdf5(path)
    if backbone.application and not is_hdf5:
        cure = f"take the file of keras.applications for {name} that ends in _notop.h5"
        raise WeightsError("is no whole HDF5 file", path=path, cure=cure)
    model = _network(name, input_shape)
    shapes = {key: tensor.shape for key, tensor in tensors_of(model).items()}
    if is_hdf5:
        if backbone.imagenet_file and backbone.md5 and path.name == Path(backbone.imagenet_file).name:
            say_if_changed(path, ((f"ImageNet's {name}", backbone.md5),), "md5")
        return set_tensors(model, read_keras_weights(path, shapes, name, backbone.is_counted))
    return set_tensors(model, read_torch_resnet(path, shapes))


def _network(name: str, input_shape: tuple[int, int, int], seed: int = 0) -> keras.Model:
    backbone = BACKBONES[name]
    if backbone.application is None:
        return resnet34(input_shape, seed=seed)
    image = keras.Input(input_shape, dtype="float32", name="image")
    build = getattr(keras.applications, backbone.application)
    network = build(include_top=False, weights=None, input_tensor=image, input_shape=input_shape)
    maps = network.output
    if backbone.is_counted:
        names = counted_names(layer.name for layer in network.layers)
        for layer in network.layers:
            layer.name = names[layer.name]
    vector = keras.layers.GlobalAveragePooling2D(dtype="float32", name="avgpool")(maps)
    return keras.Model(image, vector, name=name)


def _imagenet_weights(name: str) -> Path:
    """Return the file of a network; download it where Keras' folder (``$KERAS_HOME/models``) has no whole copy.

    Keras' own download raises a plain ``Exception``, from which nothing can be told apart; file and check are the same.
    """
    file, md5 = BACKBONES[name].imagenet_file, BACKBONES[name].md5
    if file is None:
        problem = f"keras.applications has no ImageNet weights of {name} to download"
        cure = f"give the safetensors file of torchvision's or timm's {name}, or 'none' for a random start"
        raise WeightsError(problem, field="weights", cure=cure)
    folder, file_name = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models", Path(file).name
    address = IMAGENET_ADDRESS + file
    try:
        path = folder / file_name
        return download(address, f"md5:{md5}", path, most_bytes=_MOST_BYTES, most_seconds=_MOST_SECONDS, progress=True)
    except (OSError, ValueError) as error:
        # ValueError stands for another hash; errors of the network have no number.
        if isinstance(error, DownloadError):
            cause = str(error)
        elif not isinstance(error, OSError):
            cause = "what came is not this file"
        elif isinstance(error, PermissionError) or error.errno is not None:
            cause = f"{folder} cannot be written"
        else:
            cause = "no connection"
        problem = f"the ImageNet weights of {name} could not be fetched: {cause}"
        cure = f"give {file_name} as a file, or 'none' for a random start"
        raise WeightsError(problem, field="weights", cure=cure) from error
