"""Checks of arguments that many functions share."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from mgc_keras.errors import OptionError


def checked_choice(field: str, value: str, choices: Collection[str], path: Path | None = None) -> str:
    """Return `value` if it is one of `choices`, else raise an `OptionError` that lists them, with the file it is from.

    Example
    -------
    >>> checked_choice("fit", "stretch", ("repeat", "crop"))
    Traceback (most recent call last):
    mgc_keras.errors.OptionError: fit: 'stretch' is unknown (choose one of repeat, crop)
    """
    if value not in choices:
        raise OptionError(f"{value!r} is unknown", path=path, field=field, cure=f"choose one of {', '.join(choices)}")
    return value


def check_sizes(**sizes: float | Sequence[float]) -> None:
    """Raise an `OptionError` unless every size, alone or in a sequence, is a whole number above 0.

    Example
    -------
    >>> check_sizes(n_classes=10, head_units=(256, 128))
    """
    for field, value in sizes.items():
        for place, size in enumerate(value if isinstance(value, Sequence) else [value]):
            if size < 1 or size != int(size):
                name = f"{field}[{place}]" if isinstance(value, Sequence) else field
                raise OptionError(f"must be a whole number above 0, not {size}", field=name)


def check_dropout(dropout: float) -> None:
    """Raise an `OptionError` unless `dropout`, the share of units that is zeroed, leaves some."""
    if not 0 <= dropout < 1:
        raise OptionError(f"{dropout} is no share that leaves units", field="dropout", cure="give 0 up to below 1")


def check_positive(settings: Any, *fields: str) -> None:
    """Raise an `OptionError` that names the first of these fields of `settings` that is neither above 0 nor None."""
    for field in fields:
        value = getattr(settings, field)
        if value is not None and not value > 0:
            raise OptionError(f"must be above 0, not {value}", field=field)
