"""The figure of a song's genres says what the answer says."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mgc_keras.reporting import genres_over_time
from mgc_keras.reporting.genres_over_time import draw_genres


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures as they are saved."""
    found, save = [], genres_over_time.save_png
    monkeypatch.setattr(genres_over_time, "save_png", lambda figure, path: found.append(figure) or save(figure, path))
    return found


def drawn(path: Path, n_genres: int, **options: object) -> None:
    excerpts = np.random.default_rng(0).dirichlet(np.ones(n_genres), 3)
    song = excerpts[[0, 2]].mean(axis=0)
    excerpts[1] = np.nan
    spans = np.array([[0, 29], [29, 58], [58, 87]], float)
    names = [f"genre {number}" for number in range(n_genres)]
    assert draw_genres("my song", names, spans, excerpts, song, path, **options) == path and path.is_file()


def test_verdict_threshold_and_grey(figures: list[Figure], tmp_path: Path) -> None:
    drawn(tmp_path / "song.png", 10, verdict="not sure", threshold=0.5)
    (figure,) = figures
    over_time, bars = figure.axes
    assert over_time.get_title(loc="left") == "my song: not sure"
    (line,) = bars.lines
    assert set(line.get_xdata()) == {50.0} and line.get_linestyle() == "--" and bars.get_xlim()[1] > 50
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["the other 4 genres", "50 %: the least for a sure answer"]
    grey = to_hex(legend.get_patches()[0].get_facecolor())
    # As many bars of the song have this colour, and parts of each excerpt.
    assert [to_hex(bar.get_facecolor()) for bar in bars.patches].count(grey) == 4
    assert [to_hex(part.get_facecolor()) for part in over_time.patches].count(grey) == 4 * 3
    assert [(text.get_text(), text.get_position()[0]) for text in over_time.texts] == [("silent", 43.5)]


def test_what_is_not_there_is_not_explained(figures: list[Figure], tmp_path: Path) -> None:
    drawn(tmp_path / "few.png", 2)
    drawn(tmp_path / "seven.png", 7)
    few, seven = figures
    assert few.axes[0].get_title(loc="left") == "my song: over time" and not few.legends and not few.axes[1].lines
    assert [text.get_text() for text in seven.legends[0].get_texts()] == ["the other genre"]
