"""Checks of arguments that many functions share."""

from mgc_keras.errors import OptionError


def checked_choice(field: str, value: str, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`, else raise an `OptionError` that lists them."""
    if value not in choices:
        raise OptionError(f"{value!r} is unknown", field=field, cure=f"choose one of {', '.join(choices)}")
    return value
