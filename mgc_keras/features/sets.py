"""Feature sets by name: what ``mgc-keras features`` offers; each study declares those that it brings.

A module ``mgc_keras/studies/<paper>/feature_sets.py`` holds ``FEATURE_SETS``, a tuple of `FeatureSet`. It is imported
to list the names, so it must leave TensorFlow to the functions that build.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mgc_keras.checks import checked_choice
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
    sampling_rate : int or None
        In Hz, of a network whose file does not tell it.
    """

    weights: str | None = None
    output: str | None = None
    protocol: str | None = None
    calibrate_on: "Path | None" = None
    batch_size: int | None = None
    fit: str | None = None
    seed: int | None = None
    precision: str | None = None
    sampling_rate: int | None = None


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
    needs_weights : str
        The name of published weights that would do, where it cannot do without any; else nothing.
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
    needs_weights: str = ""
    blocks: Mapping[str, str] = field(default_factory=dict)
    over: str = "start"

    def check(self, options: FeatureOptions) -> None:
        """Raise `OptionError` where weights are missing, or an option is given that this set does not read."""
        if self.needs_weights and options.weights is None:
            free = ", ".join(name for name, known in feature_sets().items() if not known.needs_weights)
            cure = f"give a file or a name, such as {self.needs_weights}; --features {free} need none"
            raise OptionError(f"--features {self.name} needs weights", field="--weights", cure=cure)
        for name, value in vars(options).items():
            if value is not None and name not in self.takes:
                raise _not_taken(self.name, name)

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


def _clip_facts(options: FeatureOptions, jobs: int | None) -> BuiltFeatures:
    from mgc_keras.features.clip_facts import ClipFacts

    return BuiltFeatures(ClipFacts())


_OWN = FeatureSet(
    "clip",
    "4 facts to stand beside other features (mfcc+clip): clip_seconds, clip_peak_db, clip_rms_db, clip_silent_share. "
    "Whole clips.",
    _clip_facts,
    takes=(),
)


def feature_sets() -> dict[str, FeatureSet]:
    """Return all feature sets that the studies declare, by name, and what tells of clips themselves."""
    declared = (known for module in modules_named("feature_sets") for known in module.FEATURE_SETS)
    return {known.name: known for known in (*declared, _OWN)}


def named_sets(names: str) -> tuple[FeatureSet, ...]:
    """Return the feature sets of a name, or of several with '+' between them. Raises `OptionError` for an unknown one.

    Example
    -------
    >>> [known.name for known in named_sets("song+mfcc")]
    ['song', 'mfcc']
    """
    known = feature_sets()
    return tuple(known[checked_choice("--features", name, tuple(known))] for name in names.split("+"))


def options_of_each(sets: Sequence[FeatureSet], given: Mapping[str, Any]) -> list[FeatureOptions]:
    """Share options out among feature sets that are joined, each to those that take it, and check them.

    Parameters
    ----------
    given : mapping of str to object
        The fields of `FeatureOptions`; None where nothing is given. ``weights`` is a list of texts: one for all sets
        that take weights, or SET=WEIGHTS for each.

    Raises
    ------
    OptionError
        No set takes an option, weights are missing or given twice, or several sets would be calibrated.
    """
    if len(sets) == 1:
        (only,) = sets
        weights = [text.removeprefix(f"{only.name}=") for text in given["weights"] or ()]
        if len(weights) > 1:
            raise OptionError("is given twice", field="--weights", cure="give one file or name")
        options = FeatureOptions(**{**given, "weights": weights[0] if weights else None})
        only.check(options)
        return [options]
    name = "+".join(known.name for known in sets)
    takers = {option: [known.name for known in sets if option in known.takes] for option in given}
    for option, value in given.items():
        if value is not None and not takers[option]:
            raise _not_taken(name, option)
    if given["calibrate_on"] is not None and len(takers["calibrate_on"]) > 1:
        cure = "calibrate it by itself, then give its FILE.calibrated.keras as --weights"
        raise OptionError(f"{' and '.join(takers['calibrate_on'])} would share it", field="--calibrate-on", cure=cure)
    weights_of = _weights_of_each(given["weights"] or (), takers["weights"])
    of_each = []
    for known in sets:
        own = {option: value for option, value in given.items() if option in known.takes}
        of_each.append(FeatureOptions(**{**own, "weights": weights_of.get(known.name)}))
        known.check(of_each[-1])
    return of_each


def _weights_of_each(given: Sequence[str], takers: Sequence[str]) -> dict[str, str]:
    weights: dict[str, str] = {}
    for text in given:
        name, _, value = text.partition("=")
        named = {name: value} if name in takers else dict.fromkeys(takers, text)
        if named.keys() & weights.keys() or len(takers) > 1 and name not in takers:
            cure = " ".join(f"--weights {taker}=FILE" for taker in takers)
            raise OptionError(f"{text}: {' and '.join(takers)} take weights", field="--weights", cure=f"give {cure}")
        weights |= named
    return weights


def joined(of_each: "Sequence[BuiltFeatures]") -> BuiltFeatures:
    """Join what was built of several feature sets; a single one stays as it is."""
    if len(of_each) == 1:
        return of_each[0]
    from mgc_keras.features.joined import JoinedFeatures

    calibrated = next((built.calibrated for built in of_each if built.calibrated is not None), None)
    return BuiltFeatures(JoinedFeatures([built.extractor for built in of_each]), calibrated)


def _not_taken(name: str, option: str) -> OptionError:
    takers = " or ".join(other for other, known in feature_sets().items() if option in known.takes)
    cure = f"leave it out, or take --features {takers}"
    return OptionError(f"--features {name} has no such option", field=f"--{option.replace('_', '-')}", cure=cure)
