"""One thread under NumPy, SciPy and scikit-learn: the same numbers on any number of cores.

Threads share a sum among them, and each way of sharing is rounded in its own way. On matrices as small as a clip's they
also wait for each other longer than they work: what can run at once here is clips, songs and fits.

TensorFlow 2.20 has threads of its own, which this leaves alone. What networks compute is the same to the last bit with
1, 2, 3, 7, 8 and 16 of them, and so are recurrent trainings. Gradients of convolutions are not: six steps of Adam end
up to 2.3e-4 apart with one thread and with two. ``TF_NUM_INTRAOP_THREADS=2`` in the environment repeats, on any number
of cores, a training that was run on two.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_limited: dict[ThreadpoolController, Any] = {}
_n_open = 0


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread; as a decorator, within a function. May be nested, and held by many threads.

    Example
    -------
    >>> import numpy as np
    >>> with one_thread():
    ...     product = np.ones((300, 300)) @ np.ones((300, 300))
    """
    global _n_open
    controller = _libraries(len(sys.modules))
    with _lock:
        _n_open += 1
        # The limit is the process's own: the last to leave lifts it, whoever came first.
        if controller not in _limited:
            _take_control(controller)
            _limited[controller] = controller.limit(limits=1)
    try:
        yield
    finally:
        with _lock:
            _n_open -= 1
            while _limited and not _n_open:
                controller, limit = _limited.popitem()
                _take_control(controller)
                limit.restore_original_limits()


def _take_control(controller: ThreadpoolController) -> None:
    # From threadpoolctl 3.8 on, limits set by another thread than the first do nothing until that has given up control.
    for library in controller.lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> ThreadpoolController:
    # Looking for the libraries takes milliseconds; new ones come with modules that are imported.
    return ThreadpoolController()
