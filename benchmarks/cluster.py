"""What does a cluster cost? Features through Dask against features without it, on the same cores, in one run.

``--cluster local:N`` is started on this machine, by default with a thread a core. Either way computes the same clips in
turn; the files must be the same to the last byte. Compared are medians of the ratio of a run on the cluster to the
plain run beside it: of the wall clock, and of the processor time of all processes, which other work on the machine
moves less. Workers that have computed before are compared, since a long run starts them once; what starting the
cluster and the first batches cost in seconds is printed apart.

Run: python benchmarks/cluster.py [--clips 600] [--repeats 3] [--threads 2]
Targets: at most 1.10 times the plain way for wav, 1.05 times for mp3.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
import joblib
import numpy as np
import psutil
import soundfile

from mgc_keras.audio.files import find_clips
from mgc_keras.cluster import Cluster, open_cluster
from mgc_keras.execution import device_name, set_precision
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.studies.choi2017.network import convnet

REAL_CLIPS = Path(__file__).parents[2] / "shared" / "data" / "audio" / "emotify"
TARGETS = {"wav": 1.10, "mp3": 1.05}


def main() -> None:
    """Measure both formats and both feature sets, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=joblib.cpu_count())
    arguments = parser.parse_args()
    set_precision()
    extractors: dict[str, Extractor] = {
        "mfcc": MfccExtractor(),
        "convnet": NetworkExtractor(convnet(normalization="population", decibel_reference="clip")),
    }
    print(f"device: {device_name()}, {joblib.cpu_count()} cores; {arguments.clips} clips, {arguments.threads} threads")
    with tempfile.TemporaryDirectory() as folder:
        sources = {kind: make_clips(Path(folder, kind), kind, arguments.clips) for kind in TARGETS}
        start = time.perf_counter()
        with open_cluster(f"local:{arguments.threads}") as cluster:
            assert cluster is not None
            print(f"starting the cluster: {time.perf_counter() - start:.1f} s", flush=True)
            for name, extractor in extractors.items():
                for kind, clips in sources.items():
                    compare(name, kind, clips, extractor, cluster, Path(folder), arguments.repeats)


def compare(
    name: str, kind: str, clips: Path, extractor: Extractor, cluster: Cluster, folder: Path, repeats: int
) -> None:
    """Print the ratios of one feature set on clips of one kind."""
    n_clips = len(find_clips(clips))
    tables = {way: folder / way / f"{name}_{kind}.csv" for way in ("plain", "cluster")}
    ratios: list[tuple[float, float]] = []
    plain_times: list[float] = []
    for number in range(repeats + 1):
        taken = {}
        for way, table in tables.items():
            table.parent.mkdir(exist_ok=True)
            wall, processor = time.perf_counter(), processor_time()
            export_features(clips, table, extractor, resume=False, cluster=cluster if way == "cluster" else None)
            taken[way] = time.perf_counter() - wall, processor_time() - processor
        if tables["plain"].read_bytes() != tables["cluster"].read_bytes():
            sys.exit(f"{name} of {kind}: the tables differ")
        ratio = tuple(of_cluster / plain for of_cluster, plain in zip(taken["cluster"], taken["plain"]))
        if number:
            ratios.append(ratio)
            plain_times.append(taken["plain"][0])
        else:
            more = taken["cluster"][0] - taken["plain"][0]
            print(f"{name} of {kind}: on workers that have not computed before {more:+.1f} s", flush=True)
    wall, processor = (median(column) for column in zip(*ratios))
    met = "met" if wall <= TARGETS[kind] else "not met"
    print(f"{name} of {kind}: {1000 * median(plain_times) / n_clips:.1f} ms a clip the plain way")
    print(f"  {wall:.3f} times that on the cluster, {processor:.3f} in processor time, with the same bytes")
    print(f"  target {TARGETS[kind]:.2f}: {met}; wall {', '.join(f'{one:.3f}' for one, _ in ratios)}", flush=True)


def processor_time() -> float:
    """Return the seconds of this process and of those that it started."""
    here = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (here, *here.children(recursive=True)))


def make_clips(folder: Path, kind: str, count: int) -> Path:
    """Fill a folder with clips of 30 s: the real ones, where they are there, as often as needed; else noise."""
    folder.mkdir()
    real = find_clips(REAL_CLIPS) if REAL_CLIPS.is_dir() else []
    rng = np.random.default_rng(0)
    for number in range(count):
        if real and kind == "mp3":
            Path(folder, f"{number:04d}.mp3").write_bytes(real[number % len(real)].read_bytes())
            continue
        if real:
            waveform, rate = soundfile.read(real[number % len(real)], dtype="float32")
        else:
            waveform, rate = (rng.standard_normal(30 * 22050) * 0.1).astype(np.float32), 22050
        soundfile.write(folder / f"{number:04d}.{kind}", waveform, rate)
    return folder


if __name__ == "__main__":
    main()
