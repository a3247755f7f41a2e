"""Work in processes that end with the one that started them, however that ends; memory of processes of others."""

import ctypes
import os
import platform
import threading
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import joblib

# Seconds from a parent's death to its children's, at most.
_LOOK_EVERY = 0.5
# Of mallopt: what glibc settles on by itself in a process that frees arrays of a clip, where nobody forbids it.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = (-1, 64 << 20), (-3, 32 << 20)


def in_processes(calls: Iterable[Any], jobs: int, *, in_order: bool = True) -> Iterator[Any]:
    """Run calls in processes and yield what each returns.

    Parameters
    ----------
    calls : iterable
        Made by `joblib.delayed`.
    jobs : int
        Processes; 1 works in this one, -1 takes one for every core.
    in_order : bool
        Yield in the order of the calls; else as they are done.

    Example
    -------
    >>> list(in_processes((joblib.delayed(abs)(number) for number in (-1, -2)), jobs=1))
    [1, 2]
    """
    return_as = "generator" if in_order else "generator_unordered"
    return joblib.Parallel(jobs, return_as=return_as, initializer=_end_with, initargs=(os.getpid(),))(calls)


def _end_with(parent: int) -> None:
    """Let this process end when its parent has. Joblib's, alone, wait minutes for more work from a parent killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY)
        os._exit(1)

    # By looking: Linux can send a signal, but that of the thread that started this process, which may end before.
    threading.Thread(target=watch, daemon=True).start()


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let this process use freed memory again, rather than fetch it from the system anew for every array.

    Dask starts its workers with ``MALLOC_TRIM_THRESHOLD_=65536``, under which they give back each clip's arrays: MFCCs
    of a wav file then take twice the processor time. Other C libraries than glibc are left as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        for parameter, value in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(parameter, value)
