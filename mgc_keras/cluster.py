"""Work on many machines, through Dask: who is asked, what each of them needs, and what is done when one fails.

Every worker must see the clips under the same paths and have the same versions of the libraries that numbers depend on.
One that has not is named and asked no more; one that is gone is named, and what it had begun is computed by another. So
results do not depend on who computes them, or on how many do.

Dask sends functions and values by pickle: whoever may join a cluster may run code on it. Keep its ports closed to
strangers, or use ``tls://`` addresses.
"""

import logging
import os
import queue
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.local_workers import local_workers
from mgc_keras.processes import keep_freed_memory
from mgc_keras.work import logger, versions

if TYPE_CHECKING:
    from distributed import Client, Future

HELP = (
    "compute on a Dask cluster: the address of its scheduler (tcp://host:8786), its scheduler file, or local[:N] for "
    "N threads on this machine (default: one a core)"
)
_INSTALL = "pip install 'mgc_keras[cluster]'"
# Seconds to wait for a scheduler, for its first worker, and from look to look at who is there.
_PATIENCE, _PATIENCE_FOR_WORKERS, _LOOK_EVERY = 20, 60, 2.0
# Tasks that are under way for each thread of the cluster: one is computed while the next is on its way.
_AHEAD = 3
# Times that a task may take its worker with it.
_DEATHS = 5


@dataclass(frozen=True)
class Task:
    """A call of a function on some worker.

    Parameters
    ----------
    arguments : tuple
    files : mapping of Path to int
        The files that it reads, with their sizes in bytes.
    name : str
        Of what it works on, for messages.
    """

    arguments: tuple[Any, ...]
    files: Mapping[Path, int] = field(default_factory=dict)
    name: str = ""


@contextmanager
def open_cluster(where: str | None) -> "Iterator[Cluster | None]":
    """Connect to a cluster, or start one on this machine, for as long as the context lasts.

    Parameters
    ----------
    where : str or None
        ``tcp://machine:port`` or ``tls://machine:port`` of a Dask scheduler; the path of its scheduler file; "local" or
        "local:N" for N threads on this machine, by default one a core. None gives None: no cluster is wanted.

    Raises
    ------
    OptionError
        Dask is missing, the words make no sense, nobody answers there, or the scheduler has no worker.

    Example
    -------
    >>> with open_cluster("local:2") as cluster:    # doctest: +SKIP
    ...     sorted(cluster.run(pow, [Task((3,)), Task((4,))], shared=2))
    [(0, 8), (1, 16)]
    """
    if where is None:
        yield None
        return
    try:
        import distributed
    except ImportError as error:
        raise OptionError("needs Dask", field="--cluster", cure=_INSTALL) from error
    # It tells of every worker that ends, with where in its code; we do so in a line.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    kind, _, count = where.partition(":")
    if kind == "local":
        with local_workers(count) as local, distributed.Client(local) as client:
            yield Cluster(client)
        return
    is_file = where.endswith(".json")
    if is_file and not Path(where).is_file():
        raise OptionError("there is no such scheduler file", path=where, field="--cluster", cure="correct the path")
    try:
        address = {"scheduler_file": where} if is_file else {"address": where}
        client = distributed.Client(**address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        cure = "give tcp://machine:port of a running scheduler, its scheduler file, or local"
        raise OptionError(f"no Dask scheduler answers at {where}", field="--cluster", cure=cure) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE_FOR_WORKERS)
        except TimeoutError as error:
            cure = f"start one: dask worker {where}"
            raise OptionError(f"the scheduler at {where} has no worker", field="--cluster", cure=cure) from error
        yield Cluster(client)


def task_on(files: Iterable[Path], *arguments: Any, name: str) -> Task:
    """Return the task of computing on files that are there, as they are here."""
    absolute = {path.absolute(): _size(path) for path in files}
    return Task(arguments, {path: size for path, size in absolute.items() if size is not None}, name)


