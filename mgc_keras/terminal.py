"""What commands share at the terminal: errors in one line, how they are stopped, and silence of libraries."""

import errno
import logging
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

from mgc_keras.errors import MgcKerasError, OptionError

EXIT_CODES = """\
exit codes:
  0    all done
  1    done, but some clips failed, or something was found that should be looked at
  2    wrong use or input, or nothing could be done; an error of the program, with a traceback
  130  stopped by Ctrl-C
  143  stopped by SIGTERM, as batch systems send it; 129 by SIGHUP, when the terminal is closed
"""
# What a user can do about an error of the operating system.
_OF_THE_SYSTEM = {
    errno.EACCES: ("you have no right to it", "give yourself the right, or name another place"),
    errno.EPERM: ("you have no right to it", "give yourself the right, or name another place"),
    errno.EROFS: ("lies on a disk that cannot be written", "name another place"),
    errno.ENOENT: ("there is no such file or folder, and it cannot be made", "correct the path"),
    errno.EISDIR: ("is a folder, and a file is needed", "name a file"),
    errno.ENOTDIR: ("leads through a file as if it were a folder", "correct the path"),
    errno.EEXIST: ("is a file, and a folder is needed", "name another place"),
    errno.ENAMETOOLONG: ("is too long a name", "name a shorter one"),
    errno.EMFILE: ("too many files are open", "ask for fewer jobs, or raise the limit: ulimit -n"),
    errno.EIO: ("the disk or network failed", "see to the disk, and run the same again"),
}


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


# Seconds in which another request is none: `timeout` and its like send two, and the second would cut the tidying short.
_TOO_SOON = 1.0


@contextmanager
def _ended_by_exception(at_exit: bool) -> Iterator[None]:
    """Let a request to end unwind the work as Ctrl-C does: workers are stopped and unfinished files removed."""
    last = -math.inf

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before > _TOO_SOON:
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
            # TensorFlow takes a second or two to leave. What the work came to is known, and must not become -15.
            signal.signal(number, signal.SIG_IGN if at_exit else signal.SIG_DFL)


def _warn_in_plain_words() -> None:
    """Print warnings as they are: a library that sets up Python's log would put WARNING:mgc_keras: before each."""
    logger = logging.getLogger("mgc_keras")
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
        logger.propagate = False


# Seconds of silence after which a command says that it is at work: progress bars come later, TensorFlow later still.
_PATIENCE = 1.0


@contextmanager
def _says_that_it_begins(program: str) -> Iterator[None]:
    """Print a line to the terminal unless the work is done at once; to a file, nothing."""
    if not sys.stderr.isatty():
        yield
        return
    note = threading.Timer(_PATIENCE, lambda: print(f"{program}: starting ...", file=sys.stderr))
    note.daemon = True
    note.start()
    try:
        yield
    finally:
        note.cancel()


def guarded(
    work: Callable[[], int],
    program: str,
    *,
    resumes: Callable[[], bool] = lambda: False,
    at_exit: bool = False,
    quiet: bool = False,
) -> int:
    """Run `work` and return its exit code; see `EXIT_CODES`.

    A user's error, or the system's, becomes one line on standard error, standard output that is closed or cannot be
    written among them; a fault of the program has its traceback, too. Ctrl-C becomes 130, SIGTERM 143 and SIGHUP 129,
    after what is unfinished is put away.

    Parameters
    ----------
    work : callable
    program : str
        Begins each line.
    resumes : callable
        Asked when the work is stopped: whether it goes on from there when it is given again.
    at_exit : bool
        The process ends with this work: SIGTERM and SIGHUP that come later are ignored.
    quiet : bool
        Say nothing of the start.
    """
    # TensorFlow's start-up notes are no news to a user; a setting made outside wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if at_exit:
        _warn_in_plain_words()
    # A file name that the terminal cannot show must not end the work.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stderr is None:
        # Python would print what is meant for it to standard output.
        sys.stderr = open(os.devnull, "w")
    try:
        if sys.stdout is None:
            # The first file that is opened would take its number, and get what libraries print.
            cure = "leave it open, or send it to a file or to /dev/null"
            raise OptionError("is closed", path="standard output", cure=cure)
        with nullcontext() if quiet else _says_that_it_begins(program), _ended_by_exception(at_exit):
            return _shown(work)
    except BrokenPipeError:
        # Whoever read the output (`| head`) has seen enough.
        return 0
    except MgcKerasError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{program}: {_in_words(error)}", file=sys.stderr)
        return 2
    except MemoryError as error:
        cure = "give it shorter clips or fewer jobs, or more memory"
        print(f"{program}: the memory is used up{f': {error}' if str(error) else ''} ({cure})", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, SystemExit) as error:
        code = 130 if isinstance(error, KeyboardInterrupt) else error.code
        if code not in (130, *(128 + number for number in _ENDS)):
            raise
        again = "goes on from here" if resumes() else "begins anew"
        print(f"{program}: stopped; the same command {again}", file=sys.stderr)
        return int(code)
    except Exception:
        traceback.print_exc()
        cure = "report it, with the lines above and what you ran, to the project's issue tracker"
        print(f"{program}: this is a fault of the program ({cure})", file=sys.stderr)
        return 2
    finally:
        _give_up_what_cannot_be_shown()


def _shown(work: Callable[[], int]) -> int:
    """Run `work`, and make sure that what it printed has left this process; return its exit code."""
    try:
        code = work()
    except SystemExit as end:
        # The help and its like.
        if not end.code:
            _flush()
        raise
    _flush()
    return code


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise OptionError(problem, path="standard output", cure="send it elsewhere, or free some space") from error


def _give_up_what_cannot_be_shown() -> None:
    """Keep Python from trying again at exit, which would have an exit code and a message of its own."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_words(error: OSError) -> MgcKerasError:
    """Return an error of the operating system with the file that it names and a cure."""
    problem, cure = _OF_THE_SYSTEM.get(error.errno or 0, (error.strerror or str(error), None))
    path = error.filename if error.filename2 is None else f"{error.filename} -> {error.filename2}"
    return MgcKerasError(problem, path=os.fsdecode(path) if isinstance(path, bytes) else path, cure=cure)
