"""The picture that a network from scratch sees of each clip, computed once: the network then learns without audio."""

from typing import Any

import keras
import numpy as np

from mgc_keras.features.extractor import Extractor
from mgc_keras.networks.image_network import SAMPLING_RATE
from mgc_keras.networks.parts import between
from mgc_keras.studies.ouyang2023.networks import IMAGE_SIZE, SECONDS, custom_cnn


class PictureExtractor(Extractor):
    """Mel-spectrograms as grey pictures, as `mgc_keras.studies.ouyang2023.networks.custom_cnn` makes them of waveforms.

    One row a line of the picture, lowest band first.

    Parameters
    ----------
    image_size : tuple of int
        Height and width in pixels.
    seconds : float
        From the start of each clip; shorter clips are repeated.
    sampling_rate : int
        In Hz.
    batch_size : int
        Clips that are computed, and then saved, together.

    Raises
    ------
    OptionError
        `image_size` is too small for the network, or the clips have no length.
    """

    name = "pictures"

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        seconds: float = SECONDS,
        sampling_rate: int = SAMPLING_RATE,
        batch_size: int = 8,
    ) -> None:
        self.image_size, self.duration, self.sampling_rate = image_size, seconds, sampling_rate
        self.batch_size, self.n_samples = batch_size, round(seconds * sampling_rate)
        # The head is not used: two classes are the least it may have.
        network = custom_cnn(2, self.n_samples, image_size=self.image_size, sampling_rate=sampling_rate)
        self._front: keras.Model = between(network, "waveform", "image")
        self.columns = [f"column_{number:04d}" for number in range(self.image_size[1])]

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, as plain JSON values."""
        names = ("name", "sampling_rate", "n_samples", "fit")
        return {name: getattr(self, name) for name in names} | {"image_size": list(self.image_size)}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, height, width) float32, 0 to 255, of waveforms (batch, n_samples)."""
        return self._front.predict_on_batch(waveforms)[..., 0]
