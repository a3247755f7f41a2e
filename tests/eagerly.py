"""Layers without the seconds that it takes to trace hundreds of operations; what is compiled has tests of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def uncompiled() -> Iterator[None]:
    """Call the very operations one by one."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
