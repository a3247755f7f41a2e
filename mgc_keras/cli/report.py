"""``mgc-keras report``: draw the figures and the report of a finished run again, from its saved files alone."""

import argparse
from pathlib import Path

HELP = "draw a run's figures and report.html again, from its saved files"
EPILOG = """\
example:
  mgc-keras report runs/choi2017
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``mgc-keras report``."""
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="a run folder: scores.csv, predictions/, …")


def run(arguments: argparse.Namespace) -> int:
    """Write the report. Return 0."""
    from mgc_keras.studies.common.report import write_report

    print(write_report(arguments.run_folder))
    return 0
