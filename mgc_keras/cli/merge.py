"""``mgc-keras merge``: joins the parts of an export into the files that one machine would have written."""

import argparse
import json
from pathlib import Path

from mgc_keras.cli._clips import exit_code, say_damaged

HELP = "join the parts of a table or of sequences that several machines computed with --part"
EPILOG = """\
how it works:
  'mgc-keras features' and 'mgc-keras scattering' take --part I/N: they compute the I-th of N parts alone, into
  FILE.csv.part-I-of-N beside FILE.csv. Each part is one command, on any machine that sees the same clips and the same
  output folder. One that was stopped goes on when called again; one that is finished says so and does nothing.
  When all N are there, 'mgc-keras merge FILE.csv' writes FILE.csv, FILE.json and FILE_errors.csv, to the last byte what
  one machine would have written, and removes the parts. It needs no clips, no weights and no TensorFlow.

which clips are in which part:
  The batches are those of the whole. In their order, the first N-th of them is part 1, and so on: neighbouring files,
  as many clips a part as in any other, up to a batch. Where clips are cut by --window and differ much in length, take
  more parts than machines.

what is refused, by name and before anything is written:
  a part that is missing, unfinished or damaged; one that is there twice; parts computed with other settings, weights,
  clips or versions; a file that is no part; an output that would take the place of another kind of file.
  Clips that the disk failed to give stand in FILE_errors.csv; the parts are kept then, and a line says which to run
  again.

examples:
  mgc-keras features my_music -o mfcc.csv --part 1/2        on one machine
  mgc-keras features my_music -o mfcc.csv --part 2/2        on another
  mgc-keras merge mfcc.csv                                  on either, when both are done

  a SLURM array job, job.sh:
    #!/bin/bash
    #SBATCH --array=1-10 --cpus-per-task=4 --time=04:00:00
    srun mgc-keras features my_music -o mfcc.csv --jobs 4 --part $SLURM_ARRAY_TASK_ID/10

    job=$(sbatch --parsable job.sh)
    sbatch --dependency=afterany:$job --wrap "mgc-keras merge mfcc.csv"

  10 stands for $SLURM_ARRAY_TASK_COUNT, which is another number when some tasks are submitted again
  (sbatch --array=3,7 job.sh). afterany, since a part with a clip that cannot be read ends with exit code 1.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("out", metavar="FILE", type=Path, help="the output that the parts were computed for (-o)")
    parser.add_argument("--keep", action="store_true", help="leave the parts where they are")


def resumes(arguments: argparse.Namespace) -> bool:
    """Tell whether the same command goes on where it was stopped."""
    return True


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras merge`` and return its exit code."""
    from mgc_keras.features.merging import merge_parts
    from mgc_keras.features.plan import errors_file

    output = merge_parts(arguments.out, keep=arguments.keep)
    about = json.loads(output.with_suffix(".json").read_text("utf-8"))
    n_clips, n_failed = about["source"]["n_clips"], about["n_failed"]
    print(f"merge: {n_clips - n_failed} of {n_clips} clips")
    if n_failed:
        print(f"{n_failed} of {n_clips} clips failed: {errors_file(output)} says why")
    print(errors_file(output), output.with_suffix(".json"), output, sep="\n")
    say_damaged("merge", about.get("remarks", {}), n_clips)
    return exit_code(n_failed, n_clips)
