"""``mgc-keras classify``: the genre of songs, over time and on the whole."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mgc_keras.cli._clips import add_value, output_stems
from mgc_keras.cli._song_answers import Answer, add_song_arguments, answer_songs
from mgc_keras.errors import OptionError
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    from mgc_keras.features.clips import Clips
    from mgc_keras.features.songs import SongScorer, SongScores
    from mgc_keras.studies.jimenez2017.votes import Neighbours

HELP = "tell the genre of songs, over time and on the whole"
EPILOG = """\
how it works (Jimenez and Jose 2017):
  The song is cut into excerpts of the network's length (29.12 s), one behind the other. Each gets a score for every
  genre, divided by their sum. The song's genre is found from those of its excerpts:
  mean         the mean of each genre's shares (the default)
  geometric    their geometric mean: a genre that one excerpt rules out has little chance
  knn          each excerpt asks the 5 excerpts of known genre that score most like it; --neighbours names these
               (models that studies save here have them beside: MODEL.neighbours.npz)

weights:
  The default is the published network for blues, classical, country, disco, hiphop, jazz, metal, pop, reggae and rock,
  fetched on first use. Any model that takes waveforms will do, such as those that the studies here save; its file
  holds the genres' names, or give them with --labels.

examples:
  mgc-keras classify song.mp3
  mgc-keras classify my_music --average geometric --csv > genres.csv
  mgc-keras classify song.mp3 --weights crnn_net_gru_adam_ours_epoch_40.h5 --plot song.png
  mgc-keras classify my_music --weights runs/jimenez2017/model.h5 --drop 20 --json
  mgc-keras classify song.mp3 --average knn --neighbours labelled_songs.csv

Results go to standard output; progress, remarks and songs that cannot be read to standard error.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_song_arguments(parser, "jimenez2017", top=3)
    how = "how the genre of a song is made from those of its excerpts (default: %(default)s)"
    parser.add_argument("--average", choices=("mean", "geometric", "knn"), default="mean", help=how)
    known = "songs of known genre for --average knn: a manifest with labels, or a .neighbours.npz"
    add_value(parser, "--neighbours", Path, "FILE", known)
    n_neighbours = "number of neighbours that each excerpt asks under --average knn (default: %(default)s)"
    add_value(parser, "--k", int, "K", n_neighbours, 5)
    names = "names of the model's genres in order, where its file does not hold them"
    add_value(parser, "--labels", str, "A,B,…", names)
    figure = "draw genres over time and a bar chart; of several songs, each into FILE_<song>.png"
    add_value(parser, "--plot", Path, "FILE.png", figure)


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras classify`` and return its exit code."""
    from mgc_keras.features.clips import list_clips
    from mgc_keras.files import output_folder
    from mgc_keras.outputs import check_replaceable, is_figure

    _check(arguments)
    clips = list_clips(arguments.songs, arguments.data_home, arguments.channel)
    plots = _plot_files(arguments.plot, clips)
    inputs = [*arguments.songs, *clips.paths, arguments.weights, *filter(None, [arguments.neighbours])]
    check_replaceable(plots.values(), is_figure, "figure of this package", inputs, "--plot")
    if arguments.plot is not None:
        output_folder(arguments.plot.parent, "--plot")
    with quiet_libraries():
        from mgc_keras.execution import set_precision
        from mgc_keras.features.songs import SongScorer

        set_precision(arguments.precision or "exact")
        labels = [name.strip() for name in arguments.labels.split(",")] if arguments.labels else None
        scorer = SongScorer(arguments.weights, "genres", names=labels)
        neighbours, n_unread = _neighbours(arguments, scorer) if arguments.average == "knn" else (None, 0)
        written: list[Path] = []

        def draw(answer: Answer) -> None:
            if plots:
                written.append(_plot(answer, plots[answer.found.clip_id]))

        judge = lambda found: _judged(found, scorer.names, neighbours, arguments)
        code = answer_songs(arguments, clips, scorer, judge, "classify", draw)
    # Where the output is for programs, paths must not stand in it.
    for path in written if not (arguments.json or arguments.csv) else ():
        print(path)
    return code or int(n_unread > 0)


def _judged(
    found: "SongScores", names: tuple[str, ...], neighbours: "Neighbours | None", arguments: argparse.Namespace
) -> Answer:
    """Return a song's genre from the scores of its excerpts."""
    from mgc_keras.evaluation.voting import shares
    from mgc_keras.studies.jimenez2017.votes import chosen_genres, song_votes

    same_song = np.zeros(len(found.scores), dtype=int)
    options = {"names": names, "neighbours": neighbours, "k": arguments.k}
    votes = song_votes(same_song, found.scores, arguments.average, **options)
    means = song_votes(same_song, found.scores, "mean", names=names)
    return Answer(found, names, shares(found.scores), votes[0], int(chosen_genres(votes, means)[0]))


