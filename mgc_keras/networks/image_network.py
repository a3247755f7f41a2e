"""Genres from images of music (Asgharivaskasi et al.: Music genre recognition using deep learning, 2019).

A mel-spectrogram as an image, a network trained on ImageNet, three dense layers; one model from waveform to genres.
Not stated in the paper: where 0 dB lies (here each clip's maximum, so that clips do not depend on their batch), the
range below it (80 dB), resizing (none), the pooling (global average), dropout (none).
"""

import difflib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from mgc_keras.checks import check_dropout, check_sizes, checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.decibel_image import DecibelImage, ImagePreprocessing
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.standardization import PathStandardization, path_statistics
from mgc_keras.networks.backbones import BACKBONES, build_backbone
from mgc_keras.networks.parts import between, has_layers
from mgc_keras.networks.resnet34 import he_normal

SAMPLING_RATE = 22050
N_DFT, HOP_LENGTH, N_MELS = 2048, 1024, 128
HEAD_UNITS = (256, 128, 64)
STANDARDIZATION = "standardization"


def image_network(
    backbone: str,
    n_classes: int,
    n_samples: int,
    *,
    sampling_rate: int = SAMPLING_RATE,
    dynamic_range: float = 80.0,
    image_size: tuple[int, int] | None = None,
    antialias: bool = False,
    weights: str | Path = "imagenet",
    trainable_from: str | None = None,
    head_units: Sequence[int] = HEAD_UNITS,
    dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build the network: mel-spectrogram (DFT 2048, hop 1024, 128 bands), image, backbone, dense 256-128-64, genres.

    From a random start the backbone's vectors are in the hundreds or thousands: the head needs `standardize_vectors`.

    Parameters
    ----------
    backbone : {"vgg16", "resnet34", "resnet50", "inceptionv3"}
    n_classes, n_samples, sampling_rate : int
        Genres; samples of a waveform, and its rate in Hz.
    dynamic_range : float
        Of the image, in dB below the clip's maximum.
    image_size : tuple of int, optional
        Height and width; default: 128 bands by ceil(n_samples / 1024) frames.
    antialias : bool
        Whether an image is smoothed before it is made smaller: see `DecibelImage`.
    weights : str or Path
        "imagenet", "none" or a file: see `build_backbone`.
    trainable_from : str, optional
        The backbone's layer from which on it is trained (`set_trainable_from`). Default: it is frozen.
    head_units, dropout : sequence of int, float
        Units of the dense layers, with ReLU, and the share of them that is zeroed behind each.
    seed : int
        Of all random weights (He normal) and of dropout.

    Returns
    -------
    keras.Model
        (batch, n_samples) float32 to (batch, n_classes) float32 soft-max. Layers: ``melspectrogram``, ``image``,
        ``preprocessing``, the backbone under its name, ``standardization`` (which passes through until it is set),
        ``dense1``, ``dropout1``, …, ``genres``.

    Raises
    ------
    MgcKerasError
        A wrong option or weight file, or a failed download: see `build_backbone` and `set_trainable_from`.

    Example
    -------
    >>> image_network("resnet34", 10, 3 * 22050, weights="none").output_shape
    (None, 10)
    """
    check_sizes(n_classes=n_classes, n_samples=n_samples, sampling_rate=sampling_rate, head_units=head_units)
    check_dropout(dropout)
    checked_choice("backbone", backbone, tuple(BACKBONES))
    waveforms = keras.Input((n_samples,), dtype="float32", name="waveform")
    decibels = front_end(sampling_rate, dynamic_range)(waveforms)
    images = DecibelImage(dynamic_range, image_size, antialias, name="image")(decibels)
    images = ImagePreprocessing(BACKBONES[backbone].preprocessing, name="preprocessing")(images)
    vectors = build_backbone(backbone, images.shape[1:], weights, seed=seed)(images)
    model = keras.Model(waveforms, _head(vectors, n_classes, head_units, dropout, seed), name="image_network")
    set_trainable_from(model, trainable_from)
    return model


def front_end(sampling_rate: int = SAMPLING_RATE, dynamic_range: float = 80.0, n_mels: int = N_MELS) -> MelSpectrogram:
    """Return the front end of an `image_network`: (batch, n_samples) to (batch, n_mels, n_frames, 1) in dB, no weights.

    Each clip's maximum lies at 0 dB.
    """
    return MelSpectrogram(
        sampling_rate=sampling_rate,
        n_dft=N_DFT,
        hop_length=HOP_LENGTH,
        n_mels=n_mels,
        fmax=sampling_rate / 2,
        framing="tensorflow",
        decibel_reference="clip",
        dynamic_range=dynamic_range,
        name="melspectrogram",
    )


def backbone_of(model: keras.Model) -> keras.Model:
    """Return the backbone inside an `image_network`.

    Raises
    ------
    OptionError
        `model` is another network.
    """
    found = [layer for layer in model.layers if layer.name in BACKBONES and isinstance(layer, keras.Model)]
    if not found or not has_layers(model, "melspectrogram", "genres"):
        problem = f"{model.name!r} is no image network"
        raise OptionError(problem, field="model", cure="take one that image_network built")
    return found[0]


def set_trainable_from(model: keras.Model, layer: str | None) -> None:
    """Freeze the backbone, or leave it trainable from one of its layers on. A frozen batch norm keeps its statistics.

    `layer` is the first to train, in the order of ``backbone_of(model).layers``; None freezes all of them. Compile the
    `image_network` again afterwards.

    Raises
    ------
    OptionError
        The backbone has no such layer; names like it are listed.
    """
    backbone = backbone_of(model)
    names = [part.name for part in backbone.layers]
    if layer is not None and layer not in names:
        close = difflib.get_close_matches(layer, names, n=5, cutoff=0.4) or names[-5:]
        cure = f"layers like it: {', '.join(close)}"
        raise OptionError(f"{backbone.name} has no layer {layer!r}", field="trainable_from", cure=cure)
    backbone.trainable = layer is not None
    if layer is not None:
        for part in backbone.layers[: names.index(layer)]:
            part.trainable = False


def standardize_vectors(model: keras.Model, vectors: np.ndarray) -> None:
    """Let the head see each channel of the backbone's vectors with mean 0 and deviation 1 over the training clips.

    Not in the paper. A random backbone's vectors are so large that no training of the head gets anywhere, since He
    normal kernels keep the size of the image (0-255), and every residual block adds to it. Call it once, before
    training; the statistics are saved with the model and no training moves them.

    Parameters
    ----------
    model : keras.Model
        An `image_network`, or a `head_network`.
    vectors : np.ndarray [shape=(n_clips, n_channels), dtype=float32]
        Those of the training clips alone, from ``part_of(model, "waveform", "vector")``.

    Raises
    ------
    OptionError
        `model` is another network, or `vectors` have another shape.
    """
    if not has_layers(model, STANDARDIZATION):
        backbone_of(model)  # says what is wrong
    layer = model.get_layer(STANDARDIZATION)
    n_channels = layer.mean.shape[0]
    if vectors.ndim != 2 or len(vectors) == 0 or vectors.shape[1] != n_channels:
        problem = f"have shape {vectors.shape}, not (n_clips, {n_channels})"
        raise OptionError(problem, field="vectors", cure="take them of this model")
    layer.set_weights(path_statistics(vectors[:, None], np.arange(len(vectors))))


def set_head(model: keras.Model, head: keras.Model) -> None:
    """Give an `image_network` the weights of a `head_network` with the same layers.

    Raises
    ------
    OptionError
        `model` is another network, or its head has other layers.
    """
    ours = part_of(model, "vector", "genres")
    if [weight.shape for weight in ours.weights] != [weight.shape for weight in head.weights]:
        problem = f"has other layers than {head.name!r}"
        raise OptionError(problem, field=model.name, cure="build both with equal options")
    ours.set_weights(head.get_weights())


def part_of(model: keras.Model, start: str, end: str) -> keras.Model:
    """Return a part of an `image_network` as a model of its own, which shares its weights.

    ``part_of(model, "waveform", "vector")`` gives what a frozen backbone says of a clip, to be computed once; and
    ``part_of(model, "vector", "genres")`` the head to train on it.

    Parameters
    ----------
    model : keras.Model
        An `image_network`.
    start, end : {"waveform", "melspectrogram", "vector", "genres"}
        What goes in: (batch, n_samples); (batch, 128, n_frames, 1) in dB, each clip's maximum at 0; or (batch,
        n_channels), the backbone's average before `standardize_vectors`. And what comes out, further up. Names of
        layers are known, too.

    Raises
    ------
    OptionError
        `model` is another network, a place is unknown, or `end` is not above `start`.

    Example
    -------
    >>> network = image_network("resnet34", 10, 3 * 22050, weights="none")
    >>> part_of(network, "waveform", "vector").output_shape, part_of(network, "vector", "genres").output_shape
    ((None, 512), (None, 10))
    """
    return between(model, start, end, {"vector": backbone_of(model).name})


def head_network(
    n_channels: int,
    n_classes: int,
    *,
    head_units: Sequence[int] = HEAD_UNITS,
    dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build the head of an `image_network` alone, with the weights that it starts from there.

    To train many heads on vectors that were computed once, without building the backbone every time; `set_head` then
    puts one into a whole network.

    Returns
    -------
    keras.Model
        (batch, n_channels) float32 to (batch, n_classes) float32 soft-max: ``part_of(model, "vector", "genres")``.

    Raises
    ------
    OptionError
        A number that makes no sense.

    Example
    -------
    >>> head_network(512, 10, head_units=[16]).output_shape
    (None, 10)
    """
    check_sizes(n_classes=n_classes, n_channels=n_channels, head_units=head_units)
    check_dropout(dropout)
    vectors = keras.Input((n_channels,), dtype="float32", name="vector_input")
    return keras.Model(vectors, _head(vectors, n_classes, head_units, dropout, seed), name="vector_to_genres")


def _head(
    values: keras.KerasTensor, n_classes: int, units: Sequence[int], dropout: float, seed: int
) -> keras.KerasTensor:
    """Return genres from the vectors of a backbone, through the layers of an image network's head."""
    values = PathStandardization(name=STANDARDIZATION, dtype="float32")(values)
    for number, width in enumerate(units, 1):
        start = he_normal(seed, f"dense{number}")
        values = keras.layers.Dense(width, "relu", kernel_initializer=start, name=f"dense{number}")(values)
        values = keras.layers.Dropout(dropout, seed=seed + number, name=f"dropout{number}")(values)
    start = he_normal(seed, "genres")
    return keras.layers.Dense(n_classes, "softmax", kernel_initializer=start, dtype="float32", name="genres")(values)
