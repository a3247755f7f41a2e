"""Jobs that are killed (SIGKILL) or asked to end (SIGTERM) at any moment, and given again.

Held: the second call ends as if there had been no first one, with the same files and the same bytes; no hidden file and
no process stays behind. SIGTERM ends a job with exit code 143 and one line.
"""

import json
import logging
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np

from tests.broken_clips import tune, write
from tests.campaign.bench import Bench, Fault
from tests.campaign.damage import Generator

# What holds times, or names that Keras counts up.
_MOVES = ("config.json", "report.html", "*.calibrated.keras", "*.keras", "*.h5")
_SONG2017 = (
    "study run song2017 pretrain --source-clips 24 --target-clips 20 --seconds 2 --J 10 --Q 1 --width 4 --depth 1 "
    "--source-epochs 3 --jobs 1 --out out"
)
_RNN = (
    "study run asgharivaskasi2019 rnn --clips 40 --songs 30 --song-seconds 4 --seconds 2 --units 4 --epochs 3 --jobs 1 "
    "--protocol corrected --out out"
)
# Each with how often it is drawn: what takes long comes seldom.
JOBS: dict[str, tuple[float, str]] = {
    "mfcc": (9, "features {clips} -o out/t.csv --features mfcc --jobs 2"),
    "scattering": (7, "scattering {clips} -o out/t.npz --seconds 2 --J 9 --jobs 2"),
    "convnet": (7, "features {songs} -o out/t.csv --features random --batch-size 2"),
    "cut": (7, "manifest cut {clips}/clips.csv -o out/cut.csv --seconds 0.1"),
    "segment": (5, "segment {songs} -o out --export-largest"),
    "corpus": (6, "corpus genre -o out --clips 8 --duration 2 --sampling-rate 8000 --jobs 2"),
    "pretrain": (3, _SONG2017),
    "rnn": (3, _RNN),
}
_SECONDS = 400


class Stops(Bench):
    """Jobs that a signal ends."""

    per_process, seconds = 30, 1200
    signal: ClassVar[signal.Signals]

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        clips, songs = home / "clips", home / "songs"
        for number in range(40):
            write(clips / f"{number:02d}.wav", tune(2.0, seed=number))
        for number in range(4):
            write(songs / f"{number}.wav", tune(12.0, seed=number))
        rows = [f"{path.stem},{path.name},{int(path.stem) % 2}" for path in sorted(clips.iterdir())]
        (clips / "clips.csv").write_text("\n".join(["clip_id,filepath,label", *rows]) + "\n")
        self.places = {"clips": clips, "songs": songs}
        self.whole: dict[str, tuple[int, float]] = {}
        _import_all()

    def trial(self, generator: Generator, folder: Path) -> None:
        shares = np.array([share for share, _ in JOBS.values()])
        name = list(JOBS)[int(generator.choice(len(JOBS), p=shares / shares.sum()))]
        words = JOBS[name][1].format(**self.places).split()
        part = float(generator.random())
        self.note = f"{name}, {self.signal.name} at {part:.2f} of its time"
        (folder / "note.txt").write_text(self.note)
        code, seconds = self._whole(name, words)
        left: list[str] = []
        job = Job(words, folder)
        end = time.monotonic() + part * seconds
        while time.monotonic() < end and job.code is None:
            job.poll()
            time.sleep(0.005)
        if job.code is None:
            os.kill(job.pid, self.signal)
            job.wait(20, f"{name}: does not end by {self.signal.name}")
            self.judge_end(name, job)
            left = job.family(20)
        job = Job(words, folder)
        job.wait(_SECONDS, f"{name}: no end when given again")
        if "Traceback" in job.errors() or job.code != code:
            raise Fault(f"{name}: given again, it ends with {job.code} instead of {code}", job.errors())
        self._check_same(name, folder / "out")
        if left:
            raise Fault(f"{name}: processes stay behind", ", ".join(left))

    def judge_end(self, name: str, job: "Job") -> None:
        """Raise a `Fault` where the job ended by the signal as it should not."""

    def _whole(self, name: str, words: list[str]) -> tuple[int, float]:
        """The exit code and the seconds of a job that nobody stops; its files stay in ``home``."""
        if name not in self.whole:
            folder = self.home / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            start = time.monotonic()
            job = Job(words, folder)
            job.wait(_SECONDS, f"{name}: no end")
            if job.code not in (0, 1):
                raise Fault(f"{name}: exit code {job.code}, undisturbed", job.errors())
            self.whole[name] = job.code, time.monotonic() - start
        return self.whole[name]

    def _check_same(self, name: str, out: Path) -> None:
        whole = self.home / name / "out"
        ours, theirs = ({path.relative_to(folder) for path in folder.rglob("*")} for folder in (whole, out))
        if theirs - ours:
            raise Fault(f"{name}: files stay behind", ", ".join(map(str, sorted(theirs - ours))))
        if ours - theirs:
            raise Fault(f"{name}: files are missing", ", ".join(map(str, sorted(ours - theirs))))
        for path in sorted(ours):
            if (whole / path).is_file() and not any(path.match(moves) for moves in _MOVES):
                if _content(whole / path) != _content(out / path):
                    raise Fault(f"{name}: other bytes", str(path))


