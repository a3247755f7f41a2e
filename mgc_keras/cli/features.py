"""``mgc-keras features``: features of many clips to a CSV."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.errors import OptionError
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    import keras

    from mgc_keras.features.clips import Clips
    from mgc_keras.features.extractor import Extractor

HELP = "compute features of many clips and write them as a CSV, one row a clip"
EPILOG = """\
what comes out:
  FILE.csv     clip_id, filepath, then the named features, in the order of the manifest (folders: sorted by path)
  FILE.json    what made the numbers: hash of the weights, front end, versions, hash of the source, counts
  errors.csv   clips that could not be read: clip_id, filepath, cause, cure
  FILE.csv.partial exists while work is unfinished. A run that was stopped goes on from there when called again.

features:
  mfcc         120 numbers: mean and standard deviation of 20 MFCCs and their differences. Needs no weights.
  convnet      160 numbers: five layers of the convnet of Choi et al. (2017), layer1_00 ... layer5_31. Needs --weights.
  random       the same network with random weights: what the architecture alone is worth.

protocol (convnet and random):
  corrected    a clip's features depend on that clip alone. Files with batch statistics (the authors' of 2017) are first
               calibrated on some of the clips given; the model is saved beside the table as FILE.calibrated.keras.
               Give that file as --weights to compute features of other clips that can be compared with these.
  published    as the file has it. With the authors' files: batches of 256 clips in file order, normalised together.

examples:
  mgc-keras features my_music -o mfcc.csv
  mgc-keras features my_music -o features.csv --weights weights_layer4_theano.hdf5
  mgc-keras features gtzan_genre.csv --data-home /data/gtzan -o gtzan.csv --weights model.keras
  mgc-keras features song.mp3 -o song.csv --weights model.keras --window 29 --hop 5
  mgc-keras features *.mp3 -o tags.csv --weights model.keras --output tags

exit code: 0 all clips done, 1 some clips failed (see errors.csv), 2 nothing could be done
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="audio files, folders, or one manifest (.csv)")
    parser.add_argument("-o", "--out", required=True, metavar="FILE.csv", type=Path, help="the table to write")
    parser.add_argument(
        "--features", choices=("convnet", "random", "mfcc"), help="default: convnet if --weights is given, else mfcc"
    )
    parser.add_argument("--weights", metavar="FILE|NAME", help="weights of the convnet; names: mgc-keras weights list")
    parser.add_argument("--output", choices=("features", "tags"), default="features", help="default: features")
    parser.add_argument("--protocol", choices=("corrected", "published"), help="default: corrected")
    parser.add_argument("--batch-size", type=int, metavar="N", help="clips a batch; default: 16, published 256")
    parser.add_argument(
        "--fit", choices=("repeat", "zero_pad", "crop"), default="repeat",
        help="clips shorter than the network's 29 s are repeated or zero-padded, longer ones cut at 29 s; crop: "
        "zero-padded, or cut to their centre (default: repeat)",
    )  # fmt: skip
    parser.add_argument("--window", type=float, metavar="S", help="a row for each S seconds, with their start and end")
    parser.add_argument("--hop", type=float, metavar="S", help="seconds from window to window; default: no overlap")
    parser.add_argument("--data-home", metavar="DIR", type=Path, help="folder of a manifest's clips, if not its own")
    parser.add_argument("--jobs", type=int, metavar="N", help="threads that decode; default: one a core")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the random weights (default: 0)")
    parser.add_argument("--anew", action="store_true", help="forget what an earlier run has finished")


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras features`` and return its exit code."""
    from mgc_keras.features.clips import list_clips
    from mgc_keras.features.export import export_features

    kind = arguments.features or ("convnet" if arguments.weights else "mfcc")
    _check(kind, arguments)
    clips = list_clips(arguments.paths, arguments.data_home)
    with quiet_libraries():
        extractor, model_path = _extractor(kind, arguments, clips)
        table = export_features(
            clips,
            arguments.out,
            extractor,
            jobs=arguments.jobs,
            window=arguments.window,
            hop=arguments.hop,
            resume=not arguments.anew,
        )
    about = json.loads(table.with_suffix(".json").read_text("utf-8"))
    n_failed = about["n_failed"]
    n_clips = f"{len(clips) - n_failed} of {len(clips)} clips"
    print(f"{kind}: {about['n_rows']} rows of {about['n_features']} features from {n_clips}")
    if n_failed:
        print(f"{n_failed} of {len(clips)} clips failed: {table.with_name('errors.csv')} says why")
    for path in (model_path, table.with_name("errors.csv"), table.with_suffix(".json"), table):
        if path is not None:
            print(path)
    return 1 if n_failed else 0


def _check(kind: str, arguments: argparse.Namespace) -> None:
    if kind == "convnet" and arguments.weights is None:
        raise OptionError(
            "the convnet needs weights",
            field="--weights",
            cure="give a file, or a name from 'mgc-keras weights list'; --features mfcc and random need none",
        )
    if kind != "convnet" and arguments.weights is not None:
        raise OptionError(f"--features {kind} takes none", field="--weights", cure="leave one of the two out")
    if kind == "mfcc" and arguments.protocol is not None:
        raise OptionError("MFCCs never depend on the batch", field="--protocol", cure="leave it out")
    if kind != "convnet" and arguments.output == "tags":
        raise OptionError("only trained networks give tags", field="--output", cure="give --weights")


def _extractor(kind: str, arguments: argparse.Namespace, clips: "Clips") -> tuple["Extractor", Path | None]:
    """Return the extractor, and where its calibrated model was saved, if it was."""
    if kind == "mfcc":
        from mgc_keras.features.mfcc import MfccExtractor

        return MfccExtractor(**({} if arguments.batch_size is None else {"batch_size": arguments.batch_size})), None
    from mgc_keras.features.network import NetworkExtractor, find_weights
    from mgc_keras.files import whole_file
    from mgc_keras.networks.load import load_model
    from mgc_keras.studies.choi2017.calibration import batch_independent
    from mgc_keras.studies.choi2017.network import convnet

    options = {"batch_size": arguments.batch_size, "fit": arguments.fit, "name": kind}
    weights = find_weights(arguments.weights) if kind == "convnet" else None
    given = load_model(weights, output=arguments.output, input="waveform") if weights else convnet(seed=arguments.seed)
    model = given
    if arguments.protocol != "published":
        model = batch_independent(given, clips, fit=arguments.fit, jobs=arguments.jobs)
    saved = None
    if model is not given and _has_batch_statistics(given):
        saved = arguments.out.with_suffix(".calibrated.keras")
        with whole_file(saved) as temporary:
            model.save(temporary)
    return NetworkExtractor(model, weights_file=weights, **options), saved


def _has_batch_statistics(model: "keras.Model") -> bool:
    from mgc_keras.studies.choi2017.variants import options_of

    return options_of(model).normalization == "batch"
