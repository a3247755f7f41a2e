"""Asgharivaskasi et al.: Music genre recognition using deep learning (2019).

Classic classifiers, ImageNet networks on mel-spectrograms as pictures, and recurrent networks with and without a skip,
on whole clips, on 3-s segments that vote, and on the largest cluster of a segmented song.

Paper, on GTZAN: VGG16 75 %, ResNet34 79 %. One split, 70 % of the files to train on and 30 % to validate on, and the
best epoch on the latter: the published protocol. Corrected: artists on one side of the split, a validation part of the
training clips chooses, test clips are looked at once.

    python experiments/asgharivaskasi2019.py
        every sub-run on the built-in corpus, with networks from random start. No download.
    python experiments/asgharivaskasi2019.py rnn skip-rnn --seeds 5
        does the skip-GRU over-fit less than the GRU? Intervals over seeds.
    python experiments/asgharivaskasi2019.py --data-home GTZAN --tasks gtzan_genre.csv \\
        --backbone-weights vgg16=imagenet resnet34=resnet34.safetensors
        your clips (a manifest from `mgc-keras manifest`), with networks trained on ImageNet.
    python experiments/asgharivaskasi2019.py vgg16 --data-home GTZAN --tasks gtzan_genre.csv \\
        --trainable-from block5_conv1 --learning-rate 1e-4 --out runs/fine-tuned
        the backbone learns, too, from a layer on: slower, and resumable after each epoch.
    python experiments/asgharivaskasi2019.py vgg16-segmented --data-home SONGS --tasks songs.csv
        whole songs: each is segmented, its largest cluster stands for it. --segment does so in any sub-run.
"""

import argparse
import sys
from collections.abc import Sequence

from mgc_keras.studies.asgharivaskasi2019.sub_runs import SUB_RUNS
from mgc_keras.studies.common.run import add_study_arguments, open_run, run_study

STUDY = "asgharivaskasi2019"
POLICIES = ("one-cycle", "triangular", "triangular2", "exp-range", "constant")


def build_parser() -> argparse.ArgumentParser:
    """Build the command line of the study."""
    parser = argparse.ArgumentParser(
        prog=STUDY, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sub_runs", nargs="*", metavar="SUB_RUN", help=f"of {', '.join(SUB_RUNS)} (default: all of them)"
    )
    add_study_arguments(parser, default_out=f"runs/{STUDY}")
    _add_data(parser)
    _add_networks(parser)
    _add_training(parser)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument("--clips", type=int, default=100, help="of the built-in genre task (default: %(default)s)")
    data.add_argument(
        "--songs", type=int, default=40, help="of the built-in songs, for segmentation (default: %(default)s)"
    )
    data.add_argument(
        "--song-seconds", type=float, metavar="S", help="of each of these songs, from its start (default: whole songs)"
    )
    data.add_argument(
        "--seconds", type=float, default=29.0, help="of each clip; shorter ones are repeated (default: %(default)s)"
    )
    data.add_argument(
        "--segment",
        choices=("none", "3s", "largest-cluster"),
        default="none",
        help="what every sub-run sees and votes on whose name does not say so: whole clips (none, the default), segments of "
        "3 s, or the largest cluster of segmented songs; names of scores then end in -3s or -segmented",
    )
    data.add_argument("--share", type=float, default=0.3, help="of the clips held out (default: %(default)s)")


def _add_networks(parser: argparse.ArgumentParser) -> None:
    network = parser.add_argument_group("networks")
    network.add_argument(
        "--backbone-weights",
        nargs="+",
        metavar="WEIGHTS",
        help="imagenet, none (a random start) or a FILE, for all backbones or as vgg16=WEIGHTS resnet34=WEIGHTS "
        "(default: none on the built-in corpus, imagenet on your clips; ResNet34 has no download, give a safetensors file)",
    )
    network.add_argument(
        "--trainable-from",
        nargs="+",
        metavar="LAYER",
        help="train the backbone, too, from this layer on (block5_conv1 of VGG16, layer4.0.conv1 of ResNet34, …), for all "
        "or as vgg16=LAYER resnet34=LAYER; take a low --learning-rate (default: backbones are frozen)",
    )
    network.add_argument(
        "--recurrent-input",
        choices=("mfcc", "audio"),
        default="mfcc",
        help="what rnn and skip-rnn see: MFCC sequences, or raw audio as 30 steps of one second (default: %(default)s)",
    )
    network.add_argument(
        "--audio-rate",
        type=int,
        default=22050,
        metavar="HZ",
        help="of the raw audio (default: %(default)s, 2.6 MB a clip)",
    )
    network.add_argument("--units", type=int, default=64, help="of the recurrent layers (default: %(default)s)")
    network.add_argument(
        "--skip", type=int, default=4, metavar="K", help="steps back of the skip-GRU (default: %(default)s)"
    )
    network.add_argument(
        "--combination", choices=("add", "mean"), default="mean", help="how the skip joins (default: %(default)s)"
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=int, default=30, help="at most (default: %(default)s)")
    training.add_argument("--batch-size", type=int, default=16, help="default: %(default)s")
    training.add_argument("--optimizer", choices=("adam", "sgd"), default="adam", help="default: %(default)s")
    training.add_argument(
        "--policy", choices=POLICIES, default="one-cycle", help="of the learning rate (default: %(default)s)"
    )
    training.add_argument(
        "--learning-rate", type=float, default=1e-3, help="the highest, or the constant one (default: %(default)s)"
    )
    training.add_argument(
        "--find-rate", action="store_true", help="search each network's rate first (Smith 2017), and plot the search"
    )
    training.add_argument("--patience", type=int, metavar="N", help="epochs without lower validation loss that end it")
    training.add_argument("--seeds", type=int, default=1, metavar="N", help="train rnn and skip-rnn with N seeds")


def run(options: argparse.Namespace) -> int:
    """Run the study; every step leaves its files in the run folder and is skipped where they are complete."""
    # Imported here, so that --help does not wait for TensorFlow.
    from mgc_keras.runs.reader import RunFolder
    from mgc_keras.studies.asgharivaskasi2019.data import extractors_of, genre_manifests, resolve_defaults
    from mgc_keras.studies.asgharivaskasi2019.report import claims
    from mgc_keras.studies.asgharivaskasi2019.steps import check_options, compare, run_all
    from mgc_keras.studies.common.exports import write_errors
    from mgc_keras.studies.common.report import write_report
    from mgc_keras.training.stepping import prepare_tensorflow

    resolve_defaults(options)
    check_options(options)
    # One folder serves all sub-runs: which of them a command runs is no option of the run.
    of_run = {name: value for name, value in vars(options).items() if name != "sub_runs"}
    prepare_tensorflow()
    # Before the folder is taken: options that turn out wrong here must not stand in its way.
    extractors = extractors_of(options)
    writer = open_run(STUDY, argparse.Namespace(**of_run))
    manifests = genre_manifests(options, writer)
    rows = run_all(STUDY, manifests, extractors, options, writer)
    compare(rows, options, writer)
    write_errors(writer)
    report = write_report(writer.folder)
    for claim in claims(RunFolder(writer.folder)):
        print(claim.text)
    print(f"scores: {writer.folder / 'scores.csv'}\nreport: {report}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    return run_study(build_parser(), run, arguments)


if __name__ == "__main__":
    sys.exit(main())
