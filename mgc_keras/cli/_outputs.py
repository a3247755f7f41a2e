"""Where the commands that make files of every clip put them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from mgc_keras.errors import OptionError


def output_stems(clip_ids: Sequence[str], out: Path) -> list[Path]:
    """Return where each clip's files begin, inside `out` whatever its id.

    Raises
    ------
    OptionError
        Two clips would write the same files.
    """
    # Clips that share a name have their paths as ids, which may be absolute or lead upwards.
    stems = [out.joinpath(*(part for part in PurePath(name).parts if part not in ("/", ".."))) for name in clip_ids]
    for stem, count in Counter(stems).items():
        if count > 1:
            raise OptionError("two clips would write the same files", path=stem, cure="give them one by one")
    return stems
