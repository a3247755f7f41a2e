"""Copies of GTZAN, told apart.

What can be known from a table alone: names, their number, which are missing, and which rows coincide. Whether the sound
is that of the original archive needs the audio (``mgc-keras check``).
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from mgc_keras.datasets.gtzan import committed, gtzan_ids

# SHA-256 of the much-used public table of 57 features, at which the grid of C and gamma was settled.
PUBLIC_TABLE = "e5fe20f4e2f61d1aa3e07b17ffdea6b565970b3a1811746bd31f182a401fc3bc"
OTHER_GRIDS = (
    "The grid of C and gamma was settled with this very table at hand; other grids gave 0.43 to 0.55 on the "
    "fault-filtered partition."
)
# Two names, one recording: taken from the much-used public table of 57 features of all 1000 clips, in which their rows
# are equal in every digit. The fault-filtered partition, which does not know that table, keeps one of each at most.
REPLICAS = (
    ("disco.00098", "disco.00099"),
    ("hiphop.00039", "hiphop.00045"),
    ("hiphop.00076", "hiphop.00078"),
    ("metal.00034", "metal.00094"),
    ("metal.00040", "metal.00061"),
    ("metal.00041", "metal.00062"),
    ("metal.00042", "metal.00063"),
    ("metal.00043", "metal.00064"),
    ("metal.00044", "metal.00065"),
    ("metal.00045", "metal.00066"),
    ("metal.00058", "rock.00016"),
    ("pop.00054", "pop.00060"),
    ("pop.00067", "pop.00071"),
    ("reggae.00081", "reggae.00082"),
)


def describe_copy(names: Sequence[str], equal_pairs: set[frozenset[str]] | None = None) -> list[str]:
    """Tell in sentences which copy of GTZAN a table was made from, as far as names, counts and equal rows show.

    Parameters
    ----------
    names : sequence of str
        The names of clips or files, for which `gtzan_ids` is not None.
    equal_pairs : set of frozenset of two clip ids, optional
        The clips whose features are equal in every digit; None where this is not known.
    """
    pairs = gtzan_ids(names) or []
    present = {clip_id for clip_id, _ in pairs} - {""}
    missing = [clip_id for clip_id in committed().clip_ids if clip_id not in present]
    left_out = {row.clip_id for row in committed().table.itertuples() if row.split == ""}
    lines = [f"{len(present)} of GTZAN's 1000 clips by their names: {_which(names, pairs, missing, left_out)}"]
    if missing and len(missing) <= 10:
        lines.append(f"Missing: {', '.join(missing)}.")
    if "jazz.00054" in present:
        lines.append(
            "jazz.00054 is there. In a widely spread .wav copy this file cannot be decoded: if yours is that copy, "
            "find out what its row was made from."
        )
    if equal_pairs is not None:
        here = [pair for pair in REPLICAS if present.issuperset(pair)]
        equal = [pair for pair in here if frozenset(pair) in equal_pairs]
        if here:
            known = f"Of {len(here)} pairs with equal rows in a public table of GTZAN, {len(equal)} have them here"
            lines.append(f"{known}: {_says(len(equal), len(here))}")
    return lines


def _which(names: Sequence[str], pairs: Sequence[tuple[str, str]], missing: list[str], left_out: set[str]) -> str:
    suffixes = Counter(PurePosixPath(name).suffix.lower() for name in names)
    suffix = suffixes.most_common(1)[0][0]
    suffix = suffix if re.fullmatch(r"\.[a-z]\w*", suffix) else ""
    n_segments = sum(segment != "" for _, segment in pairs)
    if n_segments:
        lengths = "3 s" if n_segments > 8 * (1000 - len(missing)) else "a part of 30 s"
        text = (
            f"{n_segments} rows are segments (of {lengths}) cut from them, as in the public 3-second table of 9990 rows"
        )
        return text + ". Segments of one clip must stay on one side of a split."
    if not missing:
        if suffix == ".au":
            return "complete, with the names of the owner's archive (.au)."
        return "complete" + (f", with the names of a {suffix} copy." if suffix else ".")
    if missing == ["jazz.00054"]:
        return "complete but for jazz.00054, as made from the .wav copy in which that file cannot be decoded."
    if set(missing) == left_out:
        return "those of the fault-filtered partition of 2015."
    by_class = Counter(clip_id.split(".")[0] for clip_id in {pair[0] for pair in pairs} - {""})
    if set(by_class.values()) == {10} and len(by_class) == 10:
        return "ten of each genre, as in the small copies for trying things out."
    if set(missing) > left_out:
        return "a part of the fault-filtered partition."
    return "no copy that is known here."


def _says(n_equal: int, n_pairs: int) -> str:
    if n_equal == n_pairs:
        return "the sound is GTZAN's, and whoever made the table read these files whole."
    if n_equal == 0:
        return "the features depend on more than the sound (a random excerpt, a file's name), or this is other music."
    return "some of these files are other than in the original, or were read in part."
