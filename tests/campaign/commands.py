"""Folders of damaged clips, a few whole ones among them, through the command line.

Held: exit code 0 or 1 by whether a clip failed, no traceback, no raw warning; every clip has a row or an error, and
`check` names each that has an error; the whole clips' MFCCs do not move; convnet features have a spread.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tests.broken_clips import tune, write
from tests.campaign.audio import draw
from tests.campaign.audio_bases import SUFFIX, clips
from tests.campaign.bench import PACKAGE, Bench, Fault
from tests.campaign.damage import Generator

N_CLIPS, N_CONVNET, N_WHOLE = 20, 7, 3
_CODES = (0, 1, 2, 130, 143)
_NAMES = {"clip_id": str, "filepath": str}


class Done(NamedTuple):
    """How a command ended; `peak` is in MB."""

    code: int
    out: str
    err: str
    peak: float


def command(folder: Path, *words: object, seconds: float = 300) -> Done:
    """Run ``python -m mgc_keras`` with these words, and wait for its end."""
    with open(folder / "out.txt", "w+") as out, open(folder / "err.txt", "w+") as err:
        line = [sys.executable, "-m", "mgc_keras", *map(str, words)]
        process = subprocess.Popen(line, stdout=out, stderr=err, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})
        end = time.monotonic() + seconds
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if time.monotonic() > end:
                process.kill()
                process.wait()
                raise Fault(f"{words[0]}: no end in {seconds:.0f} s")
            time.sleep(0.05)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
    texts = [(folder / name).read_text(errors="replace") for name in ("out.txt", "err.txt")]
    return Done(process.returncode, *texts, ended[2].ru_maxrss / 1e3)


class Commands(Bench):
    """See the module."""

    name, share, per_process, seconds = "commands", 0.01, 50, 900

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        self.usual, self.others = clips()
        alone = self.home / "alone"
        self._write_whole(alone)
        self.warned = ""
        self.rows = self._export(alone, home, "mfcc", seconds=300)

    def trial(self, generator: Generator, folder: Path) -> None:
        music, self.warned = folder / "clips", ""
        self._write_whole(music)
        notes = []
        for number in range(N_CLIPS):
            damaged = draw(self.usual, self.others if number % 4 == 0 else self.usual, generator)
            suffix = damaged.suffix if damaged.suffix in SUFFIX.values() else ".wav"
            (music / f"{number:02d}{suffix}").write_bytes(damaged.content)
            notes.append(f"{number:02d}{suffix}: {damaged.clip.name}: {damaged.note}")
        self.note = f"{N_CLIPS} damaged clips"
        (folder / "note.txt").write_text("\n".join(notes))
        check = self._run(folder, "check", music, "-o", folder / "findings.csv")
        if check.code == 2:
            raise Fault("check: nothing was done", check.err)
        rows = self._export(music, folder, "mfcc", seconds=300)
        for name, row in self.rows.items():
            if not np.array_equal(rows.get(name), row):
                raise Fault("silent: MFCCs of whole clips moved", name)
        named = set(pd.read_csv(folder / "findings.csv")["clip"])
        errors = set(pd.read_csv(folder / "mfcc_errors.csv")["filepath"])
        if errors - named:
            raise Fault("check has nothing against a clip that has no MFCCs", str(sorted(errors - named)))
        for path in sorted(music.iterdir())[N_CONVNET:N_CLIPS]:
            path.unlink()
        rows = self._export(music, folder, "random", seconds=600)
        values = np.stack([rows[f"whole{number}"] for number in range(N_WHOLE)])
        if values.std(axis=0).max() < 1e-6 or values.std(axis=1).max() < 1e-6:
            raise Fault("silent: convnet features have no spread", str(values))
        # The least of all: said where nothing else is wrong.
        if self.warned:
            raise Fault("a raw warning on standard error", self.warned)

    @staticmethod
    def _write_whole(folder: Path) -> None:
        for number in range(N_WHOLE):
            write(folder / f"whole{number}.wav", tune(1.0 + number, seed=number) * (number + 1) / 3)

    def _export(self, music: Path, folder: Path, features: str, seconds: float) -> dict[str, np.ndarray]:
        """Run ``features``, and judge what it left; return the rows by clip."""
        out = folder / f"{features}.csv"
        done = self._run(folder, "features", music, "-o", out, "--features", features, seconds=seconds)
        if done.code == 2:
            raise Fault(f"features {features}: nothing was done", done.err)
        table, errors = (pd.read_csv(path, dtype=_NAMES) for path in (out, folder / f"{features}_errors.csv"))
        if done.code != int(len(errors) > 0):
            raise Fault(f"features {features}: exit code {done.code} with {len(errors)} failed clips")
        filepaths = sorted([*table["filepath"], *errors["filepath"]])
        if filepaths != sorted(path.name for path in music.iterdir()):
            raise Fault(f"features {features}: not one row a clip", str(filepaths))
        rows = {row[0]: np.array(row[2:], float) for row in table.itertuples(index=False)}
        if not all(np.isfinite(row).all() for row in rows.values()):
            raise Fault(f"silent: {features} features are not finite")
        return rows

    def _run(self, folder: Path, *words: object, seconds: float = 300) -> Done:
        done = command(folder, *words, seconds=seconds)
        if "Traceback" in done.err:
            raise Fault(f"crash: {words[0]} {words[-1] if words[0] == 'features' else ''}: traceback: "
                        f"{done.err.strip().splitlines()[-1].partition(':')[0]}", done.err)  # fmt: skip
        if done.code not in _CODES:
            raise Fault(f"crash: {words[0]}: exit code {done.code}", done.err)
        if "Warning: " in done.err:
            self.warned = done.err
        if done.peak > 2000:
            raise Fault(f"{words[0]}: more than 2000 MB", f"{done.peak:.0f} MB")
        return done
