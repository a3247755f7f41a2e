"""The console command ``mgc-keras``: finds the sub-command, runs it, and turns errors into one readable line."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from mgc_keras._version import __version__
from mgc_keras.terminal import guarded

# Each is a module `mgc_keras.cli.<name>` with HELP, EPILOG, add_arguments(parser) and run(arguments) -> exit code.
COMMANDS = (
    "check", "manifest", "corpus", "features", "scattering", "segment", "plot", "classify", "tag", "weights", "report",
)  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of ``mgc-keras`` with all its sub-commands."""
    parser = argparse.ArgumentParser(
        prog="mgc-keras",
        description="Music-genre classification: check a folder of music, make manifests, export features, classify and tag songs.",
    )
    parser.add_argument("--version", action="version", version=f"mgc-keras {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"mgc_keras.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mgc-keras`` with `arguments` (default: the command line) and return its exit code."""

    words = sys.argv[1:] if arguments is None else list(arguments)

    def work() -> int:
        parsed = build_parser().parse_args(words)
        return parsed.run(parsed)

    return guarded(work, " ".join(["mgc-keras", *words[:1]]))


if __name__ == "__main__":
    sys.exit(main())