def _check(arguments: argparse.Namespace) -> None:
    if arguments.neighbours is not None and arguments.average != "knn":
        raise OptionError("only --average knn takes them", field="--neighbours", cure="leave one of the two out")
    if arguments.k < 1:
        raise OptionError(f"{arguments.k} neighbours are none", field="--k", cure="give 1 or more")
    if arguments.plot is not None and arguments.plot.suffix.lower() != ".png":
        raise OptionError("plots are PNG files", path=arguments.plot, field="--plot", cure="end its name in .png")
    if arguments.plot is not None and arguments.plot.is_dir():
        raise OptionError("is a folder", path=arguments.plot, field="--plot", cure="name a file in it")


def _neighbours(arguments: argparse.Namespace, scorer: "SongScorer") -> "tuple[Neighbours | None, int]":
    """Return the songs of known genre, and how many of those that were named have no scores."""
    from mgc_keras.evaluation.voting import shares
    from mgc_keras.features.clips import list_clips
    from mgc_keras.studies.jimenez2017.votes import Neighbours, neighbours_beside

    path = arguments.neighbours
    if path is None:
        beside = neighbours_beside(arguments.weights)
        return (Neighbours.read(beside) if beside.is_file() else None), 0
    if path.suffix.lower() != ".csv":
        return Neighbours.read(path), 0
    clips = list_clips(path, channel=arguments.channel)
    if clips.labels is None:
        raise OptionError("has no genres", path=path, field="--neighbours", cure="add a column 'label'")
    label_of = dict(zip(clips.clip_ids, clips.labels, strict=True))
    found = list(scorer.songs(clips, scorer.excerpts(arguments.drop), jobs=arguments.jobs))
    songs = [song for song in found if song.problem is None]
    for song in found:
        if song.problem is not None:
            print(f"mgc-keras classify: --neighbours: {song.filepath}: {song.problem.problem}", file=sys.stderr)
    if not songs:
        raise OptionError("none of its songs can be read", path=path, field="--neighbours", cure="check the file paths")
    genre = np.repeat([label_of[song.clip_id] for song in songs], [len(song.scores) for song in songs])
    return Neighbours(shares(np.concatenate([song.scores for song in songs])), genre), len(found) - len(songs)


def _plot_files(plot: Path | None, clips: "Clips") -> dict[str, Path]:
    """Return each song's figure; of several songs, no two the same."""
    if plot is None:
        return {}
    if len(clips) == 1:
        return {clips.clip_ids[0]: plot}
    stems = output_stems(clips.clip_ids, plot.parent, f"{plot.stem}_.png")
    paths = [stem.with_name(f"{plot.stem}_{stem.name}.png") for stem in stems]
    return dict(zip(clips.clip_ids, paths, strict=True))


def _plot(answer: Answer, path: Path) -> Path:
    from mgc_keras.reporting.genres_over_time import draw_genres

    found = answer.found
    return draw_genres(found.clip_id.split("/")[-1], answer.names, found.spans, answer.excerpts, answer.song, path)
