"""Batches on TensorFlow, block by block: how many clips are computed at once, and the loop over what is more."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from mgc_keras.scattering.plan import ScatteringPlan

# On a CPU, as many clips at once as have this many padded samples, or one. So many keep the cores busy and in their
# caches: of clips of 1 s at 16 kHz some are quicker together by a half, of 10 s one by one.
_CPU_SAMPLES = 200_000
# On a GPU, as many clips at once as have so many bytes of arrays, all that a transform makes counted as if they lived
# at the same time: sixteen clips of 30 s at 16 kHz. (On a CPU a fourteenth does; not measured on a GPU.) The number is
# the same for every card, so that a batch is cut alike on each: how a product is rounded depends on its size.
_GPU_BYTES = 32 * 2**30
# A transform makes so many arrays, at most, of the size of a wavelet's result.
_ARRAYS = 24


def has_gpu() -> bool:
    """Return whether TensorFlow computes on a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


def bytes_of_a_clip(plan: ScatteringPlan, itemsize: int) -> int:
    """Return no fewer bytes than all arrays of a clip have that a transform makes, of numbers of `itemsize` bytes."""
    return _ARRAYS * itemsize * plan.n_results


def clips_at_once(plan: ScatteringPlan, itemsize: int) -> int:
    """Return how many clips to compute at once: on a GPU as many as fit, on a CPU as many as are quickest.

    A limit that the program has set for the GPU, by `tf.config.set_logical_device_configuration`, is kept to.
    """
    if not has_gpu():
        return max(1, _CPU_SAMPLES // plan.long.length)
    devices = [tf.config.get_logical_device_configuration(gpu) for gpu in tf.config.get_visible_devices("GPU")]
    limits = [device.memory_limit * 2**20 for some in devices for device in some or () if device.memory_limit]
    return max(1, min([_GPU_BYTES, *limits]) // bytes_of_a_clip(plan, itemsize))


def in_blocks(
    function: Callable[[tf.Tensor], Any], clips: tf.Tensor, most: int, signature: Callable[[int | None], Any]
) -> Any:
    """Compute a function of a batch: at once where its size is known and fits, else block by block.

    Parameters
    ----------
    function : callable
        From (n_clips, n_samples) to a tensor, or a list of tensors, whose first axis is that of the clips.
    clips : tf.Tensor [shape=(n_clips, n_samples)]
    most : int
        Clips of a block. Blocks are of equal size, as XLA needs them: silent clips fill up the last one.
    signature : callable
        From the number of clips, perhaps not known, to the `tf.TensorSpec` of what `function` returns.
    """
    if clips.shape[0] and clips.shape[0] <= most:
        return function(clips)
    n_clips = tf.shape(clips)[0]
    if most == 1:
        blocks = clips[:, None]
    else:
        n_blocks = tf.maximum(-(-n_clips // most), 1)
        size = tf.maximum(-(-n_clips // n_blocks), 1)
        filled = tf.pad(clips, [[0, n_blocks * size - n_clips], [0, 0]])
        blocks = tf.reshape(filled, (n_blocks, size, clips.shape[1]))
    # One block after the other: memory does not grow with the batch, unless a gradient is asked for.
    results = tf.map_fn(
        function, blocks, parallel_iterations=1, fn_output_signature=signature(1 if most == 1 else None)
    )
    return tf.nest.map_structure(lambda result: tf.reshape(result, (-1, *result.shape[2:]))[:n_clips], results)
