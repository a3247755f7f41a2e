"""The parameter grid of a search, and the settings by which its candidates are scored and chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import WEIGHTINGS


@dataclass(frozen=True)
class Candidate:
    """One setting of a support vector machine.

    Attributes
    ----------
    kernel : {"linear", "rbf"}
    C : float
        Penalty of the slack.
    gamma : float or None
        Width of the RBF kernel ``exp(-gamma |x - y|^2)``; None for the linear kernel.

    Raises
    ------
    OptionError
        Another kernel, a gamma too many or too few, numbers that are not positive.
    """

    kernel: str
    C: float
    gamma: float | None = None

    def __post_init__(self) -> None:
        if self.kernel not in ("linear", "rbf") or (self.kernel == "rbf") != (self.gamma is not None):
            problem = f"kernel {self.kernel!r} with gamma {self.gamma}"
            raise OptionError(problem, field="kernel", cure="use linear, or rbf with a gamma")
        if self.C <= 0 or (self.gamma is not None and self.gamma <= 0):
            raise OptionError(f"{self.name}: numbers must be above 0", field="C" if self.C <= 0 else "gamma")

    @property
    def name(self) -> str:
        """Such as 'rbf C=8 gamma=0.03125'."""
        return f"{self.kernel} C={self.C:g}" + ("" if self.gamma is None else f" gamma={self.gamma:.9g}")


_GRIDS = {
    "authors": ((0.1, 2.0, 8.0, 32.0), (0.1, 2.0, 8.0, 32.0), (3, 5, 7, 9, 11, 13)),
    "reduced": ((0.1, 2.0), (2.0, 32.0), (5, 9)),
}


Grid = str | Sequence[Candidate]


def candidates(n_features: int, grid: Grid = "authors") -> tuple[Candidate, ...]:
    """List the candidates for features with `n_features` columns; the first of those with equal scores is reported.

    Parameters
    ----------
    n_features : int
        Sets the last gamma, 1 / n_features.
    grid : {"authors", "reduced"} or sequence of Candidate
        "authors": C in 0.1, 2, 8, 32; linear, or RBF with gamma in 2^-3, 2^-5, … 2^-13, 1/n_features: 32 candidates
        (28 different ones where 1/n_features is one of the powers; the second is left out). "reduced": 8 of them, for
        quick runs. Or candidates of your own.

    Raises
    ------
    OptionError
        Another grid, or one without candidates.

    Example
    -------
    >>> len(candidates(160)), len(candidates(32)), len(candidates(160, "reduced"))
    (32, 28, 8)
    """
    if not isinstance(grid, str):
        if not grid:
            raise OptionError("has no candidates", field="grid", cure=f"choose one of {', '.join(_GRIDS)}")
        return tuple(dict.fromkeys(grid))
    linear_costs, rbf_costs, exponents = _GRIDS[checked_choice("grid", grid, _GRIDS)]
    gammas = dict.fromkeys([2.0**-exponent for exponent in exponents] + [1.0 / n_features])
    return tuple(
        [Candidate("linear", cost) for cost in linear_costs]
        + [Candidate("rbf", cost, gamma) for gamma in gammas for cost in rbf_costs]
    )


def likely_best(grid: tuple[Candidate, ...], n_features: int) -> Candidate:
    """Guess a good candidate of the grid: an RBF kernel with a gamma near 1 / n_features and a C near 8."""
    return min(grid, key=lambda c: (c.gamma is None, abs(c.C - 8.0), abs(log2((c.gamma or 1.0) * n_features))))


def by_kernel(grid: tuple[Candidate, ...], first: Candidate) -> list[list[int]]:
    """Group the candidates that share a kernel, in the order of their kernels' likeness to the likely best one's.

    Gives indices into `grid`, without that of `first`, the likely best. Linear kernels, the slowest to solve, come
    last; in a group the largest C, the slowest, comes first, which evens out the work of several jobs.
    """
    groups: dict[float | None, list[int]] = {}
    for index, candidate in enumerate(grid):
        if candidate != first:
            groups.setdefault(candidate.gamma, []).append(index)
    width = log2(first.gamma) if first.gamma is not None else -5.0
    gammas = sorted(groups, key=lambda gamma: (1, 0.0) if gamma is None else (0, abs(log2(gamma) - width)))
    return [sorted(groups[gamma], key=lambda index: -grid[index].C) for gamma in gammas]


@dataclass(frozen=True)
class SearchSettings:
    """What decides the outcome of a search, beside its features, target, folds and grid.

    Attributes
    ----------
    name : str
        Stands in the names of records.
    standardize : bool
        Standardise every feature by mean and standard deviation of the clips that an estimator is fitted on.
    nested : bool
        Select a candidate for each outer fold by an inner cross-validation of the other clips, so that the fold's own
        clips have no say. Otherwise one candidate is selected on the test folds themselves.
    fold_weighting : {"size", "equal", "pooled"}
        How the score is made from the folds; see `mgc_keras.evaluation.metrics.score`.
    seed : int
        Of the inner folds, where these must be drawn.

    Raises
    ------
    OptionError
        Another fold weighting.

    Example
    -------
    >>> from dataclasses import replace
    >>> replace(PUBLISHED, name="standardized", standardize=True).nested
    False
    """

    name: str
    standardize: bool = False
    nested: bool = False
    fold_weighting: str = "size"
    seed: int = 0

    def __post_init__(self) -> None:
        checked_choice("fold_weighting", self.fold_weighting, WEIGHTINGS)


PUBLISHED = SearchSettings("published")
CORRECTED = SearchSettings("corrected", standardize=True, nested=True, fold_weighting="pooled")
