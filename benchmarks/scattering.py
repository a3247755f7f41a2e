"""Time the scattering layer, its offline twin and its filter bank against Kymatio's, in the same run, interleaved.

    python benchmarks/scattering.py                 # J=13, batches of 1 and 4; needs SciPy < 1.17 for Kymatio
    python benchmarks/scattering.py --batches 1 4 16 --J 14
    python benchmarks/scattering.py --batches 16 64 --xla    # the layer compiled by XLA, too: minutes on a CPU
    python benchmarks/scattering.py --memory        # peak memory of fresh processes, and the size of a saved model

The layer is held against Kymatio's TensorFlow frontend and, where PyTorch is installed, against that for PyTorch, the
SciPy twin against its NumPy frontend, all on noise of 30 s at 16 kHz, Q=8. Ratios are of the fastest repeats. Batches
lie on the device that TensorFlow computes on, which is printed; coefficients are taken back.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import mgc_keras  # noqa: F401  (its settings must reach TensorFlow first)

N_SAMPLES = 480000
# Operations that give another view of their input, or nothing that depends on a clip.
VIEWS = {"Const", "ExpandDims", "Identity", "IdentityN", "NoOp", "Pack", "Placeholder", "Reshape", "Shape", "Squeeze"}


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
    parser.add_argument("--block", type=int, help="clips that the layer computes at once; default: by device")
    parser.add_argument("--xla", action="store_true", help="time the layer compiled by XLA, too")
    parser.add_argument("--memory", action="store_true", help="compare memory instead of time")
    parser.add_argument("--only", choices=("ours", "kymatio"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        use(options.only, options.J, options.batches[0])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    elif options.memory:
        compare_memory(options.J, options.batches)
    else:
        compare_speed(options)


def noise(n_clips: int) -> np.ndarray:
    """Return clips of weak noise, (n_clips, N_SAMPLES) float32."""
    return 0.1 * np.random.default_rng(0).standard_normal((n_clips, N_SAMPLES)).astype(np.float32)


def use(frontend: str, J: int, batch_size: int) -> None:
    """Transform one batch."""
    if frontend == "ours":
        from mgc_keras.layers.scattering import Scattering

        Scattering(J=J, Q=8)(noise(batch_size))
    else:
        from kymatio.scattering1d.frontend.tensorflow_frontend import ScatteringTensorFlow1D

        ScatteringTensorFlow1D(J, N_SAMPLES, 8).scattering(noise(batch_size))


def compare_memory(J: int, batch_sizes: list[int]) -> None:
    """Print peak memory of a fresh process for each frontend, and the size of a model file of the paper's size."""
    for size in batch_sizes:
        peaks = {}
        for frontend in ("ours", "kymatio"):
            command = [sys.executable, __file__, "--only", frontend, "--J", str(J), "--batches", str(size)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peaks[frontend] = int(done.stdout.split()[-1]) / 2**20
        ratio = peaks["ours"] / peaks["kymatio"]
        print(f"memory, batch {size}: {ratio:.2f} of Kymatio's ({peaks['ours']:.2f}, {peaks['kymatio']:.2f} GiB)")

    from mgc_keras.layers.scattering import Scattering
    from mgc_keras.studies.song2017.network import gru_network, with_scattering

    n_paths = Scattering(J=J, Q=8).compute_output_shape((None, N_SAMPLES))[1]
    model = with_scattering(gru_network(n_paths), N_SAMPLES, J=J)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("model.h5", "model.keras"):
            model.save(Path(folder) / name)
            print(f"{name}, five layers of 512: {(Path(folder) / name).stat().st_size / 1e6:.1f} MB")


def compare_speed(options: argparse.Namespace) -> None:
    """Time all in turn and print ratios."""
    import tensorflow as tf
    from kymatio.scattering1d.frontend.numpy_frontend import ScatteringNumPy1D
    from kymatio.scattering1d.frontend.tensorflow_frontend import ScatteringTensorFlow1D

    from mgc_keras.features.scattering import ScatteringExtractor
    from mgc_keras.layers.scattering import Scattering
    from mgc_keras.scattering.options import ScatteringOptions
    from mgc_keras.scattering.plan import ScatteringPlan

    device = tf.config.list_logical_devices()[-1].name
    print(f"device: {device_name()}, TensorFlow {tf.__version__}")
    theirs: list[ScatteringTensorFlow1D] = []
    built = seconds(lambda: theirs.append(ScatteringTensorFlow1D(options.J, N_SAMPLES, 8)))
    plan = ScatteringOptions(N_SAMPLES, options.J, (8, 1), 2**options.J)
    ours_built = min(seconds(lambda: ScatteringPlan(plan)) for _ in range(options.repeats))
    print(f"filter bank: {built / ours_built:.1f}x ({built:.2f} s, {ours_built:.2f} s)")

    layer = Scattering(J=options.J, Q=8, block=options.block)
    layer.build((None, N_SAMPLES))
    print(f"operations, whatever the batch: {count_operations(layer)}")
    frontends: dict[str, Callable[[np.ndarray], Callable[[], object]]] = {
        "ours": lambda batch: partial(on_tensorflow, layer, tf.constant(batch)),
        "Kymatio's TensorFlow": lambda batch: partial(on_tensorflow, theirs[0].scattering, tf.constant(batch)),
    }
    if options.xla:
        compiled = tf.function(layer, jit_compile=True)
        frontends["ours, XLA"] = lambda batch: partial(on_tensorflow, compiled, tf.constant(batch))
    if find_spec("torch"):
        frontends["Kymatio's PyTorch"] = torch_frontend(options.J)
    clips = noise(max(options.batches))
    for size in options.batches:
        works = {name: prepare(clips[:size]) for name, prepare in frontends.items()}
        for name, work in works.items():
            if name != "Kymatio's TensorFlow":  # compiled or warmed up by its first call; this one is neither
                work()
        tf.config.experimental.reset_memory_stats(device)
        works["ours"]()
        peak = tf.config.experimental.get_memory_info(device)["peak"] / 2**20
        rounds = [{name: seconds(work) / size for name, work in works.items()} for _ in range(options.repeats)]
        best = {name: min(times[name] for times in rounds) for name in works}
        ours = best.pop("ours")
        print(f"layer, batch {size}: {ours:.4f} s a clip, {peak:.0f} MiB of arrays, filters included")
        for name, quick in best.items():
            print(f"  {quick / ours:.1f}x {name} ({quick:.4f} s a clip)")

    reference = ScatteringNumPy1D.__new__(ScatteringNumPy1D)
    reference.__dict__.update(theirs[0].__dict__)  # the filters are the same, and take half a minute
    reference.backend = __import__("kymatio.scattering1d.backend.numpy_backend", fromlist=["backend"]).backend
    extractor = ScatteringExtractor(N_SAMPLES, J=options.J, log=False)
    batch = noise(4)
    slow = min(seconds(lambda: reference.scattering(batch[0].astype(np.float64))) for _ in range(options.repeats))
    quick = min(seconds(lambda: extractor(batch)) / len(batch) for _ in range(options.repeats))
    print(f"offline: {slow / quick:.1f}x Kymatio's NumPy ({slow:.2f} s, {quick:.3f} s a clip)")


def device_name() -> str:
    """Return what TensorFlow computes on."""
    import tensorflow as tf

    names = [
        tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in tf.config.get_visible_devices("GPU")
    ]
    return names[0] if names else f"CPU, {len(os.sched_getaffinity(0))} cores"


def count_operations(layer: Any) -> int:
    """Return how many operations of the layer's graph compute or copy something: on a GPU, each starts a kernel."""
    graph = layer._compiled.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return sum(node.op not in VIEWS for node in nodes)


def on_tensorflow(transform: Callable[[Any], Any], batch: Any) -> None:
    """Transform a batch that is on the device, and wait for it."""
    transform(batch).numpy()


def torch_frontend(J: int) -> Callable[[np.ndarray], Callable[[], object]]:
    """Return what puts a batch on PyTorch's device, and returns the transform of it."""
    import torch
    from kymatio.scattering1d.frontend.torch_frontend import ScatteringTorch1D

    device = "cuda" if torch.cuda.is_available() else "cpu"
    transform = ScatteringTorch1D(J, N_SAMPLES, 8).to(device)

    def prepare(batch: np.ndarray) -> Callable[[], object]:
        on_device = torch.from_numpy(batch).to(device)
        return lambda: transform(on_device).cpu()

    return prepare


if __name__ == "__main__":
    main()
