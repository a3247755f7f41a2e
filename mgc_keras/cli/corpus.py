"""``mgc-keras corpus``: render the built-in corpus into a folder."""

import argparse
from pathlib import Path

from mgc_keras.cli._clips import add_value
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
    add_value(parser, "--clips", int, "N", "number of clips of each task (default: the task's own)")
    add_value(parser, "--seed", int, None, "seed of artists and clips; another one gives others (default: 0)", 0)
    add_value(parser, "--sampling-rate", int, "HZ", "sampling rate (default: 22050)", 22050)
    add_value(parser, "--duration", float, "SECONDS", "length of every clip (default: the task's own)")
    add_value(parser, "--jobs", int, "N", "number of processes; -1 takes one for each core (default: 1)", 1)


def resumes(arguments: argparse.Namespace) -> bool:
    """Tell whether the same command goes on where it was stopped."""
    return arguments.task != "list"


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
    clips = (arguments.clips, arguments.seed, arguments.sampling_rate, arguments.duration)
    manifests = []
    for name in names:
        folder = arguments.output / name if arguments.task == "all" else arguments.output
        manifests.append(write_corpus(name, folder, *clips, jobs=arguments.jobs))
    print(*manifests, sep="\n")
    return 0
