"""``mgc-keras judge``: what may be claimed of features or predictions."""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgc_keras.cli._clips import add_escape, add_value
from mgc_keras.errors import OptionError

if TYPE_CHECKING:
    from mgc_keras.judging.judge import Judgement

CLASSIFIERS = ("svm", "logistic", "knn")
HELP = "judge anybody's features or predictions: scores with intervals, leaks, what may be claimed"
EPILOG = """\
what is scored, from the laxest protocol to the strictest, as far as the table and its manifest allow:
  random folds             what most notebooks report; the same artist stands on both sides
  folds that keep together windows of a clip, suspected duplicates, songs, albums, artists (columns of the manifest:
                           artist, album, song, recording, cut_from)
  the clips' own folds     column fold
  the clips' own split     column split: train, valid, test
  fault-filtered           GTZAN, known by its names: 443 clips to train on, 197 to choose on, 290 to test; no replicas,
                           no distorted clips, no artist on two sides (Kereliuk, Sturm and Larsen 2015)
  the same clips at random beside a split: its clips dealt anew, ten times, into parts of the same sizes

the classifier (--classifier):
  svm        RBF kernel, C of 1, 4, 16, 64; gamma of 1, 1/4, 1/16 divided by the number of features
  logistic   logistic regression, C of 0.01, 0.1, 1, 10
  knn        k nearest neighbours, k of 1, 5, 15, 45
  Features are standardised. Scaling and hyperparameters are learnt from the training part alone: the valid part of a
  split, or three folds of the training part, choose them, and the fit takes the training part without the valid one.

the tables:
  FEATURES is a table of 'mgc-keras features', or any CSV: one column that names the clip (clip_id, filepath, filename,
  track_id, ...), columns of numbers, and perhaps a column label. Clips are found in the manifest by id, path, or the
  name of the file where folders do not say another clip. Columns that tell the row's number, the file's length or the
  label are left out, by name; one that tells the classes all by itself, or several that look like a model's scores or a
  code of the class, must be dropped, or vouched for with --keep. Numbered pieces of songs are kept together.
  With --predictions: a column prediction, or one column of scores a class. No classifier is fitted.

what comes out, in the folder of -o (with --against, NAME is FEATURES_against_OTHER):
  NAME_judge.html              one page: what may be claimed, what may not
  NAME_judge.json              all numbers
  NAME_judge_leaks.csv         columns that leak, clips with equal or near rows
  NAME_judge_predictions.csv   every prediction that was scored

examples:
  mgc-keras judge mfcc.csv --labels gtzan_genre.csv
  mgc-keras judge features_30_sec.csv                            a public table with a column label
  mgc-keras judge features_30_sec.csv --labels gtzan_genre       the manifest that comes with the package
  mgc-keras judge convnet.csv --labels my_music.csv --against mfcc.csv -o judged
  mgc-keras judge my_predictions.csv --predictions --labels gtzan_genre.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("features", metavar="FEATURES", help="table of features, or of predictions (.csv, .parquet)")
    labels = "manifest, dataset or column with the classes (default: the table's own column label, genre, class, ...)"
    add_value(parser, "--labels", str, "MANIFEST", labels)
    add_value(parser, "--against", str, "OTHER", "second table of the same clips, to test the first against")
    parser.add_argument(
        "--predictions", action="store_true", help="the tables hold predictions: count, fit no classifier"
    )
    add_value(parser, "--folds", int, "N", "number of folds (default: %(default)s)", 10)
    add_value(parser, "--repeats", int, "N", "how often folds are drawn anew (default: %(default)s)", 1)
    add_value(parser, "--seed", int, "N", "seed of folds and draws (default: %(default)s)", 0)
    parser.add_argument(
        "--classifier", choices=CLASSIFIERS, default="svm", help="what judges features (default: %(default)s)"
    )
    parser.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns that are no features")
    parser.add_argument(
        "--keep", nargs="+", default=[], metavar="COLUMN", help="columns to keep though they look as if they leaked"
    )
    add_value(parser, "--jobs", int, "N", "number of threads (default: one for each processor)")
    parser.add_argument("-o", "--out", metavar="DIR", type=Path, help="folder for what comes out (default: this one)")
    add_value(parser, "--report", Path, "FILE.html", "name of the page; the other files are named after it")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON in place of the table")
    add_escape(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge, write the page and its tables, print a short table. Return 1 if rows without a label were left out."""
    from mgc_keras.files import output_folder
    from mgc_keras.judging.judge import Options, judge_features
    from mgc_keras.judging.predictions import judge_predictions
    from mgc_keras.judging.report import JudgementFiles, record, write_judgement
    from mgc_keras.terminal import quiet_libraries

    field, page = _page(arguments)
    files = JudgementFiles(page)
    # Known before minutes of fits, not after them.
    inputs = [name for name in (arguments.features, arguments.labels, arguments.against) if name]
    files.check(inputs, field)
    output_folder(page.parent, field)
    with quiet_libraries():
        if arguments.predictions:
            judgement = judge_predictions(arguments.features, arguments.labels, arguments.against)
        else:
            options = Options(
                arguments.folds,
                arguments.repeats,
                arguments.seed,
                arguments.classifier,
                tuple(arguments.drop),
                tuple(arguments.keep),
                arguments.jobs if arguments.jobs is not None else os.cpu_count() or 1,
            )
            judgement = judge_features(arguments.features, arguments.labels, arguments.against, options, _bar)
        written = write_judgement(judgement, files, _command(arguments), arguments.escape_formulas)
    for note in judgement.notes:
        print(f"mgc-keras judge: {note}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(record(judgement), indent=2, ensure_ascii=False))
    else:
        print(summary(judgement))
        print(*written, sep="\n")
    return 1 if judgement.about["n_unmatched"] else 0


def summary(judgement: "Judgement") -> str:
    """Return a short table of the scores, and what may be claimed."""
    from mgc_keras.judging.claims import claims, interval_text, why_not_quoted

    why = why_not_quoted(judgement)
    told = f"not to be quoted: {why}" if why else "quote this"
    width = max(len(score.title) for score in judgement.scores)
    lines = [f"{'':{width}}  accuracy [95 % interval]  clips"]
    for score in judgement.scores:
        mark = f"  <- {told}" if score == judgement.strictest and score.strictness else ""
        lines.append(f"{score.title:{width}}  {interval_text(score):24}  {score.n_clips:5}{mark}")
    return "\n".join([*lines, "", *(f"{found.verdict.upper()}: {found.text}" for found in claims(judgement)), ""])


def _page(arguments: argparse.Namespace) -> tuple[str, Path]:
    """Return where the page goes, and the option that says so."""
    if arguments.report is None:
        name = Path(arguments.features).stem
        if arguments.against:
            # A comparison, and the judgement of its first table alone, are two pages.
            name += f"_against_{Path(arguments.against).stem}"
        return "--out", (arguments.out or Path(".")) / f"{name}_judge.html"
    if arguments.out is not None:
        raise OptionError("names the page and its folder", field="--report", cure="leave --out away")
    if arguments.report.suffix.lower() not in (".html", ".htm"):
        raise OptionError("is no name of a page", path=arguments.report, field="--report", cure="end it in .html")
    return "--report", arguments.report


def _command(arguments: argparse.Namespace) -> str:
    words = ["mgc-keras", "judge", arguments.features]
    for name in ("labels", "against"):
        if getattr(arguments, name):
            words += [f"--{name}", getattr(arguments, name)]
    if arguments.predictions:
        return shlex.join([*words, "--predictions"])
    for name in ("folds", "repeats", "seed", "classifier"):
        words += [f"--{name}", str(getattr(arguments, name))]
    for name in ("drop", "keep"):
        words += [f"--{name}", *getattr(arguments, name)] if getattr(arguments, name) else []
    return shlex.join(words)


def _bar(work: Any) -> Any:
    from mgc_keras.progress import progress_bar

    return progress_bar(work, description="judging", unit="fit")
