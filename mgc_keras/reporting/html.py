"""Small pieces of a self-contained HTML page: escaped text, tables, embedded figures."""

import base64
from html import escape
from pathlib import Path

import pandas as pd

CSS = """
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1c1c1c; max-width: 1080px; margin: 0 auto;
  padding: 1.5rem; background: #fff; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem;
  border-bottom: 2px solid #0072B2; } h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
p, li { max-width: 60rem; } .quiet { color: #555; } nav a { margin-right: 1rem; }
table { border-collapse: collapse; margin: .4rem 0 1rem; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .22rem .8rem .22rem .4rem; border-bottom: 1px solid #e2e2e2; vertical-align: top; }
th { border-bottom: 2px solid #999; } tr.head td { font-weight: 600; background: #f2f6fa; }
.wide { overflow-x: auto; } figure { margin: .6rem 0 1.6rem; } figure img { max-width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #444; }
ul.findings { list-style: none; padding: 0; } ul.findings li { padding: .35rem .7rem; margin: .3rem 0;
  border-left: 5px solid #999; background: #f6f6f6; } ul.findings li.yes { border-color: #009E73; }
ul.findings li.no { border-color: #D55E00; } ul.findings b { display: inline-block; min-width: 6.2rem; }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; font-size: .85rem; }
details summary { cursor: pointer; font-weight: 600; }
"""


def page(title: str, body: str) -> str:
    """Return a whole HTML document with inline style and no external resource."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{CSS}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Return a headed section; its anchor is its title in lower case with hyphens."""
    return f'<section id="{anchor(title)}">\n<h2>{escape(title)}</h2>\n' + "\n".join(parts) + "\n</section>"


def anchor(title: str) -> str:
    """Return the anchor of a section.

    Example
    -------
    >>> anchor("How to reproduce")
    'how-to-reproduce'
    """
    return "-".join(title.lower().split())


def paragraph(text: str, kind: str = "") -> str:
    """Return escaped text as a paragraph, of CSS class `kind` if given."""
    return f"<p{f' class={kind!r}' if kind else ''}>{escape(text)}</p>"


def table_html(table: pd.DataFrame) -> str:
    """Return a table of text or numbers; floats have four digits behind the point, missing values are blank."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    rows = ["<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>" for row in
            table.itertuples(index=False, name=None)]  # fmt: skip
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n' + "\n".join(rows) + "\n</tbody></table></div>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else str(value)


def figure_html(png: Path, caption: str) -> str:
    """Return a figure with the PNG embedded, and its caption, which is also its alternative text."""
    data = base64.b64encode(png.read_bytes()).decode("ascii")
    text = escape(caption)
    return f'<figure><img src="data:image/png;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'
