"""``mgc-keras features``: features of many clips to a CSV or Parquet."""

import argparse
import json
import sys
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgc_keras.cli._clips import (
    FOLDER_HELP,
    add_channel,
    add_clips,
    add_cluster,
    add_part,
    add_precision,
    check_above_0,
    check_export,
    exit_code,
    say_damaged,
    say_part,
)
from mgc_keras.errors import MgcKerasError, OptionError, WeightsError
from mgc_keras.features.sets import (
    BuiltFeatures,
    FeatureOptions,
    FeatureSet,
    feature_sets,
    joined,
    named_sets,
    options_of_each,
)
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    import keras

SETS = feature_sets()
HELP = "compute features of many clips and write them as a CSV or Parquet, one row a clip"
EPILOG = f"""\
what comes out:
  FILE.csv     clip_id, filepath, then the named features, in the order of the manifest (folders: sorted by path)
  FILE.parquet the same with its types, if --out ends in .parquet: smaller, and read in no time; needs pyarrow
               (pip install 'mgc_keras[cluster]'). mgc_keras.read_features reads either
  FILE.json    what made the numbers: hash of the weights, front end, versions, hash of the source, counts; clips that
               were read but look damaged
  FILE_errors.csv  clips that could not be read: clip_id, filepath, cause, cure
  FILE.csv.partial or FILE.parquet.partial exists while work is unfinished. A run that was stopped goes on from
               there when called again.
  A clip of a folder is called by its path in that folder, one that is named by itself by its name. A folder with other
  songs than before begins anew.
  Files of an earlier run of this command are replaced; any other file with one of these names is left as it is.
  With --part 3/10 there is one file alone, FILE.csv.part-03-of-10: see 'mgc-keras merge --help'.

features:
{chr(10).join(f"  {name:<12} {known.help}" for name, known in SETS.items())}

joined:
  --features song+mfcc gives the columns of both in one row. Each set hears and computes what it would by itself;
  options go to the sets that take them. A clip that one of them cannot use has no row.

your own:
  --extractor my_features:Loudness imports my_features.py of this folder, makes a Loudness() and computes with it: in
  batches, resumable, in parts, on a cluster whose workers can import it, over songs. It has name, columns,
  sampling_rate, n_samples, duration, batch_size, describe() and a call that turns waveforms into rows:
  help(mgc_keras.features.extractor.Extractor). FILE.json holds a hash of the module's file; changed, it begins anew.

windows:
  --over song takes windows of the length that the features take in (convnet 29 s), one behind the other, and one more
  that ends with the song, and gives their mean: one row a song. --window S gives a row for each window instead, of as
  many as fit whole: what a clip has behind its last one is in no row.
  A window is cut from the song after it is resampled, a clip without --window before: the row of a song's first 29 s
  and that of its first --window 29 may differ by 5e-4.

protocol ({" and ".join(name for name, known in SETS.items() if "protocol" in known.takes)}):
  corrected    a clip's features depend on the weights and on that clip alone: whatever clips stand beside it, its row
               stays. A network that normalises by the batch (the authors' of 2017) takes each clip as a batch.
               --calibrate-on OTHER_MUSIC gives it the statistics of that music instead, once and for all, and saves it
               beside the table as FILE.calibrated.keras: the --weights for all other clips. Clips that a later test
               shall be fair to must not be among that music. FILE.json names it, and clips of it that cannot be read
               (exit code 1). A table made without it removes the model of the table whose place it takes.
  published    as the file has it. With the authors' files: batches of 256 clips in file order, normalised together.

examples:
  mgc-keras features my_music -o mfcc.csv
  mgc-keras features my_music -o features.csv --weights choi2017_theano
  mgc-keras features my_music -o song.csv --features song --weights choi2017_theano
  mgc-keras features my_music -o both.csv --features song+mfcc --weights choi2017_theano
  mgc-keras features gtzan_genre.csv --data-home /data/gtzan -o gtzan.csv --weights model.keras
  mgc-keras features song.mp3 -o song.csv --weights model.keras --window 29 --hop 5
  mgc-keras features *.mp3 -o tags.csv --weights model.keras --output tags
  mgc-keras features my_music -o musicnn.csv --features musicnn --weights MSD_musicnn
  mgc-keras features million.csv -o mfcc.csv --features mfcc --cluster tcp://scheduler:8786
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_clips(parser, "paths", "PATH")
    what = "the table to write, .csv or .parquet"
    parser.add_argument("-o", "--out", required=True, metavar="FILE.csv", type=Path, help=what)
    default = f"default: {_first(True)} if --weights is given, else {_first(False)}"
    parser.add_argument(
        "--features", metavar="NAME[+NAME]", help=f"{', '.join(SETS)}, or several joined by + ({default})"
    )
    parser.add_argument(
        "--extractor", metavar="MODULE:NAME",
        help="a feature set of your own: a class or object of a Python module here (see 'your own' below)",
    )  # fmt: skip
    parser.add_argument(
        "--weights", metavar="[SET=]FILE|NAME", action="append",
        help="weights of the network; names: mgc-keras weights list. Of several sets, each with its own: "
        "--weights song=FILE --weights musicnn=MSD_musicnn",
    )  # fmt: skip
    parser.add_argument("--output", choices=("features", "tags", "genres"), help="default: features")
    rate = "at which the network hears, where its file does not tell"
    parser.add_argument("--sampling-rate", type=int, metavar="HZ", help=rate)
    parser.add_argument("--protocol", choices=("corrected", "published"), help="default: corrected")
    parser.add_argument(
        "--calibrate-on", metavar="PATH", type=Path,
        help="folder, manifest or clip whose statistics a network that normalises by the batch is given",
    )  # fmt: skip
    parser.add_argument(
        "--batch-size", type=int, metavar="N",
        help="clips a batch; default: on a CPU 8 (musicnn: 4 patches), on a GPU 64; published 256",
    )  # fmt: skip
    parser.add_argument(
        "--fit", choices=("repeat", "zero_pad", "crop"),
        help="clips shorter than the network's 29 s are repeated or zero-padded, longer ones cut at 29 s; crop: "
        "zero-padded, or cut to their centre (default: repeat)",
    )  # fmt: skip
    parser.add_argument(
        "--over", choices=("start", "song"),
        help="song: average the features of windows all over each clip, to its end; start: its first 29 s (default, "
        "except with --features song)",
    )  # fmt: skip
    parser.add_argument(
        "--summary", metavar="NAMES",
        help="with --over song: statistics over the windows, of mean, std, min and max, with commas (default: mean)",
    )  # fmt: skip
    parser.add_argument("--window", type=float, metavar="S", help="a row for each S seconds, with their start and end")
    parser.add_argument("--hop", type=float, metavar="S", help="seconds from window to window (default: no overlap)")
    parser.add_argument("--data-home", metavar="DIR", type=Path, help=FOLDER_HELP)
    add_channel(parser)
    add_precision(parser)
    parser.add_argument("--jobs", type=int, metavar="N", help="threads that decode; default: one a core")
    add_cluster(parser)
    add_part(parser)
    parser.add_argument("--seed", type=int, metavar="N", help="of the random weights (default: 0)")
    parser.add_argument("--anew", action="store_true", help="forget what an earlier run has finished")


def resumes(arguments: argparse.Namespace) -> bool:
    """Tell whether the same command goes on where it was stopped."""
    return not arguments.anew


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras features`` and return its exit code."""
    from mgc_keras.cluster import open_cluster
    from mgc_keras.features.clips import list_clips
    from mgc_keras.features.export import errors_file, export_features
    from mgc_keras.features.parquet_table import check_pyarrow
    from mgc_keras.features.parts import Part
    from mgc_keras.features.whole_song import WholeSong
    from mgc_keras.outputs import check_replaceable
    from mgc_keras.work import read_record

    check_above_0(arguments, "sampling_rate")
    sets = _chosen(arguments)
    name = "+".join(known.name for known in sets)
    over_song = [(arguments.over or known.over) == "song" for known in sets]
    if arguments.summary is not None and not any(over_song):
        raise OptionError("is of windows all over a song", field="--summary", cure="give --over song, too")
    options = options_of_each(sets, {field: getattr(arguments, field) for field in FeatureOptions.__dataclass_fields__})
    weights = [given.weights for given in options if given.weights]
    if arguments.out.suffix.lower() not in (".csv", ".parquet"):
        raise OptionError("features go into a .csv or .parquet file", path=arguments.out, cure="end its name in .csv")
    if arguments.out.suffix.lower() == ".parquet":
        check_pyarrow(arguments.out)
    if arguments.part is not None:
        Part.parse(arguments.part)
        if arguments.calibrate_on is not None:
            cure = "calibrate first, on few clips without --part, then --weights FILE.calibrated.keras"
            raise OptionError("parts cannot be calibrated each by itself", field="--calibrate-on", cure=cure)
    clips = list_clips(arguments.paths, arguments.data_home, arguments.channel)
    inputs = chain(arguments.paths, clips.locations(), weights, [arguments.calibrate_on])
    check_export(arguments.out, inputs)
    if arguments.calibrate_on is not None:
        was_made_here = f"{arguments.out.suffix[1:].lower()}_sha256" in read_record(arguments.out.with_suffix(".json"))
        what = "network of an earlier run"
        check_replaceable([_model_path(arguments)], lambda _: was_made_here, what, weights, "--out")
    clips = clips.escaped() if arguments.escape_formulas else clips
    model_path = None
    with quiet_libraries():
        if any("precision" in known.takes for known in sets):
            from mgc_keras.execution import set_precision

            set_precision(arguments.precision or "exact")
        of_each = []
        for known, given, is_over_song in zip(sets, options, over_song, strict=True):
            built = known.build(given, arguments.jobs)
            if is_over_song:
                whole = WholeSong(built.extractor, hop=arguments.hop, summary=arguments.summary or "mean")
                built = replace(built, extractor=whole)
            of_each.append(built)
        built = joined(of_each)
        calibration = _of_part(built.extractor.describe(), "calibration") or {} if built.calibrated is not None else {}
        stale = _stale_model(arguments, built) if built.calibrated is None else None
        if arguments.part is not None and stale is not None:
            cure = "move or remove it, or name another table"
            raise OptionError("belongs to the table that the parts will replace", path=stale, field="--part", cure=cure)
        windows = {"window": arguments.window, "hop": None if any(over_song) else arguments.hop}
        work = {"jobs": arguments.jobs, "resume": not arguments.anew, "part": arguments.part}
        with open_cluster(arguments.cluster) as cluster:
            table = export_features(clips, arguments.out, built.extractor, **windows, **work, cluster=cluster)
        if table != arguments.out:
            return say_part(name, table, arguments.out)
        # Behind the table: whoever may not write that leaves its model alone, too.
        if built.calibrated is not None:
            model_path = _model_path(arguments)
            _save(built.calibrated, model_path)
        if stale is not None:
            stale.unlink()
    about = json.loads(table.with_suffix(".json").read_text("utf-8"))
    n_failed = about["n_failed"]
    n_clips = f"{len(clips) - n_failed} of {len(clips)} clips"
    print(f"{name}: {about['n_rows']} rows of {about['n_features']} features from {n_clips}")
    if n_failed:
        print(f"{n_failed} of {len(clips)} clips failed: {errors_file(table)} says why")
    unread = calibration.get("failed", ())
    if unread:
        which = "; ".join(f"{clip['filepath']}: {clip['cause']} ({clip['cure']})" for clip in unread)
        of_all = f"{len(unread)} of {len(unread) + calibration['n_used']} clips to calibrate on could not be read"
        print(f"mgc-keras features: {of_all}: {which}", file=sys.stderr)
    for path in (model_path, errors_file(table), table.with_suffix(".json"), table):
        if path is not None:
            print(path)
    say_damaged("features", about.get("remarks", {}), len(clips))
    return exit_code(n_failed, len(clips)) or int(bool(unread))


