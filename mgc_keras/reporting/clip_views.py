"""Six views of a clip, like Figures 1 to 5 of Ouyang (2023): its waveform, three spectrograms, roll-off, chroma.

The paper does not state its settings; chosen: a periodic Hann window of 2048 samples, decibels below the clip's maximum
down to -80 dB, 128 mel bands, a roll-off at 85 % of the magnitude (librosa's default), and A4 at 440 Hz for the chroma.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import librosa
import librosa.display
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

from mgc_keras.checks import checked_choice
from mgc_keras.errors import AudioError
from mgc_keras.reporting.style import BLUE, GREY, ORANGE, colour_bar, label_axes, new_figure, save_png, wrapped

N_DFT, N_MELS, DYNAMIC_RANGE, ROLL_OFF = 2048, 128, 80.0, 0.85
# Frames of a spectrogram, about: as many as a figure has pixels to show.
_FRAMES = 400
_COLUMNS = 1500  # of a drawn waveform, about


@dataclass(frozen=True, eq=False)
class ClipSpectra:
    """What the views of a waveform, (n_samples,) float32 at a sampling rate in Hz, are drawn from.

    Raises `AudioError` where there are fewer samples than one window.
    """

    waveform: np.ndarray
    sampling_rate: int

    def __post_init__(self) -> None:
        if len(self.waveform) < N_DFT:
            problem = f"{len(self.waveform)} samples are fewer than a window of {N_DFT}"
            raise AudioError(problem, cure="take a longer clip, or a higher sampling rate")

    @property
    def hop_length(self) -> int:
        """Samples between frames: longer for longer clips, since a figure has no room for more frames."""
        return max(256, 2 ** int(np.ceil(np.log2(len(self.waveform) / _FRAMES))))

    @cached_property
    def magnitude(self) -> np.ndarray:
        """|STFT|, (1025, n_frames)."""
        return np.abs(librosa.stft(self.waveform, n_fft=N_DFT, hop_length=self.hop_length))

    @cached_property
    def decibels(self) -> np.ndarray:
        """The power spectrogram in dB, its maximum at 0, cut at -80."""
        return librosa.amplitude_to_db(self.magnitude, ref=np.max, top_db=DYNAMIC_RANGE)

    @property
    def mel_decibels(self) -> np.ndarray:
        """The mel-spectrogram in dB, (128, n_frames), its maximum at 0, cut at -80."""
        mel = librosa.feature.melspectrogram(S=self.magnitude**2, sr=self.sampling_rate, n_mels=N_MELS)
        return librosa.power_to_db(mel, ref=np.max, top_db=DYNAMIC_RANGE)

    @property
    def rolloff(self) -> np.ndarray:
        """The frequency in Hz below which 85 % of each frame's magnitude lies, (n_frames,); NaN in silent frames."""
        found = librosa.feature.spectral_rolloff(S=self.magnitude, sr=self.sampling_rate, roll_percent=ROLL_OFF)[0]
        return np.where(self.magnitude.max(axis=0) > 1e-6, found, np.nan)

    @property
    def chroma(self) -> np.ndarray:
        """Share of each pitch class, (12, n_frames), each frame's strongest at 1."""
        return librosa.feature.chroma_stft(S=self.magnitude**2, sr=self.sampling_rate, n_fft=N_DFT, tuning=0.0)

    @property
    def times(self) -> np.ndarray:
        """The frames' centres in seconds."""
        return np.arange(self.magnitude.shape[1]) * self.hop_length / self.sampling_rate


