"""Figures of a segmented song, like Figures 3 to 7 of Asgharivaskasi et al. (2019)."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.manifold import smacof

from mgc_keras.reporting.style import (
    BLUE,
    DARK,
    GREY,
    PALETTE,
    colour_bar,
    figure_legend,
    label_axes,
    new_figure,
    save_png,
)
from mgc_keras.segmentation.segments import Segmentation

# As many as the eigenvalue gap may choose; the four at the end stand apart in lightness.
_COLOURS = (*PALETTE, "#F0E442", DARK, "#7F3B08", "#8F8F8F")
_MARKERS = "os^D"
_COLUMNS = 2000  # of a drawn waveform, about
# Distances above this share of all are drawn alike: a few quiet windows would leave the others without contrast.
_SHOWN_SHARE = 0.95


def draw_segmentation(
    waveform: np.ndarray, segmentation: Segmentation, stem: str | Path, *, title: str = ""
) -> list[Path]:
    """Draw the five figures of a song, and return their files in the paper's order.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,)]
    segmentation : Segmentation
        Of the waveform.
    stem : str or Path
        Folder and beginning of the file names: ``<stem>_waveform.png`` (Figure 3), ``_distances.png`` (S, Figure 4),
        ``_graph.png`` (A, Figure 5), ``_map.png`` (the graph laid out by multidimensional scaling, neighbours in time
        linked, Figure 6) and ``_segments.png`` (the waveform in the colours of its segments, Figure 7).
    title : str
        What the figures call the song.
    """
    song = f"{title}: " if title else ""
    distances = segmentation.distances
    most = float(np.quantile(distances, _SHOWN_SHARE)) or 1.0
    drawings = {
        "waveform": _over_time(waveform, segmentation, f"{song}waveform", is_coloured=False),
        "distances": _matrix(segmentation, distances, f"{song}distances S between windows", most, "Spectral error"),
        "graph": _matrix(segmentation, segmentation.graph, f"{song}graph A", 1.0, "Weight"),
        "map": _map(segmentation, f"{song}map of the graph"),
        "segments": _over_time(waveform, segmentation, f"{song}segments", is_coloured=True),
    }
    stem = Path(stem)
    return [save_png(drawn, stem.with_name(f"{stem.name}_{name}.png")) for name, drawn in drawings.items()]


def window_map(graph: np.ndarray) -> np.ndarray:
    """Lay the windows out in a plane so that those with strong links lie near each other.

    Parameters
    ----------
    graph : np.ndarray [shape=(n_windows, n_windows), dtype=float64]
        A. Windows are as far apart as their weight is below 1; the distances themselves, which span many powers of ten
        where a song has quiet windows, would show those windows and little else.

    Returns
    -------
    np.ndarray [shape=(n_windows, 2), dtype=float64]
        One place for all, where all weights are 1.
    """
    apart = 1 - graph
    np.fill_diagonal(apart, 0.0)
    if not apart.any():
        return np.zeros((len(graph), 2))
    return smacof(apart, n_components=2, n_init=1, random_state=0)[0]


def colour_of(label: int) -> str:
    """Return the colour of a kind of segment; after ten kinds colours begin again."""
    return _COLOURS[label % len(_COLOURS)]


def _over_time(waveform: np.ndarray, segmentation: Segmentation, title: str, is_coloured: bool) -> Figure:
    """Draw the waveform, each segment in its colour or all in one, as columns from the least to the greatest sample."""
    figure, (axes,) = new_figure(10.5, 3.6 if is_coloured else 3.2)
    bounds, colours = [0, len(waveform)], [BLUE]
    if is_coloured:
        first = np.flatnonzero(np.diff(segmentation.labels, prepend=-1))
        bounds = [*map(int, segmentation.edges[first]), int(segmentation.edges[-1])]
        colours = [colour_of(int(label)) for label in segmentation.labels[first]]
    for start, end, colour in zip(bounds, bounds[1:], colours):
        columns = np.arange(0, end - start, max(1, len(waveform) // _COLUMNS))
        low, high = (extreme.reduceat(waveform[start:end], columns) for extreme in (np.minimum, np.maximum))
        time = (start + np.append(columns, end - start)) / segmentation.sampling_rate
        low, high = np.append(low, low[-1]), np.append(high, high[-1])
        axes.fill_between(time, low, high, step="post", color=colour, linewidth=0.4)
    label_axes(axes, title, "Time (s)", "Amplitude")
    axes.margins(x=0)
    if is_coloured:
        kinds = range(segmentation.n_segments)
        handles = [Line2D([], [], color=colour_of(kind), linewidth=6, label=f"segment {kind}") for kind in kinds]
        figure_legend(figure, handles)
    return figure


def _matrix(segmentation: Segmentation, values: np.ndarray, title: str, most: float, meaning: str) -> Figure:
    figure, (axes,) = new_figure(6.4, 5.4)
    axes.grid(False)
    times = segmentation.boundaries
    image = axes.pcolormesh(times, times, values, cmap="viridis", vmin=0, vmax=most, rasterized=True)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    colour_bar(axes, image, meaning, extend="max" if values.max() > most else "neither")
    label_axes(axes, title, "Time of a window (s)", "Time of a window (s)")
    return figure


def _map(segmentation: Segmentation, title: str) -> Figure:
    figure, (axes,) = new_figure(7.0, 6.4)
    axes.grid(False)
    places, labels = window_map(segmentation.graph), segmentation.labels
    axes.plot(*places.T, color=GREY, linewidth=0.7, zorder=1)
    handles = []
    for label in range(segmentation.n_segments):
        marker, colour = _MARKERS[label // len(_COLOURS) % len(_MARKERS)], colour_of(label)
        x, y = places[labels == label].T
        axes.scatter(x, y, s=34, marker=marker, color=colour, edgecolors="white", linewidths=0.5, zorder=2)
        handles.append(Line2D([], [], linestyle="none", label=f"segment {label}", marker=marker, color=colour))
    for name, window, height in (("start", 0, 5), ("end", -1, -12)):
        axes.annotate(name, places[window], xytext=(5, height), textcoords="offset points", fontsize=10, zorder=3)
    handles.append(Line2D([], [], color=GREY, label="next in time"))
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    label_axes(axes, title, "Multidimensional scaling, first axis", "Second axis")
    figure_legend(figure, handles)
    return figure
