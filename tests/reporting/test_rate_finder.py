"""The rate finder's plot shows the saved table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mgc_keras.errors import OptionError
from mgc_keras.reporting import training

RATES = 10.0 ** np.arange(-5, 1)
TABLE = pd.DataFrame(
    {
        "step": range(6),
        "rate": RATES,
        "loss": [2.0, 1.9, 1.4, 1.0, 1.2, 5.0],
        "smoothed": [2.0, 1.95, 1.7, 1.3, 1.25, 3.0],
        "suggested": [0, 0, 1, 0, 0, 0],
    }
)


def draw(table: pd.DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Figure:
    drawn: list[Figure] = []
    table.to_csv(folder / "search.csv", index=False)
    monkeypatch.setattr(training, "save_png", lambda figure, path: drawn.append(figure) or path)
    training.draw_rate_search(folder / "search.csv", folder / "search.png")
    return drawn[0]


def test_lines_are_the_saved_losses_and_the_suggestion_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (axes,) = draw(TABLE, tmp_path, monkeypatch).axes
    each, smoothed, mark = axes.lines
    for line, column in ((each, "loss"), (smoothed, "smoothed")):
        np.testing.assert_allclose(line.get_xdata(), RATES)
        np.testing.assert_allclose(line.get_ydata(), TABLE[column])
    assert list(mark.get_xdata()) == pytest.approx([1e-3, 1e-3])
    assert axes.get_xscale() == "log" and axes.get_xlabel() and axes.get_ylabel()
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["each step", "smoothed", "steepest descent: 0.001"]


def test_a_search_without_suggestion_has_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (axes,) = draw(TABLE.assign(suggested=0), tmp_path, monkeypatch).axes
    assert len(axes.lines) == 2


def test_the_same_table_gives_the_same_file(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "search.csv", index=False)
    first = training.draw_rate_search(tmp_path / "search.csv", tmp_path / "a.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert training.draw_rate_search(tmp_path / "search.csv", tmp_path / "b.png").read_bytes() == first


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="search.csv: no table"):
        training.draw_rate_search(tmp_path / "search.csv", tmp_path / "a.png")
    TABLE.drop(columns="smoothed").to_csv(tmp_path / "search.csv", index=False)
    with pytest.raises(OptionError, match="smoothed: the column is missing"):
        training.draw_rate_search(tmp_path / "search.csv", tmp_path / "a.png")