def draw_clip(
    waveform: np.ndarray, sampling_rate: int, path: str | Path, *, title: str = "", views: Sequence[str] | None = None
) -> Path:
    """Draw views of a clip, one below the other, into one PNG.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,), dtype=float32]
        At least 2048 samples.
    sampling_rate : int
        In Hz.
    path : str or Path
        The PNG; returned.
    views : sequence of str, optional
        Of `VIEWS`, by default all, in two columns.

    Raises
    ------
    AudioError
        The clip is shorter than a window.
    OptionError
        There is no such view.
    """
    names = [checked_choice("views", name, tuple(VIEWS)) for name in (VIEWS if views is None else views)]
    spectra = ClipSpectra(np.asarray(waveform, np.float32), sampling_rate)
    figure, axes = new_figure(9.5, 3.6)
    if len(names) > 1:
        n_rows = -(-len(names) // 2)
        figure, axes = new_figure(14.0, 0.4 + 3.0 * n_rows, 2 * n_rows, n_columns=2)
    for spare in axes[len(names) :]:
        spare.set_visible(False)
    for panel, name in zip(axes, names):
        VIEWS[name](panel, spectra)
        panel.set_xlim(0, len(waveform) / sampling_rate)
    if title:
        title = wrapped(title, figure.get_figwidth(), 13)
        figure.suptitle(title, fontsize=13, x=0.01, horizontalalignment="left")
    return save_png(figure, Path(path))


def _waveform(axes: Axes, spectra: ClipSpectra) -> None:
    _fill_waveform(axes, spectra, BLUE)
    label_axes(axes, "Waveform", "Time (s)", "Amplitude")


def _fill_waveform(axes: Axes, spectra: ClipSpectra, colour: str) -> None:
    """Draw the samples as columns from the least to the greatest."""
    waveform = spectra.waveform
    starts = np.arange(0, len(waveform), max(1, len(waveform) // _COLUMNS))
    low, high = (extreme.reduceat(waveform, starts) for extreme in (np.minimum, np.maximum))
    axes.fill_between(starts / spectra.sampling_rate, low, high, step="post", color=colour, linewidth=0.4)


def _spectrogram(axes: Axes, spectra: ClipSpectra, scale: str, title: str) -> None:
    decibels = spectra.mel_decibels if scale == "mel" else spectra.decibels
    image = _show(axes, spectra, decibels, scale, -DYNAMIC_RANGE, 0.0)
    colour_bar(axes, image, "Level (dB below maximum)", format="%.0f")
    label_axes(axes, title, "Time (s)", "Frequency (Hz)")


def _chroma(axes: Axes, spectra: ClipSpectra) -> None:
    image = _show(axes, spectra, spectra.chroma, "chroma", 0.0, 1.0)
    colour_bar(axes, image, "Share of the strongest")
    label_axes(axes, "Chroma", "Time (s)", "Pitch class")


def _show(axes: Axes, spectra: ClipSpectra, values: np.ndarray, scale: str, low: float, high: float) -> QuadMesh:
    axes.grid(False)
    frames = {"sr": spectra.sampling_rate, "hop_length": spectra.hop_length, "n_fft": N_DFT}
    look: dict[str, Any] = {"vmin": low, "vmax": high, "cmap": "viridis", "rasterized": True, **frames}
    return librosa.display.specshow(values, x_axis="s", y_axis=scale, ax=axes, **look)


def _rolloff(axes: Axes, spectra: ClipSpectra) -> None:
    _fill_waveform(axes, spectra, GREY)
    label_axes(axes, f"Spectral roll-off ({ROLL_OFF:.0%}) over the waveform", "Time (s)", "Amplitude (grey)")
    over = axes.twinx()
    over.plot(spectra.times, spectra.rolloff, color=ORANGE, linewidth=1.2)
    over.set_ylim(0, spectra.sampling_rate / 2)
    over.set_ylabel("Roll-off frequency (Hz)", fontsize=11, color="#8A5F00")
    over.tick_params(labelsize=10)


VIEWS: dict[str, Callable[[Axes, ClipSpectra], None]] = {
    "waveform": _waveform,
    "linear": partial(_spectrogram, scale="linear", title="Linear spectrogram"),
    "log": partial(_spectrogram, scale="log", title="Log-frequency spectrogram"),
    "mel": partial(_spectrogram, scale="mel", title=f"Mel-spectrogram ({N_MELS} bands)"),
    "rolloff": _rolloff,
    "chroma": _chroma,
}
