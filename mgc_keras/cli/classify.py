"""``mgc-keras classify``: the genre of songs, over time and on the whole."""

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.cli._clips import add_value, check_above_0, check_output, output_stems
from mgc_keras.cli._library import add_library_arguments, check_library_arguments, write_library
from mgc_keras.cli._song_answers import add_song_arguments, answer_songs
from mgc_keras.errors import OptionError
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    from mgc_keras.answers.answer import SongAnswer
    from mgc_keras.answers.calibration import Calibration
    from mgc_keras.features.clips import Clips
    from mgc_keras.features.songs import SongScores

HELP = "tell the genre of songs, over time and on the whole"
EPILOG = """\
how it works (Jimenez and Jose 2017):
  The song is cut into excerpts of the network's length (29.12 s), one behind the other. Each gets a score for every
  genre, divided by their sum. The song's genre is found from those of its excerpts:
  mean         the mean of each genre's shares (the default)
  geometric    their geometric mean: a genre that one excerpt rules out has little chance
  knn          each excerpt asks the 5 excerpts of known genre that score most like it; --neighbours names these
               (models that studies save here have them beside: MODEL.neighbours.npz)

when to believe it:
  not sure     the genre has under half of the song's shares, or of its excerpts (--sure), or is another one where the
               song is 10 dB softer or louder. This rule promises nothing.
               --calibrate-on SONGS.csv, songs of known genre that the network has not learnt from, promises: the set of
               genres then holds the true one in 90 % of songs like these (--coverage), and a set that is no single
               genre is "not sure"
  not music    three quarters of the excerpts sound like speech, steady noise or clicks; told from 8 s of sound on
  --why        prints which excerpts are for and against, and how the answer moves with level and part of the song

weights:
  The default is the published network for blues, classical, country, disco, hiphop, jazz, metal, pop, reggae and rock,
  fetched on first use. Any model that takes waveforms will do, such as those that the studies here save; its file
  holds the genres' names, or give them with --labels.

examples:
  mgc-keras classify song.mp3
  mgc-keras classify song.mp3 --why --neighbours labelled_songs.csv
  mgc-keras classify my_music --average geometric --csv > genres.csv
  mgc-keras classify song.mp3 --weights crnn_net_gru_adam_ours_epoch_40.h5 --plot song.png
  mgc-keras classify my_music --weights runs/jimenez2017/model.h5 --drop 20 --json
  mgc-keras classify song.mp3 --average knn --neighbours labelled_songs.csv
  mgc-keras classify my_music --calibrate-on held_out.csv --calibration my.json --coverage 0.9
  mgc-keras classify my_music --playlists lists                   a playlist a genre
  mgc-keras classify my_music --write genre                       show what would be written into the files
  mgc-keras classify my_music --write genre --threshold 0.8 --yes write it; 'mgc-keras undo' takes it back

Results go to standard output; progress, remarks and songs that cannot be read to standard error.
"""
_PUBLISHED = "jimenez2017"
# Answers with a verdict "genre" at the default of --sure, as benchmarks/answers.py counts them on those clips of
# Emotify that have one of its genres; and on those of electronic music, which it does not know.
_RIGHT_OF_SURE, _SURE_OF_OTHERS = (17, 23), (3, 15)
# Those of `GenreOptions`, by the names of the arguments.
_OPTIONS = ("average", "k", "drop", "centre", "sure", "coverage", "why")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_song_arguments(parser, _PUBLISHED, top=3)
    how = "how the genre of a song is made from those of its excerpts (default: %(default)s)"
    parser.add_argument("--average", choices=("mean", "geometric", "knn"), default="mean", help=how)
    known = "songs of known genre for --average knn and --why: a manifest with labels, or a .neighbours.npz"
    add_value(parser, "--neighbours", Path, "FILE", known)
    n_neighbours = "number of neighbours that each excerpt asks under --average knn (default: %(default)s)"
    add_value(parser, "--k", int, "K", n_neighbours, 5)
    sure = (
        "without a calibration: share that a genre must have of the song, and of its excerpts, else the verdict is "
        "'not sure'; 0: always a genre (default: %(default)s)"
    )
    add_value(parser, "--sure", float, "SHARE", sure, 0.5)
    coverage = "give the set of genres that holds the true one with this probability (default with a calibration: 0.9)"
    add_value(parser, "--coverage", float, "P", coverage)
    held_out = "calibrate on these songs of known genre, which the network has not learnt from: a manifest with labels"
    add_value(parser, "--calibrate-on", Path, "FILE.csv", held_out)
    kept = "calibration of an earlier run, or with --calibrate-on where to write it (default: MODEL.calibration.json)"
    add_value(parser, "--calibration", Path, "FILE.json", kept)
    names = "names of the model's genres in order, where its file does not hold them"
    add_value(parser, "--labels", str, "A,B,…", names)
    figure = "draw genres over time and a bar chart; of several songs, each into FILE_<song>.png"
    add_value(parser, "--plot", Path, "FILE.png", figure)
    lists = "write a playlist (.m3u8) a genre into this folder, and one of the songs that are 'not sure'"
    add_value(parser, "--playlists", Path, "DIR", lists)
    add_library_arguments(parser, "genres that are sure", "only genres with at least this share of the song")


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras classify`` and return its exit code."""
    from mgc_keras.answers.calibration import is_calibration
    from mgc_keras.features.clips import list_clips
    from mgc_keras.files import output_folder
    from mgc_keras.outputs import check_replaceable, is_figure

    _check(arguments)
    check_above_0(arguments, "sampling_rate")
    check_library_arguments(arguments)
    clips = list_clips(arguments.songs, arguments.data_home, arguments.channel)
    plots = _plot_files(arguments.plot, clips)
    manifests = filter(None, [arguments.neighbours, arguments.calibrate_on])
    inputs = [*arguments.songs, *clips.paths, arguments.weights, *manifests]
    check_replaceable(plots.values(), is_figure, "figure of this package", inputs, "--plot")
    if arguments.plot is not None:
        output_folder(arguments.plot.parent, "--plot")
    if arguments.calibration is not None and arguments.calibrate_on is not None:
        check_output(arguments.calibration, "--calibration", "calibration of this package", is_calibration, inputs)
    with quiet_libraries():
        from mgc_keras.answers.classifier import GenreOptions, SongClassifier
        from mgc_keras.execution import set_precision

        set_precision(arguments.precision or "exact")
        options = GenreOptions(**{name: getattr(arguments, name) for name in _OPTIONS})
        labels = [name.strip() for name in arguments.labels.split(",")] if arguments.labels else None
        n_unread = 0

        def unread(use: str, song: "SongScores") -> None:
            nonlocal n_unread
            n_unread += 1
            problem = song.problem.problem if song.problem else ""
            print(f"mgc-keras classify: --{use.replace('_', '-')}: {song.filepath}: {problem}", file=sys.stderr)

        files = {name: getattr(arguments, name) for name in ("neighbours", "calibration", "calibrate_on")}
        reading = {
            "data_home": arguments.data_home,
            "channel": arguments.channel,
            "jobs": arguments.jobs,
            "sampling_rate": arguments.sampling_rate,
            "unread": unread,
        }
        classifier = SongClassifier(arguments.weights, options, labels=labels, **files, **reading)
        if arguments.calibrate_on is not None and classifier.calibration is not None:
            _say_calibration(arguments, classifier.calibration, clips)
        lists = _playlist_files(arguments.playlists, classifier.names)
        written: list[Path] = []
        answers: list[tuple[Path, str, str, float]] = []
        told: dict[str, tuple[str, bool]] = {}

        def after(answer: "SongAnswer") -> None:
            if answer.problem is None:
                share = float(answer.scores[answer.names.index(answer.best)])
                told[answer.clip_id] = answer.best, answer.verdict == "genre"
                answers.append((answer.path, answer.verdict, answer.best, share))
                if plots:
                    # Sets of genres have no such line.
                    least = arguments.sure if classifier.calibration is None else None
                    written.append(_plot(answer, plots[answer.clip_id], least))

        code = answer_songs(arguments, clips, classifier, "classify", after)
        if clips.labels is not None:
            _say_accuracy(dict(zip(clips.clip_ids, clips.labels, strict=True)), told, classifier.names)
        if answers and not (arguments.json or arguments.csv) and _is_published(arguments.weights):
            usual = classifier.calibration is None and replace(options, why=False) == GenreOptions()
            _say_limits(classifier.names, usual, options.why)
    if arguments.playlists is not None:
        written += _write_playlists(arguments.playlists, lists, answers)
    # Where the output is for programs, paths must not stand in it.
    for path in written if not (arguments.json or arguments.csv) else ():
        print(path)
    if arguments.write is not None:
        least = arguments.threshold or 0.0
        sure = [(path, (best,)) for path, verdict, best, share in answers if verdict == "genre" and share >= least]
        code = write_library(arguments, sure, "classify") or code
    return code or int(n_unread > 0)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.neighbours is not None and arguments.average != "knn" and not arguments.why:
        raise OptionError("only --average knn and --why take them", field="--neighbours", cure="give one of the two")
    if arguments.calibrate_on is not None and arguments.calibrate_on.suffix.lower() != ".csv":
        cure = "give a manifest (.csv) with a column 'label'"
        raise OptionError("is no manifest", path=arguments.calibrate_on, field="--calibrate-on", cure=cure)
    if arguments.plot is not None and arguments.plot.suffix.lower() != ".png":
        raise OptionError("plots are PNG files", path=arguments.plot, field="--plot", cure="end its name in .png")
    if arguments.plot is not None and arguments.plot.is_dir():
        raise OptionError("is a folder", path=arguments.plot, field="--plot", cure="name a file in it")


def _is_published(weights: str) -> bool:
    from mgc_keras.files import sha256_of
    from mgc_keras.networks.registry import weight_files

    file = Path(weights)
    return sha256_of(file) == weight_files()[_PUBLISHED].sha256 if file.is_file() else weights == _PUBLISHED


def _say_limits(genres: tuple[str, ...], usual: bool, why: bool) -> None:
    """Say what an answer of the published network does not say; `usual`: it was asked as those songs were."""
    sentences = [f"this network can name {', '.join(genres[:-1])} and {genres[-1]}, no other genre"]
    if usual:
        (right, sure), (wrong, n_others) = _RIGHT_OF_SURE, _SURE_OF_OTHERS
        sentences.append(
            f"Of its sure answers about other music of these genres, {right} of {sure} were right, and of {n_others} "
            f"songs of another genre it was sure of {wrong} all the same"
        )
    more = "" if why else ", and --why says more"
    print(f"mgc-keras classify: {'. '.join(sentences)}. Shares are no probabilities{more}", file=sys.stderr)


def _say_calibration(arguments: argparse.Namespace, calibration: "Calibration", clips: "Clips") -> None:
    """Say how many songs there were to calibrate on, where too few to rule a genre out, and which are judged, too."""
    from mgc_keras.answers.labelled import labelled_clips

    n_songs, coverage = len(calibration.scores[arguments.average]), arguments.coverage or 0.9
    least = math.ceil(coverage / (1 - coverage) - 1e-9)
    few = f": fewer than {least} rule no genre out at {100 * coverage:g} % coverage" if n_songs < least else ""
    where = f", kept in {arguments.calibration}" if arguments.calibration is not None else ""
    print(f"mgc-keras classify: calibrated on {n_songs} songs of {arguments.calibrate_on}{where}{few}", file=sys.stderr)
    known = labelled_clips(arguments.calibrate_on, "calibrate_on", data_home=arguments.data_home).paths
    both = {path.resolve() for path in known} & {path.resolve() for path in clips.paths}
    if both:
        text = f"{len(both)} of the songs asked about are among these: what is promised does not hold for them"
        print(f"mgc-keras classify: {text}", file=sys.stderr)


def _say_accuracy(labels: dict[str, str], told: dict[str, tuple[str, bool]], genres: tuple[str, ...]) -> None:
    """Say how many songs of known genre were told right, all and sure ones, with intervals where there are two."""
    import numpy as np

    from mgc_keras.evaluation.intervals import score_interval

    known = [clip_id for clip_id in told if labels[clip_id] in genres]
    if not known:
        return
    truth, best = (np.array([pick(clip_id) for clip_id in known]) for pick in (labels.get, lambda one: told[one][0]))
    sure = np.array([told[clip_id][1] for clip_id in known])
    parts = []
    for which, words in ((np.ones(len(known), bool), ""), (sure, " of the sure ones")):
        share = ""
        if which.sum() > 1:
            found = score_interval(truth[which], best[which])
            share = f" ({found.score:.2f} [{found.low:.2f}, {found.high:.2f}])"
        parts.append(f"{(truth == best)[which].sum()} of {which.sum()}{share}{words}")
    print(f"mgc-keras classify: told right of the songs of known genre: {', '.join(parts)}", file=sys.stderr)


def _plot_files(plot: Path | None, clips: "Clips") -> dict[str, Path]:
    """Return each song's figure; of several songs, no two the same."""
    if plot is None:
        return {}
    if len(clips) == 1:
        return {clips.clip_ids[0]: plot}
    stems = output_stems(clips.clip_ids, plot.parent, f"{plot.stem}_.png")
    paths = [stem.with_name(f"{plot.stem}_{stem.name}.png") for stem in stems]
    return dict(zip(clips.clip_ids, paths, strict=True))


