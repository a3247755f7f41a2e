"""Which hyperparameters were chosen under a protocol, how often, and whether the grid ended there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """Hyperparameters that some splits of a protocol chose.

    Attributes
    ----------
    protocol, table : str
        `table`: "first" or "against".
    values : tuple of (name, value)
        Empty where there was nothing to choose.
    at_edge : tuple of str
        Those that are the smallest or the largest of their grid.
    n_splits : int
    """

    protocol: str
    table: str
    values: tuple[tuple[str, float], ...]
    at_edge: tuple[str, ...]
    n_splits: int = 1


def tally(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Count equal choices of single splits; the most frequent of a protocol and table comes first."""
    counts = Counter(choices)
    order = list(dict.fromkeys((choice.protocol, choice.table) for choice in counts))
    found = [
        Choice(choice.protocol, choice.table, choice.values, choice.at_edge, count) for choice, count in counts.items()
    ]
    return tuple(sorted(found, key=lambda each: (order.index((each.protocol, each.table)), -each.n_splits)))


def at_edge(chosen: dict[str, float], candidates: list[dict[str, float]]) -> tuple[str, ...]:
    """Return the names whose value is an end of the grid.

    Example
    -------
    >>> at_edge({"C": 64.0, "gamma": 0.1}, [{"C": c, "gamma": g} for c in (1.0, 64.0) for g in (0.01, 0.1, 1.0)])
    ('C',)
    """
    found = []
    for name, value in chosen.items():
        grid = {given[name] for given in candidates}
        if len(grid) > 1 and value in (min(grid), max(grid)):
            found.append(name)
    return tuple(found)


def values_text(choice: Choice) -> str:
    """Return the values as reports write them.

    Example
    -------
    >>> values_text(Choice("random", "first", (("C", 4.0), ("gamma", 0.017543859)), ()))
    'C 4, gamma 0.01754'
    """
    return ", ".join(f"{name} {value:.4g}" for name, value in choice.values) or "nothing to choose"
