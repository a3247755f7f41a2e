"""Training on several devices, and on several machines, with what TensorFlow has for it: `tf.distribute`.

Which strategy when:

* None: one device. With one GPU, or none, nothing else is quicker.
* "mirrored": several GPUs in one machine, one process. `tf.distribute.MirroredStrategy`.
* "multiworker": several machines, a process on each, which are told of each other by the variable ``TF_CONFIG``:
  `tf.distribute.MultiWorkerMirroredStrategy`. Worker 0 is the chief; all run the same command and see the run folder
  under the same path.

Each device holds a replica of the network. A step takes a global batch of as many clips as without a strategy: each
replica computes its share of it, the gradients are added up, and every replica takes the same step. What a share is
worth goes by its number of clips, so an epoch's last batch may be of any size. A worker reads the clips of its own
shares alone.

What is the same as on one device: the order of the clips, random excerpts, the statistics of batch normalisation (those
of the global batch), the composition of validation batches, and the files. Sums over replicas
are rounded in another order, those of batch statistics less than one device rounds them, and optimizers carry that on:
on two workers the first epoch's loss of `song2017` differs by 5e-8 from that of one device, that of `choi2017`, whose
rate is high, by up to 1e-3, as does that of one device which begins with neighbouring float32 numbers as weights; in
double precision no digit that is kept differs, so nothing but rounding does
(`benchmarks/strategies.py` prints both). Dropout draws other numbers: each
replica draws for its own share, since drawing for the whole batch would cost each as much as the batch. One replica
computes the very bits of no strategy.

The chief alone reads and writes the run folder's checkpoints, and tells the others what is in them. So a training goes
on with any number of workers, and with none. A worker that is not the chief writes no file: what it has to say goes to
its own terminal, or to where a batch system sends that.

Workers watch each other (TensorFlow's coordination service, a heartbeat): some ten seconds after one is gone, the
others end with one line.
"""

import io
import json
import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import tensorflow as tf

from mgc_keras.checks import checked_choice
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.execution import policy

STRATEGIES = ("mirrored", "multiworker")
FIELD = "--strategy"
# Seconds in which all workers must have been started, and from there on must have found each other.
_ALL_STARTED, _ALL_FOUND = 600.0, 60
# What TensorFlow raises where another worker is gone.
_GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)
_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'

logger = logging.getLogger("mgc_keras")


@dataclass(frozen=True)
class Cluster:
    """The processes of a training, and which of them this one is.

    Parameters
    ----------
    addresses : tuple of str
        "host:port" of each, the chief's first.
    worker : int
        This process's place among them.
    has_chief : bool
        Whether the first is a task of the type "chief": tasks of the type "worker" are counted from 0 behind it.
    """

    addresses: tuple[str, ...]
    worker: int
    has_chief: bool = False

    def name(self, worker: int) -> str:
        """Return what messages call a worker."""
        return f"worker {worker} ({self.addresses[worker]})"


def read_cluster(text: str | None) -> Cluster:
    """Read what the environment variable ``TF_CONFIG`` says, or raise an `OptionError` that says what is wrong with it.

    Example
    -------
    >>> read_cluster('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}')
    Cluster(addresses=('a:1', 'b:1'), worker=1, has_chief=False)
    """

    def wrong(problem: str, cure: str) -> OptionError:
        return OptionError(problem, field="TF_CONFIG", cure=cure)

    example = f"on the first of two machines: TF_CONFIG='{_EXAMPLE}'"
    if not text:
        raise wrong("is not set, and --strategy multiworker needs it", example)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise wrong(f"is no JSON ({error})", example) from error
    try:
        jobs, task = dict(content["cluster"]), dict(content["task"])
        kind, index = task["type"], int(task["index"])
        addresses = {job: [str(address) for address in jobs[job]] for job in jobs}
    except (KeyError, TypeError, ValueError) as error:
        raise wrong('needs "cluster" with lists of addresses, and "task" with "type" and "index"', example) from error
    if others := sorted({*addresses, kind} - {"chief", "worker"}):
        raise wrong(f"names tasks of type {others[0]!r}", 'name tasks of the types "worker" and "chief" alone')
    chief = addresses.get("chief", [])
    if len(chief) > 1:
        raise wrong(f"names {len(chief)} chiefs", "name one, or none: worker 0 is the chief then")
    if not 0 <= index < len(addresses.get(kind, [])):
        n_tasks = len(addresses.get(kind, []))
        raise wrong(f'has index {index} of {n_tasks} tasks of type "{kind}"', f"give an index from 0 to {n_tasks - 1}")
    everyone = tuple(chief + addresses.get("worker", []))
    for address in everyone:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise wrong(f"holds the address {address!r}", "give host:port, such as host0:2222")
        if everyone.count(address) > 1:
            raise wrong(f"names {address} twice", "give every worker an address of its own")
    return Cluster(everyone, index + (len(chief) if kind == "worker" else 0), bool(chief))


