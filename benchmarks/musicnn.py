"""How fast are the networks of musicnn? Against musicnn run by its own Keras-2 file.

The reference, by tf-keras in another interpreter: ``librosa.load``, ``librosa.feature.melspectrogram``, patches of 187
frames, ``model.predict``. Two figures: the network alone, from the same patches to tags; and clips to tags. Both
programs warm up, then take turns on the same clips, one process waiting while the other works; medians are compared.
Wall clock counts, on an idle machine; processor time, which other work on the machine moves less, is printed beside
it. Tags must agree, or the comparison means nothing: the largest difference of the network's is printed.

The features ``song`` of the same clips are timed beside it, against the reference's clips to tags: as the command
computes them, and with the network calibrated on the clips.

Run: python benchmarks/musicnn.py --tf-keras-python /path/to/bin/python [--weights MTT_musicnn.h5] [--clips FOLDER]
The other interpreter needs tensorflow, tf-keras and librosa. Without it, only ours is timed.
Target: at least 2 times as fast, and ``song`` at least 10 times.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

SHARED = Path(__file__).parents[2] / "shared" / "data"
CONVNET = SHARED / "choi2017" / "weights" / "weights_layer4_theano.hdf5"
SONG = {"song": False, "song, calibrated": True}
SR, N_DFT, HOP, N_MELS, N_FRAMES = 16000, 512, 256, 96, 187


def main() -> None:
    """Let both programs take turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tf-keras-python", metavar="FILE", help="interpreter that has tensorflow, tf-keras, librosa")
    parser.add_argument("--weights", default=str(SHARED / "musicnn" / "MTT_musicnn.h5"), metavar="FILE.h5")
    parser.add_argument("--clips", type=Path, default=SHARED / "audio" / "emotify", help="folder of clips")
    parser.add_argument("--n-clips", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--serve", choices=("reference", "ours"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    paths = sorted(str(path) for path in arguments.clips.rglob("*.mp3"))[: arguments.n_clips]
    if arguments.serve:
        serve(*(reference if arguments.serve == "reference" else ours)(arguments.weights, paths))
        return
    measure(arguments, len(paths))


def serve(device: str, parts: dict) -> None:
    """Do one part for each line that comes in, and answer with its times and its result's file, if it gives one."""
    print("ready", json.dumps({"device": device}), flush=True)
    for line in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        result = parts[line.strip()]()
        times = time.perf_counter() - wall, time.process_time() - processor
        file = None
        if result is not None:
            import numpy as np

            descriptor, file = tempfile.mkstemp(".npy")
            os.close(descriptor)
            np.save(file, result)
        print("done", json.dumps({"times": times, "file": file}), flush=True)


def reference(weights: str, paths: list[str]) -> tuple[str, dict]:
    """Run musicnn by its own file, as its Keras port runs it, with the patches of a clip in one batch."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import librosa
    import numpy as np
    import tensorflow as tf
    import tf_keras

    def patches(path: str):
        waveform, _ = librosa.load(path, sr=SR)
        mel = librosa.feature.melspectrogram(y=waveform, sr=SR, hop_length=HOP, n_fft=N_DFT, n_mels=N_MELS).T
        levels = np.log10(10000 * mel + 1)
        n_patches = len(levels) // N_FRAMES
        return levels[: n_patches * N_FRAMES].reshape(n_patches, N_FRAMES, N_MELS, 1).astype(np.float32)

    model = tf_keras.models.load_model(weights, compile=False)
    ends_in_sigmoid = model.layers[-1].__class__.__name__ == "Activation"

    def tags(batch):
        scores = model.predict(batch, verbose=0)
        return scores if ends_in_sigmoid else 1 / (1 + np.exp(-scores))

    stored = [patches(path) for path in paths]

    def whole() -> None:
        for path in paths:
            tags(patches(path)).mean(axis=0)

    parts = {
        "network": lambda: [tags(batch) for batch in stored] and None,
        "whole": whole,
        "patches": lambda: stored[0],
        "tags": lambda: tags(stored[0]),
    }
    return _device(tf), parts


def ours(weights: str, paths: list[str]) -> tuple[str, dict]:
    """Run the same by mgc_keras: its network alone, and its export of tags."""
    import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
    import numpy as np
    import tensorflow as tf

    from mgc_keras.audio.files import read_waveform
    from mgc_keras.execution import policy
    from mgc_keras.features.export import export_features
    from mgc_keras.features.network import compiled
    from mgc_keras.features.sets import FeatureOptions, feature_sets
    from mgc_keras.networks.load import load_model
    from mgc_keras.published.musicnn.extractor import FEW_PATCHES, patches_of

    extractor = feature_sets()["musicnn"].build(FeatureOptions(weights=weights, output="tags"), None).extractor
    front_end = load_model(weights).get_layer("melspectrogram")
    stored = [np.asarray(front_end(patches_of(read_waveform(path, SR, resampler="kaiser_best")))) for path in paths]
    network = load_model(weights, input="melspectrogram")
    # As the export computes them: few patches at a time, and several such batches at once.
    few = [batch[start : start + FEW_PATCHES] for batch in stored for start in range(0, len(batch), FEW_PATCHES)]
    computes = {len(batch): compiled(network, batch.shape) for batch in few}
    compute = lambda batch: computes[len(batch)](tf.constant(batch)).numpy()
    pool = ThreadPoolExecutor(policy().streams)
    folder = tempfile.mkdtemp()

    def of_given():
        patches = np.load(os.environ["MUSICNN_PATCHES"])
        return compiled(network, patches.shape)(tf.constant(patches)).numpy()

    parts = {
        "network": lambda: [*pool.map(compute, few)] and None,
        "whole": lambda: export_features(paths, Path(folder, "tags.csv"), extractor, resume=False) and None,
        "tags": of_given,
    }
    if CONVNET.exists():
        parts |= {name: song(paths, Path(folder, "song.csv"), calibrated) for name, calibrated in SONG.items()}
    return _device(tf), parts


def song(paths: list[str], output: Path, calibrated: bool) -> Callable[[], None]:
    """Return what exports the features ``song`` of the clips."""
    from mgc_keras.features.export import export_features
    from mgc_keras.features.sets import FeatureOptions, feature_sets
    from mgc_keras.features.whole_song import WholeSong

    options = FeatureOptions(weights=str(CONVNET), calibrate_on=Path(paths[0]).parent if calibrated else None)
    extractor = WholeSong(feature_sets()["song"].build(options, None).extractor)
    return lambda: export_features(paths, output, extractor, resume=False) and None


def _device(tensorflow) -> str:
    gpus = tensorflow.config.get_visible_devices("GPU")
    named = tensorflow.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "CPU"
    return f"{named}, {os.cpu_count()} cores"


class Program:
    """One of the two programs, in a process of its own that works when it is told to."""

    def __init__(self, python: str, name: str, arguments: argparse.Namespace) -> None:
        options = {"--weights": arguments.weights, "--clips": arguments.clips, "--n-clips": arguments.n_clips}
        words = [str(word) for pair in options.items() for word in pair]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [python, __file__, "--serve", name, *words]
        if name == "reference":
            # It must not find this package.
            environment.pop("PYTHONPATH", None)
        self.process = subprocess.Popen(command, env=environment, **pipes)
        self.device = self.answer("ready")["device"]

    def answer(self, word: str) -> dict:
        """Wait for the line that begins with a word."""
        for line in self.process.stdout:
            if line.startswith(f"{word} "):
                return json.loads(line.removeprefix(f"{word} "))
        sys.exit(f"{self.process.args} ended with {self.process.wait()}; run it by hand to see why")

    def do(self, part: str) -> dict:
        """Let it do a part."""
        print(part, file=self.process.stdin, flush=True)
        return self.answer("done")


def measure(arguments: argparse.Namespace, n_clips: int) -> None:
    """Time both programs in turns."""
    programs = {}
    if arguments.tf_keras_python:
        programs["reference"] = Program(arguments.tf_keras_python, "reference", arguments)
        os.environ["MUSICNN_PATCHES"] = programs["reference"].do("patches")["file"]
    programs["ours"] = Program(sys.executable, "ours", arguments)
    times: dict[tuple[str, str], list] = {}
    for number in range(arguments.repeats + 1):
        for part in ("network", "whole", *SONG):
            for name, program in programs.items():
                if part in SONG and (name == "reference" or not CONVNET.exists()):
                    continue
                done = program.do(part)["times"]
                if number:
                    times.setdefault((part, name), []).append([1000 * seconds / n_clips for seconds in done])
    load = os.getloadavg()[0]
    print(f"{Path(arguments.weights).name}, {n_clips} clips, {arguments.repeats} repeats, load average {load:.1f}")
    for name, program in programs.items():
        print(f"   {name} on {program.device}")
    for part in ("network", "whole"):
        for clock, kind in enumerate(("wall clock", "processor")):
            here = {name: median(row[clock] for row in times[part, name]) for name in programs}
            said = ", ".join(f"{name} {value:.0f}" for name, value in here.items())
            ratio = f": {here['reference'] / here['ours']:.2f} x (target 2)" if "reference" in here else ""
            print(f"   {part}, {kind}, ms a clip: {said}{ratio}")
    for part in SONG:
        for clock, kind in enumerate(("wall clock", "processor")) if (part, "ours") in times else ():
            own = median(row[clock] for row in times[part, "ours"])
            theirs = [row[clock] for row in times.get(("whole", "reference"), ())]
            ratio = f": {median(theirs) / own:.2f} x as fast as the reference's whole (target 10)" if theirs else ""
            print(f"   {part}, {kind}, ms a clip: {own:.0f}{ratio}")
    if "reference" in programs:
        import numpy as np

        first, second = (np.load(program.do("tags")["file"]) for program in programs.values())
        print(f"   largest difference of a tag: {np.abs(first - second).max():.1e}")
    for program in programs.values():
        program.process.stdin.close()
        program.process.wait()


if __name__ == "__main__":
    main()
