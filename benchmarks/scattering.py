"""Time the scattering layer, its offline twin and its filter bank against Kymatio's, in the same run, interleaved.

    python benchmarks/scattering.py                 # J=13, batches of 1 and 4; needs SciPy < 1.17 for Kymatio
    python benchmarks/scattering.py --batches 1 4 16 --J 14

The layer is held against Kymatio's TensorFlow frontend, the SciPy twin against its NumPy frontend, both on noise of 30 s
at 16 kHz, Q=8. Ratios are of the fastest repeats.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import mgc_keras  # noqa: F401  (its settings must reach TensorFlow first)

N_SAMPLES = 480000


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Run the comparison and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--J", type=int, default=13, help="default: %(default)s")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4], help="default: 1 4")
    parser.add_argument("--repeats", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args()
    from kymatio.scattering1d.frontend.numpy_frontend import ScatteringNumPy1D
    from kymatio.scattering1d.frontend.tensorflow_frontend import ScatteringTensorFlow1D

    from mgc_keras.features.scattering import ScatteringExtractor
    from mgc_keras.layers.scattering import Scattering
    from mgc_keras.layers.scattering_plan import ScatteringOptions, ScatteringPlan

    theirs: list[ScatteringTensorFlow1D] = []
    built = seconds(lambda: theirs.append(ScatteringTensorFlow1D(options.J, N_SAMPLES, 8)))
    plan = ScatteringOptions(N_SAMPLES, options.J, (8, 1), 2**options.J)
    ours_built = min(seconds(lambda: ScatteringPlan(plan)) for _ in range(options.repeats))
    print(f"filter bank: {built / ours_built:.1f}x ({built:.2f} s, {ours_built:.2f} s)")

    layer = Scattering(J=options.J, Q=8)
    noise = 0.1 * np.random.default_rng(0).standard_normal((max(options.batches), N_SAMPLES)).astype(np.float32)
    layer(noise[:1])
    for size in options.batches:
        batch = noise[:size]
        pairs = [
            (seconds(partial(theirs[0].scattering, batch)), seconds(partial(layer, batch))) for _ in range(options.repeats)
        ]
        slow, quick = (min(times) for times in zip(*pairs, strict=True))
        print(f"layer, batch {size}: {slow / quick:.1f}x ({slow / size:.2f} s, {quick / size:.3f} s a clip)")

    reference = ScatteringNumPy1D.__new__(ScatteringNumPy1D)
    reference.__dict__.update(theirs[0].__dict__)  # the filters are the same, and take half a minute
    reference.backend = __import__("kymatio.scattering1d.backend.numpy_backend", fromlist=["backend"]).backend
    extractor = ScatteringExtractor(N_SAMPLES, J=options.J, log=False)
    batch = noise[:2] if len(noise) > 1 else np.repeat(noise, 2, axis=0)
    slow = min(seconds(lambda: reference.scattering(batch[0].astype(np.float64))) for _ in range(options.repeats))
    quick = min(seconds(lambda: extractor(batch)) / len(batch) for _ in range(options.repeats))
    print(f"offline: {slow / quick:.1f}x ({slow:.2f} s, {quick:.3f} s a clip)")


if __name__ == "__main__":
    main()
