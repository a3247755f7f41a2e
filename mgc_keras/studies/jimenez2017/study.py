"""Jiménez and José: Music genre classification using deep neural networks (UPC, 2017).

MusicTaggerCRNN, trained on last.fm tags, becomes a genre classifier: as a feature extractor under a new classifier, and
fine-tuned from a layer up. A song is cut into excerpts of 29.12 s; its genre is found from all of them (mean, geometric
mean, nearest neighbours) or from the one at its centre.

Study: about 78 % on GTZAN. 30 songs a genre, 20 to train on and 10 to test on; Adam, batches of 100, 40 epochs.
Published protocol: one split by song, the last epoch (the published file is named after epoch 40). Corrected: three
folds, so that every song is tested once; artists on one side; a validation part of the training songs chooses the epoch.

    python experiments/jimenez2017.py
        both ways of training on whole songs of the built-in corpus. No download: the CRNN is first trained for a few
        minutes on the built-in tagging task, which is far from what the published weights have learnt.
    python experiments/jimenez2017.py --data-home SONGS --tasks songs.csv --weights music_tagger_crnn
        your songs (a manifest from `mgc-keras manifest`), with the published weights, by name or file.
    python experiments/jimenez2017.py finetune --from-layer conv4 --data-home SONGS --tasks songs.csv --weights FILE
        train from the fourth convolution up.
    mgc-keras classify SONG --weights runs/jimenez2017/songs__finetune.h5
        the genre of another song, with what was trained here.
"""

import argparse
import sys
from collections.abc import Sequence

from mgc_keras.studies.common.run import add_study_arguments, open_run, run_study

STUDY = "jimenez2017"
SUB_RUNS = ("extractor", "finetune")


def build_parser() -> argparse.ArgumentParser:
    """Build the command line of the study."""
    parser = argparse.ArgumentParser(
        prog=STUDY, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sub_runs", nargs="*", metavar="SUB_RUN", help=f"of {', '.join(SUB_RUNS)} (default: both of them)"
    )
    add_study_arguments(parser, default_out=f"runs/{STUDY}")
    data = parser.add_argument_group("songs")
    data.add_argument("--songs", type=int, default=100, help="of the built-in corpus (default: %(default)s)")
    data.add_argument(
        "--song-seconds", type=float, metavar="S", help="of each of these songs, from its start (default: whole songs)"
    )
    data.add_argument(
        "--drop", type=float, default=0.0, metavar="S", help="left out at each end of a song; the authors' reader drops 20 "
        "unless told otherwise (default: %(default)g, all of the song)",
    )  # fmt: skip
    data.add_argument(
        "--share", type=float, default=1 / 3, help="of the songs held out, published protocol (default: a third)"
    )
    data.add_argument("--k", type=int, default=5, help="neighbours an excerpt asks; not stated (default: %(default)s)")
    network = parser.add_argument_group("network")
    network.add_argument(
        "--weights",
        metavar="NAME|FILE",
        help="of a MusicTaggerCRNN, for instance music_tagger_crnn (default: trained here)",
    )
    network.add_argument(
        "--from-layer", default="gru1", metavar="LAYER",
        help="fine-tune from here up: time_norm, conv1 … conv4, gru1, gru2, head (default: %(default)s; not stated)",
    )  # fmt: skip
    network.add_argument(
        "--source-clips", type=int, default=320, help="of the built-in tagging task (default: %(default)s)"
    )
    network.add_argument("--source-epochs", type=int, default=4, help="over these (default: %(default)s)")
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=int, default=40, help="default: %(default)s, as in the study")
    training.add_argument("--batch-size", type=int, default=100, help="excerpts; default: %(default)s, as in the study")
    training.add_argument("--learning-rate", type=float, default=3e-3, help="Adam's; not stated (default: %(default)s)")
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the study; every step leaves its files in the run folder and is skipped where they are complete."""
    # Imported here, so that --help does not wait for TensorFlow.
    from mgc_keras.runs.reader import RunFolder
    from mgc_keras.studies.common.exports import write_errors
    from mgc_keras.studies.common.report import write_report
    from mgc_keras.studies.jimenez2017.data import song_manifests
    from mgc_keras.studies.jimenez2017.report import claims
    from mgc_keras.studies.jimenez2017.steps import check_options, compare, run_all
    from mgc_keras.studies.jimenez2017.trainer import start_network
    from mgc_keras.training.stepping import prepare_tensorflow

    check_options(options, SUB_RUNS)
    # One folder serves both sub-runs: which of them a command runs is no option of the run.
    of_run = {name: value for name, value in vars(options).items() if name != "sub_runs"}
    writer = open_run(STUDY, argparse.Namespace(**of_run))
    prepare_tensorflow()
    # Wrong manifests and weights are refused before anything is trained.
    manifests = song_manifests(options, writer)
    network = start_network(options, writer)
    rows, models = run_all(STUDY, manifests, network, options, writer)
    compare(rows, SUB_RUNS, options, writer)
    write_errors(writer, pattern="excerpts/*/errors.csv")
    report = write_report(writer.folder)
    for claim in claims(RunFolder(writer.folder)):
        print(claim.text)
    for model in models:
        print(f"model: {model} (for mgc-keras classify --weights)")
    print(f"scores: {writer.folder / 'scores.csv'}\nreport: {report}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    return run_study(build_parser(), run, arguments)


if __name__ == "__main__":
    sys.exit(main())
