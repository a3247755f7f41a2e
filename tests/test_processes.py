"""What processes of others are set to."""

import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from mgc_keras.processes import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for _ in range(3):
    np.ones(1 << 21, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(1 << 21, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")
def test_freed_memory_is_used_again_under_dasks_environment() -> None:
    # The page faults of ten arrays of 8 MiB, 2048 pages each unless pages are huge.
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536", "NUMPY_MADVISE_HUGEPAGE": "0"}
    faults = {
        way: int(subprocess.check_output([sys.executable, "-c", FAULTS, way], env=environment, text=True))
        for way in ("given back", "kept")
    }
    assert faults["given back"] > 10 * 2000
    assert faults["kept"] < 100
