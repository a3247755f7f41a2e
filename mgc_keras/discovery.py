"""Finds what rooms above offer to rooms below, by place instead of by a list that somebody must keep."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

STUDIES = "mgc_keras.studies"
# Networks that no study is about.
PUBLISHED = "mgc_keras.published"
# The folder among the studies' that is none: what they share.
COMMON = "common"


def module_names(package: str) -> list[str]:
    """Return the names of a package's modules, sorted, without importing them; a leading underscore hides a module.

    Example
    -------
    >>> module_names("mgc_keras.datasets.builders")[:2]
    ['artists1517', 'ballroom_extended']
    """
    names = (found.name for found in iter_modules(import_module(package).__path__))
    return sorted(name for name in names if not name.startswith("_"))


def modules_in(package: str) -> Iterator[ModuleType]:
    """Import every module of a package that `module_names` lists, in that order."""
    for name in module_names(package):
        yield import_module(f"{package}.{name}")


def names_by_study(name: str, package: str = STUDIES) -> dict[str, str]:
    """Return the full name of this module of every study that has one, by the study's key: the name of its folder.

    `package` is another one whose folders are searched.
    """
    folders = iter_modules(import_module(package).__path__)
    keys = [found.name for found in folders if found.ispkg and found.name != COMMON]
    modules = {key: f"{package}.{key}.{name}" for key in keys}
    return {key: module for key, module in modules.items() if find_spec(module) is not None}


def by_study(name: str) -> dict[str, ModuleType]:
    """Import the module of this name of every study that has one, by the study's key."""
    return {key: import_module(module) for key, module in names_by_study(name).items()}


def modules_named(name: str) -> list[ModuleType]:
    """Import the module of this name of every study, then of every published network, that has one.

    It is what they add to the package. The rooms below know the module's name, never the study or network.
    """
    published = names_by_study(name, PUBLISHED).values()
    return [*by_study(name).values(), *map(import_module, published)]
