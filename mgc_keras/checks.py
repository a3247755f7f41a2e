"""Checks of arguments that many functions share."""

from typing import Any

from mgc_keras.errors import OptionError


def checked_choice(field: str, value: str, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`, else raise an `OptionError` that lists them."""
    if value not in choices:
        raise OptionError(f"{value!r} is unknown", field=field, cure=f"choose one of {', '.join(choices)}")
    return value


def check_positive(settings: Any, *fields: str) -> None:
    """Raise an `OptionError` that names the first of these fields of `settings` that is neither above 0 nor None."""
    for field in fields:
        value = getattr(settings, field)
        if value is not None and not value > 0:
            raise OptionError(f"must be above 0, not {value}", field=field)