class Workers(AbstractContextManager):
    """The workers of a training, this process among them, and their replicas.

    It is a context: what TensorFlow raises in it since another worker is gone becomes an `MgcKerasError` of one line.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
    cluster : Cluster, optional
        By default there is but this process.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None) -> None:
        self.strategy, self.cluster = strategy, cluster or Cluster(("",), 0)
        self.n_workers, self.worker = len(self.cluster.addresses), self.cluster.worker
        self.n_replicas = strategy.num_replicas_in_sync
        # Replicas of this process, and the number of its first among all.
        self.n_local = self.n_replicas // self.n_workers
        self.first = self.worker * self.n_local

    @property
    def is_chief(self) -> bool:
        """Whether this process reads and writes the files of the training."""
        return self.worker == 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.n_workers > 1 and isinstance(error, _GONE):
            raise self._gone(error) from error

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Return what all workers give, (n_values, …) float32 each, one behind the other; every worker must call it.

        A worker may wait here for as long as another works, and be stopped by Ctrl-C meanwhile.
        """
        if self.n_workers == 1:
            return values
        values = np.ascontiguousarray(values)

        def of_replica(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            return tf.constant(values if context.replica_id_in_sync_group == self.first else values[:0])

        found: list[np.ndarray | BaseException] = []

        def work() -> None:
            try:
                per_replica = self.strategy.experimental_distribute_values_from_function(of_replica)
                found.append(self.strategy.gather(per_replica, axis=0).numpy())
            except BaseException as error:
                found.append(error)
            done.set()

        # Python hears of Ctrl-C and SIGTERM in its first thread alone, and only where that is not inside TensorFlow.
        done = threading.Event()
        threading.Thread(target=work, daemon=True).start()
        done.wait()
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    def tell(self, arrays: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
        """Return the chief's arrays on every worker; the others give none, and wait until the chief has its own."""
        if self.n_workers == 1:
            return {name: np.asarray(array) for name, array in (arrays or {}).items()}
        packed = io.BytesIO()
        if self.is_chief:
            np.savez(packed, allow_pickle=False, **{name: np.asarray(array) for name, array in (arrays or {}).items()})
        with np.load(io.BytesIO(self._gather_bytes(packed.getvalue())), allow_pickle=False) as told:
            return {name: told[name] for name in told.files}

    def check_same(self, settings: Mapping[str, Any]) -> None:
        """Raise an `OptionError` on every worker where these settings, plain JSON values, differ between workers."""
        own = json.dumps(dict(settings), sort_keys=True, default=str)
        lines = self._gather_bytes(f"{own}\n".encode()).decode().replace("\0", "").splitlines()
        chief, *others = map(json.loads, lines)
        for worker, theirs in enumerate(others, 1):
            for name in sorted({*chief, *theirs}):
                if chief.get(name) != theirs.get(name):
                    problem = f"{self.cluster.name(worker)} has {theirs.get(name)}, worker 0 has {chief.get(name)}"
                    raise OptionError(problem, field=name, cure="start all workers with the same command")

    def check_batch(self, batch_size: int) -> None:
        """Raise an `OptionError` where a global batch has fewer clips than there are replicas."""
        if batch_size < self.n_replicas:
            problem = f"{batch_size} clips a batch are too few for {self.n_replicas} devices"
            raise OptionError(problem, field="--batch-size", cure=f"give {self.n_replicas} or more, or fewer devices")

    def _gather_bytes(self, content: bytes) -> bytes:
        # As float32, which every way of communication knows; no bit of it is looked at. Zeros fill it up.
        padded = np.frombuffer(content + bytes(-len(content) % 4), np.float32)
        return self.gather(padded).tobytes()

    def _gone(self, error: tf.errors.OpError) -> MgcKerasError:
        text = " ".join(str(error.message).split())
        tasks = re.findall(r"/job:(chief|worker)/(?:replica:\d+/)?task:(\d+)", text)
        before = int(self.cluster.has_chief)
        others = {int(task) + (before if job == "worker" else 0) for job, task in tasks} - {self.worker}
        who = self.cluster.name(others.pop()) if len(others) == 1 else "another worker"
        cure = "see what it said at its end; start all workers again: the training goes on from its last epoch"
        return MgcKerasError(f"{who} ended, or cannot be reached any more", field=FIELD, cure=cure)


def open_workers(strategy: str | None) -> Workers:
    """Make the strategy of this name; to be called before TensorFlow computes anything.

    With "multiworker" it waits until all workers are there, ten minutes at most.

    Parameters
    ----------
    strategy : {"mirrored", "multiworker"} or None
        None: this process alone, on one device.

    Raises
    ------
    OptionError
        Another name; ``TF_CONFIG`` is missing or wrong; or this worker's port is in use.
    MgcKerasError
        Other workers were not started in time.
    """
    if strategy is None:
        return Workers(tf.distribute.get_strategy())
    checked_choice(FIELD, strategy, STRATEGIES)
    if strategy == "mirrored":
        if os.environ.get("TF_CONFIG"):
            cure = "unset TF_CONFIG, or take --strategy multiworker"
            raise OptionError("is for one machine, and TF_CONFIG names several", field=f"{FIELD} mirrored", cure=cure)
        # TensorFlow's own choice is one CPU, however many devices a program has made of it.
        return Workers(tf.distribute.MirroredStrategy(_devices()))
    cluster = read_cluster(os.environ.get("TF_CONFIG"))
    _meet(cluster)
    # TensorFlow waits for ever for a worker that is killed just now, and listens to nothing meanwhile.
    signal.alarm(_ALL_FOUND)
    try:
        return Workers(tf.distribute.MultiWorkerMirroredStrategy(), cluster)
    except (tf.errors.OpError, RuntimeError) as error:
        problem = f"the workers could not find each other ({str(error).splitlines()[0]})"
        cure = "see that no worker of an earlier run is left, and start all workers again"
        raise MgcKerasError(problem, field=FIELD, cure=cure) from error
    finally:
        signal.alarm(0)


def _devices() -> list[str]:
    kind = policy().device
    return [f"{kind}:{number}" for number in range(len(tf.config.list_logical_devices(kind)))]


def _meet(cluster: Cluster) -> None:
    """Wait until every worker listens at its address, and listen at this one's meanwhile."""
    port = int(cluster.addresses[cluster.worker].rpartition(":")[2])
    with socket.socket() as listening:
        # A port of a run that has just ended can be taken again.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("", port))
            listening.listen(len(cluster.addresses) * 16)
        except OSError as error:
            problem = f"this worker's port {port} cannot be had ({error.strerror})"
            raise OptionError(problem, field="TF_CONFIG", cure="end what holds it, or give another port") from error
        missing = set(range(len(cluster.addresses))) - {cluster.worker}
        started, is_said = time.monotonic(), False
        while missing := {worker for worker in missing if not _listens(cluster.addresses[worker])}:
            waited, names = time.monotonic() - started, ", ".join(cluster.name(worker) for worker in sorted(missing))
            if waited > _ALL_STARTED:
                problem, cure = f"{names} cannot be reached", "start it, and see that no firewall stands between"
                raise MgcKerasError(problem, field=FIELD, cure=cure)
            if waited > 5 and not is_said:
                logger.warning("waiting for %s, %g minutes at most", names, _ALL_STARTED / 60)
                is_said = True
            time.sleep(0.2)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=5):
        return True
    return False
