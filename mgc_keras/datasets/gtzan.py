"""GTZAN, told by the names of its clips, whatever a file that lists them is called; and its partition of 2015.

The partition is no part of the dataset: Kereliuk, Sturm and Larsen (2015) drew it later, to leave faults out and to
part artists. `split` of the manifest that comes with the package holds it.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from mgc_keras.datasets.cards import manifest_folder, read_card
from mgc_keras.datasets.manifest import Manifest, read_manifest

NAME = "gtzan_genre"
# Said wherever copies among the clips are counted.
COUNTS_OF_COPIES = (
    "Of GTZAN's copies no count is the last word: by rows of a public table judge finds 14 equal and 16 near pairs, "
    "the audit of choi2017 by the authors' features 14 and 13, Sturm (2012) by audio fingerprints 50."
)
# This share of some clips must bear GTZAN's names, or they are not taken for GTZAN's.
_SHARE = 0.9
# Fewer names may be alike by chance.
_LEAST_CLIPS = 10


def committed_path() -> Path:
    """Return where the manifest lies that comes with the package."""
    return manifest_folder() / f"{NAME}.csv"


@cache
def committed() -> Manifest:
    """Return the manifest of the thousand clips; its `split` is the fault-filtered partition of 2015."""
    return read_manifest(committed_path())


@cache
def _pattern() -> re.Pattern[str]:
    genres = "|".join(read_card(NAME).classes or [])
    return re.compile(rf"(?:^|[/\\])({genres})(\.?)(\d{{5}})(?:\.(\d{{1,2}}))?(?:\.[A-Za-z][A-Za-z0-9]*)?(?:@[\d.]+)?$")


def gtzan_id(name: str) -> tuple[str, str] | None:
    """Return a name's clip id in GTZAN and the number of its segment ("": the whole clip); None for other names.

    Example
    -------
    >>> gtzan_id("genres/blues/blues.00000.au"), gtzan_id("jazz.00054.3.wav"), gtzan_id("blues.png")
    (('blues.00000', ''), ('jazz.00054', '3'), None)
    """
    found = _pattern().search(name)
    return (f"{found[1]}.{found[3]}", found[4] or "") if found else None


def is_fault_filtered(names: Sequence[str], split: Sequence[str]) -> bool:
    """Tell whether a split, (n_clips,) of train, valid, test or "", is GTZAN's of 2015 and no other.

    `names` are the clips' ids, or their files. A few clips do: they must be GTZAN's, each in the part that it has
    there; a few strangers may be among them, in no part.

    Example
    -------
    >>> is_fault_filtered(["blues.00000", "blues/blues.00012.wav"], ["valid", "test"])
    True
    >>> is_fault_filtered(["blues.00000", "blues/blues.00012.wav"], ["train", "test"])
    False
    """
    partition = dict(zip(committed().clip_ids, committed().table["split"]))
    ids = [(gtzan_id(name) or ("", ""))[0] for name in names]
    n_known = sum(clip_id in partition for clip_id in ids)
    return n_known >= _SHARE * len(ids) and [partition.get(clip_id, "") for clip_id in ids] == list(split)


def gtzan_ids(names: Sequence[str]) -> list[tuple[str, str]] | None:
    """Return clip id and segment of each name, ("", "") for strangers; None where these are no clips of GTZAN."""
    found = [gtzan_id(name) or ("", "") for name in names]
    known = set(committed().clip_ids)
    found = [pair if pair[0] in known else ("", "") for pair in found]
    n_known = sum(clip_id != "" for clip_id, _ in found)
    return found if n_known >= _SHARE * len(found) and len(found) >= _LEAST_CLIPS else None
