"""The report's page: the parts that sections return, and the Jinja2 template that draws them."""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.reporting.findings import Finding
from mgc_keras.reporting.verdicts import COLOURS, tally
from mgc_keras.runs.claims import ClaimRow


class Part:
    """A part of a section; ``templates/parts.html.j2`` has a macro for each class."""


@dataclass(frozen=True)
class Paragraph(Part):
    """Text; `kind` is "" or a class of the style sheet ("quiet", "caveat")."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Heading(Part):
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Preformatted(Part):
    """Text in a fixed-width block."""

    text: str


@dataclass(frozen=True, eq=False)
class Table(Part):
    """A table of text or numbers; floats have four significant digits, missing values are blank.

    The repeated values of the column `grouped_by` are shown once, with a rule above each new one.
    """

    frame: pd.DataFrame
    grouped_by: str = ""

    def rows(self) -> list[tuple[bool, list[str]]]:
        """Return each row's cells, and whether it begins a group."""
        cells = self.frame.map(_cell)
        begins = pd.Series(False, self.frame.index)
        if self.grouped_by:
            groups = self.frame[self.grouped_by]
            begins = groups != groups.shift()
            cells[self.grouped_by] = cells[self.grouped_by].where(begins, "")
        return list(zip(begins.tolist(), cells.to_numpy().tolist()))


@dataclass(frozen=True)
class FigureImage(Part):
    """A PNG, embedded in the page, and its caption, which is also its alternative text."""

    png: Path
    caption: str

    def width(self) -> int:
        """The width to show it at in pixels: half of its own, so that it stays sharp on fine screens."""
        head = self.png.read_bytes()[:20]
        if len(head) < 20 or not head.startswith(b"\x89PNG"):
            raise OptionError("is no PNG", path=self.png, cure="run the study again")
        # Bytes 16 to 19 of a PNG hold its width.
        return struct.unpack(">I", head[16:])[0] // 2

    def data(self) -> str:
        """The file in base 64."""
        return base64.b64encode(self.png.read_bytes()).decode("ascii")


@dataclass(frozen=True)
class FindingList(Part):
    """Sentences, each with the badge of its verdict."""

    findings: Sequence[Finding]


@dataclass(frozen=True)
class ClaimList(Part):
    """What the paper claims, each sentence with its verdicts and their evidence."""

    rows: Sequence[ClaimRow]

    def judged(self) -> list[list[ClaimRow]]:
        """Return the rows of each claim that the run speaks of."""
        by_claim: dict[str, list[ClaimRow]] = {}
        for row in self.rows:
            if row.task:
                by_claim.setdefault(row.claim, []).append(row)
        return list(by_claim.values())

    def missing(self) -> list[ClaimRow]:
        """Return the rows of claims that nothing in the run speaks of."""
        return [row for row in self.rows if not row.task]


@dataclass(frozen=True)
class Folded(Part):
    """Parts that open on a click on a summary."""

    summary: str
    parts: Sequence[Part]


def render(title: str, subtitle: str, sections: Mapping[str, Sequence[Part]]) -> str:
    """Return a whole HTML document with inline style and no external resource; all text is escaped.

    `sections` are by title; `subtitle` says which run it is, and when it was started.
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
    found.filters |= {"anchor": anchor, "tally": tally}
    found.globals["colours"] = COLOURS
    return found


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else str(value)
