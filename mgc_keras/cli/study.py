"""``mgc-keras study``: the five studies, from an installed package."""

import argparse

from mgc_keras.studies.common.main import add_study_options, run_parsed
from mgc_keras.studies.common.study import studies, study_named

HELP = "list the studies, run one, or tell what its paper prints and claims"
EPILOG = """\
examples:
  mgc-keras study list
  mgc-keras study paper choi2017
  mgc-keras study run choi2017                          the whole study on the built-in corpus, no download
  mgc-keras study run choi2017 --help                   its options, and the faults that it mends
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="name the studies")
    paper = actions.add_parser("paper", help="tell what a study's paper prints and claims")
    paper.add_argument("study", metavar="STUDY", help="its key, as 'mgc-keras study list' shows it")
    run = actions.add_parser("run", help="run a study")
    chosen = run.add_subparsers(dest="study", metavar="STUDY", required=True)
    for study in studies().values():
        add_study_options(chosen.add_parser(study.key, help=study.title), study)


def resumes(arguments: argparse.Namespace) -> bool:
    """Tell whether the same command goes on where it was stopped."""
    return arguments.action == "run"


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras study`` and return its exit code."""
    if arguments.action == "list":
        for study in studies().values():
            print(f"{study.key:20}{study.title}")
        return 0
    study = study_named(arguments.study)
    if arguments.action == "paper":
        print(study.paper.describe() if study.paper else f"{study.title}\nNothing is known of what it prints.")
        return 0
    return run_parsed(study, arguments).exit_code
