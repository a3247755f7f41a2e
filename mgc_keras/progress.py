"""One look for every progress bar: on standard error, and only for work that lasts more than two seconds."""

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress_bar(
    iterable: Iterable | None = None, *, description: str, total: int | None = None, unit: str = "clip", **options: Any
) -> tqdm:
    """Wrap `iterable` (or count by hand up to `total`) in a progress bar that appears after two seconds.

    Example
    -------
    >>> for clip in progress_bar(["a", "b"], description="reading"):
    ...     pass
    """
    return tqdm(
        iterable, total=total, desc=description, unit=unit, delay=2.0, mininterval=0.5, dynamic_ncols=True, **options
    )
