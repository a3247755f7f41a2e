"""Views of a clip, against what is known of a tone, and the axes they are drawn on."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from mgc_keras.errors import AudioError, OptionError
from mgc_keras.reporting import clip_views
from mgc_keras.reporting.clip_views import N_DFT, VIEWS, ClipSpectra, draw_clip

RATE = 8000
AXES = {
    "waveform": "Amplitude",
    "linear": "Frequency (Hz)",
    "log": "Frequency (Hz)",
    "mel": "Frequency (Hz)",
    "rolloff": "Amplitude (grey)",
    "chroma": "Pitch class",
}


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    """Two seconds of A4 at half amplitude."""
    return (0.5 * np.sin(2 * np.pi * 440.0 * np.arange(2 * RATE) / RATE)).astype(np.float32)


def test_a_tone_is_where_it_sounds(tone: np.ndarray) -> None:
    spectra = ClipSpectra(tone, RATE)
    inner = slice(8, -8)
    assert set(spectra.chroma[:, inner].argmax(axis=0)) == {9}  # A, counted from C
    assert np.abs(spectra.rolloff[inner] - 440.0).max() <= 1.5 * RATE / N_DFT
    assert spectra.decibels.max() == 0 and spectra.decibels.min() >= -80
    assert np.abs(spectra.decibels.argmax(axis=0)[inner] * RATE / N_DFT - 440.0).max() <= RATE / N_DFT
    assert spectra.times[-1] == pytest.approx(2.0, abs=spectra.hop_length / RATE)
    assert np.isnan(ClipSpectra(np.zeros(RATE, np.float32), RATE).rolloff).all()  # silence has no roll-off


def test_every_view_has_its_axes(tone: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    drawn = []
    monkeypatch.setattr(clip_views, "save_png", lambda figure, path: drawn.append(figure) or path)
    draw_clip(tone, RATE, tmp_path / "sheet.png", title="tone")
    panels = {name: axes for name, axes in zip(VIEWS, drawn[0].axes)}
    assert {name: axes.get_ylabel() for name, axes in panels.items()} == AXES
    assert all(axes.get_xlabel() == "Time (s)" and axes.get_xlim() == (0, 2) for axes in panels.values())
    assert panels["linear"].get_ylim() == pytest.approx((0, RATE / 2), abs=RATE / N_DFT)
    labels = {axes.get_ylabel() for axes in drawn[0].findobj(Axes)}
    assert {"Level (dB below maximum)", "Roll-off frequency (Hz)"} <= labels


def test_wrong_input(tone: np.ndarray, tmp_path) -> None:
    with pytest.raises(AudioError, match="fewer than a window"):
        draw_clip(tone[:100], RATE, tmp_path / "a.png")
    with pytest.raises(OptionError, match="views: 'piano' is unknown"):
        draw_clip(tone, RATE, tmp_path / "a.png", views=["piano"])
