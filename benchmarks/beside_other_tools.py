"""What do decoders make of odd files? Ours, librosa, soundfile and Essentia beside ffmpeg: seconds, and what is told.

Each file is read whole as a mono waveform by each library that can be imported. A cell says how many seconds came out,
whether they are usable (finite, not all zeros), and whether anything was told: a warning, a line on stderr, an error.
Of ours the remarks of `read_waveform` and the findings of `check` count. ffmpeg is the reference; its lines on stderr
are not shown. The table stands in docs/beside_other_tools.md.

The last line compares the MFCCs of ours and of librosa, clip by clip in turns in this process: largest difference and
ratio of the processor times, without decoding.

Run: python benchmarks/beside_other_tools.py [--data FOLDER] [--ffmpeg PROGRAM]
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from statistics import median

import numpy as np

from mgc_keras.audio.check import check_clips
from mgc_keras.audio.files import find_clips, fit_waveform, read_waveform
from mgc_keras.errors import MgcKerasError
from mgc_keras.features.mfcc import mfcc_features

DATA = Path(__file__).parents[2] / "shared" / "data"
FILES = (
    "audio/joined.mp3 audio/mono_then_stereo_16s.mp3 audio/xing_says_half_8s.mp3 audio/vbr_noxing.mp3 "
    "audio/vbr_without_xing_30s.mp3 audio/id3pad.mp3 audio/riff_mp3.mp3 newcomer/chained_4s.ogg audio/pipe_zero.wav "
    "audio/bw64.wav audio/nan.wav audio/huge_float.wav newcomer/float_in_int16_units_2s.wav "
    "newcomer/silence_1s.wav newcomer/antiphase_stereo_1s.wav"
).split()
RATE, N_CLIPS, REPEATS = 12000, 8, 5
Reader = Callable[[Path], tuple[np.ndarray, float]]


def main() -> None:
    """Print the table and the line of the MFCCs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds quirks/ and audio/emotify/")
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"), help="the program (default: the one on the PATH)")
    arguments = parser.parse_args()
    readers = {name: make() for name, make in READERS.items() if can_import(name)}
    print(f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in readers))
    print(" | ".join(["| file", "ffmpeg", "mgc_keras", *readers]) + " |")
    print("|---" * (len(readers) + 3) + "|")
    with tempfile.TemporaryDirectory() as folder:
        text, cut = Path(folder, "text.mp3"), Path(folder, "cut_in_half.wav")
        text.write_text("This is no music.\n" * 100)
        whole = arguments.data / "quirks/audio/A$AP - L$D.wav"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        for path in [*(arguments.data / "quirks" / name for name in FILES), text, cut]:
            others = [heard(path, read) for read in readers.values()]
            print(
                " | ".join([f"| {path.name}", by_ffmpeg(path, arguments.ffmpeg), ours(path), *others]) + " |",
                flush=True,
            )
    if can_import("librosa"):
        compare_mfccs(find_clips(arguments.data / "audio" / "emotify")[:N_CLIPS])


def by_ffmpeg(path: Path, program: str | None) -> str:
    """Return the seconds that ffmpeg decodes, at 48 kHz mono."""
    if program is None:
        return "not here"
    command = [program, "-v", "quiet", "-nostdin", "-i", str(path), "-f", "f32le", "-ac", "1", "-ar", "48000", "-"]
    samples = subprocess.run(command, capture_output=True, check=False).stdout
    return f"{len(samples) / 4 / 48000:.1f} s" if samples else "refused"


def ours(path: Path) -> str:
    """Return what `read_waveform` gives and what `check` finds."""
    kinds = sorted({finding.kind for finding in check_clips([path], [path.name], jobs=1)[0]})
    remarks: list[str] = []
    try:
        waveform = read_waveform(path, RATE, remarks=remarks)
    except MgcKerasError:
        return "refused" + (f"; check: {', '.join(kinds)}" if kinds else "")
    told = f"check: {', '.join(kinds)}" if kinds else ("a remark" if remarks else "silent")
    return f"{len(waveform) / RATE:.1f} s{state(waveform)}, {told}"


