"""Builders: from a dataset's folder, as its owner ships it, to the table of its manifest.

Each module without a leading underscore is a builder. It bears the name of its dataset, as the dataset's card does,
and holds ``build(folder) -> Built``. Row order is the original study's wherever that order follows a rule, since folds
without shuffling depend on it; the modules say where it does not.
"""

from importlib import import_module
from pathlib import Path

from mgc_keras.checks import checked_choice
from mgc_keras.datasets.builders._common import Built
from mgc_keras.discovery import module_names

__all__ = ["Built", "build_manifest", "builder_names"]


def builder_names() -> list[str]:
    """Return the names of the datasets that `build_manifest` knows, sorted."""
    return module_names(__name__)


def build_manifest(name: str, folder: str | Path) -> Built:
    """Build the manifest of the dataset `name` from its `folder`.

    The card's `layout` says what is expected in it; the table's paths are relative to it. Compare the table with its
    card by `count_problems`.

    Raises
    ------
    OptionError
        No such dataset.
    ManifestError
        The folder, or a list in it, is not what the owner ships.

    Example
    -------
    >>> build_manifest("gtzan_genre", "/data/gtzan").table.columns.tolist()    # doctest: +SKIP
    ['clip_id', 'filepath', 'label', 'split']
    """
    checked_choice("dataset", name, builder_names())
    return import_module(f"{__name__}.{name}").build(Path(folder))
