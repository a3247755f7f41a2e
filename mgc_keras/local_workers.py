"""Workers of a Dask cluster on this machine: started for one run, and ended with it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from mgc_keras.errors import OptionError

# To a process: they share networks, kernel matrices and what is imported, and more would wait for Python's one lock.
_THREADS = 4


@contextmanager
def local_workers(count: str) -> Iterator[Any]:
    """Start a scheduler and as many threads as the words say, "" for one a core; `OptionError` if they say none.

    A number of threads is shared evenly by as few processes as have at most four of them.
    """
    import dask
    import distributed
    import joblib

    n_threads = joblib.cpu_count() if not count else int(count) if count.isdecimal() else 0
    if n_threads < 1:
        raise OptionError(f"{count!r} is no number of threads", field="--cluster", cure="give local:2, or local")
    threads_each = max(divisor for divisor in range(1, _THREADS + 1) if n_threads % divisor == 0)
    n_workers = n_threads // threads_each
    # They share the cores; what networks compute does not depend on the number of threads.
    environment = {"TF_NUM_INTRAOP_THREADS": str(max(1, joblib.cpu_count() // n_workers))}
    # Looking at itself every few milliseconds costs Dask a tenth of a core, of those that compute.
    calm = {"distributed.admin.tick.interval": "1s", "distributed.worker.profile.enabled": False}
    with (
        TemporaryDirectory() as folder,
        dask.config.set(calm),
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=threads_each,
            memory_limit=0,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            local_directory=folder,
            env=environment,
        ) as local,
    ):
        yield local
