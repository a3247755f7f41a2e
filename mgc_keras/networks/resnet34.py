"""ResNet34 (He, Zhang, Ren and Sun: Deep residual learning for image recognition, 2016), as torchvision builds it."""

import keras
import numpy as np

from mgc_keras.layers.pooling import MaxPooling2D

STAGES = (3, 4, 6, 3)
N_CHANNELS = 64


def resnet34(input_shape: tuple[int, int, int] = (224, 224, 3), *, seed: int = 0) -> keras.Model:
    """Build ResNet34 without its classifier, with random weights.

    The ResNet-v1 basic-block form of torchvision (and timm): a stem of 7 x 7, four stages of 3, 4, 6 and 3 blocks with
    64, 128, 256 and 512 channels, global average. Layers have torchvision's names (``conv1``, ``layer2.0.conv1``,
    ``layer2.0.downsample.1``, …), and a block's last ReLU has the block's (``layer2.0``). Zeros are padded by layers of
    their own, alike on every side: Keras's "same" puts more behind than in front where a layer has strides.

    `input_shape` is (height, width, 3), `seed` that of the He-normal random kernels.

    Returns
    -------
    keras.Model
        (batch, height, width, 3) float32, preprocessed by ``ImagePreprocessing("torch")``, to (batch, 512) float32.

    Example
    -------
    >>> model = resnet34((32, 64, 3))
    >>> model.output_shape, model.get_layer("layer4.2").output.shape
    ((None, 512), (None, 1, 2, 512))
    """
    image = keras.Input(input_shape, dtype="float32", name="image")
    maps = _convolution(image, "conv1", N_CHANNELS, 7, 2, seed)
    maps = keras.layers.ReLU(name="relu")(_normalization(maps, "bn1"))
    # torchvision pads its pool with minus infinity; behind a ReLU zeros give the same maxima.
    maps = keras.layers.ZeroPadding2D(1, name="maxpool.pad")(maps)
    maps = MaxPooling2D(3, 2, name="maxpool")(maps)
    for stage, n_blocks in enumerate(STAGES):
        for block in range(n_blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            maps = _basic_block(maps, f"layer{stage + 1}.{block}", N_CHANNELS * 2**stage, stride, seed)
    vector = keras.layers.GlobalAveragePooling2D(dtype="float32", name="avgpool")(maps)
    return keras.Model(image, vector, name="resnet34")


def he_normal(seed: int, layer: str) -> keras.initializers.Initializer:
    """Return the He-normal start of one layer's kernel: it follows from `seed` and the layer's name alone."""
    words = np.random.SeedSequence((seed, *layer.encode())).generate_state(1)
    return keras.initializers.HeNormal(seed=int(words[0] >> 1))


def _basic_block(maps: keras.KerasTensor, name: str, n_channels: int, stride: int, seed: int) -> keras.KerasTensor:
    shortcut = maps
    if stride != 1:
        shortcut = _convolution(maps, f"{name}.downsample.0", n_channels, 1, stride, seed)
        shortcut = _normalization(shortcut, f"{name}.downsample.1")
    maps = _normalization(_convolution(maps, f"{name}.conv1", n_channels, 3, stride, seed), f"{name}.bn1")
    maps = keras.layers.ReLU(name=f"{name}.relu")(maps)
    maps = _normalization(_convolution(maps, f"{name}.conv2", n_channels, 3, 1, seed), f"{name}.bn2")
    return keras.layers.ReLU(name=name)(keras.layers.Add(name=f"{name}.add")([maps, shortcut]))


def _convolution(
    maps: keras.KerasTensor, name: str, n_channels: int, kernel_size: int, stride: int, seed: int
) -> keras.KerasTensor:
    if kernel_size > 1:
        maps = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}.pad")(maps)
    options = {"use_bias": False, "kernel_initializer": he_normal(seed, name), "name": name}
    return keras.layers.Conv2D(n_channels, kernel_size, stride, **options)(maps)


def _normalization(maps: keras.KerasTensor, name: str) -> keras.KerasTensor:
    # torchvision's, and the complement of its momentum of 0.1.
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(maps)
