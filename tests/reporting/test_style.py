"""Figures on disk: names with dollars are drawn as they are, numbers at ticks as Matplotlib writes them."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from mgc_keras.reporting.style import DOTS_PER_INCH, figure_legend, label_axes, new_figure, save_png


def named(name: str) -> Figure:
    """A figure that shows a name wherever ours do, beside a logarithmic axis."""
    figure, (axes, other, fixed) = new_figure(6.0, 6.0, 3)
    label_axes(axes, name, f"{name}: x", name)
    axes.bar([0, 1], [0.3, 0.9])
    axes.set_xticks([0, 1], [name, f"{name} 2"])
    axes.text(0, 0.1, name)
    axes.annotate(name, (1, 0.1))
    other.plot([1e-3, 1e3], [0, 1])
    other.set_xscale("log")
    fixed.barh([name, "b"], [1, 2])
    figure.suptitle(name)
    figure_legend(figure, [Line2D([], [], label=name)])
    return figure


# Matplotlib's own way to write a dollar, where it reads texts as mathematics.
@pytest.mark.parametrize("name", ["A$AP - L$D", "$x_1^{2$", "cash$", r"a\$b$ $c"])
def test_dollars_are_drawn_as_they_are(name: str, tmp_path: Path) -> None:
    written = save_png(named(name), tmp_path / "name.png")
    figure = named(name.replace("$", r"\$"))
    figure.savefig(tmp_path / "escaped.png", dpi=DOTS_PER_INCH, metadata={"Software": "mgc-keras"})
    assert written.read_bytes() == (tmp_path / "escaped.png").read_bytes()


def test_letters_that_the_font_lacks_are_told_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    figure, (axes, *_) = new_figure(2.0, 2.0)
    axes.text(0.5, 0.5, "\u6b4c \N{MUSICAL NOTE}")
    save_png(figure, tmp_path / "song.png")
    assert caplog.messages == [f"{tmp_path / 'song.png'}: 2 letters that the font lacks are drawn as boxes"]
    assert not recwarn.list


LONG = "speech_music, corrected protocol: layers 5 minus MFCC, class by class"


@pytest.mark.parametrize("title", ["genre", LONG, "Nightingale" * 9])
def test_a_title_stays_within_its_figure_and_above_its_axes(title: str, tmp_path: Path) -> None:
    figure, panels = new_figure(6.0, 7.0, 2)
    for panel in panels:
        label_axes(panel, title, "Class", "Difference")
    save_png(figure, tmp_path / "titles.png")
    renderer = figure.canvas.get_renderer()
    for panel in panels:
        (shown,) = (text for text in panel.findobj(Text) if text.get_text() == panel.get_title("left"))
        assert "".join(shown.get_text().split()) == "".join(title.split())
        place = shown.get_window_extent(renderer)
        assert place.x1 <= figure.bbox.x1 and place.y1 <= figure.bbox.y1
        assert place.y0 >= panel.get_window_extent(renderer).y1
    # What stands below ends where the title of the next panel begins.
    assert panels[0].xaxis.label.get_window_extent(renderer).y0 >= place.y1
