"""Song, Wang, Han, Ding: Transfer learning for music genre classification (2017).

Scattering coefficients go through five GRU layers. Trained on tags first and then on genres, the network is compared
with the same network trained on genres from random weights, on the same folds.

Paper, on GTZAN: 93.5 % from random weights, 95.8 % after MagnaTagATune (188 tags); with pre-training it learns in fewer
epochs. Ten repetitions of shuffled 10-fold cross-validation; nothing keeps an artist's clips in one fold.

    python experiments/song2017.py
        the whole study on the built-in corpus with a narrow network. No download.
    python experiments/song2017.py --seeds 5
        the same over five seeds, with intervals: five times the training.
    python experiments/song2017.py pretrain --paper-size --source-manifest magnatagatune.csv --source-home DIR
    python experiments/song2017.py finetune --paper-size --source-manifest magnatagatune.csv --source-home DIR \\
        --manifest gtzan_genre.csv --data-home GTZAN
        the paper's sizes: five layers of 512, a rate of 1e-5, the clips of folder f held out. Meant for
        a GPU, where --reset-after takes the variant of the network that cuDNN runs.
    python experiments/song2017.py --manifest my.csv --data-home DIR
        your clips (a manifest from `mgc-keras manifest`), pre-trained on the built-in corpus.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mgc_keras.studies.common.run import add_study_arguments, open_run, run_study
from mgc_keras.studies.song2017.sizes import PAPER, QUICK

STUDY = "song2017"
STEPS = ("pretrain", "finetune", "all")


def build_parser() -> argparse.ArgumentParser:
    """Build the command line of the study."""
    parser = argparse.ArgumentParser(
        prog=STUDY, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=STEPS, default="all", help="what to do (default: %(default)s)")
    add_study_arguments(parser, default_out=f"runs/{STUDY}")
    _add_data_arguments(parser.add_argument_group("data"))
    _add_network_arguments(parser.add_argument_group("network"))
    _add_training_arguments(parser.add_argument_group("training"))
    return parser


def _default(name: str) -> str:
    return f"default: {QUICK[name]:g}; with --paper-size {PAPER[name]:g}"


def _add_data_arguments(data: argparse._ArgumentGroup) -> None:
    data.add_argument(
        "--manifest", dest="tasks", nargs=1, metavar="CSV", help="the clips to fine-tune on, as --tasks CSV"
    )
    data.add_argument(
        "--source-manifest", type=Path, metavar="CSV", help="tags to pre-train on (default: built-in corpus)"
    )
    data.add_argument(
        "--source-home", type=Path, metavar="DIR", help="folder of its clips (default: the manifest's own)"
    )
    data.add_argument(
        "--source-validation",
        metavar="RULE",
        help="clips that choose the epoch: split (the default), folder:NAME or last:COUNT; with --paper-size and "
        "--source-manifest folder:f",
    )
    data.add_argument(
        "--source-tags", type=int, metavar="N", help="pre-train on the N most frequent tags (default: all)"
    )
    data.add_argument(
        "--source-model", type=Path, metavar="FILE", help="a pre-trained network, instead of training one"
    )
    data.add_argument(
        "--source-clips", type=int, default=400, help="of the built-in tagging task (default: %(default)s)"
    )
    data.add_argument("--target-clips", type=int, default=200, help="of the built-in genre task (default: %(default)s)")
    data.add_argument(
        "--seconds", type=float, default=29.0, help="taken from the start of each clip (default: %(default)s)"
    )
    data.add_argument("--J", type=int, default=13, help="frames of 2^J samples at 16 kHz (default: %(default)s)")
    data.add_argument("--Q", type=int, default=8, help="wavelets an octave (default: %(default)s)")


def _add_network_arguments(network: argparse._ArgumentGroup) -> None:
    network.add_argument("--paper-size", action="store_true", help="default sizes, rates and folds of the paper")
    network.add_argument("--width", type=int, help=f"units a layer ({_default('width')})")
    network.add_argument("--depth", type=int, help=f"GRU layers ({_default('depth')})")
    network.add_argument("--dropout", type=float, default=0.7, help="between layers (default: %(default)s, as printed)")
    network.add_argument(
        "--dropout-meaning",
        choices=("kept", "dropped"),
        default="kept",
        help="what share that is; the paper does not say (default: %(default)s)",
    )
    network.add_argument(
        "--clip-output", choices=("last", "mean"), default="last", help="of the top layer (default: %(default)s)"
    )
    network.add_argument("--reset-after", action="store_true", help="the variant of the GRU that cuDNN runs on a GPU")


def _add_training_arguments(training: argparse._ArgumentGroup) -> None:
    training.add_argument(
        "--source-epochs", type=int, metavar="N", help=f"at most, of pre-training ({_default('source_epochs')})"
    )
    training.add_argument("--source-learning-rate", type=float, metavar="RATE", help=_default("source_learning_rate"))
    training.add_argument(
        "--patience", type=int, metavar="N", help="epochs without gain that end it (default: %(default)s)", default=8
    )
    training.add_argument("--epochs", type=int, metavar="N", help=f"of fine-tuning ({_default('epochs')})")
    training.add_argument(
        "--learning-rate", type=float, metavar="RATE", help=f"of fine-tuning ({_default('learning_rate')})"
    )
    training.add_argument("--batch-size", type=int, default=16, help="default: %(default)s")
    training.add_argument(
        "--folds", type=int, metavar="N", help="of the published protocol (default: 10; 5 on the built-in corpus)"
    )
    training.add_argument(
        "--repetitions", type=int, metavar="N", help=f"of the cross-validation ({_default('repetitions')})"
    )
    training.add_argument("--seeds", type=int, default=1, metavar="N", help="repeat all training with N seeds")
    training.add_argument(
        "--published-epoch",
        choices=("best", "last"),
        default="best",
        help="the epoch of a fold that the published protocol quotes: the paper does not say, and shows test curves; "
        "the best one on the test clips (default), or the last",
    )


def run(options: argparse.Namespace) -> int:
    """Run the study; every step leaves its files in the run folder and is skipped where they are complete."""
    # Imported here, so that --help does not wait for TensorFlow.
    from mgc_keras.runs.reader import RunFolder
    from mgc_keras.studies.common.report import write_report
    from mgc_keras.studies.song2017.data import resolve_defaults, target_manifests
    from mgc_keras.studies.song2017.report import claims
    from mgc_keras.studies.song2017.steps import (
        audit_scattering,
        check_options,
        check_pretrained,
        fine_tune_all,
        pretrain_all,
        save_tagger,
        source_rows,
        write_scores,
    )
    from mgc_keras.training.stepping import prepare_tensorflow

    resolve_defaults(options)
    check_options(options)
    # One folder serves all steps: which of them a command runs is no option of the run.
    of_run = {name: value for name, value in vars(options).items() if name != "step"}
    writer = open_run(STUDY, argparse.Namespace(**of_run))
    prepare_tensorflow()
    if options.step == "finetune":
        check_pretrained(options, writer)
    # A wrong manifest is refused before anything is trained.
    targets = target_manifests(options, writer) if options.step != "pretrain" else []
    if options.step != "finetune":
        pretrain_all(options, writer)
    tagger = save_tagger(options, writer)
    tuned = fine_tune_all(targets, options, writer)
    write_scores(STUDY, source_rows(STUDY, options, writer), tuned, options, writer)
    if targets:
        audit_scattering(targets[0], options, writer)
    report = write_report(writer.folder)
    for claim in claims(RunFolder(writer.folder)):
        print(claim.text)
    if tagger:
        print(f"tagger: {tagger} (mono waveforms of {options.seconds:g} s at 16 kHz in, tags out)")
    print(f"scores: {writer.folder / 'scores.csv'}\nreport: {report}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    return run_study(build_parser(), run, arguments)


if __name__ == "__main__":
    sys.exit(main())
