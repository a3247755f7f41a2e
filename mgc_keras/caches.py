"""A place for what numba compiles and Matplotlib lists, where neither this user nor the installation has one."""

import atexit
import importlib.util
import logging
import os
import shutil
import tempfile
from pathlib import Path


def provide_caches() -> None:
    """Name a temporary folder to numba and Matplotlib if they can write nowhere, and say so once.

    numba, by which librosa and this package compile, raises a `RuntimeError` where it can keep nothing: for a user
    without a home, say, and a package that another user installed. The folder goes away with this process; processes
    that it starts find it in their environment. To be called before any of them is imported.
    """
    if _are_provided():
        return
    folder = tempfile.mkdtemp(prefix="mgc_keras_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = folder
    os.environ.setdefault("MPLCONFIGDIR", folder)
    problem = "compiled code cannot be kept, and is compiled anew in every run"
    cure = "set NUMBA_CACHE_DIR to a folder that you may write"
    logging.getLogger("mgc_keras").warning("%s (%s)", problem, cure)


def _are_provided() -> bool:
    """Tell whether numba, which asks in this order, can write a folder: named, of the user, or beside the sources."""
    named, home = os.environ.get("NUMBA_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    if (named and _can_be_written(Path(named))) or _can_be_written(Path(os.path.expanduser(home))):
        return True
    return all(map(_can_be_written, _source_folders()))


def _source_folders() -> list[Path]:
    librosa = importlib.util.find_spec("librosa")
    return [Path(__file__).parent, *([Path(librosa.origin).parent] if librosa and librosa.origin else [])]


def _can_be_written(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or the folder itself in the nearest one above that is there."""
    # Without any home, "~" stays as it is: numba would make a folder of that name wherever it is run.
    if not folder.is_absolute():
        return False
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
