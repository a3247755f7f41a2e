"""Builders: from a dataset's folder, as its owner ships it, to the table of its manifest.

Each module holds `NAME` (its card's name too) and ``build(folder) -> Built``. Row order is the original study's
wherever that order follows a rule, since folds without shuffling depend on it; the modules say where it does not.
"""

from pathlib import Path

from mgc_keras.datasets.builders import (
    artists1517,
    ballroom_extended,
    emomusic,
    emotify,
    gtzan_genre,
    gtzan_music_speech,
    jamendo_vocal,
    magnatagatune,
    msd_lastfm50,
    urbansound8k,
)
from mgc_keras.datasets.builders.common import Built
from mgc_keras.errors import OptionError

__all__ = ["BUILDERS", "Built", "build_manifest"]

BUILDERS = {
    module.NAME: module.build
    for module in (
        artists1517,
        ballroom_extended,
        emomusic,
        emotify,
        gtzan_genre,
        gtzan_music_speech,
        jamendo_vocal,
        magnatagatune,
        msd_lastfm50,
        urbansound8k,
    )
}


def build_manifest(name: str, folder: str | Path) -> Built:
    """Build the manifest of the dataset `name` from its `folder`.

    Parameters
    ----------
    name : str
        One of `BUILDERS`.
    folder : str or Path
        The dataset as its owner ships it; the card's `layout` says what is expected. Paths in the table are relative
        to it.

    Returns
    -------
    Built
        The table, what its lists name but the folder lacks, and remarks. Compare it with its card by `count_problems`.

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
    if name not in BUILDERS:
        raise OptionError(f"no builder for {name!r}", field="dataset", cure=f"choose one of {', '.join(BUILDERS)}")
    return BUILDERS[name](Path(folder))
