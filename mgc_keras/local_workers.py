"""Workers of a Dask cluster on this machine: started for one run, and ended with it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from mgc_keras.errors import OptionError


@contextmanager
def local_workers(count: str) -> Iterator[Any]:
    """Start a scheduler and as many processes as the words say, "" for one a core; `OptionError` if they say none."""
    import dask
    import distributed
    import joblib

    n_workers = joblib.cpu_count() if not count else int(count) if count.isdecimal() else 0
    if n_workers < 1:
        raise OptionError(f"{count!r} is no number of processes", field="--cluster", cure="give local:2, or local")
    # They share the cores; what networks compute does not depend on the number of threads.
    environment = {"TF_NUM_INTRAOP_THREADS": str(max(1, joblib.cpu_count() // n_workers))}
    # Looking at itself every few milliseconds costs Dask a tenth of a core, of those that compute.
    calm = {"distributed.admin.tick.interval": "1s", "distributed.worker.profile.enabled": False}
    with (
        TemporaryDirectory() as folder,
        dask.config.set(calm),
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            local_directory=folder,
            env=environment,
        ) as local,
    ):
        yield local
