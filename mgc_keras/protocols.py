"""How a study is scored: the original's choices and their repairs, each one a named switch."""

from dataclasses import dataclass

from mgc_keras.errors import OptionError

_CHOICES = {"folds": ("published", "grouped"), "fold_weighting": ("size", "equal", "pooled")}


@dataclass(frozen=True)
class Protocol:
    """The switches between what the original program did and what it should have done.

    Attributes
    ----------
    name : str
        Stands in file names and tables.
    folds : {"published", "grouped"}
        "published": unshuffled folds in file order. "grouped": seeded, shuffled folds that keep the clips of an artist
        (or song, or recording) together where it is known, and the classes balanced. Folds or test splits that a
        dataset predefines hold under both.
    n_folds : int
        How many folds where none are predefined.
    scaling : bool
        Standardise every feature by mean and standard deviation of the clips that a fit is trained on. The original
        meant to try this, but its switch was never read.
    nested : bool
        Choose C, kernel and gamma by cross-validation inside the training clips, so that the test clips of a fold have
        no say. The original reports the best candidate on the test folds.
    fold_weighting : {"size", "equal", "pooled"}
        How the score is made from the folds. "size": mean over folds, weighted by their numbers of clips (the
        original). "equal": plain mean over folds. "pooled": one metric over all out-of-fold predictions together;
        for the accuracy that is the same as "size".
    batch_features : bool
        Whether convnet features may depend on the clips that shared a batch, as the original's do. Read by whoever
        exports features; the search itself takes features as they come.
    seed : int
        Of the shuffled folds.

    Example
    -------
    >>> from dataclasses import replace
    >>> replace(PUBLISHED, name="published, scaled", scaling=True).scaling
    True
    """

    name: str
    folds: str = "published"
    n_folds: int = 10
    scaling: bool = False
    nested: bool = False
    fold_weighting: str = "size"
    batch_features: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for field, choices in _CHOICES.items():
            if getattr(self, field) not in choices:
                raise OptionError(
                    f"unknown value {getattr(self, field)!r}", field=field, cure=f"use one of {', '.join(choices)}"
                )
        if self.n_folds < 2:
            raise OptionError(f"{self.n_folds} folds leave nothing to train on", field="n_folds", cure="use 2 or more")


PUBLISHED = Protocol("published")
CORRECTED = Protocol(
    "corrected", folds="grouped", scaling=True, nested=True, fold_weighting="pooled", batch_features=False
)
