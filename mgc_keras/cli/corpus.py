"""``mgc-keras corpus``: render the built-in corpus into a folder."""

import argparse
from pathlib import Path

from mgc_keras.errors import OptionError

HELP = "render the built-in corpus (music, voices, speech, dances, noises), with no download"
EPILOG = """examples:
  mgc-keras corpus list                          name the tasks
  mgc-keras corpus genre -o corpus/genre         200 clips of ten genres and their manifest
  mgc-keras corpus all -o corpus --jobs 2        every task, each in its own sub-folder
  mgc-keras corpus genre -o small --clips 20 --duration 10 --sampling-rate 12000

An interrupted command goes on where it stopped when it is given again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("task", help="name of a task, 'all', or 'list' to see the names")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder for the clips and the manifest")
    parser.add_argument("--clips", type=int, metavar="N", help="number of clips of each task (default: the task's own)")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of artists and clips; another one gives others (default: 0)"
    )
    parser.add_argument("--sampling-rate", type=int, default=22050, metavar="HZ", help="sampling rate (default: 22050)")
    parser.add_argument(
        "--duration", type=float, metavar="SECONDS", help="length of every clip (default: the task's own)"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="number of processes; -1 takes one for each core (default: 1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Render the task; print the manifest's path last."""
    from mgc_keras.corpus import TASKS, write_corpus
    from mgc_keras.corpus.tasks import task_named

    if arguments.task == "list":
        for name, task in TASKS.items():
            print(f"{name:14}{task.n_clips:5} clips  {task.description}")
        return 0
    names = list(TASKS) if arguments.task == "all" else [arguments.task]
    task_named(names[0])
    if arguments.output is None:
        raise OptionError("is missing", field="--output", cure="say where the clips shall go: -o DIR")
    manifests = []
    for name in names:
        folder = arguments.output / name if arguments.task == "all" else arguments.output
        manifests.append(
            write_corpus(
                name,
                folder,
                arguments.clips,
                arguments.seed,
                arguments.sampling_rate,
                arguments.duration,
                arguments.jobs,
            )
        )
    for manifest in manifests:
        print(manifest)
    return 0
