"""What a device makes of the networks: each kind of step as it is, as the package runs it there, and in PyTorch.

features   mel-spectrogram and convnet from device memory, and from host memory to host memory
published  one batch of 256 clips by its own statistics: layer by layer, in one pass
gru        a training step of five GRU layers of 512 (Song et al., 2017), 59 frames of 221 scattering paths
tagger     a training step of the tagger on whole clips

All ways of a kind run in turns in this process, medians are compared, and the ratio to the first way is printed. "the
package" is what `mgc_keras.execution` decides for this device. PyTorch is timed where it is installed.

Run: python benchmarks/devices.py [features|published|gru|tagger …] [--batch 64] [--repeats 5]
Targets on one H200: features at least 30 000 clips/s from device memory at batch 64 and 1.2 times torch.compile's
convnet, 5 000 from host to host; published 5 000 clips/s; gru at most 50 ms at batch 32; tagger 2 000 clips/s at batch
64 under --precision fast.
"""

import argparse
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
import keras
import numpy as np
import tensorflow as tf

from mgc_keras.execution import ExecutionPolicy, device_name, policy, set_precision
from mgc_keras.features.network import NetworkExtractor, compiled
from mgc_keras.studies.choi2017.layerwise import batch_statistics_features
from mgc_keras.studies.choi2017.network import LAYERS, N_SAMPLES, POOLS, convnet
from mgc_keras.studies.song2017.network import gru_network
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper

Ways = dict[str, Callable[[], object]]
HAS_TORCH = find_spec("torch") is not None


def main() -> None:
    """Measure the kinds of steps that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} (default: all)")
    parser.add_argument("--batch", type=int, help="clips (default: 64 on a GPU, 16 on a CPU; published: 256 and 20)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", choices=("exact", "fast"), default="exact")
    arguments = parser.parse_args()
    set_precision(arguments.precision)
    print(f"device: {device_name()}, {arguments.precision}")
    for kind in arguments.kinds or KINDS:
        if kind not in KINDS:
            parser.error(f"there is no kind {kind!r}: choose one of {', '.join(KINDS)}")
        on_gpu = policy().device == "GPU"
        n_clips = arguments.batch or {"published": 256 if on_gpu else 20, "gru": 32}.get(kind, 64 if on_gpu else 16)
        measure(kind, KINDS[kind](n_clips), n_clips, arguments.repeats)


def measure(kind: str, ways: Ways, n_clips: int, repeats: int) -> None:
    """Time all ways in turns and print what each takes, beside the first."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(repeats + 2):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if number > 1:  # the first compiles, the second chooses kernels
                times[name].append(time.perf_counter() - start)
    here = {name: median(values) for name, values in times.items()}
    first = next(iter(here.values()))
    print(f"{kind}, {n_clips} clips, {repeats} repeats")
    for name, seconds in here.items():
        rate = f"{n_clips / seconds:.0f} clips/s"
        print(f"   {name:44}{seconds * 1000:9.1f} ms {rate:>15}   {first / seconds:6.2f} x", flush=True)


def features(n_clips: int) -> Ways:
    """Mel-spectrogram and convnet of clips with stored statistics."""
    model = convnet(normalization="population", decibel_reference="clip")
    waveforms = noise(n_clips, N_SAMPLES)
    on_device, shape = tf.identity(tf.constant(waveforms)), waveforms.shape
    plain, through_xla = (compiled(model, shape, xla=xla) for xla in (False, True))
    extractor = NetworkExtractor(model, batch_size=n_clips)
    ways: Ways = {
        "one graph, from device memory": lambda: tf.reduce_sum(plain(on_device)).numpy(),
        "through XLA, from device memory": lambda: tf.reduce_sum(through_xla(on_device)).numpy(),
        "the package, from host to host": lambda: extractor(waveforms),
    }
    return ways | torch_convnet(n_clips)


