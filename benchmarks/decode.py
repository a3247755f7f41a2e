"""What does it cost that mp3s are read to their real end? The walk over their frames, against decoding and features.

libsndfile's length of an mp3 may be too short, so that `read_waveform` counts the frames where decoding has come to an
end. Of clips that last longer than what is read of them, nothing is counted. The walk is timed by itself, in turns with
what it is compared with; processor time of one thread, medians.

Run: python benchmarks/decode.py [--clips FOLDER] [--repeats 7]
Target: at most 2 % of decoding a clip whole and computing its MFCCs.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from mgc_keras.audio.files import find_clips, read_waveform
from mgc_keras.audio.mpeg import walk_frames
from mgc_keras.features.mfcc import mfcc_features

REAL_CLIPS = Path(__file__).parents[2] / "shared" / "data" / "audio" / "emotify"
N_CLIPS = 20
TARGET = 0.02


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=REAL_CLIPS, help="folder of mp3 files")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    paths = [path for path in find_clips(arguments.clips) if path.suffix.lower() == ".mp3"][:N_CLIPS]
    waveforms = [read_waveform(path) for path in paths]
    ways: dict[str, Callable[[], object]] = {
        "walk": lambda: [walk_frames(path) for path in paths],
        "decoding, whole": lambda: [read_waveform(path) for path in paths],
        "decoding, 29 s": lambda: [read_waveform(path, duration=29.0) for path in paths],
        "MFCCs": lambda: [mfcc_features(waveform) for waveform in waveforms],
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(arguments.repeats + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if number:
                times[name].append((time.process_time() - start) / len(paths) * 1000)
    here = {name: median(values) for name, values in times.items()}
    print(f"{len(paths)} clips, ms a clip: " + ", ".join(f"{name} {value:.2f}" for name, value in here.items()))
    share = here["walk"] / (here["decoding, whole"] + here["MFCCs"])
    print(f"the walk takes {100 * share:.2f} % of decoding and features (target {100 * TARGET:.0f} %)")


if __name__ == "__main__":
    main()
