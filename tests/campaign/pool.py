"""Runs trials in forked processes, a batch in each, and watches them: time, memory, and whether they live."""

import logging
import os
import resource
import shutil
import time
import traceback
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from tests.campaign.bench import Bench, Fault, Result, group_of

_FORK = get_context("fork")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Worker:
    """A process and what it is at."""

    process: BaseProcess
    connection: Connection
    left: deque[int]  # the one it is at comes first
    is_trying: bool = False
    since: float = field(default_factory=time.monotonic)

    def memory(self) -> float:
        """What it holds now, in MB."""
        try:
            return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE / 1e6
        except (OSError, IndexError):
            return 0.0


class Pool:
    """Runs trials of one kind; failing inputs stay in ``<out>/<kind>/<number>``, with ``how.txt`` beside them."""

    def __init__(self, kind: type[Bench], out: Path, seed: int, jobs: int, memory: float) -> None:
        self.kind, self.out, self.seed, self.jobs, self.memory = kind, out / kind.name, seed, jobs, memory

    def run(self, numbers: Sequence[int]) -> Iterator[Result]:
        """Try these numbers; yield a result for each, in any order."""
        # Small batches at the end would start processes for little: all processes get about the same.
        size = max(1, min(self.kind.per_process, -(-len(numbers) // self.jobs)))
        batches = deque(deque(numbers[start : start + size]) for start in range(0, len(numbers), size))
        live: dict[Connection, Worker] = {}
        try:
            yield from self._run(batches, live)
        finally:
            for worker in live.values():
                worker.process.kill()

    def _run(self, batches: deque[deque[int]], live: dict[Connection, Worker]) -> Iterator[Result]:
        while batches or live:
            while batches and len(live) < self.jobs:
                worker = self._start(batches.popleft())
                live[worker.connection] = worker
            for connection in wait(list(live), timeout=0.05):
                yield from self._hear(live[connection])
            for worker in list(live.values()):
                yield from self._watch(worker)
                if worker.connection.closed:
                    del live[next(known for known, other in live.items() if other is worker)]
                    if worker.left:
                        batches.appendleft(worker.left)

    def _start(self, left: deque[int]) -> Worker:
        ours, theirs = _FORK.Pipe()
        arguments = (self.kind, self.out, self.seed, list(left), theirs)
        process = _FORK.Process(target=_work, args=arguments)
        process.start()
        theirs.close()
        return Worker(process, ours, left)

    def _hear(self, worker: Worker) -> Iterator[Result]:
        """Take what a worker says; a worker whose end of the pipe is closed has ended."""
        try:
            message = worker.connection.recv()
        except EOFError:
            worker.process.join()
            worker.connection.close()
            if worker.left:
                code = worker.process.exitcode or 0
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                yield self._lost(worker, f"crash: the process died, {how}")
            return
        worker.since = time.monotonic()
        worker.is_trying = message is None
        if isinstance(message, Result):
            worker.left.popleft()
            if message.peak > self.memory and not message.group:
                message = message._replace(group=f"more than {self.memory:.0f} MB")
            yield message

    def _watch(self, worker: Worker) -> Iterator[Result]:
        """End a worker that hangs, or takes too much memory."""
        if worker.connection.closed:
            return
        used, seconds = worker.memory(), time.monotonic() - worker.since
        limit = self.kind.seconds if worker.is_trying else 300
        if used <= self.memory and seconds <= limit or worker.connection.poll():
            return
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        problem = f"more than {self.memory:.0f} MB" if used > self.memory else f"no end in {limit:.0f} s"
        yield self._lost(worker, problem, used)

    def _lost(self, worker: Worker, group: str, peak: float = 0.0) -> Result:
        if not worker.is_trying:
            log = self.out / f"undamaged{worker.process.pid}" / "log.txt"
            raise RuntimeError(f"{self.kind.name}: the undamaged inputs could not be made: {group}: see {log}")
        number = worker.left.popleft()
        folder = self.out / str(number)
        note = _read(folder / "note.txt")
        return Result(self.kind.name, number, group, note, peak, _kept(folder, f"{group}\n{note}\n"))


def _work(kind: type[Bench], out: Path, seed: int, numbers: list[int], connection: Connection) -> None:
    """What a worker does: make the undamaged inputs, then try."""
    home = out / f"undamaged{os.getpid()}"
    home.mkdir(parents=True)
    # What libraries write of damaged input would bury the progress bar.
    log = os.open(home / "log.txt", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    logging.captureWarnings(True)
    warnings.simplefilter("always")
    try:
        bench = kind(home, seed)
        for number in numbers:
            connection.send(None)
            connection.send(_try(bench, number, out / str(number)))
    except BaseException:
        traceback.print_exc()
        raise
    else:
        shutil.rmtree(home, ignore_errors=True)
    connection.close()
    # Threads of TensorFlow that outlive the work have nothing to say any more.
    os._exit(0)


def _try(bench: Bench, number: int, folder: Path) -> Result:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bench.note = ""
    _forget_peak()
    words = [ord(letter) for letter in bench.name]
    try:
        bench.trial(np.random.default_rng([bench.seed, number, *words]), folder)
    except (Exception, RecursionError) as error:
        how = "".join(traceback.format_exception(error)) if not isinstance(error, Fault) else error.detail
        group = group_of(error)
        size = _kept(folder, f"{group}\n{bench.note}\n\n{how}\n")
        return Result(bench.name, number, group, bench.note, _peak(), size)
    shutil.rmtree(folder, ignore_errors=True)
    return Result(bench.name, number, "", bench.note, _peak())


def _forget_peak() -> None:
    """Let the highest memory of this process count from here."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _kept(folder: Path, how: str) -> int:
    """Write what went wrong beside the input; return how large the input is."""
    (folder / "how.txt").write_text(how, errors="backslashreplace")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != "how.txt")


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
