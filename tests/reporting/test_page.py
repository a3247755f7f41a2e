"""The page: every kind of part is drawn, all text is escaped, nothing comes from outside."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from mgc_keras.reporting.findings import Finding
from mgc_keras.reporting.page import (
    ClaimList,
    FigureImage,
    FindingList,
    Folded,
    Heading,
    Paragraph,
    Preformatted,
    Table,
    render,
)
from mgc_keras.reporting.style import new_figure, save_png
from mgc_keras.reporting.verdicts import COLOURS, tally
from mgc_keras.runs.claims import ClaimRow

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"
KNOWN = set(
    "html head meta title style body h1 h2 h3 p nav a section table thead tbody tr th td div figure figcaption img pre "
    "details summary ul li b span em".split()
)
ATTRIBUTES = {"lang", "charset", "name", "content", "class", "href", "id", "src", "width", "alt"}


class _Page(HTMLParser):
    """Gathers elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.links, self.text = set(), set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        self.links += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def png(tmp_path):
    return save_png(new_figure(4.0, 3.0)[0], tmp_path / "figure.png")


def claim(key: str, task: str, verdict: str, why: str = "") -> ClaimRow:
    return ClaimRow(key, f"{EVIL} {key}", task, "corrected" if task else "", EVIL if task else "", verdict, why)


@pytest.mark.parametrize("verdict", ["confirmed", "refuted", "not decided"])
def test_no_text_becomes_markup(png, verdict) -> None:
    rows = [claim("one", EVIL, verdict, EVIL), claim("two", "a", verdict), claim("two", "b", "refuted")]
    parts = [
        Paragraph(EVIL, "quiet"),
        Paragraph(EVIL, EVIL),
        Heading(EVIL),
        Preformatted(EVIL),
        Table(pd.DataFrame({EVIL: [EVIL, EVIL], "b": [1.0, None]}), grouped_by=EVIL),
        FigureImage(png, EVIL),
        FindingList([Finding(EVIL, name) for name in COLOURS]),
        ClaimList([*rows, claim("three", "", "not decided", EVIL)]),
        Folded(EVIL, [Folded(EVIL, [Paragraph(EVIL)])]),
    ]
    page = _Page(render(EVIL, EVIL, {EVIL: parts, "Other": []}))
    assert page.tags == KNOWN and page.attributes <= ATTRIBUTES
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in page.links)
    assert page.text.count(EVIL) >= 18 and "49" not in page.text


def test_a_table_shows_repeated_values_once_and_missing_ones_blank() -> None:
    frame = pd.DataFrame({"task": ["a", "a", "b"], "score": [0.123456, np.nan, 3.0], "n": [1, 2, 3]})
    assert Table(frame, grouped_by="task").rows() == [
        (True, ["a", "0.1235", "1"]),
        (False, ["", "", "2"]),
        (True, ["b", "3", "3"]),
    ]
    assert [begins for begins, _ in Table(frame).rows()] == [False] * 3


def test_a_claim_counts_its_verdicts_and_those_without_evidence_stand_apart() -> None:
    rows = [claim("a", "x", "confirmed"), claim("a", "y", "not decided"), claim("a", "z", "confirmed"),
            claim("b", "", "not decided", "This run holds no b.")]  # fmt: skip
    shown = ClaimList(rows)
    (judged,) = shown.judged()
    assert tally(row.verdict for row in judged) == {"confirmed": 2, "not decided": 1} and len(judged) == 3
    assert [row.claim for row in shown.missing()] == ["b"]
    text = _Page(render("t", "", {"s": [shown]})).text
    assert "Confirmed 2" in text and "Not decided 1" in text and "Evidence on x, y, z" in text
    assert "This run holds no b." in text


def test_a_figure_is_shown_at_half_its_pixels(png) -> None:
    assert FigureImage(png, "").width() == 4 * 168 // 2
