"""The two networks of Ouyang (2023): a frozen InceptionV3 with a small head, and the one from scratch, built here.

Both see a clip as the same image, its mel-spectrogram, and take a waveform. Stated in the paper: SGD, batches of 32,
ReLU, soft-max, early stopping; 64 % and 73 % on GTZAN. Not stated, or not known here, and chosen once:

* the image: 128 mel bands of the first 29 s, decibels below the clip's maximum, smoothed and resized to 128 x 256
  pixels, so that 500 epochs of the small network cost hours and not days on a CPU;
* InceptionV3's head (`mgc_keras.networks.image_network`): the global average, a dense layer of 128 units, ReLU, and no
  dropout;
* the network from scratch: four blocks of a convolution (16, 32, 64, 128 channels; 5 x 5 in steps of two, then 3 x 3),
  batch normalisation, ReLU and max-pooling 2 x 2; flattened; a dense layer of 64 units, ReLU; dropout of 0.3. Batch
  normalisation, and flattening in place of a global average, let SGD without momentum get somewhere at a rate of 1e-3.
  The running statistics have a momentum of 0.9, for trainings of a few steps an epoch.
"""

from collections.abc import Sequence

import keras

from mgc_keras.checks import check_dropout, check_sizes
from mgc_keras.errors import OptionError
from mgc_keras.layers.decibel_image import WHITE, DecibelImage
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.networks.image_network import front_end
from mgc_keras.networks.resnet34 import he_normal

BN_MOMENTUM = 0.9


def custom_cnn(
    n_classes: int,
    n_samples: int,
    *,
    image_size: tuple[int, int] = (128, 256),
    channels: Sequence[int] = (16, 32, 64, 128),
    dense_units: int = 64,
    dropout: float = 0.3,
    seed: int = 0,
) -> keras.Model:
    """Build the convolutional network that learns from scratch.

    ``between(network, "waveform", "image")`` (`mgc_keras.networks.parts`) is the front end, which has nothing to
    learn; ``between(network, "image", "genres")`` learns from its images.

    Parameters
    ----------
    n_classes, n_samples : int
        Genres; samples of a waveform at 22 050 Hz.
    image_size : tuple of int
        Height and width of the image; every block halves both, the first one twice.
    channels : sequence of int
        One number a block.
    dense_units, dropout : int, float
        Of the dense layer: its units, and the share of them that is zeroed while training.
    seed : int
        Of the random weights (He normal) and of dropout.

    Returns
    -------
    keras.Model
        (batch, n_samples) float32 to (batch, n_classes) float32 soft-max. A chain of layers: ``melspectrogram``,
        ``image`` (0 to 255, one channel), ``rescaling``, ``conv1``, ``bn1``, ``relu1``, ``pool1``, …, ``flatten``,
        ``dense``, ``dropout``, ``genres``.

    Raises
    ------
    OptionError
        A number that makes no sense, or an image that the blocks halve to nothing.

    Example
    -------
    >>> custom_cnn(10, 2 * 22050, image_size=(32, 32)).output_shape
    (None, 10)
    """
    check_sizes(n_classes=n_classes, n_samples=n_samples, dense_units=dense_units, channels=channels)
    check_dropout(dropout)
    if not len(channels):
        raise OptionError("names no block", field="channels", cure="give one number a block")
    waveforms = keras.Input((n_samples,), dtype="float32", name="waveform")
    values = DecibelImage(80.0, image_size, antialias=True, n_channels=1, name="image")(front_end()(waveforms))
    if min(values.shape[1:3]) < 2 ** (len(channels) + 1):
        problem = f"{values.shape[1]} x {values.shape[2]} pixels cannot be halved {len(channels) + 1} times"
        raise OptionError(problem, field="image_size", cure="enlarge the image, or take fewer channels")
    values = keras.layers.Rescaling(2 / WHITE, -1.0, name="rescaling")(values)
    for number, width in enumerate(channels, 1):
        values = _block(values, number, width, seed)
    values = keras.layers.Flatten(name="flatten")(values)
    values = keras.layers.Dense(dense_units, "relu", kernel_initializer=he_normal(seed, "dense"), name="dense")(values)
    values = keras.layers.Dropout(dropout, seed=seed, name="dropout")(values)
    start = he_normal(seed, "genres")
    genres = keras.layers.Dense(n_classes, "softmax", kernel_initializer=start, dtype="float32", name="genres")(values)
    return keras.Model(waveforms, genres, name="ouyang2023_cnn")


def _block(values: keras.KerasTensor, number: int, width: int, seed: int) -> keras.KerasTensor:
    size, stride = (3, 1) if number > 1 else (5, 2)
    start = he_normal(seed, f"conv{number}")
    convolution = keras.layers.Conv2D(
        width, size, stride, padding="same", use_bias=False, kernel_initializer=start, name=f"conv{number}"
    )
    values = keras.layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"bn{number}")(convolution(values))
    values = keras.layers.ReLU(name=f"relu{number}")(values)
    return MaxPooling2D(2, name=f"pool{number}")(values)
