"""What commands share at the terminal: errors in one line, how they are stopped, and silence of libraries."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

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


# Asked to end: by `kill`, a batch system or a container; by a terminal that was closed.
_ENDS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _ended_by_exception() -> Iterator[None]:
    """Let a request to end unwind the work as Ctrl-C does: workers are stopped and unfinished files removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # Signals are the main thread's; one that is ignored (nohup) stays so.
    here = threading.current_thread() is threading.main_thread()
    taken = [number for number in _ENDS if here and signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def guarded(work: Callable[[], int], program: str) -> int:
    """Run `work`; a user's error becomes one line on standard error and exit code 2.

    Ctrl-C becomes 130, SIGTERM 143 and SIGHUP 129, after what is unfinished is put away.
    """
    # TensorFlow's start-up notes are no news to a user; a setting made outside wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A file name that the terminal cannot show must not end the work.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _ended_by_exception():
            return work()
    except BrokenPipeError:
        # Whoever read the output (`| head`) has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (MgcKerasError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, SystemExit) as error:
        code = 130 if isinstance(error, KeyboardInterrupt) else error.code
        if code not in (130, *(128 + number for number in _ENDS)):
            raise
        print(f"{program}: stopped; the same command goes on from here", file=sys.stderr)
        return int(code)
