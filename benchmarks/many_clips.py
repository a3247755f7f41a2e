"""What does a quarter of a million clips cost beside the work on them? Start, resume, finish and memory.

The clips are hard links to a few wav files of 0.05 s (a file system allows each file some 65 000), the features 160
numbers a clip that cost microseconds: what is measured is the bookkeeping alone. Each figure is of a process of its
own, from its first line, imports included, to

  first     the first batch computed: manifest read and checked, clips listed and hashed, batches planned, journal begun
  resumed   the first new batch computed, where the journal holds 99 % of the clips. The package's own code writes that
            journal, from one waveform that stands for every clip, since reading 250 000 clips is not the question
  finished  the files written, counted from the last batch computed; the last 1 % of the clips is read from disk
  read      the table in memory, by `read_features`
  command   the first batch of ``mgc-keras features MANIFEST --features mfcc``, arguments checked

Peak memory is what the kernel counted for the process (VmHWM). Start and resume are compared with targets, memory with
that of the hundredth; the plain way to finish, pandas that reads the CSV and writes the Parquet, stands beside both.

Run: python benchmarks/many_clips.py [--clips 250000] [--folder DIR, on a disk with 3 GB free]
Targets: first 10 s, resumed 20 s, memory at most 1.5 times that of the hundredth and the size of the table.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

BEGUN = time.perf_counter()
N_COLUMNS, LINKS_A_FILE, CLIPS_A_FOLDER = 160, 50_000, 1000
TARGETS = {"first": 10.0, "resumed": 20.0}


def main() -> None:
    """Measure all clips and a hundredth of them, and print both; with --child, be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=250_000)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (default: the system's place)")
    parser.add_argument("--child", nargs=4, metavar=("WHAT", "MANIFEST", "OUTPUT", "N"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        what, manifest, output, n_clips = arguments.child
        CHILDREN[what](Path(manifest), Path(output), int(n_clips))
        return
    formats = ["csv", "parquet"] if find_spec("pyarrow") else ["csv"]
    figures = {}
    for n_clips in (arguments.clips // 100, arguments.clips):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            manifest = make_manifest(Path(folder), n_clips)
            figures[n_clips] = measured(manifest, Path(folder), n_clips, formats)
            for name, (value, unit) in figures[n_clips].items():
                print(f"{n_clips:>7} clips  {name:<28} {value:9.2f} {unit}", flush=True)
    few, many = figures.values()
    for name, (value, unit) in many.items():
        if name.endswith("peak"):
            table = many.get(f"{name.split()[0]} table", (0.0, unit))[0]
            ratio, least = value / few[name][0], (value - table) / few[name][0]
            verdict = "holds" if least <= 1.5 else "MISSED"
            ratios = f"{ratio:.2f} times that of a hundredth, {least:.2f} without the size of the table"
            print(f"{name}: {value:.0f} MB, {ratios} (target 1.50): {verdict}")
        elif target := TARGETS.get(name.split()[-1]):
            print(f"{name}: {value:.1f} s (target {target:.0f} s): {'holds' if value <= target else 'MISSED'}")


def make_manifest(folder: Path, n_clips: int) -> Path:
    """Write a few wav files of noise, hard links to them, and the manifest that lists the links."""
    import numpy as np
    import soundfile

    rows = []
    for number in range(n_clips):
        if number % LINKS_A_FILE == 0:
            original = folder / f"original_{number}.wav"
            noise = np.random.default_rng(number).uniform(-0.5, 0.5, 400)
            soundfile.write(original, noise, 8000, subtype="PCM_16")
        name = f"music/{number // CLIPS_A_FOLDER:03d}/clip_{number:06d}.wav"
        if number % CLIPS_A_FOLDER == 0:
            (folder / name).parent.mkdir(parents=True)
        os.link(original, folder / name)
        rows.append((f"{number:06d}", name, f"class {number % 16}"))
    with open(folder / "manifest.csv", "w", newline="") as stream:
        csv.writer(stream).writerows([("clip_id", "filepath", "label"), *rows])
    return folder / "manifest.csv"


def measured(manifest: Path, folder: Path, n_clips: int, formats: list[str]) -> dict[str, tuple[float, str]]:
    """Run the measured processes; return value and unit by name."""
    figures = {}

    def run(what: str, name: str) -> None:
        command = [
            sys.executable,
            __file__,
            "--child",
            what,
            str(manifest),
            str(folder / f"table_{format}.{format}"),
            str(n_clips),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        for line in done.stdout.splitlines():
            if line.startswith("figure "):
                _, key, value, unit = line.split(" ")
                figures[f"{name} {key}".replace("_", " ")] = (float(value), unit)

    for format in formats:
        run("first", format)
        run("fill", format)
        run("resume", format)
        run("read", format)
    format = "csv"
    run("command", "command")
    if "parquet" in formats:
        run("pandas", "pandas")
    return figures


class Means:
    """Means of parts of each waveform, which cost next to nothing; `stop` is asked after each batch."""

    name, columns, dtype = "means", tuple(f"mean_{number}" for number in range(N_COLUMNS)), "float32"
    sampling_rate, n_samples, duration, fit = 8000, 400, 0.05, "zero_pad"
    batch_size, batch_order, seed = 16, "file", 0

    def __init__(self, stop=lambda n_done: False):
        self.stop, self.n_done, self.ends = stop, 0, []

    def describe(self):  # noqa: D102
        return {"name": self.name}

    def __call__(self, waveforms):  # noqa: D102
        import numpy as np

        # The parts differ clip by clip where the waveforms do not.
        rows = np.random.default_rng(self.n_done).standard_normal((len(waveforms), N_COLUMNS)).astype(np.float32)
        self.n_done += len(waveforms)
        self.ends = [*self.ends[:1], time.perf_counter()]
        if self.stop(self.n_done):
            raise KeyboardInterrupt
        return rows + waveforms.mean(axis=1, keepdims=True)


def first(manifest: Path, output: Path, n_clips: int) -> None:
    from mgc_keras.features.export import export_features

    extractor = Means(lambda n_done: True)
    try:
        export_features(manifest, output, extractor)
    except KeyboardInterrupt:
        figure("first", extractor.ends[0] - BEGUN, "s")
        figure("first_peak", peak_memory(), "MB")


def fill(manifest: Path, output: Path, n_clips: int) -> None:
    import numpy as np

    from mgc_keras.features import pipeline
    from mgc_keras.features.export import export_features

    waveform = np.full(400, 0.25, np.float32)
    pipeline.reader = lambda *arguments, **options: lambda position: waveform
    begun = time.perf_counter()
    try:
        export_features(manifest, output, Means(lambda n_done: n_done > 0.99 * n_clips))
    except KeyboardInterrupt:
        figure("fill_a_clip", (time.perf_counter() - begun) / n_clips * 1e6, "us")
        figure("journal", output.with_name(output.name + ".partial").stat().st_size / 1e6, "MB")


def resume(manifest: Path, output: Path, n_clips: int) -> None:
    from mgc_keras.features.export import export_features

    class Watched(Means):
        def __call__(self, waveforms):
            rows = super().__call__(waveforms)
            if len(self.ends) == 1:
                figure("resumed_peak", peak_memory(), "MB")
            return rows

    extractor = Watched()
    export_features(manifest, output, extractor)
    assert extractor.n_done < 0.02 * n_clips + 32, "nothing was resumed"
    figure("resumed", extractor.ends[0] - BEGUN, "s")
    figure("finished", time.perf_counter() - extractor.ends[-1], "s")
    figure("whole_peak", peak_memory(), "MB")
    figure("table", output.stat().st_size / 1e6, "MB")


def read(manifest: Path, output: Path, n_clips: int) -> None:
    from mgc_keras.features.table import read_features

    begun = time.perf_counter()
    assert len(read_features(output)) == n_clips
    figure("read", time.perf_counter() - begun, "s")
    figure("read_memory", peak_memory(), "MB")


def command(manifest: Path, output: Path, n_clips: int) -> None:
    from mgc_keras.cli.main import main
    from mgc_keras.features.mfcc import MfccExtractor

    plain = MfccExtractor.__call__

    def stopping(self, waveforms):
        plain(self, waveforms)
        figure("first", time.perf_counter() - BEGUN, "s")
        figure("first_peak", peak_memory(), "MB")
        sys.stdout.flush()
        os._exit(0)

    MfccExtractor.__call__ = stopping
    main(["features", str(manifest), "-o", str(output.with_stem("mfcc")), "--features", "mfcc"])


def pandas(manifest: Path, output: Path, n_clips: int) -> None:
    import pandas as pd

    begun = time.perf_counter()
    pd.read_csv(output).to_parquet(output.with_stem("pandas").with_suffix(".parquet"))
    figure("csv_to_parquet", time.perf_counter() - begun, "s")
    figure("whole_memory", peak_memory(), "MB")


CHILDREN = {"first": first, "fill": fill, "resume": resume, "read": read, "command": command, "pandas": pandas}


def figure(name: str, value: float, unit: str) -> None:
    print("figure", name, value, unit)


def peak_memory() -> float:
    """Return the peak memory of this process in MB; unlike that of getrusage it holds nothing of its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
