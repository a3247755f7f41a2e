"""Silences libraries that write to the terminal on their own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence what decoders and TensorFlow print; Python's own messages and progress bars still appear.

    What decoders have to say about broken clips stands in the reports, with the clip's name.
    """
    if sys.stderr is None or sys.stderr is not sys.__stderr__:
        yield
        return
    sys.stderr.flush()
    # Libraries write to file descriptor 2, Python to a copy of it.
    terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(os.dup(terminal), "w", buffering=1, errors="backslashreplace")
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = sys.__stderr__
        os.dup2(terminal, 2)
        os.close(terminal)
