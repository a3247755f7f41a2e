"""One look for every progress bar: on standard error, and only for work that lasts more than two seconds."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tqdm import tqdm

_hidden: ContextVar[bool] = ContextVar("hidden", default=False)


@contextmanager
def hidden_progress(hidden: bool = True) -> Iterator[None]:
    """Show no progress bar for as long as the context lasts.

    Example
    -------
    >>> with hidden_progress():
    ...     progress_bar(["a", "b"], description="reading").disable
    True
    """
    token = _hidden.set(hidden or _hidden.get())
    try:
        yield
    finally:
        _hidden.reset(token)


def progress_bar(
    iterable: Iterable | None = None, *, description: str, total: int | None = None, unit: str = "clip", **options: Any
) -> tqdm:
    """Wrap `iterable` (or count by hand up to `total`) in a progress bar that appears after two seconds.

    Example
    -------
    >>> for clip in progress_bar(["a", "b"], description="reading"):
    ...     pass
    """
    look = {"desc": description, "unit": unit, "delay": 2.0, "mininterval": 0.5, "dynamic_ncols": True}
    return tqdm(iterable, total=total, disable=_hidden.get(), **look, **options)
