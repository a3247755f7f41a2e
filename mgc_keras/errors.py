"""The errors that a user can cure: each is one line that names the file, the field and the cure."""

import re
from functools import partial
from pathlib import Path


class MgcKerasError(Exception):
    """Base of every error that this package raises for bad input.

    Parameters
    ----------
    problem : str
        What is wrong, in words a user understands.
    path : str or Path, optional
        The file or folder concerned.
    field : str, optional
        The column, option, layer or tensor concerned.
    cure : str, optional
        What to do about it.
    """

    def __init__(
        self, problem: str, *, path: str | Path | None = None, field: str | None = None, cure: str | None = None
    ) -> None:
        self.problem, self.path, self.field, self.cure = problem, path, field, cure
        # `Path` makes the slashes of a URL one.
        place = ": ".join(re.sub(r"^(\w{2,}:/)(?!/)", r"\1/", str(part)) for part in (path, field) if part is not None)
        line = (f"{place}: " if place else "") + problem + (f" ({cure})" if cure else "")
        # Names that files bring along may hold line breaks, and letters that steer a terminal.
        super().__init__(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: repr(found[0])[1:-1], line))

    def __reduce__(self) -> tuple:
        # Keyword-only arguments are lost by the default pickling that process pools rely on.
        return partial(type(self), path=self.path, field=self.field, cure=self.cure), (self.problem,)


class AudioError(MgcKerasError):
    """A clip that cannot be read or holds nothing usable."""


class DiskError(AudioError):
    """A clip that the disk did not give: missing, not to be read, or lost by a failure. Another run may have it."""


class ManifestError(MgcKerasError):
    """A manifest or card that breaks the schema."""


class OptionError(MgcKerasError):
    """An option with a value that makes no sense here."""


class WeightsError(MgcKerasError):
    """A weight or model file that cannot be read safely, or that belongs to another network."""