def _chosen(arguments: argparse.Namespace) -> tuple[FeatureSet, ...]:
    """Return the feature sets of the command line: one or several of the package's, or the user's own."""
    if arguments.extractor is None:
        return named_sets(arguments.features or _first(bool(arguments.weights)))
    if arguments.features is not None:
        raise OptionError("is a feature set of its own", field="--extractor", cure="leave out --features")
    from mgc_keras.features.own_extractor import load_extractor

    own = load_extractor(arguments.extractor)
    return (FeatureSet(own.name, "", lambda options, jobs: BuiltFeatures(own), takes=()),)


def _of_part(description: dict[str, Any], name: str) -> Any:
    """Return what an extractor, or the first part of a join that has it, says of itself under a name; or None."""
    of_parts = (part.get(name) for part in description.get("parts", {}).values())
    return description.get(name) or next((value for value in of_parts if value), None)


def _model_path(arguments: argparse.Namespace) -> Path:
    return arguments.out.with_suffix(".calibrated.keras")


def _stale_model(arguments: argparse.Namespace, built: BuiltFeatures) -> Path | None:
    """Return the calibrated model of an earlier table of this name, which the new one is not made with; or None.

    Raises `OptionError` where a model that is no such table's would stand beside the new one as if it were its own.
    """
    path = _model_path(arguments)
    if not path.is_file():
        return None
    # TensorFlow, which other features do without.
    from mgc_keras.networks.load import load_model
    from mgc_keras.networks.tensors import network_sha256

    its_own = None
    with suppress(MgcKerasError):
        its_own = network_sha256(load_model(path))
    made_with = built.extractor.describe()
    if its_own is not None and its_own in _networks(made_with):
        return None
    try:
        before = _networks(json.loads(arguments.out.with_suffix(".json").read_text("utf-8"))["extractor"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        before = set()
    if its_own is None or its_own not in before:
        problem = f"stands beside the table {arguments.out}, which is not made with it"
        raise OptionError(problem, path=path, field="--out", cure="move or remove it, or name another table")
    return path


def _networks(description: dict[str, Any]) -> set[str]:
    """Return the hashes of the networks that an extractor computes with."""
    parts = (description, *description.get("parts", {}).values())
    return {part["network_sha256"] for part in parts if part.get("network_sha256")}


def _save(model: "keras.Model", path: Path) -> None:
    """Save a model, unless the file holds this very one: saved again it would have other bytes."""
    from mgc_keras.files import whole_file
    from mgc_keras.networks.load import load_model
    from mgc_keras.networks.tensors import network_sha256

    with suppress(WeightsError):
        if network_sha256(load_model(path)) == network_sha256(model):
            return
    with whole_file(path) as temporary:
        model.save(temporary)


def _first(needs_weights: bool) -> str:
    return next(name for name, known in SETS.items() if bool(known.needs_weights) == needs_weights)
