"""What a table of features does not tell of its clips: how long they are, how loud, how much of them is silent."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgc_keras.audio.containers import SILENCE
from mgc_keras.features.extractor import Extractor

# Seconds of a part that is silent or not.
_PART = 0.1
# Of full scale: what is written for no sound at all, in place of minus infinity.
_LOWEST = 1e-6


class ClipFacts(Extractor):
    """Length, level and silence of whole clips, of the mean over their channels, at 12 kHz.

    `clip_seconds`; `clip_peak_db` and `clip_rms_db`, against full scale, at least -120; `clip_silent_share`, the share
    of tenths of a second in which nothing exceeds -80 dB (`check` calls a clip silent where that is 1).

    Example
    -------
    >>> ClipFacts()([np.full(6000, 0.5, np.float32)]).round(2).tolist()
    [[0.5, -6.02, -6.02, 0.0]]
    """

    name = "clip"
    columns = ("clip_seconds", "clip_peak_db", "clip_rms_db", "clip_silent_share")
    sampling_rate = 12000
    n_samples, duration = None, None
    batch_size = 8
    dtype = "float64"

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, as plain JSON values."""
        return {"name": self.name, "sampling_rate": self.sampling_rate, "silent_below": SILENCE, "part_s": _PART}

    def __call__(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Return (n_clips, 4) float64 for waveforms of any lengths."""
        return np.array([self._facts(waveform) for waveform in waveforms])

    def _facts(self, waveform: np.ndarray) -> list[float]:
        levels = np.abs(waveform)
        starts = np.arange(0, len(levels), int(_PART * self.sampling_rate))
        silent = np.mean(np.maximum.reduceat(levels, starts) < SILENCE)
        rms = np.sqrt(np.mean(np.square(levels, dtype=np.float64)))
        peak, rms = (20 * np.log10(max(level, _LOWEST)) for level in (levels.max(), rms))
        return [len(waveform) / self.sampling_rate, peak, rms, silent]
