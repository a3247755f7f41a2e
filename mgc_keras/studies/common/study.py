"""What a study is: a paper rebuilt as options, repairs and steps; and where all of them are found."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Generic

from mgc_keras.checks import checked_choice
from mgc_keras.discovery import STUDIES, by_study
from mgc_keras.protocols import Protocol, Repair, protocol_named
from mgc_keras.studies.common.options import Options
from mgc_keras.studies.common.paper import Paper


@dataclass(frozen=True)
class Study(Generic[Options]):
    """A paper, rebuilt.

    A study lives in ``mgc_keras/studies/<key>/``. Its module ``study`` holds `STUDY` and needs no TensorFlow; its
    module ``steps`` holds ``run(run)``, which is imported once the options are known to make sense. ``report`` and
    ``claims`` are found there, too.

    Parameters
    ----------
    key : str
        Names its folder, its script and its runs.
    title : str
        Authors, title and year, in one line.
    about : str
        What ``--help`` says: what the study does, what the paper prints, examples of commands.
    options : type
        A frozen dataclass of sections; see `mgc_keras.studies.common.options`.
    repairs : tuple of Repair
        The faults of the original that the corrected protocol mends.
    paper : Paper, optional
        What the paper prints and claims.
    """

    key: str
    title: str
    about: str
    options: type[Options]
    repairs: tuple[Repair, ...] = ()
    paper: Paper | None = None

    def protocol(self, name: str) -> Protocol:
        """Return one of its protocols by name."""
        return protocol_named(name, self.repairs)

    def steps(self) -> Callable[[Any], None]:
        """Import the steps: TensorFlow and all that takes seconds to load."""
        return import_module(f"{STUDIES}.{self.key}.steps").run


def studies() -> dict[str, Study]:
    """Return every study by its key."""
    return {key: module.STUDY for key, module in by_study("study").items()}


def study_named(key: str, *, field: str = "STUDY", path: Path | None = None) -> Study:
    """Return a study, or raise an `OptionError` that names those that exist, with the field and file of the key."""
    known = studies()
    return known[checked_choice(field, key, known, path)]
