"""Extended Ballroom: thirteen folders of dance music.

Row order: the classes in the order of the authors of Choi et al. 2017 (Quickstep is their number 12 and last), then
by name. Their order inside a class follows no rule that the names tell, so folds without shuffling differ from theirs
inside the classes.
"""

from pathlib import Path

from mgc_keras.datasets.builders._common import Built, class_table, find_root
from mgc_keras.datasets.cards import read_card

NAME = "ballroom_extended"


def build(folder: Path) -> Built:
    """Build from ``<Class>/<number>.mp3``; see `build_manifest`."""
    classes = read_card(NAME).classes or []
    root = find_root(NAME, folder, classes)
    return Built(class_table(folder, {name: root / name for name in classes}))