def _plot(answer: "SongAnswer", path: Path, threshold: float | None) -> Path:
    from mgc_keras.reporting.genres_over_time import draw_genres

    given = answer.clip_id.split("/")[-1], answer.names, answer.spans, answer.excerpts, answer.scores
    return draw_genres(*given, path, verdict=answer.genre or answer.verdict, threshold=threshold)


def _playlist_files(folder: Path | None, genres: tuple[str, ...]) -> dict[str, Path]:
    """Return each genre's playlist, that of songs that are not sure too; refuse to replace files that are none."""
    from mgc_keras.answers.playlists import is_playlist, playlist_files
    from mgc_keras.files import output_folder
    from mgc_keras.outputs import check_replaceable

    if folder is None:
        return {}
    files = playlist_files(output_folder(folder, "--playlists"), [*genres, "not sure"])
    check_replaceable(files.values(), is_playlist, "playlist", field="--playlists")
    return files


def _write_playlists(folder: Path, files: dict[str, Path], answers: list[tuple[Path, str, str, float]]) -> list[Path]:
    from mgc_keras.answers.playlists import relative_song, write_playlist

    songs: dict[str, list[str]] = {name: [] for name in files}
    for path, verdict, best, _ in answers:
        if verdict in ("genre", "not sure"):
            songs[best if verdict == "genre" else verdict].append(relative_song(path, folder))
    # A list of an earlier run, of a genre that no song has now, is emptied.
    return [write_playlist(path, songs[name]) for name, path in files.items() if songs[name] or path.exists()]
