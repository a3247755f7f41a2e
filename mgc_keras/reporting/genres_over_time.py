"""Genres of one song: how they change from excerpt to excerpt, and a bar a genre for the whole song."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from mgc_keras.audio.spans import clock
from mgc_keras.reporting import style
from mgc_keras.reporting.style import DARK, GREY, figure_legend, label_axes, new_figure, save_png

# Genres that are drawn in colours of their own; the others share a grey.
_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.VERMILION, style.PURPLE, style.SKY)
_BARS = 10


def draw_genres(
    title: str,
    names: Sequence[str],
    spans: np.ndarray,
    excerpts: np.ndarray,
    song: np.ndarray,
    path: str | Path,
    *,
    verdict: str = "",
    threshold: float | None = None,
) -> Path:
    """Draw a song's genres over time (stacked, an excerpt a step) and its bar chart (the study's slide).

    Parameters
    ----------
    names : sequence of str, (n_genres,)
    spans : np.ndarray [shape=(n_excerpts, 2)]
        Start and end of each excerpt, in seconds.
    excerpts : np.ndarray [shape=(n_excerpts, n_genres)]
        Shares of the genres; rows sum to 1. Silent excerpts, whose rows are nan, stay empty.
    song : np.ndarray [shape=(n_genres,)]
    path : str or Path
        The PNG; returned.
    verdict : str
        What is said of the song, for the title.
    threshold : float, optional
        Share that a genre needs for a sure answer: a dashed line.
    """
    order = np.argsort(-song, kind="stable")
    colours = {genre: _COLOURS[rank] for rank, genre in enumerate(order[: len(_COLOURS)])}
    n_bars = min(len(order), _BARS)
    figure, (over_time, bars) = new_figure(10.5, max(3.4, 1.4 + 0.27 * n_bars), 2, across=True)
    _draw_over_time(over_time, spans, excerpts, order, colours)
    label_axes(over_time, f"{title}: {verdict or 'over time'}", "Time (min:s)", "Share (%)")
    for rank, genre in enumerate(order[:n_bars]):
        bars.barh(rank, 100 * song[genre], color=colours.get(genre, GREY))
        share = f"{100 * song[genre]:.1f} %"
        # The dashed line passes behind it.
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        bars.text(100 * song[genre] + 1, rank, share, va="center", fontsize=10, color=DARK, bbox=behind)
    bars.set_yticks(range(n_bars), [names[genre] for genre in order[:n_bars]])
    bars.invert_yaxis()
    highest = max(song.max() * 1.25, threshold or 0.0)
    bars.set_xlim(0, min(115.0, 100 * highest + 8))
    bars.grid(axis="y", visible=False)
    label_axes(bars, "Whole song", "Share (%)", "")
    handles: list[Artist] = []
    if (n_grey := len(order) - len(_COLOURS)) > 0:
        handles.append(Patch(color=GREY, label=f"the other {n_grey} genres" if n_grey > 1 else "the other genre"))
    if threshold:
        label = f"{100 * threshold:g} %: the least for a sure answer"
        handles.append(bars.axvline(100 * threshold, color=DARK, linestyle="--", linewidth=1.2, label=label))
    if handles:
        figure_legend(figure, handles)
    return save_png(figure, Path(path))


def _draw_over_time(axes: Axes, spans: np.ndarray, excerpts: np.ndarray, order: np.ndarray, colours: dict) -> None:
    widths, bottom = spans[:, 1] - spans[:, 0], np.zeros(len(spans))
    for genre in order:
        height = 100 * np.nan_to_num(excerpts[:, genre])
        # A thin white edge parts the excerpts; it needs no words.
        axes.bar(
            spans[:, 0], height, widths, bottom, align="edge", color=colours.get(genre, GREY), edgecolor="white",
            linewidth=0.6 if genre in colours else 0,
        )  # fmt: skip
        bottom += height
    for start, end in spans[np.isnan(excerpts).any(axis=1)]:
        axes.text((start + end) / 2, 50, "silent", ha="center", va="center", rotation=90, fontsize=10, color=DARK)
    axes.set_xlim(min(0.0, spans[0, 0]), spans[-1, 1])
    axes.set_ylim(0, 100)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
