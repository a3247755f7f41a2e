"""How a search scores and chooses its candidates: as the authors' program did, and as it should have done."""

from dataclasses import dataclass

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import WEIGHTINGS


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
        if self.fold_weighting not in WEIGHTINGS:
            problem, cure = f"unknown fold weighting {self.fold_weighting!r}", f"choose one of {', '.join(WEIGHTINGS)}"
            raise OptionError(problem, field="fold_weighting", cure=cure)


PUBLISHED = SearchSettings("published")
CORRECTED = SearchSettings("corrected", standardize=True, nested=True, fold_weighting="pooled")
