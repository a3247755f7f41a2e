"""Damaged manifests, read as every command reads them; Python's own `csv` says what stands in them.

Held: an error of one line; or a manifest whose cells are those that `csv` finds, every row of the header's length, with
no path that leaves the data folder. What a user must be told of (one class, one file under two labels) is told.
"""

import csv
import io
import re
from pathlib import Path

import numpy as np

from mgc_keras.datasets.manifest import Manifest, read_manifest, write_manifest
from mgc_keras.datasets.tasks import tasks_of
from mgc_keras.features.clips import list_clips
from tests.campaign.bench import Bench, Fault, listening, refused
from tests.campaign.damage import Generator, damaged, other_table, pick

_TEXT = ("clip_id", "filepath", "label", "split", "artist")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_DRIVE = re.compile(r"[A-Za-z]:")


class Manifests(Bench):
    """See the module."""

    name, share, per_process = "manifests", 0.15, 150

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        self.data = home / "data"
        for label in ("rock", "jazz", "hip hop"):
            (self.data / label).mkdir(parents=True)
        (self.data / "out").symlink_to("/etc")
        self.bases = [table.encode() for table in _tables()]

    def trial(self, generator: Generator, folder: Path) -> None:
        base = pick(generator, self.bases)
        must_tell = False
        if generator.random() < 0.25:
            content, self.note, must_tell = _meant_otherwise(generator)
        else:
            content, self.note = damaged(base, generator, [other_table])
            while generator.random() < 0.3:
                content, more = damaged(content or b"x", generator, [other_table])
                self.note += f"; {more}"
        path = folder / "clips.csv"
        path.write_bytes(content)
        with listening() as heard:
            manifest, _ = refused(read_manifest, path, self.data)
            if manifest is None:
                return
            refused(list_clips, manifest)
            _, error = refused(tasks_of, manifest)
        self._judge(manifest, content)
        if must_tell and not heard and error is None:
            raise Fault(f"silent: {self.note.partition(':')[0]}")
        again, error = refused(write_manifest, manifest.table, folder / "again.csv")
        if error is None and read_manifest(folder / "again.csv", self.data).clip_ids != manifest.clip_ids:
            raise Fault("silent: written and read again, it has other ids")

    def _judge(self, manifest: Manifest, content: bytes) -> None:
        header, rows = _reference(content)
        if odd := [number for number, row in enumerate(rows, 1) if len(row) != len(header)]:
            raise Fault("silent: rows of other lengths than the header are taken", f"rows {odd[:10]}")
        if len(rows) != len(manifest):
            raise Fault("silent: other rows are read", f"{len(manifest)} for {len(rows)}")
        for column, name in enumerate(header):
            if header.count(name) > 1:
                raise Fault("silent: two columns of one name are taken", name)
            cells = [row[column] for row in rows]
            if name in _TEXT:
                _same_text(name, cells, manifest.table[name].tolist())
            elif name == "fold" or name.startswith("label_"):
                _same_numbers(name, cells, manifest.table[name].to_numpy(float))
        home = self.data.resolve()
        for path in manifest.filepaths:
            if "\0" in str(path):
                raise Fault("silent: a path with NUL is taken")
            if not path.resolve().is_relative_to(home) or _DRIVE.match(path.name):
                raise Fault("silent: a path leaves the data folder", str(path))


def _tables() -> list[str]:
    """Manifests of each kind: classes, tags, and all columns."""
    labels = ("rock", "jazz", "hip hop")
    names = [(f"clip{number}", f"{labels[number % 3]}/clip {number}.wav") for number in range(12)]
    classes = [f"{clip_id},{path},{path.split('/')[0]}" for clip_id, path in names]
    tags = [f"{clip_id},{path},{number % 2},{number / 8}" for number, (clip_id, path) in enumerate(names)]
    splits = ("train", "valid", "test")
    every = [
        f'{line},{splits[number % 3]},{number % 4},"Artist, the {number // 2}",{number}.5,note {number}'
        for number, line in enumerate(classes)
    ]
    heads = ("", ",label_loud,label_mood", ",label,split,fold,artist,label_mood,remark")
    tables = (classes, tags, every)
    return ["\n".join([f"clip_id,filepath{head or ',label'}", *lines]) + "\n" for head, lines in zip(heads, tables)]


def _meant_otherwise(generator: Generator) -> tuple[bytes, str, bool]:
    """A manifest that keeps the schema, and is meant otherwise; whether a user must be told."""
    rows = [[f"clip{number}", f"clip{number}.wav", ("rock", "jazz")[number % 2]] for number in range(8)]
    what = pick(generator, ("case", "space", "one class", "one file under two labels", "formula", "NA", "unicode"))
    victim = rows[int(generator.integers(len(rows)))]
    if what == "case":
        victim[2] = victim[2].title()
    elif what == "space":
        victim[2] = pick(generator, (" {}", "{} ", "{}\u00a0", "\t{}")).format(victim[2])
    elif what == "one class":
        rows = [[*row[:2], "rock"] for row in rows]
    elif what == "one file under two labels":
        rows.append(["again", victim[1], "jazz" if victim[2] == "rock" else "rock"])
    elif what == "formula":
        victim[0] = pick(generator, ("=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3"))
    else:
        victim[2] = "NA" if what == "NA" else "caf\u00e9"
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([["clip_id", "filepath", "label"], *rows])
    notes = {
        "case": "labels that differ in case", "space": "labels that differ in spaces", "one class": "one class",
        "one file under two labels": "one file under two labels",
    }  # fmt: skip
    return buffer.getvalue().encode(), f"{notes.get(what, what)}: {victim}", what in notes


def _reference(content: bytes) -> tuple[list[str], list[list[str]]]:
    """Read a CSV by Python's own reader: its header, and its rows without empty lines."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Fault("silent: text that is not UTF-8 is taken", str(error)) from error
    if text.startswith("sep="):
        text = text.partition("\n")[2]
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if row]
    return (rows[0], rows[1:]) if rows else ([], [])


def _same_text(name: str, cells: list[str], found: list[str]) -> None:
    """Spaces around a cell, and backslashes in paths, may be mended."""
    for cell, read in zip(cells, found, strict=True):
        if cell.strip().replace("\\", "/") != read.strip().replace("\\", "/"):
            raise Fault(f"silent: {name} is read as other text", f"{read!r} for {cell!r}")


def _same_numbers(name: str, cells: list[str], found: np.ndarray) -> None:
    for cell, read in zip(cells, found, strict=True):
        if not _NUMBER.fullmatch(cell):
            raise Fault("silent: a cell that is no number is taken as one", f"{name}: {cell!r} is {read}")
        if float(cell) != read:
            raise Fault("silent: a number is read as another one", f"{name}: {cell!r} is {read}")