def _content(path: Path) -> object:
    """What must be equal. The fingerprints in descriptions cover the times of clips that a study renders itself."""
    if path.suffix == ".json":
        record = json.loads(path.read_bytes())
        return {key: value for key, value in record.items() if key != "fingerprint"}
    return path.read_bytes()


class Kills(Stops):
    """See the module."""

    name, share, signal = "kills", 0.05, signal.SIGKILL


class Terms(Stops):
    """See the module."""

    name, share, signal = "terms", 0.02, signal.SIGTERM

    def judge_end(self, name: str, job: "Job") -> None:
        if job.code == 0:
            return  # it was at its end
        if job.code == -signal.SIGTERM and not (job.folder / "out").exists():
            return  # it had not begun
        if job.code != 143:
            raise Fault(f"{name}: SIGTERM ends it with {job.code} instead of 143", job.errors())
        last = [line for line in job.errors().replace("\r", "\n").splitlines() if line.strip()]
        if "Traceback" in job.errors() or not last or "stopped" not in last[-1]:
            raise Fault(f"{name}: SIGTERM does not end it by one line", job.errors())
        if left := [path.name for path in (job.folder / "out").rglob(".*") if not path.name.endswith(".plan.csv")]:
            raise Fault(f"{name}: SIGTERM leaves hidden files", ", ".join(left))


class Job:
    """A command in a forked process, in a session of its own; it runs in `folder`, where ``err.txt`` has its errors."""

    def __init__(self, words: list[str], folder: Path) -> None:
        self.folder, self.code = folder, None
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.pid = os.fork()
        if not self.pid:
            self._run(words)

    def _run(self, words: list[str]) -> None:
        code = 1
        try:
            os.setsid()
            os.chdir(self.folder)
            os.environ["MGC_CAMPAIGN_JOB"] = self.mark
            # Like a new process: nothing of what the campaign listens to.
            logging.captureWarnings(False)
            warnings.resetwarnings()
            for number in (signal.SIGTERM, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            for number, name in ((1, "out.txt"), (2, "err.txt")):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            from mgc_keras.cli.main import main

            code = main(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll(self) -> None:
        """Set `code` where the process has ended; a signal counts as its negative number."""
        if self.code is None and (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.code = os.waitstatus_to_exitcode(ended[1])

    def wait(self, seconds: float, problem: str) -> None:
        """Wait for the end; raise a `Fault` with `problem`, and kill, if it takes longer."""
        end = time.monotonic() + seconds
        while self.code is None:
            self.poll()
            if time.monotonic() > end:
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise Fault(problem, self.errors())
            time.sleep(0.01)

    def errors(self) -> str:
        """What it wrote on standard error."""
        return (self.folder / "err.txt").read_text(errors="replace")

    def family(self, seconds: float) -> list[str]:
        """The processes that it started and that are still there after so many seconds; they are killed then."""
        end = time.monotonic() + seconds
        while (left := self._alive()) and time.monotonic() < end:
            time.sleep(0.1)
        names = []
        for pid in left:
            names.append(f"{pid} {_read(pid, 'cmdline').decode(errors='replace')[:80]!r}".replace("\\x00", " "))
            os.kill(pid, signal.SIGKILL)
        return names

    def _alive(self) -> list[int]:
        """Processes of the job's session, or with its mark among their variables."""
        mark = f"MGC_CAMPAIGN_JOB={self.mark}".encode()
        found = []
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            status = _read(pid, "stat").rpartition(b")")[2].split()
            if status and status[0] != b"Z" and (int(status[3]) == self.pid or mark in _read(pid, "environ")):
                found.append(pid)
        return found


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _import_all() -> None:
    """Import what the jobs import, once for all. Nothing is computed: TensorFlow's threads would not survive a fork."""
    import librosa
    import scipy.fft  # noqa: F401

    import mgc_keras.features.export
    import mgc_keras.networks.load
    import mgc_keras.segmentation.segments
    import mgc_keras.studies.asgharivaskasi2019.steps
    import mgc_keras.studies.song2017.steps  # noqa: F401
    from mgc_keras.cli.main import build_parser

    build_parser()
    librosa.stft  # noqa: B018  (imported when first asked for)
