"""How fast is SkipGRU? Against keras.layers.RNN(keras.layers.GRUCell), training step and inference, in the same run.

Both are compiled with tf.function in the same way, no cuDNN and no XLA, on noise; they run in turn, and the medians of
the ratios of neighbouring repeats are printed. keras.layers.GRU is timed beside them: on a processor it is the same.

Run: python benchmarks/skip_gru.py [--skips 1 4 8] [--steps 128] [--units 128] [--batch 32] [--repeats 15]
Target: at most twice the time.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np

import mgc_keras  # noqa: F401  (its settings must reach TensorFlow first)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skips", type=int, nargs="+", default=[1, 4, 8], help="default: 1 4 8")
    parser.add_argument("--steps", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--inputs", type=int, default=13, help="default: %(default)s")
    parser.add_argument("--units", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--batch", type=int, default=32, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=15, help="default: %(default)s")
    parser.add_argument("--masked", action="store_true", help="with a mask that covers the last quarter")
    options = parser.parse_args()

    import keras
    import tensorflow as tf

    from mgc_keras.layers.skip_gru import SkipGRU

    layers = {
        "RNN(GRUCell)": keras.layers.RNN(keras.layers.GRUCell(options.units)),
        "GRU": keras.layers.GRU(options.units),
    }
    for combination in ("mean", "add"):
        layers |= {f"SkipGRU k={k} {combination}": SkipGRU(options.units, k, combination) for k in options.skips}
    tf.get_logger().setLevel("ERROR")  # every layer is traced on purpose
    ways = {name: steps_of(layer, options) for name, layer in layers.items()}
    for kind in (0, 1):
        times = {name: [] for name in ways}
        for _ in range(options.repeats):
            for name, both in ways.items():
                times[name].append(seconds(both[kind]))
        print(("training step", "inference")[kind])
        reference = times["RNN(GRUCell)"]
        for name, own in times.items():
            ratio = median(one / other for one, other in zip(own, reference, strict=True))
            print(f"  {name:20}{1000 * median(own):9.1f} ms   {ratio:.2f} times RNN(GRUCell)", flush=True)


def steps_of(layer: object, options: argparse.Namespace) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return one training step and one inference of a layer, both compiled and warm."""
    import keras
    import tensorflow as tf

    shape = (options.batch, options.steps, options.inputs)
    inputs = tf.constant(np.random.default_rng(0).standard_normal(shape), tf.float32)
    kept = np.broadcast_to(np.arange(options.steps) < 3 * options.steps // 4, shape[:2])
    mask = tf.constant(kept) if options.masked else None
    layer.build(shape)
    optimizer = keras.optimizers.SGD(1e-3)
    optimizer.build(layer.trainable_variables)

    @tf.function(autograph=False)
    def train() -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(layer(inputs, mask=mask, training=True)))
        weights = layer.trainable_variables
        optimizer.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)

    @tf.function(autograph=False)
    def infer() -> object:
        return layer(inputs, mask=mask, training=False)

    for warm in (train, infer, train, infer):
        warm()
    return train, infer


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    result = work()
    if result is not None:
        result.numpy()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
