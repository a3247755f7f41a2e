"""The same bytes on any number of cores: features, segmentations, searches and intervals on one and on two."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mgc_keras.threads import one_thread

# Sums long enough for BLAS to share among threads.
NUMBERS = """
import hashlib
import os
import sys
if sys.argv[1:]:
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(sys.argv[1])]))
import numpy as np
from mgc_keras.evaluation.paired import compare
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.search import search
from mgc_keras.segmentation.segments import segment_waveform

generator = np.random.default_rng(0)
clips = (generator.normal(0, 0.1, (3, 348000)) * np.linspace(0.1, 1, 348000)).astype(np.float32)
found = segment_waveform(clips[0], 4000)
block, folds = generator.normal(size=(200, 160)), np.arange(200) % 4
truth, one, other = block[:, 0], block[:, 1], block[:, 2]
searched = search({"1": block}, truth, folds, "SVR", grid="reduced")
compared = compare(truth, truth + one, truth + other, "r2")
for values in (
    MfccExtractor()(clips),
    ScatteringExtractor(16000, J=8)(clips[:, :16000]),
    found.errors,
    found.eigenvalues,
    searched.predictions["prediction"],
    (compared.difference, compared.low, compared.high, compared.p_value),
):
    print(hashlib.sha256(np.asarray(values).tobytes()).hexdigest())
"""


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def numbers(threads: int) -> list[str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    words = [sys.executable, "-c", NUMBERS, *([str(threads)] if hasattr(os, "sched_setaffinity") else [])]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_numbers_do_not_depend_on_the_number_of_cores() -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores")
    one, two = ThreadPoolExecutor(2).map(numbers, (1, 2))
    assert len(one) == 6 and one == two


@pytest.fixture
def before() -> Iterator[set[int]]:
    """Two threads, whatever the tests themselves are given."""
    with threadpool_limits(2, user_api="blas"):
        yield blas_threads()


def test_the_last_to_leave_lifts_the_limit(before: set[int]) -> None:
    assert before == {2}
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with one_thread():
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    with one_thread():
        holder.start()
        assert entered.wait(10) and blas_threads() == {1}
    assert blas_threads() == {1}
    leave.set()
    holder.join()
    assert blas_threads() == before


def test_an_error_lifts_the_limit(before: set[int]) -> None:
    with pytest.raises(ZeroDivisionError), one_thread(), one_thread():
        raise ZeroDivisionError
    assert blas_threads() == before