def torch_convnet(n_clips: int) -> Ways:
    """The convnet alone, without a front end, through torch.compile."""
    if not HAS_TORCH:
        return {}
    import torch

    layers: list[torch.nn.Module] = []
    for layer in LAYERS:
        channels = 1 if layer == LAYERS[0] else 32
        layers += [torch.nn.Conv2d(channels, 32, 3, padding=1), torch.nn.BatchNorm2d(32), torch.nn.ELU()]
        layers += [torch.nn.MaxPool2d(POOLS[layer - 1])]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = torch.compile(torch.nn.Sequential(*layers).eval().to(device))
    images = torch.randn(n_clips, 1, 96, 1360, device=device)

    def run() -> float:
        with torch.inference_mode():
            return float(network(images).sum())

    return {"torch.compile of the convnet, no front end": run}


def published(n_clips: int) -> Ways:
    """A batch by its own statistics."""
    model, waveforms = convnet(), noise(n_clips, N_SAMPLES)
    shape = waveforms.shape
    one_pass, through_xla = (compiled(model, shape, xla=xla) for xla in (False, True))
    extractor = NetworkExtractor(model, batch_size=n_clips)
    return {
        "layer by layer": lambda: batch_statistics_features(model, waveforms),
        "one pass": lambda: one_pass(tf.constant(waveforms)).numpy(),
        "one pass through XLA": lambda: through_xla(tf.constant(waveforms)).numpy(),
        "the package": lambda: extractor(waveforms),
    }


def gru(n_clips: int) -> Ways:
    """A training step of the paper's recurrent network; `reset_after` is what cuDNN has a kernel for."""
    n_frames, n_paths, n_tags = 59, 221, 50
    examples = Examples(noise(n_clips, n_frames, n_paths), np.arange(n_clips), tags(n_clips, n_tags))
    model = gru_network(n_paths, n_tags, head="tags")
    after = keras.Sequential([keras.Input((n_frames, n_paths))])
    for number in range(5):
        after.add(keras.layers.GRU(512, return_sequences=number < 4, reset_after=True))
    after.add(keras.layers.Dense(n_tags, "sigmoid"))
    plain = ExecutionPolicy("none", "exact")
    ways = {
        "plain": stepping(model, examples, plain),
        "the package": stepping(model, examples, policy()),
        "reset_after=True, plain": stepping(after, examples, plain),
    }
    return ways | torch_gru(examples)


def torch_gru(examples: Examples) -> Ways:
    """The same step by torch.nn.GRU, whose reset gate comes after the product, too."""
    if not HAS_TORCH:
        return {}
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    values, targets = (torch.tensor(part, device=device) for part in examples.batch(np.arange(len(examples))))
    layers, head = torch.nn.GRU(values.shape[2], 512, 5, batch_first=True), torch.nn.Linear(512, targets.shape[1])
    parts = torch.nn.ModuleList([layers, head]).to(device)
    optimizer, loss = torch.optim.Adam(parts.parameters()), torch.nn.BCEWithLogitsLoss()

    def step() -> float:
        optimizer.zero_grad()
        found = loss(head(layers(values)[0][:, -1]), targets)
        found.backward()
        optimizer.step()
        return float(found)

    return {"torch.nn.GRU": step}


def tagger(n_clips: int) -> Ways:
    """A training step of the tagger."""
    examples = Examples(noise(n_clips, 96, 1360, 1) * 20 - 40, np.arange(n_clips), tags(n_clips, 50))

    def step(how: ExecutionPolicy) -> Callable[[], object]:
        model = convnet(output="tags", normalization="population", decibel_reference="clip", input="melspectrogram")
        return stepping(model, examples, how)

    return {"plain": step(ExecutionPolicy("none", "exact")), "the package": step(policy())}


def stepping(model: keras.Model, examples: Examples, how: ExecutionPolicy) -> Callable[[], object]:
    """Return a function that takes one training step on all examples."""
    stepper = Stepper(model, 1e-3, multi_label=True, compiled_for=len(examples), execution=how)
    return lambda: stepper.step(examples, np.arange(len(examples)))


def noise(*shape: int) -> np.ndarray:
    """Return float32 noise."""
    return np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)


def tags(n_clips: int, n_tags: int) -> np.ndarray:
    """Return random tags."""
    return np.random.default_rng(1).integers(0, 2, (n_clips, n_tags)).astype(np.float32)


KINDS: dict[str, Callable[[int], Ways]] = {
    "features": features,
    "published": published,
    "gru": gru,
    "tagger": tagger,
}

if __name__ == "__main__":
    main()
