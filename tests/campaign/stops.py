"""Jobs that are killed (SIGKILL) or asked to end (SIGTERM) at any moment, and given again.

Held: the second call ends as if there had been no first one, with the same files and the same bytes; no hidden file and
no process stays behind. SIGTERM ends a job with exit code 143 and one line, or, at its end, with that of the work.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pandas as pd

from tests.broken_clips import tune, write
from tests.campaign.bench import PACKAGE, Bench, Fault
from tests.campaign.damage import Generator
from tests.campaign.weight_bases import DATA

# What holds times, or names that Keras counts up.
_MOVES = ("config.json", "report.html", "*.calibrated.keras", "*.keras", "*.h5")
_OF_TIMES = ("fingerprint", "record_sha256")
_SONG2017 = (
    "study run song2017 pretrain --source-clips 24 --target-clips 20 --seconds 2 --J 10 --Q 1 --width 4 --depth 1 "
    "--source-epochs 3 --jobs 2 --out out"
)
_RNN = (
    "study run asgharivaskasi2019 rnn --clips 40 --songs 30 --song-seconds 4 --seconds 2 --units 4 --epochs 3 --jobs 2 "
    "--protocol corrected --out out"
)
_CNN = (
    "study run ouyang2023 cnn --tasks {artists} --backbone-weights none --seconds 0.5 --image-size 75 75 "
    "--channels 2 2 --epochs 3 --jobs 2 --out out"
)
_FINETUNE = (
    "study run jimenez2017 finetune --tasks {long} --weights {crnn} --epochs 2 --from-layer head --jobs 2 --out out"
)
_SEARCH = (
    "study run choi2017 --published-features {published} --tasks gtzan_speechmusic --layer-sets 1,2,3 --jobs 2 "
    "--out out"
)
# All commands that write. Each with how many of 50 kills and of 20 SIGTERMs it takes: what takes long comes seldom.
JOBS: dict[str, tuple[int, int, str]] = {
    "mfcc": (4, 1, "features {clips} -o out/t.csv --features mfcc --jobs 2"),
    "scattering": (4, 1, "scattering {clips} -o out/t.npz --seconds 2 --J 9 --jobs 2"),
    "convnet": (4, 4, "features {songs} -o out/t.csv --features random --batch-size 2"),
    "cut": (4, 1, "manifest cut {artists} -o out/cut.csv --seconds 0.1"),
    "segment": (4, 1, "segment {songs} -o out --export-largest"),
    "plot": (3, 1, "plot {songs} -o out --views waveform mel --separate"),
    "check": (2, 1, "check {clips} -o out/found.csv"),
    "classify": (2, 1, "classify {songs} --weights {model} --plot out/genres.png"),
    "folder": (1, 1, "manifest folder {classes} -o out/m.csv"),
    "report": (1, 1, "report out"),
    "add": (1, 1, "weights add {published}/weights/weights_layer4_theano.hdf5"),
    "corpus": (8, 1, "corpus genre -o out --clips 8 --duration 2 --sampling-rate 8000 --jobs 2"),
    "search": (4, 1, _SEARCH),
    "pretrain": (2, 1, _SONG2017),
    "rnn": (2, 1, _RNN),
    "cnn": (2, 1, _CNN),
    "finetune": (2, 1, _FINETUNE),
}
_BEGIN_ANEW = ("plot", "check", "classify", "folder", "report", "add")
_SECONDS, _TIME_TO_LEAVE = 400, 5.0


class Stops(Bench):
    """Jobs that a signal ends."""

    per_process, seconds = 30, 1200
    signal: ClassVar[signal.Signals]
    column: ClassVar[int]  # of JOBS: how often each is taken

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        clips, songs, classes, long = (home / name for name in ("clips", "songs", "classes", "long"))
        rows = []
        for number in range(40):
            name = f"{number:02d}.wav"
            write(clips / name, tune(2.0, seed=number))
            write(classes / "ab"[number % 2] / name, tune(0.1, seed=number))
            rows.append((name[:2], name, "ab"[number % 2], f"artist{number}"))
        for name in [name for _, name, *_ in rows[:8]]:
            write(long / name, tune(30.0, 12000, seed=int(name[:2])), 12000)
        for number in range(4):
            write(songs / f"{number}.wav", tune(12.0, seed=number))
        self.places = {"clips": clips, "songs": songs, "classes": classes}
        for name, folder, n_clips in (("artists", clips, 40), ("long", long, 8)):
            table = pd.DataFrame(rows[:n_clips], columns=["clip_id", "filepath", "label", "artist"])
            self.places[name] = folder / "clips.csv"
            table.to_csv(self.places[name], index=False)
        self.places |= {"published": DATA / "choi2017", "model": home / "model.keras", "crnn": home / "crnn.h5"}
        _save_models(self.places["model"], self.places["crnn"])
        # The exit code of each job that nobody stops, when its folder was there, and its end, in seconds.
        self.whole: dict[str, tuple[int, float, float]] = {}

    def trial(self, generator: Generator, folder: Path) -> None:
        # One after another, so that each process of the campaign has few jobs to run undisturbed.
        names = [name for name, job in JOBS.items() for _ in range(job[self.column])]
        name = names[int(folder.name) % len(names)]
        if "{published}" in JOBS[name][2] and not self.places["published"].is_dir():
            return
        words = JOBS[name][2].format(**self.places).split()
        code, begin, seconds = self._whole(name, words)
        part = float(generator.random())
        while True:
            self._prepare(name, folder)
            after, job = self.moment(part, begin, seconds), Job(words, folder)
            self.note = f"{name}, {self.signal.name} after {after:.2f} of {seconds:.2f} s"
            (folder / "note.txt").write_text(self.note)
            while job.code is None and time.monotonic() < job.start + after:
                job.poll()
                time.sleep(0.005)
            if job.code is None:
                break
            # Faster than undisturbed, when others ran beside it: the signal comes earlier, in a folder swept clean.
            seconds = min(time.monotonic() - job.start, 0.95 * seconds)
            shutil.rmtree(folder / "out", ignore_errors=True)
        after = time.monotonic() - job.start
        os.kill(job.process.pid, self.signal)
        job.wait(20, f"{name}: does not end by {self.signal.name}")
        took = time.monotonic() - job.start - after
        with open(self.home.parent / "ends.csv", "a", newline="") as stream:
            cells = [f"{number:.2f}" for number in (after, took, seconds)]
            csv.writer(stream).writerow([folder.name, name, *cells, job.code])
        self.judge_end(name, job, code, after)
        left = job.family(20)
        job = Job(words, folder)
        job.wait(_SECONDS, f"{name}: no end when given again")
        if "Traceback" in job.errors() or job.code != code:
            raise Fault(f"{name}: given again, it ends with {job.code} instead of {code}", job.errors())
        self._check_same(name, folder / "out")
        if left:
            raise Fault(f"{name}: processes stay behind", ", ".join(left))

    def moment(self, part: float, begin: float, seconds: float) -> float:
        """When the signal comes, in seconds from the start of the process."""
        raise NotImplementedError

    def judge_end(self, name: str, job: "Job", code: int, after: float) -> None:
        """Raise a `Fault` where the job ended by the signal as it should not."""

    def _whole(self, name: str, words: list[str]) -> tuple[int, float, float]:
        """How a job ends that nobody stops; its files stay in ``home``."""
        if name not in self.whole:
            folder = self.home / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            self._prepare(name, folder)
            job, begin = Job(words, folder), None
            while job.code is None:
                if begin is None and (folder / "out").exists():
                    begin = time.monotonic() - job.start
                job.poll()
                time.sleep(0.005)
                if time.monotonic() > job.start + _SECONDS:
                    job.wait(0, f"{name}: no end")
            if job.code not in (0, 1):
                raise Fault(f"{name}: exit code {job.code}, undisturbed", job.errors())
            self.whole[name] = job.code, begin or 0.0, time.monotonic() - job.start
        return self.whole[name]

    def _prepare(self, name: str, folder: Path) -> None:
        """Lay out what a job works in: a finished run for its report to be drawn again."""
        if name == "report":
            self._whole("rnn", JOBS["rnn"][2].split())
            shutil.copytree(self.home / "rnn" / "out", folder / "out")

    def _check_same(self, name: str, out: Path) -> None:
        whole = self.home / name / "out"
        ours, theirs = ({path.relative_to(folder) for path in folder.rglob("*")} for folder in (whole, out))
        if theirs - ours:
            raise Fault(f"{name}: files stay behind", ", ".join(map(str, sorted(theirs - ours))))
        if ours - theirs:
            raise Fault(f"{name}: files are missing", ", ".join(map(str, sorted(ours - theirs))))
        for path in sorted(ours):
            if (whole / path).is_file() and not any(path.match(moves) for moves in _MOVES):
                renders = "study run" in JOBS[name][2]
                if _content(whole / path, renders) != _content(out / path, renders):
                    raise Fault(f"{name}: other bytes", str(path))


def _content(path: Path, renders: bool) -> object:
    """What must be equal. Where a study renders clips itself, fingerprints in descriptions cover their times."""
    if path.suffix == ".json" and renders:
        return {key: value for key, value in json.loads(path.read_bytes()).items() if key not in _OF_TIMES}
    return path.read_bytes()


class Kills(Stops):
    """See the module. They come when the job has begun to write: before, there is nothing to spoil."""

    name, share, signal, column = "kills", 0.05, signal.SIGKILL, 0

    def moment(self, part: float, begin: float, seconds: float) -> float:
        return begin + part * (seconds - begin)


class Terms(Stops):
    """See the module. They come at any time, also while Python starts and while libraries leave."""

    name, share, signal, column = "terms", 0.02, signal.SIGTERM, 1

    def moment(self, part: float, begin: float, seconds: float) -> float:
        return part * seconds

    def judge_end(self, name: str, job: "Job", code: int, after: float) -> None:
        if job.code == -signal.SIGTERM and after < 0.3 and not job.errors():
            return  # Python had not yet come to the package
        if job.code == code and "stopped" not in job.errors():
            if time.monotonic() - job.start - after > _TIME_TO_LEAVE:
                raise Fault(f"{name}: goes on after SIGTERM", job.errors())
            return  # it was at its end
        if job.code != 143:
            raise Fault(f"{name}: SIGTERM ends it with {job.code} instead of 143", job.errors())
        last = [line for line in job.errors().replace("\r", "\n").splitlines() if line.strip()]
        again = "begins anew" if name in _BEGIN_ANEW else "goes on from here"
        if "Traceback" in job.errors() or not last or not last[-1].endswith(f"stopped; the same command {again}"):
            raise Fault(f"{name}: SIGTERM does not end it by one line", job.errors())
        if left := [path.name for path in (job.folder / "out").rglob(".*") if not path.name.endswith(".plan.csv")]:
            raise Fault(f"{name}: SIGTERM leaves hidden files", ", ".join(left))


class Job:
    """A command in a process and a session of its own; it runs in `folder`, where ``err.txt`` has its errors."""

    def __init__(self, words: list[str], folder: Path) -> None:
        self.folder, self.code, self.start = folder, None, time.monotonic()
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        variables = {"MGC_CAMPAIGN_JOB": self.mark, "MGC_KERAS_CACHE": "out", "PYTHONPATH": str(PACKAGE.parent)}
        with open(folder / "out.txt", "w") as out, open(folder / "err.txt", "w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mgc_keras", *words],
                cwd=folder,
                env={**os.environ, **variables},
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def poll(self) -> None:
        """Set `code` where the process has ended; a signal counts as its negative number."""
        self.code = self.process.poll()

    def wait(self, seconds: float, problem: str) -> None:
        """Wait for the end; raise a `Fault` with `problem`, and kill, if it takes longer."""
        try:
            self.code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise Fault(problem, self.errors()) from None

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
            if status and status[0] != b"Z" and (int(status[3]) == self.process.pid or mark in _read(pid, "environ")):
                found.append(pid)
        return found


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _save_models(model: Path, crnn: Path) -> None:
    import keras

    from mgc_keras.layers.named_outputs import with_output_names
    from mgc_keras.studies.jimenez2017.network import music_tagger_crnn

    inputs = keras.Input((12000,))
    shares = keras.layers.Dense(2, activation="softmax", name="genres")(inputs)
    with_output_names(keras.Model(inputs, shares), ["a", "b"]).save(model)
    music_tagger_crnn().save(crnn)
