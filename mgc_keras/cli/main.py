"""The console command ``mgc-keras``: finds the sub-command, runs it, and turns errors into one readable line."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import shtab

from mgc_keras._version import __version__
from mgc_keras.discovery import modules_in
from mgc_keras.progress import hidden_progress
from mgc_keras.studies.common.options import Parser, add_quiet
from mgc_keras.terminal import EXIT_CODES, guarded


def commands() -> dict[str, ModuleType]:
    """Find the commands: the modules of `mgc_keras.cli` with HELP, EPILOG, add_arguments(parser) and run(arguments).

    One that can go on where it was stopped has resumes(arguments), too, which tells whether it does.
    """
    modules = {module.__name__.rpartition(".")[2]: module for module in modules_in("mgc_keras.cli")}
    return {name: module for name, module in modules.items() if hasattr(module, "HELP")}


# What values that are files are called in --help.
_FILES = re.compile(r"FILE|PATH|CSV|CLIP|SONG|RUN|FEATURES|OTHER|MANIFEST|WEIGHTS|TASK|ADDRESS")


def build_parser(*, completes: bool = False) -> argparse.ArgumentParser:
    """Build the parser of ``mgc-keras`` with all its sub-commands; `completes`: for a shell, with names of values."""
    parser = Parser(
        prog="mgc-keras",
        description="Music-genre classification: check music, make manifests, export features, classify and tag songs.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"mgc-keras {__version__}")
    shtab.add_argument_to(parser, help="print a script by which your shell completes words at the Tab key; it says how")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in commands().items():
        epilog = f"{module.EPILOG.rstrip()}\n\n{EXIT_CODES}"
        texts = {"help": module.HELP, "description": module.HELP, "epilog": epilog}
        command = subparsers.add_parser(name, **texts)
        module.add_arguments(command)
        command.set_defaults(run=module.run, resumes=getattr(module, "resumes", lambda _: False), quiet=False)
        for below in _with_those_below(command):
            if "--quiet" not in below._option_string_actions:
                add_quiet(below)
            _complete_paths(below, _names_of_values(below) if completes else {})
    return parser


def _with_those_below(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _with_those_below(below)


def _names_of_values(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Return the names that options and arguments of a command take beside others: sets, weights, datasets."""
    from mgc_keras.cli.features import SETS
    from mgc_keras.datasets.cards import card_names
    from mgc_keras.networks.registry import weight_files

    weights = [*weight_files()]
    names = {"features": [*SETS], "weights": weights, "dataset": [*card_names(), "folder", "cut", "list"]}
    return names | ({"name": weights} if parser.prog.endswith("weights fetch") else {})


def _complete_paths(parser: argparse.ArgumentParser, names: Mapping[str, list[str]]) -> None:
    """Tell shells which values they complete by the files that are there, and by names."""
    for action in parser._actions:
        is_positional = not action.option_strings
        if action.dest in names and not action.choices and is_positional == (action.dest in ("dataset", "name")):
            function = f"_mgc_keras_{re.sub('[^a-z]', '_', parser.prog)}_{action.dest}"
            files = "" if is_positional else '; compgen -f -- "$1"'
            bash = f'{function}() {{ compgen -W "{" ".join(names[action.dest])}" -- "$1"{files}; }}'
            action.complete = {**shtab.FILE, "bash": function, "preamble": {"bash": bash}}  # type: ignore[attr-defined]
        elif action.nargs != 0 and not action.choices:
            metavar = str(action.metavar)
            if metavar == "DIR":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif action.type is Path or _FILES.search(metavar):
                action.complete = shtab.FILE  # type: ignore[attr-defined]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mgc-keras`` with `arguments` (default: the command line) and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parsed = None

    def work() -> int:
        nonlocal parsed
        completes = any(word.startswith("--print-completion") for word in words)
        parsed = build_parser(completes=completes).parse_args(words)
        with hidden_progress(parsed.quiet):
            return parsed.run(parsed)

    is_quiet = not {"-q", "--quiet"}.isdisjoint(words)
    program, resumes = " ".join(["mgc-keras", *words[:1]]), lambda: parsed is not None and parsed.resumes(parsed)
    return guarded(work, program, resumes=resumes, at_exit=arguments is None, quiet=is_quiet)


if __name__ == "__main__":
    sys.exit(main())
