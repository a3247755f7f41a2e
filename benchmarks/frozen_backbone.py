"""Time an epoch of training a head on a frozen backbone's vectors against one through the backbone, in the same run.

    python benchmarks/frozen_backbone.py                        # ResNet34, 40 clips of 10 s
    python benchmarks/frozen_backbone.py --backbone vgg16
    python benchmarks/frozen_backbone.py --backbone inceptionv3 --seconds 29 --image-size 128 256     # as Ouyang (2023)

Both trainings start from the same weights and see the same batches, so they must end at the same validation accuracy.
Then the backbone's vectors are computed from wav files and, in turn, from waveforms that lie in memory: reading must
not hold the network up.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.corpus import write_corpus
from mgc_keras.datasets.manifest import read_manifest
from mgc_keras.features.backbone import backbone_vectors
from mgc_keras.features.export import export_features
from mgc_keras.networks.backbones import BACKBONES
from mgc_keras.networks.image_network import SAMPLING_RATE, image_network, part_of, standardize_vectors
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper

BATCH = 8


def main() -> None:
    """Run both comparisons and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=tuple(BACKBONES), default="resnet34")
    parser.add_argument("--clips", type=int, default=40, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=10.0, help="default: %(default)s")
    parser.add_argument(
        "--image-size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="default: a pixel a band and frame"
    )
    parser.add_argument("--epochs", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_corpus(
            "genre",
            Path(folder) / "corpus",
            options.clips,
            0,
            sampling_rate=SAMPLING_RATE,
            duration=options.seconds,
            jobs=2,
        )
        manifest = read_manifest(path)
        n_samples = round(options.seconds * SAMPLING_RATE)
        waveforms = np.stack(
            [fit_waveform(read_waveform(path, SAMPLING_RATE), n_samples) for path in manifest.filepaths]
        )
        targets = np.unique(manifest.table["label"], return_inverse=True)[1]
        compare_epochs(options, waveforms, targets)
        compare_inputs(options, manifest, waveforms, Path(folder))


def compare_epochs(options: argparse.Namespace, waveforms: np.ndarray, targets: np.ndarray) -> None:
    """Train the same head through the backbone and on its vectors."""
    n_classes, held_out = int(targets.max()) + 1, np.arange(len(targets)) % 4 == 3
    training, validation = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    start = time.perf_counter()
    whole = image_network(options.backbone, n_classes, waveforms.shape[1], weights="none", **_pictures(options))
    front = part_of(whole, "waveform", "vector")
    vectors = np.concatenate(
        [front.predict_on_batch(waveforms[i : i + BATCH]) for i in range(0, len(waveforms), BATCH)]
    )
    once = time.perf_counter() - start
    standardize_vectors(whole, vectors[training])
    head = part_of(whole, "vector", "genres")
    weights, rows, results = head.get_weights(), np.arange(len(targets)), {}
    for name, model, values in (("through", whole, waveforms), ("vectors", head, vectors)):
        head.set_weights(weights)
        stepper, examples = Stepper(model, 1e-3, multi_label=False), Examples(values, rows, targets)
        times = []
        for epoch in range(options.epochs):
            order = np.random.default_rng(epoch).permutation(training)
            begin = time.perf_counter()
            stepper.epoch(examples, order, BATCH, (0, epoch), lambda: None)
            times.append(time.perf_counter() - begin)
        scores = stepper.scores(examples, validation, BATCH)
        # The first epoch traces the step.
        results[name] = (min(times[1:] or times), float(np.mean(scores.argmax(1) == targets[validation])), scores)
    slow, quick = results["through"][0], results["vectors"][0]
    print(f"{options.backbone}, an epoch: {slow / quick:.0f}x ({slow:.2f} s through it, {quick:.4f} s on its vectors)")
    print(f"computing the vectors once: {once:.1f} s, as much as {once / slow:.1f} epochs through the backbone")
    distance = np.abs(results["through"][2] - results["vectors"][2]).max()
    print(
        f"validation accuracy: {results['through'][1]:.3f} and {results['vectors'][1]:.3f}, "
        f"largest difference of a probability {distance:.1e}"
    )


def compare_inputs(options: argparse.Namespace, manifest: object, waveforms: np.ndarray, folder: Path) -> None:
    """Compute vectors from files and from memory, in turn."""
    extractor = backbone_vectors(
        options.backbone, segments="whole", seconds=options.seconds, weights="none", **_pictures(options)
    )
    batches = [waveforms[i : i + extractor.batch_size] for i in range(0, len(waveforms), extractor.batch_size)]
    extractor(batches[0])
    times: dict[str, list[float]] = {"files": [], "memory": []}
    for repeat in range(3):
        begin = time.perf_counter()
        export_features(manifest, folder / f"{repeat}.npz", extractor)
        middle = time.perf_counter()
        for batch in batches:
            extractor(batch)
        times["files"].append(middle - begin)
        times["memory"].append(time.perf_counter() - middle)
    files, memory = min(times["files"]), min(times["memory"])
    print(f"vectors from files take {files / memory:.2f} of the time from memory ({files:.1f} s, {memory:.1f} s)")


def _pictures(options: argparse.Namespace) -> dict[str, object]:
    return {"image_size": tuple(options.image_size), "antialias": True} if options.image_size else {}


if __name__ == "__main__":
    main()
