"""On which device numbers are computed, how exactly, and which steps go through XLA: decided here for the package.

Two precisions:

* exact, the default: full float32 and operations that give the same bits every time. Features and scores agree with
  golden outputs of the original programs, and a training that was killed goes on to the very weights of one that was
  not.
* fast: what a GPU is built for. TensorFloat-32 keeps 11 bits of the factors of products and convolutions (about three
  digits), trainings multiply in bfloat16 (weights stay float32) and go through XLA, and kernels are chosen by speed.
  A CPU has none of these kernels: there both precisions compute the same.

What is set, and when:

* Commands and studies call `set_precision`, which sets the whole process.
* In a program of your own, TensorFloat-32 is off only while this package's extractors, scorers and trainings compute,
  and then as you had it (`full_float32`). TensorFlow can switch deterministic operations on but not off again, so they
  are left to you: call ``set_precision()``.
* A layer that stands in a model of yours is computed as TensorFlow is set when you call the model.
"""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgc_keras.checks import checked_choice

if TYPE_CHECKING:
    import keras

logger = logging.getLogger("mgc_keras")

PRECISIONS = ("exact", "fast")
# Where XLA is quicker, and under which precisions. On two CPU cores: a training step of five GRU layers takes 108 ms
# through XLA and 237 without at 64 units, 387 and 525 at 128, but 1600 and 975 at 256; the convnet 15 ms a clip and
# 10. On one H200: the GRU step 44 ms and 353 (512 units), features 35 000 clips a second and 15 000, a batch's
# statistics in one pass 25 900 and 7 700, a tagger's training 2 100 clips a second and 938.
_THROUGH_XLA = {
    ("CPU", "recurrent training"): PRECISIONS,
    ("GPU", "recurrent training"): PRECISIONS,
    ("GPU", "training"): ("fast",),
    ("GPU", "features"): PRECISIONS,
}
_WIDEST_ON_CPU = 128
# Clips a batch where a clip's numbers do not depend on it: more only cost memory on a CPU, a GPU is idle with fewer.
_BATCH_SIZE = {"CPU": 8, "GPU": 64}

_lock = threading.Lock()
_precision = "exact"
_n_open, _set_by_the_program = 0, True


@dataclass(frozen=True)
class ExecutionPolicy:
    """How steps are compiled and computed on a device.

    Parameters
    ----------
    device : {"CPU", "GPU"}
    precision : {"exact", "fast"}
    """

    device: str
    precision: str

    def xla(self, work: str, model: "keras.Model") -> bool:
        """Tell whether a model goes through XLA in "features" or "training"."""
        import keras

        layers = list(layers_of(model))
        widths = [layer.cell.units for layer in layers if isinstance(layer, keras.layers.RNN)]
        # XLA has no deterministic gradient of pooling, on any device: TensorFlow refuses the step.
        pools = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D)
        if work == "training" and not self.is_fast and any(isinstance(layer, pools) for layer in layers):
            return False
        if work == "training" and widths:
            work = "recurrent training" if self.device == "GPU" or max(widths) <= _WIDEST_ON_CPU else "wide"
        is_quicker = self.precision in _THROUGH_XLA.get((self.device, work), ())
        return is_quicker and all(layer.supports_jit for layer in layers)

    @property
    def is_fast(self) -> bool:
        """Whether numbers may differ from exact ones: asked for, and of use on this device."""
        return (self.device, self.precision) == ("GPU", "fast")

    @property
    def training_dtype(self) -> str | None:
        """The Keras policy under which layers are trained, where that is not their own."""
        # Of the two half precisions the one with float32's range: gradients need no scaling.
        return "mixed_bfloat16" if self.is_fast else None

    @property
    def batch_size(self) -> int:
        """Clips a batch, where a clip's numbers do not depend on it."""
        return _BATCH_SIZE[self.device]

    @property
    def streams(self) -> int:
        """Batches that are computed at once.

        On a GPU one is copied there while another is computed; on a CPU no core waits for the end of another's step.
        """
        return 2 if self.device == "CPU" else 3


def layers_of(model: "keras.Model") -> Iterator["keras.layers.Layer"]:
    """Yield the layers of a model, those of models inside it, and the cells of recurrent layers."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        else:
            yield layer
        if isinstance(layer, keras.layers.RNN):
            yield layer.cell


def policy() -> ExecutionPolicy:
    """Return the policy of this process: of its first visible device, in the precision of the last `set_precision`."""
    import tensorflow as tf

    return ExecutionPolicy("GPU" if tf.config.get_visible_devices("GPU") else "CPU", _precision)


def set_precision(precision: str = "exact") -> None:
    """Set how exactly this process computes, for the rest of its life: see the module for what that sets.

    Parameters
    ----------
    precision : {"exact", "fast"}

    Raises
    ------
    OptionError
        `precision` is none of these.
    """
    import tensorflow as tf

    global _precision
    _precision = checked_choice("precision", precision, PRECISIONS)
    if policy() == ExecutionPolicy("CPU", "fast"):
        logger.warning("--precision fast changes nothing here: TensorFlow sees no GPU, and a CPU computes exactly")
    tf.config.experimental.enable_tensor_float_32_execution(policy().is_fast)
    if not policy().is_fast:
        _make_deterministic()


def _make_deterministic() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


@contextmanager
def full_float32(*, always: bool = False) -> Iterator[None]:
    """Keep TensorFloat-32 off, unless this process was set to be fast; then as the program had it.

    `always`: also in a fast process. Other threads then compute in full float32 for as long, too. It may be nested, and
    held by many threads; as a decorator, it holds within a function.
    """
    global _n_open, _set_by_the_program
    # Where nobody has imported TensorFlow yet, nobody computes with it.
    if (_precision == "fast" and not always) or "tensorflow" not in sys.modules:
        yield
        return
    import tensorflow as tf

    setting = tf.config.experimental
    with _lock:
        # The setting is the process's own: the first to come remembers it, the last to leave restores it.
        if not _n_open:
            _set_by_the_program = setting.tensor_float_32_execution_enabled()
            setting.enable_tensor_float_32_execution(False)
        _n_open += 1
    try:
        yield
    finally:
        with _lock:
            _n_open -= 1
            if not _n_open:
                setting.enable_tensor_float_32_execution(_set_by_the_program)


def device_name() -> str:
    """Return what the device is called, such as "NVIDIA H200"; "CPU" where there is no GPU."""
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "CPU"


def gpu_memory() -> int:
    """Return the bytes that TensorFlow may take of the first GPU; 0 where there is none."""
    from tensorflow.python.client import device_lib

    return next((device.memory_limit for device in device_lib.list_local_devices() if device.device_type == "GPU"), 0)
