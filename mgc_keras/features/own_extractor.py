"""A user's own extractor, named on the command line: ``--extractor module:Name``."""

import inspect
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.features.extractor import Extractor
from mgc_keras.files import sha256_of

_FIELD = "--extractor"
_NEEDED = ("name", "columns", "sampling_rate", "n_samples", "duration", "batch_size", "describe")


class OwnExtractor(Extractor):
    """An extractor of another's module; a table made with it names the module, and a hash of its file.

    So a run that was stopped does not go on with other code.

    Parameters
    ----------
    extractor : Extractor
    where : str
        ``module:Name``.
    source : path or None
        The module's file.
    """

    def __init__(self, extractor: Any, where: str, source: Path | None) -> None:
        self.extractor, self.where, self.source_sha256 = extractor, where, sha256_of(source) if source else None
        self.name, self.columns, self.batch_size = extractor.name, tuple(extractor.columns), extractor.batch_size
        self.sampling_rate, self.n_samples, self.duration = (
            extractor.sampling_rate, extractor.n_samples, extractor.duration,
        )  # fmt: skip
        # The rest may be left to the protocol.
        self.fit, self.batch_order = getattr(extractor, "fit", "repeat"), getattr(extractor, "batch_order", "file")
        self.seed, self.dtype = getattr(extractor, "seed", 0), getattr(extractor, "dtype", "float32")

    def __getattr__(self, name: str) -> Any:
        # What an extractor may have, too: streams, measured, spans, summarize ...
        if name.startswith("__") or name == "extractor":
            raise AttributeError(name)
        return getattr(self.extractor, name)

    def describe(self) -> dict[str, Any]:
        """Return what the extractor says of itself, and where it comes from."""
        return {**self.extractor.describe(), "module": self.where, "source_sha256": self.source_sha256}

    def __call__(self, waveforms: Any) -> np.ndarray:
        """Return the extractor's rows, if they are a row of a number a column for every waveform."""
        rows = np.asarray(self.extractor(waveforms))
        if rows.shape != (len(waveforms), len(self.columns)):
            problem = f"gave an array {rows.shape} for {len(waveforms)} waveforms and {len(self.columns)} columns"
            raise OptionError(problem, field=f"{_FIELD} {self.where}", cure="return a row for each waveform")
        return rows


def _no_such(module: Any, name: str) -> OptionError:
    kinds = [kind for kind, found in vars(module).items() if getattr(found, "__module__", "") == module.__name__]
    there = [kind for kind in kinds if all(hasattr(vars(module)[kind], needed) for needed in _NEEDED)]
    cure = f"choose one of {', '.join(there)}" if there else "write an extractor there: a class with a call"
    return OptionError(f"{module.__name__} holds no {name!r}", field=_FIELD, cure=cure)


def load_extractor(where: str) -> OwnExtractor:
    """Import an extractor by the name of its module and its own: a class that is made without arguments, or an object.

    Modules are looked for in the current folder first. Their code is run, as that of any program that you start.

    Parameters
    ----------
    where : str
        ``module:Name``, of an `mgc_keras.features.extractor.Extractor`.

    Raises
    ------
    OptionError
        There is no such module or name, the module fails, or what it holds is no extractor.
    """
    module_name, _, name = where.partition(":")
    if not (module_name and name.isidentifier()):
        cure = "give module:Name, such as my_features:Loudness"
        raise OptionError(f"{where!r} names no extractor", field=_FIELD, cure=cure)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = import_module(module_name)
        if not hasattr(module, name):
            raise _no_such(module, name)
        found = getattr(module, name)
        extractor = found() if isinstance(found, type) else found
    except ModuleNotFoundError as error:
        cure = f"run it in the folder of {error.name}.py, or install what is missing"
        raise OptionError(f"there is no module {error.name!r}", field=_FIELD, cure=cure) from error
    except OptionError:
        raise
    except Exception as error:
        raise OptionError(f"{where} fails: {error!r}", field=_FIELD, cure="mend the module") from error
    missing = [needed for needed in _NEEDED if not hasattr(extractor, needed)]
    if missing or not callable(extractor):
        problem = f"{where} is no extractor: it lacks {', '.join(missing) or 'a call'}"
        raise OptionError(problem, field=_FIELD, cure="see help(mgc_keras.features.extractor.Extractor)")
    try:
        json.dumps(extractor.describe())
    except TypeError as error:
        problem = f"{where} describes itself by what is no JSON: {error}"
        raise OptionError(
            problem, field=_FIELD, cure="describe it by texts, numbers, lists and dictionaries"
        ) from error
    source = inspect.getsourcefile(module)
    return OwnExtractor(extractor, where, Path(source) if source else None)
