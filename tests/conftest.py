"""Fixtures shared by all tests."""

import os
import signal
from pathlib import Path

import pytest

import mgc_keras  # noqa: F401  (its settings must reach TensorFlow before a test imports Keras)

SHARED_DATA = Path(os.environ.get("MGC_KERAS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real clips and golden outputs; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the golden outputs and real clips in {SHARED_DATA} (set MGC_KERAS_TEST_DATA)")
    return SHARED_DATA


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start, also where the tests themselves run in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
