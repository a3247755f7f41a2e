"""Figures of a segmented song, against the numbers they are drawn from."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from scipy.signal import lfilter

from mgc_keras.reporting import segmentation as drawing
from mgc_keras.reporting.segmentation import colour_of, draw_segmentation, window_map
from mgc_keras.segmentation.segments import segment_waveform

RATE = 2000


@pytest.fixture(scope="module")
def song():
    """Noise of one colour, then of another, then of the first; and its segments."""
    random = np.random.default_rng(0)
    turns = ((0.9, 5), (-0.9, 4), (0.9, 3))
    parts = [lfilter([1.0], [1.0, pole], random.standard_normal(seconds * RATE)) for pole, seconds in turns]
    waveform = np.concatenate(parts).astype(np.float32)
    return waveform, segment_waveform(waveform, RATE, order=8, n_segments=2)


@pytest.fixture
def figures(song, monkeypatch, tmp_path):
    """The figures by name, caught instead of written."""
    drawn = {}
    monkeypatch.setattr(drawing, "save_png", lambda figure, path: drawn.setdefault(path.name, figure) and path)
    draw_segmentation(*song, tmp_path / "song", title="song")
    return {name.removeprefix("song_").removesuffix(".png"): figure for name, figure in drawn.items()}


def test_five_files_the_same_again(song, tmp_path):
    paths = draw_segmentation(*song, tmp_path / "a" / "song")
    assert [path.name for path in paths] == [
        "song_waveform.png", "song_distances.png", "song_graph.png", "song_map.png", "song_segments.png",
    ]  # fmt: skip
    again = draw_segmentation(*song, tmp_path / "b" / "song")
    for path, other in zip(paths, again, strict=True):
        assert path.read_bytes() == other.read_bytes() and path.read_bytes().startswith(b"\x89PNG")


def test_matrices_show_s_and_a_over_time(song, figures):
    _, segmentation = song
    for name, values in (("distances", segmentation.distances), ("graph", segmentation.graph)):
        axes = figures[name].axes[0]
        (image,) = axes.collections
        np.testing.assert_array_equal(image.get_array().reshape(values.shape), values)
        assert axes.get_xlim() == (0, 12) and axes.get_ylim() == (12, 0)
    assert figures["distances"].axes[0].collections[0].get_clim()[1] == np.quantile(segmentation.distances, 0.95)


def test_segments_are_coloured_where_they_lie(song, figures):
    axes = figures["segments"].axes[0]
    times = [area.get_paths()[0].vertices[:, 0] for area in axes.collections]
    assert [(time.min(), time.max()) for time in times] == [(0, 5), (5, 9), (9, 12)]
    for area, label in zip(axes.collections, (0, 1, 0), strict=True):
        assert tuple(area.get_facecolor()[0]) == to_rgba(colour_of(label))
    assert [text.get_text() for text in figures["segments"].legends[0].get_texts()] == ["segment 0", "segment 1"]


def test_the_waveform_keeps_its_extremes(song, figures):
    waveform, _ = song
    heights = figures["waveform"].axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (waveform.min(), waveform.max())


def test_the_map_links_windows_in_time_and_sets_kinds_apart(song, figures):
    _, segmentation = song
    places, labels = window_map(segmentation.graph), segmentation.labels
    (link,) = figures["map"].axes[0].lines
    np.testing.assert_array_equal(link.get_xydata(), places)
    centres = np.stack([places[labels == label].mean(axis=0) for label in (0, 1)])
    to_centres = np.linalg.norm(places[:, None] - centres, axis=2)
    np.testing.assert_array_equal(to_centres.argmin(axis=1), labels)


def test_the_map_keeps_distances_that_a_plane_can_hold():
    corners = np.array([[0, 0], [0.5, 0], [0.5, 0.3], [0, 0.3]])
    apart = np.linalg.norm(corners[:, None] - corners, axis=2)
    places = window_map(1 - apart)
    np.testing.assert_allclose(np.linalg.norm(places[:, None] - places, axis=2), apart, atol=0.01)


def test_silence_and_many_kinds_are_drawn(tmp_path):
    silence = np.zeros(6 * RATE, np.float32)
    assert len(draw_segmentation(silence, segment_waveform(silence, RATE), tmp_path / "silence")) == 5
    noise = np.random.default_rng(0).standard_normal(12 * RATE) * np.repeat(4.0 ** np.arange(12), RATE)
    many = segment_waveform(noise, RATE, n_segments=12)
    assert len(draw_segmentation(noise, many, tmp_path / "many")) == 5
    assert len({colour_of(label) for label in range(10)}) == 10 and colour_of(0) == colour_of(10)
