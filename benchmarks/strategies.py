"""Time an epoch of a source training in one process and in two workers of `MultiWorkerMirroredStrategy`, one machine.

    python benchmarks/strategies.py [--clips N] [--epochs N] [--network convnet|recurrent] [--float64]

All run on the same cores, and the workers speak through the loopback: on one machine two workers cannot be quicker than
the cores are, so the ratio says what the strategy costs, not what a second machine brings. The first epoch, in which
steps are compiled, is not timed. The clips are noise in the sizes of the studies: excerpts (96 mel bands, 320 frames)
for the convnet of Choi 2017; 30 frames of 100 paths for the five layers of 64 units of Song 2017, without dropout.

Printed are the seconds of an epoch (the middle one of those that are timed) and their ratio, the device, the cores, and
by how much the mean losses of each epoch differ: of one process and two workers, and, as yardsticks of what rounding
alone does, of one process and one on a single thread, whose sums are added in another order, and several that begin
with weights of which each is a neighbouring float32 number, above or below at random. With ``--float64`` all compute
in double precision, where sums hardly round: what differs then is no rounding. Losses are kept in float32.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median


def worker(options: argparse.Namespace) -> None:
    """Train; the chief, or the one process, prints its epochs' ends and losses."""
    import keras
    import numpy as np

    from mgc_keras.execution import device_name, set_precision
    from mgc_keras.features.melspectrogram_cache import SourceClips
    from mgc_keras.studies.choi2017.network import excerpt_tagger
    from mgc_keras.studies.song2017.network import gru_network
    from mgc_keras.studies.song2017.pretraining import pretrain
    from mgc_keras.studies.song2017.study import TrainingOptions
    from mgc_keras.training.examples import Examples
    from mgc_keras.training.strategies import open_workers
    from mgc_keras.training.tagger import TaggerSettings, train_tagger

    set_precision()
    if options.float64:
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
    workers = open_workers("multiworker" if "TF_CONFIG" in os.environ else None)
    random, n_clips, n_tags = np.random.default_rng(0), options.clips, 10
    held_out = np.arange(n_clips + 16) >= n_clips
    targets = random.integers(0, 2, (len(held_out), n_tags)).astype(np.float32)
    ends = []

    def begun(model: keras.Model) -> keras.Model:
        if options.float64:
            # Its head is float32 whatever the rest is.
            double = lambda layer: type(layer).from_config({**layer.get_config(), "dtype": "float64"})
            weights, model = model.get_weights(), keras.models.clone_model(model, clone_function=double)
            model.set_weights(weights)
        if options.rounded is not None:
            either = np.random.default_rng(options.rounded)
            towards = [either.choice(np.float32([-np.inf, np.inf]), weights.shape) for weights in model.get_weights()]
            model.set_weights([*map(np.nextafter, model.get_weights(), towards)])
        return model

    def score(truth: np.ndarray, scores: np.ndarray) -> float:
        ends.append(time.perf_counter())
        return 0.5

    with workers, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.network == "convnet":
            values = random.normal(-40, 15, (len(held_out), 96, 320, 1)).astype(np.float16)
            values += np.float16(10) * targets[:, None, :1, None].astype(np.float16)
            curve = train_tagger(
                lambda: begun(excerpt_tagger(n_tags)), Examples(values, np.arange(len(held_out)), targets), held_out,
                folder=folder, score=score, settings=TaggerSettings(options.epochs), workers=workers,
            ).curve  # fmt: skip
        else:
            values = random.normal(0, 1, (len(held_out), 30, 100)).astype(np.float32)
            clips = SourceClips(Examples(values, np.arange(len(held_out)), targets), held_out, tuple("abcdefghij"))
            training = TrainingOptions(source_epochs=options.epochs, source_learning_rate=1e-3, patience=options.epochs)
            model = gru_network(100, n_tags, width=64, dropout=1.0, seed=1)
            curve = pretrain(begun(model), clips, folder=folder, training=training, score=score, workers=workers).curve
    seconds = [end - start for start, end in zip(ends, ends[1:])]
    found = {"seconds": seconds, "losses": curve["loss"].tolist(), "device": device_name()}
    if workers.is_chief:
        print("FOUND" + json.dumps(found))


def measure(n_workers: int, *more: str, **variables: str) -> dict:
    """Run so many workers, one without a strategy, and return what the chief found."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n_workers)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    processes = []
    for index in range(n_workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
        environment |= {"TF_CONFIG": json.dumps(config)} if n_workers > 1 else {}
        command = [sys.executable, __file__, "--worker", *more, *sys.argv[1:]]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    texts = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit("a worker failed: see above")
    return json.loads(texts[0].split("FOUND")[-1])


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=256, help="clips of an epoch (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=4, help="epochs, of which the first is not timed")
    parser.add_argument("--network", choices=("convnet", "recurrent"), default="convnet")
    parser.add_argument(
        "--starts", type=int, default=5, help="neighbouring weights to begin with (default: %(default)s)"
    )
    parser.add_argument("--float64", action="store_true", help="compute in double precision, where sums hardly round")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounded", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.epochs < 2:
        parser.error(f"--epochs: {options.epochs} leaves none to time (give 2 or more)")
    if options.worker:
        worker(options)
        return
    one, two = measure(1), measure(2)
    others = {"two workers": two, "one process on one thread": measure(1, TF_NUM_INTRAOP_THREADS="1")}
    others |= {
        f"one process from neighbouring weights {k}": measure(1, "--rounded", f"{k}") for k in range(options.starts)
    }
    seconds = [median(found["seconds"]) for found in (one, two)]
    what, ratio = f"{options.network}, {options.clips} clips an epoch, batches of 16", seconds[1] / seconds[0]
    print(f"{what}; {one['device']}, {os.cpu_count()} cores")
    print(f"one process: {seconds[0]:.2f} s an epoch; two workers: {seconds[1]:.2f} s; ratio {ratio:.2f}")
    for name, other in others.items():
        differences = [abs(a - b) for a, b in zip(one["losses"], other["losses"], strict=True)]
        print(f"losses of {name} differ by " + ", ".join(f"{difference:.1e}" for difference in differences))


if __name__ == "__main__":
    main()
