"""Options that take one value for all of something, or one for each by name: ``--epochs 500`` or ``cnn=60 vgg16=500``."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mgc_keras.errors import OptionError


def named_values(
    given: Sequence[str],
    names: Sequence[str],
    field: str,
    *,
    needed: Iterable[str] | None = None,
    kind: Callable[[str], Any] = str,
    metavar: str = "VALUE",
    what: str = "network",
) -> dict[str, Any]:
    """Return the value of each name.

    Parameters
    ----------
    given : sequence of str
        The words of the command line.
    names : sequence of str
        What may be named.
    field : str
        The option, for errors.
    needed : iterable of str, optional
        The names that must have a value; default: all.
    kind : callable
        From a word to its value; raises ValueError where it makes no sense.
    metavar, what : str
        How errors call a value, and what is named.

    Raises
    ------
    OptionError
        A word names nothing known or has no value, or a name that is needed got none.

    Example
    -------
    >>> named_values(["cnn=1e-3", "vgg16=1e-4"], ["vgg16", "cnn"], "--rate", kind=float)
    {'cnn': 0.001, 'vgg16': 0.0001}
    """
    if len(given) == 1 and "=" not in given[0]:
        return {name: _value(given[0], kind, field) for name in names}
    values = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or name not in names:
            cure = f"give one value for all, or {' and '.join(f'{name}={metavar}' for name in names)}"
            raise OptionError(f"{one!r} names no {what}", field=field, cure=cure)
        values[name] = _value(value, kind, field)
    missing = sorted(set(names if needed is None else needed) - set(values))
    if missing:
        raise OptionError(f"says nothing of {missing[0]}", field=field, cure=f"add {missing[0]}={metavar}")
    return values


def _value(word: str, kind: Callable[[str], Any], field: str) -> Any:
    try:
        return kind(word)
    except ValueError:
        raise OptionError(f"{word!r} makes no sense", field=field, cure="give a number") from None
