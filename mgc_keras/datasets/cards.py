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


@dataclass(frozen=True)
class Card:
    """What is known of a dataset. Fields that may be unknown are None; `kind` is one of `KINDS`.

    Parameters
    ----------
    name, title, description, citation, licence, source : str
        Short name (of the files too), full title, what it is, the paper, the terms of use, where its owner offers it.
    layout : str
        The files the builder expects, as the owner ships them.
    kind : str
        "classification" (one `label` a clip), "regression" or "tagging" (several `label_<name>` columns).
    sampling_rate : int or None
        Of the audio as shipped, in Hz; None where it varies or is the user's.
    n_clips : int or None
        Clips in a complete manifest.
    classes : list of str or None
        Class names in the order of the original lists (their position is the original's class number).
    counts : dict or None
        Expected clips of each class.
    label_columns : list of str or None
        Names of the `label_<name>` columns, without the prefix, in the original order.
    n_label_columns : int or None
        Their number, where the names are read from the dataset.
    splits, folds : dict or None
        Expected clips of each value of the columns `split` and `fold`.
    split_rule : str
        How the splits or folds are made.
    notes : list of str
        What a user should know before quoting a figure.
    """

    name: str
    title: str
    description: str
    citation: str
    licence: str
    source: str
    layout: str
    kind: str
    sampling_rate: int | None
    n_clips: int | None
    classes: list[str] | None
    counts: dict[str, int] | None
    label_columns: list[str] | None
    n_label_columns: int | None
    splits: dict[str, int] | None
    folds: dict[str, int] | None
    split_rule: str
    notes: list[str]


def manifest_folder() -> Path:
    """Return the folder of the cards and committed manifests.

    It lies beside the package in a checkout (or editable installation) and below ``share/mgc_keras`` of the
    environment otherwise.

    Raises
    ------
    ManifestError
        Neither exists.
    """
    installed = Path("share", "mgc_keras", "data_manifests")
    places = [Path(__file__).parents[2] / "data_manifests", Path(sys.prefix) / installed]
    places.append(Path(site.getuserbase()) / installed)
    for place in places:
        if place.is_dir():
            return place
    raise ManifestError(
        "there is no such folder", path=places[1], cure="install mgc_keras again: its cards are missing"
    )


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
        raise ManifestError("there is no such card", path=path, cure=f"known datasets: {', '.join(card_names())}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"is not JSON: {error}", path=path, cure="restore the card") from error
    return _checked_card(content, path)


def count_problems(table: pd.DataFrame, card: Card) -> list[str]:
    """Compare a manifest's table with what its card expects.

    Returns
    -------
    list of str
        One line for each class, split, fold or total that differs ("class jazz: expected 100, found 99"); empty if
        all is there.
    """
    problems = []
    if card.n_clips is not None and len(table) != card.n_clips:
        problems.append(f"clips: expected {card.n_clips}, found {len(table)}")
    n_label_columns = sum(str(column).startswith("label_") for column in table.columns)
    if card.n_label_columns is not None and n_label_columns != card.n_label_columns:
        problems.append(f"label columns: expected {card.n_label_columns}, found {n_label_columns}")
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
        raise ManifestError(
            "missing or unknown fields", path=path, field=", ".join(wrong), cure="see mgc_keras.datasets.cards.Card"
        )
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
            raise ManifestError(
                "contradicts the rest of the card", path=path, field=name, cure="see mgc_keras.datasets.cards.Card"
            )
    return card
