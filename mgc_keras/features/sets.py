"""Feature sets by name: what ``mgc-keras features`` offers; each study declares those that it brings.

A module ``mgc_keras/studies/<paper>/feature_sets.py`` holds ``FEATURE_SETS``, a tuple of `FeatureSet`. It is imported
to list the names, so it must leave TensorFlow to the functions that build.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mgc_keras.discovery import modules_named
from mgc_keras.errors import ManifestError, OptionError

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np
    import pandas as pd

    from mgc_keras.features.extractor import Extractor


@dataclass(frozen=True)
class FeatureOptions:
    """What a user may choose of a feature set; None leaves it to the set.

    Parameters
    ----------
    weights : str or None
        A file, or a registered name.
    output : {"features", "tags", "genres"} or None
    protocol : {"corrected", "published"} or None
    calibrate_on : path or None
        Clips whose statistics a network without any is given.
    batch_size, fit : int or None, {"repeat", "zero_pad", "crop"} or None
        As of `mgc_keras.features.network.NetworkExtractor`.
    seed : int or None
        Of random weights.
    precision : {"exact", "fast"} or None
        As of `mgc_keras.execution.set_precision`, of networks.
    """

    weights: str | None = None
    output: str | None = None
    protocol: str | None = None
    calibrate_on: "Path | None" = None
    batch_size: int | None = None
    fit: str | None = None
    seed: int | None = None
    precision: str | None = None


@dataclass(frozen=True)
class BuiltFeatures:
    """An extractor, and the model to be saved beside its features where that was made for them."""

    extractor: "Extractor"
    calibrated: "keras.Model | None" = None


@dataclass(frozen=True)
class FeatureSet:
    """A feature set that a user can name.

    Parameters
    ----------
    name : str
    help : str
        One or two sentences for ``--help``: how many numbers, and what they are.
    build : callable
        From the options and the number of threads (None: one a core) to `BuiltFeatures`.
    takes : tuple of str
        Which of `FeatureOptions` it reads; the others are refused.
    needs_weights : bool
    blocks : mapping of str to str
        The blocks that a search may join, each with the prefix of its columns.
    over : {"start", "song"}
        What of a clip is heard if nobody asks: its start, or windows all over it
        (`mgc_keras.features.whole_song.WholeSong`).
    """

    name: str
    help: str
    build: "Callable[[FeatureOptions, int | None], BuiltFeatures]"
    takes: tuple[str, ...]
    needs_weights: bool = False
    blocks: Mapping[str, str] = field(default_factory=dict)
    over: str = "start"

    def check(self, options: FeatureOptions) -> None:
        """Raise `OptionError` where weights are missing, or an option is given that this set does not read."""
        if self.needs_weights and options.weights is None:
            free = " and ".join(name for name, known in feature_sets().items() if not known.needs_weights)
            cure = f"give a file, or a name from 'mgc-keras weights list'; --features {free} need none"
            raise OptionError(f"--features {self.name} needs weights", field="--weights", cure=cure)
        for name, value in vars(options).items():
            if value is not None and name not in self.takes:
                option = f"--{name.replace('_', '-')}"
                takers = " or ".join(other for other, known in feature_sets().items() if name in known.takes)
                cure = f"leave it out, or take --features {takers}"
                raise OptionError(f"--features {self.name} has no such option", field=option, cure=cure)

    def blocks_of(self, table: "pd.DataFrame") -> "dict[str, np.ndarray]":
        """Cut a table of these features into blocks of columns, (n_clips, n_columns) float64.

        Raises
        ------
        ManifestError
            A block's columns are missing.
        """
        found = {name: table.loc[:, table.columns.str.startswith(prefix)] for name, prefix in self.blocks.items()}
        for name, block in found.items():
            if block.empty:
                cure = "export the features again"
                raise ManifestError("the feature table lacks these columns", field=f"{self.blocks[name]}*", cure=cure)
        return {name: block.to_numpy(float) for name, block in found.items()}


def feature_sets() -> dict[str, FeatureSet]:
    """Return all feature sets that the studies declare, by name."""
    return {known.name: known for module in modules_named("feature_sets") for known in module.FEATURE_SETS}
