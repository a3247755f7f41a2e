"""Does memory grow with the number of clips? Peak of extraction at 600 clips against 60, each in a fresh process.

The 600 are the same 60 files ten times under other ids. Run: python benchmarks/memory.py [--clips FOLDER]
Target: a ratio of at most 1.10.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

REAL_CLIPS = Path(__file__).parents[2] / "shared" / "data" / "audio" / "emotify"
N_CLIPS, TIMES = 60, 10


def main() -> None:
    """Measure the kinds of features and print the ratios; with --child, be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=REAL_CLIPS, help="folder of at least 60 audio files")
    parser.add_argument("--kinds", nargs="+", choices=("corrected", "published", "mfcc"), default=["corrected"])
    parser.add_argument("--child", nargs=2, metavar=("KIND", "TIMES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(peak_memory(arguments.clips, arguments.child[0], int(arguments.child[1])))
        return
    for kind in arguments.kinds:
        few, many = (measured(arguments.clips, kind, times) for times in (1, TIMES))
        counts = f"{N_CLIPS} clips {few:.0f} MB, {N_CLIPS * TIMES} clips {many:.0f} MB"
        print(f"{kind}: peak memory at {counts}: ratio {many / few:.3f} (target 1.10)", flush=True)


def measured(clips: Path, kind: str, times: int) -> float:
    """Run one extraction in a process of its own; return its peak memory in MB."""
    command = [sys.executable, __file__, "--clips", str(clips), "--child", kind, str(times)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return float(done.stdout.split()[-1])


def peak_memory(folder: Path, kind: str, times: int) -> float:
    """Extract features of `times` x 60 clips in this process; return its peak memory in MB."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import pandas as pd

    from mgc_keras.audio.files import find_clips
    from mgc_keras.datasets.manifest import Manifest
    from mgc_keras.features.export import export_features

    files = [path.relative_to(folder).as_posix() for path in find_clips(folder)[:N_CLIPS]] * times
    table = pd.DataFrame({"clip_id": [f"clip{index}" for index in range(len(files))], "filepath": files})
    with tempfile.TemporaryDirectory() as out:
        export_features(Manifest("many", table, folder), Path(out, "features.csv"), extractor_of(kind))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def extractor_of(kind: str):
    """Return the convnet clip by clip, or with batch statistics (batches of 30: 60 clips fill no 256), or the MFCCs."""
    if kind == "mfcc":
        from mgc_keras.features.mfcc import MfccExtractor

        return MfccExtractor()
    from mgc_keras.features.network import NetworkExtractor
    from mgc_keras.studies.choi2017.network import convnet

    if kind == "published":
        return NetworkExtractor(convnet(), batch_size=30)
    return NetworkExtractor(convnet(normalization="population", decibel_reference="clip"))


if __name__ == "__main__":
    main()
