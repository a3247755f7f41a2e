"""How fast does a training get its clips? Read ahead by threads, against reading between two steps as before.

A made-up cache of mel-spectrograms of 29 s (96 x 1360, float16), larger than what is read ahead, is read in an order of
chance, in batches of 64. Three ways: one memory-mapped file by NumPy's indexing between two steps, as before; `Shards`
with `read_batches`, as a training does; and the same `Shards` with a plain pool of threads in place of tf.data. Each
runs in a process of its own, whose peak memory counts; the ways take turns, medians are compared. "Cold" is after the
kernel was asked to forget the files, as with a cache larger than memory.

Four consumers: none, for reading alone; a device that is busy for `--step` milliseconds a batch while the processor is
idle, as a GPU would be; and the tagger of Choi et al. (2017) in training, on whatever device there is.

Run: python benchmarks/training_input.py [--clips 4096] [--step 30] [--tagger-clips 192]
Targets: with a busy device at least 0.95 of what the device alone would reach, and more than before; the tagger no
slower than before; memory that does not grow with the cache.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SHAPE, BATCH_SIZE, N_TAGS = (96, 1360, 1), 64, 50
CLIPS_IN_SHARD = 1024
WAYS = ("between steps", "tf.data", "threads")
CONSUMERS = ("none", "none, cold", "device", "device, cold", "tagger")


def main() -> None:
    """Measure and print; with --child, be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=4096, help="in the cache; 255 KiB each, twice on disk")
    parser.add_argument("--step", type=float, default=30.0, help="ms a batch that the made-up device is busy")
    parser.add_argument("--tagger-clips", type=int, default=192, help="clips that the real tagger trains on")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--consumers", nargs="+", choices=CONSUMERS, default=CONSUMERS)
    parser.add_argument("--folder", type=Path, help="where to put the cache; by default the temporary folder")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measured(arguments, *arguments.child)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        make_cache(Path(folder), arguments.clips)
        size = arguments.clips * int(np.prod(SHAPE)) * 2 / 1e9
        print(f"{arguments.clips} clips, {size:.2f} GB as float16; batches of {BATCH_SIZE}; {os.cpu_count()} cores")
        for consumer in arguments.consumers:
            compare(arguments, folder, consumer)


def compare(arguments: argparse.Namespace, folder: str, consumer: str) -> None:
    """Let the ways take turns with one consumer, each in a new process; print medians."""
    found: dict[str, list[dict]] = {way: [] for way in WAYS}
    for _ in range(arguments.repeats):
        for way in WAYS:
            options = [f"--{name}={getattr(arguments, name.replace('-', '_'))}" for name in ("step", "tagger-clips")]
            command = [sys.executable, __file__, *options, "--child", folder, way, consumer]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            found[way].append(json.loads(done.stdout.splitlines()[-1]))
    rates = {way: median(one["rate"] for one in found[way]) for way in WAYS}
    print(f"{consumer} ({found['tf.data'][0]['device']}):")
    for way in WAYS:
        peak, grown = (median(one[key] for one in found[way]) for key in ("peak", "grown"))
        of_before = f"{rates[way] / rates['between steps']:.2f} x"
        busy = f", {rates[way] * arguments.step / 1000 / BATCH_SIZE:.2f} of the device" if "device" in consumer else ""
        memory = f"peak {peak:.0f} MB, of that reading {grown:.0f} MB"
        print(f"   {way:13s} {rates[way]:7.0f} clips/s, {of_before} of before{busy}; {memory}", flush=True)


def make_cache(folder: Path, n_clips: int) -> None:
    """Write the same values of chance into one file and into shards."""
    from mgc_keras.training.shards import Shards, make_shards, shard_paths

    block = np.random.default_rng(0).uniform(-80, 0, (64, *SHAPE)).astype(np.float16)
    whole = np.lib.format.open_memmap(folder / "whole.npy", "w+", np.float16, (n_clips, *SHAPE))
    make_shards(folder, (n_clips, *SHAPE), np.float16, CLIPS_IN_SHARD)
    shards = Shards(shard_paths(folder, n_clips, CLIPS_IN_SHARD), writable=True)
    for position in range(n_clips):
        whole[position] = shards[position] = block[position % 64] - position % 7
    whole.flush()
    shards.flush()