class Cluster:
    """A Dask cluster; see `open_cluster`."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        self._unfit: set[str] = set()
        self._known: dict[str, int] = {}
        self._is_waiting = False
        self.look()

    @property
    def n_threads(self) -> int:
        """Tasks that are computed at a time."""
        return max(1, sum(self.fit().values()))

    def run(
        self, function: Callable, tasks: Iterable[Task], *, shared: Any = None, in_order: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """Call ``function(shared, *task.arguments)`` for every task; yield the numbers of tasks, and what they return.

        Parameters
        ----------
        function : callable
            One that workers can import.
        tasks : iterable of Task
            Taken as the cluster has room for them.
        shared : object
            What all calls need: it is sent to each worker once. What several runs need comes from `sharing`.
        in_order : bool
            Yield in the order of the tasks; else as they are done.

        Raises
        ------
        MgcKerasError
            The scheduler is gone, no worker is fit for the work, or a task ended too many workers; and whatever a task
            raises.
        """
        with closing(_Run(self, function, shared).results(enumerate(tasks))) as results:
            if not in_order:
                yield from results
                return
            early: dict[int, Any] = {}
            following = 0
            for number, result in results:
                early[number] = result
                while following in early:
                    yield following, early.pop(following)
                    following += 1

    @contextmanager
    def sharing(self, value: Any) -> "Iterator[Future]":
        """Send a value to each worker once for all runs within the context that are given this as `shared`."""
        future = self.submit_value(value)
        try:
            yield future
        finally:
            with suppress(Exception):
                # As at the end of a run.
                self.client.cancel([future], force=True)

    def submit_value(self, value: Any) -> "Future":
        """Send a value that workers pass on. If those that hold it die, the scheduler makes it again: it is a task."""
        with _scheduler_answers():
            return self.client.submit(_identity, value, pure=False)

    def fit(self) -> dict[str, int]:
        """Return the threads of every worker that is fit for the work, by its address."""
        return {worker: n_threads for worker, n_threads in self._known.items() if worker not in self._unfit}

    def everybody_is_fit(self) -> bool:
        """Tell whether tasks may go to any worker."""
        return self._unfit.isdisjoint(self._known)

    def look(self) -> bool:
        """See who has gone and who has come; tell whether a worker that has come is unfit."""
        with _scheduler_answers():
            now = dict(self.client.nthreads())
        self.looked = time.monotonic()
        for worker in self._known.keys() - now.keys() - self._unfit:
            logger.warning("cluster: worker %s is gone; others compute what it had begun", worker)
        new = sorted(now.keys() - self._known.keys())
        self._known = now
        unfit = [found for found in self._fitness(new) if found is not None]
        for found in unfit:
            self.leave_out(found)
        if not now and not self._is_waiting:
            logger.warning("cluster: no worker is left; waiting for one")
        self._is_waiting = not now
        return bool(unfit)

    def leave_out(self, unfit: "Unfit") -> None:
        """Ask a worker no more."""
        if unfit.worker not in self._unfit:
            logger.warning("cluster: worker %s %s; it is asked no more", unfit.worker, unfit.problem)
        self._unfit.add(unfit.worker)
        if self._known and not self.fit():
            cure = "give workers the data folder under the same path, and the same versions of libraries as here"
            raise MgcKerasError(f"no worker is fit: {unfit.worker} {unfit.problem}", field="--cluster", cure=cure)

    def _fitness(self, workers: list[str]) -> "Iterator[Unfit | None]":
        """Ask workers for their versions; those of one that cannot import this package are none."""
        with _scheduler_answers():
            answers = self.client.run(_own_versions, workers=workers, on_error="return") if workers else {}
        for worker, answer in answers.items():
            if isinstance(answer, ImportError):
                yield Unfit(worker, f"cannot import mgc_keras: {answer}")
            # One that is gone already is seen at the next look.
            elif isinstance(answer, dict):
                yield _other_versions(worker, answer, _own_versions())


@dataclass(frozen=True)
class Unfit:
    """Why a worker did not compute a task."""

    worker: str
    problem: str
    lacks: Path | None = None


class _Run:
    """Tasks under way."""

    def __init__(self, cluster: Cluster, function: Callable, shared: Any) -> None:
        from distributed import Future

        self.cluster, self.function, self.versions = cluster, function, _own_versions()
        self.is_own = not isinstance(shared, Future)
        self.shared = cluster.submit_value(shared) if self.is_own else shared
        self.done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.under_way: dict[Future, tuple[int, Task]] = {}
        # The workers that may compute it, where these are not all.
        self.restricted: dict[Future, set[str]] = {}
        self.n_deaths: dict[int, int] = {}

    def results(self, tasks: Iterator[tuple[int, Task]]) -> Generator[tuple[int, Any], None, None]:
        is_more = True
        try:
            while True:
                while is_more and len(self.under_way) < _AHEAD * self.cluster.n_threads:
                    following = next(tasks, None)
                    is_more = following is not None
                    if following is not None:
                        self._submit(*following)
                if not self.under_way:
                    return
                if time.monotonic() - self.cluster.looked >= _LOOK_EVERY:
                    self.cluster.look()
                    self._free()
                with suppress(queue.Empty):
                    done = [self.done.get(timeout=_LOOK_EVERY)]
                    while not self.done.empty():
                        done.append(self.done.get())
                    yield from self._finish([future for future in done if future in self.under_way])
        finally:
            unwanted = [*self.under_way, *([self.shared] if self.is_own else [])]
            with suppress(Exception):
                # Whatever ended the run counts, not that the scheduler may have gone before.
                if unwanted:
                    self.cluster.client.cancel(unwanted, force=True)

    def _submit(self, number: int, task: Task, strict: bool = True) -> None:
        where = None if self.cluster.everybody_is_fit() else sorted(self.cluster.fit())
        arguments = (self.function, self.shared, task.arguments, task.files if strict else {}, self.versions)
        with _scheduler_answers():
            future = self.cluster.client.submit(_perform, *arguments, pure=False, workers=where)
        self.under_way[future] = (number, task)
        if where is not None:
            self.restricted[future] = set(where)
        future.add_done_callback(self.done.put)

    def _finish(self, done: "list[Future]") -> Iterator[tuple[int, Any]]:
        failed = [future for future in done if future.status == "error"]
        with _scheduler_answers():
            # Results come in one go: each way to a worker and back costs milliseconds.
            well = [future for future in done if future not in failed]
            results = dict(zip(well, self.cluster.client.gather(well), strict=True))
            errors = {future: future.exception() for future in failed}
        for future in done:
            number, task = self.under_way.pop(future)
            self.restricted.pop(future, None)
            result = results.get(future)
            if future in errors:
                self._mend(number, task, errors[future])
            elif not isinstance(result, Unfit):
                yield number, result
            elif result.lacks is not None and _size(result.lacks) != task.files[result.lacks]:
                # It is the clip that changed, or is gone, for everybody.
                self._submit(number, task, strict=False)
            else:
                self.cluster.leave_out(result)
                self._submit(number, task)

    def _mend(self, number: int, task: Task, error: BaseException) -> None:
        """Submit a task again whose worker was to blame; else raise its error."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            self.n_deaths[number] = self.n_deaths.get(number, 0) + error.allowed_failures + 1
            if self.n_deaths[number] > _DEATHS:
                problem = f"{task.name}: {self.n_deaths[number]} workers ended while they computed this"
                cure = "give workers more memory, or leave it out; what is finished is kept"
                raise MgcKerasError(problem, field="--cluster", cure=cure) from error
        # What a worker cannot even unpack, it does not judge.
        elif not self.cluster.look():
            raise error
        self._submit(number, task)

    def _free(self) -> None:
        """Ask others where all workers that might compute a task have gone."""
        known = self.cluster.fit().keys()
        for future in [future for future, where in self.restricted.items() if known and not where & known]:
            number, task = self.under_way.pop(future)
            del self.restricted[future]
            with _scheduler_answers():
                future.cancel(force=True)
            self._submit(number, task)


