"""Features and tags of whole clips, patch by patch, as the authors' program computes them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mgc_keras.audio.files import fit_waveform
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.published.musicnn.network import HOP_LENGTH, N_DFT, N_FRAMES, N_SAMPLES

PATCH_HOP = N_FRAMES * HOP_LENGTH
# Together they keep the cores of a CPU busy, and divide the 20 patches of a minute without rest.
FEW_PATCHES = 4
# The shortest clip with as many frames as a patch.
SHORTEST = (N_FRAMES - 1) * HOP_LENGTH


class PatchMeans(Extractor):
    """A network's outputs, averaged over the patches of a clip: 187 frames each, one behind the other (2.992 s).

    Frames are centred, the waveform mirrored at its ends; what is left at the end is not used. A clip that has no whole
    patch is repeated until it has one, as for the networks' training; the authors' program fails there.

    Parameters
    ----------
    patches : NetworkExtractor
        Of a network of this folder that takes waveforms; its batch is patches computed together.
    """

    n_samples, duration = None, None

    def __init__(self, patches: NetworkExtractor) -> None:
        self.patches = patches
        self.name, self.columns, self.sampling_rate = patches.name, patches.columns, patches.sampling_rate
        # With many patches together, those of one clip would leave much of a batch empty.
        self.batch_size = 1 if patches.batch_size <= FEW_PATCHES else 4
        self.resampler, self.streams, self.execution = patches.resampler, patches.streams, patches.execution

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, as plain JSON values."""
        about = self.patches.describe()
        return about | {"averaged_over": f"patches of {N_FRAMES} frames", "resampler": self.resampler}

    def measured(self) -> dict[str, Any]:
        """Return how far a fast extractor lies from the exact one; see `NetworkExtractor.measured`."""
        return self.patches.measured()

    def __call__(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Return (n_clips, n_features) float32 for waveforms of any lengths."""
        patches = [patches_of(waveform) for waveform in waveforms]
        rows = np.concatenate([self.patches(batch) for batch in _batches(patches, self.patches.batch_size)])
        ends = np.cumsum([len(clip) for clip in patches])
        return np.stack([clip.mean(axis=0) for clip in np.split(rows, ends[:-1])])


def patches_of(waveform: np.ndarray) -> np.ndarray:
    """Return what the network sees of a clip, (n_patches, 48128), a view of a copy.

    Example
    -------
    >>> patches_of(np.zeros(16000 * 30, np.float32)).shape
    (10, 48128)
    """
    waveform = waveform if len(waveform) >= SHORTEST else fit_waveform(waveform, SHORTEST, "repeat")
    padded = np.pad(waveform, N_DFT // 2, mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, N_SAMPLES)[::PATCH_HOP]


def _batches(patches: list[np.ndarray], size: int) -> Iterable[np.ndarray]:
    together = [patch for clip in patches for patch in clip]
    return (np.stack(together[start : start + size]) for start in range(0, len(together), size))
