"""The same numbers from the same seed."""

import logging

import tensorflow as tf


def prepare_tensorflow() -> None:
    """Take only operations that give the same numbers every time, so that the same seed gives the same run."""
    tf.config.experimental.enable_op_determinism()
    # Advice to programmers: on the .h5 format, and on functions traced more than once.
    for logger in (tf.get_logger(), logging.getLogger("absl")):
        logger.setLevel(logging.ERROR)
