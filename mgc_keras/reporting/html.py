"""Small pieces of a self-contained HTML page: escaped text, tables, embedded figures."""

import base64
import struct
from html import escape
from pathlib import Path

import pandas as pd

CSS = """
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1c1c1c; max-width: 1120px; margin: 0 auto;
  padding: 1.5rem; background: #fff; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .7rem; padding-bottom: .2rem; border-bottom: 2px solid #0072B2; }
h3 { font-size: 1.08rem; margin: 1.6rem 0 .4rem; }
p { max-width: 52rem; margin: .5rem 0; } p.quiet { color: #555; font-size: .92rem; }
p.caveat { border-left: 5px solid #E69F00; background: #fff7e6; padding: .4rem .8rem; max-width: none; }
nav { margin: .6rem 0; } nav a { margin-right: 1.1rem; color: #0072B2; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .24rem 1.1rem .24rem .4rem; border-bottom: 1px solid #e2e2e2; vertical-align: top; }
th { border-bottom: 2px solid #999; white-space: nowrap; } tr.first td { border-top: 2px solid #bbb; }
tr:hover td { background: #f2f6fa; } .wide { overflow-x: auto; }
figure { margin: .8rem 0 1.6rem; } figure img { max-width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #444; }
ul.findings { list-style: none; padding: 0; }
ul.findings li { display: flex; gap: .8rem; padding: .35rem .7rem; margin: .3rem 0;
  border-left: 5px solid #999; background: #f6f6f6; }
ul.findings b { flex: 0 0 6.4rem; }
li.better { border-color: #009E73 !important; } li.worse { border-color: #D55E00 !important; }
li.mixed { border-color: #E69F00 !important; }
li.checked { border-color: #0072B2 !important; }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; font-size: .85rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .4rem 0 1rem; } summary { cursor: pointer; font-weight: 600; color: #0072B2; }
@media print { details > * { display: block; } nav { display: none; } }
"""


def page(title: str, body: str) -> str:
    """Return a whole HTML document with inline style and no external resource."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{CSS}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Return a headed section of HTML parts; its anchor is its title in lower case with hyphens."""
    return f'<section id="{anchor(title)}">\n<h2>{escape(title)}</h2>\n' + "\n".join(parts) + "\n</section>"


def anchor(title: str) -> str:
    """Return the anchor of a section.

    Example
    -------
    >>> anchor("How to reproduce")
    'how-to-reproduce'
    """
    return "-".join(title.lower().split())


def heading(text: str) -> str:
    """Return an escaped heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def paragraph(text: str, kind: str = "") -> str:
    """Return escaped text as a paragraph, of CSS class `kind` if given."""
    opening = f'<p class="{escape(kind)}">' if kind else "<p>"
    return f"{opening}{escape(text)}</p>"


def preformatted(text: str) -> str:
    """Return escaped text in a fixed-width block."""
    return f"<pre>{escape(text)}</pre>"


def folded(summary: str, content: str) -> str:
    """Return HTML content that opens on a click on its summary."""
    return f"<details><summary>{escape(summary)}</summary>\n{content}\n</details>"


def table_html(table: pd.DataFrame, grouped_by: str = "") -> str:
    """Return a table of text or numbers; floats have four significant digits, missing values are blank.

    Parameters
    ----------
    table : pd.DataFrame
    grouped_by : str
        A column whose repeated values are shown once, with a rule above each new one.
    """
    head = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    lines, before = [], None
    for row in table.to_dict("records"):
        new = bool(grouped_by) and row[grouped_by] != before
        if grouped_by:
            before, row = row[grouped_by], row if new else {**row, grouped_by: ""}
        opening = '<tr class="first">' if new else "<tr>"
        lines.append(opening + "".join(f"<td>{escape(_cell(value))}</td>" for value in row.values()) + "</tr>")
    body = "\n".join(lines)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else str(value)


def figure_html(png: Path, caption: str) -> str:
    """Return a figure with the PNG embedded, and its caption, which is also its alternative text."""
    content = png.read_bytes()
    # Bytes 16 to 19 of a PNG hold its width; it is shown at half of it.
    width = struct.unpack(">I", content[16:20])[0] // 2
    data, text = base64.b64encode(content).decode("ascii"), escape(caption)
    image = f'<img src="data:image/png;base64,{data}" width="{width}" alt="{text}">'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"
