"""Choi, Fazekas, Sandler, Cho: Transfer learning for music classification and regression tasks (ISMIR 2017).

A convnet learns tags; its five layers' averages are features for other tasks, chosen and joined by an SVM search.

Paper: GTZAN genre 89.8 %, Extended Ballroom 86.7 %, speech/music 100 %, vocal 92.8 %, UrbanSound8K 71.4 %, emotion r²
0.633 (arousal) and 0.415 (valence), source AUC 0.849. Its features came out of batches of 256 in file order.

    python experiments/choi2017.py
        the whole study on the built-in corpus: trains, exports, searches, audits, reports. Minutes, no download.
    python experiments/choi2017.py --published-features DIR
        the authors' own features and lists: reproduces their recorded scores. About an hour and a half on 2 cores.
    python experiments/choi2017.py --data-home DIR --tasks my.csv --source-weights weights_layer4_theano.hdf5
        your clips (a manifest from `mgc-keras manifest`), the authors' network.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mgc_keras.errors import OptionError
from mgc_keras.studies.common.run import add_study_arguments, open_run, protocols_of, run_study

STUDY = "choi2017"


def build_parser() -> argparse.ArgumentParser:
    """Build the command line of the study."""
    parser = argparse.ArgumentParser(
        prog=STUDY, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_study_arguments(parser, default_out=f"runs/{STUDY}")
    data = parser.add_argument_group("data")
    data.add_argument(
        "--published-features", type=Path, metavar="DIR", help="the authors' folder: data_csv, data_feats"
    )
    data.add_argument("--source-weights", metavar="FILE|NAME", help="a trained network, instead of training one")
    data.add_argument(
        "--source-manifest", type=Path, metavar="CSV", help="tags to train the network on (label_<tag>, split)"
    )
    search = parser.add_argument_group("search")
    search.add_argument(
        "--layer-sets", default="all", metavar="SETS", help="all (31), published (28), or such as 1,12,12345"
    )
    search.add_argument(
        "--grid",
        choices=("authors", "reduced"),
        help="candidates of the SVM search: the authors' 32 (default) or 8 (default on the built-in corpus)",
    )
    search.add_argument(
        "--mfcc-budget",
        type=int,
        metavar="N",
        help="iterations of libsvm, for each pair of classes, on sets with unscaled MFCCs; candidates it cuts off are named "
        "in candidates/ (default: ten million, for SVC on MFCCs alone three, for SVR on other than the authors' features a "
        "hundred thousand; 0: no limit, takes hours)",
    )
    training = parser.add_argument_group("source training")
    training.add_argument("--epochs", type=int, default=20, help="default: %(default)s")
    training.add_argument("--batch-size", type=int, default=16, help="default: %(default)s")
    training.add_argument("--learning-rate", type=float, default=3e-3, help="of Adam (default: %(default)s)")
    training.add_argument(
        "--whole-clips",
        action="store_true",
        help="train on clips of 29 s, as the paper: four times the work of excerpts",
    )
    training.add_argument(
        "--source-clips", type=int, default=320, help="of the built-in tagging task (default: %(default)s)"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the study; every step leaves its files in the run folder and is skipped where they are complete."""
    # Imported here, so that --help does not wait for TensorFlow.
    from mgc_keras.studies.choi2017.audits.run import run_audits
    from mgc_keras.studies.choi2017.extractors import check_source, source_network
    from mgc_keras.studies.choi2017.steps import (
        compare,
        data_from_audio,
        data_from_authors,
        features_to_search,
        resolve_defaults,
        search_all,
        task_manifests,
    )
    from mgc_keras.studies.common.report import write_report

    if options.published_features and (options.data_home or options.source_weights):
        raise OptionError("already holds features", field="--published-features", cure="leave the audio options out")
    resolve_defaults(options)
    writer = open_run(STUDY, options)
    if options.published_features:
        source, rows, studies = None, [], data_from_authors(options)
    else:
        check_source(options)
        manifests = task_manifests(options, writer)  # a wrong task is refused before anything is trained
        source = source_network(options, writer)
        rows, studies = list(source.rows), data_from_audio(manifests, source, options, writer)
    for data in studies:
        for protocol in protocols_of(options):
            rows += search_all(STUDY, data, protocol, features_to_search(options, data, protocol), options, writer)
            writer.scores(rows)
    compare(rows, writer)
    run_audits(studies, rows, source, options, writer)
    report = write_report(writer.folder)
    print(f"scores: {writer.folder / 'scores.csv'}\nreport: {report}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    return run_study(build_parser(), run, arguments)


if __name__ == "__main__":
    sys.exit(main())