def heard(path: Path, read: Reader) -> str:
    """Return what a library's reader gives, and whether it told anything."""
    with listening() as told:
        try:
            waveform, rate = read(path)
        except Exception as error:  # any: which one is the library's own choice
            return f"refused ({type(error).__name__})"
    return f"{len(waveform) / rate:.1f} s{state(waveform)}, {'told' if told else 'silent'}"


def state(waveform: np.ndarray) -> str:
    """Return what is wrong with samples, if anything is."""
    if not np.isfinite(waveform).all():
        return " not finite"
    peak = float(np.abs(waveform).max(initial=0.0))
    return " of zeros" if peak == 0 else f" of peak {peak:.0e}" if peak > 10 else ""


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect warnings and what comes out on stderr, of C libraries too; the list is filled at the end."""
    told: list[str] = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        sys.stderr.flush()
        os.dup2(file.fileno(), 2)
        try:
            with redirect_stderr(StringIO()) as words:
                yield told
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines = (file.read().decode(errors="replace") + words.getvalue()).splitlines()
            told += [*(str(warning.message) for warning in caught), *filter(None, lines)]


def can_import(name: str) -> bool:
    """Tell whether a library is here."""
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def with_librosa() -> Reader:
    """Return the reading of `librosa.load`."""
    import librosa

    return lambda path: librosa.load(path, sr=None, mono=True)


def with_soundfile() -> Reader:
    """Return the reading of `soundfile.read`, its channels averaged."""
    import soundfile

    def read(path: Path) -> tuple[np.ndarray, float]:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return samples.mean(axis=1), rate

    return read


def with_essentia() -> Reader:
    """Return the reading of Essentia's ``MonoLoader``, at its default 44.1 kHz."""
    from essentia.standard import MonoLoader

    return lambda path: (MonoLoader(filename=str(path))(), 44100.0)


READERS: dict[str, Callable[[], Reader]] = {
    "librosa": with_librosa,
    "soundfile": with_soundfile,
    "essentia": with_essentia,
}


def compare_mfccs(paths: list[Path]) -> None:
    """Print the largest difference between our MFCC statistics and librosa's, and the ratio of their times."""
    waveforms = [fit_waveform(read_waveform(path, RATE, duration=29.0), 29 * RATE) for path in paths]
    ways = {"mgc_keras": mfcc_features, "librosa": librosa_mfccs}
    times: dict[str, list[float]] = {name: [] for name in ways}
    rows: dict[str, np.ndarray] = {}
    for number in range(REPEATS + 1):
        for name, way in ways.items():
            start = time.process_time()
            rows[name] = np.stack([way(waveform) for waveform in waveforms])
            if number:
                times[name].append((time.process_time() - start) / len(paths) * 1000)
    gap = np.abs(rows["mgc_keras"] - rows["librosa"])
    here = {name: median(values) for name, values in times.items()}
    print(f"MFCCs of {len(paths)} clips, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}: ", end="")
    print(
        f"largest difference {gap.max():.1e} at values up to {np.abs(rows['librosa']).max():.0f}; processor time ",
        end="",
    )
    print(
        f"{here['mgc_keras']:.0f} ms a clip, librosa {here['librosa']:.0f}: {here['librosa'] / here['mgc_keras']:.2f} x"
    )


def librosa_mfccs(waveform: np.ndarray) -> np.ndarray:
    """Compute the 120 columns of ``--features mfcc`` as a user of librosa would."""
    import librosa

    mfccs = librosa.feature.mfcc(y=waveform, sr=RATE, n_mfcc=20)
    parts = [np.diff(mfccs, order, axis=1) for order in range(3)]
    return np.concatenate([statistic(part, axis=1) for part in parts for statistic in (np.mean, np.std)])


if __name__ == "__main__":
    main()
