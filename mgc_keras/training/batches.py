"""Batches of clips in a given order, read ahead in threads while the network works on those before."""

from collections.abc import Callable, Generator, Sequence
from traceback import clear_frames
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
    return read_blocks(examples, [clips[start : start + batch_size] for start in range(0, len(clips), batch_size)])


def read_blocks(examples: Examples, blocks: Sequence[np.ndarray]) -> Generator[tuple[Values, Values], None, None]:
    """Give batches of any sizes, as `read_batches` does; each block is the clips of one, by position."""
    dtype, size = examples.values.dtype, sum(map(len, blocks)) * int(np.prod(examples.shape)) * 4
    # TensorFlow's threads take the smallest numbers for 0, also in NumPy; halves it converts all the same.
    if size < _LEAST_BYTES or dtype not in (np.float16, np.float32):
        yield from map(examples.batch, blocks)
        return
    errors: dict[int, Exception] = {}

    def read(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            block = blocks[int(number)]
            return examples.stored(block), examples.targets[block].astype(examples.target_dtype)
        except Exception as error:
            errors[int(number)] = error
            raise

    iterator = iter(_dataset(read, len(blocks), (dtype, examples.target_dtype)))
    try:
        for number in range(len(blocks)):
            try:
                values, targets = iterator.get_next()
            except tf.errors.OpError:
                # TensorFlow knows but the text of what was raised.
                if number not in errors:
                    raise
            else:
                # On a GPU this is done there: half as much is copied.
                yield tf.cast(values, tf.float32), targets
                continue
            raise errors[number]
    except BaseException as error:
        # Ctrl-C, too: what a traceback holds would keep the threads, and they the program from ending.
        clear_frames(error.__traceback__)
        raise
    finally:
        # The last of it: TensorFlow ends its threads.
        del iterator


def _dataset(
    read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], n_batches: int, dtypes: tuple[np.dtype, type]
) -> tf.data.Dataset:
    gpus = tf.config.list_logical_devices("GPU")

    def mapped(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # "Stateless", since reading again gives the same: under `enable_op_determinism` others are not read ahead.
        values, targets = tf.numpy_function(read, [number], dtypes, stateful=False)
        # Several times as fast as NumPy's own, and without Python's lock.
        return values if gpus else tf.cast(values, tf.float32), targets

    dataset = tf.data.Dataset.range(n_batches).map(mapped, num_parallel_calls=_READERS, deterministic=True)
    options = tf.data.Options()
    options.deterministic = True
    # Threads of its own, which need not wait for those of a step; and no more of them, nor of batches, than said here.
    options.threading.private_threadpool_size = _READERS
    options.autotune.enabled = False
    dataset = dataset.with_options(options)
    if gpus:
        return dataset.apply(tf.data.experimental.prefetch_to_device(gpus[0].name, _READY))
    return dataset.prefetch(_READY)
