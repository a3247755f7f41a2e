"""``mgc-keras plot``: look at clips."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.cli._clips import FOLDER_HELP, add_clips, add_value, check_above_0, output_stems, read_clip
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    from mgc_keras.features.clips import Clips

VIEWS = ("waveform", "linear", "log", "mel", "rolloff", "chroma")
_LONGEST = "_waveform.png"
HELP = "draw clips: waveform, linear, log-frequency and mel-spectrogram, spectral roll-off, chroma"
EPILOG = """\
what comes out:
  CLIP_sheet.png       all six views of a clip (with --separate: CLIP_waveform.png, CLIP_linear.png, ...)
  GENRE_sheet.png      with --per-genre, for a manifest: one clip of each genre
  plot_errors.csv      clips that could not be drawn: clip_id, filepath, cause, cure

the views (Figures 1 to 5 of Ouyang 2023):
  waveform   amplitude over time (s)
  linear     power in dB below the clip's maximum, by frequency (Hz)
  log        the same on a logarithmic frequency axis
  mel        the same in 128 mel bands
  rolloff    the frequency (Hz) below which 85 % of the spectrum lies, over the waveform
  chroma     how strong each pitch class is

examples:
  mgc-keras plot song.mp3
  mgc-keras plot my_music -o figures --views mel chroma
  mgc-keras plot gtzan_genre.csv --data-home /data/gtzan --per-genre -o figures
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_clips(parser, "clips", "CLIP")
    parser.add_argument(
        "-o", "--out", metavar="DIR", type=Path, default=Path("."), help="folder for the figures (default: this one)"
    )
    views = f"the views to draw, of {', '.join(VIEWS)} (default: all)"
    parser.add_argument("--views", nargs="+", choices=VIEWS, metavar="VIEW", help=views)
    parser.add_argument(
        "--separate", action="store_true", help="draw a figure for each view instead of a sheet for each clip"
    )
    genres = "draw one clip of each genre of the manifest, the first that can be read"
    parser.add_argument("--per-genre", action="store_true", help=genres)
    length = "length that is drawn, from the start of a clip (default: %(default)s)"
    add_value(parser, "--seconds", float, "S", length, 30.0)
    add_value(parser, "--sampling-rate", int, "HZ", "sampling rate of the views (default: %(default)s)", 22050)
    add_value(parser, "--data-home", Path, "DIR", FOLDER_HELP)


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras plot`` and return its exit code."""
    from mgc_keras.features.clips import list_clips
    from mgc_keras.features.export import errors_file
    from mgc_keras.files import output_folder
    from mgc_keras.outputs import check_replaceable, is_figure, lists_failed_clips
    from mgc_keras.progress import progress_bar
    from mgc_keras.work import FailedClip, write_failed_clips

    check_above_0(arguments, "seconds", "sampling_rate")
    if arguments.out.suffix.lower() in (".png", ".pdf", ".svg", ".jpg", ".jpeg") and not arguments.out.is_dir():
        problem, cure = "is the name of a figure", "name a folder: figures are called after their clips"
        raise OptionError(problem, path=arguments.out, field="--out", cure=cure)
    clips = list_clips(arguments.clips, arguments.data_home)
    wanted = _wanted(clips, arguments)
    errors_csv = errors_file(arguments.out / "plot")
    check_replaceable([errors_csv], lists_failed_clips, "list of failed clips", field="--out")
    figures = [path for _, stem, _ in wanted for path in _figures(stem, arguments)]
    inputs = [*arguments.clips, *clips.paths]
    check_replaceable(figures, is_figure, "figure of this package", inputs, "--out")
    output_folder(arguments.out, "--out")
    clips = clips.escaped() if arguments.escape_formulas else clips
    written, failures, n_drawn = [], [], 0
    with quiet_libraries():
        for numbers, stem, title in progress_bar(wanted, description="drawing"):
            for number in numbers:
                try:
                    written += _draw(clips, number, stem, title, arguments)
                except MgcKerasError as error:
                    failures.append(FailedClip.of(clips.clip_ids[number], clips.filepaths[number], error))
                else:
                    n_drawn += 1
                    break
    written.insert(0, write_failed_clips(errors_csv, failures))
    what = "genres" if arguments.per_genre else "clips"
    print(f"plot: {n_drawn} of {len(wanted)} {what} drawn, {arguments.seconds:g} s from the start at most (--seconds)")
    if failures:
        print(f"{len(failures)} clips could not be drawn: {written[0]} says why")
    print(*written, sep="\n")
    return 2 if not n_drawn else int(bool(failures))


def _wanted(clips: "Clips", arguments: argparse.Namespace) -> list[tuple[list[int], Path, str]]:
    """Return what to draw: the clips to try one after the other, the beginning of the files' names, and a title."""
    if not arguments.per_genre:
        stems = output_stems(clips.clip_ids, arguments.out, _LONGEST)
        return [([number], stem, clips.clip_ids[number]) for number, stem in enumerate(stems)]
    if clips.labels is None:
        cure = "give one manifest with a label column, or leave --per-genre out"
        raise OptionError("needs to know the clips' genres", field="--per-genre", cure=cure)
    genres = sorted(set(clips.labels))
    members = [[number for number, label in enumerate(clips.labels) if label == genre] for genre in genres]
    return list(zip(members, output_stems(genres, arguments.out, _LONGEST), genres))


def _draw(clips: "Clips", number: int, stem: Path, title: str, arguments: argparse.Namespace) -> list[Path]:
    from mgc_keras.reporting.clip_views import draw_clip

    waveform = read_clip(clips, number, arguments.sampling_rate, arguments.seconds)
    shown = f"{title} (clip {clips.clip_ids[number]})" if arguments.per_genre else title
    return [
        draw_clip(waveform, arguments.sampling_rate, path, title=shown, views=views)
        for path, views in _figures(stem, arguments).items()
    ]


def _figures(stem: Path, arguments: argparse.Namespace) -> dict[Path, list[str]]:
    """Return what is drawn into each file."""
    views = arguments.views or list(VIEWS)
    parts = {view: [view] for view in views} if arguments.separate else {"sheet": views}
    return {stem.with_name(f"{stem.name}_{name}.png"): some for name, some in parts.items()}
