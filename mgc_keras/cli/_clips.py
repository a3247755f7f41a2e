"""What the commands on clips share: how options are added and checked, how a clip is read, where its files go."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from mgc_keras.cluster import HELP
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import LONGEST_NAME, output_folder
from mgc_keras.outputs import check_replaceable

if TYPE_CHECKING:
    import numpy as np

    from mgc_keras.features.clips import Clips

# A day, and twice the highest rate at which anybody records.
_HIGHEST = {"seconds": 86400, "sampling_rate": 768000}
# Clips that a line names of all that look damaged.
_MOST_NAMED = 3
FOLDER_HELP = "folder that the paths of a manifest or playlist start from (default: its own)"


def add_clips(parser: argparse.ArgumentParser, name: str, metavar: str) -> None:
    """Add the argument that names the clips to work on."""
    what = "audio files, folders, playlists (.m3u, .m3u8; - reads paths from standard input), or one manifest (.csv: "
    what += "columns clip_id and filepath; labels are not needed)"
    parser.add_argument(name, nargs="+", metavar=metavar, help=what)
    add_escape(parser)


def add_escape(parser: argparse.ArgumentParser) -> None:
    """Add the option of commands whose tables show names of files, which anybody may have given."""
    what = (
        "put ' before names in tables that a spreadsheet would run as formulas (they begin with =, +, - or @); for "
        "tables that no program reads"
    )
    parser.add_argument("--escape-formulas", action="store_true", help=what)


def add_channel(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which channel is read."""
    how = "what is read of stereo clips: the mean of all channels, or one (default: %(default)s)"
    parser.add_argument("--channel", choices=("mix", "left", "right"), default="mix", help=how)


def add_part(parser: argparse.ArgumentParser) -> None:
    """Add the option that computes a part of the clips alone."""
    what = (
        "compute part I of N alone, from 1/N to N/N, each on any machine that sees the same files; "
        "'mgc-keras merge FILE' joins them"
    )
    parser.add_argument("--part", metavar="I/N", help=what)


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how exactly a network computes; None, if it is not given, stands for exact."""
    how = "fast: on a GPU, compute in TensorFloat-32, with about three digits (default: exact)"
    parser.add_argument("--precision", choices=("exact", "fast"), help=how)


def add_cluster(parser: argparse._ActionsContainer) -> None:
    """Add the option that says on which machines to compute."""
    add_value(parser, "--cluster", str, "ADDRESS", f"{HELP}; options for threads of this machine do not count then")


def add_value(
    parser: argparse._ActionsContainer, flag: str, kind: type, metavar: str | None, help: str, default: Any = None
) -> None:
    """Add an option that takes one value."""
    parser.add_argument(flag, type=kind, metavar=metavar, help=help, default=default)


def check_above_0(arguments: argparse.Namespace, *names: str) -> None:
    """Raise an `OptionError` that names the first of these options that is given, and not above 0 or absurdly high."""
    for name in names:
        value, most = getattr(arguments, name), _HIGHEST[name]
        if value is not None and not 0 < value <= most:
            raise OptionError("must be above 0" + (f" and at most {most}" if value > 0 else ""), field=flag_of(name))


def flag_of(name: str) -> str:
    """Return an option as it is written on the command line."""
    return f"--{name.replace('_', '-')}"


def check_output(
    path: Path, field: str, what: str, is_own: Callable[[Path], bool], inputs: Iterable[str | Path] = ()
) -> None:
    """Raise an `OptionError`, before any work is done, unless the file that an option (`field`) names can be written.

    Its folder is created. For what may be there already see `check_replaceable`.
    """
    check_replaceable([path], is_own, what, inputs, field)
    output_folder(path.parent, field)


def check_export(path: Path, inputs: Iterable[str | Path | None]) -> None:
    """Do the same for the output of `export_features`, which ``--out`` names, and for the files beside it."""
    from mgc_keras.features.plan import check_replaceable_export, errors_file

    check_replaceable_export(path, errors_file(path), filter(None, inputs), "--out")
    output_folder(path.parent, "--out")


def say_part(name: str, shard: Path, output: Path) -> int:
    """Print what a part came to, and where it is; return the exit code."""
    from mgc_keras.features.export import errors_file
    from mgc_keras.features.parts import shard_counts

    counts = shard_counts(shard)
    n_clips, part = counts.n_clips, counts.part
    print(f"{name}: part {part.number} of {part.n_parts}: {n_clips - counts.n_failed} of {n_clips} clips")
    if counts.n_failed:
        print(f"{counts.n_failed} of {n_clips} clips failed: {errors_file(output)} says why, once all parts are merged")
    print(shard)
    return exit_code(counts.n_failed, n_clips)


def exit_code(n_failed: int, n_clips: int) -> int:
    """Return 0 if no clip failed, 2 if all did, else 1."""
    return 0 if not n_failed else 2 if n_failed == n_clips else 1


def say_damaged(program: str, remarks: Mapping[str, str], n_clips: int) -> None:
    """Say on standard error how many clips were read but look damaged, and which come first: remarks by file path."""
    if remarks:
        first = "; ".join(f"{name} {words}" for name, words in list(remarks.items())[:_MOST_NAMED])
        more = "; …" if len(remarks) > _MOST_NAMED else ""
        verb = "clip was read but looks" if len(remarks) == n_clips == 1 else "clips were read but look"
        text = f"{len(remarks)} of {n_clips} {verb} damaged: {first}{more} (mgc-keras check says what)"
        print(f"mgc-keras {program}: {text}", file=sys.stderr)


def read_clip(
    clips: "Clips",
    number: int,
    sampling_rate: int,
    seconds: float | None = None,
    remarks: dict[int, str] | None = None,
) -> "np.ndarray":
    """Return a clip's waveform, (n_samples,) float32. Raises `MgcKerasError` if it cannot be read.

    What makes it look damaged goes into `remarks`, by its number.
    """
    from mgc_keras.features.pipeline import reader

    waveform = reader(clips, sampling_rate, seconds, remarks=remarks)(number)
    if isinstance(waveform, MgcKerasError):
        raise waveform
    return waveform


def output_stems(clip_ids: Sequence[str], out: Path, longest: str = "") -> list[Path]:
    """Return where each clip's files begin, inside `out` whatever its id; `longest` is what is added to their names.

    Raises `OptionError` if two clips would write the same files, or a name would be longer than systems allow.
    """
    # Clips that share a name have their paths as ids, which may be absolute or lead upwards.
    stems = [out.joinpath(*(part for part in PurePath(name).parts if part not in ("/", ".."))) for name in clip_ids]
    for clip_id, stem in zip(clip_ids, stems, strict=True):
        if any(len(os.fsencode(part)) > LONGEST_NAME for part in (f"{stem.name}{longest}", *stem.parts)):
            shown = f"{clip_id[:40]}…" if len(clip_id) > 40 else clip_id
            problem, cure = "is too long a name for the files of this clip", "give it a shorter clip_id or file name"
            raise OptionError(problem, field=shown, cure=cure)
    for stem, count in Counter(stems).items():
        if count > 1:
            raise OptionError("two clips would write the same files", path=stem, cure="give them one by one")
    return stems
