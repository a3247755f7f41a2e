"""What image networks learn from, computed once.

Where the backbone is frozen, that is its vector of each clip: the head then learns from vectors, not from audio. Where
the backbone learns as well, it is mel-spectrograms, in an eighth of the space of the audio.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mgc_keras.features.segments import SegmentExtractor, segment_samples
from mgc_keras.files import sha256_of
from mgc_keras.networks.image_network import SAMPLING_RATE, front_end, image_network, part_of

# Segments that are transformed together: the maps of VGG16 take 80 MB for a clip of 30 s.
_AT_ONCE = 4


def backbone_vectors(
    backbone: str,
    *,
    segments: str,
    seconds: float,
    weights: str | Path = "imagenet",
    seed: int = 0,
    image_size: tuple[int, int] | None = None,
    antialias: bool = False,
) -> SegmentExtractor:
    """Return the extractor of a backbone's vectors, one a segment.

    Parameters
    ----------
    backbone, weights, seed, image_size, antialias
        As of `mgc_keras.networks.image_network.image_network`.
    segments, seconds
        As of `SegmentExtractor`.

    Raises
    ------
    MgcKerasError
        The weights cannot be had, do not fit, or the segments are too short for the backbone.
    """
    # Without a size of the picture nothing is said of it, as in files of earlier versions.
    image = {} if image_size is None else {"image_size": tuple(image_size), "antialias": antialias}

    def compute(waveforms: np.ndarray) -> np.ndarray:
        model = _vector_model(backbone, waveforms.shape[1], weights, seed, **image)
        return np.concatenate([model.predict_on_batch(batch) for batch in _batches(waveforms)])

    # Built once for a short segment: wrong weights are told before any clip is read.
    probe = _vector_model(backbone, round(min(seconds, 3.0) * SAMPLING_RATE), weights, seed, **image)
    named = str(weights) if weights in ("imagenet", "none") else sha256_of(weights)
    return SegmentExtractor(
        f"{backbone}_vectors",
        [f"{backbone}_{number:04d}" for number in range(probe.output_shape[1])],
        compute,
        segments=segments,
        seconds=seconds,
        sampling_rate=SAMPLING_RATE,
        settings={"backbone": backbone, "weights": named, "backbone_seed": seed, **image},
    )


def melspectrogram_segments(segments: str, seconds: float) -> SegmentExtractor:
    """Return the extractor of what `image_network` makes its image of: 128 rows a segment, a column a frame, in dB.

    For ``part_of(network, "melspectrogram", "genres")``, whose backbone learns. Parameters as of `SegmentExtractor`.
    """
    layer = front_end(SAMPLING_RATE)

    def compute(waveforms: np.ndarray) -> np.ndarray:
        return np.concatenate([np.asarray(layer(batch))[..., 0] for batch in _batches(waveforms)])

    n_frames = layer.n_frames(segment_samples(segments, seconds, SAMPLING_RATE))
    return SegmentExtractor(
        "melspectrogram",
        [f"frame_{number:04d}" for number in range(n_frames)],
        compute,
        segments=segments,
        seconds=seconds,
        sampling_rate=SAMPLING_RATE,
        settings={"n_mels": layer.n_mels, "hop_length": layer.hop_length},
    )


def _batches(waveforms: np.ndarray) -> Iterator[np.ndarray]:
    return (waveforms[begin : begin + _AT_ONCE] for begin in range(0, len(waveforms), _AT_ONCE))


# The same network serves the segments of one length of all clips, whole or cut, and is traced once.
@lru_cache(maxsize=4)
def _vector_model(backbone: str, n_samples: int, weights: str | Path, seed: int, **image: Any) -> keras.Model:
    # The head is not used: two classes are the least it may have.
    return part_of(image_network(backbone, 2, n_samples, weights=weights, seed=seed, **image), "waveform", "vector")
