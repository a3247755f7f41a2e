"""What the commands on clips share: how options are added and checked, how a clip is read, where its files go."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from mgc_keras.errors import MgcKerasError, OptionError

if TYPE_CHECKING:
    import numpy as np

    from mgc_keras.features.clips import Clips

FOLDER_HELP = "folder that a manifest's paths start from (default: its own)"


def add_clips(parser: argparse.ArgumentParser, name: str, metavar: str) -> None:
    """Add the argument that names the clips to work on."""
    parser.add_argument(name, nargs="+", metavar=metavar, help="audio files, folders, or one manifest (.csv)")
    add_escape(parser)


def add_escape(parser: argparse.ArgumentParser) -> None:
    """Add the option of commands whose tables show names of files, which anybody may have given."""
    what = (
        "put ' before names in tables that a spreadsheet would run as formulas (they begin with =, +, - or @); for "
        "tables that no program reads"
    )
    parser.add_argument("--escape-formulas", action="store_true", help=what)


def add_value(
    parser: argparse._ActionsContainer, flag: str, kind: type, metavar: str | None, help: str, default: Any = None
) -> None:
    """Add an option that takes one value."""
    parser.add_argument(flag, type=kind, metavar=metavar, help=help, default=default)


def check_above_0(arguments: argparse.Namespace, *names: str) -> None:
    """Raise an `OptionError` that names the first of these options that is given and not above 0."""
    for name in names:
        value = getattr(arguments, name)
        if value is not None and not value > 0:
            raise OptionError("must be above 0", field=flag_of(name))


def flag_of(name: str) -> str:
    """Return an option as it is written on the command line."""
    return f"--{name.replace('_', '-')}"


def read_clip(clips: "Clips", number: int, sampling_rate: int, seconds: float | None = None) -> "np.ndarray":
    """Return a clip's waveform, (n_samples,) float32. Raises `MgcKerasError` if it cannot be read."""
    from mgc_keras.features.pipeline import reader

    waveform = reader(clips, sampling_rate, seconds)(number)
    if isinstance(waveform, MgcKerasError):
        raise waveform
    return waveform


def output_stems(clip_ids: Sequence[str], out: Path) -> list[Path]:
    """Return where each clip's files begin, inside `out` whatever its id.

    Raises `OptionError` if two clips would write the same files.
    """
    # Clips that share a name have their paths as ids, which may be absolute or lead upwards.
    stems = [out.joinpath(*(part for part in PurePath(name).parts if part not in ("/", ".."))) for name in clip_ids]
    for stem, count in Counter(stems).items():
        if count > 1:
            raise OptionError("two clips would write the same files", path=stem, cure="give them one by one")
    return stems
