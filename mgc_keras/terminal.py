"""What commands share at the terminal: errors in one line, Ctrl-C, and silence of libraries that write on their own."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mgc_keras.errors import MgcKerasError


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence what decoders and TensorFlow print; Python's own messages and progress bars still appear.

    What decoders have to say about broken clips stands in the reports, with the clip's name.
    """
    own = sys.__stderr__
    if own is None or sys.stderr is not own:
        yield
        return
    own.flush()
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
        sys.stderr = own
        os.dup2(terminal, 2)
        os.close(terminal)


def guarded(work: Callable[[], int], program: str) -> int:
    """Run `work`; a user's error becomes one line on standard error and exit code 2, Ctrl-C becomes 130."""
    # TensorFlow's start-up notes are no news to a user; a setting made outside wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A file name that the terminal cannot show must not end the work.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return work()
    except BrokenPipeError:
        # Whoever read the output (`| head`) has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (MgcKerasError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: stopped; the same command goes on from here", file=sys.stderr)
        return 130