@contextmanager
def _scheduler_answers() -> Iterator[None]:
    from concurrent.futures import CancelledError

    try:
        yield
    except (OSError, TimeoutError, CancelledError, RuntimeError) as error:
        if getattr(error, "reason", "") == "lost dependencies":
            cure = "install mgc_keras where the scheduler runs, as on the workers"
            raise MgcKerasError("the scheduler cannot read the work", field="--cluster", cure=cure) from error
        cure = "start one again; the same command goes on from what is finished"
        raise MgcKerasError("the scheduler is gone", field="--cluster", cure=cure) from error


def _identity(value: Any) -> Any:
    return value


@lru_cache(maxsize=1)
def _own_versions() -> dict[str, str]:
    return versions()


def _other_versions(worker: str, own: Mapping[str, str], wanted: Mapping[str, str]) -> Unfit | None:
    for name in sorted({*own, *wanted}):
        if own.get(name) != wanted.get(name):
            return Unfit(worker, f"has {name} {own.get(name)}, not {wanted.get(name)}")
    return None


def _perform(
    function: Callable,
    shared: Any,
    arguments: tuple[Any, ...],
    files: Mapping[Path, int],
    wanted: Mapping[str, str],
) -> Any:
    """Call a function on a worker, if that is fit for it."""
    from distributed import get_worker

    keep_freed_memory()
    worker = get_worker().address
    if unfit := _other_versions(worker, _own_versions(), wanted):
        return unfit
    for path, size in files.items():
        own_size = _size(path)
        if own_size != size:
            problem = f"lacks {path}" if own_size is None else f"has {own_size} bytes in {path}, not {size}"
            return Unfit(worker, problem, path)
    return function(shared, *arguments)


def _size(path: Path) -> int | None:
    """Return the bytes of a file; None where there is none that may be read."""
    try:
        return path.stat().st_size if os.access(path, os.R_OK) else None
    except OSError:
        return None
