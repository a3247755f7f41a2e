"""Cards: what a known dataset is, where it comes from, and what a complete manifest of it holds.

A card is a small JSON file, ``data_manifests/<name>.json``, beside the committed manifests. Facts only: expected
counts come from the dataset's own documentation or from the lists of the study that used it, and `count_problems`
holds a manifest against them.
"""

import json
import site
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from mgc_keras.errors import ManifestError

KINDS = ("classification", "regression", "tagging")
_SCHEMA = "see mgc_keras.datasets.cards.Card"


@dataclass(frozen=True)
class Card:
    """What is known of a dataset; fields that may be unknown are None."""

    name: str  # of the files, too
    title: str
    description: str
    citation: str  # the paper
    licence: str
    source: str  # where its owner offers it
    layout: str  # the files the builder expects, as the owner ships them
    kind: str  # "classification" (one `label` a clip), "regression" or "tagging" (several `label_<name>` columns)
    sampling_rate: int | None  # of the audio as shipped, in Hz; None where it varies or is the user's
    n_clips: int | None  # in a complete manifest
    classes: list[str] | None  # in the order of the original lists (their position is the original's class number)
    counts: dict[str, int] | None  # expected clips of each class
    label_columns: list[str] | None  # names of the `label_<name>` columns, without the prefix, in the original order
    n_label_columns: int | None  # their number, where the names are read from the dataset
    splits: dict[str, int] | None  # expected clips of each value of the column `split`
    folds: dict[str, int] | None  # the same of the column `fold`
    split_rule: str  # how the splits or folds are made
    notes: list[str]  # what a user should know before quoting a figure


def manifest_folder() -> Path:
    """Return the folder of the cards and committed manifests.

    It lies beside the package in a checkout (or editable installation) and below ``share/mgc_keras`` of the
    environment otherwise. Raises `ManifestError` if neither exists.
    """
    installed = [Path(place, "share/mgc_keras/data_manifests") for place in (sys.prefix, site.getuserbase())]
    for place in (Path(__file__).parents[2] / "data_manifests", *installed):
        if place.is_dir():
            return place
    cure = "install mgc_keras again: its cards are missing"
    raise ManifestError("there is no such folder", path=installed[0], cure=cure)


def card_names() -> list[str]:
    """Return the names of all cards, sorted."""
    return sorted(path.stem for path in manifest_folder().glob("*.json"))


def read_card(name: str) -> Card:
    """Read the card of the dataset `name`.

    Raises
    ------
    ManifestError
        There is no such card, or it breaks the schema.

    Example
    -------
    >>> read_card("gtzan_genre").counts["jazz"]
    100
    """
    path = manifest_folder() / f"{name}.json"
    if name not in card_names():
        cure = f"known datasets: {', '.join(card_names())}"
        raise ManifestError("there is no such dataset", field=repr(name), cure=cure)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"is not JSON: {error}", path=path, cure="restore the card") from error
    return _checked_card(content, path)


def count_problems(table: pd.DataFrame, card: Card) -> list[str]:
    """Compare a manifest's table with what its card expects.

    Return a line for each class, split, fold or total that differs, such as "class jazz: expected 100, found 99".
    """
    problems = []
    n_label_columns = sum(str(column).startswith("label_") for column in table.columns)
    for what, total, n_found in (
        ("clips", card.n_clips, len(table)),
        ("label columns", card.n_label_columns, n_label_columns),
    ):
        if total is not None and n_found != total:
            problems.append(f"{what}: expected {total}, found {n_found}")
    for column, word, expected in (
        ("label", "class", card.counts),
        ("split", "split", card.splits),
        ("fold", "fold", card.folds),
    ):
        if expected is None:
            continue
        if column not in table:
            problems.append(f"column {column}: expected, not found")
            continue
        found = table[column].astype(str).value_counts()
        for value in [*expected, *sorted(set(found.index) - set(expected) - {""})]:
            if found.get(value, 0) != expected.get(value, 0):
                problems.append(f"{word} {value}: expected {expected.get(value, 0)}, found {found.get(value, 0)}")
    return problems


def _checked_card(content: dict, path: Path) -> Card:
    names = {field.name for field in fields(Card)}
    if not isinstance(content, dict) or set(content) != names:
        wrong = sorted(names.symmetric_difference(content))
        raise ManifestError("missing or unknown fields", path=path, field=", ".join(wrong), cure=_SCHEMA)
    card = Card(**content)
    for name, is_wrong in (
        ("name", card.name != path.stem),
        ("kind", card.kind not in KINDS),
        ("classes", card.kind == "classification" and not card.classes),
        ("counts", card.counts is not None and list(card.counts) != card.classes),
        ("n_clips", card.counts is not None and sum(card.counts.values()) != card.n_clips),
        ("n_label_columns", card.label_columns is not None and len(card.label_columns) != card.n_label_columns),
    ):
        if is_wrong:
            raise ManifestError("contradicts the rest of the card", path=path, field=name, cure=_SCHEMA)
    return card
