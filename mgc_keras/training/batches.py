"""Batches of clips in a given order, read ahead in threads while the network works on those before."""

from collections.abc import Callable, Generator
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from mgc_keras.training.examples import Examples

# Setting up a pipeline takes some tens of milliseconds, in which so much is read straight away.
_LEAST_BYTES = 1 << 26
# Batches that are read at once, and batches that lie ready beside them.
_READERS, _READY = 4, 2

Values: TypeAlias = "tf.Tensor | np.ndarray"


def read_batches(
    examples: Examples, clips: np.ndarray, batch_size: int
) -> Generator[tuple[Values, Values], None, None]:
    """Give the batches of some clips, one after the other; to be closed where not all are taken.

    The batches are ``examples.batch(clips[:batch_size])`` and so on, byte for byte and in that order, however fast the
    threads are. At most eight are in memory. Where there is a GPU, they are copied to its memory in advance. Less than
    64 MiB in all is read without threads.

    Parameters
    ----------
    examples : Examples
    clips : np.ndarray [shape=(n_used,), dtype=int]
        Clips, by position in `examples`, in the order in which they are wanted.
    batch_size : int
        The last batch may be smaller.

    Yields
    ------
    values, targets
        As from `Examples.batch`. What reading raises is raised where the batch would have been given.

    Example
    -------
    >>> examples = Examples(np.zeros((9, 4, 2)), np.array([3, 8, 0]), np.array([0, 1, 0]))
    >>> [(values.shape, targets.tolist()) for values, targets in read_batches(examples, np.array([2, 0, 1]), 2)]
    [((2, 4, 2), [0, 0]), ((1, 4, 2), [1])]
    """
    starts = range(0, len(clips), batch_size)

    def read(number: int) -> tuple[np.ndarray, np.ndarray]:
        return examples.batch(clips[starts[number] : starts[number] + batch_size])

    if len(clips) * int(np.prod(examples.shape)) * 4 < _LEAST_BYTES:
        yield from map(read, range(len(starts)))
        return
    errors: dict[int, Exception] = {}

    def noted(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            return read(int(number))
        except Exception as error:
            errors[int(number)] = error
            raise

    iterator = iter(_dataset(noted, len(starts), examples.target_dtype))
    try:
        for number in range(len(starts)):
            try:
                batch = iterator.get_next()
            except tf.errors.OpError:
                # TensorFlow knows but the text of what was raised.
                if number not in errors:
                    raise
            else:
                yield batch
                continue
            raise errors[number]
    finally:
        # The last of it, also where a traceback keeps this frame: TensorFlow then ends its threads.
        del iterator


def _dataset(
    read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], n_batches: int, target_dtype: type
) -> tf.data.Dataset:
    # "Stateless", since reading again gives the same: under `enable_op_determinism` others are not read ahead.
    mapped = lambda number: tf.numpy_function(read, [number], (tf.float32, target_dtype), stateful=False)
    dataset = tf.data.Dataset.range(n_batches).map(mapped, num_parallel_calls=_READERS, deterministic=True)
    options = tf.data.Options()
    options.deterministic = True
    # Threads of its own, which need not wait for those of a step; and no more of them, nor of batches, than said here.
    options.threading.private_threadpool_size = _READERS
    options.autotune.enabled = False
    dataset = dataset.with_options(options)
    if gpus := tf.config.list_logical_devices("GPU"):
        return dataset.apply(tf.data.experimental.prefetch_to_device(gpus[0].name, _READY))
    return dataset.prefetch(_READY)
