"""Ouyang: Music genre classification (2023).

Look at the clips, leave out broken ones, balance the genres, split them 80:9:10, and train two networks on pictures of
them: a frozen InceptionV3 with a small head, and a convolutional network from scratch. Both by SGD in batches of 32, at
most 500 epochs, the epoch of the lowest validation loss kept.

Paper, on GTZAN: InceptionV3 64 %, the network from scratch 73 %. The published protocol draws the three parts from all
clips of a genre. Corrected: copies out, artists on one side (for GTZAN its fault-filtered split), five seeds.

    python experiments/ouyang2023.py
        both networks on the built-in corpus, InceptionV3 from random weights. No download.
    python experiments/ouyang2023.py --data-home GTZAN --tasks gtzan_genre.csv --out runs/gtzan
        your clips (a manifest from `mgc-keras manifest`), with InceptionV3's ImageNet weights.
    python experiments/ouyang2023.py --data-home GTZAN --tasks gtzan_genre.csv --out runs/gtzan --predict song.mp3
        what the two trained networks say of a new clip.
    python experiments/ouyang2023.py cnn --patience 50 --learning-rate 1e-2
        one of them, with other settings.
"""

import argparse
import sys
from collections.abc import Sequence

from mgc_keras.studies.common.run import add_study_arguments, open_run, run_study

STUDY = "ouyang2023"
NETWORKS = ("inceptionv3", "cnn")


def build_parser() -> argparse.ArgumentParser:
    """Build the command line of the study."""
    parser = argparse.ArgumentParser(
        prog=STUDY, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(NETWORKS)} (default: both, and compare them)"
    )
    add_study_arguments(parser, default_out=f"runs/{STUDY}")
    data = parser.add_argument_group("data")
    data.add_argument("--clips", type=int, default=100, help="of the built-in genre task (default: %(default)s)")
    data.add_argument(
        "--seconds", type=float, default=29.0, help="of each clip; shorter ones are repeated (default: %(default)s)"
    )
    data.add_argument(
        "--minimum-duration",
        type=float,
        default=0.1,
        metavar="S",
        help="shorter clips are faulty (default: %(default)s)",
    )
    data.add_argument(
        "--parts", type=float, nargs=3, default=[80, 9, 10], metavar=("TRAINING", "VALIDATION", "TEST"),
        help="shares of each class (default: 80 9 10)",
    )  # fmt: skip
    data.add_argument(
        "--predict", nargs="+", metavar="CLIP", help="new clips to name the genre of (default: a test clip)"
    )
    network = parser.add_argument_group(
        "networks (what the paper does not state is chosen; see mgc_keras.studies.ouyang2023.networks)"
    )
    network.add_argument(
        "--backbone-weights",
        metavar="WEIGHTS",
        help="of InceptionV3: imagenet, none (a random start) or a FILE (default: none on the built-in corpus, imagenet on "
        "your clips)",
    )
    network.add_argument(
        "--image-size", type=int, nargs=2, default=[128, 256], metavar=("HEIGHT", "WIDTH"),
        help="of the picture that both see, in pixels (default: 128 256)",
    )  # fmt: skip
    network.add_argument(
        "--head-units", type=int, default=128, help="of InceptionV3's dense layer (default: %(default)s)"
    )
    network.add_argument(
        "--channels", type=int, nargs="+", default=[16, 32, 64, 128], help="of the cnn's blocks (default: 16 32 64 128)"
    )
    network.add_argument("--dense-units", type=int, default=64, help="of the cnn's dense layer (default: %(default)s)")
    network.add_argument("--dropout", type=float, default=0.3, help="of the cnn (default: %(default)s)")
    training = parser.add_argument_group("training")
    training.add_argument(
        "--epochs",
        nargs="+",
        metavar="N",
        help="at most; for both, or as inceptionv3=N cnn=N (default: 500; on the built-in corpus, so that it ends in "
        "minutes, inceptionv3=300 cnn=60)",
    )
    training.add_argument("--batch-size", type=int, default=32, help="default: %(default)s")
    training.add_argument(
        "--learning-rate",
        nargs="+",
        default=["inceptionv3=1e-4", "cnn=1e-3"],
        metavar="RATE",
        help="of SGD; for both, or one each: the paper names 1e-4 and 1e-3 (default: inceptionv3=1e-4 cnn=1e-3)",
    )
    training.add_argument(
        "--patience", type=int, default=20, metavar="N", help="epochs without lower validation loss that end it "
        "(default: %(default)s; not stated in the paper)",
    )  # fmt: skip
    training.add_argument(
        "--seeds",
        type=int,
        default=5,
        metavar="N",
        help="splits and starts of the corrected protocol (default: %(default)s)",
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the study; every step leaves its files in the run folder and is skipped where they are complete."""
    # Imported here, so that --help does not wait for TensorFlow.
    from mgc_keras.runs.reader import RunFolder
    from mgc_keras.studies.common.exports import write_errors
    from mgc_keras.studies.common.report import write_report
    from mgc_keras.studies.ouyang2023.data import genre_manifests, resolve_defaults
    from mgc_keras.studies.ouyang2023.report import claims
    from mgc_keras.studies.ouyang2023.steps import check_options, compare, predict_clips, run_all
    from mgc_keras.training.stepping import prepare_tensorflow

    resolve_defaults(options, NETWORKS)
    check_options(options)
    # One folder serves both networks and any new clip.
    of_run = {name: value for name, value in vars(options).items() if name not in ("networks", "predict")}
    writer = open_run(STUDY, argparse.Namespace(**of_run))
    prepare_tensorflow()
    if "inceptionv3" in options.networks and options.backbone_weights == "none":
        print("InceptionV3 starts from random weights: its scores say nothing of ImageNet transfer.")
    manifests = genre_manifests(options, writer)
    rows, faults, trained = run_all(STUDY, manifests, options, writer)
    compare(rows, options, writer)
    faults += predict_clips(trained, options, writer)
    write_errors(writer, faults)
    report = write_report(writer.folder)
    for claim in claims(RunFolder(writer.folder)):
        print(claim.text)
    for name in ("scores.csv", "seeds.csv", "new_clips.csv"):
        print(f"{name.split('.')[0].replace('_', ' ')}: {writer.folder / name}")
    print(f"report: {report}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    return run_study(build_parser(), run, arguments)


if __name__ == "__main__":
    sys.exit(main())
