"""The report's page: the parts that sections return, and the Jinja2 template that draws them."""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import jinja2
import pandas as pd

from mgc_keras.reporting.findings import Finding
from mgc_keras.reporting.verdicts import BADGES, tally
from mgc_keras.runs.claims import ClaimRow


@dataclass(frozen=True)
class Part:
    """A part of a section; `drawn_by` names its macro in ``templates/parts.html.j2``."""

    drawn_by: ClassVar[str]


@dataclass(frozen=True)
class Paragraph(Part):
    """Text; `kind` is "" or a class of the style sheet ("quiet", "caveat")."""

    drawn_by: ClassVar[str] = "paragraph"
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Heading(Part):
    """A heading within a section."""

    drawn_by: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Preformatted(Part):
    """Text in a fixed-width block."""

    drawn_by: ClassVar[str] = "preformatted"
    text: str


@dataclass(frozen=True, eq=False)
class Table(Part):
    """A table of text or numbers; floats have four significant digits, missing values are blank.

    Parameters
    ----------
    frame : pd.DataFrame
    grouped_by : str
        A column whose repeated values are shown once, with a rule above each new one.
    """

    drawn_by: ClassVar[str] = "table"
    frame: pd.DataFrame
    grouped_by: str = ""

    def rows(self) -> list[tuple[bool, list[str]]]:
        """Return each row's cells, and whether it begins a group."""
        found, before = [], None
        for row in self.frame.to_dict("records"):
            begins = bool(self.grouped_by) and row[self.grouped_by] != before
            if self.grouped_by:
                before, row = row[self.grouped_by], row if begins else {**row, self.grouped_by: ""}
            found.append((begins, [_cell(value) for value in row.values()]))
        return found


@dataclass(frozen=True)
class FigureImage(Part):
    """A PNG, embedded in the page, and its caption, which is also its alternative text."""

    drawn_by: ClassVar[str] = "figure"
    png: Path
    caption: str

    def width(self) -> int:
        """The width to show it at in pixels: half of its own, so that it stays sharp on fine screens."""
        # Bytes 16 to 19 of a PNG hold its width.
        return struct.unpack(">I", self.png.read_bytes()[16:20])[0] // 2

    def data(self) -> str:
        """The file in base 64."""
        return base64.b64encode(self.png.read_bytes()).decode("ascii")


@dataclass(frozen=True)
class FindingList(Part):
    """Sentences, each with the badge of its verdict."""

    drawn_by: ClassVar[str] = "findings"
    findings: Sequence[Finding]


@dataclass(frozen=True)
class ClaimList(Part):
    """What the paper claims, each sentence with its verdicts and their evidence."""

    drawn_by: ClassVar[str] = "claims"
    rows: Sequence[ClaimRow]

    def judged(self) -> list["JudgedClaim"]:
        """Return the claims that the run speaks of."""
        by_claim: dict[str, list[ClaimRow]] = {}
        for row in self.rows:
            if row.task:
                by_claim.setdefault(row.claim, []).append(row)
        return [JudgedClaim(rows[0].sentence, rows, tally(row.verdict for row in rows)) for rows in by_claim.values()]

    def missing(self) -> list[ClaimRow]:
        """Return the rows of claims that nothing in the run speaks of."""
        return [row for row in self.rows if not row.task]


@dataclass(frozen=True)
class JudgedClaim:
    """A claim's sentence, its rows, and how many of them have which verdict."""

    sentence: str
    rows: Sequence[ClaimRow]
    verdicts: Mapping[str, int]


@dataclass(frozen=True)
class Folded(Part):
    """Parts that open on a click on a summary."""

    drawn_by: ClassVar[str] = "folded"
    summary: str
    parts: Sequence[Part]


def render(title: str, subtitle: str, sections: Mapping[str, Sequence[Part]]) -> str:
    """Return a whole HTML document with inline style and no external resource; all text is escaped.

    Parameters
    ----------
    title : str
    subtitle : str
        Which run it is, and when it was started.
    sections : mapping of str to sequence of Part
        By title.
    """
    return _templates().get_template("page.html.j2").render(title=title, subtitle=subtitle, sections=sections)


def anchor(title: str) -> str:
    """Return the anchor of a section.

    Example
    -------
    >>> anchor("How to reproduce")
    'how-to-reproduce'
    """
    return "-".join(title.lower().split())


@cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("mgc_keras.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["anchor"] = anchor
    found.globals["badges"] = BADGES
    return found


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else str(value)
