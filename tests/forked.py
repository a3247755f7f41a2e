"""Programs that need TensorFlow, in processes of their own that need not import it each time, which takes seconds.

A server imports it once and does nothing with it; each program is a fork of that, with an environment, a command line,
files for what it prints and no state but the imports. What is tested about starting, importing or Ctrl-C itself takes
`subprocess`.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

IMPORTED = [
    "keras",
    "tensorflow",
    "mgc_keras.studies.common.main",
    "mgc_keras.networks.load",
    "mgc_keras.training.loop",
]


class Forked:
    """``python WORDS``, as `subprocess.Popen` runs it; WORDS are -c CODE …, -m MODULE … or FILE …"""

    def __init__(self, *words: str | Path, env: Mapping[str, str] | None = None) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTED)
        self._folder = tempfile.TemporaryDirectory()
        self._out, self._err = (Path(self._folder.name, name) for name in ("out", "err"))
        given = (
            [str(word) for word in words],
            dict(os.environ if env is None else env),
            sys.path,
            self._out,
            self._err,
        )
        self._process = context.Process(target=_run, args=given)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end, and return what it printed."""
        self._process.join(timeout)
        if self.returncode is None:
            raise TimeoutError(self._err.read_text())
        return self._out.read_text(), self._err.read_text()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def _run(words: list[str], environment: dict[str, str], path: list[str], out: Path, err: Path) -> None:
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kind, rest = words[0], words[1:]
    try:
        if kind == "-c":
            sys.argv = ["-c", *rest[1:]]
            exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
        elif kind == "-m":
            sys.argv = rest
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            runpy.run_path(kind, run_name="__main__")
    finally:
        # What an interpreter ends by, and multiprocessing leaves out or does too late: pools of processes are told to
        # end before they are waited for.
        threading._shutdown()
        atexit._run_exitfuncs()
