"""``mgc-keras weights``: list, fetch and add the published weight files."""

import argparse

HELP = "list, fetch or add the published weight files"
EPILOG = """\
examples:
  mgc-keras weights list                          which files there are, and which are in the cache
  mgc-keras weights fetch choi2017_theano         download one, verified by its SHA-256
  mgc-keras weights add weights_layer4_theano.hdf5   put a file you have into the cache, verified

A name in this list can stand wherever a weight file is asked for:
  mgc-keras features music/ -o features.csv --weights choi2017_theano
The cache is $MGC_KERAS_CACHE, or your system's cache folder.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="show names, descriptions, and what the cache holds")
    fetch = actions.add_parser("fetch", help="download a file into the cache")
    fetch.add_argument("name", metavar="NAME", help="a name from the list")
    fetch.add_argument("--ref", help="commit or branch of the authors' repository (default: the listed commit)")
    fetch.add_argument("--address", help="another address to download from, such as a mirror")
    add = actions.add_parser("add", help="copy a file you have into the cache")
    add.add_argument("file", metavar="FILE", help="the weight file to add")
    add.add_argument("--name", help="the name that the file must have (default: the one its SHA-256 belongs to)")


def run(arguments: argparse.Namespace) -> int:
    """Do the chosen action; print the cached file's path last."""
    from mgc_keras.networks import registry

    if arguments.action == "fetch":
        path = registry.fetch_weights(arguments.name, ref=arguments.ref, address=arguments.address, progress=True)
        print(path)
    elif arguments.action == "add":
        name, path = registry.add_weights(arguments.file, arguments.name)
        print(f"{name}\n{path}")
    else:
        users = _users()
        for name, entry in registry.weight_files().items():
            place = registry.cached_path(name) if registry.is_cached(name) else "not in the cache"
            used = f"\n    used by default by {', '.join(users[name])}" if name in users else ""
            print(
                f"{name}\n    {entry.description}{used}\n    {entry.address()}\n    sha256 {entry.sha256}\n    {place}"
            )
        print(registry.cache_folder())
    return 0


def _users() -> dict[str, list[str]]:
    """Return, by the name of a weight file, the commands that take it where they are given none."""
    from mgc_keras.cli.main import commands

    users: dict[str, list[str]] = {}
    for command, module in commands().items():
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        for option in ("weights", "tag_weights"):
            if name := parser.get_default(option):
                users.setdefault(name, []).append(f"mgc-keras {command}")
    return users
