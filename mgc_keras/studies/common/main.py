"""The command line of a study: from words to a report, the same way for all of them."""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mgc_keras.progress import hidden_progress
from mgc_keras.protocols import protocols_of
from mgc_keras.studies.common.options import Parser, add_options, add_quiet, options_from
from mgc_keras.studies.common.study import Study
from mgc_keras.terminal import EXIT_CODES, guarded, quiet_libraries
from mgc_keras.threads import one_thread

if TYPE_CHECKING:
    from mgc_keras.studies.common.run import Run


def add_study_options(parser: argparse.ArgumentParser, study: Study) -> None:
    """Add a study's description, options and repairs to a parser."""
    parser.description = f"{study.title}\n\n{study.about}"
    lines = [f"  {repair.name:22}{repair.fault}\n{'':24}corrected: {repair.cure}" for repair in study.repairs]
    repairs = ["repairs that the corrected protocol makes:", *lines, ""] if lines else []
    parser.epilog = "\n".join([*repairs, EXIT_CODES])
    add_options(parser, study.options)
    add_quiet(parser)


def main(study: Study, arguments: Sequence[str] | None = None) -> int:
    """Run a study from `arguments` (default: the command line) and return its exit code; see `guarded`."""
    parser = Parser(prog=study.key)
    add_study_options(parser, study)
    namespace = parser.parse_args(arguments)
    is_quiet = getattr(namespace, "quiet", False)

    def work() -> int:
        with hidden_progress(is_quiet):
            return run_parsed(study, namespace).exit_code

    return guarded(work, parser.prog, resumes=lambda: True, at_exit=arguments is None, quiet=is_quiet)


def run_parsed(study: Study, namespace: argparse.Namespace) -> "Run":
    """Run a study with the options of a parsed command line; every step that is done already is skipped.

    Returns
    -------
    Run
        Finished: its folder holds scores, predictions, comparisons, errors, claims and the report.
    """
    with quiet_libraries():
        options = options_from(study.options, namespace)
        protocols_of(study.repairs, options.run.protocol, options.run.without)  # refused before anything is loaded
        # Imported here, so that --help and wrong options do not wait for TensorFlow.
        import tensorflow as tf

        from mgc_keras.execution import set_precision
        from mgc_keras.runs.reader import RunFolder
        from mgc_keras.studies.common.report import write_report
        from mgc_keras.studies.common.run import Run

        set_precision(options.run.precision)
        # Advice to programmers: on the .h5 format, and on functions traced more than once.
        for logger in (tf.get_logger(), logging.getLogger("absl")):
            logger.setLevel(logging.ERROR)
        steps = study.steps()
        with Run(study, options) as run, one_thread():
            steps(run)
            if run.only_trains:
                print("the training is over; worker 0 goes on with the run, this one has nothing left to do")
                return run
            run.write_errors()
            report = write_report(run.folder)
        for claim in RunFolder(run.folder).claims:
            print(claim.text())
        for label, path in run.results:
            print(f"{label}: {path}")
        print(f"scores: {run.folder / 'scores.csv'}\nreport: {report}")
        return run
