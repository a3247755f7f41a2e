"""From a mel-spectrogram in decibels to the image that an ImageNet network expects, as layers of the model."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.base import ConfiguredLayer, with_nan_of

WHITE = 255.0
# Means and deviations of ImageNet's colours: blue, green, red in 0-255; red, green, blue in 0-1.
_CAFFE_MEANS = (103.939, 116.779, 123.68)
_TORCH_MEANS = (0.485, 0.456, 0.406)
_TORCH_DEVIATIONS = (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable("mgc_keras")
class DecibelImage(ConfiguredLayer):
    """Map decibels linearly to 0-255 and repeat them in three channels, as the pixels of a grey image.

    `-dynamic_range` dB becomes 0, 0 dB becomes 255, and what lies beyond is cut. Always float32, whatever the policy.
    Rows stay in the order of the mel bands, lowest first; the paper does not say which way up its images are.

    Parameters
    ----------
    dynamic_range : float
        Distance of the floor below the maximum, in dB; that of the `MelSpectrogram` in front.
    size : tuple of int, optional
        Height and width to resize to (bilinear, as `tf.image.resize`), for networks with a least size. Default: a
        pixel a band and frame.
    antialias : bool
        Whether an image that becomes smaller is smoothed first. Without it, whole frames go unseen.
    n_channels : int
        3 for networks trained on photographs, 1 for those that need no repetition.

    Raises
    ------
    OptionError
        `dynamic_range` is not above 0, `size` is no pair of whole numbers above 0, or there is no channel.

    Notes
    -----
    Input: (batch, n_mels, n_frames, 1), in dB. Output: (batch, height, width, n_channels) float32, 0 to 255.

    Example
    -------
    >>> decibels = np.array([-80.0, -40.0, 0.0], "float32").reshape(1, 1, 3, 1)
    >>> np.asarray(DecibelImage()(decibels))[0, 0, :, 0].tolist()
    [0.0, 127.5, 255.0]
    """

    def __init__(
        self,
        dynamic_range: float = 80.0,
        size: tuple[int, int] | None = None,
        antialias: bool = False,
        n_channels: int = 3,
        **layer_options: Any,
    ) -> None:
        layer_options["dtype"] = "float32"  # half precision has no room for 256 levels and their fractions
        super().__init__(**layer_options)
        if not dynamic_range > 0:
            raise OptionError(f"must be above 0 dB, not {dynamic_range}", field="dynamic_range")
        if n_channels < 1:
            raise OptionError(f"{n_channels} channels make no image", field="n_channels", cure="give 1 or 3")
        if size is not None and (len(size) != 2 or any(side != int(side) or side < 1 for side in size)):
            problem = f"{tuple(size)} is no height and width in pixels"
            raise OptionError(problem, field="size", cure="give two, as 224 224")
        self.dynamic_range, self.size = dynamic_range, size and tuple(map(int, size))
        self.antialias, self.n_channels = antialias, n_channels
        # Keras asks for this: XLA knows no such operation.
        self.supports_jit = size is None or not antialias

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the images of a batch of mel-spectrograms."""
        levels = with_nan_of(inputs, tf.clip_by_value(inputs / np.float32(self.dynamic_range) + 1.0, 0.0, 1.0) * WHITE)
        if self.size is not None:
            levels = tf.image.resize(levels, self.size, antialias=self.antialias)
        return tf.repeat(levels, self.n_channels, axis=-1) if self.n_channels > 1 else levels

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return (batch, height, width, n_channels)."""
        return (input_shape[0], *(self.size or input_shape[1:3]), self.n_channels)


@keras.saving.register_keras_serializable("mgc_keras")
class ImagePreprocessing(ConfiguredLayer):
    """Centre the colours as the network did that was trained on ImageNet; the ``preprocess_input`` of that network.

    Always float32, whatever the policy.

    Parameters
    ----------
    mode : {"caffe", "torch", "tf"}
        "caffe" (VGG16 and ResNet50 of `keras.applications`): channels turned to blue, green, red, minus their means.
        "torch" (torchvision and timm): divided by 255, minus the means, divided by the standard deviations. "tf"
        (InceptionV3 of `keras.applications`): from -1 to 1.

    Raises
    ------
    OptionError
        Unknown `mode`.

    Notes
    -----
    Input: (batch, height, width, 3), red, green, blue in 0 to 255. Output: the same shape, float32.

    Example
    -------
    >>> white = np.full((1, 1, 1, 3), 255, "float32")
    >>> np.asarray(ImagePreprocessing("torch")(white), "float64").ravel().round(3).tolist()
    [2.249, 2.429, 2.64]
    """

    def __init__(self, mode: str, **layer_options: Any) -> None:
        layer_options["dtype"] = "float32"  # as in DecibelImage
        super().__init__(**layer_options)
        self.mode = checked_choice("mode", mode, ("caffe", "torch", "tf"))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the centred images."""
        if self.mode == "caffe":
            return inputs[..., ::-1] - np.array(_CAFFE_MEANS, np.float32)
        if self.mode == "tf":
            return inputs / np.float32(WHITE / 2) - 1.0
        means, deviations = np.array(_TORCH_MEANS, np.float32), np.array(_TORCH_DEVIATIONS, np.float32)
        return (inputs / np.float32(WHITE) - means) / deviations