def measured(arguments: argparse.Namespace, folder: str, way: str, consumer: str) -> dict:
    """Run one epoch in this process; return clips/s, the peak of memory and how much of it came with the epoch, MB."""
    import tensorflow as tf

    from mgc_keras.training.batches import read_batches
    from mgc_keras.training.examples import Examples
    from mgc_keras.training.shards import Shards

    shards = Shards(sorted(Path(folder).glob("shard-*.npy")))
    values = np.load(Path(folder, "whole.npy"), mmap_mode="r") if way == "between steps" else shards
    order = np.random.default_rng(1).permutation(len(shards))
    if consumer == "tagger":
        order = order[: arguments.tagger_clips]
    targets = np.random.default_rng(2).integers(0, 2, (len(shards), N_TAGS))
    examples = Examples(values, np.arange(len(shards)), targets)
    blocks = [order[start : start + BATCH_SIZE] for start in range(0, len(order), BATCH_SIZE)]
    # Before it is timed, everything is loaded, compiled and, where there is a GPU, set up.
    step = consumers(consumer, arguments.step)
    for size in sorted({len(block) for block in blocks}):
        step(np.zeros((size, *SHAPE), np.float32), np.zeros((size, N_TAGS), np.float32))
    for path in Path(folder).glob("*.npy") if "cold" in consumer else ():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    before = peak_memory()
    start = time.perf_counter()
    batches = {
        "between steps": lambda: map(examples.batch, blocks),
        "tf.data": lambda: read_batches(examples, order, BATCH_SIZE),
        "threads": lambda: by_threads(lambda block: as_tensors(examples, block), blocks),
    }[way]()
    n_clips = 0
    for batch in batches:
        step(*batch)
        n_clips += len(batch[0])
    seconds = time.perf_counter() - start
    assert n_clips == len(order)
    device = (tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("CPU"))[0]
    name = tf.config.experimental.get_device_details(device).get("device_name", "CPU")
    return {"rate": n_clips / seconds, "peak": peak_memory(), "grown": peak_memory() - before, "device": name}


def as_tensors(examples, block: np.ndarray) -> tuple:
    """Return what `read_batches` gives of a block."""
    import tensorflow as tf

    return tf.cast(examples.stored(block), tf.float32), examples.targets[block].astype(examples.target_dtype)


def by_threads(batch: Callable, blocks: list[np.ndarray]) -> Iterator:
    """As many threads and batches as `read_batches` has."""
    from mgc_keras.training.batches import _READERS, _READY

    with ThreadPoolExecutor(_READERS) as pool:
        pending = deque(pool.submit(batch, block) for block in blocks[: _READERS + _READY])
        for block in [*blocks[_READERS + _READY :], *[None] * len(pending)]:
            given = pending.popleft().result()
            if block is not None:
                pending.append(pool.submit(batch, block))
            yield given


def consumers(name: str, milliseconds: float) -> Callable:
    """Return what takes a batch."""
    import tensorflow as tf

    if name.startswith("none"):
        # As a step would take it; what lies at a good address is not copied.
        return lambda values, targets: tf.convert_to_tensor(values)
    if name.startswith("device"):
        return lambda values, targets: (tf.convert_to_tensor(values), time.sleep(milliseconds / 1000))
    import keras

    from mgc_keras.studies.choi2017.network import convnet
    from mgc_keras.training.stepping import Stepper

    keras.utils.set_random_seed(0)
    options = {"output": "tags", "normalization": "population", "input": "melspectrogram"}
    network = convnet(n_tags=N_TAGS, decibel_reference="clip", **options)
    return Stepper(network, 1e-3, multi_label=True)._step


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
