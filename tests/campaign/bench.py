"""What a kind of trial is: it makes one damaged input, gives it to the package, and judges what comes out.

A trial holds where it returns. It fails where it raises a `Fault`, or anything that the package should not have let
through; where its process dies, hangs, or takes more memory than it may.
"""

import io
import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

import mgc_keras
from mgc_keras.errors import MgcKerasError

PACKAGE = Path(mgc_keras.__file__).parent


class Fault(Exception):
    """What is wrong, in words that are the same for all trials of one group, and what was seen in this one."""

    def __init__(self, group: str, detail: str = "") -> None:
        super().__init__(f"{group}: {detail}")
        self.group, self.detail = group, detail


class Result(NamedTuple):
    """How a trial ended; `group` is empty where it held. `peak` is in MB, `size` in bytes, of what is kept."""

    kind: str
    number: int
    group: str
    note: str
    peak: float
    size: int = 0


class Bench(ABC):
    """Trials of one kind. It is made once in each process, and tries one damaged input at a time.

    Whatever a trial draws comes from its own generator: its number and the seed say which input it is.
    """

    name: ClassVar[str]
    share: ClassVar[float]  # trials for each clip of --n
    seconds: ClassVar[float] = 90  # a trial that takes longer hangs
    per_process: ClassVar[int] = 50

    def __init__(self, home: Path, seed: int) -> None:
        self.home, self.seed = home, seed
        self.note = ""

    @abstractmethod
    def trial(self, generator: np.random.Generator, folder: Path) -> None:
        """Leave the damaged input in `folder`, what was done to it in `note`; raise a `Fault` if it does not hold."""


def group_of(error: BaseException) -> str:
    """Say what a trial failed by: the fault, or the kind of an error and where in the package it came from."""
    if isinstance(error, Fault):
        return error.group
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    if not inside:
        return f"fault of the campaign itself: {type(error).__name__}"
    place = Path(inside[-1].filename).relative_to(PACKAGE)
    return f"crash: {type(error).__name__} in {place}: {inside[-1].name}"


def check_one_line(error: BaseException) -> None:
    """Raise a `Fault` where the message of an error that was expected is more than one line, or none."""
    if len(str(error).splitlines()) != 1:
        raise Fault(f"a {type(error).__name__} of {len(str(error).splitlines())} lines", repr(str(error)))


def refused(work, *arguments, errors: tuple = (MgcKerasError,), **options):
    """Return what `work` gives, and None; or None, and the error by which it refuses, which must be one line."""
    try:
        return work(*arguments, **options), None
    except errors as error:
        check_one_line(error)
        return None, error


@contextmanager
def listening() -> Iterator[list[str]]:
    """Give a list that fills with what a user is told otherwise: logs, warnings, standard error."""
    heard: list[str] = []
    stream = io.StringIO()
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stderr(stream):
            yield heard
    finally:
        heard.extend(stream.getvalue().splitlines())
        logging.getLogger().removeHandler(handler)
